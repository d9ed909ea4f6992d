"""Lists are the same everywhere: columns, filters, order, views that are saved, files, and many rows at once."""

import io
import re
import time
from datetime import UTC, date, datetime, timedelta
from functools import partial

import pytest
from django.contrib import admin
from django.contrib.auth.models import Group, Permission
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from openpyxl import load_workbook

from opportunities import reads
from opportunities.admin.base import KeptAdmin
from opportunities.lists import columns, export, many, order, saved
from opportunities.lists.actions import TASKS
from opportunities.models import BulkChange, BulkRow, Event, Lead, Opportunity, SavedView, Task, User
from opportunities.records import Refused, begin, edit, perform
from tests.aside import Aside
from tests.makers import a_lead, an_opportunity
from zarts.desk import due

pytestmark = pytest.mark.django_db
TASK, LEAD = "/admin/opportunities/task/", "/admin/opportunities/lead/"
MANY = "/admin/lists/opportunities.task/many/"


def some_tasks(owner, count=3, **fields):
    deal = fields.pop("opportunity", None) or an_opportunity(owner)
    at = fields.pop("due_at", timezone.now() - timedelta(hours=1))
    rows = [
        Task(opportunity=deal, title=f"Call {n}", owner=owner, due_at=at + timedelta(minutes=n), **fields)
        for n in range(count)
    ]
    return [begin(row, by=owner) for row in rows]


def text_of(answer):
    return b"".join(answer.streaming_content).decode()


def heads(answer):
    return [head.label for head in answer.context["heads"]]


def titles(answer):
    return [cells[0]["value"] for _, cells, _ in answer.context["rows"]]


def names(answer):
    return [tab.name for tab, _, _ in answer.context["views"]["tabs"]]


# -- Columns, filters, order. ------------------------------------------------------------------------------------------


def test_columns_are_chosen_and_ordered_in_the_address(as_user, ada):
    some_tasks(ada, 1)
    browser = as_user(ada)

    assert heads(browser.get(TASK)) == ["Title", "Kind", "Stage", "Owner", "Due"]
    assert heads(browser.get(TASK, {"columns": "due_at,title,opportunity"})) == ["Due", "Title", "Opportunity"]
    ticked = browser.get(f"{TASK}?columns=title&columns=owner")
    assert heads(ticked) == ["Title", "Owner"]
    later = next(down for name, *_, down in ticked.context["places"] if name == "title")
    assert later
    pressed = browser.get(f"{TASK}?columns=title&columns=owner&columns=kind&later=title")
    assert pressed.url == f"{TASK}?columns=owner%2Ctitle%2Ckind", "what was ticked meanwhile comes along"


def test_a_list_is_sorted_by_what_has_an_index_and_its_pages_go_on(as_user, ada, monkeypatch):
    monkeypatch.setattr(reads, "PAGE", 2)
    some_tasks(ada, 5)
    browser, said = as_user(ada), []
    answer = browser.get(TASK, {"sort": "due_at", "columns": "title", "kind": "other"})
    while True:
        said += titles(answer)
        if not answer.context["older_url"]:
            break
        answer = browser.get(answer.context["older_url"])
    assert said == [f"Call {n}" for n in range(5)]
    turned = browser.get(TASK, {"sort": "-due_at", "columns": "title", "kind": "other"})
    assert titles(turned) == ["Call 4", "Call 3"]
    assert "title" not in browser.get(TASK).context["asked"].sorts, "nothing is sorted without an index"


def test_what_is_due_or_begins_on_a_day_can_be_sorted_by_it(ada):
    days = {"due_on", "due", "due_at", "valid_until", "kickoff_on", "sent_at", "fresh_until", "opens_on"}
    for model, page in admin.site._registry.items():
        if isinstance(page, KeptAdmin):
            assert days & {*page.list_display} <= order.sorts_of(model, str).keys(), model


def test_every_order_is_chosen_beside_the_columns_and_says_what_it_does(as_user, ada):
    some_tasks(ada, 3)
    browser = as_user(ada)
    answer = browser.get(TASK, {"kind": "other"})
    assert answer.context["orders"] == [
        ("-id", "Newest first", True),
        ("id", "Oldest first", False),
        ("due_at", "Due, earliest first", False),
        ("-due_at", "Due, latest first", False),
    ]
    assert 'title="Due, earliest first"' in answer.text
    for said, words, _ in answer.context["orders"]:
        shown = browser.get(TASK, {"kind": "other", "sort": said})
        assert (said, words, True) in shown.context["orders"]
    worth = [words for _, words, _ in browser.get("/admin/opportunities/opportunity/").context["orders"]]
    assert "Value, most first, currencies mixed" in worth
    table = browser.get("/admin/pipeline/?look=table").context["orders"]
    assert ("due", "Due, earliest first", True) in table


@pytest.mark.parametrize(
    ("page", "query", "said"),
    [
        (TASK, "kind=dance", "Kind: there is no “dance” here."),
        (TASK, "colour=red", "This list has no filter “colour”."),
        (TASK, "columns=title,shoe", "There is no column “shoe” on this list."),
        (TASK, "sort=shoe", "This list is not sorted by “shoe”."),
        ("/admin/pipeline/", "stage=zz", "Stage: there is no “zz” here."),
        ("/admin/pipeline/", "colour=red", "This list has no filter “colour”."),
        ("/admin/pipeline/", "look=table&sort=shoe", "Sort: there is no such order here."),
        ("/admin/won-and-lost/", "outcome=zz", "“outcome=zz” means nothing here."),
        ("/admin/claims/", "service=zz", "“service=zz” means nothing here."),
        ("/admin/approvals/", "show=zz", "“show=zz” means nothing here."),
        ("/admin/reports/reliability/", "days=7", "“days=7” means nothing here."),
        ("/admin/opportunities/opportunity/", "stage=zz", "Stage: there is no “zz” here."),
    ],
)
def test_no_file_is_made_of_more_than_somebody_asked_for(as_user, ada, page, query, said):
    some_tasks(ada, 2)
    files = [f"{page}export/?as=csv&{query}"]
    if page.endswith("opportunity/"):
        files.append(f"{page}outputs.csv?{query}")
    for file in files:
        answer = as_user(ada).get(file, follow=True)
        assert answer.redirect_chain[0][0].split("?")[0] == page
        assert said in answer.text
        assert "No file was made." in answer.text
    assert not Event.objects.filter(verb="user.export").exists()


@pytest.mark.parametrize(
    "url", ["/admin/lists/opportunities.task/many/?kind=dance", "/admin/pipeline/several/?stage=zz"]
)
def test_nothing_is_done_to_all_that_match_where_what_they_match_is_unclear(as_user, ada, url):
    some_tasks(ada, 2)
    answer = as_user(ada).post(url, {"do": "give", "all": "1"}, follow=True)
    assert "These are other rows now: pick among them." in answer.text
    assert not BulkChange.objects.exists()


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("colour=red", "This list has no filter “colour”. It is left out."),
        ("kind=dance", "Kind: there is no “dance” here. This filter is left out."),
        ("due=whenever", "Due: there is no “whenever” here."),
        ("owner=99999", "Owner: there is no “99999” here."),
        ("columns=title,shoe", "There is no column “shoe” on this list. The others are shown."),
        ("columns=diary", "There is no column “diary” on this list."),
        ("sort=shoe", "This list is not sorted by “shoe”. The newest stand first."),
        ("before=2026-01-01~9", "That page is not there. This is the first."),
        ("sort=due_at&after=name~Bo~9", "That page is not there. This is the first."),
        ("sort=due_at&after=due_at~tomorrow~9", "That page is not there. This is the first."),
        ("sort=due_at&before=9", "That page is not there. This is the first."),
        ("after=due_at~x~9", "That page is not there. This is the first."),
        ("columns=%00&sort=%00&before=%00&a%00=1", "left out"),
    ],
)
def test_what_makes_no_sense_is_said_and_the_rest_is_shown(as_user, ada, query, said):
    some_tasks(ada, 2)
    answer = as_user(ada).get(f"{TASK}?{query}")
    assert answer.status_code == 200
    assert said in " ".join(answer.context["left_out"])
    assert len(answer.context["rows"]) >= 2


def test_every_column_of_every_list_can_be_shown_and_taken_away(as_user, world, eve):
    """As many questions for one row as for all, whatever is shown; and no column is how a record is kept."""
    User.objects.filter(pk=eve.pk).update(is_superuser=True)
    browser, seen = as_user(User.objects.get(pk=eve.pk)), 0
    for model, page in admin.site._registry.items():
        if not isinstance(page, KeptAdmin):
            continue
        name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
        offered = columns.offered(page, eve)
        assert not {"password", "salt", "digest", "diary", "search"} & offered.keys(), model
        with CaptureQueriesContext(connection) as asked:
            answer = browser.get(reverse(f"{name}_changelist"), {"columns": ",".join(offered)})
        assert (answer.status_code, len(answer.context["heads"])) == (200, len(offered)), model
        assert len(asked) <= 12, model
        for sort in answer.context["asked"].sorts:
            assert browser.get(reverse(f"{name}_changelist"), {"sort": f"-{sort}"}).status_code == 200
        lines = text_of(browser.get(reverse(f"{name}_export"), {"as": "csv", "columns": ",".join(offered)}))
        assert lines.startswith("\ufeff"), model
        excel = b"".join(browser.get(reverse(f"{name}_export"), {"as": "excel"}).streaming_content)
        assert load_workbook(io.BytesIO(excel)).active["A1"].value, model
        seen += 1
    assert seen > 50


# -- Views. ------------------------------------------------------------------------------------------------------------


def test_a_view_of_a_list_keeps_its_filters_columns_and_order(as_user, ada, cem):
    mine, _ = some_tasks(ada, 1), some_tasks(cem, 1)
    browser = as_user(ada)
    save = reverse("list_save", args=["opportunities.task"])

    answer = browser.post(f"{save}?owner=me&sort=due_at&columns=title,due_at&nonsense=1&before=3", {"name": "My calls"})

    view = SavedView.objects.get()
    assert (view.list, view.shared) == ("opportunities.task", False)
    assert view.filters == {"owner": "me", "sort": "due_at", "columns": "title,due_at"}
    shown = browser.get(answer.url)
    assert shown.context["views"]["current"].name == "My calls"
    assert mine[0].title in titles(shown)
    assert heads(shown) == ["Title", "Due"]
    assert names(shown) == ["Everything", "Mine", "Overdue", "My calls"]
    assert "My calls" not in names(browser.get(LEAD)), "each list has its own"
    assert "My calls" not in names(as_user(cem).get(TASK))
    again = as_user(ada).post(f"{save}?due=today", {"name": "my CALLS"})
    assert (again.status_code, "You have a view of that name." in again.text) == (409, True)
    other = reverse("list_save", args=["opportunities.lead"])
    assert browser.post(f"{other}?owner=me", {"name": "My calls", "shared": "on"}).status_code == 302
    assert "My calls" in names(as_user(cem).get(LEAD))


def test_many_views_of_ones_own_hide_none_that_is_shared(as_user, ada, ben, monkeypatch):
    monkeypatch.setattr(saved, "MOST", 2)
    save = reverse("list_save", args=["opportunities.task"])
    as_user(ben).post(f"{save}?due=today", {"name": "Of the team", "shared": "on"})
    asked = {"a": "due=overdue", "b": "due=week", "c": "due=today"}
    answers = [as_user(ada).post(f"{save}?owner=me&{query}", {"name": name}) for name, query in asked.items()]
    assert [answer.status_code for answer in answers] == [302, 302, 409]
    assert "You have 2 views of this list. Remove one first" in answers[-1].text
    assert names(as_user(ada).get(TASK))[3:] == ["a", "b", "Of the team"]


def test_a_list_opens_with_the_view_that_was_chosen(as_user, ada):
    some_tasks(ada, 1)
    browser, url = as_user(ada), reverse("list_open_with", args=["opportunities.task"])

    assert browser.post(url, {"view": "none"}).status_code == 409
    browser.post(f"{url}?due=overdue", {"view": "overdue"})

    assert browser.get(TASK).url == f"{TASK}?due=overdue"
    cleared = browser.get(TASK, {"due": "overdue"}).context["clear_url"]
    assert browser.get(cleared).context["views"]["current"].key == "all", "it clears, and opens with no view"
    assert browser.get(LEAD).status_code == 200
    assert Event.objects.filter(verb="user.edit", record_id=ada.pk).count() == 1


def test_a_view_that_asks_for_what_has_gone_says_so(as_user, ada, cem):
    filters = {"owner": str(cem.pk), "kind": "follow_up"}
    begin(SavedView(name="Cem's", list="opportunities.task", owner=ada, shared=True, filters=filters), by=ada)
    User.objects.filter(pk=cem.pk).update(is_staff=False)

    answer = as_user(ada).get(TASK, filters)

    assert "The view “Cem&#x27;s” asks for what is not there any more." in answer.text
    assert "This filter is left out." in answer.text


def test_what_is_no_list_of_mine_has_no_views(as_user, ada, eve):
    for key in ("pipeline", "nothing", "auth.group", "hooks.endpoint", "opportunities.diary", "a.b.c"):
        for name in ("list_save", "list_open_with", "list_many"):
            assert as_user(ada).post(reverse(name, args=[key]), {"name": "x"}).status_code in (403, 404)


# -- Files. ------------------------------------------------------------------------------------------------------------


def test_a_file_has_exactly_the_rows_and_columns_of_the_list(as_user, ada, cem, ann):
    deal = an_opportunity(ada)
    edit(deal, by=ada, name="=2+3", value=1234.5)
    an_opportunity(cem)
    url, query = (
        reverse("admin:opportunities_opportunity_export"),
        {"columns": "name,value,owner,due_on", "owner": "me"},
    )

    text = text_of(as_user(ada).get(url, {**query, "as": "csv"}))

    head, *lines = text.removeprefix("\ufeff").splitlines()
    assert head == "Name,Value,Currency,Owner,Due"
    assert len(lines) == 1
    assert lines[0].startswith("'=2+3,1234.5")
    book = load_workbook(io.BytesIO(b"".join(as_user(ada).get(url, {**query, "as": "excel"}).streaming_content)))
    _, row = book.active.iter_rows()
    assert [cell.value for cell in row][:3] == ["=2+3", 1234.5, "USD"]
    assert (row[0].data_type, row[0].quotePrefix) == ("s", True), "words, which Excel does not mark for all to see"
    told = Event.objects.filter(verb="user.export", actor=ada).select_related("facts")
    assert [event.facts.values["as"] for event in told.order_by("pk")] == ["CSV", "Excel"]
    assert told[0].facts.values["filters"] == {"owner": "me", "columns": "name,value,owner,due_on"}


def test_times_and_days_are_what_they_are_and_say_their_zone(as_user, ada, monkeypatch):
    User.objects.filter(pk=ada.pk).update(time_zone="America/New_York")
    tasks = some_tasks(ada, 5, due_at=datetime(2026, 1, 2, 3, 0, tzinfo=timezone.get_fixed_timezone(0)))
    monkeypatch.setattr(export.order.through, "__defaults__", (2,))
    query = {"sort": "due_at", "columns": "due_at,title", "kind": "other", "as": "excel"}

    book = load_workbook(io.BytesIO(b"".join(as_user(ada).get(f"{TASK}export/", query).streaming_content)))

    head, *rows = book.active.iter_rows(values_only=True)
    assert head == ("Due (America/New_York)", "Title")
    assert rows[0] == (datetime(2026, 1, 1, 22, 0), "Call 0")
    assert [title for _, title in rows if title.startswith("Call")] == [task.title for task in tasks]
    assert isinstance(columns.plain(date(2026, 1, 2), None), date)
    # Whichever column comes first, its words lead to the row: of a time the hour, of a day the day.
    deal = edit(an_opportunity(ada), by=ada, due_on=date(2030, 1, 4))
    page = as_user(ada).get(reverse("admin:opportunities_opportunity_changelist"), {"columns": "due_on,name"}).text
    assert f'{deal.pk}/change/">Fri 4 Jan 2030</a>' in page


def test_what_is_too_long_for_excel_or_no_file_is_said(as_user, ada, dora, monkeypatch):
    some_tasks(ada, 2)
    monkeypatch.setattr(export, "MOST_EXCEL", 1)
    browser = as_user(ada)
    assert "Take the CSV" in browser.get(f"{TASK}export/", {"as": "excel", "owner": "me"}, follow=True).text
    assert "Choose CSV or Excel." in browser.get(f"{TASK}export/", follow=True).text
    assert "Choose CSV or Excel." in browser.get(reverse("pipeline_export"), {"as": "pdf"}, follow=True).text
    assert not Event.objects.filter(verb="user.export").exists()
    assert as_user(dora).get(reverse("admin:hooks_endpoint_export"), {"as": "csv"}).status_code == 403


def test_the_pipeline_is_taken_away_as_its_table_shows_it(as_user, ada, cem):
    an_opportunity(cem)
    deal = an_opportunity(ada)
    lines = text_of(as_user(ada).get(reverse("pipeline_export"), {"as": "csv", "owner": "me"})).splitlines()
    assert lines[0].startswith('\ufeffClient,Name,Stage,Value,Currency,"Probability, percent",Owner,Next action,Due,')
    assert lines[0].endswith(",Last event (UTC)")
    assert len(lines) == 2
    last = Opportunity.objects.get(pk=deal.pk).diary.last_at
    assert lines[1].endswith(f"{last:%Y-%m-%d %H:%M}")
    assert deal.name in lines[1]
    query = {"look": "table", "columns": "due,stage,shoe", "sort": "-value"}
    page = as_user(ada).get(reverse("pipeline"), query)
    assert [head["name"] for head in page.context["heads"]] == ["client", "due", "stage", "move"]
    assert "There is no column “shoe” on this list." in page.text
    query |= {"as": "csv", "columns": "due,stage"}
    assert text_of(as_user(ada).get(reverse("pipeline_export"), query)).startswith("\ufeffClient,Name,Due,Stage\r")
    as_user(ada).post(f"{reverse('pipeline_save')}?look=table&columns=due,stage", {"name": "Due first"})
    assert SavedView.objects.get().filters == {"look": "table", "columns": "due,stage"}


# -- Many rows at once. ------------------------------------------------------------------------------------------------


def send(browser, do, rows=(), query="", key="opportunities.task", **data):
    """Send what the bar sends, and with `sure` what the question below it does: to how many rows one said yes, too."""
    url, agreed = reverse("list_many", args=[key]) + query, {"count": len(rows)} if "sure" in data else {}
    return browser.post(url, {"pick": [row.pk for row in rows], "do": do, **agreed, **data}, follow=True)


def test_how_many_is_asked_before_and_each_gets_its_own_event(as_user, ada, ben, cem):
    tasks, browser = some_tasks(ada), as_user(ada)
    assert all(f">{form.name}</button>" in browser.get(TASK).text for form in TASKS.values())

    asked = send(browser, "give", [*tasks, *some_tasks(cem, 2)])
    assert "Give 3 tasks to somebody else?" in asked.text
    assert {task.owner for task in Task.objects.filter(pk__in=[t.pk for t in tasks])} == {ada}
    wrong = send(browser, "give", tasks, sure="1")
    assert (wrong.status_code, "Choose who takes it over." in wrong.text) == (409, True)
    done = send(browser, "give", tasks, sure="1", owner=ben.pk, once="a-key")

    assert "3 tasks given to Ben." in done.text
    change = BulkChange.objects.get()
    assert (change.words, change.total) == ("Give 3 tasks to Ben", 3)
    assert Event.objects.filter(verb="task.edit", actor=ada, record_id__in=[t.pk for t in tasks]).count() == 3
    assert "This was saved already." in send(browser, "give", tasks, sure="1", owner=ben.pk, once="a-key").text
    assert BulkChange.objects.count() == 1


def test_an_undo_sets_back_only_what_nobody_changed_since(as_user, ada, ben, cem):
    first, second, third = some_tasks(ada)
    perform(third.finish, by=ada)
    before = first.due_at
    browser = as_user(ada)
    answer = send(browser, "snooze", [first, second, third], sure="1", when="tomorrow", reason="They are away.")
    assert re.search(r"2 tasks put off until \w{3} \d+ \w{3}, 09:00 \w+\. 1 task stayed as it was\.", answer.text)
    assert "See why, or undo it" in answer.text
    change = BulkChange.objects.get()
    page = browser.get(reverse("list_change", args=[change.pk]))
    assert "It is done already." in page.text
    Task.objects.get(pk=second.pk).change(by=ben, due_at=timezone.now() + timedelta(days=9))

    undone = browser.post(reverse("list_undo", args=[change.pk]), follow=True)

    assert "1 task set back." in undone.text
    assert "“Due” was changed since." in undone.text
    assert Task.objects.get(pk=first.pk).due_at == before
    assert "This was undone already." in browser.post(reverse("list_undo", args=[change.pk]), follow=True).text
    assert as_user(cem).get(reverse("list_change", args=[change.pk])).status_code == 404
    assert as_user(cem).post(reverse("list_undo", args=[change.pk])).status_code == 404


def test_an_undo_leaves_alone_what_is_over_since(as_user, ada):
    tasks, browser = some_tasks(ada, 2), as_user(ada)
    send(browser, "snooze", tasks, sure="1", when="tomorrow", reason="They are away.")
    perform(Task.objects.get(pk=tasks[0].pk).finish, by=ada)
    until = Task.objects.get(pk=tasks[0].pk).due_at
    undone = browser.post(reverse("list_undo", args=[BulkChange.objects.get().pk]), follow=True)
    assert "It is done already." in undone.text
    assert [Task.objects.get(pk=task.pk).due_at for task in tasks] == [until, tasks[1].due_at]


def test_the_question_tells_rows_apart_in_the_order_in_which_they_stood(as_user, ada):
    first, second = some_tasks(ada, 2)
    browser = as_user(ada)
    asked = browser.post(MANY, {"do": "finish", "pick": [second.pk, first.pk]}).text
    assert asked.index("Call 1") < asked.index("Call 0")
    assert f"{first.opportunity.client} · Other · Open · Ada · " in re.sub(r"\s+", " ", asked)
    assert "autofocus>2 tasks done</button>" in asked


def test_the_question_says_no_more_of_a_row_than_its_list_may(as_user, ada):
    Group.objects.get(name="Growth ops").permissions.remove(Permission.objects.get(codename="view_user"))
    tasks, browser = some_tasks(ada, 1), as_user(User.objects.get(pk=ada.pk))
    assert "Owner" not in heads(browser.get(TASK))
    told = re.sub(r"\s+", " ", send(browser, "finish", tasks).text)
    assert f"{tasks[0].opportunity.client} · Other · Open · " in told
    assert " · Open · Ada" not in told


def test_the_question_asks_the_same_of_one_row_and_of_many(as_user, ada):
    browser = as_user(ada)
    for key, rows in (
        ("opportunities.task", [some_tasks(ada, 1)[0] for _ in range(9)]),
        ("opportunities.opportunity", [an_opportunity(ada) for _ in range(9)]),
        ("opportunities.audit", [an_opportunity(ada, stage="audit").audits.get() for _ in range(9)]),
    ):
        counts = []
        for picked in (rows[:1], rows):
            with CaptureQueriesContext(connection) as questions:
                assert send(browser, "give", picked, key=key).status_code == 200
            counts.append(len(questions))
        assert counts[0] == counts[1] <= 12, key


def test_whoever_comes_to_the_question_by_a_link_is_led_to_the_list(as_user, ada, client):
    for address, back in (
        (f"{MANY}?stage=open", f"{TASK}?stage=open"),
        ("/admin/today/several/", "/admin/today/"),
        ("/admin/pipeline/several/?look=table", "/admin/pipeline/?look=table"),
    ):
        client.logout()
        assert client.post(address, {"do": "finish", "pick": [1]}).url.startswith("/admin/login/?next=")
        assert as_user(ada).get(address).url == back


def test_what_came_of_it_names_what_was_done(as_user, ada):
    tasks, browser = some_tasks(ada, 2), as_user(ada)
    send(browser, "cancel", tasks, sure="1", reason="They left.")
    page = browser.get(reverse("list_change", args=[BulkChange.objects.get().pk])).text
    assert "Call 0" in page
    assert "Call 1" in page
    assert "1 task had it so already." in send(browser, "give", some_tasks(ada, 1), sure="1", owner=ada.pk).text


def test_what_is_done_stays_done_and_an_undo_is_not_for_ever(as_user, ada, ben):
    tasks, browser = some_tasks(ada, 2), as_user(ada)
    send(browser, "finish", tasks, sure="1")
    done = BulkChange.objects.get()
    assert ">Undo<" not in browser.get(reverse("list_change", args=[done.pk])).text
    given = many.begin(ada, "opportunities.opportunity", "give", {"owner": ben.pk}, "Give", [tasks[0].opportunity_id])
    many.go_on(given)
    assert ">Undo<" in browser.get(reverse("list_change", args=[given.pk])).text
    BulkChange.objects.filter(pk=given.pk).update(ended_at=timezone.now() - timedelta(minutes=31))
    for change in (done, given):
        with pytest.raises(Refused, match="cannot be undone any more"):
            many.begin_undo(change, ada)
    assert Opportunity.objects.get(pk=tasks[0].opportunity_id).owner == ben


def test_all_that_match_are_done_by_the_worker_when_they_are_many(as_user, ada, ben, cem, monkeypatch):
    monkeypatch.setattr(many, "AT_ONCE", 2)
    monkeypatch.setattr(reads.page_of, "__defaults__", (None, 2))
    deal = an_opportunity(ada)
    some_tasks(ada, 5, opportunity=deal, kind="other")
    some_tasks(cem, 1, kind="other")
    browser = as_user(ada)

    asked = send(browser, "give", query="?kind=other", all="1")
    assert "Give 5 tasks to somebody else?" in asked.text
    some_tasks(ada, 1, opportunity=deal, kind="other")
    again = send(browser, "give", query="?kind=other", all="1", sure="1", owner=ben.pk, count=5)
    assert (again.status_code, "6 tasks are picked now. Look again." in again.text) == (409, True)
    assert f'value="{ben.pk}" selected' in again.text, "what was answered stays"
    page = send(browser, "give", query="?kind=other", all="1", sure="1", owner=ben.pk, count=6)

    change = BulkChange.objects.get()
    assert "You can leave this page" in page.text
    assert browser.get(reverse("list_change_progress", args=[change.pk])).json()["words"] == "0 of 6"
    assert not Task.objects.filter(owner=ben).exists()
    done, failed = due.run()
    assert (done["changes of many rows"], failed) == (6, [])
    assert Task.objects.filter(owner=ben, kind="other").count() == 6
    assert browser.get(reverse("list_change_progress", args=[change.pk])).json()["percent"] == 100
    assert many.work() == 0


def test_nobody_does_more_to_many_than_to_one(as_user, ada, ben, cem, dora, ann):
    mine, theirs = an_opportunity(ada), an_opportunity(cem)
    key, lead = "opportunities.opportunity", a_lead(ada)
    answer = send(as_user(ada), "give", [mine, theirs], key=key, sure="1", owner=ben.pk, count=1)
    assert "1 opportunity given to Ben. <a" in answer.text
    assert Opportunity.objects.get(pk=theirs.pk).owner == cem
    # Given to somebody of another team it is out of her sight, and still hers to take back.
    send(as_user(ada), "give", [an_opportunity(ada)], key=key, sure="1", owner=cem.pk)
    undone = as_user(ada).post(reverse("list_undo", args=[BulkChange.objects.latest("pk").pk]), follow=True)
    assert "1 opportunity set back." in undone.text
    assert send(as_user(ann), "give", [mine], key=key, sure="1", owner=ben.pk).status_code == 403
    assert 'form="several"' not in as_user(ann).get(LEAD).text
    # Whoever left, or lost the right meanwhile, changes nothing by what they began before.
    answers = {"next_action": "Call", "due_on": str(timezone.localdate() + timedelta(days=2))}
    change = many.begin(ada, "opportunities.lead", "next", answers, "x", [lead.pk])
    User.objects.filter(pk=ada.pk).update(is_active=False)
    assert many.work() == 0, "the few are left to whoever waits for them"
    BulkChange.objects.filter(pk=change.pk).update(at=timezone.now() - timedelta(minutes=2))
    assert many.work() == 1
    assert BulkRow.objects.get(change=change).reason == "You may read it, but not change it."
    assert Lead.objects.get(pk=lead.pk).next_action != "Call"


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ({"do": "finish"}, "Pick some tasks first"),
        ({"do": "finish", "pick": ["x", "-1", "\x00"]}, "Pick some tasks first"),
        ({"do": "burn", "pick": [1]}, "Choose what to do"),
        ({"do": "finish", "pick": [999999999], "sure": "1"}, "not there any more, or not yours."),
        ({"do": "finish", "pick": list(range(1, 12)), "sure": "1"}, "These are more than 10 tasks."),
    ],
)
def test_bad_input_is_answered_in_words(as_user, ada, data, said, monkeypatch):
    monkeypatch.setattr(many, "MOST", 10)
    answer = as_user(ada).post(reverse("list_many", args=["opportunities.task"]), data, follow=True)
    assert said in answer.text


def test_a_day_is_the_one_that_was_asked_for_however_late_the_worker_comes(ada, time_machine):
    [task] = some_tasks(ada, 1, due_at=datetime(2026, 12, 1, 9, 0, tzinfo=UTC))
    time_machine.move_to(datetime(2026, 12, 1, 22, 50, tzinfo=UTC), tick=False)
    answers = {"when": "tomorrow", "reason": "They are away."}
    change = many.begin(ada, "opportunities.task", "snooze", answers, "x", [task.pk])
    time_machine.move_to(datetime(2026, 12, 2, 1, 10, tzinfo=UTC), tick=False)
    many.go_on(change)
    assert timezone.localdate(Task.objects.get(pk=task.pk).due_at) == date(2026, 12, 2)


def test_an_undo_needs_the_reach_but_of_what_was_given_away(as_user, ada, ben, cem):
    [task] = some_tasks(ada, 1)
    change = many.begin(
        ben, "opportunities.task", "snooze", {"when": "tomorrow", "reason": "They are away."}, "x", [task.pk]
    )
    many.go_on(change)
    User.objects.filter(pk=ben.pk).update(reach_of="own", team=cem.team)
    late = Task.objects.get(pk=task.pk).due_at

    undone = as_user(User.objects.get(pk=ben.pk)).post(reverse("list_undo", args=[change.pk]), follow=True)

    assert "Nothing was changed." in undone.text
    assert (task.title in undone.text, Task.objects.get(pk=task.pk).due_at) == (False, late)


def test_what_one_changed_is_found_again_for_a_month(as_user, ada, ben, cem):
    lost, tasks = some_tasks(ada, 1), some_tasks(ada, 2)
    perform(lost[0].finish, by=ada)
    send(as_user(ada), "give", [*lost, *tasks], sure="1", owner=ben.pk)
    change = BulkChange.objects.get()
    for page in (TASK, f"{reverse('pipeline')}?look=table"):
        assert f'href="{reverse("list_changes")}"' in as_user(ada).get(page).text
    listed = as_user(ada).get(reverse("list_changes")).text
    assert "Give 3 tasks to Ben" in listed
    assert "2 done, 1 stayed as before" in listed
    assert "Until" in listed
    assert "Give 3 tasks" not in as_user(cem).get(reverse("list_changes")).text
    undo = many.begin_undo(change, ada)
    many.go_on(undo)
    assert "Undone" in as_user(ada).get(reverse("list_changes")).text
    BulkChange.objects.update(ended_at=timezone.now() - timedelta(days=31))
    assert [many.forget(), many.forget(), many.forget()] == [1, 1, 0], "what undid it goes before it"
    assert not BulkRow.objects.exists()


def test_two_workers_deal_with_each_row_once(ada, ben):
    tasks = some_tasks(ada, 2)
    change = many.begin(ada, "opportunities.task", "give", {"owner": ben.pk}, "Give", [task.pk for task in tasks])
    page = many.page_of("opportunities.task")
    form = TASKS["give"]({"owner": ben.pk}, page=page)
    assert form.is_valid()
    row = change.rows.first()
    assert [many.take(row.pk, change, page, form, ada) for _ in range(2)] == [True, False]
    assert many.go_on(change) == 1
    assert Event.objects.filter(verb="task.edit", record_id__in=[task.pk for task in tasks]).count() == 2


@pytest.mark.django_db(transaction=True)
def test_two_lists_that_are_said_to_open_otherwise_at_once_both_do(ada, monkeypatch):
    change = saved.edit

    def take_long(*given, **changes):
        time.sleep(0.3)
        return change(*given, **changes)

    monkeypatch.setattr(saved, "edit", take_long)
    house = {"mine": ("Mine", {"owner": "me"})}
    keys = ["opportunities.task", "opportunities.lead"]
    for one in [Aside(partial(saved.open_with, ada, key, house, "mine")) for key in keys]:
        assert one.ends()
    assert User.objects.get(pk=ada.pk).opens_with == dict.fromkeys(keys, "mine")


def test_an_undo_that_found_nothing_to_set_back_may_be_tried_again(as_user, ada):
    tasks, browser = some_tasks(ada, 2), as_user(ada)
    before = [task.due_at for task in tasks]
    send(browser, "snooze", tasks, sure="1", when="tomorrow", reason="They are away.")
    first = BulkChange.objects.get()
    for task in Task.objects.all():
        task.change(by=ada, due_at=task.due_at + timedelta(days=9))
    undo = reverse("list_undo", args=[first.pk])
    assert "Nothing was changed." in browser.post(undo, follow=True).text
    for task in Task.objects.all():
        task.change(by=ada, due_at=task.due_at - timedelta(days=9))
    assert "Undone" not in browser.get(reverse("list_changes")).text
    assert "2 tasks set back." in browser.post(undo, follow=True).text
    assert [Task.objects.get(pk=task.pk).due_at for task in tasks] == before
    assert "Undone" in browser.get(reverse("list_changes")).text
    assert "This was undone already." in browser.post(undo, follow=True).text
