"""The lines of the bench: what is compared, and how far it may be off."""

from urllib.parse import urlencode

from django.db import transaction

from bench.databases import Database
from bench.imports import an_import
from bench.lint import lint_of_long_words
from bench.measure import Ratio, compare, p95, time_of
from bench.pages import (
    dashboards,
    deep_lists,
    deep_reads,
    filtered_reads,
    first_reads,
    list_searches,
    lists,
    records,
    scoped_lists,
)
from bench.portal import portal_page
from bench.pump import against_celery, mails_against_celery, soon_done, soon_mailed
from bench.queue import queue_page
from bench.weight import heaviest, requests_of_a_page

LIST = "/admin/opportunities/opportunity/"


def run(options) -> int:
    """Print every line and return how many fell short."""
    small, large = Database(options.small), Database(options.large)
    print(f"\n{'':50}{'ratio':>7}{'aim':>7}{'control':>9}{'ms':>9}{'against':>9}")
    short = 0
    if not any(options.k in name for name, *_ in LINES):
        print(f"No line is called “{options.k}”. There are: " + ", ".join(name for name, *_ in LINES))
        return 1
    for name, line, aim in LINES:
        if options.k in name:
            ratio = line(small, large)
            near = aim == 1.2 and ratio.other - ratio.base < 2
            good = aim is None or ratio.value <= aim or near
            verdict = "" if good else "  falls short"
            if not ratio.counts:
                verdict = "  void: the machine is too busy"
            short += not good or not ratio.counts
            aimed = "none" if aim is None else f"{aim:.1f}"
            print(
                f"{name:50}{ratio.value:7.2f}{aimed:>7}{ratio.control:9.2f}{ratio.other:9.2f}{ratio.base:9.2f}{verdict}",
                flush=True,
            )
    print(f"\n{options.large:,} opportunities against {options.small:,}; under 2 ms of difference is no difference.")
    print(f"Queries: list {queries(large, LIST)}, record {queries(large, record_of(large))}.")
    return short


def queries(database, path) -> int:
    with database.counting() as captured:
        database.client.get(path)
    return len(captured)


def record_of(database) -> str:
    from opportunities.models import Opportunity

    with database:
        middle = Opportunity.objects.order_by("pk")[database.size // 2]
        return middle.staff_url()


def list_page(small, large) -> Ratio:
    return compare(lambda: small.get(LIST), lambda: large.get(LIST), times=20)


def list_page_p95(small, large) -> Ratio:
    return compare(lambda: small.get(LIST), lambda: large.get(LIST), times=20, of=p95)


def deep_page(small, large) -> Ratio:
    from opportunities.models import Opportunity

    with large:
        low = Opportunity.objects.order_by("pk")[large.size // 10].pk
    return compare(lambda: large.get(LIST), lambda: large.get(f"{LIST}?before={low}"), times=20)


def record_page(small, large) -> Ratio:
    one, other = record_of(small), record_of(large)
    return compare(lambda: small.get(one), lambda: large.get(other), times=20)


def search(small, large) -> Ratio:
    return compare(lambda: small.get(f"{LIST}?q=roof"), lambda: large.get(f"{LIST}?q=roof"), times=20)


FIND = "/admin/find/now/"
# A word of a twelfth, a word of all, a beginning, two of which one is rare, one that there is not.
FINDS = ("roof", "growth", "sca", "scale 777", "zebra")


def find_anything(small, large) -> Ratio:
    """The search box with three letters or more."""

    def look(database):
        for words in FINDS:
            database.get(f"{FIND}?{urlencode({'q': words})}")

    return compare(lambda: look(small), lambda: look(large), times=10)


def find_in_time(small, large) -> Ratio:
    """The slowest of those, 95 of 100 times, against the 50 ms that it may take."""
    worst = 0.0
    for words in FINDS:
        path = f"{FIND}?{urlencode({'q': words})}"
        worst = max(worst, p95([time_of(lambda path=path: large.get(path)) for _ in range(60)][10:]))
    return Ratio(worst / 50, 1.0, 50, worst)


def a_move(small, large) -> Ratio:
    """A move of one record, that opens and closes no other: a follow-up is paused, and resumed."""
    from opportunities.followups import open_task
    from opportunities.models import Opportunity, Task
    from opportunities.records import Opens, perform

    with large:
        deals = Opportunity.objects.filter(stage="qualified").order_by("pk")[:50]
        promise = Opens("follow_up", "Call them", 1)
        records = [
            Task.objects.open().about(deal).first() or open_task(deal, promise, by=large.person) for deal in deals
        ]
    turn = iter(range(10**9))

    def move():
        place = next(turn) % len(records)
        with large:
            record = records[place]
            if record.stage == "paused":
                records[place] = perform(record.resume, by=large.person)
            else:
                records[place] = perform(record.pause, by=large.person, reason="They are on holiday.")

    def bare():
        record = records[next(turn) % len(records)]
        with large, transaction.atomic():
            Task.objects.filter(pk=record.pk).update(title="Call them")

    return compare(bare, move, times=60)


LINES = [
    ("pages: every list, large against small", lists, 1.2),
    ("pages: every list, deep against first, large", deep_lists, 1.2),
    ("pages: search in every list", list_searches, 2.0),
    ("pages: every record", records, 1.2),
    ("pages: boards, queues and numbers", dashboards, 1.2),
    ("pages: every prepared read", first_reads, 1.2),
    ("pages: every prepared read, by a number", filtered_reads, 1.2),
    ("pages: every prepared read, deep against first, large", deep_reads, 1.2),
    ("pages: one's own lists against all, large", scoped_lists, 1.5),
    ("list page, large against small", list_page, 1.2),
    ("list page, 95th percentile", list_page_p95, 1.2),
    ("deep page against first page, large", deep_page, 1.2),
    ("record page, large against small", record_page, 1.2),
    ("search of four letters, large against small", search, 2.0),
    ("search of everything, large against small", find_anything, 2.0),
    ("search of everything, p95 of the slowest in 50 ms", find_in_time, 1.0),
    ("a move against a bare UPDATE", a_move, 3.0),
    ("queue of approvals, 100,000 pending against 1,000", queue_page, 1.2),
    ("due mail gone, p95 in s, 100,000 pending", soon_mailed, 2.0),
    ("due notice told, p95 in s, 100,000 pending", soon_done, 2.0),
    ("due notices, 500 at once, against Celery doing nothing", against_celery, 1.25),
    # Conditions, words, a conversation by SMTP and two diaries: no aim was set for these together.
    ("due follow-up mails, 100 at once, against the same", mails_against_celery, None),
    ("lint of 2,000 words, 200 internal texts, in 100 ms", lint_of_long_words, 1.0),
    ("portal page against the same query by the owner", portal_page, 1.1),
    ("heaviest public page, of 60 kB with its styles", heaviest, 1.0),
    ("requests of a public page, of 5 at most", requests_of_a_page, 1.0),
    ("import against COPY into the same tables", an_import, 2.0),
]
