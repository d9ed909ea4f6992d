"""The charts: each a table with a bar in each row, and a sentence that says what changed since last week."""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal

from django.db.models import Count, F, Q, Sum
from django.db.models.functions import TruncMonth
from django.utils import timezone
from django.utils.formats import date_format

from handoff.models import Promise
from handoff.scorecard import WORDS as VERDICTS
from opportunities.currencies import rounded
from opportunities.firstresponse import spell
from opportunities.models import Closing, Opportunity
from opportunities.money import money
from portal.promised import MET, OVER, SHORT
from proposals.models import Aspect

from .asked import NAMED
from .models import Idle
from .models import Sum as Counted

WEEK = timedelta(days=7)
OPEN = len(Opportunity.OPEN)
STAGES = [Opportunity.Stage(stage).label for stage in Opportunity.PATH]
# What changes a forecast, in the order in which it is told.
CHANGES = (
    ("new", "new"),
    ("reopened", "reopened"),
    ("won", "won"),
    ("lost", "lost"),
    ("revalued", "re-valued"),
    ("given", "given to or taken from others"),
)

# What a page says as a length of time, and a file in minutes.
TIMES = ("Half within", "Nine of ten within")
PROOF_OF = {"owner": "the owner of the deal", "service": "the service of the proposal, or else of the deal"}


@dataclass
class Row:
    """A line of a table: what it is about, each cell as a page says it and as a file has it, and its bar of 100."""

    label: str
    cells: list[tuple[str, object]]
    bar: float = 0
    heads: list[str] = field(default_factory=list)

    @property
    def with_heads(self) -> list[tuple[str, str]]:
        return [(head, said) for head, (said, _) in zip(self.heads, self.cells, strict=True)]


@dataclass
class Chart:
    name: str
    title: str
    about: str
    heads: list[str]
    rows: list[Row] = field(default_factory=list)
    changed: str = ""
    empty: str = ""
    # The choices of how it is cut: words, address, whether it is this one.
    cuts: list[tuple] = field(default_factory=list)
    # Where there is more of it: words, the name of the page, the right to see it, and those filters that it knows too.
    more: tuple = ()

    def __post_init__(self):
        for row in self.rows:
            row.heads = self.heads[1:]

    @property
    def file_heads(self) -> list[str]:
        """Return what stands above each column of a file, where a length of time is a bare number."""
        return [f"{head}, minutes" if head in TIMES else head for head in self.heads]


class Figures:
    """What the counters say to somebody who asked: five queries, whatever is counted; one more for months of proof."""

    def __init__(self, asked, today=None):
        self.asked, self.today = asked, today or timezone.now().date()
        self.first, self.week, self.before = (
            self.today - timedelta(days=asked.days - 1),
            self.today - WEEK,
            self.today - 2 * WEEK,
        )
        since = {
            "period": Q(day__gte=self.first),
            "week": Q(day__gt=self.week),
            "before": Q(day__gt=self.before, day__lte=self.week),
        }
        rows = Counted.objects.order_by()
        by = ("key", "more", "owner_id", "service", "currency")
        stands = asked.narrow(rows.filter(kind="standing")).values(*by)
        self.stands = list(stands.annotate(deals=Sum("n"), worth=Sum("value"), likely=Sum("weighted")))
        # A report that came early is counted on the day on which it is due.
        rows = rows.filter(day__gt=min(self.first - timedelta(days=1), self.before), day__lte=self.today)
        changes = asked.narrow(rows.filter(kind="change")).values("key", "owner_id", "service", "source", "currency")
        self.changes = list(
            changes.annotate(
                **{name: Sum("n", filter=when, default=0) for name, when in since.items()},
                week_weighted=Sum("weighted", filter=since["week"], default=0),
                week_rows=Count("pk", filter=since["week"]),
            )
        )
        # What happened is counted without a currency, but for the reasons.
        now = (
            Counted.objects.order_by().filter(kind__in=["proof", "claim"]).values("kind", "key", "owner_id", "service")
        )
        self.now = list(asked.narrow(now, NAMED).annotate(many=Sum("n")))
        idle = asked.narrow(Idle.objects.order_by()).values_list("owner_id").annotate(Count("opportunity"))
        self.idle = dict(idle)
        others = asked.narrow(rows.exclude(kind__in=["standing", "proof", "claim", "change"]), NAMED)
        if "currency" in asked.chosen:
            others = others.exclude(Q(kind="reason") & ~Q(currency=asked.chosen["currency"]))
        others = others.values("kind", "key", "more", person=F("owner_id"))
        self.others = list(others.annotate(**{name: Sum("n", filter=when, default=0) for name, when in since.items()}))

    def of(self, kind):
        return [row for row in self.others if row["kind"] == kind]

    def standing(self, kind):
        return [row for row in self.now if row["kind"] == kind]

    def all(self) -> list[Chart]:
        selling = [self.forecast(), self.funnel(), self.rate(), self.reasons(), self.speed(), self.kept()]
        return [*selling, self.proved(), self.claims(), self.disputes(), self.reports()]

    def cuts(self, name, choices) -> list[tuple]:
        now = self.asked.cut(name)
        return [(choice.capitalize(), self.asked.query(**{name: choice}), choice == now) for choice in choices]

    # -- One by one. ---------------------------------------------------------------------------------------------------

    def forecast(self) -> Chart:
        """Return what open deals come to, each currency for itself."""
        cut = self.asked.cut("by")
        sums: dict[tuple, list] = defaultdict(lambda: [0, Decimal(), Decimal()])
        for row in self.stands:
            if int(row["key"]) < OPEN and row["deals"]:
                line = sums[row["currency"], self.line(cut, row)]
                for place, column in enumerate(("deals", "worth", "likely")):
                    line[place] += row[column]
        longest: dict[str, Decimal] = defaultdict(Decimal)
        for (currency, _), (_, _, likely) in sums.items():
            longest[currency] = max(longest[currency], likely)
        rows = []
        for (currency, (_, label, _)), (deals, worth, likely) in sorted(sums.items()):
            worth, likely = rounded(worth, currency), rounded(likely, currency)
            cells = [(currency, currency), (str(deals), deals), (money(worth, currency), worth)]
            cells.append((money(likely, currency), likely))
            rows.append(Row(label, cells, share(likely, longest[currency])))
        return Chart(
            "forecast",
            "Forecast",
            "What open deals come to, and weighted: their value times their probability. Amounts of two currencies are "
            f"never added. By {'the month of the decision deadline' if cut == 'month' else 'their ' + cut}."
            + (" Each bar is measured by the longest of its own currency." if len(longest) > 1 else ""),
            [cut.capitalize(), "Currency", "Deals", "Value", "Weighted"],
            rows,
            self.forecast_changed(),
            "No deal is open here.",
            self.cuts("by", ("month", "owner", "service")),
        )

    def line(self, cut, row) -> tuple:
        """Return under which line of its table this is: its place, its label, and what it is about, by its number."""
        if cut == "month":
            return (row["more"] or "~", said_month(row["more"] or "~"), 0)
        pk = row["owner_id" if cut == "owner" else cut]
        # Two people of one name are two lines. Whom this person does not see are one.
        known = pk if pk in self.asked.names[cut] else 0
        return (str(int(pk == 0)), self.asked.called(cut, pk), known)

    def forecast_changed(self) -> str:
        """Say in a sentence for each currency what the weighted value is, and what made it so since last week.

        For a week after the history was told anew, nobody knows what it was a week ago: only how many came and went.
        """
        now: dict = defaultdict(Decimal)
        for row in self.stands:
            if int(row["key"]) < OPEN:
                now[row["currency"]] += row["likely"]
        counts: dict = defaultdict(int)
        sums: dict = defaultdict(Decimal)
        told = {row["currency"] for row in self.changes if row["key"] == "told" and row["week_rows"]}
        for row in self.changes:
            counts[row["currency"], row["key"]] += row["week"]
            sums[row["currency"], row["key"]] += row["week_weighted"]
        changed = {key[0] for key, many in [*counts.items(), *sums.items()] if many and key[1] != "told"}
        currencies = changed | {currency for currency in now if now[currency]}
        said = []
        for currency in sorted(currencies):
            total = sum((sums[currency, key] for key, _ in CHANGES), Decimal())
            parts = []
            for key, words in CHANGES:
                many, amount = counts[currency, key], sums[currency, key]
                if many or amount:
                    counted = f"{many} {words}" if many and key != "given" else words
                    known = amount and currency not in told
                    parts.append(counted + (f" ({signed(amount, currency)})" if known else ""))
            moved = counts[currency, "moved"]
            parts += [f"{moved} moved to another month"] if moved else []
            line = f"{money(rounded(now[currency], currency), currency)} weighted"
            if currency in told:
                line += " (in the last week " + ", ".join(parts) + ")" if parts else ""
            else:
                line += f", {signed(total, currency)} since last week" if total else ", as last week"
                line += ": " + ", ".join(parts) if parts else ""
            said.append(f"{line}.")
        if told & currencies:
            said.append("What it was a week ago is not known: these numbers were counted anew since.")
        return " ".join(said) or "Nothing is open, and nothing changed since last week."

    def funnel(self) -> Chart:
        """Return how many deals reached each stage, how many stand there, and how long they take."""
        reached: dict = defaultdict(int)
        for row in self.of("reached"):
            for name in ("period", "week", "before"):
                reached[row["key"], name] += row[name]
        here: dict = defaultdict(int)
        for row in self.stands:
            here[row["key"]] += row["deals"]
        took = self.lengths("stage")
        most = max((reached[str(place), "period"] for place in range(len(STAGES))), default=0)
        rows = []
        for place, label in enumerate(STAGES):
            many, key = reached[str(place), "period"], str(place)
            cells = [(str(many), many), (str(here[key]), here[key]), *both_times(took.get(key, {}))]
            rows.append(Row(label, cells, share(many, most)))
        now, then = (sum(reached[str(place), name] for place in range(1, len(STAGES))) for name in ("week", "before"))
        return Chart(
            "funnel",
            "Funnel and time in stage",
            "How many deals came to each stage, how many stand there now, and how long those that left it, onward or "
            "lost, had stood there: half of them at most the first time, nine of ten the second. Pauses count as time.",
            ["Stage", "Came to it", "Now there", *TIMES],
            rows if most or any(here.values()) else [],
            f"{steps(now)} forward this week, after {then} in the week before.",
            "No deal has come to a stage here.",
        )

    def rate(self) -> Chart:
        """Return how many of the deals that ended were won."""
        cut = self.asked.cut("rate")
        ended: dict[tuple, list] = defaultdict(lambda: [0, 0])
        weeks: dict = defaultdict(int)
        for row in self.changes:
            if row["key"] in ("won", "lost"):
                ended[self.line(cut, row)][row["key"] == "lost"] += row["period"]
                weeks[row["key"], "week"] += row["week"]
                weeks[row["key"], "before"] += row["before"]
        rows = [
            of_both(label, won, lost)
            for (_, label, _), (won, lost) in sorted(ended.items(), key=lambda it: (-sum(it[1]), it[0]))
            if won + lost
        ]
        return Chart(
            "win-rate",
            "Win rate",
            "Of the deals that ended, how many were won. A deal that has several services or leads counts under "
            "its first.",
            [cut.capitalize(), "Won", "Lost", "Won, of 100"],
            rows,
            f"{weeks['won', 'week']} won and {weeks['lost', 'week']} lost this week, after "
            f"{weeks['won', 'before']} won and {weeks['lost', 'before']} lost in the week before.",
            "No deal ended in this time.",
            self.cuts("rate", ("source", "owner", "service")),
            ("Each with its words", "won_and_lost", "opportunities.view_closing", self.asked.only("owner", "service")),
        )

    def reasons(self) -> Chart:
        sums: dict = defaultdict(int)
        for row in self.of("reason"):
            for name in ("period", "week"):
                sums[row["key"], row["more"], name] += row[name]
        names = [(key, label) for key, label in Closing.Reason.choices if sums[key, "lost", "period"] > 0]
        names.sort(key=lambda it: -sums[it[0], "lost", "period"])
        every = sum(sums[key, "lost", "period"] for key, _ in names)
        rows = [
            Row(
                label,
                [
                    (str(sums[key, "lost", "period"]), sums[key, "lost", "period"]),
                    percent(sums[key, "lost", "period"], every),
                ],
                share(sums[key, "lost", "period"], every),
            )
            for key, label in names
        ]
        labels = dict(Closing.Reason.choices)
        week = [(sums[key, "lost", "week"], labels[key]) for key in labels if sums[key, "lost", "week"]]
        said = ", ".join(f"{label} ({many})" for many, label in sorted(week, reverse=True))
        return Chart(
            "reasons",
            "Why deals were lost",
            "The reason that somebody chose when the deal was closed.",
            ["Reason", "Lost", "Of 100 lost"],
            rows,
            f"This week: {said}." if said else "Nothing was lost this week.",
            "Nothing was lost in this time.",
            more=(
                "Each with its words",
                "won_and_lost",
                "opportunities.view_closing",
                self.asked.only("owner", "service", outcome="lost"),
            ),
        )

    def speed(self) -> Chart:
        """Return how long people waited for us: for a first answer, and for an approval."""
        first, asked = self.lengths("first"), self.lengths("approval")
        lines = [("First answer to a lead", first.get("", {}))]
        lines += [(f"Approval: {label}", asked.get(key, {})) for key, label in Aspect.choices]
        lines = [(label, took) for label, took in lines if sum(took.values()) > 0]
        longest = max((within(took, 90) for _, took in lines), default=0)
        rows = [
            Row(
                label,
                [(str(sum(took.values())), sum(took.values())), *both_times(took)],
                share(within(took, 90), longest),
            )
            for label, took in lines
        ]
        now, then = self.lengths("first", "week").get("", {}), self.lengths("first", "before").get("", {})
        words = [spell(timedelta(minutes=within(each, 50))) if sum(each.values()) else "" for each in (now, then)]
        changed = (
            f"Half of the first answers came within {words[0]} this week"
            if words[0]
            else "No lead had its first answer this week"
        )
        changed += f", after {words[1]} in the week before." if words[1] else "; none came in the week before."
        return Chart(
            "speed",
            "How soon we answer",
            "From the question to the answer, nights and weekends included. The bar is the time of nine of ten.",
            ["What", "Answered", *TIMES],
            rows,
            changed,
            "Nothing was answered in this time.",
            more=("Turnaround in working hours", "approvals_pace", "proposals.reassign_approval", ""),
        )

    def kept(self) -> Chart:
        """Return by owner how many tasks were done in time, and for how many open deals nothing is promised."""
        sums: dict = defaultdict(lambda: [0, 0, 0])
        weeks: dict = defaultdict(int)
        for row in self.of("task"):
            sums[self.line("owner", {"owner_id": row["person"]})][row["key"] == "late"] += row["period"]
            weeks[row["key"], "week"] += row["week"]
            weeks[row["key"], "before"] += row["before"]
        for person, many in self.idle.items():
            sums[self.line("owner", {"owner_id": person})][2] += many
        rows = []
        for (_, label, _), (kept, late, idle) in sorted(sums.items()):
            if kept + late or idle:
                row = of_both(label, kept, late)
                rows.append(Row(label, [*row.cells, (str(idle), idle)], row.bar))
        lacking = sum(self.idle.values())
        deals = "1 open deal has" if lacking == 1 else f"{lacking} open deals have"
        return Chart(
            "follow-ups",
            "Follow-ups kept",
            "Tasks that were done by the time they were due, and after it; and the open deals that have no next action "
            "now: no open task, and none that waits and says why. The clock opens one for the owner of each.",
            ["Owner", "Kept", "Late", "Kept, of 100", "Deals without a next action"],
            rows,
            f"{weeks['kept', 'week']} kept and {weeks['late', 'week']} late this week, after "
            f"{weeks['kept', 'before']} kept and {weeks['late', 'before']} late in the week before. "
            + (f"{deals} no next action." if lacking else "Every open deal has a next action."),
            "No task was done in this time.",
        )

    def proved(self) -> Chart:
        """Return how much of what open proposals promise rests on proof that counts."""
        cut, now, changed = self.asked.cut("proof"), defaultdict(int), defaultdict(int)
        sums: dict = defaultdict(lambda: [0, 0])
        for row in self.standing("proof"):
            now[row["key"]] += row["many"]
            if cut != "month":
                sums[self.line(cut, row)][row["key"] == "proved"] += row["many"]
        for row in self.of("proofday"):
            changed[row["key"]] += row["week"]
        if cut == "month":
            lines = self.proved_by_month(now["promised"], now["proved"])
        else:
            lines = [(label, *counts) for (_, label, _), counts in sorted(sums.items())]
        promised, before = now["promised"], now["promised"] - changed["promised"]
        said = f"{now['proved']} of {promised} rows are proved ({percent(now['proved'], promised)[0]})"
        then = now["proved"] - changed["proved"]
        said += f", after {then} of {before} ({percent(then, before)[0]}) a week ago." if before > 0 else "."
        return Chart(
            "proof",
            "Proved promises",
            "The rows of open proposals that need proof (promised scope, steps, prices and claims), and those that "
            "rest on evidence that counts. A proposal is open until it is accepted, declined, replaced or over. "
            + ("By month: as it was at the end of each." if cut == "month" else f"By {PROOF_OF[cut]}, as it is now."),
            [cut.capitalize(), "Promised", "Proved", "Proved, of 100"],
            [
                Row(label, [(str(rows), rows), (str(good), good), percent(good, rows)], share(good, rows))
                for label, rows, good in lines
                if rows
            ],
            said if promised else "No open proposal promises anything now.",
            "No open proposal promises anything here.",
            self.cuts("proof", ("owner", "service", "month")),
        )

    def proved_by_month(self, promised, proved) -> list[tuple]:
        """Return what was promised and proved at the end of each month of the time: from now back, change by change."""
        month = self.first.replace(day=1)
        days = self.asked.narrow(Counted.objects.order_by().filter(kind="proofday", day__gte=month), NAMED)
        changed = {
            (row["month"], row["key"]): row["many"]
            for row in days.annotate(month=TruncMonth("day")).values("month", "key").annotate(many=Sum("n"))
        }
        lines, at = [], self.today.replace(day=1)
        while at >= month:
            lines.append((said_month(f"{at:%Y-%m}"), promised, proved))
            promised -= changed.get((at, "promised"), 0)
            proved -= changed.get((at, "proved"), 0)
            at = (at - timedelta(days=1)).replace(day=1)
        return lines[::-1]

    def claims(self) -> Chart:
        """Return by service how the claims that were sold came out, as it was reported last."""
        lines: dict[tuple, dict] = defaultdict(lambda: defaultdict(int))
        now, changed = defaultdict(int), defaultdict(int)
        for row in self.standing("claim"):
            lines[self.line("service", row)][row["key"]] += row["many"]
            now[row["key"]] += row["many"]
        for row in self.of("claimday"):
            changed[row["key"]] += row["week"]
        rows = []
        for (_, label, _), counts in sorted(lines.items()):
            if sum(counts.values()):
                good, judged = as_promised(counts)
                cells = [(str(counts[key]), counts[key]) for key in VERDICTS]
                rows.append(Row(label, [*cells, percent(good, judged) if judged else ("–", "")], share(good, judged)))
        good, judged = as_promised(now)
        good_before, judged_before = as_promised({key: now[key] - changed[key] for key in VERDICTS})
        said = f"{good} of {judged} claims that were reported came out as promised or better"
        then = f", after {good_before} of {judged_before} a week ago." if judged_before > 0 else "."
        return Chart(
            "claims",
            "How claims came out",
            "The claims that were sold and not let go since, by service: what was reported last beside the range that "
            "was promised. The bar is how many came out as promised or better, of those that were reported.",
            ["Service", *VERDICTS.values(), "As promised or better, of 100"],
            rows,
            said + then if judged else "No claim that was sold is reported yet.",
            "No claim was sold here.",
            more=("Each claim", "claims", "handoff.view_promise", self.asked.only("service")),
        )

    def disputes(self) -> Chart:
        """Return how many promises delivery disputed, and how disputes were settled."""
        sums: dict[str, dict] = {name: defaultdict(int) for name in ("period", "week", "before")}
        for row in self.of("dispute"):
            for name, counts in sums.items():
                counts[row["key"]] += row[name]
        lines = [
            ("disputed", "Disputed"),
            *((key, f"Settled: {words.lower()}") for key, words in Promise.Outcome.choices),
        ]
        most = max((sums["period"][key] for key, _ in lines), default=0)
        disputed = {name: counts["disputed"] for name, counts in sums.items()}
        settled = {name: sum(counts.values()) - counts["disputed"] for name, counts in sums.items()}
        return Chart(
            "disputes",
            "What delivery disputed",
            "Promises that delivery disputed when it inherited them, and how disputes were settled, each on its day.",
            ["What", "Promises"],
            [
                Row(label, [(str(sums["period"][key]), sums["period"][key])], share(sums["period"][key], most))
                for key, label in lines
            ]
            if most
            else [],
            f"{disputed['week']} disputed and {settled['week']} settled this week, after {disputed['before']} disputed "
            f"and {settled['before']} settled in the week before.",
            "Nothing was disputed in this time.",
            more=(
                "Each that is disputed now",
                "admin:handoff_promise_changelist",
                "handoff.view_promise",
                "?stage=disputed",
            ),
        )

    def reports(self) -> Chart:
        """Return by whoever answered for them how reports came that were due in the time."""
        sums: dict[tuple, dict] = defaultdict(lambda: defaultdict(int))
        weeks: dict = defaultdict(int)
        for row in self.of("report"):
            sums[self.line("owner", {"owner_id": row["person"]})][row["key"]] += row["period"]
            for name in ("week", "before"):
                weeks[name, row["key"] == "on_time"] += row[name]
        rows = []
        for (_, label, _), counts in sorted(sums.items()):
            if any(counts.values()):
                good, late, missed = (counts[key] for key in ("on_time", "late", "missed"))
                row = of_both(label, good, late + missed)
                rows.append(Row(label, [row.cells[0], (str(late), late), (str(missed), missed), row.cells[2]], row.bar))
        return Chart(
            "reports",
            "Reports in time",
            "The reports that were due in this time, under whoever answered for each on its day: published by the end "
            "of that day where the client is, later, or not there five days after it.",
            ["Owner", "In time", "Late", "Missed", "In time, of 100"],
            rows,
            f"Of the reports that were due this week {weeks['week', True]} came in time and {weeks['week', False]} did "
            f"not, after {weeks['before', True]} and {weeks['before', False]} in the week before.",
            "No report was due in this time.",
            more=(
                "By client and service",
                "report_reliability",
                "handoff.view_report",
                self.asked.only("owner", "service", days=self.asked.days),
            ),
        )

    def lengths(self, kind, window="period") -> dict[str, dict[int, int]]:
        """Return for each key how many took how many minutes."""
        found: dict = defaultdict(lambda: defaultdict(int))
        for row in self.of(kind):
            if row["more"]:
                found[row["key"]][int(row["more"])] += row[window]
        return found


def within(took, percentile: int) -> int:
    """Return the minutes within which so many of a hundred were done, as exactly as they are counted."""
    every, seen = sum(took.values()), 0
    for minutes in sorted(took):
        seen += took[minutes]
        if every and 100 * seen >= percentile * every:
            return minutes
    return 0


def both_times(took) -> list:
    if sum(took.values()) <= 0:
        return [("–", ""), ("–", "")]
    return [(spell(timedelta(minutes=minutes)), minutes) for minutes in (within(took, 50), within(took, 90))]


def of_both(label, good, bad) -> Row:
    """Return the row of what went well and what did not, with how many of a hundred went well."""
    every = good + bad
    return Row(label, [(str(good), good), (str(bad), bad), percent(good, every)], share(good, every))


def as_promised(counts) -> tuple[int, int]:
    """Return how many claims came out as promised or better, and how many were reported at all."""
    good = counts[MET] + counts[OVER]
    return good, good + counts[SHORT]


def share(part, whole) -> float:
    return max(0, round(float(100 * part / whole), 1)) if whole > 0 else 0


def percent(part, whole) -> tuple[str, int]:
    """Return so many of a hundred, never rounded up to all of them."""
    number = 100 * part // whole if whole else 0
    return f"{number} %", number


def signed(value, currency) -> str:
    value = rounded(value, currency)
    return f"{'−' if value < 0 else '+'}{money(abs(value), currency)}"


def steps(many) -> str:
    return f"{many} step{'s' * (many != 1)}"


def said_month(month) -> str:
    if month == "~":
        return "No deadline"
    return date_format(date.fromisoformat(f"{month}-01"), "M Y")
