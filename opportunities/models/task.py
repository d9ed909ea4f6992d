"""Tasks: every promised follow-up, review, contract step and handoff step."""

from django.apps import apps
from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models, transaction
from django.utils import formats, timezone

from .. import clock
from ..records import REASON, KeptQuerySet, Lack, Record, Refused, edit, lock, perform, stage_field, transition
from ..scope import any_of, either_way
from .client import Contact
from .event import Diary
from .user import known_time_zone


def refuse_another_clients(contact, opportunity, field="contact"):
    """Refuse a contact who belongs to another client than the deal."""
    if contact and opportunity and contact.client_id != opportunity.client_id:
        raise ValidationError({field: f"Choose somebody at {opportunity.client}: this deal is theirs."})


def said(at, zone="") -> str:
    """Say a time by the clock of a zone, or of whoever is at the page: Fri 4 Dec 2026, 14:05 CET."""
    from ..repeating import zone_of  # it imports the models

    return formats.date_format(timezone.localtime(at, zone_of(zone) if zone else None), "DATETIME_FORMAT")


class About(models.Model):
    """A pointer to any record, by the name that events use for its kind."""

    record_type = models.CharField(max_length=60, blank=True, editable=False)
    record_id = models.BigIntegerField(null=True, editable=False)

    class Meta:
        abstract = True

    @property
    def record(self):
        """Return the record that this is about, or None."""
        return (
            apps.get_model(self.record_type)._base_manager.filter(pk=self.record_id).first()
            if self.record_type
            else None
        )


class TaskQuerySet(KeptQuerySet):
    def open(self):
        return self.filter(stage=Task.Stage.OPEN)

    def unfinished(self):
        """Return what is neither done nor cancelled, whether it is open or waits."""
        return self.exclude(stage__in=Task.CLOSED)

    def promised(self):
        """Return what is still to be done: what is open, and what waits and says why."""
        return self.filter(models.Q(stage=Task.Stage.OPEN) | models.Q(stage=Task.Stage.PAUSED, paused_because__gt=""))

    def about(self, record):
        return self.filter(record_type=record.label(), record_id=record.pk)

    def overdue(self):
        return self.open().filter(due_at__lt=timezone.now())

    def knowing_questions(self):
        """Know of each task whether it is to decide something that nobody has decided yet, and whether it is stopped.

        A question is done by deciding it. What is stopped is not done before somebody said what becomes of it.
        """
        asking = [model for model in apps.get_models() if getattr(model, "ASKS", ())]
        open_ones = [
            models.When(
                models.Q(record_type=model.label())
                & models.Exists(model._base_manager.filter(pk=models.OuterRef("record_id"), stage__in=model.ASKS)),
                then=True,
            )
            for model in asking
        ]
        stopping = [model for model in apps.get_models() if getattr(model, "STOPS", ())]
        stops = [
            models.When(
                models.Exists(model._base_manager.filter(task=models.OuterRef("pk"), stage__in=model.STOPS)), then=True
            )
            for model in stopping
        ]
        return self.annotate(
            is_question=models.Case(*open_ones, default=False), is_stopped=models.Case(*stops, default=False)
        )


class Task(About, Record):
    """Something that somebody promised to do by a time.

    open → done or cancelled; an open one can wait, paused with its reason.
    """

    class Stage(models.TextChoices):
        OPEN = "open"
        DONE = "done"
        CANCELLED = "cancelled"
        PAUSED = "paused"

    CLOSED = (Stage.DONE, Stage.CANCELLED)

    class Waits(models.TextChoices):
        """What a task that is paused by itself waits for: one of the four conditions."""

        CONSENT = "consent"
        TIMING = "timing"
        SOURCE = "source", "Source context"
        PATH = "path", "Decision path"
        WORDS = "words", "Words of the mail"

    class Repeats(models.TextChoices):
        DAILY = "daily", "Every day"
        WORKDAYS = "workdays", "Every workday"
        WEEKLY = "weekly", "Every week"
        MONTHLY = "monthly", "Every month"

    class Kind(models.TextChoices):
        FOLLOW_UP = "follow_up", "Follow-up"
        PROPOSAL_REVIEW = "proposal_review", "Proposal review"
        CONTRACT_STEP = "contract_step", "Contract step"
        ONBOARDING_HANDOFF = "onboarding_handoff", "Onboarding handoff"
        WIN_BACK = "win_back", "Win-back"
        REPORT = "report"
        OTHER = "other"

    diary = models.ForeignKey(Diary, models.PROTECT, editable=False, related_name="+")
    diary_id: int
    opportunity = models.ForeignKey(
        "opportunities.Opportunity", models.PROTECT, null=True, blank=True, related_name="tasks"
    )
    lead = models.ForeignKey("opportunities.Lead", models.PROTECT, null=True, blank=True, related_name="tasks")
    kind = models.CharField(max_length=20, choices=Kind, default=Kind.OTHER)
    title = models.CharField(max_length=200)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="tasks")
    due_at = models.DateTimeField("due")
    # Where it was said when it is due: a task that repeats keeps its hour there. Empty: the agency's.
    time_zone = models.CharField("time zone", max_length=40, blank=True, validators=[known_time_zone])
    promised_to = models.ForeignKey(
        Contact, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="promised to"
    )
    repeats = models.CharField(max_length=8, choices=Repeats, blank=True)
    repeats_until = models.DateField("repeats until", null=True, blank=True)
    # The time that its rhythm counts from; empty: when it is due. Putting one off does not move those that follow.
    repeats_from = models.DateTimeField(null=True, editable=False)
    # The one before it, of a task that repeats: each is followed once.
    follows = models.OneToOneField(
        "self", models.PROTECT, null=True, blank=True, editable=False, related_name="followed_by"
    )
    # A task with a contact is a touch: when it falls due, mail goes to that person.
    contact = models.ForeignKey(Contact, models.PROTECT, null=True, blank=True, related_name="+")
    purpose = models.CharField(max_length=14, blank=True, default="transactional")
    # The promised window: after this the mail comes too late, and a person decides.
    not_after = models.DateTimeField("not after", null=True, blank=True)
    # Words are written here, or come from a template at the moment of sending.
    template = models.ForeignKey(
        "opportunities.MessageTemplate", models.PROTECT, null=True, blank=True, related_name="+"
    )
    run = models.ForeignKey(
        "opportunities.SequenceRun", models.PROTECT, null=True, editable=False, related_name="tasks"
    )
    subject = models.CharField("subject of the mail", max_length=200, blank=True)
    words = models.TextField("words of the mail", blank=True)
    paused_because = models.CharField(max_length=300, blank=True, editable=False)
    # Which condition it waits for, the page that mends it, and when it is looked at again.
    waits_for = models.CharField(max_length=8, choices=Waits, blank=True, editable=False)
    mended_at = models.CharField(max_length=300, blank=True, editable=False)
    again_at = models.DateTimeField(null=True, editable=False)
    # It waits for its deal, and goes on when the deal does.
    waits_for_deal = models.BooleanField(default=False, editable=False)
    outcome = models.CharField(max_length=300, blank=True, editable=False)
    # The time at which its owner was reminded, or its touch was queued.
    told_at = models.DateTimeField(null=True, editable=False)
    stage = stage_field(Stage, Stage.OPEN)

    objects = TaskQuerySet.as_manager()

    class Meta(Record.Meta):
        permissions = [("move_task", "Can finish, cancel, pause and resume tasks")]
        constraints = [
            models.CheckConstraint(
                name="task_is_about_a_lead_or_an_opportunity",
                condition=models.Q(lead__isnull=False) | models.Q(opportunity__isnull=False),
            )
        ]
        indexes = [
            # Only what is open and not yet told is ever searched for by the pump.
            models.Index(fields=["due_at"], name="task_due", condition=models.Q(stage="open", told_at=None)),
            models.Index(
                fields=["again_at"], name="task_waits", condition=models.Q(stage="paused", again_at__isnull=False)
            ),
            models.Index(
                fields=["waits_for"],
                name="task_waits_why",
                condition=models.Q(stage="paused") & ~models.Q(waits_for=""),
            ),
            models.Index(fields=["owner", "due_at"], name="task_of_owner", condition=models.Q(stage="open")),
            models.Index(fields=["record_type", "record_id"], name="task_about"),
            models.Index(fields=["record_type", "id"], name="task_of_kind", condition=~models.Q(record_type="")),
            models.Index(fields=["due_at", "id"], name="task_by_due"),
        ]

    def __str__(self):
        return self.title

    def clean(self):
        refuse_another_clients(self.contact, self.opportunity)
        refuse_another_clients(self.promised_to, self.opportunity, "promised_to")
        if self.repeats_until and not self.repeats:
            raise ValidationError({"repeats": "Choose how often it repeats, or leave out until when."})
        if self.repeats_until and self.due_at and self.repeats_until < timezone.localdate(self.due_at):
            raise ValidationError({"repeats_until": "Choose a day after it is due, or leave this empty."})
        if self.contact and self.words.strip() and not self.subject.strip():
            raise ValidationError({"subject": "Write the subject of the mail: the client reads it first."})

    @property
    def parent(self):
        return self.opportunity or self.lead

    @classmethod
    def lineage(cls):
        return ["diary"]

    @classmethod
    def reach(cls, user):
        if user.sees_all:
            return models.Q()
        opportunities = cls._meta.get_field("opportunity").related_model
        leads = cls._meta.get_field("lead").related_model
        return either_way(
            cls,
            user,
            models.Q(owner_id=user.pk),
            models.Q(opportunity_id__in=any_of(opportunities.ways_for(user))),
            models.Q(lead_id__in=any_of(leads.ways_for(user))),
        )

    def within_reach(self, user, to):
        return self.owner_id == user.pk or self.parent.within_reach(user, to)

    def save(self, *args, **kwargs):
        if not self.diary_id:
            self.diary_id = self.parent.diary_id
        super().save(*args, **kwargs)

    def undecided(self) -> list[Lack]:
        """Return the question that this is the task to decide, while it is open. It is done by deciding."""
        if "is_question" not in self.__dict__:
            asked = bool(self.record_type and getattr(apps.get_model(self.record_type), "ASKS", ()))
            mine = type(self).objects.filter(pk=self.pk)
            self.is_question = asked and mine.knowing_questions().get().is_question
        if not self.is_question:
            return []
        about = apps.get_model(self.record_type)(pk=self.record_id)
        return [Lack("Decide it: this task is done with that.", about.staff_url())]

    def stopped(self) -> list[Lack]:
        """Return what somebody must answer about it before it can be done: a record that points at it stops it."""
        if "is_stopped" not in self.__dict__:
            self.is_stopped = type(self).objects.filter(pk=self.pk).knowing_questions().get().is_stopped
        if not self.is_stopped:
            return []
        return [Lack("Say first whether it touches what was excluded.", self.staff_url("out-of-scope"))]

    def still_missing(self) -> list[Lack]:
        """Return what its mail waits for all the same: it would wait again at once. It goes on by itself."""
        from .. import followups  # it imports the models

        if not (self.waits_for and self.contact_id):
            return []
        return [Lack(wait.words, wait.url) for wait in followups.still_waits(self)]

    @property
    def is_touch(self) -> bool:
        """Whether it mails somebody by itself when it falls due: `followups.is_touch` in SQL."""
        return bool(self.contact_id and (self.words or self.template_id))

    @property
    def zone(self):
        """Return the time zone in which it was said when it is due."""
        from ..repeating import zone_of  # it imports the models

        return zone_of(self.time_zone)

    @property
    def mend_url(self) -> str:
        """Return the page that mends what it waits for."""
        return (self.mended_at or self.parent.staff_url()) if self.waits_for else ""

    # -- When, and whose: not moves, for it stays open. ----------------------------------------------------------------

    @transaction.atomic
    def snooze(self, until, *, by, reason):
        """Put it off until a time, saying why. Its owner is reminded anew; those that follow keep their rhythm."""
        task = lock(self)
        if lacks := task.cannot_wait(until):
            raise Refused(lacks)
        task.put_off_its_mail(until)
        rhythm = (task.repeats_from or task.due_at) if task.repeats else None
        Task.objects.filter(pk=task.pk).update(told_at=None, repeats_from=rhythm)
        return edit(task, by=by, reason=reason, past="snoozed", due_at=until)

    def cannot_wait(self, until) -> list[Lack]:
        """Return why it cannot be put off until a time."""
        if not self.is_open:
            return [Lack(f"It is {self.get_stage_display().lower()} already: nothing is left to put off.")]
        if until <= clock.now():
            return [Lack("Choose a time that is still to come.")]
        if until < self.due_at:
            words = f"It is due only on {said(self.due_at)}. To bring it forward, change when it is due."
            return [Lack(words, self.staff_url("id_due_at_0"))]
        if self.not_after and until > self.not_after:
            return [Lack(f"It was promised until {said(self.not_after)}: choose a time before that.")]
        if self.messages.filter(stage__in=["sending", "uncertain"]).exists():
            return [Lack("Its mail is on its way already.", self.messages.first().staff_url())]
        return []

    def put_off_its_mail(self, until):
        """Keep back its mail that is queued. It is taken up again when the task falls due."""
        for message in self.messages.filter(stage="queued"):
            why = f"Its follow-up was put off until {said(until)}."
            perform(message.hold, by=None, reason=why, waits_for=self.Waits.TIMING)

    @transaction.atomic
    def change(self, *, by, reason="", **changes):
        """Change what a person says of it. A new time is said by their clock and reminded of; a new owner is told.

        Its mail that has not gone yet says what it says, and goes to whom it is for.
        """
        from .. import followups  # it imports the models

        task = lock(self)
        if changes.get("due_at", task.due_at) != task.due_at:
            task.put_off_its_mail(changes["due_at"])
            Task.objects.filter(pk=task.pk).update(told_at=None, repeats_from=None)
            changes.setdefault("time_zone", by.time_zone)
        elif changes.get("repeats", task.repeats) != task.repeats:
            Task.objects.filter(pk=task.pk).update(repeats_from=None)
        before = task.owner_id
        task = edit(task, by=by, reason=reason, **changes)
        if changes.keys() & {"contact", "subject", "words", "template"}:
            followups.say_anew(task)
        if task.owner_id not in (before, by.pk):
            task.tell_its_owner(by)
        return task

    def tell_its_owner(self, by):
        """Tell whoever has it now that it is theirs, each time that it is given."""
        from .. import notices  # it imports the models

        key = f"given:{self.pk}:{clock.now().timestamp()}"
        words = f"{by} gave you: {self.title}, due {said(self.due_at, self.owner.time_zone)}"
        notices.tell(self.owner, "due", words, self.staff_url(), key=key, about=self)

    def moves_for(self, user):
        """Say before the button is pressed that a question is not ticked off, and what is still waited for."""
        moves = super().moves_for(user)
        for move in moves:
            if move.name == "finish" and move.allowed:
                move.lacks = [*self.undecided(), *self.stopped()]
            if move.name == "resume" and move.allowed:
                move.lacks = self.still_missing()
        return moves

    @transition(
        stage,
        source=[Stage.OPEN, Stage.PAUSED],
        target=Stage.DONE,
        permission="opportunities.move_task",
        label="Done",
        past="did",
        hears="opportunities.task_forms.OutcomeForm",
    )
    def finish(self, *, by, outcome="", series=False):
        """Say that it is done, and what came of it; of a task that repeats, with it those that would follow, or not.

        What somebody was asked is done by deciding it.
        """
        if by is not None and (lacks := [*self.undecided(), *self.stopped()]):
            raise Refused(lacks)
        self.outcome = outcome

    @transition(
        stage,
        source=[Stage.OPEN, Stage.PAUSED],
        target=Stage.CANCELLED,
        permission="opportunities.move_task",
        label="Cancel",
        past="cancelled",
        asks="opportunities.task_forms.CancelForm",
    )
    def cancel(self, *, by, reason, series=True):
        """Let it go, saying why; of a task that repeats, those that would follow it too, or this one only."""

    @transition(
        stage,
        source=Stage.OPEN,
        target=Stage.PAUSED,
        permission="opportunities.move_task",
        label="Pause",
        past="paused",
        asks=REASON,
    )
    def pause(self, *, by, reason, waits_for="", mended_at="", again_at=None):
        """Let it wait, saying why. What waits for a condition, or because its deal is paused, goes on by itself."""
        self.paused_because, self.waits_for, self.mended_at = reason[:300], waits_for, mended_at
        self.again_at = again_at
        self.waits_for_deal = by is None and self.opportunity_id is not None and self.opportunity.stage == "paused"

    @transition(
        stage,
        source=Stage.PAUSED,
        target=Stage.OPEN,
        permission="opportunities.move_task",
        label="Resume",
        past="resumed",
    )
    def resume(self, *, by):
        """Go on: the reason is gone."""
        if by is not None and (lacks := self.still_missing()):
            raise Refused(lacks)
        self.paused_because, self.waits_for, self.mended_at, self.again_at = "", "", "", None
        self.waits_for_deal = False
        self.told_at = None
