"""Several tasks at once, and a person's day."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from opportunities.models import BulkChange, Event, Notice, Opportunity, Task
from opportunities.neglect import is_adrift
from opportunities.records import begin, perform
from tests.conftest import person
from tests.makers import an_opportunity
from tests.makers_proposals import a_proposal
from zarts.desk import today

pytestmark = pytest.mark.django_db
URL = "/admin/today/several/"
LIST = "/admin/opportunities/task/"


def some_tasks(owner, count=3, **fields):
    deal = fields.pop("opportunity", None) or an_opportunity(owner)
    fields.setdefault("due_at", timezone.now() - timedelta(hours=1))
    rows = [Task(opportunity=deal, title=f"Call {n}", owner=owner, **fields) for n in range(count)]
    return [begin(row, by=owner) for row in rows]


def send(browser, tasks, do, url=URL, **data):
    said = {"sure": "1", "count": str(len(tasks)), "pick": [task.pk for task in tasks], "do": do, **data}
    return browser.post(url, said, follow=True)


def stages(tasks):
    return [Task.objects.get(pk=task.pk).stage for task in tasks]


def test_how_many_is_asked_and_several_are_done_from_today(as_user, ada):
    browser, tasks = as_user(ada), some_tasks(ada)
    asked = browser.post(URL, {"pick": [task.pk for task in tasks], "do": "finish"})
    assert (asked.status_code, "Mark 3 tasks as done?" in asked.text) == (200, True)
    assert all(f'name="pick" value="{task.pk}"' in asked.text for task in tasks)
    assert stages(tasks) == ["open"] * 3
    answer = send(browser, tasks, "finish")
    assert "3 tasks done." in answer.text
    assert answer.redirect_chain[-1][0] == "/admin/today/"
    assert stages(tasks) == ["done"] * 3


def test_each_is_judged_on_its_own_and_each_refusal_says_why(as_user, ada, cem):
    first, closed = some_tasks(ada, 2)
    perform(closed.finish, by=ada)
    question = Task.objects.about(a_proposal(ada, stage="in_review").approvals.first()).get()
    (theirs,) = some_tasks(cem, 1)
    browser = as_user(ada)
    answer = send(browser, [first, closed, question, theirs], "finish", count="3")
    assert "1 task done. 2 tasks stayed as they were." in answer.text
    why = browser.get(reverse("list_change", args=[BulkChange.objects.get().pk])).text
    for words in ("It is done already.", "Decide it: this task is done with that."):
        assert words in why
    assert stages([first, question, theirs]) == ["done", "open", "open"]


def test_several_are_put_off_given_away_and_let_go_with_a_reason(as_user, ada, ben):
    browser, tasks = as_user(ada), some_tasks(ada)
    assert "3 tasks put off until" in send(browser, tasks, "snooze", when="tomorrow", reason="They are away.").text
    assert all(Task.objects.get(pk=task.pk).due_at > timezone.now() for task in tasks)
    assert "3 tasks given to Ben." in send(browser, tasks, "give", owner=ben.pk).text
    assert Notice.objects.filter(user=ben, kind="due").count() == 3
    assert "3 tasks cancelled." in send(as_user(ben), tasks, "cancel", reason="They left.").text
    assert stages(tasks) == ["cancelled"] * 3


def test_what_was_put_off_from_today_is_set_back_by_an_undo(as_user, ada):
    browser, tasks = as_user(ada), some_tasks(ada)
    answer = send(browser, tasks, "snooze", when="tomorrow", reason="They are away.")
    assert "See it, or undo it" in answer.text
    browser.post(reverse("list_undo", args=[BulkChange.objects.get().pk]), follow=True)
    assert [Task.objects.get(pk=task.pk).due_at for task in tasks] == [task.due_at for task in tasks]


def test_what_it_takes_is_asked_next_and_what_is_missing_is_said(as_user, ada):
    browser, tasks = as_user(ada), some_tasks(ada)
    asked = browser.post(URL, {"pick": [task.pk for task in tasks], "do": "cancel"})
    assert (asked.status_code, "Cancel 3 tasks?" in asked.text) == (200, True)
    answer = send(browser, tasks, "cancel")
    assert (answer.status_code, "Say why: others work from this." in answer.text) == (409, True)
    assert stages(tasks) == ["open"] * 3


def test_the_same_form_sent_twice_does_it_once(as_user, ada):
    browser, tasks = as_user(ada), some_tasks(ada, repeats="daily")
    assert "3 tasks done." in send(browser, tasks, "finish", once="a-key").text
    assert "This was saved already." in send(browser, tasks, "finish", once="a-key").text
    assert Task.objects.filter(title__startswith="Call").count() == 6


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ({"do": "finish"}, "Pick some tasks first"),
        ({"do": "finish", "pick": ["x", "-1", "\x00"]}, "Pick some tasks first"),
        ({"do": "finish", "all": "1"}, "Pick some tasks first"),
        ({"do": "burn", "pick": [1]}, "Choose what to do"),
        ({"do": "finish", "pick": [999999999]}, "not there any more, or not yours"),
    ],
)
def test_bad_input_is_answered_in_words(as_user, ada, data, said):
    some_tasks(ada, 1)
    answer = as_user(ada).post(URL, {"sure": "1", "count": "1", **data}, follow=True)
    assert said in answer.text
    assert not BulkChange.objects.exists()


def test_the_way_back_is_the_day_that_was_open(as_user, ada, ben):
    for user, whose, back in ((ben, "team", "/admin/today/?whose=team"), (ada, "team", "/admin/today/")):
        answer = send(as_user(user), some_tasks(user, 1), "finish", f"{URL}?whose={whose}")
        assert answer.redirect_chain[-1][0] == back


def test_of_what_repeats_only_this_one_is_cancelled(as_user, ada):
    (task,) = some_tasks(ada, 1, repeats="daily")
    send(as_user(ada), [task], "cancel", reason="They are away.")
    assert Task.objects.get(follows=task).stage == "open"


@pytest.mark.parametrize("page", [LIST, "/admin/today/"])
def test_the_list_and_today_let_pick_whoever_may_change(as_user, ada, ann, page):
    (task,) = some_tasks(ada, 1)
    text = as_user(ada).get(page).text
    assert f'name="pick" value="{task.pk}" form="several"' in text
    assert "data-several-tasks" in text
    assert 'name="pick"' not in as_user(ann).get(page).text


# -- A person's day. ---------------------------------------------------------------------------------------------------


def test_a_day_has_what_is_late_what_is_due_and_what_comes(as_user, ada, time_machine):
    time_machine.move_to("2026-12-02T12:00:00Z", tick=False)
    deal = an_opportunity(ada)
    Task.objects.update(due_at=timezone.now() + timedelta(days=9))
    late, due, later = (
        some_tasks(ada, 1, opportunity=deal, due_at=timezone.now() + by)[0]
        for by in (-timedelta(hours=1), timedelta(hours=1), timedelta(days=1))
    )
    context = as_user(ada).get("/admin/today/").context
    assert (context["overdue"], context["due"]) == ([late], [due])
    assert later in context["coming"]


def test_a_task_can_be_put_off_from_today_and_leads_back(as_user, ada):
    (task,) = some_tasks(ada, 1)
    text = as_user(ada).get("/admin/today/").text
    assert f'{reverse("admin:opportunities_task_snooze", args=[task.pk])}?back=%2Fadmin%2Ftoday%2F" data-snooze' in text


def test_what_waits_says_for_which_condition_since_when_and_where_it_is_mended(as_user, ada):
    deal = an_opportunity(ada)
    (task,) = some_tasks(ada, 1, opportunity=deal, contact=deal.decision_owner)
    mend = {"waits_for": "consent", "mended_at": deal.decision_owner.staff_url()}
    perform(task.pause, by=None, reason="Bo has not agreed to transactional mail.", **mend)
    text = as_user(ada).get("/admin/today/").text
    assert "Bo has not agreed to transactional mail." in text
    assert '<span class="z-tag">Consent</span>' in text
    assert f'href="{deal.decision_owner.staff_url()}">Mend' in text
    paused = Event.objects.get(verb="task.pause", record_id=task.pk)
    assert f"since {paused.at:%a} {paused.at.day} {paused.at:%b %Y}" in text


@pytest.mark.parametrize("few", [0, 1000])
def test_a_day_shows_the_first_deals_without_a_next_action_and_no_later_one(as_user, ada, monkeypatch, few):
    """Those without a day, then those that are late, then those for which nobody promised anything: by day."""
    monkeypatch.setattr(Opportunity, "FEW", few)
    monkeypatch.setattr(today, "MOST", 4)
    day = timezone.localdate()
    with_task, late, later, bare, undated, done = (an_opportunity(ada) for _ in range(6))
    for task in Task.objects.open().filter(opportunity__in=[bare, undated, done]):
        perform(task.finish, by=ada)
    Opportunity.objects.filter(pk__in=[with_task.pk, bare.pk]).update(due_on=day + timedelta(days=3))
    Opportunity.objects.filter(pk=late.pk).update(due_on=day - timedelta(days=9))
    Opportunity.objects.filter(pk=later.pk).update(due_on=day - timedelta(days=1))
    Opportunity.objects.filter(pk=undated.pk).update(due_on=None)
    Opportunity.objects.filter(pk=done.pk).update(due_on=day + timedelta(days=5))
    for query in ({}, {"whose": "team"}):
        shown = as_user(ada).get("/admin/today/", query).context["adrift"]
        assert list(shown) == [undated, late, later, bare]
        assert shown.more
    monkeypatch.setattr(today, "MOST", 5)
    shown = as_user(ada).get("/admin/today/").context["adrift"]
    assert (list(shown), shown.more) == ([undated, late, later, bare, done], False)
    assert set(shown) == set(Opportunity.objects.filter(is_adrift()))


@pytest.mark.parametrize("role", ["Growth ops", "Delivery"])
def test_a_day_asks_at_most_twelve_questions_however_much_there_is(as_user, ada, role):
    somebody = person("kit", role, team="East")
    browser, counts = as_user(somebody), []
    for _ in range(2):
        deal = an_opportunity(ada)
        some_tasks(somebody, 4, opportunity=deal)
        for task in some_tasks(somebody, 3, opportunity=deal, contact=deal.decision_owner):
            perform(task.pause, by=None, reason="Wait.", waits_for="source")
        with CaptureQueriesContext(connection) as asked:
            assert browser.get("/admin/today/").status_code == 200
        counts.append(len(asked))
    assert counts[0] == counts[1] <= 12
