"""Work out of scope: what touches an exclusion is found, and is not done before somebody says what becomes of it."""

import pytest
from django.core.exceptions import PermissionDenied
from django.urls import reverse

from handoff import scope
from handoff.models import ChecklistItem, OutOfScope
from opportunities import followups
from opportunities.models import Task
from opportunities.records import Refused, begin, edit, perform
from tests.makers_changes import SIGNED, walk
from tests.makers_handoff import a_handoff, a_project


def again(record):
    return type(record).objects.get(pk=record.pk)


def a_task(handoff, owner, title="Design the start page anew", **fields):
    due = followups.end_of_day(handoff.due_on)
    return begin(Task(opportunity=handoff.opportunity, owner=owner, title=title, due_at=due, **fields), by=owner)


# -- Which words touch. ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("word", "others"),
    [
        ("advertise", ["advertising", "advertiser", "advertised"]),
        ("translate", ["translation", "translations", "translating"]),
        ("photograph", ["photographs", "photography", "photographer"]),
        ("run", ["running", "runner", "runs"]),
        ("company", ["companies"]),
    ],
)
def test_words_that_differ_in_their_ending_have_one_stem(word, others):
    assert {scope.stem(other) for other in others} == {scope.stem(word)}


@pytest.mark.parametrize(
    ("work", "exclusion", "shared"),
    [
        ("Design the start page anew", "A new design", ["Design"]),
        ("Redesign the home page", "A new design", ["Redesign"]),
        ("Write the newsletters of March", "Newsletter", ["newsletters"]),
        ("Run the paid advertising", "Paid advertisements", ["paid", "advertising"]),
        # One word of several is a chance.
        ("Check access to Google Analytics", "Google Ads management", []),
        ("Write to the client", "A new design", []),
        ("", "A new design", []),
        ("Design it", "", []),
        # Words that say nothing of what a thing is.
        ("Make it new", "A new work for all", []),
    ],
)
def test_work_touches_an_exclusion_when_it_names_half_of_its_words(work, exclusion, shared):
    assert sorted(scope.touches(work, exclusion)) == sorted(shared)


# -- What is found. ----------------------------------------------------------------------------------------------------


def test_a_task_about_the_work_is_flagged_and_not_done_before_somebody_answers(ada, ben, dora):
    handoff = a_handoff(ada, manager=ben, delivery=dora, stage="accepted")
    task = a_task(handoff, dora)
    (found,) = OutOfScope.objects.all()
    assert (found.task, found.exclusion.title, found.words, found.stage) == (task, "A new design", "Design", "found")

    with pytest.raises(Refused) as refusal:
        perform(task.finish, by=dora)
    assert refusal.value.reasons == ["Say first whether it touches what was excluded."]
    assert refusal.value.lacks[0].url == task.staff_url("out-of-scope")
    (finish,) = [move for move in again(task).moves_for(dora) if move.name == "finish"]
    assert finish.lacks == refusal.value.lacks

    perform(found.dismiss, by=dora, reason="It is the design of the test, not of the site.")
    assert perform(again(task).finish, by=dora).stage == "done"
    assert again(found).reason == "It is the design of the test, not of the site."


def test_a_new_title_is_looked_at_again_and_what_was_answered_stays_answered(ada, ben, dora):
    handoff = a_handoff(ada, manager=ben, delivery=dora)
    task = a_task(handoff, dora, "Call Bo")
    assert not OutOfScope.objects.exists()
    task = edit(task, by=dora, title="A design for Bo")
    perform(OutOfScope.objects.get().dismiss, by=dora, reason="A sketch on paper.")
    edit(task, by=dora, title="The design for Bo")
    assert OutOfScope.objects.count() == 1


def test_an_item_that_somebody_adds_is_flagged_and_the_lists_own_are_not(ada, ben, dora):
    handoff = a_handoff(ada, manager=ben, delivery=dora)
    item = begin(ChecklistItem(project=handoff.project, title="Redo the design", owner=dora), by=dora)
    assert OutOfScope.objects.get().item == item
    with pytest.raises(Refused, match="Say whether it touches what was excluded: “A new design”"):
        perform(item.finish, by=dora)
    perform(item.waive, by=dora, reason="Not ours.")


def test_what_moves_promise_and_the_work_of_other_deals_touch_nothing(ada, ben, dora):
    handoff = a_handoff(ada, manager=ben, delivery=dora)
    perform(handoff.promises.get(kind="exclusion").dispute, by=dora, reason="We always design.")
    assert not OutOfScope.objects.exists()


def test_an_exclusion_that_was_withdrawn_excludes_nothing(ada, ben, dora):
    handoff = a_handoff(ada, manager=ben, delivery=dora)
    promise = perform(handoff.promises.get(kind="exclusion").dispute, by=dora, reason="We always design.")
    perform(promise.settle, by=ada, outcome="withdrawn", reason="Bo gets one.")
    a_task(handoff, dora)
    assert not OutOfScope.objects.exists()


# -- What becomes of it. -----------------------------------------------------------------------------------------------


def test_delivery_has_it_ordered_and_the_seller_writes_the_change(ada, ben, dora):
    project = a_project(ada, manager=ben, delivery=dora, stage="live")
    task = a_task(project.handoff, dora)
    found = perform(OutOfScope.objects.get().order, by=dora)

    change = found.change_order
    assert (found.stage, change.author, change.stage) == ("ordered", ada, "draft")
    assert [(row.kind, row.title) for row in change.scope_items.all()] == [("included", "A new design")]
    assert perform(again(task).finish, by=dora).stage == "done"
    change = walk(change, ada, ben, "viewed")
    perform(change.accept, by=change.recipient, **SIGNED)
    assert project.handoff.promises.filter(kind="deliverable", title="A new design").count() == 1


def test_another_team_neither_sees_nor_answers_it(ada, ben, dora, cem):
    handoff = a_handoff(ada, manager=ben, delivery=dora)
    a_task(handoff, dora)
    found = OutOfScope.objects.get()
    assert not OutOfScope.objects.visible_to(cem).exists()
    with pytest.raises(PermissionDenied):
        perform(found.dismiss, by=cem, reason="Fine.")


def test_the_flag_and_its_two_answers_stand_on_the_task_and_the_project(ada, ben, dora, as_user):
    handoff = a_handoff(ada, manager=ben, delivery=dora)
    task = a_task(handoff, dora)
    found = OutOfScope.objects.get()
    for record in (task, handoff, handoff.project):
        page = as_user(dora).get(record.staff_url()).content.decode()
        assert "This touches what was excluded:" in page
        for name in ("order", "dismiss"):
            assert reverse("admin:handoff_outofscope_move", args=[found.pk, name]) in page


def test_a_list_of_tasks_knows_what_is_stopped_without_asking_of_each(ada, ben, dora, django_assert_max_num_queries):
    handoff = a_handoff(ada, manager=ben, delivery=dora)
    for number in range(5):
        a_task(handoff, dora, f"Design page {number}")
    rows = list(Task.objects.filter(opportunity=handoff.opportunity).knowing_questions().select_related("diary"))
    with django_assert_max_num_queries(0):
        assert sum(bool(row.stopped()) for row in rows) == 5
