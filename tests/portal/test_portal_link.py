"""The proposal link: what counts, what is refused, who wins."""

import json
import re
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from threading import Barrier

import pytest
from django.db import connection
from django.utils import timezone
from portal_makers import PROPOSAL, TOM, a_guest, a_link, a_publication, an_old_stamp

from portal.consent import ACCEPT_VERSION
from portal.models import ClientAction, ProposalLink, Session, SignInLink
from portal.tokens import new_token, token_hash
from tests import database

pytestmark = pytest.mark.django_db(transaction=True)

ACCEPT = {"name": "Marta Lind", "role": "Owner", "consent": "on", "consent_version": ACCEPT_VERSION}


def verbs():
    return list(ClientAction.objects.order_by("id").values_list("verb", flat=True))


def opened(client, token):
    client.post(f"/p/{token}/open", {"stamp": an_old_stamp()})
    return client


def test_fetching_counts_nothing(portal_client):
    link, token = a_link()

    for method in (portal_client.get, portal_client.head):
        assert method(f"/p/{token}/").status_code == 200
    assert portal_client.get(f"/p/{token}/open").status_code == 405

    assert verbs() == []
    assert ProposalLink.objects.get(pk=link.pk).opened_at is None


def test_the_cover_tells_nothing_of_the_offer(portal_client):
    _, token = a_link()

    page = portal_client.get(f"/p/{token}/").content.decode()

    assert "Open the proposal" in page
    assert "4,800" not in page
    assert "what we found" not in page


def test_amounts_align_on_the_point_as_soon_as_one_of_them_has_cents(portal_client):
    _, token = a_link()
    page = opened(portal_client, token).get(f"/p/{token}/").content.decode()
    assert re.findall(r"<dd>([^<]+)</dd>", page.partition('id="accept"')[0]) == ["$4,800.00", "$0.00", "$4,800.00"]
    assert '<td class="sum">$120.50' in page

    whole = PROPOSAL | {"prices": PROPOSAL["prices"][:1]}
    _, token = a_link(a_publication(ref="proposal:2", body=whole))
    page = opened(portal_client, token).get(f"/p/{token}/").content.decode()
    assert "$4,800</dd>" in page
    assert ".00" not in page


def test_whoever_wrote_the_proposal_answers_at_its_end(portal_client):
    sender = {"name": "Cem Aydin", "email": "cem@zarts.example"}
    _, token = a_link(a_publication(body=PROPOSAL | {"from": sender}))
    page = opened(portal_client, token).get(f"/p/{token}/").content.decode()
    assert '<strong>Cem Aydin</strong> answers your questions: <a href="mailto:cem@zarts.example">' in page


def test_a_link_that_ends_at_midnight_is_valid_until_the_day_before(portal_client):
    _, token = a_link(expires_at=timezone.make_aware(datetime(2099, 12, 5)))

    assert ">Friday 4 December 2099<" in portal_client.get(f"/p/{token}/").content.decode()


def test_opening_counts_once(portal_client):
    link, token = a_link()

    opened(opened(portal_client, token), token)

    assert verbs() == ["opened"]
    assert ProposalLink.objects.get(pk=link.pk).opened_at
    assert "$4,800" in portal_client.get(f"/p/{token}/").content.decode()


def test_a_press_too_quick_for_a_person_is_not_counted(portal_client, settings):
    _, token = a_link()
    settings.PORTAL_HUMAN_SECONDS = 2

    for stamp in ("", "made up", portal_client.get(f"/p/{token}/").context["stamp"]):
        portal_client.post(f"/p/{token}/open", {"stamp": stamp})

    assert verbs() == []
    assert "$4,800" in portal_client.get(f"/p/{token}/").content.decode()


def test_accepting_keeps_who_what_and_the_words_agreed_to(portal_client):
    link, token = a_link()
    digest = link.publication.digest

    answer = opened(portal_client, token).post(
        f"/p/{token}/accept", {**ACCEPT, "digest": digest, "option": ["13", "99"]}, headers={"User-Agent": "Browser"}
    )

    assert answer.status_code == 302
    deed = ClientAction.objects.get(verb="accepted")
    assert (deed.name, deed.role, deed.digest, deed.contact_id) == ("Marta Lind", "Owner", digest, 7)
    assert (deed.client_id, deed.opportunity_id, deed.user_agent) == (1, 5, "Browser")
    assert deed.data["options"] == [13]
    assert deed.data["consent"]["version"]
    page = portal_client.get(f"/p/{token}/").content.decode()
    assert "Marta Lind accepted this" in page
    assert "Accept the proposal" not in page


def test_an_answer_that_skips_the_cover_opens_first(portal_client):
    link, token = a_link()

    portal_client.post(f"/p/{token}/accept", {**ACCEPT, "digest": link.publication.digest})

    assert verbs() == ["opened", "accepted"]


def test_an_incomplete_acceptance_loses_nothing_and_says_what_is_missing(portal_client):
    link, token = a_link()

    page = opened(portal_client, token).post(
        f"/p/{token}/accept", {"name": "Marta Lind", "digest": link.publication.digest}
    )

    assert page.status_code == 422
    assert "Marta Lind" in page.content.decode()
    assert "Tick this to accept." in page.content.decode()
    assert verbs() == ["opened"]


def test_declining_needs_a_reason(portal_client):
    link, token = a_link()
    opened(portal_client, token)

    assert portal_client.post(f"/p/{token}/decline", {"digest": link.publication.digest}).status_code == 422
    portal_client.post(f"/p/{token}/decline", {"words": "Too early for us.", "digest": link.publication.digest})

    assert ClientAction.objects.get(verb="declined").words == "Too early for us."


def test_a_question_leaves_the_proposal_open(portal_client):
    link, token = a_link()
    opened(portal_client, token)

    portal_client.post(f"/p/{token}/ask", {"words": "Can we start\r\nearlier?\u202e\x00"})
    portal_client.post(f"/p/{token}/accept", {**ACCEPT, "digest": link.publication.digest})

    assert ClientAction.objects.get(verb="asked").words == "Can we start\nearlier?"
    assert verbs() == ["opened", "asked", "accepted"]


def test_an_answer_to_other_words_is_not_taken(portal_client):
    _, token = a_link()

    answer = opened(portal_client, token).post(f"/p/{token}/accept", {**ACCEPT, "digest": "0" * 64})

    assert answer.status_code == 409
    assert verbs() == ["opened"]


def test_a_second_answer_changes_nothing(portal_client):
    link, token = a_link()
    _, other_token = a_link(link.publication, contact_id=TOM, contact_name="Tom Reyes")
    digest = link.publication.digest

    portal_client.post(f"/p/{token}/accept", {**ACCEPT, "digest": digest})
    portal_client.post(f"/p/{token}/accept", {**ACCEPT, "digest": digest})
    portal_client.post(f"/p/{other_token}/decline", {"words": "No.", "digest": digest})

    assert verbs() == ["opened", "accepted"]
    assert "Marta Lind accepted this" in portal_client.get(f"/p/{other_token}/").content.decode()


@pytest.mark.parametrize("state", ["expired", "withdrawn", "revoked", "replaced"])
def test_a_closed_link_says_so_and_takes_no_answer(portal_client, state):
    link, token = a_link(expires_at=timezone.now() + timedelta(days=-1 if state == "expired" else 1))
    if state == "withdrawn":
        link.publication.withdraw("A price was wrong.")
    if state == "revoked":
        link.revoke()
    if state == "replaced":
        link.revoke(replaced_by=a_link(a_publication(ref="proposal:1"), contact_id=TOM, contact_name="Tom")[0])

    page = opened(portal_client, token).get(f"/p/{token}/")
    portal_client.post(f"/p/{token}/accept", {**ACCEPT, "digest": link.publication.digest})
    portal_client.post(f"/p/{token}/ask", {"words": "Hello?"})

    assert page.status_code == 410
    words = {"expired": "was valid until", "replaced": "newer version"}.get(state, "was withdrawn")
    assert words in page.content.decode()
    assert "A price was wrong." not in page.content.decode()
    assert verbs() == []


@pytest.mark.parametrize(
    "token",
    ["x", "x" * 42, "x" * 43, "x" * 44, "x" * 5000, "%00" * 43, "%ff" * 43, "é" * 43, "' or 1=1 --", "x" * 42 + "%0a"],
)
def test_a_bad_token_is_not_found(portal_client, token):
    assert portal_client.get(f"/p/{token}/").status_code == 404
    for deed in ("open", "accept", "decline", "ask"):
        assert portal_client.post(f"/p/{token}/{deed}", {"words": "x"}).status_code == 404
    assert portal_client.post(f"/portal/enter/{token}").status_code in (404, 410)
    assert verbs() == []


def at_once(*deeds):
    """Do several things at the same moment, each in its own thread; return what each returned."""
    gate = Barrier(len(deeds))

    def run(deed):
        gate.wait()
        try:
            return deed()
        finally:
            connection.close()

    with ThreadPoolExecutor(len(deeds)) as pool:
        return list(pool.map(run, deeds))


def answering(token, verb, digest):
    """Make a deed that answers under the portal's own login, on a connection of its own."""

    def answer():
        with database.login("portal") as own:
            call = "select portal_answer(%s, '', %s, 'Marta', 'Owner', 'Because.', %s::jsonb, %s, '', '')"
            data = json.dumps({"consent": {"version": ACCEPT_VERSION}})
            return own.execute(call, [token, verb, data, digest]).fetchone()[0]

    return answer


def test_of_many_answers_at_once_one_counts():
    link, token = a_link()
    _, other = a_link(link.publication, contact_id=TOM, contact_name="Tom Reyes")
    digest = link.publication.digest

    outcomes = at_once(*[answering(token, "accepted", digest)] * 3, *[answering(other, "declined", digest)] * 3)

    assert outcomes.count("already") == 5
    assert ClientAction.objects.filter(verb__in=["accepted", "declined"]).count() == 1


def test_of_an_answer_and_a_withdrawal_one_is_first_and_the_other_knows():
    for turn in range(5):
        link, token = a_link(a_publication(ref=f"proposal:{turn}"))
        publication = link.publication

        outcome, _ = at_once(
            answering(token, "accepted", publication.digest), lambda shown=publication: shown.withdraw("Wrong price.")
        )

        assert outcome in ("accepted", "withdrawn")
        assert ClientAction.objects.filter(publication=publication, verb="accepted").exists() == (outcome == "accepted")


def test_a_sign_in_link_used_many_times_at_once_lets_one_in():
    token = SignInLink.mint(a_guest())

    def enter():
        with database.login("portal") as own:
            return own.execute("select portal_sign_in(%s, %s)", [token, token_hash(new_token())]).fetchone()[0]

    assert sorted(at_once(*[enter] * 5), key=str) == [1, None, None, None, None]
    assert Session.objects.count() == 1


# -- What the doors look at, whoever calls them. -----------------------------------------------------------------------


def at_the_door(cursor, token, verb="accepted", name="Marta Lind", role="Owner", words="", data=None, key=""):
    """Answer past the view, as an injected statement could."""
    digest = ProposalLink.objects.get(token_hash=token_hash(token)).publication.digest
    data = {"consent": {"version": ACCEPT_VERSION}} if data is None else data
    call = "select portal_answer(%s, %s, %s, %s, %s, %s, %s::jsonb, %s, '', '')"
    return cursor.execute(call, [token, key, verb, name, role, words, json.dumps(data), digest]).fetchone()[0]


def test_an_acceptance_of_words_that_the_page_does_not_show_is_not_taken(portal_client, portal_cursor):
    body = PROPOSAL | {"consent": {"version": "accept-2027-01", "text": "I accept it in new words."}}
    link, token = a_link(a_publication(body=body))
    page = opened(portal_client, token).get(f"/p/{token}/").content.decode()
    assert "I accept it in new words." in page
    typed = {**ACCEPT, "digest": link.publication.digest}

    old_tab = portal_client.post(f"/p/{token}/accept", typed)
    assert (old_tab.status_code, "words to agree to changed" in old_tab.content.decode()) == (409, True)
    assert at_the_door(portal_cursor, token, data={"consent": {"version": "never-shown"}}) == "words"
    assert at_the_door(portal_cursor, token, data={}) == "words"
    assert verbs() == ["opened"]

    portal_client.post(f"/p/{token}/accept", {**typed, "consent_version": "accept-2027-01"})
    assert ClientAction.objects.get(verb="accepted").data["consent"] == body["consent"]


NO_NAMES = ["\u00ad\u2060\u200d", "\u3164", "\u202e\u200b", "\n\t", "12 34", "\u2028", "\ue000", "\u0301"]


@pytest.mark.parametrize("name", NO_NAMES)
def test_what_nobody_can_read_as_a_name_or_a_role_accepts_nothing(portal_client, portal_cursor, name):
    link, token = a_link()
    opened(portal_client, token)
    for field in ("name", "role"):
        typed = {**ACCEPT, field: name, "digest": link.publication.digest}
        answer = portal_client.post(f"/p/{token}/accept", typed)
        assert (answer.status_code, list(answer.context["accept"].errors)) == (422, [field])
        assert at_the_door(portal_cursor, token, **{field: name}) == "refused"
    answer = portal_client.post(f"/p/{token}/open", {"name": name, "colleague": "1", "stamp": an_old_stamp()})
    assert (answer.status_code, list(answer.context["open"].errors)) == (422, ["name"])
    call = "select portal_open(%s, %s, %s, 'stamp', false, '', '')"
    assert portal_cursor.execute(call, [token, new_token(), name]).fetchone()[0] == "refused"
    assert verbs() == ["opened"]


@pytest.mark.parametrize("name", ["Marta\u00ad Lind", "Marta\u202e", "Mar\u200bta", "Marta \U000e0041", "x" * 201])
def test_a_name_with_marks_that_nobody_sees_or_too_long_a_one_is_refused_and_not_cut(portal_cursor, name):
    _, token = a_link()
    assert at_the_door(portal_cursor, token, name=name) == "refused"
    assert at_the_door(portal_cursor, token, role=name) == "refused"
    assert at_the_door(portal_cursor, token, "asked", name, words="Why?") == "refused"
    assert verbs() == []


@pytest.mark.parametrize("name", ["Zoë Ó'Dálaigh-Łęcki", "山田 太郎", "Мария", "علي", "नमिता", "Ng"])
def test_a_name_in_any_script_is_one(portal_client, portal_cursor, name):
    link, token = a_link()
    portal_client.post(f"/p/{token}/accept", {**ACCEPT, "name": name, "digest": link.publication.digest})
    assert ClientAction.objects.get(verb="accepted").name == name


def test_marks_that_nobody_sees_are_dropped_from_a_name_that_is_typed(portal_client):
    link, token = a_link()
    typed = {**ACCEPT, "name": "Mar\u00adta\u2060 Lind\u3164", "digest": link.publication.digest}
    portal_client.post(f"/p/{token}/accept", typed)
    assert ClientAction.objects.get(verb="accepted").name == "Marta Lind"


@pytest.mark.parametrize("data", [[1], "x", {"options": 5}, {"options": "13"}, {"title": ["x"]}, {"about": {}}])
def test_data_that_the_inbox_could_not_read_is_not_taken(portal_cursor, data):
    _, token = a_link()
    assert at_the_door(portal_cursor, token, data=data) == "refused"
    assert at_the_door(portal_cursor, token, "asked", words="Why?", data=data) == "refused"
    assert verbs() == []


def dead_links():
    """Yield links that were answered and asked by, and are dead now, each for its own reason."""
    for turn, why in enumerate(("expired", "revoked", "withdrawn")):
        link, token = a_link(a_publication(ref=f"proposal:{turn}"))
        yield why, link, token


def test_a_dead_link_tells_its_state_and_nothing_of_what_was_said_there(portal_cursor, portal_client):
    for why, link, token in dead_links():
        at_the_door(portal_cursor, token, "asked", words="Why so late?", data={})
        at_the_door(portal_cursor, token)
        if why == "expired":
            ProposalLink.objects.filter(pk=link.pk).update(expires_at=timezone.now() - timedelta(days=1))
        elif why == "revoked":
            link.revoke()
        else:
            link.publication.withdraw("A price was wrong.")
        call = "select row_to_json(s) from portal_link_state(%s, '') s"
        (state,) = portal_cursor.execute(call, [token]).fetchone()
        known = {name: value for name, value in state.items() if value not in (None, [], False, "")}
        assert known.pop("state") == ("withdrawn" if why == "revoked" else "answered")
        assert known.keys() <= {"title", "sender_name", "valid_until", "same_offer"}, why
        assert at_the_door(portal_cursor, token, "asked", words="And now?", data={}) in ("expired", "withdrawn")
        page = portal_client.get(f"/p/{token}/")
        assert "Marta Lind" not in page.content.decode()
