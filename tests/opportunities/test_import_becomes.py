"""What comes in from a file is as whole as what a person makes: questions, win-backs, owners, days, and notes."""

from collections import Counter
from datetime import timedelta

import pytest
from django.utils import timezone

from opportunities.models import Discovery, Event, Import, Lead, Opportunity, Questionnaire, Task, User, WinBack
from opportunities.neglect import is_stale, stale_days
from opportunities.records import begin, edit, perform
from proposals.models import Service
from tests import makers
from tests.conftest import person
from tests.opportunities.importers import checked, done, reasons, run, verdicts

pytestmark = pytest.mark.django_db


def a_questionnaire(name, by, **fields):
    made = begin(Questionnaire(name=name, **fields), by=by)
    made.questions.create(words=f"What of {name}?")
    return made


def leave(user):
    user.is_active = False
    user.save()


def test_an_imported_discovery_asks_what_one_that_a_person_begins_asks(ada, eve):
    special = a_questionnaire("Search", eve)
    a_questionnaire("Unasked", eve)
    a_questionnaire("Everybody", eve, for_every_deal=True)
    begin(Service(name="SEO", questionnaire=special), by=eve)
    done("opportunities", "Account,Stage,Product\nA,Proposal,SEO\nB,Proposal,\nC,Won,\n", ada)
    found = {one.opportunity.client.name: one for one in Discovery.objects.all()}
    by_hand = perform(makers.an_opportunity(ada).start_discovery, by=ada).discoveries.get()
    asked = {name: {str(it) for it in one.questionnaires.all()} for name, one in found.items()}
    usual = {str(it) for it in by_hand.questionnaires.all()}
    assert "Everybody, version 1" in usual
    assert asked == {"A": usual | {"Search, version 1"}, "B": usual}
    told = {name: Event.objects.get(record_id=one.pk, verb="discovery.ask") for name, one in found.items()}
    same = Event.objects.get(record_id=by_hand.pk, verb="discovery.ask")
    assert told["B"].facts.values == same.facts.values
    assert (told["B"].past, told["B"].actor) == (same.past, ada)
    assert not Questionnaire.objects.filter(pk=special.pk, asked_at=None)


def test_a_deal_that_was_won_before_it_came_in_is_neither_stale_nor_work_of_today(ada, as_user):
    done("opportunities", "Account,Stage,Close Date\nOld Co,Won,2020-01-01\nNow Co,Prospecting,\n", ada)
    deal = Opportunity.objects.get(client__name="Old Co")
    assert stale_days(deal) == 0
    assert not Opportunity.objects.filter(is_stale())
    browser = as_user(ada)
    for address, there in (("", False), ("?look=table", False), ("?stage=won", True), ("?q=Old", True)):
        page = browser.get(f"/admin/pipeline/{address}").text
        assert ("Old Co" in page) is there, address


def test_a_deal_that_is_lost_with_its_window_ahead_is_tried_again(ada):
    recent = timezone.localdate() - timedelta(days=30)
    text = f"Account,Stage,Close Date\nA,Lost,{recent}\nB,Lost,2020-01-01\n"
    done("opportunities", text, ada)
    win_back = WinBack.objects.get()
    closing = win_back.closing
    assert (win_back.opportunity.client.name, win_back.stage) == ("A", "waiting")
    assert (win_back.opens_on, win_back.ends_on) == (closing.reactivate_from, closing.reactivate_to)
    told = Event.objects.get(verb="winback.create")
    assert (told.past, told.subject, told.actor_kind) == ("planned", str(win_back), "system")
    assert told.diary_id == win_back.opportunity.diary_id


def test_nobody_finds_all_first_calls_of_a_file_on_one_day(ada):
    rows = "".join(f"N{n},n{n}@x{n}.example,Working\n" for n in range(60))
    done("leads", f"Name,Email,Status\n{rows}", ada)
    first = timezone.localdate() + timedelta(days=3)
    days = {first: 25, first + timedelta(days=1): 25, first + timedelta(days=2): 10}
    assert Counter(Lead.objects.values_list("due_on", flat=True)) == days
    assert Counter(timezone.localtime(task.due_at).date() for task in Task.objects.all()) == days


# -- Owners. -----------------------------------------------------------------------------------------------------------


def test_rows_that_name_nobody_are_whose_who_brings_them_or_go_in_turn_if_that_is_chosen(ada, ben, cem, dora):
    rows = "".join(f"N{n},n{n}@x{n}.example\n" for n in range(4))
    text = f"Name,Email\n{rows}"
    assert set(checked("leads", text, ada).lines_of_file.values_list("owner_id", flat=True)) == {ada.pk}
    for record in (checked("leads", text, ada, choices={"owner_default": "*"}), checked("leads", text, dora, by=ben)):
        assert set(record.lines_of_file.values_list("owner_id", flat=True)) == {ada.pk, cem.pk}


def test_nobody_owns_what_they_may_not_work_on(ada, ann, cem, as_user):
    """Neither by a word in the file, nor by choice; and they are not offered."""
    gone = person("gone", "Growth ops", team="East")
    leave(gone)
    text = "Name,Email,Owner\nBo,bo@x.example,ann\nCy,cy@y.example,gone\n"
    record = checked("leads", text, ada)
    assert set(record.lines_of_file.values_list("owner_id", flat=True)) == {ada.pk}
    assert record.questions["unknown"]["owner"] == {"ann": 1, "gone": 1}
    form = as_user(ada).get(record.staff_url()).context["form"]
    assert [name for name, _ in form.fields["owner_default"].choices] == ["ada", "cem", "*"]
    chosen = checked("leads", "Name,Email\nBo,bo@x.example\n", ada, "b.csv", choices={"owner_default": "ann"})
    assert (chosen.stage, verdicts(chosen)) == ("checked", ["refused"])
    assert reasons(chosen) == ["ann left, or may not own leads; choose another owner"]


@pytest.mark.parametrize("kind", ["leads", "opportunities"])
def test_who_left_between_the_check_and_the_run_gets_nothing(ada, cem, kind):
    text = "Name,Company,Status,Email,Owner\nBo,Bos,New,bo@x.example,cem\nCy,Cys,New,cy@y.example,ada\n"
    record = checked(kind, text, ada)
    assert record.counts == {"new": 2}
    leave(cem)
    record = run(record)
    assert (record.stage, record.counts) == ("done", {"new": 1, "refused": 1})
    assert reasons(record)[0] == f"Cem left, or may not own {kind}; choose another owner, and bring this row in again"
    model = Lead if kind == "leads" else Opportunity
    assert [one.owner for one in model.objects.all()] == [ada]
    assert User.objects.get(pk=cem.pk).is_active is False


# -- What may be the same. ---------------------------------------------------------------------------------------------


def test_a_lead_shows_the_client_that_it_may_be_by_every_reason(ada, cem):
    client = makers.an_opportunity(ada).client
    contact = client.contacts.get()
    edit(contact, by=ada, phone="+1 555 010 2030")
    edit(client, by=ada, website="https://harbor.example")
    near = client.name.replace("Harbor", "Harbour")
    text = (
        f"Name,Email,Company,Phone,Website\nA,{contact.email},,,\nB,,,(555) 010-2030,\nC,,{client.name} Inc.,,\n"
        f"D,,,,www.harbor.example\nE,x@harbor.example,,,\nF,,{near},,\nG,,Else,,\n"
    )
    record = checked("leads", text, ada)
    said = [reason.split(" · ")[-1] for reason in reasons(record)]
    assert said == [
        f"Same mail address as the client {client}",
        f"Same phone as the client {client}",
        f"Same company as the client {client}",
        f"Same domain as the client {client}",
        f"Same domain as the client {client}",
        f"Almost the same company as the client {client}",
        "",
    ]
    theirs = checked("leads", text, cem, "theirs.csv")
    assert reasons(theirs)[1] == "Same phone as a client of Ada"
    assert not any(client.name in reason for reason in reasons(theirs))


def test_a_lead_shows_a_lead_of_the_same_domain_and_is_never_joined_for_that(ada):
    makers.a_lead(ada, email="bo@acme-dental.example", company="")
    text = "Name,Email\nCy,cy@acme-dental.example\nDi,di@gmail.com\n"
    record = checked("leads", text, ada, choices={"alike": "join"})
    assert (verdicts(record), reasons(record)) == (["new", "new"], ["Same domain as Bo Larsen", ""])


def test_two_rows_of_one_person_say_so(ada):
    text = "Name,Email,Phone\nBo,bo@x.example,+1 555 010 2030\nBo Lee,BO@x.example,\nB. Lee,,(555) 010-2030\n"
    record = checked("leads", text, ada)
    assert verdicts(record) == ["new"] * 3
    assert reasons(record) == ["", "Same mail address as line 2", "Same phone as line 2"]


def test_a_deal_says_which_client_its_new_one_may_be(ada, cem):
    client = makers.an_opportunity(ada).client
    edit(client.contacts.get(), by=ada, phone="+1 555 010 2030")
    edit(client, by=ada, website="https://harbor.example")
    text = (
        f"Account,Stage,Phone,Email\n{client.name.replace('Harbor', 'Harbour')},Won,,\nOther,Won,(555) 010-2030,\n"
        "Another,Won,,x@harbor.example\nElse,Won,,\n"
    )
    record = checked("opportunities", text, ada)
    assert verdicts(record) == ["new"] * 4
    said = ["Almost the same company as", "Same phone as", "Same domain as"]
    assert reasons(record) == [*(f"{words} the client {client}" for words in said), ""]
    theirs = checked("opportunities", text, cem, "c.csv")
    assert reasons(theirs) == [*(f"{words} a client of Ada" for words in said), ""]


def test_two_spellings_of_a_client_in_one_file_are_said_and_make_one(ada):
    record = done("opportunities", "Account,Stage\nAcme GmbH,Won\nACME Inc.,Won\nacme gmbh,Won\n", ada)
    assert reasons(record) == ["", "The same client as Acme GmbH in line 2", ""]
    assert record.made["clients"] == 1
    assert Import.objects.get().counts == {"new": 3}
