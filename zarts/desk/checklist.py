"""The close-ready checklist of a deal: every line of the guide and of the house, in order, and how each is answered."""

from dataclasses import dataclass, field, replace

from handoff import checklist as delivery
from opportunities import checklist as floor
from opportunities import checkpoints
from opportunities.checks import Answer, Check, Kind, Stage, check, known_of, later
from opportunities.models import Checkpoint, Event, Opportunity
from proposals import checklist as offer

APPS = (floor, offer, delivery)
# What each way of meeting one of our own is, among the kinds of the guide.
OWN_KINDS = {"field": Kind.FIELD, "task": Kind.TASK, "question": Kind.NOTE}


@check(
    "B10",
    "Retest admin, portal, mobile, proposal links, and message copy after changes.",
    kind=Kind.TASK,
    due_from=Stage.QUALIFIED,
    keeper="Nothing keeps it yet: no run is recorded.",
)
def everything_is_retested(deal):
    return later("From the first recorded retest on. None is recorded yet.")


def in_order(line: Check):
    return line.key[0], int(line.key[1:])


# B1 to B10, then C1 to C9.
CHECKS = tuple(sorted([*(line for app in APPS for line in app.CHECKS), everything_is_retested], key=in_order))
BY_KEY = {line.key: line for line in CHECKS}


@dataclass
class Row:
    """One line of a deal's checklist, as its page shows it."""

    check: Check
    answer: Answer
    # What the house says of it, if it ever spoke of it; one of its own it always did.
    checkpoint: Checkpoint | None = None
    # The word that was given for it, to take back.
    word: dict | None = None

    @property
    def key(self) -> str:
        return self.check.key

    @property
    def advisory(self) -> str:
        """Return why it holds up no deal, where a manager made it advisory."""
        return self.checkpoint.advisory_because if self.checkpoint else ""

    @property
    def own(self) -> Checkpoint | None:
        """Return the checkpoint when it is one of the house's own."""
        return None if self.key in BY_KEY else self.checkpoint

    @property
    def asks(self) -> bool:
        """Whether somebody's word is what it takes."""
        return self.own is not None and self.own.met_by == Checkpoint.By.QUESTION

    @property
    def anchor(self) -> str:
        return f"checkpoint-{self.own.pk}" if self.own else self.key.lower()


@dataclass
class Checklist:
    """The answers of one deal, and what they come to."""

    opportunity: Opportunity
    rows: list[Row] = field(default_factory=list)
    may_confirm: bool = False
    may_take_back: bool = False
    may_rule: bool = False

    def in_state(self, state) -> list:
        return [row for row in self.rows if row.answer.state == state]

    @property
    def met(self) -> list:
        return self.in_state("met")

    @property
    def later(self) -> list:
        return self.in_state("later")

    @property
    def todo(self) -> list:
        """Return what is due and not met, what is mandatory first."""
        return sorted(self.in_state("unmet"), key=lambda row: bool(row.advisory))

    @property
    def due(self) -> list:
        return [*self.todo, *self.met]

    @property
    def holding(self) -> list:
        """Return what is due, not met and mandatory."""
        return [row for row in self.todo if not row.advisory]

    def __str__(self):
        return f"{len(self.met)} of {len(self.rows)}"


def evaluate(opportunities) -> dict[int, Checklist]:
    """Return the checklist of each of these deals, by its id. Five queries, however many deals there are."""
    deals = known_of(opportunities)
    spoken = checkpoints.in_use()
    house = {checkpoint.guide: checkpoint for checkpoint in spoken if checkpoint.guide}
    own = [checkpoint for checkpoint in spoken if not checkpoint.guide]
    lines = [(check, house.get(check.key)) for check in CHECKS]
    lines += [(own_check(number, checkpoint), checkpoint) for number, checkpoint in enumerate(own, 1)]
    for app in APPS:
        app.learn(deals)
    checkpoints.learn(deals, own)
    return {
        pk: Checklist(
            deal.opportunity,
            [Row(check, check.of(deal), checkpoint, word_of(checkpoint, deal)) for check, checkpoint in lines],
        )
        for pk, deal in deals.items()
    }


def own_check(number, checkpoint) -> Check:
    """Return one of the house's own checkpoints as a line like the guide's."""
    mandatory = checkpoint.stage == Checkpoint.Stage.MANDATORY
    return Check(
        key=f"H{number}",
        sentence=checkpoint.sentence,
        kind=Kind(OWN_KINDS[checkpoint.met_by]),
        due_from=checkpoint.due_from,
        keeper="A deal does not leave this stage before it is met." if mandatory else "Nothing waits for it.",
        names=("opportunities.gates.own_checkpoints_are_met",) if mandatory else (),
        told_by=(),
        ask=lambda deal: checkpoints.answer(checkpoint, deal),
    )


def word_of(checkpoint, deal) -> dict | None:
    return checkpoints.word_of(checkpoint, deal) if checkpoint and not checkpoint.guide else None


def rows_of(opportunity, user) -> Checklist:
    """Return the checklist of one deal with who met each line and when, as this person may work on it.

    Show it by `desk/parts/checklist.html`, under the name `checklist`.
    """
    found = evaluate([opportunity])[opportunity.pk]
    verbs = {verb for row in found.met for verb in row.check.told_by}
    told = Event.objects.filter(diary=opportunity.diary_id, verb__in=verbs).order_by("verb", "-at", "-id")
    newest = {event.verb: event for event in told.distinct("verb")}
    for row in found.met:
        events = [newest[verb] for verb in row.check.told_by if verb in newest]
        if events and not row.answer.by:
            event = max(events, key=lambda event: event.at)
            row.answer = replace(row.answer, by=event.actor_name, at=event.at)
    reaches = opportunity.within_reach(user, "change")
    found.may_confirm = reaches and user.has_perm("opportunities.add_confirmation")
    found.may_take_back = reaches and user.has_perm("opportunities.move_confirmation")
    found.may_rule = user.has_perm("opportunities.move_checkpoint")
    return found
