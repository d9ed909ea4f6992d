"""Who comes in: by a link, by a code, to which room; and where a person is signed in."""

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
from django.core import mail
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from portal_makers import HARBOR, PIER, TOM, a_guest, a_publication, signed_in
from test_portal_wall import ask

from portal.models import Guest, Session, SignInLink, SignInRequest
from portal.tokens import new_token, token_hash
from proposals import inbox
from tests.database import PortalClient, as_portal, login

pytestmark = pytest.mark.django_db(transaction=True)

MAIL = "marta@harbor.example"
REFUSED = "This code lets nobody in."


@pytest.fixture(autouse=True)
def no_mail():
    mail.outbox = []


@pytest.fixture
def marta():
    return a_guest(email=MAIL, client_name="Harbor Dental")


def asks(browser, email=MAIL, next="", **headers):
    """Ask for a way in, as a person does; the worker answers."""
    answer = browser.post("/portal/sign-in", {"email": email, "next": next}, **headers)
    inbox.mail_sign_ins()
    return answer


def code_of(message) -> str:
    return re.search(r"^(\d{3} \d{3})$", message.body, re.M)[1]


def link_of(message) -> str:
    return re.search(r"(/portal/enter/\S+)", message.body)[1]


def types(browser, code):
    return browser.post("/portal/sign-in/code", {"code": code})


def is_in(browser) -> bool:
    return browser.get("/portal/").status_code == 200


def words(answer) -> bytes:
    """Return a page without what differs each time: the secrets of its forms."""
    return re.sub(rb'name="csrfmiddlewaretoken" value="\w+"', b"", answer.content)


# -- The link and the code. --------------------------------------------------------------------------------------------


def test_one_mail_brings_a_link_and_a_code_and_the_code_lets_in_the_browser_that_asked(portal_client, marta):
    assert asks(portal_client).url == "/portal/sign-in/code"
    (message,) = mail.outbox
    assert "Look into your mail" in portal_client.get("/portal/sign-in/code").content.decode()

    assert types(portal_client, code_of(message)).url == "/portal/"
    assert is_in(portal_client)


def test_a_code_may_be_typed_as_people_type_it(portal_client, marta):
    asks(portal_client)
    assert types(portal_client, f" {code_of(mail.outbox[0]).replace(' ', '-')} ").status_code == 302


def test_whoever_is_a_guest_of_several_clients_gets_one_mail(portal_client, marta):
    a_guest(client_id=PIER, contact_id=TOM, email=MAIL, client_name="Pier Yoga")
    asks(portal_client)
    assert len(mail.outbox) == 1


def test_a_code_is_worth_nothing_in_another_browser(portal_client, marta):
    asks(portal_client)
    other = PortalClient()
    asks(other, "somebody@else.example")

    answer = types(other, code_of(mail.outbox[0]))
    assert answer.status_code == 422
    assert REFUSED in answer.content.decode()
    assert types(PortalClient(), code_of(mail.outbox[0])).status_code == 422
    assert not Session.objects.exists()


def test_a_link_opens_in_whichever_browser_it_is_pressed(portal_client, marta):
    asks(portal_client)
    other = PortalClient()
    assert other.post(link_of(mail.outbox[0])).status_code == 302
    assert is_in(other)
    assert not is_in(portal_client)


@pytest.mark.parametrize("first", ["link", "code"])
def test_link_and_code_use_each_other_up(portal_client, marta, first):
    asks(portal_client)
    link, code, other = link_of(mail.outbox[0]), code_of(mail.outbox[0]), PortalClient()
    if first == "link":
        assert other.post(link).status_code == 302
        assert types(portal_client, code).status_code == 422
    else:
        cookies = portal_client.cookies["zarts_asked"].value
        assert types(portal_client, code).status_code == 302
        assert other.post(link).status_code == 410
        portal_client.cookies["zarts_asked"] = cookies
        assert types(portal_client, code).status_code == 422
    assert Session.objects.count() == 1


def test_after_five_tries_the_right_code_is_dead_too(portal_client, marta):
    asks(portal_client)
    right = code_of(mail.outbox[0])
    wrong = "000 000" if right != "000 000" else "111 111"
    for typed in [wrong] * 5 + [right]:
        answer = types(portal_client, typed)
        assert (answer.status_code, answer.content.decode().count(REFUSED)) == (422, 1)
    assert not Session.objects.exists()
    # The link of the same mail is no guess, and still lets in.
    assert portal_client.post(link_of(mail.outbox[0])).status_code == 302


def test_nobody_gets_more_than_ten_wrong_tries_a_day_at_one_address(portal_client, marta):
    for _ in range(2):
        asks(portal_client)
        for _ in range(5):
            types(portal_client, "000000" if code_of(mail.outbox[-1]) != "000 000" else "111111")
    asks(portal_client)
    assert len(mail.outbox) == 3
    assert types(portal_client, code_of(mail.outbox[-1])).status_code == 422
    assert not Session.objects.exists()


def test_what_others_try_elsewhere_shuts_nobody_out_of_their_codes(portal_client, marta):
    attacker = PortalClient()
    for _ in range(2):
        asks(attacker, REMOTE_ADDR="203.0.113.66")
        for _ in range(5):
            types(attacker, "000000" if code_of(mail.outbox[-1]) != "000 000" else "111111")
    asks(portal_client, REMOTE_ADDR="198.51.100.7")
    assert types(portal_client, code_of(mail.outbox[-1])).status_code == 302


@pytest.mark.parametrize("knows_her", [True, False])
def test_where_a_person_came_in_before_their_code_is_good_whatever_all_others_tried(
    portal_client, marta, as_owner, knows_her
):
    if knows_her:
        portal_client.post(f"/portal/enter/{SignInLink.mint(marta)}", REMOTE_ADDR="198.51.100.7")
    for number in range(10):
        as_owner(
            "insert into portal_signinrequest (email, address, network, tries, handled_at, at)"
            " values (%s, '', %s, 5, now(), now() - interval '2 hours')",
            [MAIL, f"203.0.113.{number}"],
        )
    asks(portal_client, REMOTE_ADDR="198.51.100.7")
    assert types(portal_client, code_of(mail.outbox[-1])).status_code == (302 if knows_her else 422)


def test_a_refused_code_says_that_the_link_of_the_mail_is_good_all_the_same(portal_client, marta):
    asks(portal_client)
    answer = types(portal_client, "000000" if code_of(mail.outbox[-1]) != "000 000" else "111111")
    assert "The link in the same mail lets you in all the same." in answer.content.decode()


def test_a_code_that_is_no_six_digits_is_no_try(portal_client, marta):
    asks(portal_client)
    for typed in ("", "12345", "1234567", "abcdef", "１２３４５６", "\x00" * 6, "1" * 5000):
        assert types(portal_client, typed).status_code == 422
    assert SignInRequest.objects.get().tries == 0
    assert types(portal_client, code_of(mail.outbox[0])).status_code == 302


def test_a_code_dies_with_its_quarter_of_an_hour(portal_client, marta, as_owner):
    asks(portal_client)
    as_owner("update portal_signinlink set expires_at = now() - interval '1 second'")
    assert types(portal_client, code_of(mail.outbox[0])).status_code == 422
    assert portal_client.post(link_of(mail.outbox[0])).status_code == 410


def test_a_truncated_link_is_not_there(portal_client, marta):
    token = SignInLink.mint(marta)
    for broken in (token[:-1], token[:20], token + "x"):
        assert portal_client.post(f"/portal/enter/{broken}").status_code == 404
    assert portal_client.post(f"/portal/enter/{token[:-1]}{'A' if token[-1] != 'A' else 'B'}").status_code == 410


def test_whoever_lost_their_access_meanwhile_stays_out(portal_client, marta):
    asks(portal_client)
    Guest.objects.filter(pk=marta.pk).update(revoked_at=timezone.now())
    assert types(portal_client, code_of(mail.outbox[0])).status_code == 422
    assert portal_client.post(link_of(mail.outbox[0])).status_code == 410


def test_the_cookie_of_whoever_asked_is_kept_from_scripts_and_other_sites(portal_client, settings):
    settings.PORTAL_URL = "https://portal.example"
    asks(portal_client)
    kept = portal_client.cookies["__Host-zarts_asked"]
    assert (kept["httponly"], kept["secure"], kept["samesite"], kept["path"], kept["domain"]) == (
        *(True, True, "Lax"),
        *("/", ""),
    )
    assert SignInRequest.objects.get().nonce_hash == token_hash(kept.value)


# -- Nothing tells who is known. ---------------------------------------------------------------------------------------


def test_a_known_and_an_unknown_address_get_the_same_bytes_and_the_same_statements(marta):
    def all_of_it(email):
        browser, shown, asked = Client(), [], []
        acts = [
            lambda: browser.post("/portal/sign-in", {"email": email}),
            lambda: browser.get("/portal/sign-in/code"),
            *[lambda: types(browser, "000000")] * 2,
            inbox.mail_sign_ins,
            *[lambda: types(browser, "000000")] * 6,
        ]
        for act in acts:
            if act is inbox.mail_sign_ins:
                act()
                continue
            with as_portal(), CaptureQueriesContext(connection) as queries:
                answer = act()
                asked.append([re.sub(r"'[^']*'", "?", query["sql"]) for query in queries.captured_queries])
            shown.append((answer.status_code, words(answer), sorted(answer.headers), sorted(answer.cookies)))
        return shown, asked

    known, unknown = all_of_it(MAIL), all_of_it("nobody@nowhere.example")
    assert known == unknown
    assert [len(statements) > 0 for statements in known[1]] == [True, False, *[True] * 8]
    assert len(mail.outbox) == 1


def test_a_request_over_the_limit_is_answered_like_any_other(portal_client, marta):
    pages = set()
    for _ in range(7):
        answer = asks(portal_client)
        pages.add(
            (
                answer.status_code,
                answer.url,
                words(portal_client.get(answer.url)),
                words(types(portal_client, "000000")),
            )
        )
    assert len(pages) == 1
    assert len(mail.outbox) == 5


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("2001:db8:1:2:aaaa::1", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff:ffff:ffff:ffff", "2001:db8:1:2::/64"),
        ("unix:", "unix:"),
    ],
)
def test_a_network_is_an_ipv4_address_or_the_64_around_an_ipv6_one(portal_cursor, address, network):
    ask(portal_cursor, "select portal_request_sign_in('a@b.example', %s)", address)
    assert SignInRequest.objects.get().network == network


def test_a_network_has_its_limit_whatever_addresses_it_asks_for(portal_cursor):
    for number in range(103):
        sql = "select portal_request_sign_in(%s, %s)"
        ask(portal_cursor, sql, f"p{number}@b.example", f"2001:db8:1:2::{number}")
    assert SignInRequest.objects.count() == 100
    ask(portal_cursor, "select portal_request_sign_in('a@b.example', '2001:db8:1:3::1')")
    assert SignInRequest.objects.count() == 101


# -- A hostile caller. -------------------------------------------------------------------------------------------------


def test_a_try_that_is_taken_back_was_none_and_one_that_counts_is_counted(portal_cursor, marta):
    """Somebody who can run SQL as the portal asks for a code, and tries them all in transactions that they undo."""
    nonce, session = new_token(), token_hash(new_token())
    ask(portal_cursor, "select portal_request_sign_in(%s, '', %s)", MAIL, token_hash(nonce))
    inbox.mail_sign_ins()
    right = code_of(mail.outbox[0]).replace(" ", "")
    entering = "select portal_enter_by_code(%s, %s, '', '')"

    for _ in range(50):
        portal_cursor.execute("begin")
        portal_cursor.execute("select portal_try_code(%s, %s)", [nonce, right])
        assert portal_cursor.execute(entering, [nonce, session]).fetchone() == (None,)
        portal_cursor.execute("rollback")
    assert SignInRequest.objects.get().tries == 0

    portal_cursor.execute("select portal_try_code(%s, %s)", [nonce, "x"])
    for _ in range(3):
        assert portal_cursor.execute(entering, [nonce, session]).fetchone() == (None,)
    portal_cursor.execute("select portal_try_code(%s, %s)", [nonce, right])
    assert portal_cursor.execute(entering, [nonce, session]).fetchone() == (HARBOR,)
    assert SignInRequest.objects.get().tries == 1


def test_the_portal_sees_no_session_code_passkey_or_preview_of_anybody(portal_cursor, marta):
    SignInLink.mint(marta)
    ask(portal_cursor, "select portal_sign_in(%s, %s)", SignInLink.mint(marta), token_hash(new_token()))
    for table in ("session", "signinlink", "signinrequest", "guest", "passkey", "usedchallenge", "preview"):
        for sql in (
            f"select * from portal_{table}",
            f"select id from portal_{table}",
            f"update portal_{table} set id = 1",
        ):
            with pytest.raises(Exception, match="permission denied"):
                portal_cursor.execute(sql)
    for door in ("portal_sessions", "portal_passkeys", "portal_rooms", "portal_session"):
        assert ask(portal_cursor, f"select * from {door}()") == []
        assert ask(portal_cursor, f"select * from {door}()", token="x" * 43) == []
    assert ask(portal_cursor, "select * from portal_passkey_key('')") == []


def test_of_many_who_use_a_link_and_its_code_at_once_one_gets_in(portal_cursor, marta):
    nonce, start = new_token(), Barrier(8)
    ask(portal_cursor, "select portal_request_sign_in(%s, '', %s)", MAIL, token_hash(nonce))
    inbox.mail_sign_ins()
    link, code = link_of(mail.outbox[0]).rpartition("/")[2], code_of(mail.outbox[0]).replace(" ", "")
    ask(portal_cursor, "select portal_try_code(%s, %s)", nonce, code)

    def enter(number):
        with login("portal") as browser:
            door, secret = ("portal_sign_in", link) if number % 2 else ("portal_enter_by_code", nonce)
            start.wait()
            sql = f"select {door}(%s, %s, '', '')"
            return browser.execute(sql, [secret, token_hash(new_token())]).fetchone()[0]

    with ThreadPoolExecutor(8) as pool:
        got = list(pool.map(enter, range(8)))
    assert sorted(got, key=str) == [HARBOR, *[None] * 7]
    assert Session.objects.count() == 1


# -- Rooms. ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def at_pier(marta):
    return a_guest(client_id=PIER, contact_id=TOM, email=MAIL, name="Marta Lind", client_name="Pier Yoga")


def test_a_guest_of_two_clients_reads_whose_room_it_is_and_goes_over(portal_client, marta, at_pier):
    a_publication(kind="report", title="Harbor's report")
    a_publication(kind="report", ref="report:2", client_id=PIER, title="Pier's report")
    signed_in(portal_client, marta)
    page = portal_client.get("/portal/reports/").content.decode()
    assert "You are with <strong>Harbor Dental</strong>" in page
    assert "Go to Pier Yoga" in page
    assert ("Harbor&#x27;s report" in page, "Pier&#x27;s report" in page) == (True, False)

    assert portal_client.post("/portal/rooms", {"client": PIER}).url == "/portal/"
    page = portal_client.get("/portal/reports/").content.decode()
    assert "You are with <strong>Pier Yoga</strong>" in page
    assert ("Harbor&#x27;s report" in page, "Pier&#x27;s report" in page) == (False, True)
    assert Session.objects.get().guest == at_pier


def test_they_come_in_again_where_they_were_last(portal_client, marta, at_pier):
    signed_in(portal_client, marta)
    asks(portal_client)
    types(portal_client, code_of(mail.outbox[0]))
    assert "You are with <strong>Harbor Dental</strong>" in portal_client.get("/portal/").content.decode()


def test_a_guest_of_one_client_reads_of_no_other(portal_client, marta):
    signed_in(portal_client, marta)
    page = portal_client.get("/portal/").content.decode()
    assert "You are with" not in page


@pytest.mark.parametrize("client", [PIER, 99, 0, "", "x", "-1", "９", 10**18, 10**30])
def test_a_room_that_is_not_theirs_stays_closed(portal_client, marta, client):
    a_guest(client_id=PIER, contact_id=TOM, email="tom@pier.example")
    signed_in(portal_client, marta)
    assert portal_client.post("/portal/rooms", {"client": client}).status_code == 404
    assert Session.objects.get().client_id == HARBOR


def test_the_database_refuses_a_room_that_is_not_theirs_or_was_closed(portal_cursor, marta, at_pier):
    token = new_token()
    ask(portal_cursor, "select portal_sign_in(%s, %s)", SignInLink.mint(marta), token_hash(token))
    assert ask(portal_cursor, "select portal_switch(99)", token=token) == [(False,)]
    Guest.objects.filter(pk=at_pier.pk).update(revoked_at=timezone.now())
    assert ask(portal_cursor, "select portal_switch(%s)", PIER, token=token) == [(False,)]
    assert ask(portal_cursor, "select portal_switch(%s)", HARBOR, token="x") == [(False,)]
    assert ask(portal_cursor, "select portal_client()", token=token) == [(HARBOR,)]


def test_whoever_is_revoked_in_the_room_they_are_in_is_out_at_once(portal_client, marta, at_pier):
    signed_in(portal_client, marta)
    Guest.objects.filter(pk=marta.pk).update(revoked_at=timezone.now())
    assert not is_in(portal_client)
    # Their other room is another matter: a new sign-in leads there, and to no other.
    asks(portal_client)
    types(portal_client, code_of(mail.outbox[0]))
    assert Session.objects.latest("pk").client_id == PIER
    assert "Go to" not in portal_client.get("/portal/").content.decode()


# -- Sessions. ---------------------------------------------------------------------------------------------------------

PHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1 Version/18.0 Mobile/15E148 Safari/604.1"
)
DESK = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0 Safari/537.36"


def on(agent, guest):
    browser = PortalClient(headers={"user-agent": agent})
    return signed_in(browser, guest)


def test_a_guest_sees_where_they_are_signed_in_in_plain_words(marta, at_pier):
    desk, _phone = on(DESK, marta), on(PHONE, at_pier)
    signed_in(PortalClient(), a_guest(contact_id=TOM, email="tom@harbor.example"))

    page = desk.get("/portal/sessions/").content.decode()
    assert page.count("Signed in") - page.count("Signed in as") == 2
    assert 'Chrome on Windows <span class="tag">This one</span>' in page
    assert "Safari on an iPhone" in page
    assert "from 127.0.0.1" in page


def test_a_guest_ends_another_session_of_theirs_and_nobody_elses(marta):
    desk, phone = on(DESK, marta), on(PHONE, marta)
    tom = on(PHONE, a_guest(contact_id=TOM, email="tom@harbor.example"))
    hers, his = Session.objects.order_by("pk")[1], Session.objects.order_by("pk")[2]

    assert desk.get(f"/portal/sessions/{hers.pk}/end").status_code == 405
    for pk in (his.pk, 10**15):
        desk.post(f"/portal/sessions/{pk}/end")
    assert desk.post(f"/portal/sessions/{10**30}/end").status_code == 404
    assert (is_in(phone), is_in(tom)) == (True, True)
    desk.post(f"/portal/sessions/{hers.pk}/end")
    assert (is_in(desk), is_in(phone), is_in(tom)) == (True, False, True)


def test_a_guest_signs_out_everywhere_else(marta, at_pier):
    desk, phone, tablet = on(DESK, marta), on(PHONE, marta), on(PHONE, at_pier)
    tom = on(PHONE, a_guest(contact_id=TOM, email="tom@harbor.example"))
    desk.post("/portal/sessions/end-others")
    assert [is_in(each) for each in (desk, phone, tablet, tom)] == [True, False, False, True]


def test_a_page_that_shows_notes_nothing_and_its_script_says_who_is_there(marta, as_owner):
    desk = on(DESK, marta)
    as_owner("update portal_session set seen_at = now() - interval '2 days'")
    desk.get("/portal/")
    assert timezone.now() - Session.objects.get().seen_at > timedelta(days=1)
    assert desk.post("/portal/seen").status_code == 204
    assert timezone.now() - Session.objects.get().seen_at < timedelta(minutes=1)


def test_a_session_of_a_contact_whose_number_was_given_to_another_address_is_dead(marta, as_owner):
    desk = on(DESK, marta)
    as_owner("update portal_guest set email = 'new@harbor.example'")
    assert not is_in(desk)


@pytest.mark.parametrize(
    ("agent", "words"),
    [
        (PHONE, "Safari on an iPhone"),
        (DESK, "Chrome on Windows"),
        (DESK + " Edg/131.0", "Edge on Windows"),
        ("Mozilla/5.0 (X11; Linux x86_64; rv:133.0) Gecko/20100101 Firefox/133.0", "Firefox on Linux"),
        ("Mozilla/5.0 (Android 14; Mobile; rv:133.0) Gecko/133.0 Firefox/133.0", "Firefox on an Android device"),
        ("curl/8.0", "A device that we do not know"),
        ("", "A device that we do not know"),
    ],
)
def test_a_device_is_said_in_plain_words(agent, words):
    assert Session(user_agent=agent).device == words
