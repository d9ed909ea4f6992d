"""The proposal link: what counts, what is refused, who wins."""

from datetime import timedelta
from threading import Barrier, Thread

import pytest
from django.utils import timezone
from portal_makers import TOM, a_link, a_publication, an_old_stamp

from portal.models import ClientAction, ProposalLink

pytestmark = pytest.mark.django_db(transaction=True)

ACCEPT = {"name": "Marta Lind", "role": "Owner", "consent": "on"}


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
    assert "4,800" not in page and "what we found" not in page


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
    assert "Marta Lind" in page.content.decode() and "Tick this to accept." in page.content.decode()
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
        link.revoke(replaced_by=a_link(a_publication(ref="proposal:1"))[0])

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
    """Do several things at the same moment, each in its own thread; return when all are done."""
    gate, results = Barrier(len(deeds)), []

    def run(deed):
        from django.db import connection

        gate.wait()
        try:
            results.append(deed())
        finally:
            connection.close()

    threads = [Thread(target=run, args=[deed]) for deed in deeds]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def test_of_many_answers_at_once_one_counts(portal_client):
    link, token = a_link()
    _, other = a_link(link.publication, contact_id=TOM, contact_name="Tom Reyes")
    digest = link.publication.digest

    at_once(
        *[lambda: portal_client.post(f"/p/{token}/accept", {**ACCEPT, "digest": digest})] * 3,
        *[lambda: portal_client.post(f"/p/{other}/decline", {"words": "No.", "digest": digest})] * 3,
    )

    assert ClientAction.objects.filter(verb__in=["accepted", "declined"]).count() == 1


def test_of_an_answer_and_a_withdrawal_one_is_first_and_the_other_knows(portal_client):
    for round_ in range(5):
        link, token = a_link(a_publication(ref=f"proposal:{round_}"))
        publication = link.publication

        at_once(
            lambda: portal_client.post(f"/p/{token}/accept", {**ACCEPT, "digest": publication.digest}),
            lambda: publication.withdraw("A price was wrong."),
        )

        accepted = ClientAction.objects.filter(publication=publication, verb="accepted").first()
        publication = type(publication).objects.get(pk=publication.pk)
        assert publication.withdrawn_at
        assert accepted is None or accepted.at <= publication.withdrawn_at + timedelta(seconds=1)
