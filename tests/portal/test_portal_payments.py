"""What a payment provider may say, and how it is answered. Nothing is moved here: it waits for the agency."""

import json
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import DatabaseError, transaction
from django.utils import timezone
from portal_makers import CONTRACT, HARBOR, a_publication

from portal.models import PaymentNotice
from portal.payments import signature
from tests import database

pytestmark = pytest.mark.django_db(transaction=True)
SECRET, OLDER = "first-secret-of-24-letters", "older-secret-of-24-letters"
ADDRESS = "/hooks/payments"
EVENT = {
    "event_id": "evt_1",
    "contract": "C-0007",
    "kind": "paid",
    "amount": "4800.00",
    "currency": "USD",
    "occurred_at": "2026-11-20T09:30:00+01:00",
}


@pytest.fixture(autouse=True)
def provider(settings, portal_client):
    settings.PAYMENT_SECRETS = [SECRET, OLDER]
    a_publication(kind="contract", body={**CONTRACT, "number": "C-0007"})


def send(client, event=None, *, body=None, secret=SECRET, stamp=None, header=None, **more):
    body = json.dumps(EVENT | (event or {})).encode() if body is None else body
    stamp = int(time.time()) if stamp is None else stamp
    header = f"t={stamp},v1={signature(secret, stamp, body)}" if header is None else header
    kind = {"content_type": "application/json", "headers": {"Zarts-Signature": header}}
    return client.post(ADDRESS, body, **kind, **more)


def test_without_a_secret_the_address_is_not_there(portal_client, settings):
    settings.PAYMENT_SECRETS = []
    assert send(portal_client).status_code == 404
    assert portal_client.get(ADDRESS).status_code == 404


def test_what_is_signed_is_kept_to_the_letter_and_waits(portal_client):
    assert send(portal_client).json() == {"received": True}
    notice = PaymentNotice.objects.unhandled().get()
    assert (notice.client_id, notice.contract, notice.kind, notice.currency) == (HARBOR, "C-0007", "paid", "USD")
    assert str(notice.amount) == "4800.00"
    assert notice.occurred_at.isoformat() == "2026-11-20T08:30:00+00:00"
    assert json.loads(notice.body) == EVENT
    assert signature(SECRET, notice.stamp, notice.body.encode()) == notice.signature


def test_while_secrets_change_hands_each_of_them_counts(portal_client, settings):
    assert send(portal_client, secret=OLDER).status_code == 200
    settings.PAYMENT_SECRETS = [SECRET]
    assert send(portal_client, {"event_id": "evt_2"}, secret=OLDER).status_code == 401


def test_no_form_and_no_token_is_asked_for(portal_client):
    strict = database.PortalClient(enforce_csrf_checks=True)
    assert send(strict).status_code == 200


@pytest.mark.parametrize(
    "header",
    ["", "t=1,v1=", "v1=" + "0" * 64, "t=x,v1=" + "0" * 64, "t=1,v1=" + "Z" * 64, "t=" + "9" * 40 + ",v1=" + "0" * 64],
)
def test_without_a_whole_header_nobody_is_believed(portal_client, header):
    answer = send(portal_client, header=header)
    assert answer.status_code == 401
    assert "Zarts-Signature" in answer.json()["detail"]


def test_a_wrong_signature_is_refused_before_anything_is_read(portal_client):
    assert send(portal_client, secret="somebody-elses-secret-here").status_code == 401
    assert send(portal_client, body=b"\xff\0 no json", secret="somebody-elses-secret-here").status_code == 401
    now = int(time.time())
    good = f"t={now},v1={signature(SECRET, now, json.dumps(EVENT).encode())}"
    assert send(portal_client, {"amount": "1.00"}, header=good).status_code == 401
    later = good.replace(f"t={now}", f"t={now + 1}")
    assert send(portal_client, header=later).status_code == 401, "the time is signed along"
    assert not PaymentNotice.objects.exists()


@pytest.mark.parametrize("seconds", [-301, 320])
def test_what_was_signed_too_long_ago_or_lies_ahead_is_refused(portal_client, seconds):
    answer = send(portal_client, stamp=int(time.time()) + seconds)
    assert answer.status_code == 401
    assert answer.json()["detail"] == "This was signed too long ago. Sign it anew and send it again."
    assert not PaymentNotice.objects.exists()


def test_a_repeat_is_thanked_and_nothing_more(portal_client):
    for stamp in (int(time.time()), int(time.time()) - 60):
        assert send(portal_client, stamp=stamp).json() == {"received": True}
    assert PaymentNotice.objects.count() == 1


def test_the_same_event_with_other_words_is_a_conflict(portal_client):
    send(portal_client)
    answer = send(portal_client, {"amount": "4800.01"})
    assert answer.status_code == 409
    assert "This event_id came before" in answer.json()["detail"]
    assert str(PaymentNotice.objects.get().amount) == "4800.00"


def test_the_same_event_many_times_at_once_is_kept_once(portal_client):
    body, now = json.dumps(EVENT).encode(), int(time.time())
    values = ["evt_1", "C-0007", "paid", "4800", "USD", timezone.now(), body.decode(), now, "0" * 64, ""]
    call = "select portal_payment(%s, %s, %s, %s::numeric, %s, %s, %s, %s, %s, %s)"

    def say(_):
        with database.login("portal") as connection:
            return connection.execute(call, values).fetchone()[0]

    with ThreadPoolExecutor(6) as pool:
        assert sorted(pool.map(say, range(12))) == ["before"] * 11 + ["new"]
    assert PaymentNotice.objects.count() == 1


def test_a_contract_that_no_client_was_shown_is_not_known(portal_client):
    answer = send(portal_client, {"contract": "C-0008"})
    assert answer.status_code == 404
    assert not PaymentNotice.objects.exists()
    assert send(portal_client, {"contract": "C-0008"}, secret="x" * 24).status_code == 401, (
        "only whoever signs hears it"
    )


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "one JSON object"),
        (b"[]", "one JSON object"),
        (b"{", "one JSON object"),
        (b"\xff\xfe", "one JSON object"),
        (b"[" * 60_000, "one JSON object"),
        (b'{"event_id": "a\0"}', "one JSON object"),
        ({"amount": float("nan")}, "one JSON object"),
        (b'{"amount": ' + b"9" * 5000 + b"}", "one JSON object"),
        ({"event_id": ""}, "event_id"),
        ({"event_id": "x" * 121}, "event_id"),
        ({"event_id": "\u202eevt"}, "event_id"),
        ({"event_id": 7}, "event_id"),
        ({"contract": None}, "contract"),
        ({"kind": "stolen"}, "kind"),
        ({"kind": ["paid"]}, "kind"),
        ({"currency": "usd"}, "currency"),
        ({"currency": "US"}, "currency"),
        ({"amount": 0}, "amount"),
        ({"amount": -5}, "amount"),
        ({"amount": True}, "amount"),
        ({"amount": "1e3"}, "amount"),
        ({"amount": "4800.005"}, "amount"),
        ({"amount": "12345678901"}, "amount"),
        ({"amount": "much"}, "amount"),
        ({"amount": {}}, "amount"),
        ({"occurred_at": "2026-11-20T09:30:00"}, "occurred_at"),
        ({"occurred_at": "yesterday"}, "occurred_at"),
        ({"occurred_at": "9999-12-31T23:59:59-23:00"}, "occurred_at"),
        ({"occurred_at": "0001-01-01T00:00:00+23:00"}, "occurred_at"),
        ({"occurred_at": "2099-01-01T00:00:00Z"}, "occurred_at"),
        ({"occurred_at": 5}, "occurred_at"),
    ],
)
def test_what_makes_no_sense_is_refused_in_a_sentence(portal_client, body, words):
    answer = send(portal_client, body=body) if isinstance(body, bytes) else send(portal_client, body)
    assert answer.status_code == 400
    assert words in answer.json()["detail"]
    assert not PaymentNotice.objects.exists()


@pytest.mark.parametrize("amount", [4800, 4800.5, "4800", "4800.50"])
def test_an_amount_may_be_a_number_or_its_letters(portal_client, amount):
    assert send(portal_client, {"amount": amount}).status_code == 200


def test_more_than_64_kb_is_not_read(portal_client):
    answer = send(portal_client, {"note": "x" * 64 * 1024})
    assert answer.status_code == 413
    assert not PaymentNotice.objects.exists()


def test_other_methods_are_not_taken(portal_client):
    assert portal_client.get(ADDRESS).status_code == 405
    assert portal_client.delete(ADDRESS).status_code == 405


# -- The door. ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("place", "value", "answer"),
    [
        (0, "", "refused"),
        (1, "C-9999", "unknown"),
        (2, "stolen", "refused"),
        (3, "-1", "refused"),
        (3, "NaN", "refused"),
        (3, "Infinity", "refused"),
        (3, None, "refused"),
        (4, "usd", "refused"),
        (5, None, "refused"),
        (5, "2099-01-01T00:00Z", "refused"),
        (6, "", "refused"),
        (6, "x" * 70_000, "refused"),
        (7, 1, "late"),
        (7, None, "late"),
        (8, "no signature", "refused"),
    ],
)
def test_the_door_looks_at_everything_itself(portal_cursor, place, value, answer):
    values = ["e", "C-0007", "paid", "4800", "USD", timezone.now(), "{}", int(time.time()), "0" * 64, ""]
    values[place] = value
    call = "select portal_payment(%s, %s, %s, %s::numeric, %s, %s::timestamptz, %s, %s, %s, %s)"
    assert portal_cursor.execute(call, values).fetchone()[0] == answer
    assert not PaymentNotice.objects.exists()


def test_nobody_changes_what_a_provider_said(portal_client):
    send(portal_client)
    for change in ({"amount": 1}, {"body": "{}"}, {"occurred_at": timezone.now()}):
        with pytest.raises(DatabaseError), transaction.atomic():
            PaymentNotice.objects.update(**change)
    with pytest.raises(DatabaseError), transaction.atomic():
        PaymentNotice.objects.all()._raw_delete("default")
