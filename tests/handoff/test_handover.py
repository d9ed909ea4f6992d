"""The handover: one page and one paper that answer what delivery asks, and show what was let pass."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import NoReverseMatch, reverse
from django.utils import timezone

from handoff.models import LaunchBlocker, Project
from opportunities.models import Audit, Event, Evidence, Message, Note, Objection, UnwrittenPromise
from opportunities.records import begin, edit, perform
from portal.models import Paper
from tests.makers import some_evidence
from tests.makers_handoff import a_handoff, a_project, a_won_deal
from tests.pdfs import pages_of, text_of
from zarts.desk import handover

pytestmark = pytest.mark.django_db


def page_of(handoff):
    return reverse("handoff_handoff_handover", args=[handoff.pk])


def paper_of(handoff):
    return reverse("handoff_handoff_paper", args=[handoff.pk])


@pytest.fixture
def handoff(ada, ben, dora):
    """A handoff of a deal about which a lot was said."""
    handoff = a_handoff(ada, manager=ben, delivery=dora)
    deal = handoff.opportunity
    mine = {"opportunity": deal, "owner": ada}
    doubt = begin(Objection(kind="price", words="The first year is more than we planned.", **mine), by=ada)
    perform(doubt.reply, by=ada, answer="We begin with two pages.")
    said = begin(UnwrittenPromise(words="We look at the newsletter as well.", said_by="Ada", **mine), by=ada)
    perform(said.exclude, by=ada, reason="It is under what is not included.")
    Note.take(deal, "Their own developer is leaving in spring.", by=ada, kind="call")
    talk = {"client": deal.client, "contact": deal.decision_owner, "subject": "The kickoff", "body": "Nine suits Bo."}
    begin(Message(channel="call", happened_at=timezone.now(), **talk, **mine), by=ada)
    blocker = {"project": handoff.project, "owner": dora, "severity": "high"}
    begin(LaunchBlocker(words="Nobody knows the password.", **blocker), by=dora)
    return handoff


def test_what_we_wrote_in_discovery_is_not_shown_as_words_of_the_client(handoff, dora):
    parts = {part.name: part for part in handover.read(handoff, dora).parts}
    noted = handoff.opportunity.discoveries.get().staff_url("id_decision_criteria")
    theirs = [entry.url for _, entries in parts["words"].groups for entry in entries]
    assert noted not in theirs
    ours = {entry.url: entry for _, entries in parts["discovery"].groups for entry in entries}
    assert ours[noted].words
    assert not any(entry.quote for entry in ours.values())


def test_one_page_answers_what_delivery_asks(handoff, dora, as_user):
    text = as_user(dora).get(page_of(handoff)).text

    for promise in handoff.promises.all():
        assert promise.staff_url() in text
    discovery, evidence = handoff.opportunity.discoveries.get(), Evidence.objects.first()
    for words in (
        handoff.opportunity.decision_owner.name,
        "We look at the newsletter as well.",
        "It is under what is not included.",
        "Their own developer is leaving in spring.",
        "Nine suits Bo.",
        "The first year is more than we planned.",
        "We answered: We begin with two pages.",
        str(evidence),
        handoff.contract.number,
        "Not due",
        "Nobody knows the password.",
        "Verify the access to HubSpot.",
        f'href="{handoff.project.staff_url()}">{handoff.project}</a>',
        discovery.pain_points,
        discovery.provider_stack,
    ):
        assert words in text, words
    assert "Internal: not for clients" in text


def test_its_parts_stand_in_the_order_in_which_delivery_asks(handoff, dora):
    names = [part.name for part in handover.read(handoff, dora).parts]
    first = ["promises", "people", "said", "objections", "evidence", "agreed", "gates", "blockers"]
    assert names == [*first, "discovery", "words", "receipt"]


def test_caveats_and_raw_notes_stand_with_their_evidence(handoff, ada, dora, as_user):
    fields = {"owner": ada, "source": "Delivery", "next_action": "Measure"}
    audit = begin(Audit(opportunity=handoff.opportunity, name="A second look", **fields), by=ada)
    caveats = {"provider_caveat": "Taken from one phone in one street.", "raw_note": "Bo guesses half of it."}
    some_evidence(perform(audit.collect, by=ada), ada, metric="Calls from the map", **caveats)
    (part,) = [part for part in handover.read(handoff, dora).parts if part.name == "evidence"]
    inside = [words for _, entries in part.groups for entry in entries for _, words in entry.internal]
    assert set(caveats.values()) <= set(inside)
    assert "z-internal" in as_user(dora).get(page_of(handoff)).text


def test_promises_are_answered_in_place_and_whoever_answers_comes_back(handoff, dora, as_user):
    browser, page = as_user(dora), page_of(handoff)
    first = handoff.promises.first()
    assert first.move_url("dispute") in browser.get(page).text

    answer = browser.post(first.move_url("dispute"), {"reason": "Three weeks are too short.", "back": page})
    assert (answer.status_code, answer["Location"]) == (302, page)
    answer = browser.post(reverse("admin:handoff_handoff_accept_promises", args=[handoff.pk]), {"back": page})
    assert answer["Location"] == page
    text = browser.get(page).text
    assert "Dora disputed it: “Three weeks are too short.”" in text
    assert "Ada, who sold it, settles it." in text


def test_whoever_may_not_answer_promises_gets_no_button_for_it(handoff, ada, as_user):
    text = as_user(ada).get(page_of(handoff)).text
    assert "Accept the" not in text.replace("Accept the handoff", "")
    assert handoff.promises.first().move_url("accept") not in text


def test_the_next_step_is_the_handoffs_and_then_the_projects(ada, ben, dora):
    project = a_project(ada, manager=ben, delivery=dora)
    assert handover.read(project.handoff, dora).subject == project
    for promised in project.handoff.promises.all():
        assert promised.stage == "accepted"


def test_another_team_and_strangers_learn_nothing_of_it(handoff, cem, client, as_user):
    for address in (page_of(handoff), paper_of(handoff)):
        assert client.get(address).status_code == 302
        assert as_user(cem).get(address).status_code == 404
        client.logout()


def test_each_unmet_reason_of_going_live_leads_to_where_it_is_mended(handoff, dora, as_user):
    (part,) = [part for part in handover.read(handoff, dora).parts if part.name == "gates"]
    entries = part.groups[0][1]
    assert [entry.title for entry in entries if entry.met]
    unmet = [lack for entry in entries if not entry.met for lack in entry.lacks]
    assert len(unmet) > 10
    browser = as_user(dora)
    for url in {lack.url.partition("#")[0] for lack in unmet}:
        assert browser.get(url).status_code == 200, url


# -- What it costs. ----------------------------------------------------------------------------------------------------

MOST = 30


def questions(browser, address):
    browser.get(address)
    with CaptureQueriesContext(connection) as asked:
        assert browser.get(address).status_code == 200
    return len(asked)


def test_it_asks_as_much_for_little_as_for_a_lot(handoff, ada, dora, as_user):
    browser = as_user(dora)
    before = [questions(browser, address) for address in (page_of(handoff), paper_of(handoff))]

    mine = {"opportunity": handoff.opportunity, "owner": ada}
    for number in range(5):
        begin(Objection(kind="proof", words=f"And what of page {number}?", **mine), by=ada)
        begin(UnwrittenPromise(words=f"Page {number} as well.", **mine), by=ada)
        Note.take(handoff.opportunity, f"Page {number} is theirs.", by=ada)
        begin(LaunchBlocker(project=handoff.project, words=f"Page {number} is gone.", owner=dora), by=dora)
    for promise in list(handoff.promises.all())[:3]:
        perform(promise.dispute, by=dora, reason="It does not fit.")
    assert [questions(browser, address) for address in (page_of(handoff), paper_of(handoff))] == before
    assert max(before) <= MOST


# -- On paper. ---------------------------------------------------------------------------------------------------------


def test_the_paper_says_the_same_and_is_marked_on_every_page(handoff, dora, as_user):
    answer = as_user(dora).get(paper_of(handoff))
    assert answer["Content-Type"] == "application/pdf"
    assert "no-store" in answer["Cache-Control"]
    pages = pages_of(answer.content)
    assert len(pages) > 1
    for page in pages:
        assert page.count("Internal: not for clients") == 2, "above and below"
    whole = " ".join(pages)
    for promise in handoff.promises.all():
        assert promise.title in whole
    for words in ("The first year is more than we planned.", "Nobody knows the password.", "Nine suits Bo."):
        assert words in whole


def test_no_client_gets_the_paper_from_anywhere(handoff, dora, as_user):
    before = Paper.objects.count()
    as_user(dora).get(paper_of(handoff))
    assert Paper.objects.count() == before, "it is kept nowhere"
    for name in ("handoff_handoff_paper", "handoff_handoff_handover"):
        with pytest.raises(NoReverseMatch):
            reverse(name, urlconf="portal.urls", args=[handoff.pk])


# -- Past a gate. ------------------------------------------------------------------------------------------------------


def test_whoever_let_it_go_live_past_a_gate_stands_on_its_pages_for_good(ada, ben, dora, as_user):
    project = a_project(ada, manager=ben, delivery=dora, stage="ready")
    browser = as_user(ben)
    assert "went live past" not in browser.get(project.staff_url()).text
    browser.post(project.move_url("go_live"), {"override": "They open on Monday."})

    event = Event.objects.get(verb="project.go_live")
    assert (event.actor, event.reason) == (ben, "They open on Monday.")
    for stage in ("live", "closed"):
        project = type(project).objects.get(pk=project.pk)
        assert project.stage == stage
        for address in (project.staff_url(), page_of(project.handoff)):
            text = browser.get(address).text
            assert "It went live past its gates" in text
            assert "Ben let it pass on" in text
            assert "They open on Monday." in text
            assert "Verify the access to HubSpot." in text
        whole = text_of(browser.get(paper_of(project.handoff)).content)
        assert "Open then: Verify the access to HubSpot." in whole
        if stage == "live":
            perform(project.close, by=ben, reason="The contract ended.")


def test_a_project_that_met_its_gates_says_nothing_of_the_kind(ada, ben, dora, as_user):
    project = a_project(ada, manager=ben, delivery=dora, stage="live")
    assert project.passed is None
    assert "past its gates" not in as_user(dora).get(page_of(project.handoff)).text


def test_a_contract_and_an_unanswered_promise_pass_nobody(ada, ben, dora, as_user):
    project = a_won_deal(ada, manager=ben).projects.get()
    for item in project.items.all():
        perform(item.finish, by=dora)
    project = perform(project.make_ready, by=dora)
    answer = as_user(ben).post(project.move_url("go_live"), {"override": "They open on Monday."})
    assert answer.status_code == 409
    assert "Accept or dispute the promise" in answer.text


def test_a_kickoff_that_has_passed_is_no_new_kickoff(ada, ben, dora, as_user):
    project = a_project(ada, manager=ben, delivery=dora)
    yesterday = timezone.localdate() - timedelta(days=1)
    typed = {"name": project.name, "kickoff_on": yesterday, "owner": dora.pk, "next_action": "Go on", "due_on": ""}
    for prefix in ("items", "blockers", "connectors", "cadences", "reports"):
        typed |= {f"{prefix}-TOTAL_FORMS": 0, f"{prefix}-INITIAL_FORMS": 0}
    answer = as_user(dora).post(project.staff_url(), typed)
    assert "Choose today or a day that is still to come." in answer.text
    assert edit(project, by=dora, kickoff_on=project.kickoff_on) == project


# -- By whom and when a gate was met. ----------------------------------------------------------------------------------


def gates_of(project):
    part = handover.gates(handover.Deal(project.handoff, Project.objects.get(pk=project.pk), [], None, False))
    return {entry.title: entry for _, entries in part.groups for entry in entries}


def test_each_gate_that_is_met_says_by_whom_and_when(ada, ben, dora):
    project = a_project(ada, manager=ben, delivery=dora)
    for item in project.items.all():
        perform(item.finish, by=dora)
    blocker = begin(LaunchBlocker(project=project, words="No password.", owner=dora), by=dora)
    entries = gates_of(project)
    assert entries["Clear every launch blocker."].said == []

    perform(blocker.clear, by=ben, reason="They found it.")
    perform(project.handoff.contract.payment.waive, by=ben, reason="A present.")
    edit(project, by=dora, kickoff_on=timezone.localdate() + timedelta(days=9))
    entries = gates_of(project)
    for title, who in (
        ("Clear every launch blocker.", "Ben"),
        ("Have the client pay as the contract asks.", "Ben"),
        ("Agree the day of the kickoff.", "Dora"),
        ("Finish the onboarding list, or waive what is not needed.", "Dora"),
        ("Accept or settle every promise.", "Dora"),
        ("Get the contract signed by both sides.", "Ben"),
        ("Set the day of the first report.", "Ada"),
    ):
        assert entries[title].met, title
        assert entries[title].said[0].startswith(f"{who}, "), (title, entries[title].said)
    unmet = entries["Verify every access, or revoke what is not needed."]
    assert (unmet.met, unmet.said) == (False, [])


def test_a_gate_that_was_met_again_says_the_last_time(ada, ben, dora, as_user):
    project = a_project(ada, manager=ben, delivery=dora)
    for item in project.items.all():
        item = perform(item.finish, by=dora)
    item = perform(item.reopen, by=dora, reason="Not quite.")
    assert gates_of(project)["Finish the onboarding list, or waive what is not needed."].said == []
    perform(item.waive, by=ben, reason="Not needed.")
    (said,) = gates_of(project)["Finish the onboarding list, or waive what is not needed."].said
    assert said.startswith("Ben, ")
    assert said in as_user(dora).get(page_of(project.handoff)).text


def test_how_a_dispute_was_settled_and_why_a_promise_broke_is_read_there(ada, ben, dora, as_user):
    handoff = a_handoff(ada, manager=ben, delivery=dora)
    gone, broken, *rest = handoff.promises.all()
    gone = perform(gone.dispute, by=dora, reason="Nobody here can do it.")
    perform(gone.settle, by=ada, outcome="withdrawn", reason="Bo agreed on the phone.")
    for promise in [broken, *rest]:
        perform(promise.accept, by=dora)
    perform(type(broken).objects.get(pk=broken.pk).give_up, by=dora, reason="The agency left.", shown="Their mail.")
    text = as_user(dora).get(page_of(handoff)).text
    for words in (
        "Withdrawn",
        "Bo agreed on the phone.",
        "Dora marked it as broken: “The agency left.”",
        "Their mail.",
    ):
        assert words in text
    paper = str(handover.read(handoff, dora, to_print=True).parts[0])
    assert "Withdrawn" in paper
    assert "The agency left." in paper
