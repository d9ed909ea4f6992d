"""Winning under bad luck: killed at any step, twice at once, too late, with a guest of somebody else's."""

import json
import os
import signal
import subprocess
import sys
from datetime import timedelta
from threading import Barrier, Thread

import pytest
from django.apps import apps
from django.db import connection
from django.urls import reverse
from django.utils import timezone
from django.utils.html import escape

from handoff.inherit import Will, inherit, preview
from handoff.models import Handoff, Project, Receipt
from opportunities.models import Client, Contact, Event, Message, Task
from opportunities.records import Refused, begin, edit, perform
from portal.models import Guest, Publication
from proposals import publishing
from tests.browser.house import address, broker
from tests.handoff import dying
from tests.makers_handoff import a_signed_deal, a_won_deal

KINDS = ("handoff", "project", "promise", "checklistitem", "connector", "reportingcadence", "report")


def tom_of(opportunity, by):
    """Somebody at the client whom nobody let into the portal yet."""
    return begin(Contact(client=opportunity.client, name="Tom Reyes", email="Tom@harbor.example"), by=by)


def receipt_is_true(handoff, *let_in):
    """Hold the receipt to what there is: each record of each kind once, and nothing that there is not."""
    rows = list(handoff.receipts.values_list("record_type", "record_id"))
    assert len(rows) == len(set(rows)), "each once"
    there = {("opportunities.client", handoff.project.client_id)}
    for kind in KINDS:
        model = apps.get_model("handoff", kind)
        there |= {(model.label(), pk) for pk in model.objects.values_list("pk", flat=True)}
    asked = ["handoff.handoff", "handoff.project", "handoff.checklistitem"]
    there |= {(Task.label(), pk) for pk in Task.objects.filter(record_type__in=asked).values_list("pk", flat=True)}
    guests = Guest.objects.filter(client_id=handoff.project.client_id, contact_id__in=[who.pk for who in let_in])
    there |= {("portal.guest", pk) for pk in guests.values_list("pk", flat=True)}
    assert guests.count() == len(let_in)
    mails = Message.objects.filter(record_type="handoff.project", template="onboarding")
    there |= {(Message.label(), pk) for pk in mails.values_list("pk", flat=True)}
    assert set(rows) == there
    assert all(line.record for line in handoff.receipts.all())


# -- Killed. -----------------------------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_whoever_is_killed_at_any_step_and_tries_again_makes_everything_once(ada, ben, dora):
    opportunity = a_signed_deal(ada, manager=ben)
    tom = tom_of(opportunity, ada)
    before, foreseen = dying.counts(), preview(opportunity)
    urls = {"DATABASE_URL": address("default"), "PORTAL_DATABASE_URL": address("portal"), "REDIS_URL": broker()}
    environment = {
        **os.environ,
        **urls,
        "SECRET_KEY": "only-for-this-run-" * 4,
        "DJANGO_SETTINGS_MODULE": "zarts.settings",
    }
    command = [sys.executable, "-m", "tests.handoff.dying", str(opportunity.pk), str(ada.pk)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)
    tries = [json.loads(line) for line in done.stdout.splitlines()]
    assert [point for point, *_ in tries] == dying.points(), done.stderr
    assert {ended for _, ended, _ in tries} == {signal.SIGKILL}, done.stderr

    for point, _, found in tries[:-1]:
        assert found == before, f"killed after {point}, it left something behind"
    made = tries[-1][-1]
    assert made["handoff.Handoff"] == made["handoff.Project"] == made["opportunities.Closing"] == 1

    # Nobody told whoever won it that it was won: they try once more.
    with pytest.raises(Refused, match="already won"):
        perform(opportunity.win, by=ada, reason="proof", competitor="Nobody")
    handoff = inherit(opportunity, by=ada)
    assert dying.counts() == made, "the next try makes nothing a second time"
    receipt_is_true(handoff, tom)
    assert sorted(handoff.receipts.values_list("words", flat=True)) == sorted(foreseen)


def test_each_step_of_winning_is_one_at_which_it_is_killed():
    assert dying.points()[1:-1] == [name for name in vars(Will) if name in dying.points()]


# -- At once. ----------------------------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_of_many_who_win_at_once_one_does_and_the_receipt_is_true(ada, ben, dora):
    opportunity = a_signed_deal(ada, manager=ben)
    tom = tom_of(opportunity, ada)
    start, outcomes = Barrier(5), []

    def win(by):
        start.wait()
        try:
            perform(opportunity.win, by=by, reason="proof", competitor="Nobody")
            outcomes.append("won")
        except Refused:
            outcomes.append("refused")
        finally:
            connection.close()

    threads = [Thread(target=win, args=[by]) for by in (ada, ben, ada, ben, ada)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]

    assert sorted(outcomes) == ["refused"] * 4 + ["won"]
    assert Event.objects.filter(verb="opportunity.win").count() == 1
    receipt_is_true(Handoff.objects.get(), tom)


# -- Too late. ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def late(ada, ben, dora, time_machine):
    """A signed deal whose kickoff day has passed before anybody marked it as won."""
    opportunity = a_signed_deal(ada, manager=ben, kickoff_on=timezone.localdate() + timedelta(days=3))
    time_machine.move_to(timezone.now() + timedelta(days=5))
    return opportunity


def warned(opportunity) -> str:
    return " ".join(lack.words for lack in Will(opportunity).warnings())


@pytest.mark.django_db
def test_a_deal_whose_kickoff_has_passed_is_won_and_a_new_day_is_the_first_task(late, ada, dora):
    assert "that day has passed. Delivery agrees a new one first" in warned(late)
    foreseen = preview(late)
    perform(late.win, by=ada, reason="proof", competitor="Nobody")

    project = Project.objects.get()
    assert project.kickoff_on is None
    assert (project.next_action, project.due_on) == (
        "Agree a new day for the kickoff",
        timezone.localdate() + timedelta(days=2),
    )
    assert not project.items.exclude(due_on=None).exists(), "nothing is dated from a day that has passed"
    task = Task.objects.about(project).get()
    assert task.title.startswith("Agree a new day for the kickoff")
    assert task.owner == dora
    assert sorted(Receipt.objects.values_list("words", flat=True)) == sorted(foreseen)
    assert Publication.objects.get(kind="onboarding").body["kickoff_on"] is None


@pytest.mark.django_db
def test_the_new_day_ends_the_task_and_dates_the_list(late, ada, dora):
    perform(late.win, by=ada, reason="proof", competitor="Nobody")
    kickoff = timezone.localdate() + timedelta(days=4)
    project = edit(Project.objects.get(), by=dora, kickoff_on=kickoff)

    project = Project.objects.get(pk=project.pk)
    assert (project.next_action, project.due_on) == ("Work through the onboarding list", kickoff)
    assert not Task.objects.about(project).unfinished().exists()
    for item in project.items.all():
        assert item.due_on == kickoff + timedelta(days=item.offset_days)
        assert Task.objects.about(item).get().stage == "open"


@pytest.mark.django_db
def test_a_first_report_that_is_late_before_the_win_is_said_before_it(ada, ben, dora, time_machine):
    first = timezone.localdate() + timedelta(days=3)
    terms = {"first_report_on": first, "report_day": first.day, "report_skips_days_off": False}
    opportunity = a_signed_deal(ada, manager=ben, **terms)
    assert "late already" not in warned(opportunity)

    time_machine.move_to(timezone.now() + timedelta(days=5))
    assert f"The first report was owed on {first.day} {first:%B %Y}: it is late already." in warned(opportunity)


# -- Guests of others. -------------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_a_guest_of_another_client_becomes_a_guest_of_both_and_it_is_said_before(ada, ben, dora):
    opportunity = a_signed_deal(ada, manager=ben)
    tom = tom_of(opportunity, ada)
    other = begin(Client(name="Pier Dental", owner=ada), by=ada)
    first = publishing.admit(begin(Contact(client=other, name="T. Reyes", email="tom@harbor.example"), by=ada))
    words = "Tom@harbor.example is a guest of another client already: Tom Reyes becomes a guest of both."
    assert words in warned(opportunity)
    assert "Pier Dental" not in warned(opportunity), "whose client that is, not everybody may know"

    perform(opportunity.win, by=ada, reason="proof", competitor="Nobody")
    here = Guest.objects.get(client_id=opportunity.client_id, email="tom@harbor.example")
    assert (here.contact_id, here.revoked_at) == (tom.pk, None)
    assert Guest.objects.get(pk=first.pk).revoked_at is None, "what they had stays"
    receipt_is_true(opportunity.handoffs.get(), tom)


@pytest.mark.django_db
def test_whom_somebody_lets_in_at_the_same_moment_is_let_in_once(ada, ben, dora):
    opportunity = a_signed_deal(ada, manager=ben)
    tom = tom_of(opportunity, ada)
    will = Will(opportunity)
    assert [guest.contact_id for guest in will.guests] == [tom.pk]
    publishing.admit(tom)

    handoff = will.execute(by=ada)
    assert Guest.objects.get(client_id=opportunity.client_id, contact_id=tom.pk)
    assert not handoff.receipts.filter(record_type="portal.guest").exists(), "winning did not make it"


# -- What delivery will get. -------------------------------------------------------------------------------------------


def inherits(opportunity):
    return reverse("opportunities_opportunity_inherits", args=[opportunity.pk])


@pytest.mark.django_db
def test_what_delivery_will_get_is_shown_before_and_is_what_it_gets(ada, ben, dora, as_user):
    opportunity = a_signed_deal(ada, manager=ben)
    before = dying.counts()
    text = as_user(ada).get(inherits(opportunity)).content.decode()
    assert dying.counts() == before, "nothing is made by looking"

    perform(opportunity.win, by=ada, reason="proof", competitor="Nobody")
    for line in Receipt.objects.all():
        assert escape(line.words.partition(": ")[2]) in text
    assert f"{Receipt.objects.count()} records, with Dora of delivery" in text


@pytest.mark.django_db
def test_it_warns_of_whoever_gets_no_access_and_of_what_was_not_said(ada, ben, dora, as_user):
    opportunity = a_signed_deal(ada, manager=ben, stack="They use pen and paper.", kickoff_on=None)
    begin(Contact(client=opportunity.client, name="Carla Dunn"), by=ada)
    publishing.take_access(opportunity.decision_owner, by=ada)
    edit(opportunity.contracts.get().proposal.service, by=ben, checklist=[])

    page = as_user(ada).get(inherits(opportunity)).text
    for words in (
        "Carla Dunn has no mail address, and gets no access to the portal.",
        f"The access of {opportunity.decision_owner} was taken away, and winning does not give it back.",
        "The contract names no day for the kickoff.",
        "names no service that has an onboarding list",
        "Discovery names no provider that we connect",
    ):
        assert words in page


@pytest.mark.django_db
def test_without_anybody_in_delivery_it_says_who_keeps_it(ada, ben):
    assert "Nobody is in delivery: Ada keeps" in warned(a_signed_deal(ada, manager=ben))


@pytest.mark.django_db
def test_it_says_what_comes_first_where_there_is_no_contract(ada, as_user):
    from tests.makers import an_opportunity

    page = as_user(ada).get(inherits(an_opportunity(ada))).text
    assert "Draw up the contract first." in page


@pytest.mark.django_db
def test_once_won_it_leads_to_what_delivery_got(ada, ben, dora, cem, as_user):
    opportunity = a_won_deal(ada, manager=ben)
    answer = as_user(ada).get(inherits(opportunity))
    assert answer["Location"] == reverse("handoff_handoff_handover", args=[opportunity.handoffs.get().pk])
    assert as_user(cem).get(inherits(opportunity)).status_code == 404


@pytest.mark.django_db
def test_the_deals_own_page_leads_there_before_the_win(ada, ben, dora, as_user):
    opportunity = a_signed_deal(ada, manager=ben)
    for tab in ("contract", "handoff"):
        assert inherits(opportunity) in as_user(ada).get(f"{opportunity.staff_url()}?tab={tab}").text


@pytest.mark.django_db
def test_a_list_that_names_a_thing_twice_gives_it_once(ada, ben, dora):
    opportunity = a_signed_deal(ada, manager=ben)
    twice = [
        {"title": "Hold the kickoff call", "who": "us", "days": 0},
        {"title": "Hold the kickoff call", "who": "us", "days": 2},
    ]
    edit(opportunity.contracts.get().proposal.service, by=ben, checklist=twice)

    perform(opportunity.win, by=ada, reason="proof", competitor="Nobody")
    assert Project.objects.get().items.count() == 1


# -- Why it was won. ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"reason": ""}, "Choose what won it"),
        ({"competitor": " "}, "or write “nobody”"),
        ({"reason": "weather"}, "Choose one from the list."),
        ({"reason": "no_decision"}, "Choose one from the list."),
        ({"competitor": "x" * 121}, "120"),
    ],
)
def test_winning_asks_what_won_it_and_against_whom(ada, ben, dora, as_user, said, words):
    opportunity = a_signed_deal(ada, manager=ben)
    answer = as_user(ada).post(opportunity.move_url("win"), {"reason": "proof", "competitor": "Nobody", **said})
    assert answer.status_code == 200
    assert words in answer.text
    assert type(opportunity).objects.get(pk=opportunity.pk).stage == "contract"


def test_nothing_is_chosen_for_whoever_wins_and_the_words_may_be_left_out(ada, ben, dora, as_user):
    opportunity = a_signed_deal(ada, manager=ben)
    page = as_user(ada).get(opportunity.move_url("win"))
    assert page.context["form"]["reason"].value() in (None, "")
    as_user(ada).post(opportunity.move_url("win"), {"reason": "proof", "competitor": "Alto Web"})
    closing = opportunity.closings.get()
    assert (closing.outcome, closing.reason, closing.competitor, closing.words) == ("won", "proof", "Alto Web", "")
