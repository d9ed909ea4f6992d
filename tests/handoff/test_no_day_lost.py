"""From the first period on every day is told of by one report: none is left out, and none is told twice."""

from datetime import date, timedelta
from random import Random

import pytest
import time_machine

from handoff import clock
from handoff.inherit import Will
from handoff.models import Report
from opportunities.records import Refused, edit, perform
from tests.makers_handoff import a_change, a_project, a_signed_deal, a_won_deal

DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
def in_january():
    """It is a Monday in January: the days below are written out."""
    with time_machine.travel("2027-01-11 12:00+00:00"):
        yield


@pytest.fixture
def cadence(ada, ben, dora):
    """A live project whose client gets a report on the first of each month, the first one in February."""
    terms = {"report_every": "monthly", "report_day": 1, "first_report_on": date(2027, 2, 1)}
    project = a_project(ada, manager=ben, delivery=dora, stage="live", report_skips_days_off=False, **terms)
    return project.cadences.get()


def told(cadence):
    """Return (from, to) of what is told of, in the order of days."""
    rows = cadence.reports.exclude(stage="dropped").order_by("period_from")
    return [(row.period_from, row.period_to) for row in rows]


def holds(cadence) -> bool:
    """Whether each day from the first one on is told of once."""
    days = told(cadence)
    going_on = [begins for begins, _ in days[1:]] == [ends + DAY for _, ends in days[:-1]]
    return going_on and days[0][0] == cadence.tells_from


@pytest.mark.parametrize("begun", [1, 2])
def test_other_days_leave_out_no_day_before_a_report_that_somebody_began(cadence, ben, dora, begun):
    before = cadence.tells_from
    perform(cadence.reports.all()[begun].start, by=dora)
    a_change(cadence, dora, approver=ben, day=20)

    assert told(cadence)[0][0] == before
    assert holds(cadence)


def test_a_pause_over_the_first_report_leaves_its_days_to_another_though_the_second_was_begun(cadence, ben, dora):
    first, second, _ = cadence.reports.all()
    perform(second.start, by=dora)
    a_change(cadence, dora, approver=ben, kind="pause", first_on=date(2027, 1, 31), last_on=date(2027, 2, 3))

    took = cadence.reports.exclude(stage="dropped").get(period_from=first.period_from)
    assert (took.period_to, took.due_on) == (first.period_to, date(2027, 3, 1))
    assert holds(cadence)


def test_a_hole_that_takes_more_reports_than_wait_is_filled_all_the_same(cadence, ben, dora):
    for report in cadence.reports.all()[1:]:
        perform(report.start, by=dora)
    weekly = {"frequency": "weekly", "weekday": 4, "day": None, "first_due_on": date(2027, 1, 15)}
    a_change(cadence, dora, approver=ben, **weekly)
    assert holds(cadence)
    assert cadence.reports.filter(period_to__lt=date(2027, 1, 29)).count() > 1


@pytest.mark.parametrize("seed", range(6))
def test_whatever_is_begun_moved_paused_and_left_undone_each_day_is_told_of_once(cadence, ben, dora, seed):
    chance, at = Random(seed), date(2027, 1, 11)
    for _ in range(7):
        at += timedelta(days=chance.randint(1, 25))
        with time_machine.travel(f"{at} 12:00+00:00"):
            clock.run()
            what = chance.choice(["begin", "begin", "weekly", "monthly", "quarterly", "pause", "resume"])
            try:
                if what == "begin":
                    waiting = list(cadence.reports.filter(stage=Report.Stage.SCHEDULED))
                    perform(chance.choice(waiting).start, by=dora)
                elif what == "weekly":
                    a_change(again(cadence), dora, approver=ben, frequency=what, weekday=chance.randint(0, 6), day=None)
                elif what in ("monthly", "quarterly"):
                    a_change(
                        again(cadence), dora, approver=ben, frequency=what, weekday=None, day=chance.randint(1, 31)
                    )
                else:
                    first = at + timedelta(days=chance.randint(0, 20))
                    last = first + timedelta(days=chance.randint(0, 60)) if what == "pause" else None
                    change = a_change(again(cadence), dora, kind=what, first_on=first, last_on=last)
                    perform(change.approve, by=ben)
            except Refused as refusal:
                change = cadence.changes.get(stage="requested")
                perform(change.refuse, by=ben, reason=str(refusal))
            assert holds(again(cadence)), (what, at, told(cadence))


# -- The first day. ----------------------------------------------------------------------------------------------------

FIRST = {"report_every": "monthly", "report_day": 1, "first_report_on": date(2027, 3, 1)}


@pytest.mark.parametrize(
    ("kickoff", "first"),
    [
        (date(2027, 2, 8), date(2027, 2, 8)),
        (None, date(2027, 1, 11)),
        # No report that the contract names falls away with a late kickoff.
        (date(2027, 3, 20), date(2027, 1, 11)),
    ],
)
def test_the_first_report_tells_of_the_days_since_the_kickoff_and_of_none_before_the_contract(
    ada, ben, dora, kickoff, first
):
    cadence = a_won_deal(ada, manager=ben, kickoff_on=kickoff, **FIRST).projects.get().cadences.get()
    assert (told(cadence)[0], cadence.tells_from) == ((first, date(2027, 2, 25)), first)


def test_a_kickoff_that_moves_moves_the_first_day_that_is_told_of_until_somebody_began(ada, ben, dora):
    project = a_won_deal(ada, manager=ben, kickoff_on=date(2027, 1, 20), **FIRST).projects.get()
    cadence = project.cadences.get()
    project = edit(project, by=dora, kickoff_on=date(2027, 2, 8))
    assert told(cadence)[0][0] == date(2027, 2, 8)

    perform(cadence.reports.first().start, by=dora)
    edit(project, by=dora, kickoff_on=date(2027, 2, 15))
    assert told(cadence)[0][0] == date(2027, 2, 8)


def test_where_no_day_of_the_contract_lies_before_the_first_report_the_next_one_is_the_first_and_it_is_said(ada, ben):
    named = {"report_every": "monthly", "report_day": 12, "report_skips_days_off": False}
    with time_machine.travel("2027-03-05 12:00+00:00"):
        deal = a_signed_deal.__wrapped__(ada, manager=ben, first_report_on=date(2027, 3, 12), **named)
        will = Will(deal)
        said = " ".join(map(str, will.warnings()))
    assert [report.due_on for report in will.reports][:1] == [date(2027, 4, 12)]
    assert "no report could tell of a day since the contract was signed: the first comes on" in said


def again(record):
    return type(record).objects.get(pk=record.pk)
