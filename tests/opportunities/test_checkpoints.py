"""What a house adds to the checklist: asked of every deal from its stage on, and holding up the move when mandatory."""

import pytest
from django.core.exceptions import PermissionDenied
from django.db import DatabaseError, transaction
from django.urls import reverse

from opportunities import checkpoints
from opportunities.models import Checkpoint, Confirmation
from opportunities.records import Refused, begin, edit, perform
from tests.makers import an_opportunity
from zarts.desk.checklist import BY_KEY, evaluate, rows_of

pytestmark = pytest.mark.django_db
ASKS = "Does the owner know what we cost?"


def again(record):
    return type(record)._base_manager.get(pk=record.pk)


def a_checkpoint(by, **fields):
    return begin(Checkpoint(**{"sentence": ASKS, **fields}), by=by)


def row_of(deal, checkpoint):
    """Return the line of a deal's checklist that is about a checkpoint."""
    return next(row for row in evaluate([again(deal)])[deal.pk].rows if row.own == checkpoint)


def state_of(deal, checkpoint):
    return row_of(deal, checkpoint).answer.state


def why_not(deal, move, by):
    with pytest.raises(Refused) as refusal:
        perform(getattr(again(deal), move), by=by)
    return [str(reason) for reason in refusal.value.reasons]


def confirm(browser, deal, checkpoint, words="She read the offer with us."):
    return browser.post(reverse("checklist_confirm", args=[deal.pk]), {"checkpoint": checkpoint.pk, "words": words})


# -- A question. -------------------------------------------------------------------------------------------------------


def test_a_deal_does_not_leave_the_stage_before_the_question_is_answered(ada, ben):
    deal, checkpoint = an_opportunity(ada), a_checkpoint(ben)

    assert why_not(deal, "start_discovery", ada) == [f"Confirm it, in words: “{ASKS}”"]

    Confirmation.give(deal, checkpoint, by=ada, words="She read it.")
    assert perform(again(deal).start_discovery, by=ada).stage == "discovery"


def test_the_checklist_says_who_confirmed_when_and_in_which_words(ada, ben, as_user):
    deal, checkpoint = an_opportunity(ada), a_checkpoint(ben)

    assert confirm(as_user(ada), deal, checkpoint).status_code == 302

    answer = row_of(deal, checkpoint).answer
    word = Confirmation.objects.get()
    assert (answer.state, answer.words, answer.by) == ("met", "“She read the offer with us.”", str(ada))
    assert answer.at == word.confirmed_at
    event = deal.diary.events.get(verb="confirmation.create")
    assert (event.actor, event.facts.values["in words"]) == (ada, "She read the offer with us.")


def test_a_word_can_be_taken_back_and_the_deal_is_held_up_again(ada, ben):
    deal, checkpoint = an_opportunity(ada), a_checkpoint(ben)
    word = Confirmation.give(deal, checkpoint, by=ada, words="She read it.")

    perform(word.take_back, by=ada, reason="It was her brother.")

    assert state_of(deal, checkpoint) == "unmet"
    assert why_not(deal, "start_discovery", ada)
    Confirmation.give(deal, checkpoint, by=ada, words="Now she did.")
    assert state_of(deal, checkpoint) == "met"
    assert Confirmation.objects.count() == 2


def test_another_question_is_not_answered_by_the_word_for_the_old_one(ada, ben):
    deal, checkpoint = an_opportunity(ada), a_checkpoint(ben)
    old = Confirmation.give(deal, checkpoint, by=ada, words="She read it.")

    edit(checkpoint, by=ben, sentence="Does the owner know whom we work for?")

    assert state_of(deal, checkpoint) == "unmet"
    Confirmation.give(deal, checkpoint, by=ada, words="Yes.")
    assert (again(old).stage, state_of(deal, checkpoint)) == ("taken_back", "met")


def test_nobody_confirms_twice(ada, ben, as_user):
    deal, checkpoint = an_opportunity(ada), a_checkpoint(ben)
    confirm(as_user(ada), deal, checkpoint)

    answer = confirm(as_user(ada), deal, checkpoint)

    assert answer.status_code == 422
    assert "confirmed it already" in answer.text
    assert Confirmation.objects.count() == 1


def test_what_was_said_stays(ada, ben):
    word = Confirmation.give(an_opportunity(ada), a_checkpoint(ben), by=ada, words="She read it.")
    for column, value in {"words": "Never.", "asked": "What?", "confirmed_by": ben}.items():
        with pytest.raises(DatabaseError, match="does not change any more"), transaction.atomic():
            Confirmation.objects.filter(pk=word.pk).update(**{column: value})


@pytest.mark.parametrize("words", ["", "   ", "\0", "\u202e", "x" * 1_000_000])
def test_words_that_say_nothing_or_too_much_are_refused_at_the_line(ada, ben, as_user, words):
    deal, checkpoint = an_opportunity(ada), a_checkpoint(ben)

    answer = confirm(as_user(ada), deal, checkpoint, words)

    assert answer.status_code == 422
    assert f'aria-describedby="words-{checkpoint.pk}-error"' in answer.text
    assert not Confirmation.objects.exists()


@pytest.mark.parametrize("pk", ["", "0", "x", "\0", "9" * 40])
def test_a_checkpoint_that_is_not_there_is_not_confirmed(ada, as_user, pk):
    url = reverse("checklist_confirm", args=[an_opportunity(ada).pk])
    assert as_user(ada).post(url, {"checkpoint": pk, "words": "Yes."}).status_code == 404


def test_nobody_confirms_for_a_deal_that_they_may_only_read_or_not_even_see(ada, ben, cem, ann, as_user):
    deal, checkpoint = an_opportunity(ada), a_checkpoint(ben)

    assert confirm(as_user(cem), deal, checkpoint).status_code == 404
    assert confirm(as_user(ann), deal, checkpoint).status_code == 403
    assert not Confirmation.objects.exists()


# -- A field, or a task. -----------------------------------------------------------------------------------------------


def test_a_field_of_the_deal_is_asked_for_and_linked_to(ada, ben, as_user):
    deal = an_opportunity(ada)
    checkpoint = a_checkpoint(ben, sentence="We know by when.", met_by="field", field=".decision_on")

    (lack,) = row_of(deal, checkpoint).answer.lacks
    assert lack.url == deal.staff_url("id_decision_on")
    assert 'id="id_decision_on"' in as_user(ada).get(lack.url.partition("#")[0]).text
    assert why_not(deal, "start_discovery", ada)

    edit(deal, by=ada, decision_on="2027-03-01")
    assert state_of(deal, checkpoint) == "met"


def test_every_field_that_can_be_chosen_can_be_asked(ada, ben, world, subtests):
    """In one world, which takes longer to make than all its questions; each is the only one while it is asked."""
    fresh = an_opportunity(ada)
    for field in sorted(checkpoints.fields()):
        with subtests.test(field=field), transaction.atomic():
            checkpoint = a_checkpoint(ben, sentence="It is there.", met_by="field", field=field)
            assert state_of(fresh, checkpoint) in ("met", "unmet")
            assert state_of(world, checkpoint) in ("met", "unmet")
            transaction.set_rollback(True)


def test_a_field_that_is_gone_says_whom_to_tell(ada, ben):
    checkpoint = a_checkpoint(ben, met_by="field", field="client.fax")

    (lack,) = row_of(an_opportunity(ada), checkpoint).answer.lacks
    assert lack.words == "Choose another field for this checkpoint: this one is gone."
    assert lack.url == checkpoint.staff_url()


def test_a_task_meets_it_when_it_is_done(ada, ben):
    deal = an_opportunity(ada)
    checkpoint = a_checkpoint(ben, sentence="We looked them up.", met_by="task", task_title="answer")
    task = deal.tasks.filter(stage="open").first()
    edit(task, by=ada, title="Answer them at once")

    assert row_of(deal, checkpoint).answer.lacks[0].url == task.staff_url()
    perform(again(task).finish, by=ada)
    assert state_of(deal, checkpoint) == "met"


def test_a_task_that_nobody_planned_is_one_click_away(ada, ben, as_user):
    deal = an_opportunity(ada)
    checkpoint = a_checkpoint(ben, met_by="task", task_title="Credit check", task_kind="other")

    (lack,) = row_of(deal, checkpoint).answer.lacks
    form = as_user(ada).get(lack.url).context["adminform"].form
    assert form.get_initial_for_field(form.fields["title"], "title") == "Credit check"


@pytest.mark.parametrize(
    ("fields", "at", "words"),
    [
        ({"met_by": "field"}, "field", "Choose the field that must be filled."),
        ({"met_by": "task"}, "task_kind", "Choose the kind of task, or give words of its title."),
        ({"met_by": "field", "field": ".no_such_field"}, "field", "Select a valid choice"),
    ],
)
def test_a_checkpoint_that_cannot_be_met_is_refused_at_the_field(ben, as_user, fields, at, words):
    sent = {"sentence": ASKS, "due_from": "qualified", "field": "", "task_kind": "", "task_title": "", **fields}

    answer = as_user(ben).post("/admin/opportunities/checkpoint/add/", sent)

    assert words in str(answer.context["adminform"].form.errors[at])
    assert not Checkpoint.objects.exists()


# -- From which stage on, and how seriously. ---------------------------------------------------------------------------


def test_it_is_asked_from_its_stage_on_and_not_before(ada, ben):
    deal, checkpoint = an_opportunity(ada), a_checkpoint(ben, due_from="discovery")

    answer = row_of(deal, checkpoint).answer
    assert (answer.state, answer.words) == ("later", "From the stage Discovery on.")
    deal = perform(again(deal).start_discovery, by=ada)
    assert state_of(deal, checkpoint) == "unmet"
    assert f"Confirm it, in words: “{ASKS}”" in why_not(deal, "start_audit", ada)


def test_one_that_comes_late_holds_up_deals_that_are_past_its_stage(ada, ben):
    deal = an_opportunity(ada, stage="discovery")
    a_checkpoint(ben, due_from="qualified")
    assert f"Confirm it, in words: “{ASKS}”" in why_not(deal, "start_audit", ada)


def test_an_advisory_one_is_shown_with_its_reason_and_holds_up_nothing(ada, ben, as_user):
    deal, checkpoint = an_opportunity(ada), a_checkpoint(ben)
    perform(checkpoint.make_advisory, by=ben, reason="We try it for a month.")

    page = as_user(ada).get(reverse("checklist", args=[deal.pk])).text
    assert "Advisory, it holds up no deal" in page
    assert "We try it for a month." in page
    assert perform(again(deal).start_discovery, by=ada).stage == "discovery"

    perform(again(checkpoint).make_mandatory, by=ben)
    assert why_not(deal, "start_audit", ada)
    verbs = list(checkpoint.diary.events.order_by("id").values_list("verb", flat=True))
    assert verbs == ["checkpoint.create", "checkpoint.make_advisory", "checkpoint.make_mandatory"]


def test_one_out_of_use_is_asked_of_no_deal_and_what_was_said_stays(ada, ben):
    deal, checkpoint = an_opportunity(ada), a_checkpoint(ben)
    Confirmation.give(deal, checkpoint, by=ada, words="She read it.")
    checkpoint = perform(checkpoint.retire, by=ben, reason="The offer says it now.")

    assert [row for row in evaluate([deal])[deal.pk].rows if row.own] == []
    assert Confirmation.objects.get().stage == "given"
    with pytest.raises(Refused):
        Confirmation.give(an_opportunity(ada), checkpoint, by=ada, words="Yes.")
    perform(checkpoint.reuse, by=ben)
    assert state_of(deal, checkpoint) == "met"


def test_only_a_manager_says_how_seriously_it_is_taken(ada, ben):
    checkpoint = a_checkpoint(ben)
    with pytest.raises(PermissionDenied):
        perform(checkpoint.make_advisory, by=ada, reason="I am in a hurry.")


# -- The guide's lines. ------------------------------------------------------------------------------------------------


def test_a_line_of_the_guide_goes_on_being_shown_when_it_is_advisory(ada, ben, as_user):
    deal = an_opportunity(ada)
    deal.leads.get().unconfirm("urgency", by=ada, reason="They were not sure.")
    url = reverse("admin:opportunities_checkpoint_guide", args=["B1"])

    assert as_user(ben).post(url, {"reason": "Our partners confirm it."}).status_code == 302

    found = evaluate([again(deal)])[deal.pk]
    (row,) = found.todo
    assert (row.key, row.advisory, found.holding) == ("B1", "Our partners confirm it.", [])
    assert len(found.rows) == len(BY_KEY)
    page = as_user(ada).get(reverse("checklist", args=[deal.pk])).text
    assert "Nothing to do now, 1 with what is advisory" in page


def test_a_reason_is_asked_for(ben, as_user):
    answer = as_user(ben).post(reverse("admin:opportunities_checkpoint_guide", args=["B1"]), {"reason": " "})

    assert answer.context["form"].errors["reason"]
    assert not Checkpoint.objects.exists()


def test_a_line_of_the_guide_is_spoken_of_once(ben, as_user):
    url, browser = reverse("admin:opportunities_checkpoint_guide", args=["B1"]), as_user(ben)
    browser.post(url, {"reason": "Our partners confirm it."})

    answer = browser.post(url, {"reason": "Once more."})

    assert answer.url == Checkpoint.objects.get().staff_url("moves")
    assert Checkpoint.objects.get().advisory_because == "Our partners confirm it."


def test_only_a_manager_speaks_of_the_guide(ada, as_user):
    url = reverse("admin:opportunities_checkpoint_guide", args=["B1"])
    assert as_user(ada).post(url, {"reason": "I am in a hurry."}).status_code == 403
    assert not Checkpoint.objects.exists()


def test_a_line_of_the_guide_keeps_its_words_and_stays_in_use(ben):
    line = Checkpoint.of_guide(BY_KEY["B1"], by=ben)

    with pytest.raises(PermissionDenied):
        perform(line.retire, by=ben, reason="We do without.")
    with pytest.raises(DatabaseError, match="does not change any more"), transaction.atomic():
        Checkpoint.objects.filter(pk=line.pk).update(guide="")


def test_a_line_of_the_guide_holds_up_nothing_by_itself(ada, ben):
    """Its own gate keeps it, where it is kept: the same lack is not said twice."""
    deal = an_opportunity(ada)
    Checkpoint.of_guide(BY_KEY["B2"], by=ben)
    for task in deal.tasks.filter(stage="open"):
        perform(task.finish, by=ada)
    assert perform(again(deal).start_discovery, by=ada).stage == "discovery"


# -- Who sees what, and what it costs. ---------------------------------------------------------------------------------


def test_the_page_offers_what_its_reader_may(ada, ben, dora, ann, world):
    may = {}
    for who in (ada, ben, dora, ann):
        found = rows_of(again(world), who)
        may[who.username] = (found.may_confirm, found.may_take_back, found.may_rule)
    assert may == {
        "ada": (True, True, False),
        "ben": (True, True, True),
        "dora": (True, True, False),
        "ann": (False, False, False),
    }


def test_many_deals_are_read_as_quickly_as_one(ada, ben, world, django_assert_num_queries):
    deals = [world, *(an_opportunity(ada, stage=stage) for stage in ("qualified", "discovery", "audit", "proposal"))]
    for fields in (
        {},
        {"met_by": "field", "field": "proposals.valid_until"},
        {"met_by": "field", "field": "client.website"},
        {"met_by": "task", "task_kind": "follow_up"},
    ):
        a_checkpoint(ben, **fields)
    with django_assert_num_queries(5):
        evaluate(deals[:1])
    with django_assert_num_queries(5):
        evaluate(deals)


def test_the_page_costs_a_bounded_number_of_queries(ada, ben, world, as_user, django_assert_max_num_queries):
    browser, url = as_user(ada), reverse("checklist", args=[world.pk])
    with django_assert_max_num_queries(15) as before:
        assert browser.get(url).status_code == 200
    for _ in range(20):
        a_checkpoint(ben)
    with django_assert_max_num_queries(len(before)):
        browser.get(url)
