from datetime import timedelta

from django.db import models
from django.utils import timezone

from portal.devices import device
from portal.tokens import new_code, new_token, token_hash

from .unhandled import UnhandledQuerySet


class Guest(models.Model):
    """A contact who may sign in to the client's portal."""

    client_id = models.BigIntegerField()
    # The client's name, for a person who is a guest of several.
    client_name = models.CharField(max_length=200, blank=True, default="", db_default="")
    contact_id = models.BigIntegerField()
    name = models.CharField(max_length=200)
    email = models.EmailField()
    created_at = models.DateTimeField(default=timezone.now)
    revoked_at = models.DateTimeField(null=True, blank=True)
    # Who of the agency took it away. Then nothing but a person of the agency gives it again.
    taken_by = models.CharField(max_length=200, blank=True, default="", db_default="")

    class Meta:
        indexes = [models.Index(fields=["email"], name="portal_guest_by_email")]
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
    # The address, or of IPv6 the /64 around it: what one household or office has.
    network = models.CharField(max_length=64, blank=True, default="", db_default="")
    at = models.DateTimeField(default=timezone.now)
    handled_at = models.DateTimeField(null=True, blank=True)
    # Of the secret in the cookie of the browser that asked: the code lets in that browser alone.
    nonce_hash = models.CharField(max_length=64, blank=True, default="", db_default="")
    tries = models.PositiveSmallIntegerField(default=0, db_default=0)
    # The code that was typed last, and in which transaction: it is compared in another one, so no try is undone.
    tried_hash = models.CharField(max_length=64, blank=True, default="", db_default="")
    tried_in = models.BigIntegerField(default=0, db_default=0)
    # The page of the portal that they came for, as the door took it.
    leads_to = models.CharField(max_length=120, blank=True, default="", db_default="")

    objects = UnhandledQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(fields=["id"], condition=models.Q(handled_at=None), name="portal_signinrequest_waiting"),
            models.Index(fields=["email", "at"], name="portal_signinrequest_email"),
            models.Index(fields=["network", "at"], name="portal_signinrequest_network"),
            models.Index(fields=["nonce_hash"], condition=~models.Q(nonce_hash=""), name="portal_signinrequest_nonce"),
        ]

    def __str__(self):
        return self.email


class SignInLink(models.Model):
    """A key that lets one person in, once, for a quarter of an hour: a link, or six digits in the browser that asked.

    It lets in whoever has the guest's mail address, to any of the clients whose guest they are.
    """

    LASTS = timedelta(minutes=15)

    guest = models.ForeignKey(Guest, models.PROTECT, related_name="sign_in_links")
    request = models.ForeignKey(SignInRequest, models.PROTECT, null=True, blank=True, related_name="links")
    token_hash = models.CharField(max_length=64, unique=True)
    code_hash = models.CharField(max_length=64, blank=True, default="", db_default="")
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

    @classmethod
    def answer(cls, request, guest):
        """Make what a request asked for: return the token of a link, and the code that does the same."""
        token, code = new_token(), new_code()
        cls.objects.create(
            guest=guest,
            # One that was never asked at a page has no browser that could type the code.
            request=request if request.pk else None,
            token_hash=token_hash(token),
            code_hash=token_hash(f"{request.nonce_hash}:{code}") if request.nonce_hash else "",
            expires_at=timezone.now() + cls.LASTS,
        )
        return token, code


class Session(models.Model):
    """A person who is signed in, in the room of one client, until the session ends or is revoked."""

    guest = models.ForeignKey(Guest, models.PROTECT, related_name="sessions")
    client_id = models.BigIntegerField()
    # Whose it is. The guest and the client change when they go over to another client's room.
    email = models.CharField(max_length=254, blank=True, default="", db_default="")
    token_hash = models.CharField(max_length=64, unique=True)
    address = models.CharField(max_length=64, blank=True, default="", db_default="")
    user_agent = models.CharField(max_length=400, blank=True, default="", db_default="")
    created_at = models.DateTimeField(default=timezone.now)
    seen_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [models.Index(fields=["email"], condition=models.Q(revoked_at=None), name="portal_session_by_email")]

    def __str__(self):
        return f"Session of {self.guest_id}"

    @property
    def device(self) -> str:
        return device(self.user_agent)
