"""Messages: every word that goes to a client or comes from one."""

from django.conf import settings
from django.db import models

from .. import firstresponse, gates, policies
from ..records import Record, stage_field, transition
from .client import Client, Contact
from .task import About, Task, refuse_another_clients


class Message(About, Record):
    """A mail, a call or a meeting with a contact.

    draft → queued → sending → sent; a sending one that nobody confirmed is uncertain and asks a person, it
    is never sent twice by itself. A queued one can be held, a refused one has failed.
    """

    belongs_to = "client"

    class Stage(models.TextChoices):
        DRAFT = "draft"
        QUEUED = "queued"
        SENDING = "sending"
        SENT = "sent"
        FAILED = "failed"
        HELD = "held"
        UNCERTAIN = "uncertain"
        RECEIVED = "received"

    CLOSED = (Stage.SENT, Stage.RECEIVED)
    # Stands in the body for a link that is as good as a signature: only its reader gets to see it.
    LINK = "[their own link, which only the mail itself shows]"

    class Channel(models.TextChoices):
        MAIL = "mail"
        CALL = "call"
        MEETING = "meeting"

    client = models.ForeignKey(Client, models.PROTECT, related_name="messages")
    opportunity = models.ForeignKey(
        "opportunities.Opportunity", models.PROTECT, null=True, blank=True, related_name="messages"
    )
    contact = models.ForeignKey(Contact, models.PROTECT, related_name="messages")
    task = models.ForeignKey(Task, models.PROTECT, null=True, blank=True, editable=False, related_name="messages")
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    channel = models.CharField(max_length=8, choices=Channel, default=Channel.MAIL)
    purpose = models.CharField(max_length=14, default="transactional")
    template = models.CharField(max_length=40, blank=True)
    subject = models.CharField(max_length=200)
    body = models.TextField()
    # The link itself, until the mail server has it. No page, event or export shows it.
    secret_link = models.CharField(max_length=300, blank=True, editable=False)
    # Made once: a mail server that saw it before can tell, and so can a person who settles an uncertain one.
    message_id = models.CharField(max_length=120, unique=True, editable=False)
    claimed_at = models.DateTimeField(null=True, editable=False)
    attempt = models.PositiveSmallIntegerField(default=0, editable=False)
    sent_at = models.DateTimeField(null=True, editable=False)
    trouble = models.CharField(max_length=300, blank=True, editable=False)
    stage = stage_field(Stage, Stage.DRAFT)

    class Meta(Record.Meta):
        permissions = [("move_message", "Can queue, hold and settle messages")]
        constraints = [
            models.CheckConstraint(
                name="sent_message_keeps_no_secret", condition=~models.Q(stage="sent") | models.Q(secret_link="")
            )
        ]
        indexes = [
            models.Index(fields=["id"], name="message_queued", condition=models.Q(stage="queued")),
            models.Index(fields=["claimed_at"], name="message_sending", condition=models.Q(stage="sending")),
            models.Index(fields=["opportunity", "-id"], name="message_of_opportunity"),
        ]

    def __str__(self):
        return f"{self.subject} to {self.contact}"

    def clean(self):
        refuse_another_clients(self.contact_id and self.contact, self.opportunity)

    @property
    def parent(self):
        return self.opportunity or self.client

    @property
    def diary_id(self):
        return self.parent.diary_id

    @classmethod
    def lineage(cls):
        return ["client", "contact"]

    @classmethod
    def reach(cls, user):
        """With its opportunity; one that belongs to none goes with its client."""
        if user.sees_all:
            return models.Q()
        opportunities = cls._meta.get_field("opportunity").related_model
        theirs = opportunities._base_manager.filter(opportunities.reach(user)).values("pk")
        return models.Q(opportunity__in=theirs) | models.Q(super().reach(user), opportunity=None)

    def within_reach(self, user, to):
        return self.parent.within_reach(user, to)

    def save(self, *args, **kwargs):
        if not self.message_id:
            from email.utils import make_msgid

            self.message_id = make_msgid(domain=settings.AGENCY_EMAIL.rpartition("@")[2])
        super().save(*args, **kwargs)

    @property
    def mailed_words(self) -> str:
        """Return the body as its reader gets it, with their link."""
        return self.body.replace(self.LINK, self.secret_link)

    @transition(
        stage,
        source=[Stage.DRAFT, Stage.HELD, Stage.FAILED],
        target=Stage.QUEUED,
        gates=[gates.its_link_is_open],
        permission="opportunities.move_message",
        label="Send",
        past="queued",
    )
    def queue(self, *, by):
        """Let the pump send it."""
        self.trouble = ""

    @transition(
        stage,
        source=Stage.QUEUED,
        target=Stage.HELD,
        permission="opportunities.move_message",
        label="Hold",
        past="held",
        asks="opportunities.forms.ReasonForm",
    )
    def hold(self, *, by, reason):
        """Keep it back."""
        self.trouble = reason[:300]

    @transition(
        stage,
        source=Stage.QUEUED,
        target=Stage.SENDING,
        permission=policies.by_itself,
        label="Hand over",
        past="handed over",
    )
    def start_sending(self, *, by):
        """Claim it, before the mail server hears of it."""
        self.attempt += 1

    @transition(
        stage, source=Stage.SENDING, target=Stage.SENT, permission=policies.by_itself, label="Mark as sent", past="sent"
    )
    def confirm_sent(self, *, by):
        """The mail server took it."""
        self.secret_link = ""
        firstresponse.heard(self, by=None)

    @transition(
        stage,
        source=Stage.SENDING,
        target=Stage.FAILED,
        permission=policies.by_itself,
        label="Mark as failed",
        past="failed to send",
    )
    def fail(self, *, by, reason):
        """The mail server refused it."""
        self.trouble = reason[:300]

    @transition(
        stage,
        source=Stage.SENDING,
        target=Stage.UNCERTAIN,
        permission=policies.by_itself,
        label="Mark as uncertain",
        past="lost sight of",
    )
    def doubt(self, *, by, reason):
        """Nobody knows whether the mail server took it."""
        self.trouble = reason[:300]

    @transition(
        stage,
        source=Stage.UNCERTAIN,
        target=Stage.SENT,
        permission="opportunities.move_message",
        label="It went",
        past="settled as sent:",
    )
    def settle_sent(self, *, by):
        """A person found out that it arrived."""
        self.secret_link = ""
        firstresponse.heard(self, by=by)

    @transition(
        stage,
        source=Stage.UNCERTAIN,
        target=Stage.QUEUED,
        gates=[gates.its_link_is_open],
        permission="opportunities.move_message",
        label="Send it",
        past="settled as not sent:",
    )
    def settle_unsent(self, *, by):
        """A person found out that it never arrived."""

    @transition(
        stage,
        source=Stage.DRAFT,
        target=Stage.RECEIVED,
        permission=policies.by_itself,
        label="File as received",
        past="received",
    )
    def receive(self, *, by):
        """File what came in, or what was talked."""
        firstresponse.heard(self, by=by)
