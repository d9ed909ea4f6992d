"""The pages that are open all day read the prepared reads, and say what those say to the same person."""

from datetime import UTC, datetime, time, timedelta

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from handoff.models import Report
from opportunities.models import Lead, Message, Task
from opportunities.records import begin, perform
from tests.makers import a_lead, an_opportunity
from tests.makers_handoff import a_report
from zarts.desk import calendar, handover
from zarts.desk import today as owed
from zarts.desk.views.reports import SHOWN_OF_EACH
from zarts.reads import rows

pytestmark = pytest.mark.django_db

OF = {"tasks": Task, "leads": Lead, "reports": Report, "messages": Message}


@pytest.fixture
def house(ada, ben, dora):
    """A live project with reports, a talk and a mail, a lead that waits for an answer, and tasks of each kind."""
    report = a_report(ada, manager=ben, delivery=dora)
    deal, lead, soon = an_opportunity(ada), a_lead(ada, company=""), timezone.now() + timedelta(hours=1)
    begin(Task(title="Call them", owner=ada, opportunity=deal, due_at=soon, kind="follow_up"), by=ada)
    begin(Task(title="Look them up", owner=ada, lead=lead, due_at=soon, repeats="weekly"), by=ada)
    mailed = {"contact": deal.decision_owner, "subject": "Hello", "words": "Hello again."}
    begin(Task(title="Write to them", owner=ada, opportunity=deal, due_at=soon + timedelta(days=9), **mailed), by=ada)
    perform(begin(Task(title="Ask", owner=ada, lead=lead, due_at=soon), by=ada).pause, by=ada, reason="They are away.")
    sold = report.project.opportunity
    talk = {"client": sold.client, "contact": sold.decision_owner, "opportunity": sold, "owner": ada}
    begin(Message(channel="call", happened_at=timezone.now(), subject="A call", body="All is well.", **talk), by=ada)
    begin(Message(subject="About it", body="Here it is.", **talk), by=ada)
    return report


def views_read(browser, url) -> tuple:
    """Return the page, and of which prepared reads it asked the database."""
    with CaptureQueriesContext(connection) as asked:
        page = browser.get(url)
    assert page.status_code == 200
    said = "\n".join(question["sql"] for question in asked)
    return page, {source for source in OF if f'from "reads"."{source}_admin"' in said.lower()}


def said_by_reads(browser, source, **filters) -> list[dict]:
    answer = browser.get(f"/reads/{source}/admin.json", {"limit": 1000, **filters})
    assert answer.status_code == 200
    return answer.json()["rows"]


def ids(found) -> list[int]:
    return sorted(row["id"] if isinstance(row, dict) else row.pk for row in found)


def test_today_reads_tasks_leads_and_reports_and_shows_what_the_reads_say(house, ada, ben, cem, dora, as_user):
    with time_machine.travel(datetime.combine(house.due_on + timedelta(days=1), time(12), UTC)):
        for user, query in ((ada, ""), (dora, ""), (ben, "?whose=team"), (cem, "")):
            browser = as_user(user)
            page, read = views_read(browser, f"/admin/today/{query}")
            mine = {} if query else {"owner_id": user.pk}
            late = {"due_on__lt": timezone.localdate().isoformat(), "project_stage__in": "setup,ready,live"}
            late["stage__in"] = ",".join(Report.UNPUBLISHED)
            parts = {
                "tasks": (
                    [task for part in ("overdue", "due", "coming") for task in page.context[part]],
                    {"stage": "open"},
                ),
                "leads": (page.context["leads"], {"stage__in": "new,working"}),
                "reports": (page.context["late_reports"], late),
            }
            for source, (shown, filters) in parts.items():
                if source in read:
                    assert ids(shown) == ids(said_by_reads(browser, source, **mine, **filters)), (user, source)
            assert "tasks" in read
            assert ids(page.context["waiting"]) == ids(said_by_reads(browser, "tasks", stage="paused", **mine))
            assert bool(page.context["late_reports"]) == (user in (ben, dora))
            assert bool(page.context["leads"]) == (user in (ada, ben))


def test_the_calendar_of_reports_reads_them_and_shows_what_the_reads_say(house, ben, cem, dora, as_user):
    days = {"due_on__gte": house.due_on.isoformat(), "due_on__lte": house.due_on.isoformat()}
    for user in (dora, ben, cem):
        page, read = views_read(as_user(user), f"/admin/reports/calendar/?month={house.due_on:%Y-%m}")
        assert read == {"reports"}
        day = next(day for week in page.context["weeks"] for day in week if day.on == house.due_on)
        names = ("client_name", "owner_name", "time_zone", "stage")
        said = said_by_reads(as_user(user), "reports", **days)
        assert [{name: getattr(report, name) for name in names} for report in day.reports] == [
            {name: row[name] for name in names} for row in said
        ]
        assert bool(said) == (user != cem)


def test_a_persons_own_calendar_reads_their_tasks_and_reports(house, ada, dora, as_user):
    for user in (ada, dora):
        _, read = views_read(as_user(user), f"/calendar/{user.open_feed()}.ics")
        assert read == {"tasks", "reports"}
        tasks = said_by_reads(as_user(user), "tasks", owner_id=user.pk, stage__in="open,paused")
        assert ids(calendar.tasks_of(user)) == ids(tasks)
        reports = said_by_reads(as_user(user), "reports", owner_id=user.pk, stage__in=",".join(Report.UNPUBLISHED))
        assert ids(calendar.reports_of(user)) == ids(reports)


def test_the_handover_reads_the_talks(house, dora, as_user):
    handoff = house.project.handoff
    page, read = views_read(as_user(dora), reverse("handoff_handoff_handover", args=[handoff.pk]))
    assert read == {"messages"}
    (said,) = said_by_reads(as_user(dora), "messages", opportunity_id=handoff.opportunity_id, channel="call")
    assert f"Call with {said['contact_name']}: {said['subject']}" in page.content.decode()


def test_a_row_says_of_itself_what_its_record_says(house):
    said = {
        "tasks": ("__str__", "staff_url", "mend_url", "is_touch", "get_kind_display", "get_repeats_display"),
        "leads": ("__str__", "staff_url"),
        "reports": ("staff_url", "covers", "is_open", "is_late", "get_breach_display", "get_stage_display"),
        "messages": ("staff_url", "get_channel_display"),
    }
    for source, model in OF.items():
        for record in model.objects.all():
            row = getattr(rows, source).get(pk=record.pk)
            for name in said[source]:
                theirs, mine = getattr(record, name), getattr(row, name)
                assert (mine() if callable(mine) else mine) == (theirs() if callable(theirs) else theirs), name
            assert row.owner_name == str(record.owner)
            if model is Task:
                assert row.about == str(record.parent)


def test_a_person_sees_the_rows_of_the_records_that_they_see(house, ada, ann, ben, cem, dora):
    for source, model in OF.items():
        for user in (ada, ann, ben, cem, dora):
            seen = getattr(rows, source).visible_to(user)
            assert ids(seen.only("id")) == ids(model.objects.visible_to(user)), (source, user)


@pytest.mark.parametrize(
    ("source", "columns", "joined"),
    [
        ("tasks", owed.OF_TASK, {"opportunities_opportunity", "opportunities_client", "opportunities_lead"}),
        ("tasks", owed.OF_WAITING, set()),
        ("leads", owed.OF_LEAD, set()),
        ("reports", SHOWN_OF_EACH, {"handoff_project", "opportunities_client", "handoff_reportingcadence"}),
        ("reports", owed.OF_REPORT, {"handoff_project", "opportunities_client"}),
        ("messages", handover.OF_TALK, {"opportunities_contact"}),
    ],
)
def test_what_a_page_does_not_name_is_not_looked_up(source, columns, joined):
    with connection.cursor() as cursor:
        text, values = getattr(rows, source).only(*columns).query.sql_with_params()
        cursor.execute(f"explain (format json) {text}", values)
        found = set(tables_in(cursor.fetchone()[0][0]["Plan"]))
    people = {"opportunities_user"} if "owner_name" in columns else set()
    assert found == {OF[source]._meta.db_table, *joined, *people}


def tables_in(plan):
    if "Relation Name" in plan:
        yield plan["Relation Name"]
    for below in plan.get("Plans", []):
        yield from tables_in(below)
