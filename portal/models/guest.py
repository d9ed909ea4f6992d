from datetime import timedelta

from django.db import models
from django.utils import timezone

from portal.tokens import new_token, token_hash

from .unhandled import UnhandledQuerySet


class Guest(models.Model):
    """A contact who may sign in to the client's portal."""

    client_id = models.BigIntegerField()
    contact_id = models.BigIntegerField()
    name = models.CharField(max_length=200)
    email = models.EmailField()
    created_at = models.DateTimeField(default=timezone.now)
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["client_id", "email"], name="portal_guest_once_a_client"),
            models.CheckConstraint(
                condition=models.Q(email=models.functions.Lower("email")), name="portal_guest_email_lower"
            ),
        ]

    def __str__(self):
        return self.name

    def save(self, *args, **kwargs):
        self.email = self.email.strip().lower()
        super().save(*args, **kwargs)


class SignInRequest(models.Model):
    """Somebody asked for a sign-in link. A worker mails it; the portal never learns whether it knows the address."""

    email = models.CharField(max_length=254)
    address = models.CharField(max_length=64, blank=True)
    at = models.DateTimeField(default=timezone.now)
    handled_at = models.DateTimeField(null=True, blank=True)

    objects = UnhandledQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(fields=["id"], condition=models.Q(handled_at=None), name="portal_signinrequest_waiting"),
            models.Index(fields=["email", "at"], name="portal_signinrequest_email"),
            models.Index(fields=["address", "at"], name="portal_signinrequest_address"),
        ]

    def __str__(self):
        return self.email


class SignInLink(models.Model):
    """A key that lets one guest in, once, for a quarter of an hour."""

    LASTS = timedelta(minutes=15)

    guest = models.ForeignKey(Guest, models.PROTECT, related_name="sign_in_links")
    token_hash = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True, blank=True)

    def __str__(self):
        return f"Sign-in link for {self.guest_id}"

    @classmethod
    def mint(cls, guest):
        """Make a sign-in link for a guest and return its token, which cannot be read again."""
        token = new_token()
        cls.objects.create(guest=guest, token_hash=token_hash(token), expires_at=timezone.now() + cls.LASTS)
        return token


class Session(models.Model):
    """A guest who is signed in, until the session ends or is revoked."""

    guest = models.ForeignKey(Guest, models.PROTECT, related_name="sessions")
    client_id = models.BigIntegerField()
    token_hash = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField(default=timezone.now)
    seen_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True, blank=True)

    def __str__(self):
        return f"Session of {self.guest_id}"
