"""Mail that came in, until it stands with the deal that it is about."""

from django.db import models
from django.utils import timezone

from .. import policies
from ..records import REASON, DiaryKeeper, Record, stage_field, transition
from ..walls import settled
from .client import Contact
from .lead import Lead
from .message import Message
from .opportunity import Opportunity

MOVE = "opportunities.move_inboundmail"


class InboundMail(DiaryKeeper, Record):
    """A mail as it came in, with where it belongs.

    unmatched → filed with a deal or a lead, or set aside; one that was set aside can be looked at again.
    """

    class Stage(models.TextChoices):
        UNMATCHED = "unmatched"
        FILED = "filed"
        SET_ASIDE = "set_aside", "Set aside"

    CLOSED = (Stage.FILED, Stage.SET_ASIDE)
    PATH = (Stage.UNMATCHED, Stage.FILED)

    class Kind(models.TextChoices):
        LETTER = "letter", "A letter"
        AUTOMATIC = "automatic", "An automatic answer"
        BOUNCE = "bounce", "A mail that came back"

    # Of the whole mail: the same one that comes twice, by whatever way, is one.
    digest = models.CharField(max_length=64, unique=True, editable=False)
    mail_id = models.CharField(max_length=300, blank=True, editable=False)
    kind = models.CharField(max_length=10, choices=Kind, default=Kind.LETTER, editable=False)
    via = models.CharField(max_length=30, editable=False)
    from_address = models.CharField("from", max_length=254, blank=True, editable=False)
    from_name = models.CharField(max_length=200, blank=True, editable=False)
    to_addresses = models.TextField("to", blank=True, editable=False)
    subject = models.CharField(max_length=200, blank=True, editable=False)
    words = models.TextField(blank=True, editable=False)
    size = models.PositiveIntegerField("bytes", default=0, editable=False)
    # The mail itself, where it is not too large to be kept.
    raw = models.FileField(upload_to="mail", blank=True, editable=False)
    received_at = models.DateTimeField(default=timezone.now, editable=False)
    # The mail of ours that it names: it answers that one, or brings it back.
    answers = models.ForeignKey(Message, models.PROTECT, null=True, blank=True, editable=False, related_name="+")
    # Whether its sender is who it says, by whom we believe. None: nobody says.
    vouched = models.BooleanField(null=True, editable=False)
    # Why nobody knew where it belongs.
    trouble = models.CharField(max_length=300, blank=True, editable=False)
    message = models.OneToOneField(
        Message, models.PROTECT, null=True, blank=True, editable=False, related_name="inbound"
    )
    lead = models.ForeignKey(Lead, models.PROTECT, null=True, blank=True, editable=False, related_name="mails")
    stage = stage_field(Stage, Stage.UNMATCHED)

    class Meta(DiaryKeeper.Meta):
        verbose_name = "mail that came in"
        verbose_name_plural = "mails that came in"
        permissions = [("move_inboundmail", "Can file mail that came in, and set it aside")]
        indexes = [
            models.Index(fields=["-id"], name="inbound_unmatched", condition=models.Q(stage="unmatched")),
            models.Index(fields=["from_address"], name="inbound_waits", condition=models.Q(stage="unmatched")),
            models.Index(fields=["from_address"], name="inbound_unnumbered", condition=models.Q(mail_id="")),
        ]
        triggers = [settled("letter_stays", "digest", "from_address", "subject", "words", "raw", "received_at")]

    def __str__(self):
        return f"“{self.subject or 'No subject'}” from {self.from_address or 'nobody'}"[:200]

    @property
    def fold(self) -> tuple[str, str]:
        """Return what is new in it, and what it quotes."""
        from .. import reading  # it knows the forms, which know the models

        return reading.fold(self.words)

    @classmethod
    def reach(cls, user):
        """What is filed goes with its deal or its lead. What is not goes with the mail of ours that it names.

        What names none is there for all who may file it.
        """
        if user.sees_all:
            return models.Q()
        mine = Message.reached_by(user)
        filed = models.Q(message__in=mine) | models.Q(lead__in=Lead.reached_by(user))
        waiting = ~models.Q(stage=cls.Stage.FILED) & (models.Q(answers=None) | models.Q(answers__in=mine))
        return filed | waiting if user.has_perm(MOVE) else filed

    def within_reach(self, user, to):
        if above := self.message or self.lead:
            return above.within_reach(user, to)
        may_file = user.sees_all or user.has_perm(MOVE)
        return may_file and (self.answers is None or self.answers.within_reach(user, to))

    @transition(
        stage,
        source=Stage.UNMATCHED,
        target=Stage.FILED,
        permission=MOVE,
        label="File",
        past="filed",
        asks="opportunities.filing.FileForm",
    )
    def file(
        self,
        *,
        by,
        opportunity: Opportunity | None = None,
        contact: Contact | None = None,
        lead: Lead | None = None,
        name="",
        email="",
    ):
        """Put it where it belongs: with a lead, or with a deal and who of the client wrote it, known or new."""
        from .. import incoming  # it imports the models

        where = {"opportunity": opportunity, "contact": contact, "lead": lead, "name": name, "email": email}
        self.message, self.lead = incoming.file(self, by=by, **where)

    @transition(
        stage,
        source=Stage.UNMATCHED,
        target=Stage.FILED,
        permission=policies.by_itself,
        label="Match",
        past="matched",
    )
    def match(self, *, by, message=None, lead=None):
        """It says itself where it belongs."""
        self.message, self.lead = message, lead

    @transition(
        stage,
        source=Stage.UNMATCHED,
        target=Stage.SET_ASIDE,
        permission=MOVE,
        label="Set aside",
        past="set aside",
        asks=REASON,
    )
    def set_aside(self, *, by, reason):
        """It is about no deal and no lead of ours."""

    @transition(
        stage,
        source=Stage.SET_ASIDE,
        target=Stage.UNMATCHED,
        permission=MOVE,
        label="Look at it again",
        past="took up again:",
    )
    def take_up(self, *, by):
        """Put it back into the queue."""
