"""The pipeline: every open deal in the column of its stage. A few queries, however many deals there are."""

from dataclasses import dataclass, field

from django.db.models import Case, CharField, Count, F, Q, Sum, When

from opportunities.models import Opportunity, User
from opportunities.records import Lack, Refused

Stage = Opportunity.Stage
COLUMNS = (Stage.QUALIFIED, Stage.DISCOVERY, Stage.AUDIT, Stage.PROPOSAL, Stage.CONTRACT, Stage.WON)
MOST = 50
# Where a deal stands on the board: a paused one stays where it was.
PLACE = Case(When(stage=Stage.PAUSED, then=F("paused_from")), default=F("stage"), output_field=CharField())


@dataclass
class Column:
    """One stage: its cards, and what all its deals come to."""

    stage: str
    label: str
    cards: list = field(default_factory=list)
    count: int = 0
    sums: list = field(default_factory=list)

    @property
    def more(self) -> int:
        return max(self.count - len(self.cards), 0)


def columns(user, *, owner=None, stages=COLUMNS) -> list[Column]:
    """Return the columns with their sums and, of each, the cards that are due first."""
    rows = Opportunity.objects.visible_to(user)
    if owner:
        rows = rows.filter(owner=owner)
    board = {stage: Column(stage, Stage(stage).label) for stage in stages}
    shown = rows.filter(Q(stage__in=stages) | Q(stage=Stage.PAUSED, paused_from__in=stages))

    sums = shown.annotate(place=PLACE).values("place", "currency").order_by("place", "currency")
    for row in sums.annotate(n=Count("pk"), weighted=Sum(F("value") * F("probability")) / 100, total=Sum("value")):
        column = board[row["place"]]
        column.count += row["n"]
        if row["total"]:
            column.sums.append((row["currency"], row["total"], row["weighted"]))

    first = [
        rows.filter(Q(stage=stage) | Q(stage=Stage.PAUSED, paused_from=stage))
        .order_by(F("due_on").asc(nulls_last=True), "pk")
        .values_list("pk", flat=True)[:MOST]
        for stage in stages
    ]
    pks = list(first[0].union(*first[1:], all=True)) if len(first) > 1 else list(first[0])
    cards = Opportunity.objects.filter(pk__in=pks).select_related("client", "owner")
    for card in cards.order_by(F("due_on").asc(nulls_last=True), "pk"):
        board[card.paused_from if card.stage == Stage.PAUSED else card.stage].cards.append(card)
    return list(board.values())


def owners(user) -> list[User]:
    """Return the people whose deals this person may see, for the filter."""
    theirs = Opportunity.objects.visible_to(user).exclude(stage__in=Opportunity.CLOSED).values("owner")
    return list(User.objects.filter(pk__in=theirs).order_by("first_name", "username")[:200])


def targets() -> dict[str, list]:
    """Return, for each stage, where a deal may go from there: (stage, the words of the move)."""
    ways: dict[str, list] = {}
    for step in Opportunity.steps():
        if getattr(step.permission, "permission", ""):
            ways.setdefault(step.source, []).append((goal(step), step.custom["label"]))
    ahead = [*COLUMNS, "resume", Stage.PAUSED, Stage.LOST]
    return {stage: sorted(found, key=lambda way: ahead.index(way[0])) for stage, found in ways.items()}


def goal(step) -> str:
    """Return the stage that a step leads to; resuming leads back to wherever it was."""
    return step.target if isinstance(step.target, str) else "resume"


def move_to(opportunity, to: str, user):
    """Return the move that brings a deal to a column, as this person sees it. Refuses a way that is not there."""
    if opportunity.stage == Stage.PAUSED and to == opportunity.paused_from:
        to = "resume"
    moves = opportunity.moves_for(user)
    for move in moves:
        if goal(move.step) == to:
            return move
    ahead = next((move for move in moves if move.step.custom["label"].startswith("Start") or move.name == "win"), None)
    there = dict(Stage.choices).get(to, to).lower()
    here = opportunity.get_stage_display().lower()
    lacks = [Lack(f"A deal goes one step at a time: from {here} there is no way to {there}.")]
    if ahead:
        lacks += [Lack(f"Next: {ahead.label}.", opportunity.staff_url()), *ahead.lacks]
    raise Refused(lacks)
