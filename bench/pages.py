"""Every page of staff at a million against a thousand: lists, deep pages, searches, records, boards, prepared reads.

Each is asked of both databases in turn, and of the small one once more as the control. What falls short is measured
again, up to three times: noise passes, slowness stays. Queries are counted, of the large one and of the small one.
"""

import os
import statistics
from dataclasses import dataclass
from functools import cache
from urllib.parse import urlencode

from django.contrib import admin
from django.test import Client
from django.urls import reverse

from bench.databases import hire
from bench.measure import Ratio, p95, time_of

TIMES, TRIES = int(os.environ.get("BENCH_TIMES", "20")), 3
LIST, RECORD, DASHBOARD = 12, 15, 15
# Below two milliseconds of difference there is none.
NEAR = 2
SOURCES = {
    "report_notes": "handoff.ReportNote",
    "leads": "opportunities.Lead",
    "clients": "opportunities.Client",
    "projects": "handoff.Project",
    "tasks": "opportunities.Task",
    "audits": "opportunities.Audit",
    "reports": "handoff.Report",
    "messages": "opportunities.Message",
}
# A word of one in twelve, and a beginning of every name.
SEARCHED = ("roof", "sca")


@dataclass
class Side:
    """One of the two things that are measured in turn: a page of a database, as somebody sees it."""

    database: object
    browser: Client
    path: str

    def ask(self):
        with self.database:
            answer = self.browser.get(self.path)
        assert answer.status_code == 200, f"{self.path} answered {answer.status_code}"
        return answer

    def queries(self) -> int:
        with self.database.counting() as captured:
            self.browser.get(self.path)
        return len(captured)


@dataclass
class Measured:
    name: str
    base: float
    other: float
    middle: float
    control: float
    queries: tuple
    most: int
    # Whether both show a whole page: else the larger one only has more rows to show.
    alike: bool = True

    @property
    def ratio(self) -> float:
        return self.other / self.base

    def falls_short(self, aim) -> str:
        if self.alike and self.ratio > aim and self.other - self.base >= NEAR:
            return "slow"
        # One that has fewer rows may ask less: of none there is nothing to read on about.
        return "many queries" if max(self.queries) > self.most else ""


def in_turn(name, base: Side, other: Side, most, alike=True, *, aim) -> Measured:
    for side in (base, other, base, other):
        side.ask()
    queries = base.queries(), other.queries()
    best = None
    for _ in range(TRIES):
        first, second, third = [], [], []
        for _ in range(TIMES):
            first.append(time_of(base.ask))
            second.append(time_of(other.ask))
            third.append(time_of(base.ask))
        both = first + third
        found = Measured(
            name,
            p95(both),
            p95(second),
            statistics.median(second) / statistics.median(both),
            statistics.median(third) / statistics.median(first),
            queries,
            most,
            alike,
        )
        best = min([found, best or found], key=lambda one: one.ratio)
        if best.falls_short(aim) != "slow":
            break
    short = best.falls_short(aim) or ("" if alike else "fewer rows in the small one: not judged")
    print(
        f"  {name:58}{best.ratio:6.2f}{best.middle:7.2f}{best.control:7.2f}{best.other:9.1f}{best.base:9.1f}"
        f"{best.queries[1]:5}{best.queries[0]:5}{'  ' + short if short else ''}",
        flush=True,
    )
    return best


def all_in_turn(pairs, aim) -> Ratio:
    """Measure each of them, print it, and return the worst."""
    print(f"  {'':58}{'p95':>6}{'median':>7}{'contr.':>7}{'ms':>9}{'against':>9}{'queries':>10}")
    found = [in_turn(*pair, aim=aim) for pair in pairs]
    many = [one for one in found if one.falls_short(aim) == "many queries"]
    worst = max(found, key=lambda one: 0 if one.other - one.base < NEAR or not one.alike else one.ratio)
    control = statistics.median(one.control for one in found)
    good = sum(not one.falls_short(aim) for one in found)
    print(f"  {good} of {len(found)} are as fast; {len(many)} ask too much.")
    return Ratio(float("inf") if many else worst.ratio, control, worst.base, worst.other)


# -- Who asks. ---------------------------------------------------------------------------------------------------------


@cache
def chief(database) -> Client:
    """Return the browser of somebody who may see all there is."""
    return signed_in(database, "chief", "Administrator", "all", is_superuser=True)


def signed_in(database, name, role="", reach="", **more) -> Client:
    from opportunities.models import User

    with database:
        user = User.objects.filter(username=name).first() or hire(name, role, reach)
        for field, value in more.items():
            setattr(user, field, value)
        user.save()
        browser = Client(headers={"host": "localhost"})
        browser.force_login(user)
    return browser


def both(small, large, name, path, most):
    """Return one page of both databases; `path` is the same in each, or is asked of each."""
    paths = [path(database) if callable(path) else path for database in (small, large)]
    if None in paths:
        return None
    sides = [Side(database, chief(database), one) for database, one in zip((small, large), paths, strict=True)]
    return name, *sides, most


# -- Which pages. ------------------------------------------------------------------------------------------------------


def kinds():
    return sorted(admin.site._registry, key=lambda model: model._meta.label)


def address(model, name, *args) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{name}", args=args)


def at(database, model, part):
    """Return the id of the row of a table at so many tenths of it, or None where it is empty."""
    with database:
        ids = model._base_manager.order_by("pk").values_list("pk", flat=True)
        first, last = ids.first(), ids.last()
        return None if first is None else ids.filter(pk__gte=first + (last - first) * part // 10).first()


def of_all(small, large, pages) -> list:
    return [pair for name, path, most in pages if (pair := both(small, large, name, path, most))]


def lists(small, large) -> Ratio:
    """Each first page. A small database of 4,000 fills a page of every kind there is much of: `--small 4000`."""
    pairs = []
    for model in kinds():
        pair = both(small, large, f"list of {model._meta.label}", address(model, "changelist"), LIST)
        pairs.append((*pair, rows_of(small, model) == rows_of(large, model)))
    return all_in_turn(pairs, 1.2)


def deep_lists(small, large) -> Ratio:
    """The last tenth of each list against its first page, both at a million."""
    pairs = []
    for model in kinds():
        mark = at(large, model, 1)
        if mark and large_enough(large, model):
            path = address(model, "changelist")
            first, deep = (Side(large, chief(large), one) for one in (path, f"{path}?before={mark}"))
            pairs.append((f"deep in the list of {model._meta.label}", first, deep, LIST))
    return all_in_turn(pairs, 1.2)


def large_enough(database, model) -> bool:
    return rows_of(database, model, 200) == 200


def rows_of(database, model, most=50) -> int:
    with database:
        return len(model._base_manager.values_list("pk")[:most])


def list_searches(small, large) -> Ratio:
    pages = [
        (f"“{words}” in {model._meta.label}", f"{address(model, 'changelist')}?{urlencode({'q': words})}", LIST)
        for model in kinds()
        if large_enough(large, model)
        for words in SEARCHED
    ]
    return all_in_turn(of_all(small, large, pages), 2.0)


def records(small, large) -> Ratio:
    pages = []
    for model in kinds():
        for name in ("change", "edit"):
            if name == "edit" and model._meta.model_name != "opportunity":
                continue
            # An approval's page is that of the queue, which is measured below.
            if model._meta.model_name == "approval":
                continue
            pages.append((f"{name} {model._meta.label}", record_of(model, name), RECORD))
    return all_in_turn(of_all(small, large, [*pages, *more_records()]), 1.2)


def record_of(model, name="change"):
    def path(database):
        pk = at(database, model, 5)
        return pk and address(model, name, pk)

    return path


def more_records():
    """Yield the pages of a record that are not its form."""
    from django.apps import apps

    for name, label in (
        ("checklist", "opportunities.Opportunity"),
        ("outputs", "opportunities.Opportunity"),
        ("seen", "opportunities.Opportunity"),
        ("handoff_handoff_handover", "handoff.Handoff"),
        ("opportunities_evidence_rests", "opportunities.Evidence"),
        ("opportunities_audit_rests", "opportunities.Audit"),
        ("proposals_claim_rests", "proposals.Claim"),
        ("approval", "proposals.Approval"),
    ):
        model = apps.get_model(label)
        yield (
            name,
            lambda database, name=name, model=model: (pk := at(database, model, 5)) and reverse(name, args=[pk]),
            RECORD,
        )


def dashboards(small, large) -> Ratio:
    plain = [
        *("today", "approvals", "approvals_pace", "claims", "won_and_lost", "numbers", "notices", "report_calendar"),
        *("report_reliability", "due_work", "catalogue", "tokens", "find"),
    ]
    pages = [(name, reverse(name), DASHBOARD) for name in plain]
    board, table = (f"{reverse('pipeline')}?look={look}" for look in ("board", "table"))
    pages += [("pipeline, board", board, DASHBOARD), ("pipeline, table", table, LIST)]
    pages += [
        (f"pipeline, table, by {sort}", f"{table}&sort={sort}", LIST) for sort in ("value", "-due", "client", "last")
    ]
    pages += [("pipeline, found", f"{board}&q=roof", DASHBOARD), ("pipeline, table, found", f"{table}&q=roof", LIST)]
    # A calendar shows each report of its month: of few, it has less to show.
    pairs = [
        (*pair, all_reports(small) == all_reports(large)) if pair[0] == "report_calendar" else pair
        for pair in of_all(small, large, pages)
    ]
    return all_in_turn(pairs, 1.2)


def all_reports(database) -> int:
    from handoff.models import Report
    from handoff.owing import MOST

    return rows_of(database, Report, MOST)


def first_reads(small, large) -> Ratio:
    from zarts.reads.catalogue import VIEWS

    pages = [(f"read {name}", f"/reads/{name.replace('.', '/')}", LIST) for name in VIEWS]
    return all_in_turn(of_all(small, large, pages), 1.2)


def filtered_reads(small, large) -> Ratio:
    """Every prepared read by the number of one deal or one client, which few rows of many have."""
    from django.apps import apps

    from zarts.reads.catalogue import VIEWS

    def asking(name, column):
        def path(database):
            pk = at(database, apps.get_model("opportunities", column.removesuffix("_id")), 5)
            return pk and f"/reads/{name.replace('.', '/')}?{column}={pk}"

        return path

    pages = [
        (f"read {name} by {column}", asking(name, column), LIST)
        for name, view in VIEWS.items()
        for column in ("opportunity_id", "client_id")
        if column in view.columns
    ]
    return all_in_turn(of_all(small, large, pages), 1.2)


def deep_reads(small, large) -> Ratio:
    """The last tenth of each prepared read against its first page, both at a million."""
    from django.apps import apps

    from zarts.reads.catalogue import VIEWS
    from zarts.reads.reading import mark_of

    pairs = []
    for name, view in VIEWS.items():
        path = f"/reads/{name.replace('.', '/')}"
        mark = at(large, apps.get_model(SOURCES[name.split(".")[0]]), 9)
        deep = f"{path}?{urlencode({'after': mark_of(view, mark)})}"
        sides = (Side(large, chief(large), one) for one in (path, deep))
        pairs.append((f"deep in read {name}", *sides, LIST))
    return all_in_turn(pairs, 1.2)


def scoped_lists(small, large) -> Ratio:
    """The lists of somebody with a reach of their own, and as many grants as there are deals by twenty, against all."""
    pairs = []
    for name in (
        "opportunity",
        "client",
        "contact",
        "task",
        "lead",
        "message",
        "audit",
        "evidence",
        "note",
        "objection",
    ):
        path = reverse(f"admin:opportunities_{name}_changelist")
        sides = (Side(large, signed_in(large, who), path) for who in ("bench", "ops00"))
        pairs.append((f"one’s own list of opportunities.{name}", *sides, LIST))
    for name in ("proposal", "contract", "summary"):
        path = reverse(f"admin:proposals_{name}_changelist")
        sides = (Side(large, signed_in(large, who), path) for who in ("bench", "ops00"))
        pairs.append((f"one’s own list of proposals.{name}", *sides, LIST))
    for name in ("pipeline", "today"):
        sides = (Side(large, signed_in(large, who), reverse(name)) for who in ("bench", "ops00"))
        pairs.append((f"one’s own {name}", *sides, DASHBOARD))
    return all_in_turn(pairs, 1.5)
