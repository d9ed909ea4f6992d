"""A person is erased: their data is gone wherever it stood, what is signed stays, and the diaries prove themselves."""

import re
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import call_command
from django.db import connection, transaction
from django.db.utils import DatabaseError
from django.urls import reverse
from django.utils import timezone

from handoff.models import Promise
from opportunities import notices, outbox
from opportunities.chain import broken
from opportunities.importing import engine
from opportunities.importing.upload import upload
from opportunities.lists import many
from opportunities.models import (
    BulkChange,
    BulkRow,
    Contact,
    Event,
    Lead,
    Message,
    Note,
    Notice,
    Opportunity,
    SavedView,
    Task,
)
from opportunities.records import Refused, begin, edit, perform
from proposals.models import Block
from tests import database
from tests.conftest import person
from tests.makers import a_lead, a_written_discovery, an_opportunity
from tests.makers_proposals import a_contract, a_proposal
from tests.opportunities.test_secondtries import a_win_back
from tests.takeout.erase_columns import BY_THE_FUNCTION, CODES, HOUSE, STAYS
from tests.world import a_world
from zarts.hooks import kinds as hook_kinds
from zarts.hooks.models import Attempt, Delivery, Endpoint
from zarts.takeout.erase import erase, place_of, reach_of, where_parts_stand
from zarts.takeout.models import Erasure

TEXTS = """
select c.table_name, c.column_name, c.data_type, c.character_maximum_length from information_schema.columns c
join pg_tables t on t.tablename = c.table_name and t.schemaname = 'public' where c.table_schema = 'public'
  and c.data_type in ('text', 'character varying', 'jsonb', 'ARRAY', 'bytea', 'inet', 'tsvector')
"""
NAMED = "select place, unnest(columns) from zarts_erase_named()"
NO_TEXT = {"left_on", "revoked_at", "handled_at", "expires_at", "touch_day", "mail_failed_at", "works_from", "works_to"}
NO_TEXT |= {"erased_at"}
# Held to a form, or to nothing else than themselves.
BOUND = {"email", "from_address", "credential", "sent_to", "raw", "external_ref"}
OWN = "select place, sets from zarts_erase_own()"


def listed(owner):
    """Return the columns that the erasing function looks at, by its own two lists."""
    found = set(owner.execute(NAMED).fetchall())
    for place, sets in owner.execute(OWN).fetchall():
        found |= {(place, name) for name in re.findall(r"(?:^|, )(\w+) = ", sets)}
    return found


@pytest.mark.django_db(transaction=True)
def test_every_column_of_text_is_erased_or_says_why_it_stays():
    """A new column fails here until it stands in one of the lists."""
    with database.login("owner") as owner:
        erased = listed(owner)
        there = {(table, column) for table, column, *_ in owner.execute(TEXTS).fetchall()}
    reasoned = {(table, name) for table, (names, _) in STAYS.items() for name in names.split()}
    seen_to = {(table, name) for table, names in BY_THE_FUNCTION.items() for name in names.split()}
    unknown = {
        (table, column)
        for table, column in there - erased - reasoned - seen_to
        if table not in HOUSE and column not in CODES and column != "search"
    }
    assert unknown == set()
    assert {place for place in erased - there if place[1] not in NO_TEXT} == set(), "it names no column that is gone"


def left_of(words):
    """Return where any of these words still stands: (table, column, what)."""
    pattern = "|".join(map(re.escape, words))
    found = set()
    with connection.cursor() as cursor:
        cursor.execute(TEXTS)
        for table, column, kind, _ in cursor.fetchall():
            text = f"encode({column}, 'escape')" if kind == "bytea" else f'"{column}"::text'
            which = "kind" if table in ("portal_publication", "search_entry") else "''"
            cursor.execute(f'select distinct {which} from "{table}" where {text} ~* %s', [pattern])
            found |= {(table, column, *which) for which in cursor.fetchall()}
    return found


@pytest.fixture
def planted(transactional_db, as_owner):
    """The world with the person's words in every column that is erased. Return (contact, boss, words, a note)."""
    ada, ben = person("ada", "Growth ops", team="East"), person("ben", "Manager", team="East", sees="team")
    person("dora", "Delivery", team="East")
    deal = a_world(ada, manager=ben)
    contact = edit(deal.decision_owner, by=ada, phone="+49 30 1234567", title="Owner of the practice")
    contact = edit(contact, by=ada, email="bo.larsen@before.example")
    contact = edit(contact, by=ada, email="bo@after.example")
    note = Note.take(deal, "Bo Larsen calls from 030/123 45 67, writes as BO.LARSEN@before.example.", by=ada)
    assert note.pk
    asked = Note.take(deal, "Larsen is ill until May.", by=ada)
    told = Event.objects.filter(verb="contact.edit").latest("pk")
    hook = Delivery.objects.latest("pk").endpoint
    sent = {"event": told, "happened_at": told.at, "go_at": told.at, "verb": told.verb, "state": "delivered"}
    row = Delivery.objects.create(endpoint=hook, diary_id=told.diary_id, body='{"record": "Bo Larsen"}', **sent)
    Attempt.objects.create(delivery=row, number=1, at=told.at, answer="Thank you, Bo Larsen")
    with database.login("owner") as owner:
        kinds = {(table, column): (kind, longest) for table, column, kind, longest in owner.execute(TEXTS).fetchall()}
        places = listed(owner)
    # What is signed, and what the diaries hash, is not written anew by a thief here.
    for table, column in sorted(places - {("portal_publication", "title"), ("portal_publication", "body")}):
        if table == "opportunities_client" or column == "client_name":
            continue  # it goes with the whole client alone
        kind, longest = kinds.get((table, column), ("", 0))
        if kind == "jsonb":
            more = f"""case jsonb_typeof("{column}")
                when 'object' then "{column}" || '{{"more": ["Bo  Larsen, +493012345 67"]}}'
                when 'array' then "{column}" || '["bo@after.example"]' else "{column}" end"""
            as_owner(f'update {table} set "{column}" = {more} where "{column}" is not null')
        elif kind in ("text", "character varying") and (longest or 100) >= 80 and column not in BOUND:
            room = (longest or 10_000) - 25
            as_owner(
                f"""update {table} set "{column}" = "{column}" || ' Bo  Larsen (030) 1234567'
                where length("{column}") < {room} and "{column}" <> ''"""
            )
    words = ["bo larsen", "bo  larsen", "1234567", "12345 67", "bo@after", "bo.larsen", "123 45 67"]
    return contact, ben, words, asked


@pytest.mark.slow
def test_nothing_of_an_erased_person_is_left_but_what_they_signed(planted, as_owner):
    contact, ben, words, asked = planted
    assert len(left_of(words)) > 100
    done = erase(contact, by=ben, reason="Bo Larsen asked for it by mail.", notes=[asked.pk])

    left = {place for place in left_of(words) if place[0] not in HOUSE}
    signed = {
        ("proposals_signature", "name", ""),
        ("portal_publication", "body", "contract"),
        ("portal_paper", "bytes", ""),
    }
    # The offer and the contract that were signed, and what was approved of them.
    signed |= {place for place in left if place[0].startswith("proposals_") and place[0] != "proposals_summary"}
    signed |= {place for place in left if place[0] == "search_entry" and place[2] in ("proposal", "contract")}
    assert left - signed == set()
    asked.refresh_from_db()
    assert asked.words == "[erased]"

    # The diaries prove themselves, the erase is told, and says nothing of whom.
    assert list(broken()) == []
    told = done.event
    assert (told.verb, told.actor, told.reason) == ("contact.erase", ben, "[erased] asked for it by mail.")
    assert told.subject == f"Erased person {contact.pk}"
    out = StringIO()
    call_command("verify_events", stdout=out)
    assert "1 privacy erase took words away" in out.getvalue()

    # Who changes what it left is found out, and so is who changes what it says it left.
    line = Event.objects.filter(record_type="opportunities.contact", record_id=contact.pk).order_by("pk").first()
    as_owner("update opportunities_event set subject = 'Somebody else' where id = %s", [line.pk])
    assert [words for words in broken() if "was changed" in words]
    as_owner(
        "update opportunities_blanked b set left_hash = zarts_event_hash(e) from opportunities_event e"
        " where e.id = b.event_id and e.id = %s",
        [line.pk],
    )
    assert [words for words in broken() if "tells of an erase that left something else" in words]

    with pytest.raises(Refused, match="was erased already"):
        erase(Contact.objects.get(pk=contact.pk), by=ben, reason="Again.")
    # Nobody passes the walls by saying that they erase.
    for statement in (
        "insert into opportunities_erasing values (pg_current_xact_id()::text::bigint)",
        "update opportunities_facts set values = '{}'",
        "delete from opportunities_blanked",
    ):
        with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement)


@pytest.fixture
def bo(ada):
    """A contact of a client with a deal that goes on, who has a mail on its way."""
    deal = an_opportunity(ada, stage="discovery")
    return deal.decision_owner


def queued(contact, deal, by):
    about = {"client": contact.client, "opportunity": deal, "contact": contact, "owner": by}
    message = begin(Message(subject="Hello Bo", body="Dear Bo Larsen, shall we talk?", **about), by=by)
    return perform(message.queue, by=by)


@pytest.mark.django_db
def test_whoever_decided_on_a_deal_leaves_a_task_and_mail_that_waits_never_goes(ada, ben, bo, mail_server):
    deal = bo.client.opportunities.get()
    message = queued(bo, deal, ada)
    server = mail_server()
    erase(bo, by=ben, reason="Asked for it.")
    outbox.run()
    message.refresh_from_db()
    assert (message.stage, message.body, server.got) == ("held", "[erased]", [])
    deal.refresh_from_db()
    assert deal.decision_owner is None
    assert deal.tasks.filter(stage="open", title__startswith="Find out who decides after").exists()
    assert left_of([bo.name, bo.email]) == set()
    assert list(broken()) == []


@pytest.mark.django_db
def test_no_undo_brings_back_what_an_erase_took_away(ada, ben, bo):
    deal, day = bo.client.opportunities.get(), timezone.localdate() + timedelta(days=3)
    deal = edit(deal, by=ada, next_action=f"Call {bo.name} on 030 1234567", due_on=day)
    answers = {"next_action": "Wait for the answer", "due_on": str(day)}
    change = many.begin(ben, "opportunities.opportunity", "next", answers, "Set the next action", [deal.pk])
    many.go_on(change)
    under_way = many.begin_undo(BulkChange.objects.get(pk=change.pk), ben)

    erase(bo, by=ben, reason="Asked by mail.")

    many.go_on(under_way)
    assert under_way.rows.get().reason == "What it said before was erased."
    assert change.rows.get().changed == {}
    deal.refresh_from_db()
    assert deal.next_action == "Wait for the answer"


@pytest.mark.django_db
def test_what_is_under_way_is_settled_first(ada, ben, bo):
    deal = bo.client.opportunities.get()
    sending = perform(queued(bo, deal, ada).start_sending, by=None)
    with pytest.raises(Refused, match="being sent at this moment"):
        erase(bo, by=ben, reason="Asked for it.")
    perform(sending.doubt, by=None, reason="No answer.")
    with pytest.raises(Refused, match="whether a mail to them was sent"):
        erase(bo, by=ben, reason="Asked for it.")
    offer = a_proposal(ada, approver=ben, stage="sent")
    with pytest.raises(Refused, match=f"Proposal {offer.number} is for"):
        erase(offer.recipient, by=ben, reason="Asked for it.")


@pytest.mark.django_db
def test_a_client_is_erased_whole_unless_something_was_signed_or_goes_on(ada, ben, world):
    with pytest.raises(Refused, match="was signed: the law has us keep it") as refusal:
        erase(world.client, by=ben, reason="They ask for it.")
    assert not Erasure.objects.exists()
    assert all(lack.url for lack in refusal.value.lacks)
    deal = an_opportunity(ada, stage="discovery")
    client = deal.client
    with pytest.raises(Refused, match="it is still open"):
        erase(client, by=ben, reason="They ask for it.")
    window = {"reactivate_from": timezone.localdate(), "reactivate_to": timezone.localdate()}
    perform(deal.lose, by=ada, reason="price", words=f"Too much for {client}.", must_change="", competitor="", **window)
    name, mails = client.name, list(client.contacts.values_list("email", flat=True))
    done = erase(client, by=ben, reason=f"{name} asks for it.")
    assert str(done.client) == f"Erased client {client.pk}"
    assert done.event.reason == "[erased] asks for it."
    left = {(table, column) for table, column, *_ in left_of([name, *mails])}
    assert left == set()
    assert list(broken()) == []


@pytest.mark.django_db
def test_the_page_says_what_goes_and_asks_for_the_name(as_user, ben, bo):
    page = reverse("opportunities_contact_erase", args=[bo.pk])
    browser = as_user(ben)
    shown = browser.get(page).content.decode()
    assert "What goes, for good" in shown
    assert "What stays" in shown
    for name, words in (("", "Fill this in."), ("Bo", "This is not the name."), ("Bo\0Larsen", "")):
        answer = browser.post(page, {"name": name, "reason": "Asked."})
        assert answer.status_code == 422
        assert words in answer.content.decode()
    assert Contact.objects.get(pk=bo.pk).name == bo.name
    answer = browser.post(page, {"name": f" {bo.name.lower()} ", "reason": "Asked.", "notes": ["999999"]}, follow=True)
    assert Contact.objects.get(pk=bo.pk).name == f"Erased person {bo.pk}"
    assert "lines of the diary" in answer.content.decode()
    again = browser.get(page).content.decode()
    assert "Nothing of it can be brought back" in again
    assert browser.post(page, {"name": f"Erased person {bo.pk}", "reason": "Again."}).status_code == 422


def another(deal, by, name="Zoe Quick", email="zoe@practice.example", **fields):
    """One more person at the client of a deal."""
    return begin(Contact(client=deal.client, name=name, email=email, **fields), by=by)


@pytest.mark.django_db
def test_what_is_with_the_client_and_names_them_is_settled_first(ada, ben):
    offer = a_proposal(ada, approver=ben, stage="sent", intro="As Zoe  Quick asked us.")
    zoe = another(offer.opportunity, ada)
    with pytest.raises(Refused, match=f"Proposal {offer.number} is with the client and names them. Withdraw or revise"):
        erase(zoe, by=ben, reason="Asked for it.")
    perform(offer.withdraw, by=ben, reason="They want another.")
    erase(zoe, by=ben, reason="Asked for it.")
    offer.refresh_from_db()
    assert offer.intro == "As [erased] asked us."


@pytest.mark.django_db
def test_a_contract_that_names_another_is_signed_before_that_other_is_erased(ada, ben):
    offer = a_proposal(ada, approver=ben, stage="accepted", title="Pages for Zoe Quick")
    zoe = another(offer.opportunity, ada)
    for named in (zoe, offer.recipient):
        with pytest.raises(Refused, match="was accepted and names them"):
            erase(named, by=ben, reason="Asked for it.")
    contract = a_contract(ada, approver=ben, stage="sent", proposal=offer)
    with pytest.raises(Refused, match=f"Contract {contract.number} is with the client and names them"):
        erase(zoe, by=ben, reason="Asked for it.")
    offer.refresh_from_db()
    assert offer.title == "Pages for Zoe Quick"


@pytest.mark.django_db
def test_a_name_that_is_a_word_takes_nothing_from_the_house(ada, ben, cem, eve, world):
    promise = Promise.objects.filter(handoff__opportunity=world).first()
    deal = world
    office = another(deal, ada, "Lena Will", "office@practice.example")
    office = edit(office, by=ada, name="Will")
    office = edit(office, by=ada, name=promise.title[:120])
    office = edit(office, by=ada, name="Office")
    block = begin(Block(kind=Block.Kind.values[0], title="Back office help", text="Office hours of Lena Will."), by=eve)
    notices.tell(
        cem, Notice.Kind.BREACH, "The contract will end: Lena  Will said so.", "/admin/", key="one", about=None
    )
    change = BulkChange.objects.create(user=ada, list="opportunities.contact", do="give", words="Give 1", total=1)
    row = BulkRow.objects.create(change=change, record_id=office.pk, subject="Office", state="done")
    note = Note.take(deal, "The office is closed, they will call. Will of Office, LENA WILL.", by=ada)
    erase(office, by=ben, reason="Asked for it.")
    for kept in (block, promise, row, note):
        kept.refresh_from_db()
    assert (block.title, block.text) == ("Back office help", "Office hours of Lena Will.")
    assert "[erased]" not in promise.title + promise.words
    assert Notice.objects.get(user=cem).words == "The contract will end: [erased] said so."
    assert row.subject == "[erased]"
    assert note.words == "The office is closed, they will call. [erased] of [erased], [erased]."


@pytest.mark.django_db
def test_nobody_erases_what_they_may_not_see(ada, ben, cem, ann, as_user):
    deal = an_opportunity(ada)
    zoe = another(deal, ada)
    lead = a_lead(cem, name="Zoe Quick", email="zoe@practice.example", company="Elsewhere")
    page = as_user(ben).get(reverse("opportunities_contact_erase", args=[zoe.pk])).content.decode()
    assert "Ask somebody who sees everything here to erase Zoe Quick" in page
    assert "Elsewhere" not in page
    assert lead.staff_url() not in page
    with pytest.raises(Refused, match="not yours to see"):
        erase(zoe, by=ben, reason="Asked for it.")
    lead.refresh_from_db()
    assert lead.name == "Zoe Quick"


@pytest.mark.django_db
def test_what_was_typed_in_by_a_slip_and_is_a_colleagues_stays_theirs(ada, ben):
    deal = an_opportunity(ada)
    bo = edit(deal.decision_owner, by=ada, phone="+49 30 7654321")
    mail, lead = bo.email, Lead.objects.get(opportunity=deal)
    bo = edit(bo, by=ada, email="for-now@practice.example")
    zoe = another(deal, ada, email=mail, phone=bo.phone)
    zoe = edit(zoe, by=ada, email="zoe@practice.example")
    bo = edit(bo, by=ada, email=mail)
    stranger = a_lead(ada, name="Cyril Other", email="cy@other.example")
    zoe = edit(edit(zoe, by=ada, email="cy@other.example"), by=ada, email="zoe@practice.example")
    note = Note.take(deal, f"Write to Bo at {mail} or call 030 7654321.", by=ada)
    erase(zoe, by=ben, reason="Asked for it.")
    for kept in (lead, stranger, note, bo):
        kept.refresh_from_db()
    assert (lead.email, stranger.name, bo.email) == (mail, "Cyril Other", mail)
    assert note.words == f"Write to Bo at {mail} or call 030 7654321."


@pytest.mark.django_db
def test_whoever_was_erased_is_only_read(ada, ben, eve, bo, as_user):
    assert bo.consents.valid().exists()
    link = reverse("opportunities_contact_erase", args=[bo.pk])
    assert link in as_user(eve).get(bo.staff_url()).content.decode()
    erase(bo, by=ben, reason="Asked for it.")
    bo = Contact.objects.get(pk=bo.pk)
    assert not bo.consents.valid().exists()
    browser = as_user(ben)
    page = browser.get(bo.staff_url()).content.decode()
    assert "Erased for privacy on" in page
    assert link not in page
    assert "Add what they agreed to" not in page
    assert browser.post(bo.staff_url(), {"name": "Bo Larsen", "email": "bo@again.example"}).status_code == 403
    agreed = {"contact": bo.pk, "purpose": "marketing", "basis": "consent", "text_version": "1", "source": "By phone"}
    agreed |= {"captured_at_0": "2026-01-01", "captured_at_1": "09:00", "expires_at_0": "", "expires_at_1": ""}
    assert browser.post("/admin/opportunities/consent/add/", agreed).status_code in (403, 422)
    assert not bo.consents.valid().exists()
    with pytest.raises(Refused, match="nothing is written about them any more"):
        edit(bo, by=ben, name="Bo Larsen")
    with pytest.raises(DatabaseError), transaction.atomic():
        edit(bo, by=None, name="Bo Larsen")
    assert browser.get(link).status_code == 200


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("name", "words", "left"),
    [
        ("O’Neil Ávila", "O'Neil Avila; ÁVILA, Mr. O’NEIL  ÁVILA", "[erased]; ÁVILA, Mr. [erased]"),
        ("Bo", "Bo called, Bob and BO too", "[erased] called, Bob and [erased] too"),
        ("李雷", "今天李雷来电", "今天[erased]来电"),
    ],
)
def test_a_name_is_found_as_people_write_it(ada, ben, name, words, left):
    deal = an_opportunity(ada)
    note = Note.take(deal, words, by=ada)
    erase(another(deal, ada, name), by=ben, reason="Asked for it.")
    note.refresh_from_db()
    assert note.words == left


@pytest.mark.django_db
def test_where_a_part_of_a_name_stands_is_shown_and_goes_if_somebody_says_so(ada, ben, as_user):
    deal = an_opportunity(ada, stage="discovery")
    hannah = another(deal, ada, "Hannah Quick")
    discovery = a_written_discovery(deal, ada)
    discovery = edit(discovery, by=ada, decision_path="Hannah decides; hannah quick signs.")
    Note.take(deal, "Hannah Quick called.", by=ada)
    for number in range(55):
        Note.take(deal, f"hannah said {number}", by=ada)
    notes, parts = where_parts_stand(hannah, reach_of(hannah))
    assert (len(notes), list(parts), len(parts["Hannah"])) == (55, ["Hannah"], 56)
    page = reverse("opportunities_contact_erase", args=[hannah.pk])
    shown = as_user(ben).get(page).content.decode()
    assert "Hannah decides" in shown
    assert "stands by itself in 56 places" in shown
    as_user(ben).post(page, {"name": "Hannah Quick", "reason": "Asked.", "parts": ["Hannah"]})
    assert left_of(["hannah"]) == set()
    assert Note.objects.filter(words="[erased] said 7").exists()
    assert list(broken()) == []


@pytest.mark.django_db
def test_a_webhook_that_names_clients_is_told_whatever_it_hears_of(ada, ben, eve, bo):
    def hook(name, **fields):
        url = f"https://{name}.example/hooks"
        return begin(Endpoint(name=name, url=url, owner=eve, kinds=["lead.*"], **fields), by=eve)

    named, bare, once = hook("named", with_names=True), hook("bare"), hook("once", with_names=True)
    edit(once, by=eve, with_names=False)
    erase(bo, by=ben, reason="Asked for it.")
    told = Delivery.objects.filter(verb="contact.erase").values_list("endpoint", flat=True)
    assert sorted(told) == sorted([named.pk, once.pk])
    assert not bare.deliveries.filter(verb="contact.erase").exists()
    assert {"contact.erase", "client.erase"} <= hook_kinds.words().keys()


def test_what_was_taken_out_leaves_no_hole_in_what_is_shown(ada):
    deal = an_opportunity(ada)
    said = place_of(deal, "Lead , , Autumn campaign ·  · · The term must have begun. · ", 0).words
    assert said == "Lead, Autumn campaign · The term must have begun."


@pytest.fixture
def an_erased(ada, ben):
    """A lost deal with a second try, whose client was erased whole."""
    win_back = a_win_back(ada)
    assert win_back.opportunity.tasks.unfinished().exists()
    erase(win_back.opportunity.client, by=ben, reason="They asked.")
    return type(win_back).objects.get(pk=win_back.pk)


ERASED = "was erased for privacy: nothing is written about them any more"


@pytest.mark.django_db
def test_what_waits_about_an_erased_client_ends_with_it(an_erased):
    deal = an_erased.opportunity
    assert (an_erased.stage, deal.tasks.unfinished().exists()) == ("expired", False)


@pytest.mark.django_db
@pytest.mark.parametrize(
    "write",
    [
        lambda deal, by: perform(deal.reopen, by=by, reason="They called."),
        lambda deal, by: edit(deal, by=by, next_action="Call Declan Roche"),
        lambda deal, by: Note.take(deal, "Declan Roche called.", by=by),
        lambda deal, by: begin(Task(title="Call Declan", opportunity=deal, owner=by, due_at=timezone.now()), by=by),
        lambda deal, by: begin(Contact(name="Declan Roche", client=deal.client), by=by),
    ],
    ids=["a move", "a change", "a note", "a task", "a contact"],
)
def test_about_an_erased_client_nothing_is_written_any_more(an_erased, ada, write):
    """It could not be erased again."""
    deal = Opportunity.objects.get(pk=an_erased.opportunity_id)
    with pytest.raises(Refused, match=ERASED):
        write(deal, ada)
    assert deal.moves_for(ada) == []


@pytest.mark.django_db
def test_pages_of_a_deal_whose_client_was_erased_refuse_what_is_written_and_say_why(an_erased, as_user, ada):
    deal = an_erased.opportunity
    browser = as_user(ada)
    assert browser.get(deal.staff_url()).status_code == 200
    answer = browser.post(deal.move_url("reopen"), {"reason": "They called."}, follow=True)
    assert ERASED in answer.content.decode()
    said = {"title": "Call Declan", "opportunity": deal.pk, "kind": "other", "owner": ada.pk}
    said |= {"due_at_0": "2026-12-24", "due_at_1": "09:00", "time_zone": "Europe/Berlin"}
    answer = browser.post("/admin/opportunities/task/add/", said)
    assert (answer.status_code, ERASED in answer.content.decode()) == (409, True)
    assert Opportunity.objects.get(pk=deal.pk).stage == "lost"


@pytest.mark.django_db
def test_a_file_brings_no_tasks_to_a_deal_whose_client_was_erased(an_erased, ada):
    deal = an_erased.opportunity
    rows = f"Title,Client,Deal,Due\nCall Declan Roche,{deal.client},{deal.name},2027-12-24\n"
    file = perform(upload("tasks", [("t.csv", [rows.encode()])], owner=ada, by=ada).map_columns, by=ada)
    engine.go_on()
    [row] = file.lines_of_file.all()
    assert (row.verdict, row.reason) == ("refused", f"{deal.client} {ERASED}.")


@pytest.mark.django_db
def test_what_is_of_other_clients_and_names_them_is_shown_or_said_to_be_there(ada, ben, eve, bo, as_user):
    other = an_opportunity(ada, name="Of another client")
    Note.take(other, "Their neighbour Bo Larsen knows us.", by=ada)
    strangers = an_opportunity(person("zoe", "Growth ops", team="West"), name="Of another team")
    strangers.client.contacts.filter(pk=strangers.decision_owner_id).update(email=bo.email)
    page = reverse("opportunities_contact_erase", args=[bo.pk])
    seen, unseen = as_user(eve).get(page).text, as_user(ben).get(page).text
    assert "is about another client and seems to name them" in seen
    assert f"{strangers.decision_owner}, {strangers.client}</a> has the same mail address" in seen
    assert "Another client that you may not see has somebody with the same mail address" in unseen
    assert str(strangers.client) not in unseen


@pytest.mark.django_db
def test_what_the_house_called_after_them_is_called_so_no_more_in_its_diary_either(ada, ben, bo):
    view = begin(SavedView(name="All of Bo Larsen", owner=ada, filters={"q": "Bo Larsen"}), by=ada)
    file = upload("leads", [("Bo Larsen.csv", [b"Name\nAnn\n"])], owner=ada, by=ada)
    erase(bo, by=ben, reason="Asked for it.")
    told = Event.objects.filter(diary__in=[view.diary_id, file.diary_id]).values_list("subject", flat=True)
    assert sorted(told) == ["All of [erased]", "[erased].csv"]
    assert list(broken()) == []
