"""Everybody who signs for the client signs in order and in time; the contract says what its signatures say.

Bo Larsen signs first, Tom Reyes after him.
"""

import re
from datetime import datetime, timedelta
from functools import partial
from zoneinfo import ZoneInfo

import pytest
from django.core import mail
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from opportunities import letters, outbox
from opportunities.models import Contact, Event, Message, Notice, Objection, Task
from opportunities.records import Refused, begin, edit, perform
from portal.consent import SIGN, SIGN_VERSION
from portal.models import ClientAction, Guest, Paper, Publication
from portal.tokens import token_hash
from proposals import approvals, clock, difference, inbox, publishing
from proposals.models import Contract, Signatory, Signature
from proposals.models.signing import ONCE_A_PERSON, ONE_A_NUMBER
from tests.makers_proposals import CONSENT, a_contract, a_proposal, approve_all
from tests.proposals.test_inbox import pressed_late, signed_in
from zarts.desk import pulse

pytestmark = pytest.mark.django_db
BERLIN = ZoneInfo("Europe/Berlin")


def a_contract_of_two(owner, approver, stage="sent", **terms):
    proposal = a_proposal(owner, approver=approver, stage="accepted")
    first = proposal.recipient
    tom = begin(Contact(client=first.client, name="Tom Reyes", email="tom@harbor.example"), by=owner)
    return a_contract(owner, approver=approver, stage=stage, proposal=proposal, signatories=[first, tom], **terms)


def sign(contract, who, **more):
    digest = Publication.objects.get(pk=contract.publication_id).digest
    typed = {"name": who.name, "role": "Owner", "consent": CONSENT, "digest": digest, "address": "10.0.0.1", **more}
    return perform(contract.sign, by=who, **typed)


def mails(contract, template):
    rows = Message.objects.filter(record_type=contract.label(), record_id=contract.pk, template=template)
    return list(rows.order_by("pk"))


# -- In order. ---------------------------------------------------------------------------------------------------------


def test_whoever_the_proposal_went_to_signs_as_long_as_nobody_else_is_named(ada, ben):
    contract = a_contract(ada, approver=ben)
    assert [str(row) for row in contract.signatories.all()] == [contract.proposal.recipient.name]


def test_what_is_published_lists_the_signatories_in_order(ada, ben):
    contract = a_contract_of_two(ada, ben)
    signers = Publication.objects.get(pk=contract.publication_id).body["signers"]
    assert [signer["name"] for signer in signers] == [contract.signer.name, "Tom Reyes"]


def test_it_stays_sent_until_everybody_has_signed_and_then_waits_for_us(ada, ben):
    contract = a_contract_of_two(ada, ben)
    first, second = [row.contact for row in contract.signatories.all()]
    contract = sign(contract, first)
    assert (contract.stage, contract.whose_turn) == ("sent", second)
    contract = sign(contract, second)
    assert (contract.stage, contract.whose_turn) == ("signed", None)
    assert Task.objects.open().about(contract).get().title.startswith("Countersign the contract")
    assert perform(contract.countersign, by=ben).stage == "active"


def test_nobody_signs_before_their_turn_nor_twice(ada, ben):
    contract = a_contract_of_two(ada, ben)
    first, second = [row.contact for row in contract.signatories.all()]
    with pytest.raises(Refused, match=f"{first} signs this contract next"):
        sign(contract, second)
    sign(contract, first)
    with pytest.raises(Refused, match=f"{second} signs this contract next"):
        sign(contract, first)
    assert Signature.objects.count() == 1


def test_when_one_has_signed_the_next_gets_their_mail_and_the_owner_is_told(ada, ben):
    contract = a_contract_of_two(ada, ben)
    first, second = [row.contact for row in contract.signatories.all()]
    assert [message.contact for message in mails(contract, "contract")] == [first]
    assert not Guest.objects.filter(contact_id=second.pk).exists(), "nobody comes in before their turn"
    sign(contract, first)
    before, after = mails(contract, "contract")
    assert (after.contact, after.purpose, after.stage) == (second, "contractual", "queued")
    assert f"{first.name} has signed our contract, and now it is your turn." in after.body
    assert f"until {publishing.spoken(contract.sign_by)}" in after.body
    assert before.stage == "held", "what had not gone asks nobody who has signed"
    assert Guest.objects.filter(contact_id=second.pk).exists()
    assert Notice.objects.filter(user=ada, words__contains="signed").exists()


def test_each_signature_is_one_event_with_what_was_signed(ada, ben):
    contract = a_contract_of_two(ada, ben)
    sign(contract, contract.signer, role="Managing partner")
    event = Event.objects.get(verb="contract.sign")
    facts = event.facts.values
    assert (event.contact, facts["role"], facts["address"]) == (contract.signer, "Managing partner", "10.0.0.1")
    assert facts["consent"] == {"version": SIGN_VERSION, "text": SIGN}
    assert facts["digest"] == Publication.objects.get(pk=contract.publication_id).digest


def test_a_contract_that_nobody_signs_is_not_submitted(ada, ben):
    contract = a_contract(ada, approver=ben)
    contract.signatories.all().delete()
    with pytest.raises(Refused, match="Name who signs for the client"):
        perform(contract.submit, by=ada)


def test_who_signs_is_part_of_what_is_approved(ada, ben):
    contract = a_contract_of_two(ada, ben, stage="approved")
    first, second = contract.signatories.all()
    Signatory.objects.filter(pk=first.pk).update(position=3)
    assert sorted(approvals.changed_since_approved("contract", contract)) == ["who signs", "who signs for the client"]
    old, new = contract.approvals.get(stage="approved").content, approvals.content("contract", contract)
    said = [line["words"] for line in difference.changes(old, new)]
    assert any("Tom Reyes" in words for words in said)


def test_one_alone_is_approved_in_the_words_of_before_there_were_several(ada, ben):
    contract = a_contract(ada, approver=ben)
    said = approvals.content("contract", contract)
    assert said["signer_id"] == contract.signer.pk
    assert "signatories" not in said


def test_staff_name_order_and_take_out_signatories_on_the_page(ada, ben, as_user):
    contract = a_contract_of_two(ada, ben, stage="approved")
    first, second = contract.signatories.all()
    page = as_user(ada).get(contract.staff_url())
    form = posted(page)
    form |= {"signatories-0-position": "2", "signatories-1-position": "1"}
    assert as_user(ada).post(contract.staff_url(), form).status_code == 302
    contract = Contract.objects.get(pk=contract.pk)
    assert [str(row) for row in contract.signatories.all()] == ["Tom Reyes", first.contact.name]
    assert contract.stage == "in_review", "its approval was for another order"

    form = posted(as_user(ada).get(contract.staff_url())) | {"signatories-0-DELETE": "on"}
    assert as_user(ada).post(contract.staff_url(), form).status_code == 302
    assert [str(row) for row in contract.signatories.all()] == [first.contact.name]


def test_the_page_reads_once_what_several_parts_of_it_show(ada, ben, as_user, django_assert_max_num_queries):
    contract, browser = a_contract_of_two(ada, ben), as_user(ada)
    browser.get(contract.staff_url())
    with django_assert_max_num_queries(15) as few:
        browser.get(contract.staff_url())
    sign(contract, contract.signer)
    with django_assert_max_num_queries(len(few)):
        assert "Tom Reyes" in browser.get(contract.staff_url()).text


def test_two_with_the_same_number_are_refused_in_words(ada, ben, as_user):
    contract = a_contract_of_two(ada, ben, stage="draft")
    form = posted(as_user(ada).get(contract.staff_url()))
    form |= {"signatories-0-position": "1", "signatories-1-position": "1"}
    answer = as_user(ada).post(contract.staff_url(), form)
    assert answer.status_code == 200
    assert ONE_A_NUMBER in answer.text
    assert "duplicate" not in answer.text


def with_one_more(form, who, position="") -> dict:
    nth = int(form["signatories-TOTAL_FORMS"])
    row = {"id": "", "contract": form["signatories-0-contract"], "position": position, "contact": who.pk}
    more = {f"signatories-{nth}-{name}": value for name, value in row.items()}
    return form | more | {"signatories-TOTAL_FORMS": str(nth + 1)}


@pytest.mark.parametrize("is_forged", [False, True])
@pytest.mark.parametrize(("position", "who", "words"), [("3", 1, ONE_A_NUMBER), ("", 0, ONCE_A_PERSON)])
def test_what_somebody_else_named_meanwhile_is_said_and_what_was_typed_stays(
    ada, ben, as_user, position, who, words, is_forged
):
    contract = a_contract_of_two(ada, ben, stage="in_review")
    client = contract.opportunity.client
    others = [begin(Contact(client=client, name=f"Kim {n}", email=f"kim{n}@harbor.example"), by=ada) for n in range(2)]
    old = posted(as_user(ada).get(contract.staff_url()))
    first = with_one_more(posted(as_user(ben).get(contract.staff_url())), others[0], "3")
    assert as_user(ben).post(contract.staff_url(), first).status_code == 302

    form = with_one_more(old, others[who], position) | ({"signatories-INITIAL_FORMS": "0"} if is_forged else {})
    answer = as_user(ada).post(contract.staff_url(), form)
    assert answer.status_code == 200
    assert words in answer.text
    assert f'<option value="{others[who].pk}" selected>' in answer.text
    assert contract.signatories.count() == 3


def test_several_without_a_number_sign_after_everybody_else_in_the_order_of_the_page(ada, ben, as_user):
    contract = a_contract_of_two(ada, ben, stage="draft")
    client, form = contract.opportunity.client, posted(as_user(ada).get(contract.staff_url()))
    for name in ("Kim", "Lou"):
        contact = begin(Contact(client=client, name=name, email=f"{name}@harbor.example"), by=ada)
        form = with_one_more(form, contact)
    assert as_user(ada).post(contract.staff_url(), form).status_code == 302
    assert [(row.position, str(row)) for row in contract.signatories.all()][2:] == [(3, "Kim"), (4, "Lou")]


@pytest.mark.parametrize("number", ["0", "100", "x", "1.5"])
def test_a_number_that_is_none_is_refused_in_words(ada, ben, as_user, number):
    contract = a_contract_of_two(ada, ben, stage="draft")
    form = posted(as_user(ada).get(contract.staff_url())) | {"signatories-0-position": number}
    assert "Type a number from 1 to 99." in as_user(ada).post(contract.staff_url(), form).text


def posted(page) -> dict:
    """Return what a browser would post of a record's page."""
    admin_form = page.context["adminform"].form
    form = {f"{admin_form[name].html_name}": admin_form[name].value() for name in admin_form.fields}
    for rows in page.context["inline_admin_formsets"]:
        form |= {field.html_name: field.value() for field in rows.formset.management_form}
        for row in rows.formset.forms:
            form |= {row[name].html_name: row[name].value() for name in row.fields}
    return {name: value for name, value in form.items() if value is not None and value is not False}


# -- What the database lets stand. -------------------------------------------------------------------------------------


def refused(act, words):
    with pytest.raises(DatabaseError, match=words), transaction.atomic():
        act()
        with connection.cursor() as cursor:
            cursor.execute("set constraints all immediate")


def move_by_hand(contract, stage):
    """Change the stage by SQL, with an event that says so: only what the signatures say stands against it."""
    before = Contract.objects.get(pk=contract.pk).stage
    Event.objects.create(
        diary_id=contract.diary_id,
        verb="contract.by_hand",
        past="moved",
        record_type=contract.label(),
        record_id=contract.pk,
        subject=str(contract),
        **Event.actor_fields(None),
        owner_id=contract.owner_id,
        stage_from=before,
        stage_to=stage,
    )
    with connection.cursor() as cursor:
        cursor.execute("update proposals_contract set stage = %s where id = %s", [stage, contract.pk])


def test_the_database_refuses_signed_while_a_signature_is_missing(ada, ben):
    contract = a_contract_of_two(ada, ben)
    sign(contract, contract.signer)
    refused(lambda: move_by_hand(contract, "signed"), "says it is signed, and 1 of 2 have not signed")


def test_the_database_refuses_sent_when_everybody_has_signed(ada, ben):
    contract = a_contract(ada, approver=ben, stage="sent")
    one = {"contract": contract, "side": "client", "name": "Bo", "consent_version": "1", "consent_text": "Yes"}
    late = {**one, "contact": contract.signer, "at": timezone.now(), "digest": "0" * 64}
    refused(lambda: Signature.objects.create(**late), "Everybody has signed contract .* and it says it is sent")


def test_the_database_refuses_in_force_without_our_signature(ada, ben):
    contract = a_contract(ada, approver=ben, stage="signed")
    refused(lambda: move_by_hand(contract, "active"), "our own signature says otherwise")


def test_the_database_refuses_a_signature_out_of_order_or_of_a_stranger(ada, ben):
    contract = a_contract_of_two(ada, ben)
    tom = contract.signatories.last().contact
    one = {"contract": contract, "side": "client", "name": "Tom", "consent_version": "1", "consent_text": "Yes"}
    one |= {"at": timezone.now(), "digest": "0" * 64}
    refused(lambda: Signature.objects.create(**one, contact=tom), "signed out of order")
    stranger = begin(Contact(client=tom.client, name="Ida", email="ida@harbor.example"), by=ada)
    refused(lambda: Signature.objects.create(**one, contact=stranger), "somebody who is not to sign it")


def test_the_database_refuses_other_signatories_once_it_is_sent(ada, ben):
    contract = a_contract_of_two(ada, ben)
    rows = contract.signatories.order_by("pk")
    refused(lambda: rows.update(position=9), "who signs it does not change any more")
    refused(lambda: rows.last().delete(), "who signs it does not change any more")
    with connection.cursor() as cursor:
        cursor.execute("select count(*) from proposals_signatory where contract_id = %s", [contract.pk])
        assert cursor.fetchone() == (2,)


# -- In time. ----------------------------------------------------------------------------------------------------------


def test_it_can_be_signed_for_a_fortnight_where_nobody_said_otherwise(ada, ben):
    contract = a_contract(ada, approver=ben, stage="sent")
    assert contract.sign_by == publishing.agency_day() + timedelta(days=14)
    publication = Publication.objects.get(pk=contract.publication_id)
    assert publication.open_until == publishing.end_of(contract.sign_by)


def test_a_day_to_sign_by_that_has_passed_is_not_sent(ada, ben):
    contract = a_contract(ada, approver=ben, stage="approved", sign_by=publishing.agency_day())
    Contract.objects.filter(pk=contract.pk).update(sign_by=publishing.agency_day() - timedelta(days=1))
    with pytest.raises(Refused, match="Choose a day to sign by that is still to come"):
        perform(contract.send, by=ada)


def test_a_day_ends_at_midnight_of_the_agency(settings):
    settings.TIME_ZONE = "Europe/Berlin"
    timezone.get_default_timezone.cache_clear()
    try:
        with timezone.override("America/New_York"):
            end = publishing.end_of(datetime(2026, 12, 11).date())
            assert end == datetime(2026, 12, 12, tzinfo=BERLIN)
            assert publishing.agency_day(end - timedelta(seconds=1)) == datetime(2026, 12, 11).date()
            assert publishing.agency_day(end) == datetime(2026, 12, 12).date()
    finally:
        timezone.get_default_timezone.cache_clear()


def test_a_signature_of_the_last_second_counts_and_one_of_the_next_minute_does_not(ada, ben):
    contract = a_contract_of_two(ada, ben)
    first, second = [row.contact for row in contract.signatories.all()]
    end = publishing.end_of(contract.sign_by)
    contract = sign(contract, first, at=end - timedelta(seconds=1))
    with pytest.raises(Refused, match=f"It could be signed until {publishing.spoken(contract.sign_by)}"):
        sign(contract, second, at=end + timedelta(minutes=1))


def test_on_the_day_after_the_owner_gets_a_task_once_and_can_prolong_it(ada, ben, time_machine):
    contract = a_contract(ada, approver=ben, stage="sent")
    time_machine.move_to(publishing.end_of(contract.sign_by) - timedelta(minutes=1), tick=False)
    assert clock.run_out_of_time() == 0
    time_machine.move_to(publishing.end_of(contract.sign_by) + timedelta(minutes=1), tick=False)
    assert [clock.run_out_of_time() for _ in range(2)] == [1, 0]
    contract = Contract.objects.get(pk=contract.pk)
    task = Task.objects.open().about(contract).get()
    assert task.title.startswith("Prolong the contract that nobody signed in time")
    assert Notice.objects.filter(user=ada, kind="breach", words__startswith="Nobody signed").count() == 1
    assert publishing.needs_of(contract.opportunity) == []

    with pytest.raises(Refused, match="still to come"):
        perform(contract.prolong, by=ada, sign_by=contract.sign_by)
    digest = Publication.objects.get(pk=contract.publication_id).digest
    contract = perform(contract.prolong, by=ada, sign_by=publishing.agency_day() + timedelta(days=7))
    publication = Publication.objects.get(pk=contract.publication_id)
    assert publication.open_until == publishing.end_of(contract.sign_by)
    assert publication.digest == digest, "what is signed stays what it was"
    assert "You have more time to sign" in mails(contract, "contract")[-1].body
    assert sign(contract, contract.signer).stage == "signed"


def without_a_last_day(contract):
    """As a contract that was sent before there were last days."""
    Contract.objects.filter(pk=contract.pk).update(sign_by=None, reminded_on=None)
    Publication.objects.get(pk=contract.publication_id).keep_open(None)
    return Contract.objects.get(pk=contract.pk)


def test_a_contract_without_a_last_day_neither_runs_out_nor_reminds_and_says_no_day(ada, ben, time_machine, as_user):
    contract = without_a_last_day(a_contract_of_two(ada, ben))
    first, second = [row.contact for row in contract.signatories.all()]
    time_machine.move_to(timezone.now() + timedelta(days=400))
    counts = clock.run()
    assert (counts["contracts_run_out"], counts["asked_to_sign"]) == (0, 0)
    page = as_user(ada).get(contract.staff_url()).content.decode()
    assert ">None<" not in page
    assert "can sign until" not in page
    assert publishing.needs_of(contract.opportunity)[-1]["what"] == "Read and sign the contract"
    contract = sign(contract, first)
    asked = mails(contract, "contract")[-1]
    assert asked.contact == second
    assert not re.search("None|until", asked.body)
    time_machine.move_to(timezone.now() + timedelta(days=30))
    counts = clock.run()
    assert (counts["contracts_run_out"], counts["asked_to_sign"]) == (0, 0)
    assert sign(contract, second).stage == "signed"


def test_prolonging_gives_a_last_day_to_a_contract_without_one(ada, ben, time_machine, always_at_work):
    contract = without_a_last_day(a_contract(ada, approver=ben, stage="sent"))
    time_machine.move_to(timezone.now() + timedelta(days=400))
    contract = perform(contract.prolong, by=ada, sign_by=publishing.agency_day() + timedelta(days=7))
    publication = Publication.objects.get(pk=contract.publication_id)
    assert publication.open_until == publishing.end_of(contract.sign_by)
    time_machine.move_to(timezone.now() + timedelta(days=4))
    assert clock.remind_to_sign() == 1
    time_machine.move_to(publishing.end_of(contract.sign_by) + timedelta(minutes=1), tick=False)
    assert clock.run_out_of_time() == 1


# -- Reminders. --------------------------------------------------------------------------------------------------------


def days_reminded(contract, time_machine, until, **at):
    """Run the clock three times a day; return the days from sending on which a reminder was written, and for whom."""
    begun, found = publishing.agency_day(contract.sent_at), []
    for day in range(until + 1):
        for hour in (0, 10, 14):
            moment = datetime.combine(begun + timedelta(days=day), datetime.min.time(), timezone.get_default_timezone())
            time_machine.move_to(moment + timedelta(hours=hour, minutes=30), tick=False)
            clock.remind_to_sign()
            clock.run_out_of_time()
        found += [day] * (len(mails(contract, "contract_reminder")) - len(found))
    return found


@pytest.fixture
def always_at_work(monkeypatch):
    """Let every day and hour be one in which they work, where the days are what is looked at."""
    monkeypatch.setattr("proposals.clock.conditions.timing", lambda *args: [])


def test_whoever_is_to_sign_is_reminded_after_quiet_days_and_before_the_last(ada, ben, time_machine, always_at_work):
    contract = a_contract_of_two(ada, ben)
    assert days_reminded(contract, time_machine, 16) == [4, 8, 11, 13]
    assert {message.contact for message in mails(contract, "contract_reminder")} == {contract.signer}
    assert mails(contract, "contract_reminder")[0].purpose == "contractual"
    assert "Tomorrow is the last day." in mails(contract, "contract_reminder")[-1].body


def test_who_signs_next_is_reminded_anew_and_nobody_once_all_have(ada, ben, time_machine, always_at_work):
    contract = a_contract_of_two(ada, ben)
    first, second = [row.contact for row in contract.signatories.all()]
    assert days_reminded(contract, time_machine, 5) == [4]
    contract = sign(contract, first)
    assert clock.remind_to_sign() == 0, "they got their mail today"
    time_machine.move_to(timezone.now() + timedelta(days=4))
    assert clock.remind_to_sign() == 1
    assert mails(contract, "contract_reminder")[-1].contact == second
    sign(contract, second)
    time_machine.move_to(timezone.now() + timedelta(days=4))
    assert clock.remind_to_sign() == 0


@pytest.mark.parametrize("move", ["void", "decline"])
def test_nothing_asks_any_more_for_what_was_voided_or_declined(ada, ben, time_machine, always_at_work, move):
    contract = a_contract(ada, approver=ben, stage="sent")
    assert days_reminded(contract, time_machine, 4) == [4]
    perform(getattr(contract, move), by=ben, reason="Another way.")
    asking = Message.objects.filter(record_id=contract.pk, template__in=publishing.ASKING)
    assert set(asking.values_list("stage", flat=True)) == {"held"}
    time_machine.move_to(timezone.now() + timedelta(days=4))
    assert clock.remind_to_sign() == 0


def test_a_reminder_waits_for_their_working_hours_and_for_a_deal_that_rests(ada, ben, time_machine):
    contract = a_contract(ada, approver=ben, stage="sent")
    edit(contract.signer, by=ada, works_from="09:00", works_to="17:00")
    monday = datetime(2026, 12, 7, 3, tzinfo=ZoneInfo(contract.signer.time_zone))
    Contract.objects.filter(pk=contract.pk).update(sign_by=monday.date() + timedelta(days=1), reminded_on="2026-12-01")
    time_machine.move_to(monday, tick=False)
    assert clock.remind_to_sign() == 0
    time_machine.move_to(monday + timedelta(hours=8), tick=False)
    perform(contract.opportunity.pause, by=ada, reason="They move house.")
    assert clock.remind_to_sign() == 0
    perform(contract.opportunity.resume, by=ada)
    assert clock.remind_to_sign() == 1


# -- Declining. --------------------------------------------------------------------------------------------------------


def door(cursor, function, token, contract, *values):
    publication = Publication.objects.get(pk=contract.publication_id)
    marks = ", ".join(["%s"] * (len(values) + 5))
    given = [token, publication.pk, *values, publication.digest, "10.0.0.1", "test"]
    return cursor.execute(f"select {function}({marks})", given).fetchone()[0]


def at_the_portal(cursor, contract, token, version=SIGN_VERSION):
    return door(cursor, "portal_sign", token, contract, "Bo Larsen", "Owner", version)


def say_no(cursor, contract, token, words="The liability is too high for us."):
    return door(cursor, "portal_decline_contract", token, contract, words)


@pytest.mark.django_db(transaction=True)
def test_a_no_at_the_portal_declines_it_keeps_the_reason_and_tells_everyone(ada, ben, portal_cursor):
    contract = a_contract_of_two(ada, ben)
    session = signed_in(portal_cursor, contract.signer.email)
    assert say_no(portal_cursor, contract, session) == "declined"
    assert at_the_portal(portal_cursor, contract, session) == "declined", "nobody signs it from then on"
    assert say_no(portal_cursor, contract, session) == "declined"
    with pytest.raises(Refused, match="just answered"):
        perform(contract.void, by=ben, reason="At the same moment.")
    inbox.read()
    contract = Contract.objects.get(pk=contract.pk)
    assert contract.stage == "declined"
    assert Event.objects.get(verb="contract.decline").contact == contract.signer
    objection = Objection.objects.get(record_id=contract.pk)
    assert (objection.words, objection.raised_by) == ("The liability is too high for us.", contract.signer)
    (told,) = mails(contract, "contract_declined")
    assert (told.contact.name, told.stage) == ("Tom Reyes", "queued")
    assert "The reason: “The liability is too high for us.”" in told.body
    for user in (ada, ben):
        assert Notice.objects.filter(user=user, words__contains="The liability is too high for us.").exists()
    assert at_the_portal(portal_cursor, contract, session) == "declined"


@pytest.mark.parametrize(("typed", "is_told"), [("Somebody Else Entirely", True), ("B. Larsen", False)])
def test_the_owner_is_told_of_a_signature_in_another_name(ada, ben, typed, is_told):
    contract = a_contract(ada, approver=ben, stage="sent")
    sign(contract, contract.signer, name=typed)
    said = Notice.objects.filter(user=ada, words__contains=f"They typed “{typed}”, which is not their name")
    assert said.exists() is is_told


# -- Who hears of it. --------------------------------------------------------------------------------------------------


def test_the_mail_that_asks_to_sign_leads_to_the_contract_itself(ada, ben):
    contract = a_contract(ada, approver=ben, stage="sent")
    (asked,) = mails(contract, "contract")
    assert f"/portal/contracts/{contract.publication_id}/\n" in asked.body
    assert ">Open the contract<" in letters.as_page(asked.subject, asked.body)


def test_whoever_signed_hears_of_each_signature_after_theirs_once(ada, ben):
    contract = a_contract_of_two(ada, ben)
    first, second = [row.contact for row in contract.signatories.all()]
    contract = sign(contract, first)
    assert mails(contract, "contract_signed") == [], "nobody signed before the first"
    sign(contract, second)
    (told,) = mails(contract, "contract_signed")
    assert (told.contact, told.subject) == (first, f"Tom Reyes has signed: {contract.number}")
    assert "Tom Reyes has signed the contract" in told.body
    assert "Zarts signs next." in told.body


def test_the_reason_of_a_no_is_words_and_no_button_in_a_mail_of_ours(ada, ben):
    contract = a_contract_of_two(ada, ben)
    first, second = [row.contact for row in contract.signatories.all()]
    sign(contract, first)
    perform(contract.decline, by=second, reason="No.\n\nhttps://evil.example/pay\n\nTom")
    (told,) = mails(contract, "contract_declined")
    assert told.contact == first
    assert "The reason: “No. https: //evil. example/pay Tom”" in told.body
    outbox.run()
    page = next(one for one in mail.outbox if first.email in one.to[0] and "declined" in one.subject).alternatives[0][0]
    assert "Open the page" not in page
    assert "evil.example" not in page
    assert not any("evil.example" in f"{one.subject}{one.body}" for one in mail.outbox), "nor in a mail to one of us"


def test_what_staff_note_of_a_no_stays_with_us(ada, ben):
    contract = a_contract_of_two(ada, ben)
    perform(contract.decline, by=ada, reason="Their bookkeeper is against us.")
    assert mails(contract, "contract_declined") == []


@pytest.mark.parametrize("signed", [0, 1, 2])
def test_everybody_who_was_to_sign_hears_once_that_a_contract_was_withdrawn_and_not_our_reason(ada, ben, signed):
    contract = a_contract_of_two(ada, ben)
    everybody = [row.contact for row in contract.signatories.all()]
    for who in everybody[:signed]:
        contract = sign(contract, who)
    perform(contract.void, by=ben, reason="They cannot pay.")
    told = mails(contract, "contract_voided")
    assert [one.contact for one in told] == everybody
    for one in told:
        assert (one.stage, one.purpose) == ("queued", "contractual")
        assert one.subject == f"The contract was withdrawn: {contract.number}"
        assert f"We have withdrawn the contract “{contract.proposal.title}”, so it is not signed now." in one.body
        assert "You need not do anything." in one.body
        assert ("Your signature" in one.body) is (one.contact in everybody[:signed])
        assert "cannot pay" not in one.body
    asked = [one.stage for template in ("contract", "contract_reminder") for one in mails(contract, template)]
    assert "queued" not in asked


def test_nobody_hears_of_the_end_of_a_contract_that_was_never_sent(ada, ben):
    contract = a_contract_of_two(ada, ben, stage="approved")
    perform(contract.void, by=ben, reason="Other terms.")
    assert mails(contract, "contract_voided") == []


def test_everybody_who_was_to_sign_hears_once_that_the_day_to_sign_by_has_passed(ada, ben, time_machine):
    contract = a_contract_of_two(ada, ben)
    first, second = [row.contact for row in contract.signatories.all()]
    contract = sign(contract, first)
    time_machine.move_to(publishing.end_of(contract.sign_by) + timedelta(hours=1), tick=False)
    assert (clock.run_out_of_time(), clock.run_out_of_time()) == (1, 0)
    told = mails(contract, "contract_run_out")
    assert [(one.contact, one.stage) for one in told] == [(first, "queued"), (second, "queued")]
    for one in told:
        assert one.subject == f"No longer open to sign: {contract.number}"
        assert f"could be signed until {publishing.spoken(contract.sign_by)}. That day has passed" in one.body
        assert "You need not do anything" in one.body
    assert "Your signature" in told[0].body
    assert "Your signature" not in told[1].body
    perform(Contract.objects.get(pk=contract.pk).void, by=ben, reason="Nobody signed.")
    assert mails(contract, "contract_voided") == [], "they know"


def test_a_contract_that_is_prolonged_and_runs_out_again_is_told_again(ada, ben, time_machine):
    contract = a_contract(ada, approver=ben, stage="sent")
    for _ in range(2):
        time_machine.move_to(publishing.end_of(contract.sign_by) + timedelta(hours=1), tick=False)
        clock.run_out_of_time()
        contract = Contract.objects.get(pk=contract.pk)
        contract = perform(contract.prolong, by=ada, sign_by=publishing.agency_day() + timedelta(days=5))
    told = mails(contract, "contract_run_out")
    assert len(told) == 2
    assert "queued" not in [one.stage for one in told], "it is open again, and the mail of that says so"


def test_whoever_left_hears_nothing_of_it(ada, ben):
    contract = a_contract_of_two(ada, ben)
    second = contract.signatories.last().contact
    edit(second, by=ada, left_on=timezone.localdate())
    perform(contract.void, by=ben, reason="Another way.")
    assert [one.contact for one in mails(contract, "contract_voided")] == [contract.signer]


def test_everybody_who_signed_gets_the_sealed_copy_by_mail_once(ada, ben):
    contract = a_contract_of_two(ada, ben)
    first, second = [row.contact for row in contract.signatories.all()]
    contract = sign(sign(contract, first), second)
    outbox.run()
    mail.outbox.clear()
    contract = perform(contract.countersign, by=ben)
    with pytest.raises(Refused):
        perform(contract.countersign, by=ben)
    assert [message.contact for message in mails(contract, "contract_sealed")] == [first, second]
    for _ in range(2):
        outbox.run()
    sealed = bytes(Paper.objects.get(kind="sealed").bytes)
    assert [one.to[0].split("<")[1] for one in mail.outbox] == [f"{first.email}>", f"{second.email}>"]
    for one in mail.outbox:
        assert one.subject == f"Signed by everybody: {contract.number}"
        ((name, file, kind),) = one.attachments
        assert (name, file, kind) == (f"Zarts-{contract.number}-signed.pdf", sealed, "application/pdf")
        assert "The sealed copy is attached." in one.body
        address = f"/portal/contracts/{contract.publication_id}/"
        assert f"{address}\n" in one.body
        assert f'{address}"' in one.alternatives[0][0], "the page has a link, too"


def test_a_large_copy_is_fetched_and_whoever_left_gets_none(ada, ben, monkeypatch):
    monkeypatch.setattr(publishing, "ATTACHED", 1000)
    contract = a_contract_of_two(ada, ben)
    first, second = [row.contact for row in contract.signatories.all()]
    contract = sign(sign(contract, first), second)
    edit(second, by=ada, left_on=publishing.agency_day())
    contract = perform(contract.countersign, by=ben)
    (message,) = mails(contract, "contract_sealed")
    outbox.run()
    (sent,) = [one for one in mail.outbox if one.subject == message.subject]
    assert (message.contact, sent.attachments) == (first, [])
    assert "attached" not in sent.body


@pytest.mark.django_db(transaction=True)
def test_a_page_that_is_older_than_a_signature_voids_nothing(ada, ben, portal_cursor, as_user):
    contract = a_contract_of_two(ada, ben)
    session = signed_in(portal_cursor, contract.signer.email)
    sign_now = partial(at_the_portal, portal_cursor, contract, session)
    late = pressed_late(as_user(ben), contract, "void", sign_now, reason="Another offer comes.")
    assert (late.status_code, "was taken up again since this page was opened" in late.text) == (409, True)
    assert (Contract.objects.get(pk=contract.pk).stage, Signature.objects.count()) == ("sent", 1)


# -- The door. ---------------------------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_the_door_lets_only_the_next_one_sign_once_and_in_time(ada, ben, portal_cursor):
    contract = a_contract_of_two(ada, ben)
    first, second = [row.contact for row in contract.signatories.all()]
    publishing.admit(second)
    one, other = signed_in(portal_cursor, first.email), None
    portal_cursor.execute("select portal_request_sign_in(%s, '10.0.0.1')", [second.email])
    inbox.read()
    link = re.search(r"/portal/enter/([\w-]{43})\n", mail.outbox[-1].body)[1]
    other = "t" * 43
    portal_cursor.execute("select portal_sign_in(%s, %s)", [link, token_hash(other)])

    assert at_the_portal(portal_cursor, contract, other) == "waiting"
    assert at_the_portal(portal_cursor, contract, one, version="sign-2020-01") == "words"
    assert at_the_portal(portal_cursor, contract, one) == "signed"
    assert at_the_portal(portal_cursor, contract, one) == "already"
    assert say_no(portal_cursor, contract, one) == "already"
    # The clock's task has not run, and a process whose clock is wrong does not matter: the door asks the database's.
    publication = Publication.objects.get(pk=contract.publication_id)
    publication.keep_open(timezone.now() - timedelta(seconds=1))
    assert at_the_portal(portal_cursor, contract, other) == "expired"
    assert say_no(portal_cursor, contract, other) == "expired"
    publication.keep_open(timezone.now() + timedelta(hours=1))
    assert at_the_portal(portal_cursor, contract, other) == "signed"
    inbox.read()
    assert Contract.objects.get(pk=contract.pk).stage == "signed"


@pytest.mark.django_db(transaction=True)
def test_the_door_takes_no_signature_of_what_was_voided(ada, ben, portal_cursor):
    contract = a_contract(ada, approver=ben, stage="sent")
    session = signed_in(portal_cursor, contract.signer.email)
    perform(contract.void, by=ben, reason="Another offer comes.")
    assert at_the_portal(portal_cursor, contract, session) == "withdrawn"
    assert say_no(portal_cursor, contract, session) == "withdrawn"
    assert not ClientAction.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_a_second_way_in_of_the_same_person_is_no_second_signature(ada, ben, portal_cursor):
    contract = a_contract(ada, approver=ben, stage="sent")
    session = signed_in(portal_cursor, contract.signer.email)
    assert at_the_portal(portal_cursor, contract, session) == "signed"
    Guest.objects.create(
        client_id=contract.opportunity.client_id,
        contact_id=contract.signer.pk,
        name="Bo",
        email="bo.private@harbor.example",
    )
    portal_cursor.execute("select portal_request_sign_in('bo.private@harbor.example', '10.0.0.1')")
    inbox.read()
    link = re.search(r"/portal/enter/([\w-]{43})\n", mail.outbox[-1].body)[1]
    portal_cursor.execute("select portal_sign_in(%s, %s)", [link, token_hash("u" * 43)])
    assert at_the_portal(portal_cursor, contract, "u" * 43) == "already"


# -- Never signed but pending. -----------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_a_signature_that_was_not_taken_is_found_shown_and_taken(ada, ben, eve, portal_cursor, as_user):
    contract = a_contract(ada, approver=ben, stage="sent")
    session = signed_in(portal_cursor, contract.signer.email)
    assert at_the_portal(portal_cursor, contract, session) == "signed"
    assert inbox.mend_signatures() == 0, "nobody has read it yet: the inbox takes it"
    # Somebody wrote it off by hand.
    ClientAction.objects.filter(verb="signed").update(handled_at=timezone.now(), outcome="Lost.")
    (found,) = inbox.untaken_contracts(pulse.MOST)
    assert found["contract"] == contract
    assert "Signed at the portal, and not taken" in as_user(eve).get("/admin/due/").content.decode()
    assert clock.run()["signatures_mended"] == 1
    assert Contract.objects.get(pk=contract.pk).stage == "signed"
    assert inbox.untaken_contracts(pulse.MOST) == []
    assert clock.run()["signatures_mended"] == 0


@pytest.mark.django_db(transaction=True)
def test_a_signature_that_cannot_be_taken_asks_the_owner_once_and_is_tried_again(ada, ben, portal_cursor):
    contract = a_contract(ada, approver=ben, stage="sent")
    session = signed_in(portal_cursor, contract.signer.email)
    assert at_the_portal(portal_cursor, contract, session) == "signed"
    row = ClientAction.objects.get(verb="signed")
    moved = Contract.objects.get(pk=contract.pk)
    Contract.objects.filter(pk=contract.pk).update(publication_id=moved.publication_id + 1)
    inbox.read()
    assert [inbox.mend_signatures() for _ in range(3)] == [0, 0, 0]
    assert Task.objects.open().filter(title__contains="was not taken").count() == 1
    Contract.objects.filter(pk=contract.pk).update(publication_id=moved.publication_id)
    assert inbox.mend_signatures() == 1
    row.refresh_from_db()
    assert row.outcome == "Signed."


@pytest.mark.django_db(transaction=True)
def test_words_that_we_never_showed_are_signed_by_nobody(ada, ben, as_owner, portal_cursor):
    contract = a_contract(ada, approver=ben, stage="sent")
    session = signed_in(portal_cursor, contract.signer.email)
    assert at_the_portal(portal_cursor, contract, session) == "signed"
    as_owner('update portal_clientaction set data = \'{"consent": {"version": "x", "text": "All is free."}}\'')
    inbox.read()
    assert Contract.objects.get(pk=contract.pk).stage == "sent"
    assert "words that we never showed" in ClientAction.objects.get(verb="signed").outcome


def test_a_mail_that_asks_for_a_signature_goes_through_the_outbox(ada, ben):
    contract = a_contract_of_two(ada, ben)
    outbox.run()
    sign(contract, contract.signer)
    outbox.run()
    (asked,) = [message for message in mail.outbox if "tom@harbor.example" in message.to[0]]
    assert "now it is your turn" in asked.body


def test_somebody_who_left_is_not_sent_anything_to_sign(ada, ben):
    contract = a_contract_of_two(ada, ben, stage="approved")
    tom = contract.signatories.last().contact
    edit(tom, by=ada, left_on=publishing.agency_day())
    with pytest.raises(Refused, match="Tom Reyes is to sign and cannot be reached"):
        perform(contract.send, by=ada)
    assert approve_all(contract, ben).stage == "approved"
