"""Pausing and ending reports, and moving their days: one asks, another approves, and nothing is lost or told twice."""

from datetime import date, timedelta
from threading import Barrier, Thread

import pytest
import time_machine
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import DatabaseError, IntegrityError, connections, transaction
from django.urls import reverse
from django.utils import timezone

from handoff import clock
from handoff.admin_days import to_ask
from handoff.models import CadenceChange, Report
from opportunities.models import Task
from opportunities.records import Refused, perform
from portal.models import Publication
from tests.makers_handoff import a_change, a_handoff, a_project

JAN = date(2027, 1, 1)
PLACE = "; the first on 1 Feb 2027; by the time of UTC"


def again(record):
    return type(record).objects.get(pk=record.pk)


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


def owed(cadence):
    """Return (due, from, to) of what is owed."""
    rows = cadence.reports.filter(stage__in=Report.UNPUBLISHED)
    return [(row.due_on.isoformat(), row.period_from.isoformat(), row.period_to.isoformat()) for row in rows]


def asked(cadence, **said):
    """Return a change as it is typed: nobody has saved it yet."""
    return CadenceChange(cadence=cadence, reason="They asked.", **said)


def refusals(change) -> str:
    with pytest.raises(ValidationError) as refusal:
        change.clean()
    return " ".join(refusal.value.messages)


# -- Who may. ----------------------------------------------------------------------------------------------------------


def test_nobody_approves_what_they_asked_for(cadence, ben, fay):
    change = a_change(cadence, ben, kind="pause", first_on=date(2027, 2, 1), last_on=date(2027, 2, 28))
    with pytest.raises(PermissionDenied):
        perform(change.approve, by=ben)
    assert perform(change.approve, by=fay).decided_by == fay


def test_delivery_asks_and_does_not_approve(cadence, ben, dora):
    change = a_change(cadence, ben, kind="end", first_on=date(2027, 3, 1))
    with pytest.raises(PermissionDenied):
        perform(change.approve, by=dora)
    with pytest.raises(PermissionDenied):
        perform(change.recall, by=dora, reason="No.")
    assert perform(change.recall, by=ben, reason="They stay.").stage == "recalled"
    assert len(owed(cadence)) == 3


def test_the_database_lets_nobody_approve_what_they_asked_for(cadence, dora, ben):
    change = a_change(cadence, dora, kind="end", first_on=date(2027, 3, 1))
    rows = CadenceChange.objects.filter(pk=change.pk)
    for by in (dora, None):
        with pytest.raises(IntegrityError, match="change_of_days_by_two"), transaction.atomic():
            rows.update(stage="approved", decided_by=by)
    with pytest.raises(DatabaseError, match="does not change any more"), transaction.atomic():
        rows.update(asked_by=ben)


def test_the_database_lets_no_day_change_without_an_approval(cadence, dora):
    a_change(cadence, dora, day=15)
    for days in ({"day": 15}, {"frequency": "weekly"}, {"time_zone": "Asia/Tokyo"}, {"first_due_on": None}):
        with pytest.raises(DatabaseError, match="by an approved change only"), transaction.atomic():
            type(cadence).objects.filter(pk=cadence.pk).update(**days)


def test_whoever_may_approve_gets_the_task_and_it_is_done_by_deciding(cadence, ben, dora):
    change = a_change(cadence, dora, kind="end", first_on=date(2027, 3, 1))
    task = Task.objects.about(change).get()
    assert (task.owner, task.stage) == (ben, "open")
    perform(change.refuse, by=ben, reason="They signed for a year.")
    assert again(task).stage == "done"
    assert owed(cadence)[0][0] == "2027-02-01"


def test_a_change_that_waits_stands_among_the_approvals_of_whoever_may_decide_on_it(cadence, ben, dora, cem, as_user):
    change = a_change(cadence, dora, kind="end", first_on=date(2027, 3, 1))
    page = as_user(ben).get("/admin/approvals/").content.decode()
    assert f'href="{change.staff_url()}">{change.asked}</a>' in page
    assert 'Days of reports <span class="z-count">1</span>' in page

    perform(change.recall, by=dora, reason="They stay.")
    own = a_change(cadence, ben, kind="end", first_on=date(2027, 3, 1))
    assert own.asked not in as_user(ben).get("/admin/approvals/").content.decode()
    assert own.asked not in as_user(cem).get("/admin/approvals/").content.decode()


# -- What it does. -----------------------------------------------------------------------------------------------------


def test_a_pause_drops_what_is_due_in_it_and_loses_no_day(cadence, ben, dora):
    a_change(cadence, dora, approver=ben, kind="pause", first_on=date(2027, 2, 15), last_on=date(2027, 4, 1))

    dropped = list(cadence.reports.filter(stage="dropped"))
    assert [report.due_on for report in dropped] == [date(2027, 3, 1), date(2027, 4, 1)]
    assert "Reports rest from Mon 15 Feb 2027 until Thu 1 Apr 2027" in dropped[0].dropped_because
    assert owed(cadence) == [
        ("2027-02-01", "2026-12-29", "2027-01-28"),
        ("2027-05-01", "2027-01-29", "2027-04-27"),
        ("2027-06-01", "2027-04-28", "2027-05-28"),
    ]


def test_a_report_that_was_dropped_says_so_and_asks_for_nothing(cadence, ben, dora, as_user):
    a_change(cadence, dora, approver=ben, kind="pause", first_on=date(2027, 2, 15), last_on=date(2027, 4, 1))
    page = as_user(dora).get(cadence.reports.filter(stage="dropped").first().staff_url()).content.decode()
    assert "It is not owed any more." in page
    for words in ("Before the client reads it", "Who gets it by mail", ">Save<", "Write the words"):
        assert words not in page


def test_a_pause_from_today_drops_the_next_one_with_its_task(cadence, ben, dora):
    first = cadence.reports.first()
    assert Task.objects.about(first).unfinished().exists()
    a_change(cadence, dora, approver=ben, kind="pause", first_on=date(2027, 1, 11), last_on=date(2027, 2, 10))

    assert again(first).stage == "dropped"
    assert not Task.objects.about(first).unfinished().exists()
    assert owed(cadence)[0] == ("2027-03-01", "2026-12-29", "2027-02-25")
    assert cadence.project.reports.count() == 4, "nothing is deleted"


def test_a_report_that_somebody_began_is_still_owed_in_a_pause(cadence, ben, dora):
    perform(cadence.reports.first().start, by=dora)
    a_change(cadence, dora, approver=ben, kind="pause", first_on=date(2027, 1, 20), last_on=date(2027, 2, 10))
    assert owed(cadence)[0] == ("2027-02-01", "2026-12-29", "2027-01-28")


def a_long_pause(cadence, dora, ben):
    return a_change(cadence, dora, approver=ben, kind="pause", first_on=date(2027, 2, 15), last_on=date(2027, 6, 15))


def test_a_pause_is_shortened_by_an_approved_change_and_reports_between_come_again_none_twice(cadence, ben, dora):
    a_long_pause(cadence, dora, ben)
    assert owed(cadence)[1] == ("2027-07-01", "2027-01-29", "2027-06-27")
    change = a_change(cadence, dora, kind="resume", first_on=date(2027, 4, 1))
    assert owed(cadence)[1] == ("2027-07-01", "2027-01-29", "2027-06-27"), "nothing changes before it is approved"
    perform(change.approve, by=ben)

    assert again(cadence).rests == [(date(2027, 2, 15), date(2027, 3, 31))]
    assert owed(cadence) == [
        ("2027-02-01", "2026-12-29", "2027-01-28"),
        ("2027-04-01", "2027-01-29", "2027-03-28"),
        ("2027-05-01", "2027-03-29", "2027-04-27"),
    ]
    assert shown_of_reports()["rest_until"] == "2027-03-31"


def test_a_pause_that_has_begun_is_shortened_and_one_to_come_is_called_off(cadence, ben, dora):
    a_long_pause(cadence, dora, ben)
    a_change(cadence, dora, approver=ben, kind="resume", first_on=date(2027, 2, 15))
    assert again(cadence).rests == []
    assert [due for due, _, _ in owed(cadence)] == ["2027-02-01", "2027-03-01", "2027-04-01"]
    assert again(cadence).departures == []

    a_long_pause(cadence, dora, ben)
    with time_machine.travel("2027-03-10 12:00+00:00"):
        perform(cadence.reports.filter(stage="scheduled").first().start, by=dora)  # February's, which is late by now
        a_change(cadence, dora, approver=ben, kind="resume", first_on=date(2027, 3, 11))
    assert [row[0] for row in owed(cadence)][1:] == ["2027-04-01", "2027-05-01", "2027-06-01"]
    days = [(row[1], row[2]) for row in owed(cadence)]
    assert days[:3] == [("2026-12-29", "2027-01-28"), ("2027-01-29", "2027-03-28"), ("2027-03-29", "2027-04-27")]


def test_a_pause_after_one_that_was_shortened_holds(cadence, ben, dora):
    a_long_pause(cadence, dora, ben)
    a_change(cadence, dora, approver=ben, kind="resume", first_on=date(2027, 3, 1))
    a_change(cadence, dora, approver=ben, kind="pause", first_on=date(2027, 4, 1), last_on=date(2027, 5, 15))
    assert again(cadence).rests == [
        (date(2027, 2, 15), date(2027, 2, 28)),
        (date(2027, 4, 1), date(2027, 5, 15)),
    ]
    assert [due for due, _, _ in owed(cadence)] == ["2027-02-01", "2027-03-01", "2027-06-01"]


def test_resuming_is_asked_for_on_its_page_while_reports_rest_or_are_to(cadence, dora, ben, as_user):
    browser = as_user(dora)
    address = add_url(cadence, "resume")
    assert address.replace("&", "&amp;") not in browser.get(cadence.staff_url()).content.decode()
    assert "nothing has to be resumed" in browser.post(address, {"first_on": "2027-04-01"}).content.decode()
    a_long_pause(cadence, dora, ben)
    assert address.replace("&", "&amp;") in browser.get(cadence.staff_url()).content.decode()
    assert "Resume on" in browser.get(address).content.decode()
    for wrong in ("2027-02-14", "2027-06-16", "2026-12-01"):
        assert browser.post(address, {"first_on": wrong, "reason": "They are back."}).status_code == 200
    assert browser.post(address, {"first_on": "2027-04-01", "reason": "They are back."}).status_code == 302
    assert CadenceChange.objects.get(kind="resume").asked == "Reports come again from Thu 1 Apr 2027 on"


def test_the_end_owes_none_from_its_day_on(cadence, ben, dora):
    a_change(cadence, dora, approver=ben, kind="end", first_on=date(2027, 2, 2))
    assert [due for due, _, _ in owed(cadence)] == ["2027-02-01"]
    assert again(cadence).schedule(by=None) == []


def test_other_days_move_what_nobody_began_and_no_day_is_told_twice_or_never(cadence, ben, dora):
    perform(cadence.reports.first().start, by=dora)
    a_change(cadence, dora, approver=ben, frequency="weekly", weekday=4, day=None)
    assert owed(cadence) == [
        ("2027-02-01", "2026-12-29", "2027-01-28"),
        ("2027-02-05", "2027-01-29", "2027-02-01"),
        ("2027-02-12", "2027-02-02", "2027-02-08"),
    ]


def test_other_days_hide_no_report_that_is_late(cadence, ben, dora):
    with time_machine.travel("2027-02-03 12:00+00:00"):
        late = cadence.reports.first()
        a_change(cadence, dora, approver=ben, day=20)
        assert again(late).is_late
        assert [due for due, _, _ in owed(cadence)] == ["2027-02-01", "2027-02-20", "2027-03-20", "2027-04-20"]


def test_other_days_bear_no_report_that_is_late_at_once(cadence, ben, dora):
    perform(cadence.reports.first().start, by=dora)
    with time_machine.travel("2027-02-25 12:00+00:00"):
        a_change(cadence, dora, approver=ben, day=20)
        assert owed(cadence)[1] == ("2027-03-20", "2027-01-29", "2027-03-16")


def test_a_closed_project_owes_no_report_whoever_began_it(cadence, ben, dora):
    report = perform(cadence.reports.first().start, by=dora)
    waiting = a_change(cadence, dora, kind="pause", first_on=date(2027, 2, 1), last_on=date(2027, 2, 28))
    perform(cadence.project.close, by=dora, reason="They sold the practice.")

    assert owed(cadence) == []
    assert again(report).dropped_because.endswith("They sold the practice.")
    assert again(waiting).stage == "refused"
    with pytest.raises(Refused, match="is already dropped"):
        perform(report.submit, by=dora)


def test_a_contract_that_ended_owes_no_report_that_nobody_began(cadence, ben, dora):
    perform(cadence.reports.first().start, by=dora)
    perform(cadence.project.handoff.contract.end, by=ben, reason="They withdrew.")
    assert [due for due, _, _ in owed(cadence)] == ["2027-02-01"]
    assert CadenceChange.objects.get().asked_by is None


@pytest.mark.parametrize(("place", "stays"), [(0, True), (1, False)])
def test_what_was_begun_is_owed_after_the_contract_only_for_days_before_its_end(cadence, ben, dora, place, stays):
    report = perform(cadence.reports.all()[place].start, by=dora)
    perform(cadence.project.handoff.contract.end, by=ben, reason="They withdrew.")

    assert again(report).stage == ("drafting" if stays else "dropped")
    assert Task.objects.about(report).unfinished().exists() is stays


# -- The end, taken back. ----------------------------------------------------------------------------------------------


def ended(cadence, dora, ben, first=date(2027, 2, 2)):
    return a_change(cadence, dora, approver=ben, kind="end", first_on=first)


def test_an_end_is_taken_back_by_an_approved_change_and_no_day_is_lost(cadence, ben, dora):
    ended(cadence, dora, ben)
    with time_machine.travel("2027-03-10 12:00+00:00"):
        change = a_change(cadence, dora, kind="again", first_on=date(2027, 3, 15))
        assert [due for due, _, _ in owed(cadence)] == ["2027-02-01"]
        perform(change.approve, by=ben)
        assert owed(cadence) == [
            ("2027-02-01", "2026-12-29", "2027-01-28"),
            ("2027-04-01", "2027-01-29", "2027-03-28"),
            ("2027-05-01", "2027-03-29", "2027-04-27"),
            ("2027-06-01", "2027-04-28", "2027-05-28"),
        ]
        assert again(cadence.project).next_action == "Send the next report"
    with time_machine.travel("2027-04-02 12:00+00:00"):
        assert clock.keep_reports_ahead() == 1


def test_an_end_that_is_to_come_is_called_off_and_may_be_asked_for_anew(cadence, ben, dora):
    ended(cadence, dora, ben)
    a_change(cadence, dora, approver=ben, kind="again", first_on=date(2027, 1, 12))
    assert [due for due, _, _ in owed(cadence)] == ["2027-02-01", "2027-03-01", "2027-04-01"]
    assert (again(cadence).rests, again(cadence).departures) == ([], [])
    ended(cadence, dora, ben, date(2027, 3, 2))
    assert [due for due, _, _ in owed(cadence)] == ["2027-02-01", "2027-03-01"]


def test_reports_begin_again_only_after_an_end_and_under_a_contract(cadence, ben, dora):
    begin_again = {"kind": "again", "first_on": date(2027, 1, 12)}
    assert "Reports do not end" in refusals(asked(cadence, **begin_again))
    ended(cadence, dora, ben)
    assert "within a year" in refusals(asked(again(cadence), kind="again", first_on=date(2029, 1, 1)))
    perform(cadence.project.handoff.contract.end, by=ben, reason="They withdrew.")
    assert "The contract has ended" in refusals(asked(again(cadence), **begin_again))


def test_what_can_be_asked_for_is_offered_and_nothing_else(cadence, ben, dora):
    def offered():
        return [kind for kind, _ in to_ask(again(cadence))]

    assert offered() == ["terms", "pause", "end"]
    change = a_change(cadence, dora, kind="end", first_on=date(2027, 1, 11))
    assert offered() == [], "another change waits"
    perform(change.approve, by=ben)
    assert offered() == ["again"]
    perform(cadence.project.handoff.contract.end, by=ben, reason="They withdrew.")
    assert offered() == []


def test_after_the_end_nobody_reads_that_reports_rest(cadence, ben, dora):
    a_change(cadence, dora, approver=ben, kind="pause", first_on=date(2027, 3, 1), last_on=date(2027, 4, 10))
    ended(cadence, dora, ben)
    assert again(cadence).rests_ahead == []
    assert shown_of_reports()["rest_from"] is None
    assert shown_of_reports()["ends_on"] == "2027-02-02"


def test_a_promise_of_reports_that_is_withdrawn_leads_to_their_end(cadence, ada, ben, dora):
    handoff = a_handoff(ada, manager=ben, delivery=dora)
    promise, terms = handoff.promises.get(kind="cadence"), handoff.project.cadences.get()
    promise = perform(promise.dispute, by=dora, reason="They want none.")
    perform(promise.settle, by=ada, outcome="withdrawn", reason="Bo reads no reports.")

    task = Task.objects.about(terms).get()
    assert (task.owner, task.title.split(":")[0]) == (dora, "Ask for the end of the reports")
    assert "The promise of reports was withdrawn" in again(terms).departures[0]
    ended(terms, dora, ben)
    assert again(task).stage == "done"
    assert "was withdrawn" not in " ".join(again(terms).departures)


# -- What is said of it. -----------------------------------------------------------------------------------------------


def test_the_page_of_project_cadence_and_change_say_what_the_contract_says(cadence, ben, dora, as_user):
    change = a_change(cadence, dora, frequency="weekly", weekday=4, day=None)
    page = as_user(ben).get(change.staff_url()).content.decode()
    assert f"This would depart from the contract, which says: monthly, on day 1{PLACE}." in page
    assert "As the contract says." in as_user(dora).get(cadence.project.staff_url()).content.decode()

    perform(change.approve, by=ben)
    for record in (change, cadence, cadence.project):
        page = as_user(dora).get(record.staff_url()).content.decode()
        assert f"The contract says: monthly, on day 1{PLACE}. Now: weekly, on Friday{PLACE}." in page


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"first_due_on": date(2027, 9, 1)}, "the first on 1 Sep 2027"),
        ({"time_zone": "Asia/Tokyo"}, "by the time of Asia/Tokyo"),
        ({"country": "JP"}, "the holidays of Japan"),
    ],
)
def test_a_change_of_first_day_zone_or_holidays_is_seen_by_whoever_approves_it_and_departs(
    cadence, ben, dora, as_user, asked, said
):
    change = a_change(cadence, dora, **asked)
    page = as_user(ben).get(change.staff_url()).content.decode()
    assert said in change.asked
    assert said not in change.days_before
    assert change.asked in page
    assert "This would depart from the contract" in page

    perform(change.approve, by=ben)
    page = as_user(dora).get(cadence.project.staff_url()).content.decode()
    assert f"The contract says: monthly, on day 1{PLACE}. Now: " in page
    assert said in page


def test_whoever_approves_a_late_first_day_reads_how_long_the_silence_is(cadence, ben, dora, as_user):
    change = a_change(cadence, dora, first_due_on=date(2027, 9, 1))
    page = as_user(ben).get(change.staff_url()).content.decode()
    assert "The next report would come on Wed 1 Sep 2027, for 29 December 2026 to 28 August 2027" in page


def test_whoever_approves_a_pause_reads_which_report_follows_it_and_one_who_resumes_departs_from_nothing(
    cadence, ben, dora, as_user
):
    change = a_change(cadence, dora, kind="pause", first_on=date(2027, 2, 15), last_on=date(2027, 4, 15))
    page = as_user(ben).get(change.staff_url()).content.decode()
    assert "The first report afterwards would come on Sat 1 May 2027, for 29 January to 27 April 2027." in page
    perform(change.approve, by=ben)
    assert "Before, it was" not in as_user(ben).get(change.staff_url()).content.decode()

    change = a_change(cadence, dora, kind="resume", first_on=date(2027, 3, 1))
    page = as_user(ben).get(change.staff_url()).content.decode()
    assert "The first report afterwards would come on Mon 1 Mar 2027, for 29 January to 25 February 2027." in page
    assert "This would depart from the contract" not in page


def shown_of_reports():
    return Publication.objects.filter(kind="onboarding").latest("pk").body["reports"]


def test_the_client_reads_until_when_reports_rest(cadence, ben, dora):
    a_change(cadence, dora, approver=ben, kind="pause", first_on=date(2027, 1, 20), last_on=date(2027, 2, 20))
    said = {"next_on": "2027-03-01", "rest_from": "2027-01-20", "rest_until": "2027-02-20", "ends_on": None}
    assert shown_of_reports() == said
    assert again(cadence.project).due_on == date(2027, 3, 1)


# -- Bad input. --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"kind": "pause"}, "Choose the first day. Choose the last day of the pause."),
        ({"kind": "pause", "first_on": JAN, "last_on": JAN}, "Choose today or a day that is still to come"),
        ({"kind": "pause", "first_on": date(2027, 3, 1), "last_on": date(2027, 2, 1)}, "or one after it"),
        ({"kind": "pause", "first_on": date(2027, 2, 1), "last_on": date(2029, 2, 1)}, "a year at most"),
        ({"kind": "end"}, "Choose the first day."),
        ({"kind": "end", "first_on": date(2027, 1, 10)}, "Choose today or a day that is still to come"),
        ({"kind": "terms", "frequency": "weekly"}, "Choose the weekday."),
        ({"kind": "terms", "frequency": "weekly", "weekday": 1, "on_last_working_day": True}, "Untick this."),
        ({"kind": "terms", "frequency": "quarterly"}, "Choose the day of the month."),
        ({"kind": "terms", "frequency": "monthly", "day": 31, "first_due_on": JAN}, "still to come"),
    ],
)
def test_what_cannot_be_is_refused_in_words(cadence, said, words):
    assert words in refusals(asked(cadence, **said))


def test_the_days_as_they_are_are_no_change(cadence):
    assert "These are the days as they are" in refusals(asked(cadence, kind="terms", **cadence.terms))


def test_day_31_is_the_last_day_of_each_month(cadence, ben, dora):
    a_change(cadence, dora, approver=ben, day=31)
    assert [due for due, _, _ in owed(cadence)] == ["2027-02-28", "2027-03-31", "2027-04-30"]


def test_no_pause_lies_over_another_and_none_after_the_end(cadence, ben, dora):
    a_change(cadence, dora, approver=ben, kind="pause", first_on=date(2027, 2, 1), last_on=date(2027, 2, 28))
    over = asked(cadence, kind="pause", first_on=date(2027, 2, 28), last_on=date(2027, 3, 31))
    assert "Reports rest from Mon 1 Feb 2027 until Sun 28 Feb 2027 already" in refusals(over)
    asked(cadence, kind="pause", first_on=date(2027, 3, 1), last_on=date(2027, 3, 31)).clean()

    a_change(cadence, dora, approver=ben, kind="end", first_on=date(2027, 6, 1))
    for late in (
        asked(cadence, kind="pause", first_on=date(2027, 6, 1), last_on=date(2027, 6, 30)),
        asked(cadence, kind="end", first_on=date(2027, 7, 1)),
    ):
        assert "Reports end on Tue 1 Jun 2027 already" in refusals(late)


def test_one_change_waits_at_a_time(cadence, dora, ben):
    a_change(cadence, dora, kind="end", first_on=date(2027, 6, 1))
    assert "Another change waits" in refusals(asked(cadence, kind="end", first_on=date(2027, 7, 1)))
    with pytest.raises(IntegrityError), transaction.atomic():
        a_change(cadence, ben, kind="end", first_on=date(2027, 7, 1))


def test_what_is_approved_too_late_is_refused_and_asked_again(cadence, ben, dora):
    change = a_change(cadence, dora, kind="pause", first_on=date(2027, 1, 12), last_on=date(2027, 2, 28))
    with time_machine.travel("2027-01-13 12:00+00:00"):
        with pytest.raises(Refused, match="Refuse this change, and ask for another"):
            perform(change.approve, by=ben)
        assert perform(change.refuse, by=ben, reason="Too late.").stage == "refused"


def test_other_days_name_a_first_day_within_a_year(cadence):
    assert "Choose the day of the first report" in refusals(asked(cadence, kind="terms", **days(cadence, None)))
    assert "within a year" in refusals(asked(cadence, kind="terms", **days(cadence, date(2099, 1, 25))))


def days(cadence, first):
    return {**cadence.terms, "first_due_on": first}


# -- Its pages. --------------------------------------------------------------------------------------------------------


def add_url(cadence, kind):
    return f"{reverse('admin:handoff_cadencechange_add')}?cadence={cadence.pk}&kind={kind}"


def test_a_pause_is_asked_for_on_its_page_and_approved_on_another(cadence, dora, ben, as_user):
    browser = as_user(dora)
    assert add_url(cadence, "pause").replace("&", "&amp;") in browser.get(cadence.staff_url()).content.decode()
    assert f"The contract says: monthly, on day 1{PLACE}." in browser.get(add_url(cadence, "pause")).content.decode()
    wrong = {"first_on": "2027-02-30", "last_on": "2027-02-01", "reason": ""}
    page = browser.post(add_url(cadence, "pause"), wrong).content.decode()
    assert "Choose a day that there is" in page

    right = {"first_on": "2027-02-01", "last_on": "2027-02-28", "reason": "They rebuild."}
    assert browser.post(add_url(cadence, "pause"), right).status_code == 302
    change = CadenceChange.objects.get()
    assert (change.asked_by, change.cadence, change.kind) == (dora, cadence, "pause")
    assert browser.post(change.move_url("approve")).status_code == 403
    as_user(ben).post(change.move_url("approve"))
    assert again(change).stage == "approved"


def test_other_days_begin_with_the_days_as_they_are(cadence, dora, as_user):
    form = as_user(dora).get(add_url(cadence, "terms")).context["adminform"].form
    assert (form.initial["frequency"], form.initial["day"]) == ("monthly", 1)
    typed = {"frequency": "quarterly", "weekday": "", "day": "31", "country": "", "time_zone": "Asia/Tokyo"}
    typed |= {"first_due_on": "2027-03-31", "reason": "Their board meets then."}
    assert as_user(dora).post(add_url(cadence, "terms"), typed).status_code == 302
    assert CadenceChange.objects.get().asked.startswith("Reports come quarterly, on day 31; the first on 31 Mar 2027")


def test_a_second_question_and_a_stale_tab_are_told_so(cadence, dora, ben, as_user):
    words = {"first_on": "2027-02-01", "reason": "They leave."}
    as_user(dora).post(add_url(cadence, "end"), words)
    page = as_user(ben).post(add_url(cadence, "end"), words)
    assert "Another change waits for its approval" in page.content.decode()
    change = CadenceChange.objects.get()
    perform(change.recall, by=dora, reason="They stay.")

    page = as_user(ben).post(change.move_url("approve"), follow=True).content.decode()
    assert "is already recalled" in page
    assert len(owed(cadence)) == 3


def test_nobody_asks_where_they_may_not_change(cadence, ada, cem, ann, dora, as_user):
    for user in (ada, ann, cem):
        assert (
            as_user(user).post(add_url(cadence, "end"), {"first_on": "2027-02-01", "reason": "No."}).status_code == 403
        )
    assert as_user(dora).get(reverse("admin:handoff_cadencechange_add")).status_code == 403
    assert not CadenceChange.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_of_two_who_ask_at_once_one_is_heard(cadence, dora, ben):
    start, heard = Barrier(2), []

    def ask(user):
        start.wait()
        try:
            a_change(again(cadence), user, kind="end", first_on=timezone.localdate() + timedelta(days=40))
            heard.append(user)
        except IntegrityError:
            pass
        finally:
            connections.close_all()

    threads = [Thread(target=ask, args=(user,)) for user in (dora, ben)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(heard) == 1
    assert CadenceChange.objects.count() == 1
