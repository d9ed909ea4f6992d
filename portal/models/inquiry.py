from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.utils import timezone

from .unhandled import UnhandledQuerySet


class Inquiry(models.Model):
    """What a stranger sent through the public form, once for each key."""

    key = models.UUIDField(unique=True)
    name = models.CharField(max_length=120)
    email = models.CharField(max_length=254)
    phone = models.CharField(max_length=40, blank=True)
    company = models.CharField(max_length=160, blank=True)
    website = models.CharField(max_length=300, blank=True)
    message = models.TextField(blank=True)
    consent = models.BooleanField()
    consent_version = models.CharField(max_length=40)
    # Sent faster than people type: it is kept, and somebody looks whether a person wrote it.
    doubtful = models.BooleanField(default=False)
    source = models.JSONField(default=dict, encoder=DjangoJSONEncoder)
    # Which program sent it, and the fingerprint of what it sent: the same key may bring the same words only.
    token = models.ForeignKey(
        "IntakeToken", models.PROTECT, null=True, blank=True, db_index=False, related_name="inquiries"
    )
    content_digest = models.CharField(max_length=64, blank=True, default="", db_default="")
    address = models.CharField(max_length=64, blank=True)
    at = models.DateTimeField(default=timezone.now)
    handled_at = models.DateTimeField(null=True, blank=True)
    lead_id = models.BigIntegerField(null=True, blank=True)

    objects = UnhandledQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "inquiries"
        indexes = [
            models.Index(fields=["id"], condition=models.Q(handled_at=None), name="portal_inquiry_waiting"),
            models.Index(fields=["token", "at"], condition=~models.Q(token=None), name="portal_inquiry_of_token"),
        ]

    def __str__(self):
        return f"{self.name}, {self.company}" if self.company else self.name
