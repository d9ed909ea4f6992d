"""What staff are told: in the app, at once by mail, or with the mail of the day; and our own outgoing post."""

from uuid import uuid4

from django.conf import settings
from django.db import models
from django.utils import timezone

from .task import About


class Notice(About):
    """Something that one person of ours should know. It is unread until they open it."""

    class Kind(models.TextChoices):
        APPROVAL = "approval", "An approval is wanted from me, or was given"
        ANSWER = "answer", "A client answers"
        PAUSE = "pause", "Something of mine pauses"
        ESCALATION = "escalation", "A question goes on to somebody else"
        BREACH = "breach", "A promise of ours is late"
        MAIL = "mail", "A mail of mine failed, came back or is uncertain"
        DUE = "due", "A task of mine falls due"

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="notices")
    kind = models.CharField(max_length=10, choices=Kind)
    words = models.CharField(max_length=300)
    url = models.CharField(max_length=300)
    at = models.DateTimeField(default=timezone.now)
    read_at = models.DateTimeField(null=True)
    # The same thing is told to the same person once.
    key = models.CharField(max_length=160, unique=True)
    # It waits to be told in the mail of the day.
    in_digest = models.BooleanField(default=False)

    class Meta:
        default_permissions = ()
        indexes = [
            models.Index(fields=["user", "-id"], name="notice_of_user"),
            models.Index(fields=["user"], name="notice_unread", condition=models.Q(read_at=None)),
            models.Index(fields=["user", "id"], name="notice_for_digest", condition=models.Q(in_digest=True)),
        ]

    def __str__(self):
        return self.words


class NoticeChoice(models.Model):
    """How one person wants to be told of one kind of thing. Without one it is as `notices.USUAL` says."""

    class How(models.TextChoices):
        ON = "on", "Here and by mail at once"
        DIGEST = "digest", "Here and in the mail of the day"
        OFF = "off", "Not at all"

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="notice_choices")
    kind = models.CharField(max_length=10, choices=Notice.Kind)
    how = models.CharField(max_length=6, choices=How)

    class Meta:
        default_permissions = ()
        constraints = [models.UniqueConstraint(fields=["user", "kind"], name="notice_choice_once")]

    def __str__(self):
        return f"{self.get_kind_display()}: {self.get_how_display()}"


class Letter(models.Model):
    """A mail to one of us: a notice at once, the mail of the day. It goes the way of a message, without a diary."""

    class State(models.TextChoices):
        QUEUED = "queued"
        SENDING = "sending"
        SENT = "sent"
        FAILED = "failed"
        UNCERTAIN = "uncertain"

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="letters")
    # What it says, and to whom: the same is written once.
    key = models.CharField(max_length=160, unique=True)
    subject = models.CharField(max_length=200)
    body = models.TextField()
    number = models.UUIDField(default=uuid4, unique=True)
    state = models.CharField(max_length=10, choices=State, default=State.QUEUED)
    go_at = models.DateTimeField(default=timezone.now)
    claimed_at = models.DateTimeField(null=True)
    attempt = models.PositiveSmallIntegerField(default=0)
    sent_at = models.DateTimeField(null=True)
    trouble = models.CharField(max_length=300, blank=True)

    class Meta:
        default_permissions = ()
        indexes = [
            models.Index(fields=["go_at", "id"], name="letter_queued", condition=models.Q(state="queued")),
            models.Index(fields=["claimed_at"], name="letter_sending", condition=models.Q(state="sending")),
            models.Index(fields=["id"], name="letter_troubled", condition=models.Q(state__in=["failed", "uncertain"])),
        ]

    def __str__(self):
        return self.subject
