"""The page of questions in the portal: what a guest reads and asks, what is refused, whose it stays."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from portal_makers import HARBOR, MARTA, PIER, TOM, a_guest, a_link, a_publication, signed_in

from portal.models import ClientAction, Guest, Preview, Publication, Session, SignInLink
from portal.tokens import new_token, token_hash
from tests import database
from tests.database import as_portal

pytestmark = pytest.mark.django_db(transaction=True)
PAGE, ASK = "/portal/questions/", "/portal/questions/ask"


def an_answer(question, words="Yes, it is.", **fields):
    body = {"words": words, "from": {"name": "Dana Whitfield"}}
    return a_publication(kind="answer", ref=f"answer:{question.pk}", title="Our answer", body=body, question=question)


def asked(portal_client, words="Is this one person?", **sent):
    """Ask, and return what was kept of it."""
    assert portal_client.post(ASK, {"words": words, **sent}).status_code == 302
    return ClientAction.objects.latest("pk")


def test_a_guest_asks_and_reads_who_answers_then_the_answer_below(portal_client):
    a_publication()
    signed_in(portal_client)
    question = asked(portal_client)
    assert (question.verb, question.name, question.client_id, question.contact_id, question.opportunity_id) == (
        "asked",
        "Marta Lind",
        HARBOR,
        MARTA,
        5,
    )
    page = portal_client.get(PAGE).content.decode()
    assert "Marta Lind asked on" in page
    assert "Dana Whitfield answers." in page

    answer = an_answer(question)
    page = portal_client.get(PAGE).content.decode()
    assert (
        page.index("Is this one person?")
        < page.index("Yes, it is.")
        < page.index("Dana Whitfield</strong> answered on")
    )
    assert "Dana Whitfield answers." not in page

    answer.withdraw("It was wrong.")
    page = portal_client.get(PAGE).content.decode()
    assert "Yes, it is." not in page
    assert "It was wrong." not in page
    assert "Dana Whitfield answers." in page


def test_without_anything_to_ask_about_the_page_says_whom_to_write_to(portal_client, settings):
    signed_in(portal_client)
    page = portal_client.get(PAGE).content.decode()
    assert f'<a href="mailto:{settings.AGENCY_EMAIL}">' in page.split('id="ask"')[1].split("</section>")[0]
    assert "<textarea" not in page
    assert portal_client.post(ASK, {"words": "Anybody there?"}).status_code == 422
    assert not ClientAction.objects.exists()


def test_a_question_is_about_what_was_published_last_unless_another_is_chosen(portal_client):
    offer, contract = a_publication(), a_publication(kind="contract")
    signed_in(portal_client)
    assert portal_client.get(f"{PAGE}?about={offer.pk}").content.decode().count("<option") == 2
    assert asked(portal_client).publication == contract
    assert asked(portal_client, "And this?", about=offer.pk).publication == offer
    newer = a_publication()
    assert asked(portal_client, "And that?", about=offer.pk).publication == newer, "what took its place counts"


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("", "Type your question first."),
        (" \n\t ", "Type your question first."),
        ("\u202e\u2066", "Type your question first."),
        ("\x00", "Type your question first."),
        ("x" * 5001, "Shorten this to 5000 characters."),
    ],
)
def test_what_is_no_question_gets_a_sentence_and_nothing_is_kept(portal_client, words, says):
    a_publication()
    signed_in(portal_client)
    answer = portal_client.post(ASK, {"words": words})
    assert answer.status_code == 422
    page = answer.content.decode()
    assert says in page
    assert "Nothing is lost." in page
    assert not ClientAction.objects.exists()


def test_marks_and_noughts_are_taken_out_of_a_question(portal_client):
    a_publication()
    signed_in(portal_client)
    assert asked(portal_client, "Is \u202ethis\x00 right?\n\nYes?").words == "Is this right?\n\nYes?"
    assert asked(portal_client, "x" * 5000).words == "x" * 5000


def test_what_is_chosen_is_a_number_of_their_own_or_not_found(portal_client):
    a_publication()
    theirs = a_publication(client_id=PIER, ref="proposal:2")
    a_publication(kind="contract")
    signed_in(portal_client)
    for number in (theirs.pk, 10**6, 10**17):
        assert portal_client.post(ASK, {"words": "Why?", "about": number}).status_code == 404
    assert not ClientAction.objects.exists()
    for odd in ("-1", "x", "\x00", "9" * 30, "١"):
        assert portal_client.post(ASK, {"words": f"Why {odd!r}?", "about": odd}).status_code == 302


def test_what_was_withdrawn_meanwhile_is_asked_about_no_more(portal_client):
    offer, _ = a_publication(), a_publication(kind="contract")
    signed_in(portal_client)
    offer.withdraw("It was too dear.")
    answer = portal_client.post(ASK, {"words": "Why?", "about": offer.pk})
    assert answer.status_code == 422
    assert "is not there any more" in answer.content.decode()
    assert not ClientAction.objects.exists()


def test_a_question_that_is_sent_twice_is_one(portal_client):
    a_publication()
    signed_in(portal_client)
    for _ in range(3):
        asked(portal_client)
    assert ClientAction.objects.count() == 1


def test_two_tabs_that_send_at_once_ask_once(portal_client):
    a_publication()
    guest, tokens, ready = a_guest(), [new_token(), new_token()], Barrier(2)

    def send(token):
        with database.login("portal") as tab:
            tab.execute("select portal_sign_in(%s, %s)", [SignInLink.mint(guest), token_hash(token)])
            ready.wait()
            return tab.execute("select portal_ask(%s, null, 'Who?', '', '')", [token]).fetchone()[0]

    def run(token):
        try:
            return send(token)
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(run, tokens)) == ["asked", "asked"]
    assert ClientAction.objects.count() == 1


def test_what_was_answered_may_be_asked_again_later(portal_client):
    a_publication()
    signed_in(portal_client)
    first = asked(portal_client)
    an_answer(first)
    with database.login("owner") as own:
        own.execute("update portal_clientaction set at = at - interval '11 minutes'")
    second = asked(portal_client)
    assert second.pk != first.pk
    page = portal_client.get(PAGE).content.decode()
    assert page.count("Is this one person?") == 2
    assert page.count("Yes, it is.") == 1


def test_twenty_questions_a_day_are_enough(portal_client):
    a_publication()
    signed_in(portal_client)
    for number in range(20):
        asked(portal_client, f"Question {number}?")
    answer = portal_client.post(ASK, {"words": "One more?"})
    assert answer.status_code == 422
    assert "Let us talk instead" in answer.content.decode()
    assert ClientAction.objects.count() == 20


def test_a_revoked_guest_and_a_stranger_ask_nothing(portal_client):
    a_publication()
    assert portal_client.post(ASK, {"words": "Why?"}).url == "/portal/sign-in"
    signed_in(portal_client)
    Guest.objects.update(revoked_at=timezone.now())
    assert portal_client.post(ASK, {"words": "Why?"}).url == "/portal/sign-in"
    assert portal_client.get(PAGE).url == f"/portal/sign-in?next={PAGE}"
    assert not ClientAction.objects.exists()


def test_a_preview_sees_what_is_answered_and_asks_nothing(portal_client):
    _, token = a_link()
    portal_client.post(f"/p/{token}/ask", {"words": "Is it open?"})
    portal_client.post(f"/p/{token}/ask", {"words": "Is it answered?"})
    an_answer(ClientAction.objects.get(words="Is it answered?"))
    portal_client.post(f"/portal/preview/{Preview.mint(client_id=HARBOR, client_name='Harbor', made_by='Ben')}")
    page = portal_client.get(PAGE).content.decode()
    assert "Is it answered?" in page
    assert "Is it open?" not in page
    assert portal_client.post(ASK, {"words": "Why?"}).status_code == 403
    assert ClientAction.objects.filter(guest=None, verb="asked").count() == 2


def test_a_colleague_reads_a_question_once_it_is_answered_and_another_client_never(portal_client):
    _, token = a_link(contact_id=TOM, contact_name="Tom Reyes")
    portal_client.post(f"/p/{token}/ask", {"words": "Is this too dear?"})
    signed_in(portal_client)
    assert "too dear" not in portal_client.get(PAGE).content.decode()
    an_answer(ClientAction.objects.get(verb="asked"))
    page = portal_client.get(PAGE).content.decode()
    assert "Is this too dear?" in page
    assert "Yes, it is." in page

    theirs = signed_in(database.PortalClient(), a_guest(client_id=PIER, contact_id=TOM))
    for path in (PAGE, "/portal/history/", "/portal/"):
        page = theirs.get(path).content.decode()
        assert "too dear" not in page
        assert "Yes, it is." not in page


def test_a_link_shows_the_answers_of_its_own_offer_only(portal_client):
    offer, other = a_publication(), a_publication(ref="proposal:2")
    (_, mine), (_, toms) = a_link(offer), a_link(other, contact_id=TOM, contact_name="Tom Reyes")
    portal_client.post(f"/p/{mine}/ask", {"words": "Is this too dear?"})
    an_answer(ClientAction.objects.get(verb="asked"))
    assert "Yes, it is." in portal_client.get(f"/p/{mine}/").content.decode()
    reader = database.PortalClient()
    reader.post(f"/p/{toms}/ask", {"words": "And this one?"})
    page = reader.get(f"/p/{toms}/").content.decode()
    assert "And this one?" in page
    assert "too dear" not in page
    assert "Yes, it is." not in page


def test_the_door_looks_for_itself_whatever_it_is_given():
    offer = a_publication()
    guest, token = a_guest(), new_token()
    with database.login("portal") as own:
        own.execute("select portal_sign_in(%s, %s)", [SignInLink.mint(guest), token_hash(token)])

        def ask(token, about, words):
            return own.execute("select portal_ask(%s, %s, %s, '', '')", [token, about, words]).fetchone()[0]

        for words in (None, "", "  \n", "x" * 5001, "\u202e\u200b"):
            assert ask(token, offer.pk, words) == "refused"
        assert ask(None, offer.pk, "Who?") == ask("x" * 43, None, "Who?") == "signed_out"
        assert ask(token, -1, "Who?") == "unknown"
        assert ask(token, None, "\u202eWho?") == "asked"
    assert ClientAction.objects.get().words == "Who?"
    assert Session.objects.get().guest == guest


def test_words_are_shown_as_text(portal_client):
    a_publication(title="<b>offer</b>")
    signed_in(portal_client)
    an_answer(asked(portal_client, "<script>1</script>"), "<img src=x onerror=1>")
    page = portal_client.get(PAGE).content.decode()
    assert "<script>1" not in page
    assert "<img" not in page
    assert "<b>offer" not in page


def test_the_page_asks_the_same_of_one_question_as_of_many(portal_client):
    a_publication()
    signed_in(portal_client)

    browser = Client()
    browser.cookies = portal_client.cookies

    def queries():
        with as_portal(), CaptureQueriesContext(connection) as caught:
            assert browser.get(PAGE).status_code == 200
            # Counted here: outside, the connection is another one.
            return len(caught.connection.queries_log)

    an_answer(asked(portal_client))
    queries()  # a process asks once what its login may do
    one = queries()
    for number in range(15):
        an_answer(asked(portal_client, f"Question {number}?"))
    assert 0 < one == queries() <= 8
    assert Publication.objects.filter(kind="answer").count() == 16
