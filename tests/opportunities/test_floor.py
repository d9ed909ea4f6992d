"""The floor: one way to move, every reason at once, a diary that nobody edits."""

import threading

import pytest
from django.core.exceptions import PermissionDenied
from django.db import DatabaseError, connection, transaction

from opportunities.chain import broken
from opportunities.models import Event, Lead, Opportunity
from opportunities.records import Refused, edit, perform
from tests.makers import a_lead, a_worked_lead, an_opportunity


def test_a_move_is_written_in_the_diary_with_who_when_and_what_comes_next(ada):
    lead = perform(a_lead(ada).work, by=ada)
    event = Event.objects.get(verb="lead.work")
    assert (event.actor, event.owner, event.stage_from, event.stage_to) == (ada, ada, "new", "working")
    assert event.next_action == lead.next_action == "Confirm the seven facts"
    assert event.diary_id == lead.diary_id


def test_a_refusal_names_everything_that_is_missing_each_with_its_link(ada):
    lead = perform(a_lead(ada).work, by=ada)
    lead.confirm("source", "A friend", by=ada)
    with pytest.raises(Refused) as refusal:
        perform(lead.qualify, by=ada)
    assert refusal.value.reasons == [
        "Confirm the service fit.",
        "Confirm the urgency.",
        "Confirm the decision owner.",
        "Confirm the contact path.",
        "Confirm the budget signal.",
        "Confirm the next action.",
    ]
    assert all(lack.url == f"/admin/opportunities/lead/{lead.pk}/change/#facts" for lack in refusal.value.lacks)
    assert not Event.objects.filter(verb="lead.qualify").exists()


def test_not_ready_and_not_yours_are_different(ada, cem):
    lead = a_worked_lead(ada)
    with pytest.raises(PermissionDenied):
        perform(lead.qualify, by=cem)
    with pytest.raises(Refused, match="already working"):
        perform(lead.work, by=ada)


def test_nobody_moves_anything_once_they_have_left(ada):
    lead = a_lead(ada)
    ada.is_active = False
    ada.save()
    with pytest.raises(PermissionDenied):
        perform(lead.work, by=ada)


def test_a_manager_may_pass_a_gate_only_where_the_move_says_so(ada, ben):
    lead = perform(a_lead(ada).work, by=ada)
    with pytest.raises(Refused):
        perform(lead.qualify, by=ben, override="I know them.")


def test_an_edit_leaves_the_old_and_the_new_value_long_text_whole(ada):
    lead = a_lead(ada, words="short")
    edit(lead, by=ada, words="long " * 2000, phone="555")
    event = Event.objects.get(verb="lead.edit")
    assert event.facts.values == {"words": ["short", "long " * 2000], "phone": ["", "555"]}


def test_a_diary_knows_when_it_was_last_written(ada):
    lead = a_lead(ada)
    lead.confirm("source", "A friend", by=ada)
    newest = Event.objects.filter(diary=lead.diary_id).latest("pk")
    lead.diary.refresh_from_db()
    assert lead.diary.last_at == newest.at


def test_an_edit_that_changes_nothing_writes_nothing(ada):
    lead = a_lead(ada)
    edit(lead, by=ada, phone="")
    assert not Event.objects.filter(verb="lead.edit").exists()


def test_two_people_who_edit_different_fields_both_keep_theirs(ada, ben):
    lead = a_lead(ada)
    seen_by_ben = Lead.objects.get(pk=lead.pk)
    edit(lead, by=ada, phone="555")
    edit(seen_by_ben, by=ben, country="Norway")
    lead = Lead.objects.get(pk=lead.pk)
    assert (lead.phone, lead.country) == ("555", "Norway")


def test_a_stage_is_no_field_to_edit(ada):
    with pytest.raises(ValueError, match="through a move"):
        edit(a_lead(ada), by=ada, stage="qualified")


def test_a_paused_opportunity_goes_back_to_where_it_was(ada):
    opportunity = perform(an_opportunity(ada, stage="discovery").pause, by=ada, reason="They move house.")
    assert opportunity.paused_from == "discovery"
    assert perform(opportunity.resume, by=ada).stage == "discovery"


def test_a_move_opens_its_task_and_the_next_one_closes_it(ada):
    lead = perform(a_lead(ada).work, by=ada)
    task = lead.tasks.get()
    assert (task.stage, task.owner) == ("open", ada)
    perform(lead.disqualify, by=ada, reason="Too small.")
    assert lead.tasks.get().stage == "done"


# -- The chain. --------------------------------------------------------------------------------------------------------


def test_the_diary_proves_itself(ada):
    an_opportunity(ada, stage="proposal")
    assert list(broken()) == []


@pytest.mark.django_db(transaction=True)
def test_a_changed_a_missing_and_a_moved_event_are_found(as_owner):
    from tests.conftest import person

    ada = person("ada", "Growth ops", team="East")
    opportunity = an_opportunity(ada, stage="discovery")
    first, second = Event.objects.filter(diary=opportunity.diary_id).order_by("seq")[:2]

    as_owner("update opportunities_event set reason = 'nobody said this' where id = %s", [first.pk])
    assert ["was changed" in words for words in broken()] == [True]
    as_owner("update opportunities_event set reason = '' where id = %s", [first.pk])
    assert list(broken()) == []

    as_owner('update opportunities_facts set values = \'{"value": "1"}\' where id = %s', [first.facts_id])
    assert ["other facts" in words for words in broken()] == [True]

    as_owner("delete from opportunities_event where id = %s", [second.pk])
    assert any("follows a missing one" in words for words in broken())


@pytest.mark.django_db
@pytest.mark.parametrize(
    "meddling",
    [
        "update opportunities_event set past = 'liked'",
        "delete from opportunities_event",
        "truncate opportunities_event cascade",
        "update opportunities_facts set values = '{}'",
        "delete from opportunities_facts",
        "update opportunities_diary set length = 0, head = ''",
        "delete from opportunities_diary",
        "alter table opportunities_event disable trigger all",
        "set session_replication_role = replica",
        "drop trigger chain on opportunities_event",
        "update django_migrations set name = 'x'",
    ],
)
def test_the_staff_login_cannot_meddle_with_the_diary(ada, meddling):
    perform(a_lead(ada).work, by=ada)
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(meddling)


def test_the_database_numbers_and_hashes_events_whatever_it_is_told(ada):
    lead = a_lead(ada)
    forged = Event.objects.create(
        diary_id=lead.diary_id, seq=99, hash="f" * 64, previous="0" * 64, verb="x", past="x", record_type="x",
        record_id=1, subject="x", actor_kind="system", actor_name="x",
    )  # fmt: skip
    told = Event.objects.get(pk=forged.pk)
    assert (told.seq, told.hash == "f" * 64) == (2, False)
    assert list(broken()) == []


# -- Races. ------------------------------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_the_same_move_twice_at_once_has_one_winner_and_one_event():
    from tests.conftest import person

    ada = person("ada", "Growth ops", team="East")
    pk = an_opportunity(ada).pk
    outcomes = []
    barrier = threading.Barrier(2)

    def go():
        opportunity = Opportunity.objects.get(pk=pk)
        barrier.wait()
        try:
            perform(opportunity.start_discovery, by=ada)
            outcomes.append("moved")
        except Refused:
            outcomes.append("refused")
        finally:
            connection.close()

    threads = [threading.Thread(target=go) for _ in range(2)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert sorted(outcomes) == ["moved", "refused"]
    assert Event.objects.filter(verb="opportunity.start_discovery").count() == 1
