"""The way out of marketing mail, under the portal's own login: one click, no cookie, and nothing by a mere look."""

import logging
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.db import DatabaseError, connection, transaction
from django.utils import timezone
from portal_makers import a_stop_link

from portal.logs import WithoutTokens
from portal.models import Stop, StopLink
from portal.tokens import new_token
from tests import database

pytestmark = pytest.mark.django_db(transaction=True)

ONE_CLICK = {"List-Unsubscribe": "One-Click"}


def press(client, token, **more):
    return client.post(f"/stop/{token}/", ONE_CLICK, **more)


def test_a_look_at_the_page_stops_nothing(portal_client):
    link, token = a_stop_link()

    for method in (portal_client.get, portal_client.head):
        assert method(f"/stop/{token}/").status_code == 200

    assert not Stop.objects.exists()
    assert StopLink.objects.get(pk=link.pk).used_at is None


def test_the_page_asks_with_one_button_and_half_an_address(portal_client):
    _, token = a_stop_link()

    page = portal_client.get(f"/stop/{token}/").content.decode()

    assert ">m…@harbor.example</span>" in page
    assert "marta@" not in page
    assert page.count("<button") == 1


def test_a_mail_program_stops_it_at_once_without_a_page_a_cookie_or_a_token_of_a_form():
    """As RFC 8058 asks: a bare POST, answered without leading elsewhere."""
    link, token = a_stop_link()
    program = database.PortalClient(enforce_csrf_checks=True, headers={"User-Agent": "Mail program"})

    answer = press(program, token)

    assert (answer.status_code, "It is stopped." in answer.content.decode()) == (200, True)
    assert not answer.cookies
    stop = Stop.objects.get()
    assert (stop.link, stop.user_agent, stop.handled_at) == (link, "Mail program", None)
    assert StopLink.objects.get(pk=link.pk).used_at


@pytest.mark.parametrize("kind", ["multipart/form-data; boundary=x", "application/x-www-form-urlencoded"])
def test_either_way_of_sending_it_is_read(portal_client, kind):
    _, token = a_stop_link()
    body = "List-Unsubscribe=One-Click"
    if kind.startswith("multipart"):
        body = '--x\r\nContent-Disposition: form-data; name="List-Unsubscribe"\r\n\r\nOne-Click\r\n--x--\r\n'

    assert portal_client.post(f"/stop/{token}/", body.encode(), content_type=kind).status_code == 200
    assert Stop.objects.count() == 1


def test_the_button_of_the_page_sends_what_a_mail_program_sends(portal_client):
    _, token = a_stop_link()

    page = portal_client.get(f"/stop/{token}/").content.decode()

    assert '<input type="hidden" name="List-Unsubscribe" value="One-Click">' in page
    assert f'action="/stop/{token}/"' in page


def test_it_works_twice_and_says_that_it_was_stopped_already(portal_client):
    _, token = a_stop_link()

    press(portal_client, token)
    again = press(portal_client, token)

    assert (again.status_code, "stopped already" in again.content.decode()) == (200, True)
    assert Stop.objects.count() == 1, "what still waits to be read is noted once"
    assert "It was stopped on" in portal_client.get(f"/stop/{token}/").content.decode()


def test_a_press_after_the_first_was_read_counts_anew(portal_client):
    """They may have agreed again meanwhile: whoever presses it wants it to stop."""
    _, token = a_stop_link()
    press(portal_client, token)
    Stop.objects.update(handled_at=timezone.now(), outcome="Taken back.")

    assert "stopped already" in press(portal_client, token).content.decode()

    assert Stop.objects.unhandled().count() == 1


def test_nobody_fills_the_inbox_with_one_link(portal_client):
    _, token = a_stop_link()
    for _ in range(25):
        assert press(portal_client, token).status_code == 200
        Stop.objects.update(handled_at=timezone.now())

    assert Stop.objects.count() == 20


def test_of_two_presses_at_once_one_is_noted():
    _, token = a_stop_link()
    both = Barrier(2)

    def run(_):
        with database.login("portal") as bare:
            both.wait(10)
            return bare.execute("select portal_stop(%s, '', '')", [token]).fetchone()[0]

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(run, range(2))) == ["already", "stopped"]
    assert Stop.objects.count() == 1


@pytest.mark.parametrize("method", ["get", "post"])
def test_an_unknown_link_is_not_found_in_our_words(portal_client, method):
    answer = getattr(portal_client, method)(f"/stop/{new_token()}/", ONE_CLICK)

    assert answer.status_code == 404
    assert "We do not know this link." in answer.content.decode()


@pytest.mark.parametrize("token", ["x", "'" * 43, "A" * 42, "A" * 44, "%00" * 43, "../../admin/"])
def test_what_is_no_link_is_not_found(portal_client, token):
    assert press(portal_client, token).status_code == 404


@pytest.mark.parametrize("body", [{}, {"List-Unsubscribe": "maybe"}, {"List-Unsubscribe": "\0One-Click"}])
def test_a_post_that_does_not_say_so_stops_nothing_and_asks_again(portal_client, body):
    _, token = a_stop_link()

    answer = portal_client.post(f"/stop/{token}/", body)

    assert (answer.status_code, "<button" in answer.content.decode()) == (422, True)
    assert not Stop.objects.exists()


def test_what_is_too_large_or_broken_is_refused(portal_client):
    _, token = a_stop_link()

    large = portal_client.post(f"/stop/{token}/", {"List-Unsubscribe": "One-Click", "more": "x" * 70_000})
    broken = portal_client.post(f"/stop/{token}/", b"--x", content_type="multipart/form-data")

    assert (large.status_code, broken.status_code) == (413, 400)
    assert not Stop.objects.exists()


def test_the_address_of_the_page_goes_nowhere_else(portal_client):
    _, token = a_stop_link()

    for answer in (portal_client.get(f"/stop/{token}/"), press(portal_client, token)):
        assert answer["Referrer-Policy"] == "no-referrer"
        assert answer["X-Robots-Tag"] == "noindex"
        assert answer["Cache-Control"] == "no-store"


def test_no_log_holds_the_token():
    record = logging.LogRecord("django", 30, "", 1, "Not Found: %s", (f"/stop/{'A' * 43}/",), None)
    WithoutTokens().filter(record)
    assert record.getMessage() == "Not Found: /stop/…/"


def test_only_a_hash_of_the_token_is_kept(portal_client):
    _, token = a_stop_link()
    press(portal_client, token)
    with connection.cursor() as cursor:
        for table in ("portal_stoplink", "portal_stop"):
            cursor.execute(f"select count(*) from {table} t where t::text like %s", [f"%{token}%"])
            assert cursor.fetchone() == (0,)


def test_the_portals_login_makes_no_link_and_no_stop_by_itself(portal_cursor):
    for sql in (
        "insert into portal_stoplink (token_hash, client_id, contact_id, email, purpose, made_at)"
        " values ('x', 1, 1, 'a@b.example', 'marketing', now())",
        "update portal_stop set outcome = 'x'",
        "select email from portal_stoplink",
    ):
        with pytest.raises(Exception, match="permission denied"):
            portal_cursor.execute(sql)


def test_staff_can_not_undo_or_change_a_stop(portal_client):
    _, token = a_stop_link()
    press(portal_client, token)

    for change in ({"at": timezone.now()}, {"address": "x"}):
        with pytest.raises(DatabaseError), transaction.atomic():
            Stop.objects.update(**change)
    with pytest.raises(DatabaseError), transaction.atomic():
        StopLink.objects.update(used_at=None)
    with pytest.raises(DatabaseError), transaction.atomic():
        Stop.objects.all()._raw_delete("default")
