"""The door of programs: a token, a key for each inquiry, and words about what is wrong."""

import json
from datetime import timedelta
from uuid import uuid4

import psycopg
import pytest
from django.utils import timezone

from portal import consent
from portal.models import Inquiry, IntakeToken
from portal.tokens import new_token

pytestmark = pytest.mark.django_db(transaction=True)

ANN = {"name": "Ann Day", "email": "Ann@Day.example", "consent": True, "consent_version": consent.INQUIRY_VERSION}


@pytest.fixture
def token(transactional_db):
    return IntakeToken.mint(name="Website", source_name="Website", created_by="Eve")[1]


def send(client, body, token="", key="a", **headers):
    body = body if isinstance(body, str | bytes) else json.dumps(body)
    headers |= {"Idempotency-Key": key} if key is not None else {}
    headers |= {"Authorization": f"Bearer {token}"} if token else {}
    return client.post("/intake/leads", body, content_type="application/json", headers=headers)


def test_a_program_needs_no_csrf_token_and_brings_a_lead_of_its_token(portal_client, token):
    portal_client.handler.enforce_csrf_checks = True

    answer = send(portal_client, {**ANN, "source": {"utm_campaign": "x", "other": "y"}}, token)

    assert (answer.status_code, answer.json()) == (201, {"key": "a", "received": True})
    inquiry = Inquiry.objects.get()
    assert (inquiry.token.name, inquiry.email, inquiry.source) == ("Website", "ann@day.example", {"utm_campaign": "x"})
    assert inquiry.token.last_used_at > timezone.now() - timedelta(minutes=1)


@pytest.mark.parametrize("sent", ["", "short", "x" * 43, "Ü" * 43, "x" * 5000])
def test_without_a_token_that_works_the_door_is_closed(portal_client, token, sent):
    answer = send(portal_client, ANN, sent.encode().decode("latin-1"))

    assert answer.status_code == 401
    assert answer["WWW-Authenticate"] == "Bearer"
    assert "dministrator" in answer.json()["detail"]
    assert not Inquiry.objects.exists()


def test_a_token_under_another_name_or_in_the_body_opens_nothing(portal_client, token):
    assert send(portal_client, {**ANN, "token": token}).status_code == 401
    assert send(portal_client, ANN, Authorization=f"Basic {token}").status_code == 401
    assert not Inquiry.objects.exists()


def test_a_revoked_token_is_closed_from_then_on(portal_client, token):
    assert send(portal_client, ANN, token).status_code == 201
    assert IntakeToken.objects.get().revoke("Eve") is True
    assert send(portal_client, ANN, token, key="b").status_code == 401
    assert IntakeToken.objects.get().revoke("Eve") is False
    assert Inquiry.objects.count() == 1


def test_the_same_key_with_the_same_words_adds_nothing_and_is_answered_the_same(portal_client, token):
    answers = [send(portal_client, ANN, token) for _ in range(3)]

    assert {(answer.status_code, answer.content) for answer in answers} == {(201, answers[0].content)}
    assert Inquiry.objects.count() == 1


def test_the_same_key_with_other_words_is_refused_and_says_so(portal_client, token):
    send(portal_client, ANN, token)
    answer = send(portal_client, {**ANN, "message": "Something else"}, token)

    assert answer.status_code == 422
    assert "with other words" in answer.json()["fields"]["Idempotency-Key"]
    assert Inquiry.objects.get().message == ""


def test_one_programs_keys_are_not_anothers(portal_client, token):
    other = IntakeToken.mint(name="Partner", source_name="Partner", created_by="Eve")[1]
    assert [send(portal_client, ANN, one).status_code for one in (token, other)] == [201, 201]
    assert Inquiry.objects.count() == 2


def test_a_token_that_runs_wild_fills_no_inbox_and_repeats_are_still_answered(portal_client, token, as_owner):
    send(portal_client, ANN, token)
    many = """insert into portal_inquiry (key, name, email, phone, company, website, message, consent, consent_version,
        doubtful, source, token_id, address, at) select gen_random_uuid(), 'x', 'x@x.example', '', '', '', '', true, '',
        false, '{}', token_id, '', now() from portal_inquiry, generate_series(1, 299)"""
    as_owner(many)

    refused = send(portal_client, ANN, token, key="one more")

    assert (refused.status_code, refused["Retry-After"]) == (429, "600")
    assert "same key" in refused.json()["detail"]
    assert send(portal_client, ANN, token).status_code == 201
    # An hour later the door is open again.
    as_owner("update portal_inquiry set at = at - interval '61 minutes'")
    assert send(portal_client, ANN, token, key="one more").status_code == 201


def test_each_wrong_field_gets_one_sentence(portal_client, token):
    answer = send(portal_client, {"name": ["Ann"], "email": "nobody", "consent": "yes"}, token, key=None)

    assert answer.status_code == 400
    fields = answer.json()["fields"]
    assert set(fields) == {"name", "email", "consent", "consent_version", "Idempotency-Key"}
    assert all(isinstance(sentence, str) and sentence.endswith(".") for sentence in fields.values())


@pytest.mark.parametrize("version", [None, "", 7, "inquiry-1999-01", consent.INQUIRY_VERSION + " ", "x" * 1000])
def test_only_a_consent_in_words_that_we_showed_is_taken(portal_client, token, version):
    answer = send(portal_client, {**ANN, "consent_version": version}, token)

    if str(version).strip() == consent.INQUIRY_VERSION:
        assert answer.status_code == 201
        assert Inquiry.objects.get().consent_version == consent.INQUIRY_VERSION
        return
    assert answer.status_code == 400
    assert consent.INQUIRY_VERSION in answer.json()["fields"]["consent_version"]
    assert not Inquiry.objects.exists()


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (" ", 400),
        ("{", 400),
        ("[]", 400),
        ("null", 400),
        (b"\xff\xfe", 400),
        ("[" * 20000, 400),
        ('{"name": "\\ud800", "email": "a@b.example", "consent": true}', 400),
        ('{"name": NaN, "email": {}, "consent": 1}', 400),
        ("x" * 70_000, 413),
    ],
)
def test_bad_json_is_refused_in_words(portal_client, token, body, status):
    answer = send(portal_client, body, token)

    assert answer.status_code == status
    assert status == 413 or answer.json()["detail"].endswith(".")
    assert not Inquiry.objects.exists()


@pytest.mark.parametrize(
    "source",
    [None, 7, ["x"], {"utm_source": {"a": ["\ud800\0"]}, "page": "\u202e" * 9}, {"utm_campaign": "x" * 60_000}],
)
def test_whatever_source_is_sent_breaks_nothing(portal_client, token, source):
    assert send(portal_client, {**ANN, "source": source}, token).status_code == 201


@pytest.mark.parametrize("key", ["", " ", "x" * 201])
def test_a_key_that_is_none_is_named(portal_client, token, key):
    answer = send(portal_client, ANN, token, key=key)
    assert (answer.status_code, list(answer.json()["fields"])) == (400, ["Idempotency-Key"])


# -- What an injected statement could do. ------------------------------------------------------------------------------

DOOR = "select portal_inquire_by_token(%s, %s, 'Ann', 'a@b.example', '', '', '', '', true, %s, '{}'::jsonb, '')"


@pytest.mark.parametrize("statement", ["select * from", "delete from", "select count(*) from"])
def test_the_portals_login_reads_and_changes_no_token(portal_cursor, token, statement):
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        portal_cursor.execute(f"{statement} portal_intaketoken")


@pytest.mark.parametrize(("key", "version"), [("", "v1"), ("x" * 201, "v1"), ("a", "x" * 21)])
def test_the_databases_own_door_refuses_what_the_view_refuses(portal_cursor, token, key, version):
    with pytest.raises(psycopg.errors.CheckViolation):
        portal_cursor.execute(DOOR, [token, key, version])
    assert not Inquiry.objects.exists()


def test_a_made_up_token_opens_the_databases_door_no_more_than_the_views(portal_cursor, token):
    assert portal_cursor.execute(DOOR, [new_token(), str(uuid4()), "v1"]).fetchone() == ("closed",)
    assert not Inquiry.objects.exists()
