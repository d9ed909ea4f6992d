"""What a program writes: within its token's scope and its person's reach, once, and named in the diary."""

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from decimal import Decimal
from functools import partial
from threading import Barrier

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.utils import timezone

from opportunities.models import Contact, Event, Lead, Message, Note, Notice, Source, Task
from proposals.models import PaymentProof
from tests.api.conftest import problem
from tests.makers import a_lead, an_opportunity
from tests.makers_proposals import a_contract
from zarts.api import once, refusals
from zarts.api.models import Call
from zarts.reads.models import Token

pytestmark = pytest.mark.django_db

BO = {"name": "Bo Larsen", "company": "Harbor Dental", "email": "bo@harbor-dental.example"}


def made(answer):
    assert answer.status_code == 201, answer.content
    assert answer["Cache-Control"] == "no-store"
    return answer.json()


# -- Leads. ------------------------------------------------------------------------------------------------------------


def test_a_lead_comes_in_as_its_persons_with_a_task_and_is_told_of_in_the_diary(program, ada):
    mine = program(ada)
    answer = mine.post("leads", {**BO, "website": "harbor-dental.example", "reference": "CRM-7", "words": "Help us."})
    said, lead = made(answer), Lead.objects.get()
    assert (lead.owner, lead.external_ref, lead.website) == (ada, "CRM-7", "https://harbor-dental.example")
    assert str(lead.source) == "Ledger"
    assert Task.objects.get(lead=lead).title == f"Answer the inquiry: {lead}"
    assert lead.due_on == timezone.localdate() + timedelta(days=1)
    event = Event.objects.get(verb="lead.create")
    assert (event.actor, event.actor_name, event.past) == (ada, "Ada through Ledger", "brought in")
    assert (said["id"], said["stage"], said["alike"]) == (lead.pk, "new", [])
    seen = Client(headers=mine.headers).get(answer["Location"])
    assert seen.json() == {name: value for name, value in said.items() if name != "alike"}


def test_a_lead_of_a_service_goes_to_growth_ops_and_the_diary_names_the_service(program, ada):
    Source.objects.filter(name="Trade fair").exists() or Source(name="Trade fair", kind="event").save()
    service = program(ada, "write:leads", name="Website", is_service=True)
    made(service.post("leads", {**BO, "source": "trade FAIR", "arrived_at": "2026-01-31T09:30:00+02:00"}))
    lead = Lead.objects.get()
    assert (lead.owner, str(lead.source), lead.arrived_at.hour) == (ada, "Trade fair", 7)
    for verb in ("lead.create", "task.create"):
        event = Event.objects.get(verb=verb)
        assert (event.actor_kind, event.actor, event.actor_name) == ("system", None, "Program Website")


def test_who_is_here_already_is_told_and_what_is_beyond_ones_reach_only_whose_it_is(program, ada, cem):
    mine, theirs = a_lead(ada, email="bo@a.example"), a_lead(cem, email="bo@a.example")
    alike = made(program(ada).post("leads", {"name": "Bo", "email": "bo@a.example"}))["alike"]
    assert {"kind": "lead", "id": mine.pk, "words": "Same mail address: bo@a.example"} in [
        {**one, "words": one["words"].split(" · ")[0]} for one in alike
    ]
    assert {"kind": "lead", "id": None, "words": f"Somebody else’s lead: ask {cem}."} in alike
    assert theirs.pk not in [one["id"] for one in alike]


def test_one_reference_comes_in_once(program, ada):
    mine = program(ada)
    first = made(mine.post("leads", {**BO, "reference": "CRM-7"}))
    again = problem(mine.post("leads", {**BO, "reference": "CRM-7"}), 409)
    assert again["detail"].endswith(f"It is number {first['id']}.")
    assert Lead.objects.count() == 1


# -- Messages and notes. -----------------------------------------------------------------------------------------------


def test_a_call_is_filed_a_mail_waits_as_a_draft_and_a_note_stays_internal(program, ada, as_user):
    deal, mine = an_opportunity(ada), program(ada)
    about = {"contact": deal.decision_owner_id, "opportunity": deal.pk, "subject": "Prices", "body": "They agree."}
    talk = made(mine.post("messages", {**about, "channel": "call", "happened_at": "2026-01-31T09:30:00Z"}))
    mail = made(mine.post("messages", {**about, "channel": "mail"}))
    assert [(one["channel"], one["stage"]) for one in (talk, mail)] == [("call", "received"), ("mail", "draft")]
    assert mine.get(f"messages/{mail['id']}").json() == mail
    row = Message.objects.get(pk=talk["id"])
    assert (row.owner, row.client, row.body) == (ada, deal.client, "They agree.")
    told = Event.objects.filter(record_type="opportunities.message", record_id=row.pk).order_by("pk")
    assert [(event.actor_name, event.past) for event in told] == [
        ("Ada through Ledger", "wrote down"),
        ("ZartsAlgo", "received"),
    ]

    note = made(mine.post("notes", {"opportunity": deal.pk, "kind": "meeting", "words": "They  are\r\nhappy. "}))
    assert mine.get(f"notes/{note['id']}").json() == note
    row = Note.objects.get()
    assert (row.author, row.kind, row.words, row.opportunity) == (ada, "meeting", "They  are\nhappy.", deal)
    lead = a_lead(ada)
    service = program(ada, is_service=True, name="Phone")
    said = made(service.post("notes", {"lead": lead.pk, "words": "Rang twice."}))
    assert (Event.objects.latest("pk").actor_name, note["author"]) == ("Program Phone", "Ada")
    assert said["author"] == "Program Phone, for which Ada answers"
    assert said["author"] in as_user(ada).get(said["url"].removeprefix("http://localhost:8000")).content.decode()

    # What it writes is somebody's to answer for: no longer than they may write it, and work here.
    ada.groups.clear()
    refused = problem(service.post("notes", {"lead": lead.pk, "words": "Again."}), 403)["detail"]
    assert refused.startswith("The role of Ada, who answers for Phone, does not include this.")
    type(ada).objects.filter(pk=ada.pk).update(is_active=False)
    assert "Nobody answers for Phone" in problem(service.post("notes", {"lead": lead.pk, "words": "x"}), 403)["detail"]


def test_nobody_writes_beyond_their_reach_or_their_role(program, ada, cem, dora, ann):
    deal = an_opportunity(ada)
    words = {"contact": deal.decision_owner_id, "channel": "call", "subject": "Prices", "body": "They agree."}
    theirs = program(cem)
    assert "no contact with this number" in problem(theirs.post("messages", words), 422)["fields"]["contact"]
    said = problem(theirs.post("notes", {"opportunity": deal.pk, "words": "Mine now"}), 422)["fields"]
    assert said == {"opportunity": "There is no opportunity with this number that you may see."}
    note = made(program(ada).post("notes", {"opportunity": deal.pk, "words": "Ours"}))
    problem(theirs.get(f"notes/{note['id']}"), 404)
    problem(theirs.get(f"leads/{deal.leads.get().pk}"), 404)
    # Ann reads everything and changes nothing; Dora brings in no leads.
    assert "The role of Ann does not include this" in problem(program(ann).post("messages", words), 403)["detail"]
    problem(program(dora).post("leads", BO), 403)
    other = Contact.objects.get(pk=an_opportunity(ada).decision_owner_id)
    crossed = problem(program(ada).post("messages", {**words, "contact": other.pk, "opportunity": deal.pk}), 422)
    assert "this deal is theirs" in crossed["fields"]["contact"]
    assert not Message.objects.exists()


# -- Payments. ---------------------------------------------------------------------------------------------------------


def test_a_payment_goes_its_way_and_what_it_refuses_is_refused_in_its_words(program, ada, ben, cem, dora):
    contract = a_contract(ada, approver=ben, stage="sent")
    here, mine = f"payments/{contract.number}", program(ada)
    day = timezone.localdate()
    shown = {"reference": "SEPA 4711", "happened_on": str(day - timedelta(days=8)), "link": "https://pay.example/4711"}
    early = problem(mine.post(f"{here}/paid", shown), 409)
    assert early["detail"] == f"First payment of {contract.number} is not due. It takes now: invoiced, waived."
    made(mine.post(f"{here}/invoiced", {"invoice": "2026-17", "due_on": str(day)}))
    bad = problem(mine.post(f"{here}/paid", {**shown, "link": "none"}), 422)
    assert "Write the whole address" in bad["fields"]["link"]
    for amount in ("0", "-5", "1e3", "1.234", "nan", 5):
        assert "paid" in problem(mine.post(f"{here}/part-paid", {**shown, "paid": amount}), 422)["fields"]
    part = made(mine.post(f"{here}/part-paid", {**shown, "paid": "100.00"}))
    assert (part["stage"], part["paid"], part["due_on"]) == ("part_paid", "100.00", str(day))
    again = problem(mine.post(f"{here}/part-paid", {**shown, "paid": "100.00"}), 409)
    assert "was recorded already: 100.00 USD" in again["detail"]
    shown["reference"] = "SEPA 4712"
    too_much = problem(mine.post(f"{here}/part-paid", {**shown, "paid": part["amount"]}), 422)
    assert too_much["fields"] == {"paid": "That is all of it: record it as paid instead."}
    ahead = problem(mine.post(f"{here}/paid", {**shown, "happened_on": "2149-01-01"}), 422)
    assert "It cannot lie ahead" in ahead["fields"]["happened_on"]
    assert "From the day after it is overdue" in problem(mine.post(f"{here}/overdue", {}), 409)["detail"]
    with time_machine.travel(timezone.now() + timedelta(days=1)):
        made(mine.post(f"{here}/overdue", {}))

    problem(program(dora, "write:payments", name="Bank", is_service=True).post(f"{here}/paid", shown), 403)
    service = program(ben, "write:payments", name="Bank", is_service=True)
    assert made(service.post(f"{here}/paid", shown))["stage"] == "paid"
    assert Event.objects.get(verb="payment.pay").actor_name == "Program Bank"
    assert [proof.amount for proof in PaymentProof.objects.order_by("pk")] == [
        Decimal("100.00"),
        contract.payment.amount - 100,
    ]

    back = {**shown, "reason": "We were late."}
    assert "A person decides this" in problem(service.post(f"{here}/refunded", back), 403)["detail"]
    assert "may not do this: Refund" in problem(mine.post(f"{here}/refunded", back), 403)["detail"]
    assert made(program(ben).post(f"{here}/refunded", back))["stage"] == "refunded"
    assert Event.objects.get(verb="payment.refund").actor_name == "Ben through Ledger"
    problem(program(cem).get(here), 404)
    problem(program(cem).post(f"{here}/waived", {"reason": "Friends"}), 404)
    problem(mine.get("payments/C-9999"), 404)


# -- Once. -------------------------------------------------------------------------------------------------------------


def test_the_same_call_again_gets_the_same_answer_and_makes_nothing(program, ada, cem, monkeypatch):
    mine = program(ada)
    first = mine.post("leads", BO, key="k1")
    again = mine.post("leads", BO, key="k1")
    assert (again.content, again.status_code, again["Location"]) == (first.content, 201, first["Location"])
    assert ("Idempotent-Replayed" in first, again["Idempotent-Replayed"]) == (False, "true")
    for other in ({**BO, "name": "Bea"}, {**BO, "words": "x"}):
        said = problem(mine.post("leads", other, key="k1"), 422)
        assert "came before, with another call" in said["fields"]["Idempotency-Key"]
    problem(mine.post("notes", BO, key="k1"), 422)
    assert Lead.objects.count() == 1
    # One program's keys are not another's; and what was refused leaves its key free.
    made(program(cem).post("leads", BO, key="k1"))
    problem(mine.post("leads", {**BO, "email": "none"}, key="k2"), 422)
    made(mine.post("leads", BO, key="k2"))

    # A day later the key is free; the clock forgets what is left.
    Call.objects.filter(key="k1").update(at=timezone.now() - timedelta(hours=25))
    assert "Idempotent-Replayed" not in mine.post("leads", BO, key="k1")
    assert (once.forget(), Call.objects.count()) == (1, 2)

    monkeypatch.setattr(once, "AN_HOUR", 2)
    many = mine.post("leads", BO)
    assert (problem(many, 429)["title"], many["Retry-After"]) == ("Too many calls", "600")
    assert mine.post("leads", BO, key="k1")["Idempotent-Replayed"] == "true"


@pytest.mark.django_db(transaction=True)
def test_of_the_same_call_twice_at_a_time_one_is_made(program, ada):
    mine, at_once = program(ada), Barrier(2)

    def call(_):
        at_once.wait()
        try:
            return mine.post("leads", BO, key="twice")
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(call, range(2)))
    assert [answer.status_code for answer in answers] == [201, 201]
    assert len({answer.content for answer in answers}) == 1
    assert sorted("Idempotent-Replayed" in answer for answer in answers) == [False, True]
    assert Lead.objects.count() == 1


# -- Tokens. -----------------------------------------------------------------------------------------------------------


def test_only_a_token_with_the_scope_opens_and_no_cookie(program, ada, as_user):
    reader = program(ada, "read:*.*", "write:notes")
    assert "It needs write:leads, and has read:*.*, write:notes." in problem(reader.post("leads", BO), 403)["detail"]
    problem(reader.get("leads/1"), 403)
    browser = as_user(ada)
    refused = browser.post("/api/leads", BO, content_type="application/json", headers={"idempotency-key": "k"})
    assert "Send a token" in problem(refused, 401)["detail"]
    assert refused["WWW-Authenticate"].startswith("Bearer")
    problem(browser.get("/api/leads/1"), 401)
    mine = program(ada)
    mine.row.revoke("Eve")
    assert "was revoked on" in problem(mine.post("leads", BO), 401)["detail"]
    assert browser.get("/api/openapi.json").status_code == 200
    assert not Lead.objects.exists()


def test_one_makes_a_token_for_what_one_may_write_and_a_service_has_somebody_who_may(ada, ben, dora, eve, as_user):
    page, form = "/admin/tokens/", {"name": "Ledger", "days": "30"}
    browser = as_user(dora)
    assert [name for name, _ in browser.get(page).context["form"].fields["writes"].choices] == ["messages"]
    assert browser.post(page, {**form, "writes": ["payments"]}).status_code == 422
    assert as_user(ada).post(page, {**form, "writes": ["leads", "payments"]}).status_code == 200
    assert Token.objects.get().scopes == ["write:leads", "write:payments"]

    browser, service = as_user(eve), {**form, "writes": ["leads"], "reads_for": "service"}
    for who, field in (("me", "writes"), ("service", "owner")):
        errors = browser.post(page, {**service, "reads_for": who}).context["form"].errors
        assert errors == {field: ["Eve may not write new leads. Choose somebody who may, or leave it out."]}
    assert browser.post(page, {**service, "owner": ben.pk}).status_code == 200
    row, token = Token.objects.latest("pk"), browser.post(page, {**service, "owner": ben.pk}).context["token"]
    assert (row.owner, Token.objects.count()) == (ben, 3)

    # Nobody answers for what they did not say that they do.
    row = Token.objects.latest("pk")
    headers = {"authorization": f"Bearer {token}", "idempotency-key": "k"}
    call = partial(browser.post, "/api/leads", BO, content_type="application/json", headers=headers)
    assert "Ben is to answer for Ledger, and has not said so yet" in problem(call(), 403)["detail"]
    assert Notice.objects.filter(user=ben, words__startswith="Eve asks you to answer for Ledger").count() == 2
    assert "Did not agree yet" in browser.get(page).content.decode()
    assert browser.post(f"{page}{row.pk}/answer/").status_code == 404
    assert "I answer for it" in as_user(ben).get(page).content.decode()
    assert as_user(ben).post(f"{page}{row.pk}/answer/").status_code == 302
    made(call())


# -- Bad input. --------------------------------------------------------------------------------------------------------

EMPTY = "Fill this in."


@pytest.mark.parametrize(
    ("body", "field", "words"),
    [
        ({}, "name", EMPTY),
        ({"name": ""}, "name", EMPTY),
        ({"name": " \u200b "}, "name", EMPTY),
        ({"name": 7}, "name", "Send text."),
        ({"name": "a\0b"}, "name", "Remove what is no letter here"),
        ({"name": "\ud800"}, "name", "Remove what is no letter here"),
        ({"name": "Bo\nLarsen"}, "name", "Write this in one line."),
        ({"name": "Bo", "company": "Harbor\r\nBcc: a@b.example"}, "company", "Write this in one line."),
        ({"name": "Bo", "next_action": "Call\u2028them"}, "next_action", "Write this in one line."),
        ({"name": "x" * 121}, "name", "Shorten this to 120 letters."),
        ({"nom": "Bo"}, "nom", "There is no such field."),
        ({"name": "Bo", "email": "bo"}, "email", "Write a mail address"),
        ({"name": "Bo", "website": "a b"}, "website", "Write the whole address"),
        ({"name": "Bo", "due_on": "2026-02-30"}, "due_on", "Choose a day that there is"),
        ({"name": "Bo", "due_on": 0}, "due_on", "Choose a day that there is"),
        ({"name": "Bo", "due_on": "9999-12-31"}, "due_on", "Check the year."),
        ({"name": "Bo", "due_on": "2020-01-01"}, "due_on", "Choose a day that is still to come."),
        ({"name": "Bo", "arrived_at": "2026-01-31T09:30:00"}, "arrived_at", "with its zone"),
        ({"name": "Bo", "arrived_at": "2140-01-31T09:30:00Z"}, "arrived_at", "Choose a time that has passed"),
        ({"name": "Bo", "source": "Nowhere"}, "source", "Name a source that stands under Sources"),
        ({"name": "Bo", "owner": "dora@zarts.example"}, "owner", "somebody who works on leads"),
        ([], "sent", "Send one JSON object."),
    ],
)
def test_what_is_wrong_is_said_at_its_field(body, field, words, program, ada, dora):
    said = problem(program(ada).post("leads", body), 422)
    if field == "sent":
        field = next(iter(said["fields"]))
    assert words in said["fields"][field], said
    assert not Lead.objects.exists()
    assert not Call.objects.exists()


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        ("{", "application/json", 400),
        ("[" * 50_000, "application/json", 400),
        ('{"name": ' + "9" * 5000 + "}", "application/json", 400),
        (b"\xff\xfe\x00", "application/json", 400),
        ("", "application/json", 415),
        ("null", "application/json", 422),
        ('{"name": NaN}', "application/json", 422),
        ("x" * 1_000_000, "application/json", 413),
        ("name=Bo", "application/x-www-form-urlencoded", 415),
        ("{}", "text/plain", 415),
    ],
)
def test_what_is_no_call_is_refused_before_it_is_understood(body, kind, status, program, ada):
    problem(program(ada).post("leads", body, kind=kind), status)


def test_a_call_says_how_long_it_is(program, ada):
    for length, status in (("", 411), ("abc", 400), ("1_0", 400), ("-1", 400), ("9" * 30, 400), ("9" * 9, 413)):
        bare = Client(headers=program(ada).headers)
        answer = bare.post("/api/leads", json.dumps(BO), content_type="application/json", CONTENT_LENGTH=length)
        problem(answer, status)


def test_a_token_that_is_refused_too_often_is_heard_no_more_for_an_hour(program, ada, monkeypatch):
    monkeypatch.setattr(refusals, "MOST", 3)
    mine = program(ada, "write:leads")
    for path, body, status in (("leads", {}, 422), ("notes", {}, 403), ("leads", [], 422)):
        problem(mine.post(path, body), status)
    many = mine.post("leads", BO)
    assert "was refused 3 times within the hour" in problem(many, 429)["detail"]
    assert 0 < int(many["Retry-After"]) <= 3600
    made(program(ada).post("leads", BO))
    with time_machine.travel(timezone.now() + timedelta(hours=1, minutes=1)):
        made(mine.post("leads", BO))
        problem(mine.post("leads", {}), 422)
        made(mine.post("leads", BO))


def test_a_key_is_plain_letters_and_there_must_be_one(program, ada):
    mine = program(ada)
    for key in ("x" * 201, "a b", "\u00e9"):
        assert "1 to 200 plain letters" in problem(mine.post("leads", BO, key=key), 422)["fields"]["Idempotency-Key"]
    bare = Client(headers=mine.headers).post("/api/leads", json.dumps(BO), content_type="application/json")
    assert problem(bare, 422)["fields"] == {"Idempotency-Key": EMPTY}


def test_the_manual_says_what_stands_in_an_address(as_user, ada):
    page = as_user(ada).get("/admin/api/").text
    assert "<code>{contract}</code></dt><dd>The number of the contract, such as C-0007." in page


def test_other_methods_and_addresses_are_refused_as_problems(program, ada):
    mine = program(ada)
    answer = mine.get("leads")
    assert (problem(answer, 405)["detail"], answer["Allow"]) == ("Only POST is answered here.", "POST")
    for method in ("put", "delete", "options", "patch", "trace"):
        answer = getattr(Client(headers=mine.headers), method)("/api/leads")
        assert (problem(answer, 405)["detail"], answer["Allow"]) == ("Only POST is answered here.", "POST")
    problem(mine.post("leads/1", {}), 405)
    problem(mine.get(""), 404)
    problem(mine.get("nothing/here"), 404)
    for number in ("0", "-1", "x", "9" * 30):
        problem(mine.get(f"leads/{number}"), 422)
    problem(mine.get("payments/%00"), 422)
