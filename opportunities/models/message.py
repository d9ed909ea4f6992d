"""Messages: every word that goes to a client or comes from one."""

from datetime import UTC, datetime, time, timedelta
from uuid import uuid4

from django.conf import settings
from django.contrib.postgres.functions import RandomUUID
from django.db import models
from django.utils.crypto import salted_hmac

from .. import clock, firstresponse, gates, policies
from ..records import REASON, Record, Refused, stage_field, transition
from ..scope import any_of, either_way, there_is
from .client import Client, Contact
from .task import About, Task, refuse_another_clients


def day_ends(day, zone):
    """Return when a day ends in a zone."""
    from ..repeating import zone_of  # it imports the models

    return datetime.combine(day + timedelta(days=1), time(), zone_of(zone)).astimezone(UTC)


class Message(About, Record):
    """A mail, a call or a meeting with a contact.

    draft → queued → sending → sent; a sending one that nobody confirmed is uncertain and asks a person, it
    is never sent twice by itself. A queued one can be held, a refused one has failed, and so has one that came back.
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
    key = models.UUIDField(default=uuid4, db_default=RandomUUID(), unique=True, editable=False)
    message_id = models.CharField(max_length=120, unique=True, editable=False)
    # The name before the @ to which an answer to this one goes; it says which one it answers.
    reply_key = models.CharField(max_length=40, blank=True, editable=False)
    in_reply_to = models.CharField(max_length=300, blank=True, editable=False)
    # What somebody asked at the portal, by its number there: our answer can be shown below it.
    portal_action_id = models.BigIntegerField(null=True, unique=True, editable=False)
    template_version = models.ForeignKey(
        "opportunities.TemplateVersion", models.PROTECT, null=True, editable=False, related_name="+"
    )
    # When it may go. What is queued goes by the order of this.
    go_at = models.DateTimeField(null=True, editable=False)
    # Which condition a held one waits for, and when that is looked at again.
    waits_for = models.CharField(max_length=8, choices=Task.Waits, blank=True, editable=False)
    again_at = models.DateTimeField(null=True, editable=False)
    # To which address it went, and of one that is a touch, the day there: one a day for each purpose.
    sent_to = models.CharField(max_length=254, blank=True, editable=False)
    touch_day = models.DateField(null=True, editable=False)
    # When that day ends where they were then. It stays when the day is given back: a late word may say that it went.
    touch_until = models.DateTimeField(null=True, editable=False)
    # The number that the mail provider gave it, by which it tells us later what became of it.
    provider_id = models.CharField(max_length=200, blank=True, editable=False)
    # When a call or a meeting was held, or a mail came in.
    happened_at = models.DateTimeField("when", null=True, blank=True)
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
            ),
            # A follow-up never has a second mail.
            models.UniqueConstraint(
                fields=["task"], name="one_mail_a_follow_up", condition=models.Q(task__isnull=False)
            ),
            models.UniqueConstraint(fields=["reply_key"], name="reply_key_once", condition=~models.Q(reply_key="")),
            models.UniqueConstraint(
                fields=["sent_to", "purpose", "touch_day"],
                name="one_touch_a_day",
                condition=models.Q(touch_day__isnull=False),
            ),
        ]
        indexes = [
            models.Index(fields=["sent_at", "id"], name="message_by_sent"),
            models.Index(fields=["go_at", "id"], name="message_queued", condition=models.Q(stage="queued")),
            models.Index(
                fields=["again_at"],
                name="message_waits",
                condition=models.Q(stage="held", again_at__isnull=False),
            ),
            models.Index(fields=["id"], name="message_troubled", condition=models.Q(stage__in=["failed", "uncertain"])),
            models.Index(fields=["contact", "-id"], name="message_of_contact"),
            models.Index(fields=["provider_id"], name="message_at_provider", condition=~models.Q(provider_id="")),
            models.Index(fields=["claimed_at"], name="message_sending", condition=models.Q(stage="sending")),
            models.Index(fields=["opportunity", "-id"], name="message_of_opportunity"),
            models.Index(fields=["record_type", "record_id"], name="message_about"),
            models.Index(fields=["record_type", "id"], name="message_of_kind", condition=~models.Q(record_type="")),
        ]

    def __str__(self):
        return f"{self.subject} {'to' if self.channel == self.Channel.MAIL else 'with'} {self.contact}"

    def clean(self):
        refuse_another_clients(self.contact_id and self.contact, self.opportunity)

    @property
    def walks(self) -> bool:
        """Whether it has a way to go. What came in and what was talked is there at once."""
        return self.stage != self.Stage.RECEIVED

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
        with_client = super().reach(user)
        if user.reaches_many:
            # Each is asked as a list comes to it: in an OR, the database would ask every client beforehand.
            with_client = there_is(Client._base_manager.filter(Client.reach(user), pk=models.OuterRef("client_id")))
        return either_way(
            cls,
            user,
            models.Q(opportunity_id__in=any_of(opportunities.ways_for(user))),
            models.Q(with_client, opportunity_id=None),
        )

    def within_reach(self, user, to):
        return self.parent.within_reach(user, to)

    def save(self, *args, **kwargs):
        if not self.message_id:
            # Of its key alone, so that it is the same however often it is made; salted, so that nobody guesses it.
            self.message_id = f"<{self.mark('id')}@{settings.AGENCY_EMAIL.rpartition('@')[2]}>"
            self.reply_key = self.mark("reply")[:32]
        super().save(*args, **kwargs)

    def mark(self, of: str) -> str:
        return salted_hmac(f"zarts.message.{of}", self.key.hex).hexdigest()

    @property
    def is_by_hand(self) -> bool:
        """Whether somebody wrote its words, here or in its follow-up; others were approved, or are a template's."""
        return self.channel == self.Channel.MAIL and (self.template in ("", "follow_up"))

    @property
    def mailed_words(self) -> str:
        """Return the body as its reader gets it, with their link."""
        return self.body.replace(self.LINK, self.secret_link)

    @property
    def is_touch(self) -> bool:
        """Whether nobody pressed a button for it: a follow-up, a step of a sequence, a letter of a campaign."""
        return self.task_id is not None

    @property
    def is_its_tasks(self) -> bool:
        """Whether a follow-up that is not closed looks after it: it waits, and goes, with that."""
        return self.task_id is not None and self.task.stage not in Task.CLOSED

    @property
    def turn(self) -> str:
        """What somebody says of one attempt is not said of the next."""
        return str(self.attempt)

    @property
    def may_have_gone(self) -> bool:
        """Whether it may have arrived, as far as anybody here knows: it was handed over, and never heard of as sent."""
        before = (self.Stage.SENDING, self.Stage.QUEUED, self.Stage.HELD, self.Stage.FAILED)
        again = self.stage in before and self.attempt > 0 and self.sent_at is None
        return again or self.stage == self.Stage.UNCERTAIN

    def refuse_another_attempt(self, attempt):
        """Hear a worker only about the attempt that is the latest: it may have been frozen while others went on."""
        if attempt is not None and attempt != self.attempt:
            raise Refused([f"{self} was taken up again meanwhile."])

    def wait_no_more(self):
        self.trouble, self.waits_for, self.again_at, self.go_at = "", "", None, clock.now()

    @transition(
        stage,
        source=[Stage.DRAFT, Stage.HELD],
        target=Stage.QUEUED,
        gates=[gates.is_mail, gates.its_link_is_open, gates.no_field_is_left, gates.it_waits_for_nothing],
        permission="opportunities.move_message",
        label="Send",
        past="queued",
    )
    def queue(self, *, by):
        """Let the pump send it: now, or at the time for which it was written."""
        later = self.go_at if self.stage == self.Stage.DRAFT and self.go_at and self.go_at > clock.now() else None
        self.wait_no_more()
        self.go_at = later or self.go_at

    @transition(
        stage,
        source=Stage.QUEUED,
        target=Stage.HELD,
        permission="opportunities.move_message",
        label="Hold",
        past="held",
        asks=REASON,
    )
    def hold(self, *, by, reason, waits_for="", again_at=None):
        """Keep it back, saying why. What waits for a condition goes by itself when that is met."""
        self.trouble, self.waits_for, self.again_at = reason[:300], waits_for, again_at

    @transition(
        stage,
        source=Stage.HELD,
        target=Stage.QUEUED,
        gates=[gates.is_mail, gates.its_link_is_open],
        permission=policies.by_itself,
        label="Go on",
        past="let go on",
    )
    def go_on(self, *, by):
        """What it waited for is so now."""
        self.wait_no_more()

    @transition(
        stage,
        source=Stage.QUEUED,
        target=Stage.SENDING,
        permission=policies.by_itself,
        label="Hand over",
        past="handed over",
    )
    def start_sending(self, *, by, touch_day=None):
        """Claim it, before the mail server hears of it. A touch takes its contact's day for its purpose."""
        self.attempt += 1
        self.claimed_at, self.touch_day = clock.now(), touch_day
        self.touch_until = touch_day and day_ends(touch_day, self.contact.time_zone)
        self.sent_to = self.contact.email.lower()

    @transition(
        stage,
        source=[Stage.SENDING, Stage.UNCERTAIN],
        target=Stage.QUEUED,
        permission=policies.by_itself,
        label="Put back",
        past="put back",
    )
    def release(self, *, by, reason, attempt, minutes=0):
        """It was claimed, and surely not handed over, or the server would not take it yet."""
        self.refuse_another_attempt(attempt)
        self.touch_day, self.go_at = None, clock.now() + timedelta(minutes=minutes)

    @transition(
        stage,
        source=[Stage.SENDING, Stage.UNCERTAIN, Stage.QUEUED, Stage.HELD, Stage.FAILED],
        target=Stage.SENT,
        permission=policies.by_itself,
        label="Mark as sent",
        past="sent",
    )
    def confirm_sent(self, *, by, attempt=None, provider_id=""):
        """The mail server took it, in whichever attempt: it goes no second time. Its word may come late, when it was
        doubted, is to be sent again, or waits for that."""
        latest = attempt == self.attempt and self.stage != self.Stage.FAILED
        if not latest and not self.may_have_gone:
            raise Refused([f"{self} was not handed over, or came back."])
        self.provider_id = provider_id[:200]
        self.went(by=None)

    @transition(
        stage,
        source=[Stage.SENDING, Stage.UNCERTAIN],
        target=Stage.FAILED,
        permission=policies.by_itself,
        label="Mark as failed",
        past="failed to send",
    )
    def fail(self, *, by, reason, attempt=None):
        """The mail server refused it."""
        self.refuse_another_attempt(attempt)
        self.trouble, self.touch_day = reason[:300], None

    @transition(
        stage,
        source=Stage.FAILED,
        target=Stage.QUEUED,
        gates=[gates.is_mail, gates.its_link_is_open],
        permission=policies.may_settle,
        label="Send again",
        past="queued again",
    )
    def retry(self, *, by):
        """Try once more: what was in its way is gone."""
        self.wait_no_more()

    @transition(
        stage,
        source=Stage.SENT,
        target=Stage.FAILED,
        permission=policies.by_itself,
        label="Mark as come back",
        past="got back",
    )
    def come_back(self, *, by, reason):
        """The mail server took it, and sent it back later."""
        self.trouble, self.touch_day = reason[:300], None

    @transition(
        stage,
        source=Stage.SENDING,
        target=Stage.UNCERTAIN,
        permission=policies.by_itself,
        label="Mark as uncertain",
        past="lost sight of",
    )
    def doubt(self, *, by, reason, attempt=None):
        """Nobody knows whether the mail server took it."""
        self.refuse_another_attempt(attempt)
        self.trouble = reason[:300]

    @transition(
        stage,
        source=Stage.UNCERTAIN,
        target=Stage.SENT,
        permission=policies.may_settle,
        label="It went",
        past="settled as sent:",
    )
    def settle_sent(self, *, by):
        """A person found out that it arrived."""
        self.went(by=by)

    @transition(
        stage,
        source=Stage.UNCERTAIN,
        target=Stage.QUEUED,
        gates=[gates.is_mail, gates.its_link_is_open],
        permission=policies.may_settle,
        label="Send it",
        past="settled as not sent:",
    )
    def settle_unsent(self, *, by):
        """A person found out that it never arrived."""
        self.touch_day = None
        self.wait_no_more()

    def went(self, *, by):
        self.secret_link, self.trouble, self.sent_at = "", "", clock.now()
        self.waits_for, self.again_at = "", None
        firstresponse.heard(self, by=by)

    @transition(
        stage,
        source=Stage.DRAFT,
        target=Stage.RECEIVED,
        permission=policies.by_itself,
        label="File as received",
        past="received",
    )
    def receive(self, *, by):
        """File what came in, or what was talked; when nobody said when, it was now."""
        self.happened_at = self.happened_at or clock.now()
        firstresponse.heard(self, by=by)
