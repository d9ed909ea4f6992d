"""Attention: what counts as fetched, opened and engaged; who reads by a link; what they choose and object to."""

import pytest
from portal_makers import PROPOSAL, TOM, a_link, a_publication, an_old_stamp, signed_in
from test_portal_link import ACCEPT, at_once, opened, verbs

from portal.models import ClientAction, ProposalLink, Reader
from portal.tokens import new_token
from tests import database

pytestmark = pytest.mark.django_db(transaction=True)

# As a browser sends it with a form of ours.
OURS = {"Sec-Fetch-Site": "same-origin"}


def newest(link):
    return ProposalLink.objects.get(pk=link.pk)


def later(seconds=100):
    """Let time pass for whoever reads."""
    with database.login("owner") as own:
        own.execute("update portal_reader set seen_at = seen_at - make_interval(secs => %s)", [seconds])
        own.execute("update portal_reader set opened_at = opened_at - make_interval(secs => %s)", [seconds])


def read(client, token, **seconds):
    said = [f"{part}={spent}" for part, spent in seconds.items()]
    return client.post(f"/p/{token}/read", {"seen": said})


# -- Fetched. ----------------------------------------------------------------------------------------------------------


def test_what_fetches_the_cover_is_counted_as_fetched_and_nothing_else(portal_client):
    link, token = a_link()
    for _ in range(3):
        portal_client.get(f"/p/{token}/")
    assert newest(link).fetches == 3
    assert newest(link).fetched_at
    assert (newest(link).opened_at, newest(link).engaged_at, verbs()) == (None, None, [])


def test_a_page_that_a_browser_asks_for_ahead_is_not_even_fetched(portal_client):
    link, token = a_link()
    portal_client.get(f"/p/{token}/", headers={"Sec-Purpose": "prefetch;prerender"})
    assert newest(link).fetches == 0


def test_staff_who_look_as_the_client_fetch_nothing(portal_client):
    link, token = a_link()
    portal_client.cookies["zarts_preview"] = new_token()
    portal_client.get(f"/p/{token}/")
    assert newest(link).fetches == 0


def test_a_closed_link_is_not_fetched(portal_client):
    link, token = a_link()
    link.revoke()
    assert portal_client.get(f"/p/{token}/").status_code == 410
    assert newest(link).fetches == 0


# -- Opened. -----------------------------------------------------------------------------------------------------------


def test_a_press_from_another_site_shows_the_page_and_counts_nothing(portal_client):
    _, token = a_link()
    portal_client.post(f"/p/{token}/open", {"stamp": an_old_stamp()}, headers={"Sec-Fetch-Site": "cross-site"})
    assert verbs() == []


def test_a_machine_that_repeats_a_press_is_not_counted_again(portal_client):
    _, token = a_link()
    stamp = an_old_stamp()
    portal_client.post(f"/p/{token}/open", {"stamp": stamp, "name": "Jonas", "colleague": "1"}, headers=OURS)
    for _ in range(3):
        database.PortalClient().post(f"/p/{token}/open", {"stamp": stamp, "name": "Machine", "colleague": "1"})
    assert list(ClientAction.objects.values_list("name", flat=True)) == ["Jonas"]


def test_whoever_reads_on_is_known_by_their_browser_and_by_no_other(portal_client):
    _, token = a_link()
    opened(portal_client, token)
    assert "$4,800" in portal_client.get(f"/p/{token}/").content.decode()
    other = database.PortalClient()
    assert "Open the proposal" in other.get(f"/p/{token}/").content.decode()
    cookie = next(name for name in portal_client.cookies if name.startswith("zarts_opened"))
    other.cookies[cookie] = new_token()
    assert "Open the proposal" in other.get(f"/p/{token}/").content.decode(), (
        "a key that nobody was given opens nothing"
    )


def test_parallel_presses_are_one_opening():
    _, token = a_link()

    def press():
        with database.login("portal") as own:
            call = "select portal_open(%s, %s, '', %s, false, '', '')"
            return own.execute(call, [token, new_token(), new_token()]).fetchone()[0]

    assert at_once(*[press] * 8) == ["open"] * 8
    assert verbs() == ["opened"]


# -- A colleague. ------------------------------------------------------------------------------------------------------


def test_a_colleague_is_asked_for_a_name_and_is_known_by_it(portal_client):
    _, token = a_link()
    page = portal_client.post(f"/p/{token}/open", {"stamp": an_old_stamp(), "colleague": "1", "name": " "})
    assert page.status_code == 422
    assert "Type your name first" in page.content.decode()
    portal_client.post(f"/p/{token}/open", {"stamp": an_old_stamp(), "colleague": "1", "name": "Jonas\u202e Weber"})
    assert "You read this as Jonas Weber" in portal_client.get(f"/p/{token}/").content.decode()
    portal_client.post(f"/p/{token}/ask", {"words": "And the server?"})
    assert list(ClientAction.objects.values_list("verb", "name")) == [
        ("opened", "Jonas Weber"),
        ("asked", "Jonas Weber"),
    ]


def test_once_the_contact_has_opened_it_another_browser_is_asked_who_it_is(portal_client):
    _, token = a_link()
    opened(portal_client, token)
    page = database.PortalClient().get(f"/p/{token}/").content.decode()
    assert "Marta Lind has opened it in another browser." in page
    assert '<details class="colleague" open>' in page


def test_a_name_that_is_too_long_says_so(portal_client):
    _, token = a_link()
    page = portal_client.post(f"/p/{token}/open", {"stamp": an_old_stamp(), "colleague": "1", "name": "x" * 4000})
    assert page.status_code == 422
    assert "Shorten this to 120 characters." in page.content.decode()


def test_a_link_is_not_opened_in_more_browsers_than_a_company_has(portal_client):
    link, token = a_link()
    opened(portal_client, token)
    with database.login("owner") as own:
        own.execute(
            "insert into portal_reader (link_id, key_hash, stamp_hash, name, opened_at, seen_at, seconds, address,"
            " user_agent) select link_id, n::text, '', '', now(), now(), '{}', '', '' from portal_reader,"
            " generate_series(1, 500) n"
        )
    portal_client.cookies.clear()
    page = portal_client.post(f"/p/{token}/open", {"stamp": an_old_stamp()})
    assert page.status_code == 409
    assert "very many browsers" in page.content.decode()
    assert Reader.objects.filter(link=link).count() == 501


# -- Engaged. ----------------------------------------------------------------------------------------------------------


def test_who_reads_for_ten_seconds_is_engaged_once(portal_client):
    link, token = a_link()
    opened(portal_client, token)
    later()
    assert read(portal_client, token, price=6).status_code == 204
    assert newest(link).engaged_at is None
    later()
    read(portal_client, token, price=3, scope=4)
    later()
    read(portal_client, token, price=5)
    assert verbs() == ["opened", "engaged"]
    assert newest(link).engaged_at
    assert Reader.objects.get().seconds == {"price": 14, "scope": 4}


def test_nobody_reads_longer_than_the_time_that_passed(portal_client):
    _, token = a_link()
    opened(portal_client, token)
    read(portal_client, token, price=60)
    assert Reader.objects.get().seconds == {}
    assert verbs() == ["opened"]


def test_what_pressed_too_fast_is_counted_as_soon_as_somebody_reads(portal_client, settings):
    settings.PORTAL_HUMAN_SECONDS = 3
    _, token = a_link()
    portal_client.post(f"/p/{token}/open", {"stamp": portal_client.get(f"/p/{token}/").context["stamp"]})
    assert verbs() == []
    later()
    read(portal_client, token, price=12)
    assert verbs() == ["opened", "engaged"]


@pytest.mark.parametrize(
    "said",
    [["price=abc"], ["price=-5"], ["price=9999"], ["PRICE=5"], ["a;b=5"], ["x" * 5000], ["price=\u0665"], [""], []],
)
def test_what_no_script_of_ours_would_send_is_left_out(portal_client, said):
    _, token = a_link()
    opened(portal_client, token)
    later()
    assert portal_client.post(f"/p/{token}/read", {"seen": said}).status_code == 204
    assert Reader.objects.get().seconds == {}


def test_who_has_not_opened_it_reads_nothing(portal_client):
    _, token = a_link()
    assert read(portal_client, token, price=10).status_code == 204
    assert not Reader.objects.exists()
    assert read(portal_client, new_token(), price=10).status_code == 404


def test_a_page_left_open_while_its_link_is_sent_again_reads_nothing_more_and_is_no_fault(portal_client):
    link, token = a_link()
    opened(portal_client, token)
    link.revoke(replaced_by=a_link(link.publication)[0])
    later()
    assert read(portal_client, token, price=10).status_code == 204
    assert Reader.objects.get().seconds == {}


# -- Choices. ----------------------------------------------------------------------------------------------------------


def test_a_choice_is_kept_told_and_shown_with_its_totals(portal_client):
    link, token = a_link()
    opened(portal_client, token)
    later()
    page = portal_client.post(f"/p/{token}/choose", {"option": ["13", "11", "99", "x"]}, follow=True)
    assert newest(link).chosen == [13], "only what is optional can be chosen"
    assert "$6,246" in page.content.decode()
    assert verbs() == ["opened", "engaged", "chose"]
    assert ClientAction.objects.get(verb="chose").data == {"options": [13]}
    portal_client.post(f"/p/{token}/choose", {"option": ["13"]})
    assert verbs() == ["opened", "engaged", "chose"], "the same choice again is none"


def test_how_somebody_read_is_told_to_nobody_at_the_client(portal_client):
    publication = a_publication()
    _, token = a_link(publication)
    opened(portal_client, token)
    later()
    portal_client.post(f"/p/{token}/choose", {"option": ["13"]})
    portal_client.post(f"/p/{token}/accept", {**ACCEPT, "digest": publication.digest})
    assert verbs() == ["opened", "engaged", "chose", "accepted"]

    signed_in(portal_client)
    for path in ("/portal/", f"/portal/proposals/{publication.pk}/", "/portal/history/"):
        page = portal_client.get(path).content.decode()
        assert "accepted" in page
        assert "engaged" not in page
        assert "chose " not in page


def test_of_two_tabs_that_accept_different_options_the_first_counts(portal_client):
    link, token = a_link()
    opened(portal_client, token)
    digest = link.publication.digest
    portal_client.post(f"/p/{token}/accept", {**ACCEPT, "digest": digest, "option": ["13"]})
    page = portal_client.post(f"/p/{token}/accept", {**ACCEPT, "digest": digest}, follow=True).content.decode()
    assert ClientAction.objects.get(verb="accepted").data["options"] == [13]
    assert "Marta Lind accepted this" in page


# -- Parts. ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("role", ["reads", "signs"])
def test_who_does_not_decide_reads_asks_and_objects_but_answers_nothing(portal_client, role):
    publication = a_publication()
    a_link(publication)
    link, token = a_link(publication, contact_id=TOM, contact_name="Tom Reyes", role=role)
    page = opened(portal_client, token).get(f"/p/{token}/").content.decode()
    assert "Accept the proposal" not in page
    assert "Marta Lind can accept or decline this." in page
    for deed, typed in (("accept", ACCEPT), ("decline", {"words": "No."})):
        refused = portal_client.post(f"/p/{token}/{deed}", {**typed, "digest": link.publication.digest})
        assert refused.status_code == 409
        assert "Somebody else decides this." in refused.content.decode()
    portal_client.post(f"/p/{token}/ask", {"words": "When?"})
    assert verbs() == ["opened", "asked"]


def test_an_objection_names_the_line_that_it_is_about(portal_client):
    _, token = a_link()
    opened(portal_client, token)
    typed = {"kind": "objection", "about": "price-11", "words": "Too dear."}
    page = portal_client.post(f"/p/{token}/ask", typed, follow=True).content.decode()
    deed = ClientAction.objects.get(verb="objected")
    assert (deed.words, deed.data) == ("Too dear.", {"about": "price-11", "title": "Booking page"})
    assert "Marta Lind objected, about “Booking page”" in page


def test_a_line_that_is_not_on_the_page_cannot_be_asked_about(portal_client):
    _, token = a_link()
    opened(portal_client, token)
    page = portal_client.post(f"/p/{token}/ask", {"about": "price-999", "words": "What is this?"})
    assert page.status_code == 422
    assert "Choose a line that is on this page." in page.content.decode()
    assert "What is this?" in page.content.decode()
    assert verbs() == ["opened"]


def test_a_question_that_is_sent_twice_is_one(portal_client):
    _, token = a_link()
    opened(portal_client, token)
    for _ in range(3):
        assert portal_client.post(f"/p/{token}/ask", {"words": "When?"}).status_code == 302
    assert verbs() == ["opened", "asked"]


# -- A newer one. ------------------------------------------------------------------------------------------------------


def test_a_replaced_link_says_so_and_leads_on_to_the_newer_version(portal_client):
    link, token = a_link()
    opened(portal_client, token)
    newer, _ = a_link(a_publication(title="Revision two", body={**PROPOSAL, "intro": "New words."}))
    link.revoke(replaced_by=newer)
    link.publication.withdraw("Revision 2 stands in for it.")
    page = portal_client.get(f"/p/{token}/").content.decode()
    assert "There is a newer version." in page
    assert "Open the newer version" in page
    assert "New words." not in page
    assert "New words." in opened(portal_client, token).get(f"/p/{token}/").content.decode()
    portal_client.post(f"/p/{token}/accept", {**ACCEPT, "digest": newer.publication.digest})
    assert ClientAction.objects.get(verb="accepted").publication == newer.publication


def test_an_answer_to_the_older_version_is_not_taken_for_the_newer_one(portal_client):
    link, token = a_link()
    opened(portal_client, token)
    link.revoke(replaced_by=a_link(a_publication(body={**PROPOSAL, "intro": "New words."}))[0])
    refused = portal_client.post(f"/p/{token}/accept", {**ACCEPT, "digest": link.publication.digest})
    assert refused.status_code == 409
    assert "accepted" not in verbs()


def test_a_replaced_link_leads_nobody_to_somebody_elses(portal_client):
    link, token = a_link()
    link.revoke(replaced_by=a_link(link.publication, contact_id=TOM, contact_name="Tom Reyes")[0])
    assert portal_client.get(f"/p/{token}/").status_code == 410


def test_a_link_that_was_sent_again_leads_to_the_same_offer(portal_client):
    link, token = a_link()
    link.revoke(replaced_by=a_link(link.publication)[0])
    assert "leads to the same proposal" in portal_client.get(f"/p/{token}/").content.decode()


# -- The wall. ---------------------------------------------------------------------------------------------------------


def test_the_portals_login_reads_no_reader_and_counts_nobody_by_itself(portal_cursor):
    a_link()
    for sql in (
        "select * from portal_reader",
        "insert into portal_reader (name) values ('x')",
        "select portal_link_of('x')",
        "select portal_count(null, null, null, true, false, '', '')",
        "select portal_note_once(null, null, '', '', '{}', '', '')",
        "update portal_proposallink set opened_at = now()",
    ):
        with pytest.raises(Exception, match="permission denied"):
            portal_cursor.execute(sql)


def test_seconds_that_are_no_object_are_refused(portal_cursor):
    _, token = a_link()
    for said in ("[]", "1", '"x"', "null", '{"price": "5"}', '{"price": 1e9}', '{"a": -1}', '{"a": 1.5}'):
        found = portal_cursor.execute("select portal_read(%s, 'x', %s, '', '')", [token, said]).fetchone()[0]
        assert found == "refused", said
