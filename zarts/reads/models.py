"""The tokens with which programs read, and later write: whose they are, what for, and until when."""

import re
from datetime import timedelta

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils import timezone

from portal.models.token import SecretToken
from portal.tokens import token_hash

LONGEST = timedelta(days=366)
# A token that ends so soon says so where it is listed.
SOON = timedelta(days=14)
# That it was used is noted at most so often.
NOTED = timedelta(minutes=1)


class Token(SecretToken):
    """The key of a program of ours.

    One of a member of staff acts within their reach and rights, and ends with their account. One of a service reads
    all that its scopes name; its owner answers for it.
    """

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    is_service = models.BooleanField(default=False)
    # Such as read:leads.admin, read:*.portal or write:leads.
    scopes = ArrayField(models.CharField(max_length=60))
    expires_at = models.DateTimeField()
    # When whoever answers for a service that writes said so: nobody is made to by somebody else.
    agreed_at = models.DateTimeField(null=True)

    class Meta(SecretToken.Meta):
        abstract = False
        indexes = [models.Index(fields=["owner", "-id"], name="token_of_owner")]
        constraints = [
            models.CheckConstraint(
                name="token_ends_within_a_year",
                condition=models.Q(expires_at__lte=models.F("created_at") + LONGEST),
            )
        ]

    @classmethod
    def of(cls, secret: str):
        """Return the row of a token, or None: it is none of ours."""
        return cls.objects.filter(token_hash=token_hash(secret)).select_related("owner__team").first()

    @property
    def is_owned(self) -> bool:
        """Whether its owner still works here."""
        return self.owner.is_active and self.owner.is_staff

    @property
    def why_not(self) -> str:
        """Say why it opens nothing any more. Empty while it does."""
        if self.revoked_at:
            return f"This token was revoked on {spoken(self.revoked_at)}. Ask {self.owner} for another."
        if self.expires_at <= timezone.now():
            return f"This token ended on {spoken(self.expires_at)}. Make another."
        if not self.is_service and not self.is_owned:
            return "This token belongs to somebody who does not work here any more. Make one of your own."
        return ""

    @property
    def writes(self) -> bool:
        return any(scope.startswith("write:") for scope in self.scopes)

    @property
    def asks_for_a_word(self) -> bool:
        """Whether it writes nothing yet, because whoever is to answer for it did not say so."""
        return self.is_service and self.writes and self.agreed_at is None and self.works

    @property
    def why_not_write(self) -> str:
        """Say why it writes nothing, whatever its scopes are. Empty where it does."""
        if not self.is_service:
            return ""
        if not self.is_owned:
            return f"Nobody answers for {self.name}: {self.owner} does not work here any more. Make another token."
        if self.agreed_at is None:
            return f"{self.owner} is to answer for {self.name}, and has not said so yet. They do that under Tokens."
        return ""

    @property
    def works(self) -> bool:
        return not self.why_not

    @property
    def ends_soon(self) -> bool:
        return self.works and self.expires_at - timezone.now() <= SOON

    def allows(self, scope: str) -> bool:
        """Whether one of its scopes covers this one: `read:*.portal` covers `read:leads.portal`."""
        return any(covers(held, scope) for held in self.scopes)

    def note_use(self):
        now = timezone.now()
        lately = models.Q(last_used_at=None) | models.Q(last_used_at__lt=now - NOTED)
        type(self).objects.filter(lately, pk=self.pk).update(last_used_at=now)


def covers(held: str, asked: str) -> bool:
    """Whether a scope that is held covers one that is asked for, part by part."""
    held_parts, asked_parts = re.split("[:.]", held), re.split("[:.]", asked)
    if len(held_parts) != len(asked_parts):
        return False
    return all(mine in ("*", wanted) for mine, wanted in zip(held_parts, asked_parts, strict=True))


def spoken(moment) -> str:
    return f"{timezone.localtime(moment):%-d %B %Y at %H:%M %Z}"
