from datetime import timedelta

from django.db import models
from django.utils import timezone

from portal.tokens import new_token, token_hash


class Preview(models.Model):
    """Somebody of the agency who looks at the portal as a client. It reads as a guest does, and writes nothing.

    It is no session: every door that writes asks for one, and finds none.
    """

    ENTRY_LASTS = timedelta(minutes=5)

    client_id = models.BigIntegerField()
    client_name = models.CharField(max_length=200)
    # The proposal or contract that it opens with.
    publication_id = models.BigIntegerField(null=True, blank=True)
    made_by = models.CharField(max_length=200)
    entry_hash = models.CharField(max_length=64, unique=True)
    made_at = models.DateTimeField(default=timezone.now)
    enter_until = models.DateTimeField()
    token_hash = models.CharField(max_length=64, unique=True, null=True, blank=True)
    ends_at = models.DateTimeField(null=True, blank=True)

    def __str__(self):
        return f"Preview of {self.client_name} by {self.made_by}"

    @classmethod
    def mint(cls, **fields):
        """Make a way into a preview; return its token, which works once, for five minutes."""
        token = new_token()
        cls.objects.create(entry_hash=token_hash(token), enter_until=timezone.now() + cls.ENTRY_LASTS, **fields)
        return token
