"""What staff do about somebody's access to the portal, and what they look at as a client."""

import re
from datetime import date

import pytest
from django.core import mail

from opportunities.models import Event, Message, Task
from opportunities.records import Refused, begin, edit, perform
from portal.models import Guest, Passkey, Preview, ProposalLink, Session, SignInLink, SignInRequest
from portal.tokens import new_token, token_hash
from proposals import inbox, publishing
from tests.makers_proposals import a_proposal
from tests.proposals.test_inbox import AGREED, answer, token_of

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def proposal(ada, ben):
    return a_proposal(ada, approver=ben, stage="sent")


@pytest.fixture
def contact(proposal):
    return proposal.recipient


def comes_in(cursor, contact):
    token = new_token()
    link = SignInLink.mint(Guest.objects.get(contact_id=contact.pk, email=contact.email.lower()))
    cursor.execute("select portal_sign_in(%s, %s)", [link, token_hash(token)])
    return token


def is_in(cursor, token) -> bool:
    cursor.execute("begin")
    cursor.execute("select set_config('zarts.token', %s, true)", [token])
    found = cursor.execute("select * from portal_session()").fetchall()
    cursor.execute("rollback")
    return bool(found)


def told(contact, past):
    return Event.objects.filter(record_type=contact.label(), record_id=contact.pk, past=past)


def test_the_page_of_a_contact_shows_since_when_and_where_they_are_signed_in(as_user, ada, contact, portal_cursor):
    comes_in(portal_cursor, contact)
    page = as_user(ada).get(contact.staff_url()).content.decode()
    assert "Portal access" in page
    assert "A device that we do not know" in page
    for label in ("End all sessions", "Take access away"):
        assert label in page
    assert "Give access again" not in page


def test_staff_end_all_sessions_of_a_contact_and_the_diary_says_who(as_user, ada, contact, portal_cursor):
    tokens = [comes_in(portal_cursor, contact) for _ in range(2)]
    as_user(ada).post(f"/admin/opportunities/contact/{contact.pk}/end-sessions/")
    assert [is_in(portal_cursor, token) for token in tokens] == [False, False]
    event = told(contact, "ended the portal sessions of").get()
    assert (event.actor_name, event.facts.values) == (str(ada), {"ended": 2})
    # They may come in again.
    assert is_in(portal_cursor, comes_in(portal_cursor, contact))


def test_access_that_is_taken_away_ends_at_once_and_stays_away(as_user, ada, ben, proposal, contact, portal_cursor):
    token = comes_in(portal_cursor, contact)
    as_user(ada).post(f"/admin/opportunities/contact/{contact.pk}/take-access/")
    assert not is_in(portal_cursor, token)
    assert told(contact, "took the portal access away from").get().actor_name == str(ada)
    assert "took it away" in as_user(ada).get(contact.staff_url()).content.decode()

    publishing.admit(contact)
    contact = edit(contact, by=ada, left_on=date(2026, 11, 20))
    contact = edit(contact, by=ada, left_on=None)
    contact = edit(contact, by=ada, email="new@harbor-dental.example")
    publishing.admit(contact)
    inbox.take_sign_in(SignInRequest(email=contact.email))
    assert not Guest.objects.filter(revoked_at=None).exists()
    assert mail.outbox == []


def test_staff_give_access_again(as_user, ada, contact, portal_cursor):
    publishing.take_access(contact, by=ada)
    as_user(ada).post(f"/admin/opportunities/contact/{contact.pk}/give-access/")
    assert told(contact, "gave portal access again to").exists()
    assert is_in(portal_cursor, comes_in(portal_cursor, contact))


def test_access_is_given_again_by_the_address_that_they_have_now(ada, contact):
    publishing.take_access(contact, by=ada)
    contact = edit(contact, by=ada, email="new@harbor-dental.example")
    publishing.give_access(contact, by=ada)
    assert Guest.objects.get(revoked_at=None).email == "new@harbor-dental.example"


def test_what_is_not_there_is_neither_ended_nor_taken_nor_given(ada, contact):
    for act in (publishing.end_sessions, publishing.give_access):
        with pytest.raises(Refused):
            act(contact, by=ada)
    publishing.take_access(contact, by=ada)
    with pytest.raises(Refused):
        publishing.take_access(contact, by=ada)
    contact = edit(contact, by=ada, left_on=date(2026, 11, 20))
    with pytest.raises(Refused):
        publishing.give_access(contact, by=ada)


@pytest.mark.parametrize("act", ["end-sessions", "take-access", "give-access"])
def test_only_whoever_may_change_a_contact_changes_their_access(as_user, cem, ann, contact, portal_cursor, act):
    token = comes_in(portal_cursor, contact)
    for user, status in ((cem, 404), (ann, 403)):
        assert as_user(user).post(f"/admin/opportunities/contact/{contact.pk}/{act}/").status_code == status
    assert as_user(ann).get(f"/admin/opportunities/contact/{contact.pk}/{act}/").status_code in (403, 405)
    assert is_in(portal_cursor, token)
    assert "Take access away" not in as_user(ann).get(contact.staff_url()).content.decode()


def test_an_address_that_somebody_else_has_now_lets_in_nobody_by_what_was_before(ada, contact, portal_cursor):
    token, address = comes_in(portal_cursor, contact), contact.email
    portal_cursor.execute("begin")
    portal_cursor.execute("select set_config('zarts.token', %s, true)", [token])
    add = "select portal_add_passkey(%s, %s, 0, 'Old', %s)"
    assert portal_cursor.execute(add, ["A" * 40, b"k" * 40, "c" * 40]).fetchone() == ("added",)
    portal_cursor.execute("commit")

    edit(contact, by=ada, email="")
    other = type(contact)(client=contact.client, name="Bo Larsen", email=address)
    publishing.admit(begin(other, by=ada))
    assert not is_in(portal_cursor, token)
    assert Passkey.objects.get().revoked_at
    assert Guest.objects.get().name == "Bo Larsen"
    assert Guest.objects.get().revoked_at is None


def test_a_client_that_gets_another_name_has_it_in_the_portal_too(ada, contact):
    edit(contact.client, by=ada, name="Harbor Smiles")
    assert Guest.objects.get().client_name == "Harbor Smiles"


# -- Their proposal links. ---------------------------------------------------------------------------------------------


def leaves(contact, ada):
    edit(contact, by=ada, left_on=date(2026, 11, 20))


def moves(contact, ada):
    edit(contact, by=ada, email="new@harbor-dental.example")


def loses_access(contact, ada):
    publishing.take_access(contact, by=ada)


WAYS_OUT = [
    (leaves, "Send it to somebody else: Bo Larsen left"),
    (moves, "Send it to somebody else: the mail address of Bo Larsen changed"),
    (loses_access, "Send it to somebody else: the access of Bo Larsen was taken away"),
]


@pytest.mark.parametrize(("go", "todo"), WAYS_OUT)
def test_whoever_left_or_moved_or_lost_access_accepts_nothing_by_their_link(
    ada, proposal, contact, portal_cursor, portal_client, go, todo
):
    token = token_of(proposal)
    go(contact, ada)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tests.proposals.test_inbox.token_of", lambda proposal: token)
        assert answer(portal_cursor, proposal, "accepted", **AGREED) == "withdrawn"
    assert portal_client.get(f"/p/{token}/").status_code == 410
    event = Event.objects.get(verb="proposal.close_link")
    assert event.facts.values == {"link": "Link for Bo Larsen", "role": "Decides"}
    assert Task.objects.about(proposal).open().get(title__startswith="Send it to").title == f"{todo}: {proposal}"


@pytest.mark.parametrize(("go", "todo"), WAYS_OUT)
def test_mail_to_whoever_left_or_moved_or_lost_access_waits_for_a_person(ada, contact, go, todo):
    assert Message.objects.filter(contact=contact, stage="queued").exists()
    go(contact, ada)
    mails = Message.objects.filter(contact=contact)
    assert set(mails.values_list("stage", "waits_for", "secret_link")) == {("held", "", "")}


def test_an_answer_that_came_before_they_left_counts(ada, proposal, contact, portal_cursor):
    assert answer(portal_cursor, proposal, "accepted", **AGREED) == "accepted"
    leaves(contact, ada)
    inbox.read()
    proposal.refresh_from_db()
    assert proposal.stage == "accepted"


def test_the_same_address_in_other_letters_closes_nothing(ada, contact):
    edit(contact, by=ada, email=contact.email.upper())
    assert ProposalLink.objects.get(revoked_at=None).contact_id == contact.pk


def test_nobody_need_send_anew_what_a_reader_alone_had(ada, proposal, contact):
    other = begin(type(contact)(client=contact.client, name="Tom Reyes", email="tom@two.example"), by=ada)
    perform(proposal.share, by=ada, contact=other)
    leaves(other, ada)
    assert ProposalLink.objects.get(revoked_at=None).contact_id == contact.pk
    assert not Task.objects.filter(title__startswith="Send it to").exists()


# -- Preview. ----------------------------------------------------------------------------------------------------------


def entry(answer) -> str:
    return re.fullmatch(r"http://localhost:\d+/portal/preview/([\w-]{43})", answer.url)[1]


@pytest.mark.parametrize("what", ["client", "opportunity", "proposal"])
def test_whoever_may_see_a_record_looks_as_its_client_and_the_diary_says_so(as_user, ada, proposal, what):
    record = {"proposal": proposal, "opportunity": proposal.opportunity, "client": proposal.opportunity.client}[what]
    answer = as_user(ada).post(record.staff_url().replace("change/", "portal/"))
    made = Preview.objects.get(entry_hash=token_hash(entry(answer)))
    client = proposal.opportunity.client
    assert (made.client_id, made.client_name, made.made_by) == (client.pk, client.name, str(ada))
    assert made.publication_id == (proposal.publication_id if what == "proposal" else None)
    event = Event.objects.filter(verb__endswith=".preview").get()
    assert (event.actor_name, event.record_id) == (str(ada), record.pk)


def test_a_preview_counts_as_nothing(as_user, ada, proposal, portal_cursor):
    token = entry(as_user(ada).post(proposal.staff_url().replace("change/", "portal/")))
    portal_cursor.execute("select * from portal_enter_preview(%s, %s)", [token, "a" * 64])
    inbox.read()
    proposal.refresh_from_db()
    assert (proposal.stage, proposal.viewed_at, Session.objects.count()) == ("sent", None, 0)


@pytest.mark.parametrize("what", ["client", "opportunity", "proposal"])
def test_nobody_looks_as_a_client_whom_they_may_not_see(as_user, cem, proposal, what):
    record = {"proposal": proposal, "opportunity": proposal.opportunity, "client": proposal.opportunity.client}[what]
    assert as_user(cem).post(record.staff_url().replace("change/", "portal/")).status_code == 404
    assert not Preview.objects.exists()


def test_a_proposal_that_is_not_sent_has_no_preview_in_the_portal(as_user, ada):
    draft = a_proposal(ada)
    answer = as_user(ada).post(draft.staff_url().replace("change/", "portal/"))
    assert answer.url == draft.staff_url()
    assert not Preview.objects.exists()
    assert "Preview as the client" not in as_user(ada).get(draft.staff_url()).content.decode()


def test_the_buttons_stand_on_the_pages(as_user, ada, proposal):
    browser = as_user(ada)
    for record in (proposal.opportunity, proposal.opportunity.client):
        assert "See the portal as this client" in browser.get(record.staff_url()).content.decode()
    page = browser.get(proposal.staff_url())
    assert "Preview as the client" in page.content.decode()
    assert "form-action 'self' http://localhost" in page["Content-Security-Policy"]
