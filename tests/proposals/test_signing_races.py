"""Two at the same moment, at a contract, hundreds of times: each time one comes first and the other is told."""

import os
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from threading import Barrier

import pytest
from django.db import connection, transaction

from opportunities.records import Refused
from portal.models import ClientAction, Guest, Publication, SignInLink
from portal.tokens import token_hash
from proposals import publishing
from proposals.models import Contract
from tests import database

pytestmark = pytest.mark.django_db(transaction=True)
ROUNDS = int(os.environ.get("RACE_ROUNDS", 20))
CLIENT, MARTA, TOM = 1, 7, 8
SESSIONS = {MARTA: "m" * 43, TOM: "t" * 43}


@pytest.fixture
def doors(portal_cursor):
    """Two connections of the portal's, and both people signed in."""
    for contact, session in SESSIONS.items():
        guest = Guest.objects.create(
            client_id=CLIENT, contact_id=contact, name=f"{contact}", email=f"{contact}@x.example"
        )
        portal_cursor.execute("select portal_sign_in(%s, %s)", [SignInLink.mint(guest), token_hash(session)])
    with ExitStack() as stack:
        yield [stack.enter_context(database.login("portal")) for _ in range(2)]


def a_contract(number, *signers):
    body = {
        "signers": [{"contact_id": signer} for signer in signers],
        "consent": {"version": "1", "text": "Yes."},
        "countersigned": None,
    }
    ref = publishing.ref(Contract(pk=number))
    given = {"client_id": CLIENT, "kind": "contract", "ref": ref, "title": "Contract", "approved_by": "Ben"}
    return Publication.publish(**given, body=body)


def sign(door, shown, who):
    values = [SESSIONS[who], shown.pk, "Marta", "Owner", "1", shown.digest, "", ""]
    return door.execute("select portal_sign(%s, %s, %s, %s, %s, %s, %s, %s)", values).fetchone()[0]


def decline(door, shown, who):
    values = [SESSIONS[who], shown.pk, "Too dear.", shown.digest, "", ""]
    return door.execute("select portal_decline_contract(%s, %s, %s, %s, %s, %s)", values).fetchone()[0]


def void(number):
    """Take a contract back as its move does, in a transaction of its own."""
    try:
        with transaction.atomic():
            publishing.withdraw(Contract(pk=number), "Another offer comes.")
        return "voided"
    except Refused:
        return "refused"


def race(rounds, signers, *runners):
    """Let two do something to one contract at once, again and again. Return what each round came to."""
    start, shown = Barrier(2), [a_contract(number, *signers) for number in range(rounds)]

    def run(act):
        try:
            return [(start.wait(20), act(number, each))[1] for number, each in enumerate(shown)]
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        return list(zip(*pool.map(run, runners), strict=True))


def count(**of):
    return ClientAction.objects.filter(**of).count()


def test_one_who_presses_twice_signs_once(doors):
    one, other = doors
    told = race(
        ROUNDS,
        [MARTA],
        lambda number, shown: sign(one, shown, MARTA),
        lambda number, shown: sign(other, shown, MARTA),
    )
    assert {tuple(sorted(each)) for each in told} == {("already", "signed")}
    assert count(verb="signed") == ROUNDS


def test_two_signers_at_once_sign_in_their_order_or_one_waits(doors):
    one, other = doors
    told = race(
        ROUNDS,
        [MARTA, TOM],
        lambda number, shown: sign(one, shown, MARTA),
        lambda number, shown: sign(other, shown, TOM),
    )
    assert {first for first, _ in told} == {"signed"}, "nobody keeps the first one from signing"
    assert {second for _, second in told} <= {"signed", "waiting"}
    for publication in Publication.objects.filter(kind="contract"):
        order = list(publication.actions.filter(verb="signed").order_by("id").values_list("contact_id", flat=True))
        assert order in ([MARTA], [MARTA, TOM])


def test_of_a_signature_and_a_no_one_counts(doors):
    one, other = doors
    told = race(
        ROUNDS,
        [MARTA, TOM],
        lambda number, shown: sign(one, shown, MARTA),
        lambda number, shown: decline(other, shown, MARTA),
    )
    assert set(told) <= {("signed", "already"), ("declined", "declined")}
    assert count() == ROUNDS
    assert count(verb="signed") == sum(first == "signed" for first, _ in told)


def test_of_a_signature_and_a_withdrawal_one_counts(doors):
    told = race(
        ROUNDS,
        [MARTA],
        lambda number, shown: sign(doors[0], shown, MARTA),
        lambda number, shown: void(number),
    )
    assert set(told) <= {("signed", "refused"), ("withdrawn", "voided")}
    taken_back = Publication.objects.filter(withdrawn_at__isnull=False)
    assert taken_back.count() == sum(second == "voided" for _, second in told)
    assert not ClientAction.objects.filter(publication__in=taken_back).exists()
