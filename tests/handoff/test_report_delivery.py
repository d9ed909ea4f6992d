"""Reports on their way to the client: published once, mailed to whoever reads them; late ones with a notice."""

from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta

import pytest
import time_machine
from django.db import connection, transaction
from django.template.loader import render_to_string
from django.utils import timezone

from handoff import clock, publishing, writing
from opportunities.models import Contact, Message, Notice
from opportunities.records import Refused, begin, edit, perform
from portal.models import Guest, Publication
from proposals.publishing import give_access, take_access
from tests.conftest import person
from tests.handoff.test_reports import noon_after
from tests.makers_handoff import a_change, a_report
from tests.makers_proposals import a_summary, approve_all


def again(record):
    return type(record).objects.get(pk=record.pk)


@pytest.fixture
def report(ada, ben, dora):
    return a_report(ada, manager=ben, delivery=dora, stage="approved")


@pytest.fixture
def late(ada, ben, dora):
    """A report whose day has passed, on the day after."""
    report = a_report(ada, manager=ben, delivery=dora, stage="drafting")
    with time_machine.travel(noon_after(report.due_on, 1)):
        yield again(report)


def mails(report, template="report"):
    found = Message.objects.filter(template=template, record_type=report.label(), record_id=report.pk)
    return list(found.order_by("pk"))


def a_notice(report, by, approver=None, **fields):
    words = {"title": f"Your report for {report.covers} comes on Friday 8 January", "words": "A provider was down."}
    about = {"record_type": report.label(), "record_id": report.pk, **words, **fields}
    notice = a_summary(by, opportunity=report.project.opportunity, kind="notice", **about)
    return approve_all(perform(notice.submit, by=by), approver) if approver else notice


# -- Published. --------------------------------------------------------------------------------------------------------


def test_a_published_report_goes_by_mail_to_each_of_its_readers_once(report, ada, dora, settings):
    client = report.project.client
    for name, email in (("Tom Reyes", "tom@harbor.example"), ("Ina Voss", "ina@harbor.example")):
        report.cadence.recipients.add(begin(Contact(client=client, name=name, email=email), by=ada))
    report = perform(report.publish, by=dora)

    to = [message.contact.email for message in mails(report)]
    assert sorted(to) == sorted(client.contacts.values_list("email", flat=True))
    assert len(to) == 3
    for message in mails(report):
        assert message.stage == "queued"
        assert message.purpose == "contractual"
        assert f"{settings.PORTAL_URL}/portal/reports/{report.publication_id}/" in message.body
        assert Guest.objects.filter(contact_id=message.contact_id, revoked_at=None).exists()


def test_whoever_left_gets_none_and_the_owner_is_told(report, ada, dora):
    gone = begin(Contact(client=report.project.client, name="Ina Voss", email="ina@harbor.example"), by=ada)
    report.cadence.recipients.add(gone)
    edit(gone, by=ada, left_on=timezone.localdate())
    report = perform(report.publish, by=dora)

    assert "ina@harbor.example" not in [message.contact.email for message in mails(report)]
    assert Notice.objects.get(user=report.owner, kind="mail").words.startswith(f"Ina Voss got no mail about {report}")


def test_a_report_that_nobody_reads_is_not_published(report, ada, dora):
    report.cadence.recipients.clear()
    with pytest.raises(Refused) as refusal:
        perform(report.publish, by=dora)
    (lack,) = refusal.value.lacks
    assert lack.words == f"Name who reads the reports: nobody at {report.project.client} does."
    assert lack.url == report.cadence.staff_url("id_recipients")


def test_a_report_whose_only_reader_left_names_them(report, ada, dora):
    (reader,) = report.cadence.recipients.all()
    edit(reader, by=ada, left_on=timezone.localdate())

    with pytest.raises(Refused, match=f"Name who reads the reports instead of {reader}, who left"):
        perform(report.publish, by=dora)


def test_a_report_for_a_client_without_access_is_not_published_until_they_have_it_again(report, ada, dora):
    (reader,) = report.cadence.recipients.all()
    take_access(reader, by=ada)
    with pytest.raises(Refused, match=f"Give {reader} access to the portal again"):
        perform(again(report).publish, by=dora)
    assert not Publication.objects.filter(kind="report").exists()

    give_access(again(reader), by=ada)
    assert perform(again(report).publish, by=dora).stage == "published"


def test_the_report_of_a_client_who_withdrew_is_not_published_and_its_page_says_why(report, dora, as_user):
    perform(report.project.close, by=dora, reason="They went elsewhere.")

    page = as_user(dora).get(report.staff_url()).content.decode()
    assert "It is not owed any more." in page
    assert "They went elsewhere." in page
    assert report.move_url("publish") not in page
    answer = as_user(dora).post(report.move_url("publish"), follow=True).content.decode()
    assert "is already dropped" in answer
    assert not Publication.objects.filter(kind="report").exists()


def test_a_report_of_a_closed_project_is_not_published_and_not_owed(report, dora):
    perform(report.project.close, by=dora, reason="They went elsewhere.")

    with pytest.raises(Refused, match="is already dropped"):
        perform(again(report).publish, by=dora)
    with time_machine.travel(noon_after(report.due_on, 9)):
        counts = clock.run()
    assert (counts["missed_reports"], counts["late_reports"], counts["untold_clients"]) == (0, 0, 0)


@pytest.mark.django_db(transaction=True)
def test_of_two_who_publish_at_once_one_does(report, dora):
    def publish(_):
        try:
            return perform(again(report).publish, by=dora).stage
        except Refused as refusal:
            return refusal.reasons[0]
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        said = sorted(pool.map(publish, range(2)))
    assert said[1] == "published"
    assert said[0].endswith("is already published. Reload the page to see its moves.")
    assert Publication.objects.filter(kind="report").count() == 1
    assert len(mails(report)) == 1


def test_a_report_bears_what_its_numbers_were_before(report, ada, ben, dora):
    first = perform(report.publish, by=dora)
    second = first.cadence.reports.filter(stage="scheduled").first()
    body = publishing.report_body(edit(second, by=dora, summary=first.summary))

    (number,) = body["numbers"]
    days = {"from": first.period_from.isoformat(), "to": first.period_to.isoformat()}
    assert number["history"] == [{**days, "value": "2.1"}]
    assert number["promised"] == first.numbers[0]["promised"]


def test_a_report_that_was_taken_back_is_no_period_before_and_its_mail_does_not_go(report, ben, dora):
    first = perform(report.publish, by=dora)
    perform(again(first.summary).withdraw, by=ben, reason="Of another client.")

    assert [message.stage for message in mails(first)] == ["held"]

    assert first.cadence.reports.filter(stage="scheduled").first().history() == {}


@pytest.mark.parametrize(
    ("begins", "ends", "said"),
    [
        (date(2026, 10, 1), date(2026, 10, 31), "October 2026"),
        (date(2028, 2, 1), date(2028, 2, 29), "February 2028"),
        (date(2026, 10, 5), date(2026, 10, 11), "5 October to 11 October 2026"),
        (date(2026, 12, 9), date(2027, 1, 8), "9 December 2026 to 8 January 2027"),
        (date(2026, 10, 1), date(2026, 12, 31), "1 October to 31 December 2026"),
    ],
)
def test_days_are_said_as_a_client_says_them(begins, ends, said):
    assert publishing.span(begins, ends) == said


# -- Late. -------------------------------------------------------------------------------------------------------------


def test_an_approved_notice_stands_in_the_portal_and_goes_by_mail(late, ben, dora, settings):
    notice = a_notice(late, dora)
    assert not Publication.objects.filter(kind="notice").exists()
    notice = approve_all(perform(notice.submit, by=dora), ben)

    assert again(notice).stage == "published"
    shown = Publication.objects.get(kind="notice", withdrawn_at=None)
    assert shown.title == notice.title
    assert shown.body["words"] == ["A provider was down."]
    assert shown.approved_by.startswith("Ben")
    (mail,) = mails(late, "report_notice")
    assert mail.subject == notice.title
    assert "A provider was down." in mail.body
    assert f"{settings.PORTAL_URL}/portal/reports/" in mail.body
    assert mail.purpose == "contractual"


def test_the_reason_for_us_alone_is_not_copied_to_the_client(late, ben, dora):
    because = "Nobody of us looked at the numbers of the last two weeks before Monday."
    edit(late, by=dora, breach_reason=because)
    with pytest.raises(Refused, match="it is copied from internal notes"):
        perform(a_notice(late, dora, words=because).submit, by=dora)


def test_a_notice_is_about_a_late_report_of_this_client(late, dora):
    with pytest.raises(Refused, match="Say which report it is about"):
        perform(a_notice(late, dora, record_type="", record_id=None).submit, by=dora)


def test_the_project_page_names_whoever_owned_a_late_report_when_its_day_passed(late, fay, dora, as_user):
    edit(late, by=dora, owner=fay)
    page = as_user(dora).get(late.project.staff_url()).content.decode()
    section = page.split('id="late-reports"')[1].split("</section>")[0]
    assert "Dora" in section
    assert "Fay" not in section
    clock.run()
    assert again(late).owed_by == dora


def test_a_newer_notice_takes_the_place_of_the_earlier_one(late, ben, dora):
    first = a_notice(late, dora, ben)
    second = a_notice(late, dora, ben, title="Your report comes on Tuesday 12 January")

    assert (again(first).stage, again(second).stage) == ("superseded", "published")
    assert Publication.objects.get(kind="notice", withdrawn_at=None).title == second.title


def test_a_notice_that_is_taken_back_leaves_the_portal_and_its_mail_does_not_go(late, ben, dora):
    notice = a_notice(late, dora, ben)
    perform(again(notice).withdraw, by=ben, reason="Wrong day.")

    assert not Publication.objects.filter(kind="notice", withdrawn_at=None).exists()
    assert [mail.stage for mail in mails(late, "report_notice")] == ["held"]


def test_a_published_report_takes_the_place_of_its_notice(report, ben, dora):
    with time_machine.travel(noon_after(report.due_on, 1)):
        told = a_notice(report, dora, ben)
        begun = a_notice(report, dora)
        report = edit(again(report), by=dora, breach_reason="The provider was down.")
        report = perform(report.publish, by=dora)

    assert report.breach == "late"
    assert not Publication.objects.filter(kind="notice", withdrawn_at=None).exists()
    assert Publication.objects.filter(kind="report", withdrawn_at=None).count() == 1
    assert (again(told).stage, again(begun).stage) == ("superseded", "withdrawn")
    assert "later than we promised" in mails(report)[0].body


def test_the_page_of_a_late_report_leads_to_its_notice_with_what_is_known(late, dora, as_user):
    browser = as_user(dora)
    page = browser.get(late.staff_url()).content.decode()
    client = late.project.client
    assert f"{client} was not told yet." in page
    assert "Write the notice to the client" in page

    editor = browser.get(writing.notice_url(late)).content.decode()
    assert f"Your report for {late.covers} comes on" in editor
    assert f"goes by mail to everybody at {client} who reads the reports" in editor


# -- Told ahead of the day. --------------------------------------------------------------------------------------------


def test_that_a_report_comes_late_may_be_told_ahead_and_says_the_day_that_was_promised(ada, ben, dora, as_user):
    report = a_report(ada, manager=ben, delivery=dora, stage="drafting")
    assert report.days_left > 0
    page = as_user(dora).get(report.staff_url()).content.decode()
    assert "Write the notice to the client" in page
    assert "was not told yet" not in page, "nothing is late yet"
    editor = as_user(dora).get(writing.notice_url(report)).content.decode()
    promised = publishing.long_day(report.due_on)
    assert f"We promised it for {promised}, and it will not be ready by then." in editor
    assert publishing.next_day_for(report) > report.due_on

    a_notice(report, dora, ben)
    shown = Publication.objects.get(kind="notice", withdrawn_at=None)
    assert shown.body["due_on"] == report.due_on.isoformat()
    assert f"We promised it for {promised}." in mails(report, "report_notice")[0].body
    assert "Promised for" in render_to_string("portal/parts/late.html", {"notices": [shown]})


def test_nothing_is_told_of_a_report_that_came_or_is_not_owed_any_more(ada, ben, dora):
    report = a_report(ada, manager=ben, delivery=dora)
    told, begun = a_notice(report, dora, ben), a_notice(report, dora)
    a_change(report.cadence, dora, approver=ben, kind="end", first_on=report.cadence.today)

    assert again(report).stage == "dropped"
    assert (again(told).stage, again(begun).stage) == ("superseded", "withdrawn")
    assert not Publication.objects.filter(kind="notice", withdrawn_at=None).exists()
    assert [mail.stage for mail in mails(report, "report_notice")] == ["held"]
    with pytest.raises(Refused, match="it came, or is not owed any more"):
        a_notice(report, dora, ben)


@pytest.mark.parametrize("told", [False, True])
def test_who_manages_hears_once_of_a_client_who_was_told_nothing_for_a_working_day(ada, ben, dora, told):
    lead = person("lena", "Manager", team="East", sees="team")
    report = a_report(ada, manager=ben, delivery=dora)
    first = report.due_on + timedelta(days=1)
    while first.weekday() > 4:
        first += timedelta(days=1)
    with time_machine.travel(noon_after(first, 0)):
        assert clock.run()["untold_clients"] == 0
        if told:
            a_notice(report, dora, ben)
    with time_machine.travel(noon_after(first, 1)):
        counts = [clock.run()["untold_clients"] for _ in range(2)]
    words = list(Notice.objects.filter(user=lead, kind="breach").values_list("words", flat=True))
    assert counts == ([0, 0] if told else [len(dora.managers()), 0])
    said = f"{report} is late, and {report.project.client} was not told: Dora has not written to them."
    assert words == ([] if told else [said])


def test_of_an_owner_without_a_manager_whoever_approves_notices_hears_and_sees_the_report(ada, ben, dora):
    report = a_report(ada, manager=ben, delivery=dora)
    dora.team = None
    dora.save()
    far = person("wim", "Manager", team="West", sees="team")
    everywhere = person("xia", "Manager", sees="all")
    with time_machine.travel(noon_after(report.due_on, 7)):
        counts = [clock.run()["untold_clients"] for _ in range(2)]

    told = Notice.objects.filter(kind="breach", key__endswith=clock.UNTOLD).values_list("user__username", flat=True)
    assert report.owner == dora
    assert set(told) == {ben.username, everywhere.username}
    assert counts == [2, 0]
    assert far.username not in told


def test_a_manager_who_owns_a_late_report_alone_is_not_told_of_themselves(ada, ben, dora):
    report = a_report(ada, manager=ben, delivery=dora)
    edit(report, by=ben, owner=ben)
    other = person("xia", "Manager", sees="all")
    with time_machine.travel(noon_after(report.due_on, 7)):
        clock.run()
    assert [notice.user for notice in Notice.objects.filter(key__endswith=clock.UNTOLD)] == [other]


def test_a_late_report_that_nobody_can_be_told_of_holds_up_no_other(ada, ben, dora, monkeypatch):
    report = a_report(ada, manager=ben, delivery=dora)
    monkeypatch.setattr(clock, "BATCH", 1)
    first, second = again(report).cadence.reports.all()[:2]
    ben.is_active = False
    ben.save()
    edit(second, by=dora, owner=person("zoe", "Delivery", team="West"))
    lead = person("wim", "Manager", team="West", sees="team")
    with time_machine.travel(noon_after(second.due_on, 7)):
        clock.run()
    told = Notice.objects.filter(key__endswith=clock.UNTOLD).values_list("user", "record_id")
    assert list(told) == [(lead.pk, second.pk)]


def test_what_is_late_stands_on_today_and_on_the_project(late, dora, ben, as_user):
    today = as_user(dora).get("/admin/today/").content.decode()
    assert "Late reports" in today
    assert late.staff_url() in today
    assert "Late" in as_user(dora).get(late.project.staff_url()).content.decode()

    with transaction.atomic():
        a_notice(late, dora, ben)
    assert "the client was told" in as_user(dora).get("/admin/today/").content.decode()
