"""The floor that every record stands on: gates, transitions, and the one way to move a record.

A stage changes only through `perform`, a record is born through `begin`, and its fields change through
`edit`; each writes the diary in the same transaction. The database refuses whatever walks past them.
"""

from __future__ import annotations

import functools
import inspect
from collections import defaultdict
from collections.abc import Callable, Iterable
from contextlib import nullcontext
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

import django_fsm as fsm
from django.conf import settings
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import IntegrityError, connection, models, transaction
from django.urls import reverse
from django.utils import timezone

from .words import plain_parts, plain_words

# -- Saying no. --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Lack:
    """One thing that is missing: what to do, in words, and the page that mends it."""

    words: str
    url: str = ""
    # What exactly is missing, where the words may fit something else as well. A pass is for this, and for nothing else.
    about: str = ""

    def __str__(self):
        return self.words

    @property
    def passed_as(self) -> str:
        """Return what a pass of this is known by."""
        return self.about or self.words


class Refused(Exception):
    """A move was asked for that the record is not ready for. Carries every reason."""

    def __init__(self, lacks: Iterable[Lack | str]):
        self.lacks = [lack if isinstance(lack, Lack) else Lack(lack) for lack in lacks]
        super().__init__(" ".join(self.reasons))

    @property
    def reasons(self) -> list[str]:
        return [lack.words for lack in self.lacks]


@dataclass(frozen=True)
class Gate:
    """A fact that must hold before a record may move, and the sentence that staff read when it does not."""

    sentence: str
    test: Callable
    mend: str | Callable = ""

    @property
    def __name__(self):
        return self.test.__name__

    def lacks(self, record) -> list[Lack]:
        """Return what is missing, each with its link. Empty when the gate is open."""
        if inspect.isgeneratorfunction(self.test):
            return list(self.test(record))
        if self.test(record):
            return []
        url = self.mend(record) if callable(self.mend) else record.staff_url(self.mend)
        return [Lack(self.sentence, url)]

    def __call__(self, record) -> bool:
        return not self.lacks(record)


def gate(sentence: str, mend: str | Callable = "") -> Callable[[Callable], Gate]:
    """Mark a function as a gate. It takes the record, never sees a user, and never writes.

    It answers yes or no, or yields a `Lack` for each thing that is missing. `mend` is the place on the
    record's own page that mends it, or a function from the record to an address.
    """
    return lambda test: Gate(sentence, test, mend)


# -- Saying who. -------------------------------------------------------------------------------------------------------


def policy(who: str) -> Callable[[Callable], Callable]:
    """Mark a function (record, user) -> bool as a policy. `who` says, in words, who may."""

    def mark(test):
        test.who = who
        return test

    return mark


def holds(user, permission: str, record) -> bool:
    """Whether a user has a right by role, and this record lies within their reach.

    Reach is own, team or all by columns; a grant to change one opportunity adds to it.
    """
    return user.has_perm(permission) and record.within_reach(user, to="change")


@dataclass(frozen=True)
class HolderOf:
    """The policy "whoever holds this permission, within their reach"."""

    permission: str

    def __call__(self, record, user) -> bool:
        return holds(user, self.permission, record)


def who_may(test: Any) -> str:
    """Say in words whom a policy lets through: its own words, or the roles that hold its permission."""
    if words := getattr(test, "who", ""):
        return words
    from django.contrib.auth.models import Group

    app, codename = test.permission.split(".")
    groups = Group.objects.filter(permissions__content_type__app_label=app, permissions__codename=codename)
    return " or ".join(groups.order_by("name").values_list("name", flat=True)) or "Nobody yet"


# -- Saying what moves. ------------------------------------------------------------------------------------------------


class StageField(fsm.FSMField):
    """The field that holds a record's stage. It is set by moves only."""

    def deconstruct(self):
        # To a migration it is plain text. A state machine in each of a migration's many passing models made
        # `migrate` five times slower.
        name, _, args, kwargs = super().deconstruct()
        kwargs.pop("protected", None)
        return name, "django.db.models.CharField", args, kwargs


def stage_field(stages, first) -> StageField:
    """Return the stage of a record: where it begins, and where it can be."""
    return StageField("stage", default=first, choices=stages, max_length=20, protected=True, editable=False)


# The form of a move that asks why, and nothing else.
REASON = "opportunities.forms.ReasonForm"


def transition(
    field,
    *,
    source,
    target,
    permission,
    label: str,
    past: str,
    gates=(),
    then: str = "",
    within: timedelta | None = None,
    asks: str = "",
    opens: Opens | None = None,
    client: bool = False,
    overridable: tuple = (),
    answers: bool = True,
    hears: str = "",
):
    """Declare a move that cannot forget its policy or its words.

    `label` names the button, `past` the line in the diary ("submitted for review"). `then` and `within`
    become the record's next action and its due date; a move that has neither leaves them. `asks` names the
    form for the words that the move needs. `opens` is the task that it promises. `client` lets a client
    contact make it. `overridable` names the gates that a manager may pass, closed, with a written reason.
    `answers` says that the move does what was promised about the record: its open tasks are done with it. `hears`
    names a form of words that may be said along with the move, and need not be: it stays one click.
    """
    may = permission if callable(permission) else HolderOf(permission)
    return fsm.transition(
        field,
        source=source,
        target=target,
        permission=may,
        custom={
            "label": label,
            "past": past,
            "gates": tuple(gates),
            "then": then,
            "within": within,
            "asks": asks,
            "opens": opens,
            "client": client,
            "overridable": overridable,
            "answers": answers,
            "hears": hears,
        },
    )


@dataclass(frozen=True)
class Opens:
    """The task that a move promises: its kind, its words, and the days until it is due."""

    kind: str
    title: str
    days: int
    # The policy that whoever gets the task must pass; without one it is the record's owner's.
    whose: Callable | None = None
    # Of which records it is promised, where it is not of all.
    when: Callable | None = None


@dataclass
class Move:
    """One move as one person sees it: may they, and what is missing."""

    record: Record
    step: Any
    lacks: list[Lack] = field(default_factory=list)
    allowed: bool = True

    @property
    def name(self) -> str:
        return self.step.name

    @property
    def label(self) -> str:
        return self.step.custom["label"]

    @property
    def asks(self) -> str:
        return self.step.custom["asks"]

    @property
    def hears(self) -> str:
        return self.step.custom["hears"]

    @property
    def ready(self) -> bool:
        return self.allowed and not self.lacks

    @property
    def who(self) -> str:
        return who_may(self.step.permission)

    @property
    def url(self) -> str:
        return self.record.move_url(self.name)


# -- The models that everything else is made of. -----------------------------------------------------------------------


class KeptQuerySet(models.QuerySet):
    def visible_to(self, user):
        """Return the rows that this person may see."""
        return self.filter(self.model.reach(user))


class Kept(models.Model):
    """Anything whose changes are written in a diary, and that not everybody may see.

    `belongs_to` names the foreign key to whatever lends it its diary and its reach, in the end a lead,
    a client or an opportunity.
    """

    belongs_to = ""

    objects = KeptQuerySet.as_manager()

    class Meta:
        abstract = True
        default_permissions = ("view", "add", "change")

    @classmethod
    def label(cls) -> str:
        """Return the name by which events and tasks know this kind of record, "opportunities.lead"."""
        return cls._meta.label_lower

    @classmethod
    def lineage(cls) -> list[str]:
        """Return the lookups that reach this record's diary in one query: ["audit", "audit__opportunity"]."""
        if not cls.belongs_to:
            return []
        above = cls._meta.get_field(cls.belongs_to).related_model
        return [cls.belongs_to, *(f"{cls.belongs_to}__{path}" for path in above.lineage())]

    @property
    def parent(self):
        return getattr(self, self.belongs_to)

    def has_read(self, name) -> bool:
        """Return whether its rows of this name were read along with it."""
        return name in vars(self).get("_prefetched_objects_cache", {})

    def its(self, name, *pointers) -> list:
        """Return its rows of this name with what they point to: as they were read along with it, where they were."""
        rows = getattr(self, name).all()
        return list(rows.select_related(*pointers) if pointers and not self.has_read(name) else rows)

    @property
    def diary_id(self) -> int:
        return self.parent.diary_id

    @property
    def lines(self) -> models.Q:
        """Return the condition for the lines of diaries that its timeline shows: those about itself."""
        return models.Q(record_type=self.label(), record_id=self.pk)

    @classmethod
    def reach(cls, user) -> models.Q:
        """Return the condition for the rows that this person may see.

        It is said by columns: it holds for whatever has those of the record, a prepared read too.
        """
        if user.sees_all:
            return models.Q()
        above = cls._meta.get_field(cls.belongs_to).related_model
        return models.Q(**{f"{cls.belongs_to}_id__in": above.reached_by(user)})

    @classmethod
    def reached_by(cls, user, *to) -> models.QuerySet:
        """Return the ids of the rows that this person may see, for a condition of what hangs on them."""
        return cls._base_manager.filter(cls.reach(user, *to)).order_by().values("pk")

    def within_reach(self, user, to: str) -> bool:
        """Whether this person may `view` or `change` this record, as far as scope goes."""
        return self.parent.within_reach(user, to)

    @property
    def picked_as(self) -> str:
        """Return the words by which somebody who looks it up picks it among others."""
        return str(self)

    def staff_url(self, anchor: str = "") -> str:
        """Return the address of this record's page, at the place that `anchor` names."""
        url = reverse(f"admin:{self._meta.app_label}_{self._meta.model_name}_change", args=[self.pk])
        return f"{url}#{anchor}" if anchor else url


class DiaryKeeper(Kept):
    """A record that has a diary of its own."""

    diary = models.OneToOneField("opportunities.Diary", models.PROTECT, related_name="+", editable=False)
    # Declared by Django for every foreign key; named here because the parent class computes it.
    diary_id: int

    class Meta(Kept.Meta):
        abstract = True

    @property
    def lines(self) -> models.Q:
        """Return the condition for its whole diary."""
        return models.Q(diary_id=self.diary_id)

    @classmethod
    def reach(cls, user) -> models.Q:
        """House records are for all staff; leads, clients and opportunities say otherwise."""
        return models.Q()

    def within_reach(self, user, to: str) -> bool:
        return True

    def save(self, *args, **kwargs):
        if not self.diary_id:
            self.diary = type(self)._meta.get_field("diary").related_model.objects.create()
        super().save(*args, **kwargs)


class Record(Kept):
    """Anything that has a `stage`. Its life is read from its transitions, top to bottom."""

    # Stages in which nothing more is owed.
    CLOSED: tuple = ()
    # Stages in which somebody's decision is awaited: the task to decide is done by deciding.
    ASKS: tuple = ()

    class Meta(Kept.Meta):
        abstract = True

    def refresh_from_db(self, using=None, fields=None, from_queryset=None):
        # A protected field refuses to be set twice, and django-fsm's own way round that races between threads.
        if fields is None or "stage" in fields:
            self.__dict__.pop("stage", None)
        super().refresh_from_db(using=using, fields=fields, from_queryset=from_queryset)

    @property
    def is_open(self) -> bool:
        return self.stage not in self.CLOSED

    def note_passing(self, by):
        """Keep who lets it pass a closed gate, where that matters later. The diary has it in any case."""

    @classmethod
    def steps(cls) -> list:
        """Return every transition of this kind of record, in the order of its life."""
        return list(cls._meta.get_field("stage").get_all_transitions(cls))

    @classmethod
    def edges(cls) -> list[tuple[str, str]]:
        """Return every (stage before, stage after) that the transitions allow."""
        pairs = []
        for step in cls.steps():
            targets = getattr(step.target, "allowed_states", None) or [step.target]
            pairs += [(str(step.source), str(target)) for target in targets]
        return sorted(set(pairs))

    def moves(self) -> list:
        """Return the transitions that leave the present stage."""
        return [step for step in self.steps() if step.source == self.stage]

    def while_asked(self):
        """Return the context in which its gates look at it: there it may read once what many of them ask."""
        return nullcontext()

    @property
    def turn(self) -> str:
        """Return what its buttons carry, by which a press on an old page is told from one on what it is now."""
        return ""

    def move_url(self, name: str) -> str:
        """Return the address where a move of this record is made."""
        return reverse(f"admin:{self._meta.app_label}_{self._meta.model_name}_move", args=[self.pk, name])

    def moves_for(self, user) -> list[Move]:
        """Return every move from here as this person sees it: ready, not ready and why, or not theirs.

        A policy and a gate that many moves have are asked once.
        """
        moves: list[Move] = []
        may: dict = {}
        seen: dict = {}
        with self.while_asked():
            for step in self.moves():
                if step.permission not in may:
                    may[step.permission] = step.has_perm(self, user)
                allowed = may[step.permission]
                moves.append(Move(self, step, refusals(self, step, seen) if allowed else [], allowed))
        return moves


class ScopeState(models.TextChoices):
    UNSCOPED = "unscoped"
    DRAFTED = "drafted"
    VERIFIED = "verified"
    APPROVED = "approved"
    CHANGED = "changed"


class ClientSafe(models.TextChoices):
    INTERNAL = "internal", "None yet"
    DRAFTED = "drafted"
    IN_REVIEW = "in_review", "In review"
    APPROVED = "approved"
    PUBLISHED = "published"
    WITHDRAWN = "withdrawn"


class Output(Record):
    """The record contract: the seven fields that each of the eight outputs carries."""

    source = models.CharField(max_length=200, blank=True, help_text="Where it came from.")
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    due_on = models.DateField("due", null=True, blank=True, help_text="When the next action is owed.")
    scope_state = models.CharField(max_length=12, choices=ScopeState, default=ScopeState.UNSCOPED)
    client_safe = models.CharField(
        "words for the client", max_length=12, choices=ClientSafe, default=ClientSafe.INTERNAL
    )
    next_action = models.CharField(max_length=200, blank=True, help_text="What happens next, in words.")

    CONTRACT = ("source", "owner", "stage", "due_on", "scope_state", "client_safe", "next_action")

    class Meta(Record.Meta):
        abstract = True


# -- Moving. -----------------------------------------------------------------------------------------------------------


def refusals(record: Record, step, seen: dict | None = None) -> list[Lack]:
    """Return the reasons why a record may not take this step yet. Empty when it may.

    `seen` keeps what each gate said, for the next step of the same record that is looked at.
    """
    seen = {} if seen is None else seen
    with record.while_asked():
        for gate in step.custom["gates"]:
            if gate not in seen:
                seen[gate] = gate.lacks(record)
    return [lack for gate in step.custom["gates"] for lack in seen[gate]]


# Where the locks of diaries begin among the numbers that PostgreSQL's advisory locks have.
DIARIES = 1 << 60


def lock(record, *others):
    """Return the record, read again under a lock that nobody else's move can pass.

    The diary is locked first: moves on one opportunity queue up there instead of locking each other out. The diaries
    of `others` are locked along with it, always in the same order, so that two who merge each other do not wait for
    each other.
    """
    lock_diaries(record.diary_id, *(other.diary_id for other in others))
    # Named relations only: without names, `select_related` would follow every foreign key there is.
    rows = type(record)._base_manager.select_related(*(record.lineage() or [None]))
    return rows.select_for_update(of=("self",)).get(pk=record.pk)


def lock_diaries(*diary_ids):
    with connection.cursor() as cursor:
        for diary_id in sorted(set(diary_ids)):
            cursor.execute("select pg_advisory_xact_lock(%s)", [DIARIES + diary_id])


def is_free(diary_id: int) -> bool:
    """Take a diary's lock for this transaction, unless somebody has it: then whoever asks comes back later."""
    with connection.cursor() as cursor:
        cursor.execute("select pg_try_advisory_xact_lock(%s)", [DIARIES + diary_id])
        return cursor.fetchone()[0]


def lock_free(rows):
    """Return the first of these rows, locked, or None when somebody is at it now or was quicker.

    Its diary is locked before its row, as in every move: the other way round the two would wait for each other. What
    `rows` select along is read with it.
    """
    known = rows.first()
    if known is None or not is_free(known.diary_id):
        return None
    return rows.select_for_update(skip_locked=True, of=("self",)).first()


INSIDE: ContextVar[bool] = ContextVar("inside", default=False)


def whole(change):
    """Make all of a change or nothing. What it makes of other records stands or falls with it, without savepoints.

    Whoever goes on after a change that was refused within another one puts it into a `transaction.atomic` of its own.
    """

    @functools.wraps(change)
    def run(*args, **details):
        if INSIDE.get():
            with transaction.atomic(savepoint=False):
                return change(*args, **details)
        token = INSIDE.set(True)
        try:
            with transaction.atomic():
                return change(*args, **details)
        finally:
            INSIDE.reset(token)

    return run


@whole
def perform(move: Any, *, by, override: str = "", seen: str = "", **details):
    """Make a move and write it in the diary, or do neither. Return the moved record.

    `move` is a bound transition, such as `proposal.submit`. `by` is the user or the client contact who
    asks, or None when the clock does. `override` is a manager's reason for passing a closed gate. `seen` is the turn of
    the record on the page where the button was pressed.
    `details` reach both the transition and the diary; what a transition returns is told as facts too. The record is
    read again under a lock: go on with the one returned. Raises `Refused` with every reason, or `PermissionDenied`.
    """
    record = move.__self__
    record = lock(record, *(other for other in details.values() if isinstance(other, type(record))))
    name = move.__name__
    step = next((step for step in record.moves() if step.name == name), None)
    if step is None:
        raise Refused([f"{record} is already {record.get_stage_display().lower()}. Reload the page to see its moves."])
    check_actor(record, step, by)
    refuse_erased(record, by)
    if seen and seen != record.turn:
        raise Refused(
            [f"{record} was taken up again since this page was opened. Look at it as it is now, then say so."]
        )
    lacks = refusals(record, step)
    if lacks and not (override and may_override(record, step, by)):
        raise Refused(lacks)
    if lacks:
        record.note_passing(by)

    stage_before = record.stage
    found = getattr(record, name)(by=by, **details)
    look_ahead(record, step)
    record.save()

    facts = {key: value for key, value in details.items() if key != "reason"} | (found or {})
    if lacks:
        facts |= {"overridden": [lack.words for lack in lacks], "passed": [lack.passed_as for lack in lacks]}
    event = tell(
        record,
        name,
        step.custom["past"],
        by=by,
        stage_from=stage_before,
        reason=override if lacks else details.get("reason", ""),
        facts=facts,
    )
    from . import followups  # it imports the models, which import this module

    followups.after_move(record, step, by)
    for react in REACTIONS[event.verb]:
        react(record, event)
    return record


def erased(record):
    """Return the client or the person whom this record is about, where they were erased."""
    about = record
    while about is not None:
        if getattr(about, "erased_at", None):
            return about
        above = about.parent if about.belongs_to else getattr(about, "opportunity", None)
        about = getattr(about, "client", None) or above
    return None


def refuse_erased(record, by):
    """Refuse whoever writes about somebody who was erased: what is written now could not be erased again."""
    if by is not None and (who := erased(record)) is not None:
        raise Refused([words_of_erased(who)])


def words_of_erased(who) -> str:
    return f"{who} was erased for privacy: nothing is written about them any more."


def check_actor(record, step, by):
    """Raise PermissionDenied unless this user, client contact or clock may take this step."""
    if by is None:
        return
    if getattr(by, "is_staff", None) is None:
        above = record
        while above.belongs_to:
            above = above.parent
        if not step.custom["client"] or above.client_id != by.client_id:
            raise PermissionDenied(f"{by} may not do this: {step.custom['label']}.")
    elif not (by.is_active and step.has_perm(record, by)):
        raise PermissionDenied(f"{by} may not do this: {step.custom['label']}. {who_may(step.permission)} may.")


def may_override(record, step, by) -> bool:
    """Whether this person may pass what is closed here: only gates that the step names, and every other one open."""
    named = step.custom["overridable"]
    if not named or by is None or not holds(by, "opportunities.override_gate", record):
        return False
    return all(gate(record) for gate in step.custom["gates"] if gate not in named)


def look_ahead(record, step):
    """Set the next action and its due date that the step declares."""
    if step.custom["then"] and hasattr(record, "next_action"):
        record.next_action = step.custom["then"]
    if step.custom["within"] is not None and hasattr(record, "due_on"):
        record.due_on = timezone.localdate() + step.custom["within"]


@whole
def begin(record, *, by, past: str = "created", facts: dict | None = None, reason: str = ""):
    """Save a new record and write its birth in the diary. Return it.

    The diary is locked first, as in every move: what is born and moved at once would else wait for who waits for it.
    """
    if not isinstance(record, DiaryKeeper):
        lock_diaries(record.diary_id or record.parent.diary_id)
    refuse_erased(record, by)
    refuse_markup(record, record._meta.concrete_fields)
    record.save(force_insert=True)
    event = tell(record, "create", past, by=by, facts=facts, reason=reason)
    for react in REACTIONS[event.verb]:
        react(record, event)
    return record


def begin_or_find(record, same, *, by, **told):
    """Begin what there is once, and return it; or the one of these rows that somebody else began a moment ago.

    Raises IntegrityError when none of them stands in its way.
    """
    try:
        with transaction.atomic():
            return begin(record, by=by, **told)
    except IntegrityError:
        if (quicker := same.first()) is None:
            raise
        return quicker


@whole
def edit(record, *, by, reason: str = "", past: str = "changed", **changes):
    """Change fields of a record, and write the old and the new values in the diary. Return the record.

    `past` is the line in the diary, where it is more than a change ("snoozed"). The record is read again under a
    lock, so two people who edit different fields both keep theirs.
    """
    record = lock(record)
    refuse_erased(record, by)
    facts = {}
    for name, new in changes.items():
        if name == "stage":
            raise ValueError("A stage changes through a move, not through an edit.")
        old = getattr(record, name)
        if old != new:
            facts[name] = [plain(old), plain(new)]
            setattr(record, name, new)
    if facts:
        refuse_markup(record, [each for each in record._meta.concrete_fields if each.name in facts])
        record.save()
        tell(record, "edit", past, by=by, facts=facts, reason=reason)
        for react in REACTIONS[f"{record._meta.model_name}.edit"]:
            react(record, facts)
    return record


def refuse_markup(record, fields):
    """Refuse HTML in those of these fields that clients read, for whoever comes here without a form."""
    for each in fields:
        for validator in each.validators:
            if validator in (plain_words, plain_parts):
                try:
                    validator(getattr(record, each.name))
                except ValidationError as trouble:
                    raise Refused(trouble.messages) from None


def tell(record, verb: str, past: str, *, by, stage_from="", reason: str = "", facts: dict | None = None):
    """Write one line in the record's diary. Return the event.

    `perform`, `begin` and `edit` call it; call it yourself for what is told but is no move.
    """
    from .models import Event, Facts  # they are records too, and import this module

    facts = {key: plain(value) for key, value in (facts or {}).items()}
    owner_id = record.pk if record.label() == "opportunities.user" else getattr(record, "owner_id", None)
    return Event.objects.create(
        diary_id=record.diary_id,
        verb=f"{record._meta.model_name}.{verb}",
        past=past,
        record_type=record.label(),
        record_id=record.pk,
        subject=str(record)[:200],
        **Event.actor_fields(by),
        owner_id=owner_id or getattr(getattr(record, "parent", None) if record.belongs_to else None, "owner_id", None),
        stage_from=stage_from,
        stage_to=getattr(record, "stage", ""),
        next_action=getattr(record, "next_action", ""),
        reason=reason,
        facts=Facts.objects.create(values=facts) if facts else None,
    )


def announce(record, verb: str, past: str, **told):
    """Write one line in the diary of what is no move, and let the apps above react to it as to one."""
    event = tell(record, verb, past, **told)
    for react in REACTIONS[event.verb]:
        react(record, event)
    return event


def plain(value):
    """Return a value as JSON can hold it, and as a person can read it years later."""
    if isinstance(value, models.Model):
        return f"{value} (#{value.pk})"
    if isinstance(value, (list, tuple, set)):
        return [plain(item) for item in value]
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if value is None or isinstance(value, (bool, int)):
        return value
    return value.isoformat() if isinstance(value, date) else str(value)


# -- Upwards: what the apps above do when something below them moves. --------------------------------------------------

REACTIONS: dict[str, list[Callable]] = defaultdict(list)


def reacts_to(*verbs: str) -> Callable[[Callable], Callable]:
    """Run a function (record, event) after each of these moves, in the same transaction. A birth is "proposal.create".

    After an edit ("proposal.edit") it gets (record, facts): the old and the new value of each field that changed.
    """

    def mark(react):
        for verb in verbs:
            REACTIONS[verb].append(react)
        return react

    return mark
