"""What pages say: words that people read, of what they can do."""

import re
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.urls import reverse
from django.utils import timezone

from opportunities import checks, outbox
from opportunities.inplace import TalkForm
from opportunities.models import Event, Message, Task
from opportunities.records import begin, edit, perform, tell
from tests.desk.test_chores import some_tasks
from tests.makers import an_opportunity
from tests.makers_series import a_call, a_sequence
from tests.opportunities.test_secondtries import a_win_back
from tests.opportunities.test_tasks import new_task
from zarts.desk.navigation import PAGES
from zarts.desk.templatetags.zarts_desk import said, said_of
from zarts.desk.views import lists

pytestmark = pytest.mark.django_db


def words_of(answer) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", answer.text).split())


def part_of(answer, name) -> str:
    """Return one section of a page, as it stands there."""
    return re.search(rf'<section[^>]* id="{name}".*?</section>', answer.text, re.DOTALL).group()


def a_mail_in_doubt(ada):
    deal = an_opportunity(ada)
    message = outbox.write(deal.decision_owner, "Hello", "Good morning.", owner=ada, by=ada, opportunity=deal)
    return perform(perform(message.start_sending, by=None).doubt, by=None, reason="It hung up.")


# -- The next step. ----------------------------------------------------------------------------------------------------


def test_a_page_speaks_of_no_move_that_nobody_makes(as_user, ada, eve):
    page = part_of(as_user(eve).get(a_mail_in_doubt(ada).staff_url()), "moves")
    assert "It went" in page
    assert "by itself" not in page
    assert "Mark as failed" not in page


def test_where_only_the_clock_moves_the_page_says_so(as_user, ada):
    deal = an_opportunity(ada)
    message = outbox.write(deal.decision_owner, "Hello", "Good morning.", owner=ada, by=ada, opportunity=deal)
    message = perform(message.start_sending, by=None)
    assert "It goes on by itself." in part_of(as_user(ada).get(message.staff_url()), "moves")


def test_one_button_is_the_main_one_and_none_where_somebody_has_to_choose(as_user, ada, eve):
    (task,) = some_tasks(ada, 1)
    loud = '<button class="z-button">'
    assert part_of(as_user(ada).get(task.staff_url()), "moves").count(loud) == 1
    paused = perform(task.pause, by=ada, reason="They are away.")
    for user, record in ((ada, paused), (eve, a_mail_in_doubt(ada))):
        page = part_of(as_user(user).get(record.staff_url()), "moves")
        assert page.count("z-plain") >= 2
        assert loud not in page


# -- Where it stands. --------------------------------------------------------------------------------------------------


def test_a_talk_has_no_way_to_go_and_is_told_in_one_sentence(as_user, ada):
    deal = an_opportunity(ada)
    said = {"channel": "call", "contact": deal.decision_owner.pk, "subject": "Budget", "body": "Two thousand."}
    form = TalkForm(said, about=deal)
    assert form.is_valid(), form.errors
    talk = form.add(by=ada)

    page = as_user(ada).get(talk.staff_url())
    assert 'aria-label="Stages"' not in page.text
    assert "Received" not in words_of(page).partition("What was said")[0]
    assert "wrote down Budget with" in words_of(page)
    assert "ZartsAlgo received" not in words_of(page)
    assert Event.objects.filter(verb="message.receive").count() == 1, "the diary itself keeps both"


def test_a_talk_without_a_time_was_held_when_it_was_filed(ada):
    deal = an_opportunity(ada)
    words = {"contact": deal.decision_owner, "owner": ada, "channel": "call", "subject": "Budget", "body": "Fine."}
    talk = perform(begin(Message(client=deal.client, opportunity=deal, **words), by=ada).receive, by=None)
    assert timezone.now() - talk.happened_at < timedelta(minutes=1)


def test_a_stage_that_was_passed_over_is_not_ticked(as_user, ada):
    win_back = perform(a_win_back(ada).reopen, by=ada, reason="The term has begun.")
    page = as_user(ada).get(win_back.staff_url())
    line = re.search(r'<nav class="z-path".*?</nav>', page.text, re.DOTALL).group()
    states = re.findall(r'class="z-(\w+)"[^>]*>\s*<span class="z-dot"', line)
    assert states == ["past", "past", "skipped", "now"]
    # The reason for it is what has changed.
    assert "What has changed The term has begun." in words_of(page)


def test_a_task_says_once_when_it_is_due(as_user, ada):
    (task,) = some_tasks(ada, 1, due_at=datetime(2030, 7, 1, 7, tzinfo=UTC), time_zone="Atlantic/Reykjavik")
    page = words_of(as_user(ada).get(task.staff_url()))
    assert page.count("Mon 1 Jul 2030, 07:00 UTC") == 1
    assert "where it was said" not in page, "the hour is the same there"


# -- Names. ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("model", ["winback", "inboundmail", "event", "task"])
def test_a_list_is_called_what_the_menu_calls_it(as_user, eve, model):
    words = next(words for _, pages in PAGES for words, _, at, _ in pages if at == f"opportunities.{model}")
    page = as_user(eve).get(reverse(f"admin:opportunities_{model}_changelist"))
    assert f"<title> {words} |" in re.sub(r"\s+", " ", page.text)


def test_the_picked_tasks_are_named_and_the_rest_counted(as_user, ada, cem, monkeypatch):
    monkeypatch.setattr(lists, "SHOWN", 2)
    tasks, theirs = some_tasks(ada, 3), some_tasks(cem, 1)
    picked = {"pick": [task.pk for task in tasks + theirs], "do": "cancel"}
    page = words_of(as_user(ada).post("/admin/today/several/", picked))
    assert "Cancel 3 tasks?" in page, "of others' nobody learns anything"
    assert "Call 0" in page
    assert "Call 1" in page
    assert "And 1 more." in page


# -- Fields. -----------------------------------------------------------------------------------------------------------


def test_an_empty_choice_is_named_after_what_it_means(as_user, ada, ben):
    page = as_user(ben).get(reverse("admin:opportunities_sequence_add")).text
    assert "Select value" not in page
    assert re.search(r'<option value="" selected>\s*Never', page)
    assert "Add step" in words_of(as_user(ben).get(reverse("admin:opportunities_sequence_add")))


def test_whoever_may_not_change_a_sequence_reads_its_steps_once(as_user, ada, ben):
    page = as_user(ada).get(a_sequence(ben, steps=[a_call("Ask once", 1)]).staff_url())
    assert page.text.count("Ask once") == 1


def change(browser, task, **said):
    due = timezone.localtime(task.due_at, ZoneInfo(task.owner.time_zone))
    there = {"title": task.title, "kind": task.kind, "due_at_0": f"{due:%Y-%m-%d}", "due_at_1": f"{due:%H:%M}"}
    return browser.post(task.staff_url(), new_task(task.opportunity, task.owner, **there | said))


def test_what_a_field_does_not_show_nobody_changed(as_user, ada):
    (task,) = some_tasks(ada, 1, due_at=datetime(2030, 7, 1, 7, 0, 9, tzinfo=UTC))
    browser = as_user(ada)
    assert re.search(r'name="due_at_1" value="\d\d:\d\d"', browser.get(task.staff_url()).text)
    change(browser, task, title="Call them")
    task.refresh_from_db(fields=["title", "due_at"])
    assert (task.title, task.due_at.second) == ("Call them", 9)


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"due_at_0": "2030-13-45"}, "Choose a day that there is, such as 2026-12-04."),
        ({"due_at_1": "25:61"}, "Choose a time that there is, such as 15:00."),
        ({"due_at_0": "2030-03-31", "due_at_1": "02:30"}, "this hour comes twice, or not at all."),
        ({"title": "A\0B"}, "Remove what is no letter here, and write it again."),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_in_our_words(as_user, ada, said, words):
    edit(ada, by=ada, time_zone="Europe/Berlin")
    (task,) = some_tasks(ada, 1, due_at=datetime(2030, 7, 1, 7, tzinfo=UTC))
    page = words_of(change(as_user(ada), task, **said))
    assert words in page
    assert "Nothing is saved yet. Mend what is marked below, and save again." in page
    assert Task.objects.get(pk=task.pk).title == task.title


# -- What looks like a day. --------------------------------------------------------------------------------------------

NO_DAYS = [
    "2026-13-45",
    "2026-02-30",
    "0000-00-00",
    "9999-99-99",
    "２０２６-０１-０１",
    "2026-1-1--",
    "20261231T1",
    "2026-W01-1",
]


@pytest.mark.parametrize("words", NO_DAYS)
def test_words_that_look_like_a_day_and_are_none_stand_as_they_were_written(as_user, ada, words):
    assert said(words) == said([words]) == said_of(Task, "title", words) == words
    assert said({"key": words}) == f"Key: {words}"
    assert checks.said_day(words.replace("T", "-")) == words.replace("T", "-")
    deal = an_opportunity(ada)
    edit(deal, by=ada, name=words)
    edit(deal.leads.get(), by=ada, name=words)
    (task,) = some_tasks(ada, 1)
    edit(task, by=ada, title=words)
    facts = {"utm_source": words, "source": {"page": words}, "signer": [words, words], "value": words}
    tell(deal, "edit", "changed", by=ada, facts=facts)
    for record in (deal, deal.leads.get(), task):
        page = as_user(ada).get(record.staff_url())
        assert page.status_code == 200
        assert words in page.text


def test_a_day_is_said_as_people_do():
    assert said("2026-12-04") == "Fri 4 Dec 2026"
    assert checks.said_day("2026-12-04") == "4 Dec 2026"
