import hashlib
import json

from django.core.serializers.json import DjangoJSONEncoder
from django.db import models, transaction
from django.utils import timezone


def digest_of(kind, ref, title, body):
    """Return the fingerprint of what a client is shown, so that an answer can name exactly that."""
    shown = json.dumps([kind, ref, title, body], cls=DjangoJSONEncoder, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(shown.encode()).hexdigest()


class PublicationQuerySet(models.QuerySet):
    def shown(self):
        """Return what the portal may read, newest first: its login holds these columns and no others."""
        return self.filter(withdrawn_at=None).only(*Publication.SHOWN).order_by("-published_at", "-id")

    def newest(self):
        """Return the newest publication of each record that is not withdrawn, newest first."""
        newest = self.shown().order_by("kind", "ref", "-published_at", "-id").distinct("kind", "ref")
        return sorted(newest, key=lambda publication: (publication.published_at, publication.pk), reverse=True)


class Publication(models.Model):
    """What one client may see of one record, frozen at the moment it was approved."""

    SHOWN = ("id", "client_id", "kind", "ref", "title", "body", "digest", "published_at", "withdrawn_at", "open_until")

    class Kind(models.TextChoices):
        PROPOSAL = "proposal"
        CONTRACT = "contract"
        REPORT = "report"
        ONBOARDING = "onboarding"
        STATUS = "status"
        ANSWER = "answer"
        NOTICE = "notice"

    client_id = models.BigIntegerField(db_index=True)
    opportunity_id = models.BigIntegerField(null=True, blank=True)
    kind = models.CharField(max_length=20, choices=Kind)
    ref = models.CharField(max_length=100)
    title = models.CharField(max_length=200)
    body = models.JSONField(encoder=DjangoJSONEncoder)
    digest = models.CharField(max_length=64)
    approved_by = models.CharField(max_length=200)
    published_at = models.DateTimeField(default=timezone.now)
    withdrawn_at = models.DateTimeField(null=True, blank=True)
    withdrawn_reason = models.TextField(blank=True)
    # What an answer answers. Nothing else has one.
    question = models.ForeignKey("portal.ClientAction", models.PROTECT, null=True, blank=True, related_name="answers")
    # Until when a contract can be signed. Beside what is signed: it can be prolonged while people sign.
    open_until = models.DateTimeField(null=True, blank=True)

    objects = PublicationQuerySet.as_manager()

    class Meta:
        indexes = [models.Index(fields=["kind", "ref", "-published_at"], name="portal_publication_newest")]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(kind="answer", question__isnull=False)
                | (~models.Q(kind="answer") & models.Q(question__isnull=True)),
                name="portal_answer_has_its_question",
            ),
            models.UniqueConstraint(
                fields=["question"],
                condition=models.Q(withdrawn_at=None, question__isnull=False),
                name="portal_one_answer_in_force",
            ),
        ]

    def __str__(self):
        return self.title

    @classmethod
    def publish(cls, *, kind, ref, title, body, **fields):
        """Freeze approved words for a client, with their fingerprint."""
        # What is read back from JSON is what is fingerprinted, so that dates and decimals cannot differ.
        body = json.loads(json.dumps(body, cls=DjangoJSONEncoder))
        fields.setdefault("digest", digest_of(kind, ref, title, body))
        return cls.objects.create(kind=kind, ref=ref, title=title, body=body, **fields)

    def keep_open(self, until):
        """Let a contract be signed until then. It waits for whoever signs at this moment."""
        type(self).objects.filter(pk=self.pk, withdrawn_at=None).update(open_until=until)
        self.open_until = until

    def withdraw(self, reason):
        """Take this back from the client. Nothing else of it can change, and this only once.

        Its links are locked first, in the order in which an answer locks, so that an
        answer and a withdrawal at the same moment have one winner.
        """
        with transaction.atomic():
            list(self.links.select_for_update().order_by("id"))
            now = timezone.now()
            open_ones = type(self).objects.filter(pk=self.pk, withdrawn_at=None)
            if open_ones.update(withdrawn_at=now, withdrawn_reason=reason):
                self.withdrawn_at, self.withdrawn_reason = now, reason
