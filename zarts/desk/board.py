"""The pipeline as a board: each deal in the column of its stage, and what each stage comes to. Bounded queries."""

from collections import defaultdict
from dataclasses import dataclass, field

from django.db.models import Count, F, Sum, Window
from django.db.models.functions import RowNumber

from opportunities.currencies import rounded
from opportunities.models import Opportunity
from opportunities.neglect import is_adrift
from opportunities.records import Lack, Refused, refuse_erased
from zarts.numbers.models import Sum as Counted

from .filters import COLUMNS, Filters

Stage = Opportunity.Stage
MOST = 50
# The cards of a column: what is due first.
IN_ORDER = (F("due_on").asc(nulls_last=True), "pk")
# The filters that the counters of deals know, and how many places of the path are open.
COUNTED, OPEN = {"owner", "team", "stage"}, len(Opportunity.OPEN)


@dataclass
class Amount:
    """What the deals of a stage come to in one currency. Amounts of two currencies are never added."""

    currency: str
    value: object
    weighted: object
    # Of the largest stage in the same currency, in percent: the length of the bar.
    share: int = 0
    weighted_share: int = 0


@dataclass
class Column:
    """One stage: its cards, and what all its deals come to."""

    stage: str
    label: str
    cards: list = field(default_factory=list)
    count: int = 0
    amounts: list[Amount] = field(default_factory=list)
    # The address of the table of this stage alone.
    url: str = ""

    @property
    def more(self) -> int:
        return max(self.count - len(self.cards), 0)


def totals(filters: Filters) -> list[Column]:
    """Return the stages that are shown with what each comes to, read at once."""
    found = {stage: Column(stage, stage.label) for stage in filters.stages}
    for place, currency, count, value, weighted in sums_of(filters):
        column = found[Opportunity.PLACES[place]]
        column.count += count
        if value:
            column.amounts.append(Amount(currency, rounded(value, currency), rounded(weighted, currency)))
    measure(found.values())
    return list(found.values())


def sums_of(filters: Filters) -> list[tuple]:
    """Return (place, currency, deals, value, weighted) of what is shown, in order.

    What is open is counted already, for whoever sees it all and asks by nothing that the counters do not know.
    """
    is_counted = filters.user.sees_all and filters.chosen.keys() <= COUNTED
    rows = filters.rows().order_by()
    rows = rows.filter(place__gte=OPEN) if is_counted else rows
    sums = rows.values_list("place", "currency").annotate(
        n=Count("pk"), total=Sum("value", default=0), weighted=Sum(F("value") * F("probability"), default=0) / 100
    )
    found = list(sums)
    if is_counted:
        places = [place for stage in filters.stages if (place := Opportunity.PLACES.index(stage)) < OPEN]
        standing = Counted.objects.filter(kind="standing", key__in=map(str, places)).order_by()
        if owner := filters.chosen.get("owner"):
            standing = standing.filter(owner_id=filters.user.pk if owner == "me" else int(owner))
        if team := filters.chosen.get("team"):
            standing = standing.filter(team_id=int(team))
        counted = (
            standing.values_list("key", "currency")
            .annotate(deals=Sum("n"), worth=Sum("value"), likely=Sum("weighted"))
            .exclude(deals=0)
        )
        found += [(int(key), *rest) for key, *rest in counted]
    return sorted(found)


def measure(columns) -> None:
    """Set the length of each bar: its share of the largest one in the same currency."""
    largest: dict[str, object] = defaultdict(int)
    for column in columns:
        for amount in column.amounts:
            largest[amount.currency] = max(largest[amount.currency], amount.value)
    for column in columns:
        for amount in column.amounts:
            amount.share = round(100 * amount.value / largest[amount.currency])
            amount.weighted_share = round(100 * amount.weighted / largest[amount.currency])


def all_of(columns) -> Column:
    """Return what the stages come to together."""
    whole, sums = Column("", "All stages"), {}
    for column in columns:
        whole.count += column.count
        for amount in column.amounts:
            one = sums.setdefault(amount.currency, Amount(amount.currency, 0, 0))
            one.value, one.weighted = one.value + amount.value, one.weighted + amount.weighted
    whole.amounts = [sums[currency] for currency in sorted(sums)]
    return whole


def columns(filters: Filters) -> list[Column]:
    """Return the columns with their sums and, of each, the cards that are due first."""
    board = totals(filters)
    cards = marked(Opportunity.objects.filter(pk__in=first_of_each(board, filters)))
    by_stage: dict = {column.stage: column.cards for column in board}
    for card in cards.order_by(*IN_ORDER):
        by_stage[str(Opportunity.PLACES[card.place])].append(card)
    return board


def first_of_each(board, filters) -> list[int]:
    """Return the deals that each column shows: those that are due first."""
    if filters.words:
        # What was looked up is gone through once. Without words each column is read by its index.
        nth = Window(RowNumber(), partition_by="place", order_by=IN_ORDER)
        return list(filters.rows().annotate(nth=nth).filter(nth__lte=MOST).values_list("pk", flat=True))
    places = [Opportunity.PLACES.index(column.stage) for column in board]
    first = [
        filters.rows().filter(place=place).order_by(*IN_ORDER).values_list("pk", flat=True)[:MOST] for place in places
    ]
    return list(first[0].union(*first[1:], all=True)) if len(first) > 1 else list(first[0])


def marked(deals):
    """Read with deals what a card or a row says of them: client, owner, and how they are neglected."""
    return deals.select_related("client", "owner", "diary").annotate(adrift=is_adrift(each=True))


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
    if not to:
        raise Refused(["Choose where the deal goes."])
    if opportunity.stage == Stage.PAUSED and to == opportunity.paused_from:
        to = "resume"
    refuse_erased(opportunity, user)
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
