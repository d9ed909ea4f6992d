"""Reports: written by one, approved by another, on time or with a reason."""

from datetime import UTC, datetime, time, timedelta

import pytest
import time_machine
from django.core.exceptions import PermissionDenied
from django.db import DatabaseError, transaction
from django.utils import timezone
from django.utils.formats import date_format

from handoff import clock
from handoff.models import Report, ReportNote
from handoff.report_admin import breaches_of
from opportunities.models import Notice, Task
from opportunities.records import Refused, begin, edit, perform
from portal.models import Publication
from tests.makers_handoff import a_change, a_report, report_words
from tests.makers_proposals import approve_all
from zarts.numbers import clock as numbers
from zarts.numbers import reliability
from zarts.numbers.models import CountedReport

NOTE = "We mended the two pages late because the client is furious and never sent the pictures in time."


def again(record):
    return type(record).objects.get(pk=record.pk)


def test_a_published_report_says_exactly_what_was_approved(ada, ben, dora):
    report = a_report(ada, manager=ben, delivery=dora, stage="published")

    shown = Publication.objects.get(pk=report.publication_id)
    assert shown.approved_by == "Ben"
    assert shown.body["words"] == ["Your slowest pages are mended.", "The booking page is next."]
    assert shown.body["next"] == ["Mend the booking page", "Measure"]
    assert set(shown.body["numbers"][0]) == {
        "metric",
        "value",
        "unit",
        "promised",
        "low",
        "high",
        "better",
        "before",
        "history",
    }
    assert shown.body["next_report_on"] == report.cadence.reports.filter(stage="scheduled").first().due_on.isoformat()
    assert report.breach == ""
    assert again(report.summary).stage == "published"


@pytest.mark.parametrize("days", [40, 0])
def test_a_report_is_published_when_its_period_has_ended(ada, ben, dora, days):
    """Neither before the period begins nor in the middle of it: nobody knows yet what it will have brought."""
    report = a_report(ada, manager=ben, delivery=dora, stage="approved")
    last = timezone.localdate() + timedelta(days=days)
    period = {"period_from": last - timedelta(days=30), "period_to": last, "due_on": last + timedelta(days=1)}
    report = edit(report, by=dora, **period)

    with pytest.raises(Refused) as refusal:
        perform(report.publish, by=ben)
    day = date_format(last, "D j M Y")
    assert refusal.value.reasons == [f"Wait until its period has ended: it runs until {day}."]

    with time_machine.travel(noon_after(last, 1)):
        assert perform(report.publish, by=dora).stage == "published"


@pytest.mark.parametrize(("days", "goes"), [(-1, True), (0, False), (1, False)])
def test_after_the_contract_ended_only_a_report_goes_whose_period_began_before(ada, ben, dora, as_user, days, goes):
    """By the client's day: they are still told of what was done for them, and of nothing that was not."""
    report = a_report(ada, manager=ben, delivery=dora, stage="approved")
    begins = report.cadence.today + timedelta(days=days)
    last = begins + timedelta(days=27)
    contract = perform(report.project.handoff.contract.end, by=ben, reason="The client left us.")
    report = edit(again(report), by=dora, period_from=begins, period_to=last, due_on=last + timedelta(days=1))

    with time_machine.travel(noon_after(report.due_on, 0)):
        if goes:
            assert perform(report.publish, by=dora).stage == "published"
            return
        with pytest.raises(Refused) as refusal:
            perform(report.publish, by=ben)
        day = date_format(again(report).cadence.ends_on, "D j M Y")
        words = f"Let it rest: the contract ended on {day}, before its period began. Nothing is owed for these days."
        assert refusal.value.reasons == [words]
        assert refusal.value.lacks[0].url == contract.staff_url()
        assert words in as_user(dora).get(report.staff_url()).content.decode()


def test_numbers_of_days_that_are_still_to_come_are_approved_by_nobody(ada, ben, dora):
    report = a_report(ada, manager=ben, delivery=dora, stage="in_review")
    approve_all(report.summary, ben)
    refused = pytest.raises(Refused, match="Wait until its period has ended")
    with time_machine.travel(noon_after(report.period_to, 0)), refused:
        perform(again(report).approve, by=ben)
    with time_machine.travel(noon_after(report.period_to, 1)):
        assert perform(again(report).approve, by=ben).stage == "approved"


def test_there_are_days_of_work_between_the_end_of_a_period_and_the_day_of_its_report(ada, ben, dora):
    report = a_report(ada, manager=ben, delivery=dora, stage="in_review")
    approve_all(report.summary, ben)
    with time_machine.travel(noon_after(report.due_on, -3)):
        report = perform(perform(again(report).approve, by=ben).publish, by=dora)
    assert (report.stage, report.breach) == ("published", "")


def test_a_note_stays_among_us(ada, ben, dora):
    report = a_report(ada, manager=ben, delivery=dora, stage="approved")
    begin(ReportNote(report=report, words="Their own developer broke it.", author=dora), by=dora)
    report = perform(report.publish, by=dora)

    assert "developer" not in str(Publication.objects.get(pk=report.publication_id).body)


def test_the_writer_cannot_approve(ada, ben, dora):
    report = a_report(ada, manager=ben, delivery=dora, stage="in_review")
    approve_all(report.summary, ben)

    with pytest.raises(PermissionDenied):
        perform(again(report).approve, by=dora)


def test_whoever_wrote_a_part_cannot_approve_whoever_submitted(ada, ben, dora):
    report = a_report(ada, manager=ben, delivery=dora, stage="in_review")
    report = perform(report.send_back, by=dora, reason="Say more.")
    report = edit(report, by=ben, next_steps="Raise the budget")
    report = perform(report.submit, by=dora)
    approve_all(report.summary, ben)

    with pytest.raises(PermissionDenied):
        perform(again(report).approve, by=ben)


def test_whoever_wrote_its_words_cannot_approve(ada, ben, fay, dora):
    report = a_report(ada, manager=ben, delivery=dora, stage="in_review")
    words = perform(report.summary.send_back, by=ben, reason="Say more.")
    words = edit(words, by=ben, words="Your slowest pages are quicker.")
    words.was_edited(by=ben)
    approve_all(perform(again(words).submit, by=dora), fay)

    with time_machine.travel(noon_after(report.period_to, 1)):
        with pytest.raises(PermissionDenied):
            perform(again(report).approve, by=ben)
        assert perform(again(report).approve, by=fay).stage == "approved"


def reviewing(report):
    return Task.objects.about(report).open().get(title__startswith="Have the report approved").owner


def test_the_reviewer_of_the_cadence_gets_the_report_to_approve(ada, ben, dora):
    report = a_report(ada, manager=ben, delivery=dora, stage="in_review")
    assert report.cadence.reviewer == ben
    assert reviewing(report) == ben


def test_a_reviewer_who_wrote_some_of_it_and_one_who_is_not_named_get_no_task(ada, ben, dora):
    report = a_report(ada, manager=ben, delivery=dora, stage="in_review")
    report = perform(report.send_back, by=ben, reason="Say more.")
    report = edit(report, by=ben, next_steps="Raise the budget")
    assert reviewing(perform(report.submit, by=dora)) == dora

    edit(report.cadence, by=ben, reviewer=None)
    report = perform(again(report).send_back, by=dora, reason="Say more.")
    assert reviewing(perform(report.submit, by=dora)) == dora


def test_only_who_may_approve_reports_is_offered_as_their_reviewer(ada, ben, dora, as_user):
    cadence = a_report(ada, manager=ben, delivery=dora).cadence
    offered = as_user(ben).get(cadence.staff_url()).context["adminform"].form.fields["reviewer"].queryset
    assert ben in offered
    assert ada not in offered


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ({"next_steps": "Measure\nWe guarantee to double your bookings"}, "Make a claim with evidence of “double"),
        ({"next_steps": "Call Ben at +1 415 555 0199"}, "somebody's private detail"),
        ({"next_steps": NOTE}, "it is copied from internal notes"),
        ({"metric": "Our margin"}, "Take out “margin”"),
        ({"unit": "of our margin"}, "Take out “margin”"),
    ],
)
def test_next_steps_and_added_numbers_are_read_like_all_words_for_clients(ada, ben, dora, written, said):
    report = a_report(ada, manager=ben, delivery=dora, stage="in_review")
    begin(ReportNote(report=report, words=NOTE, author=dora), by=dora)
    report = perform(report.send_back, by=ben, reason="Say more.")
    numbers = report.numbers
    if "next_steps" not in written:
        numbers = [*numbers, {**numbers[0], "claim": None, "metric": "Calls", "unit": "", "value": "3", **written}]
    report = edit(report, by=dora, numbers=numbers, next_steps=written.get("next_steps", ""))

    with pytest.raises(Refused, match=said):
        perform(report.submit, by=dora)


def test_next_steps_that_changed_in_review_are_read_again(ada, ben, dora):
    report = a_report(ada, manager=ben, delivery=dora, stage="in_review")
    approve_all(report.summary, ben)
    report = edit(again(report), by=dora, next_steps="Call Ben at +1 415 555 0199")

    with pytest.raises(Refused, match="private detail"):
        perform(report.approve, by=ben)


def test_a_report_without_approved_words_is_not_approved(ada, ben, dora):
    report = a_report(ada, manager=ben, delivery=dora, stage="in_review")

    with pytest.raises(Refused, match="Have the words for the client approved"):
        perform(report.approve, by=ben)


def test_a_number_that_changed_after_the_approval_is_not_published(ada, ben, dora):
    report = a_report(ada, manager=ben, delivery=dora, stage="approved")
    report = edit(report, by=dora, numbers=[{**number, "value": "1.0"} for number in report.numbers])

    with pytest.raises(Refused, match="changed since it was approved"):
        perform(report.publish, by=dora)


def test_words_that_were_taken_back_are_not_published(ada, ben, dora):
    report = a_report(ada, manager=ben, delivery=dora, stage="approved")
    perform(report.summary.withdraw, by=ben, reason="Too cheerful.")

    with pytest.raises(Refused, match="Write new words: “Your first month” was withdrawn"):
        perform(again(report).publish, by=dora)


def test_words_that_are_taken_back_take_their_published_report_along(ada, ben, dora, as_user):
    report = a_report(ada, manager=ben, delivery=dora, stage="published")
    perform(again(report.summary).withdraw, by=ben, reason="The number was of another client.")

    assert not Publication.objects.filter(kind="report", withdrawn_at=None).exists()
    assert Publication.objects.get(pk=report.publication_id).withdrawn_reason == "The number was of another client."
    report = again(report)
    assert (report.stage, report.client_safe) == ("published", "withdrawn")
    assert Task.objects.about(report).open().get(title__startswith="Tell the client why this is gone").owner == dora
    assert as_user(ben).get(report.staff_url()).status_code == 200


def test_words_of_another_report_take_nothing_back(ada, ben, dora):
    report = a_report(ada, manager=ben, delivery=dora, stage="published")
    perform(report_words(report, dora).withdraw, by=ben, reason="Not needed.")

    assert Publication.objects.filter(kind="report", withdrawn_at=None).exists()
    assert again(report).client_safe == "published"


def test_a_report_is_submitted_with_words_and_every_number(ada, ben, dora):
    report = a_report(ada, manager=ben, delivery=dora, stage="drafting")

    with pytest.raises(Refused) as refusal:
        perform(report.submit, by=dora)
    assert refusal.value.reasons == [
        "Write the words for the client.",
        "Give Largest Contentful Paint its value.",
    ]


def test_a_late_report_says_why_and_keeps_the_mark(ada, ben, dora):
    report = a_report(ada, manager=ben, delivery=dora, stage="approved")
    with time_machine.travel(noon_after(report.due_on, 1)):
        with pytest.raises(Refused, match="Say why it is late"):
            perform(report.publish, by=dora)
        report = edit(report, by=dora, breach_reason="The provider was down.")
        report = perform(report.publish, by=dora)
    assert (report.breach, report.breach_reason) == ("late", "The provider was down.")


def test_a_report_that_never_came_is_missed_once_and_its_owner_is_asked(ada, ben, dora):
    report = a_report(ada, manager=ben, delivery=dora)
    with time_machine.travel(noon_after(report.due_on, 6)):
        assert clock.run()["missed_reports"] == 1
        assert clock.run()["missed_reports"] == 0
    assert again(report).breach == "missed"
    asked = Task.objects.about(report).filter(title__startswith="Say why it was missed")
    assert asked.get().owner == dora


def breaches(user):
    return [notice.words for notice in Notice.objects.filter(user=user, kind="breach").order_by("pk")]


def test_a_report_whose_day_has_passed_is_told_to_its_owner_once_and_once_more_when_it_is_missed(ada, ben, dora):
    report = a_report(ada, manager=ben, delivery=dora)
    with time_machine.travel(noon_after(report.due_on, 0)):
        assert clock.run()["late_reports"] == 0
    with time_machine.travel(noon_after(report.due_on, 1)):
        assert [clock.run()["late_reports"] for _ in range(2)] == [1, 0]
        assert breaches(dora) == [f"{report} is late: publish it, and say why."]
    with time_machine.travel(noon_after(report.due_on, 6)):
        clock.run()
        edit(again(report), by=dora, breach_reason="The provider was down.")
    assert [words for words in breaches(dora) if str(report) in words][1:] == [f"{report} was missed: say why."]


def test_a_report_is_late_when_its_day_has_passed_where_the_client_is(ada, ben, dora):
    report = a_report(ada, manager=ben, delivery=dora)
    a_change(report.cadence, dora, approver=ben, time_zone="America/Los_Angeles")
    report = again(report)
    night = datetime.combine(report.due_on + timedelta(days=1), time(3), UTC)
    with time_machine.travel(night):
        assert clock.run()["late_reports"] == 0
        assert breaches_of(report.project) == []
    with time_machine.travel(night + timedelta(hours=6)):
        assert clock.run()["late_reports"] == 1
        assert breaches_of(report.project) == [report]
    with time_machine.travel(night + timedelta(days=5)):
        assert clock.mark_missed() == 0
    with time_machine.travel(night + timedelta(days=5, hours=6)):
        assert clock.mark_missed() == 1


def test_whoever_publishes_a_late_report_need_not_be_told_so(ada, ben, dora):
    report = a_report(ada, manager=ben, delivery=dora, stage="approved")
    with time_machine.travel(noon_after(report.due_on, 1)):
        perform(edit(report, by=dora, breach_reason="The provider was down.").publish, by=dora)
        clock.run()
    assert breaches(dora) == []


def reliability_of(user):
    numbers.look()
    lines = reliability.lines(CountedReport.objects.all(), {})["owner"]
    return [(line.on_time, line.late, line.missed) for line in lines if line.pk == user.pk]


def test_whoever_owned_a_report_when_its_day_passed_answers_for_it(ada, ben, dora, fay):
    report = a_report(ada, manager=ben, delivery=dora)
    with time_machine.travel(noon_after(report.due_on, 1)):
        clock.run()
        report = edit(again(report), by=dora, owner=fay)
        assert (reliability_of(dora), reliability_of(fay)) == ([(0, 1, 0)], [])
    with time_machine.travel(noon_after(report.due_on, 6)):
        clock.run()
        assert (reliability_of(dora), reliability_of(fay)) == ([(0, 0, 1)], [])
    with pytest.raises(DatabaseError, match="does not change any more"), transaction.atomic():
        Report.objects.filter(pk=report.pk).update(owed_by=fay)


def test_why_a_report_was_late_stays_once_it_is_published(ada, ben, dora, fay, as_user):
    report = a_report(ada, manager=ben, delivery=dora, stage="approved")
    with time_machine.travel(noon_after(report.due_on, 1)):
        report = perform(edit(report, by=dora, breach_reason="We forgot it.").publish, by=dora)
        typed = {"owner": fay.pk, "breach_reason": "The client never gave us access."}
        assert as_user(dora).post(report.staff_url(), typed).status_code == 409
        assert "We forgot it." in as_user(dora).get(report.staff_url()).content.decode()
        assert (again(report).owner, again(report).breach_reason) == (dora, "We forgot it.")
        assert reliability_of(dora) == [(0, 1, 0)]
    for change in ({"breach_reason": "The client."}, {"breach": ""}):
        with pytest.raises(DatabaseError, match="does not change any more"), transaction.atomic():
            Report.objects.filter(pk=report.pk).update(**change)


def test_a_report_that_was_late_when_its_project_was_closed_counts_as_late(ada, ben, dora):
    report = a_report(ada, manager=ben, delivery=dora)
    with time_machine.travel(noon_after(report.due_on, 1)):
        perform(again(report.project).close, by=dora, reason="They sold the practice.")
        assert (again(report).stage, again(report).breach, again(report).owed_by) == ("dropped", "late", dora)
        assert reliability_of(dora) == [(0, 1, 0)]


def test_the_task_to_write_opens_five_days_before(ada, ben, dora):
    a_report(ada, manager=ben, delivery=dora)
    second = Report.objects.order_by("due_on")[1]
    with time_machine.travel(noon_after(second.due_on, -6)):
        clock.run()
        assert not Task.objects.about(second).exists()
    with time_machine.travel(noon_after(second.due_on, -5)):
        assert clock.run()["report_tasks"] == 1
        assert clock.run()["report_tasks"] == 0
    assert Task.objects.about(second).get().due_at.date() == second.due_on


def test_three_reports_always_stand_ahead(ada, ben, dora):
    report = a_report(ada, manager=ben, delivery=dora, stage="published")

    ahead = report.cadence.reports.filter(stage="scheduled")
    assert ahead.count() == 3
    assert len({later.due_on for later in ahead}) == 3
    assert all(later.period_from < later.period_to < later.due_on for later in ahead)


def test_a_client_who_is_neglected_is_owed_every_report_and_three_more(ada, ben, dora):
    first = a_report(ada, manager=ben, delivery=dora, report_every="weekly", report_weekday=0)
    terms = first.cadence
    for week in range(10):
        with time_machine.travel(noon_after(first.due_on, 7 * week + 6)):
            assert [clock.run()["reports_ahead"] for _ in range(2)] == [1, 0]
            assert terms.reports.to_come(terms).count() == 3

    due = [first.due_on + timedelta(days=7 * week) for week in range(13)]
    assert [report.due_on for report in terms.reports.all()] == due
    assert terms.reports.filter(breach="missed").count() == 10
    shown = Publication.objects.filter(kind="onboarding", withdrawn_at=None).latest("pk").body["reports"]
    assert shown["next_on"] == due[10].isoformat()


def test_weeks_in_which_nothing_ran_are_owed_too(ada, ben, dora):
    first = a_report(ada, manager=ben, delivery=dora, report_every="weekly", report_weekday=0)
    with time_machine.travel(noon_after(first.due_on, 69)):
        clock.run()
    assert first.cadence.reports.count() == 13


def test_of_a_client_whose_reports_ended_none_is_owed_however_late_they_are(ada, ben, dora):
    first = a_report(ada, manager=ben, delivery=dora, report_every="weekly", report_weekday=0)
    a_change(first.cadence, dora, approver=ben, kind="end", first_on=first.due_on + timedelta(days=1))
    with time_machine.travel(noon_after(first.due_on, 69)):
        clock.run()
    assert first.cadence.reports.exclude(stage="dropped").count() == 1


def noon_after(day, days):
    return timezone.now().replace(year=day.year, month=day.month, day=day.day, hour=12) + timedelta(days=days)
