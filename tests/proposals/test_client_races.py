"""`make races`: two deeds at the same moment, of a client's or of a client's and ours. Each time one of them counts.

They come to the portal's own process, about records that the real moves made; then the inbox makes the moves. Each
round begins where the first one began. In `make test` with fewer rounds.
"""

import json
import os
import random
import tempfile
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from decimal import Decimal
from pathlib import Path
from threading import Barrier

import pytest
import requests
from django.db import connection

from opportunities.models import Contact, Event, Message, Objection, Task
from opportunities.records import Refused, begin, perform
from portal.consent import ACCEPT_VERSION
from portal.models import (
    ClientAction,
    Guest,
    PaymentNotice,
    ProposalLink,
    Publication,
    Session,
    SignInLink,
    SignInRequest,
)
from portal.payments import signature
from portal.tokens import new_token, token_hash
from proposals import inbox, publishing
from proposals.models import PaymentProof, Signature
from proposals.publishing import CONSENT
from tests import database
from tests.browser.house import PublicSide
from tests.makers_proposals import a_contract, a_proposal, approve_all
from tests.proposals.test_inbox import token_of

pytestmark = pytest.mark.django_db(transaction=True)
ROUNDS = int(os.environ.get("RACE_ROUNDS", 4))
# So many rounds leave behind what slows the next ones down.
SWEPT = 100
SECRET = "first-secret-of-24-letters"
CSRF = "c" * 32
TYPED = {"name": "Bo Larsen", "role": "Owner", "consent": "on", "consent_version": ACCEPT_VERSION}


@pytest.fixture(scope="module")
def side(django_db_setup):
    """The portal's own process, with its own login."""
    with tempfile.TemporaryDirectory(prefix="zarts-races-") as folder:
        side = PublicSide(Path(folder))
        side.env |= {"PAYMENT_SECRET": SECRET, "WEB_WORKERS": "2"}
        try:
            side.open()
            yield side
        finally:
            side.close()


class Race:
    """Rounds that all begin alike."""

    def __init__(self, side, name, capsys):
        self.side, self.name, self.capsys, self.came = side, name, capsys, Counter()
        with database.login("owner") as own:
            self.begins = own.execute("select kept_rows()::text").fetchone()[0]

    def run(self, prepare, judge):
        """Let the deeds of `prepare` happen at once, read the inbox, and have `judge` say which of them counted."""
        began, moment = time.monotonic(), 0
        with database.login("owner") as own, ThreadPoolExecutor(16) as pool:
            for number in range(ROUNDS):
                self.begin_again(own, number)
                deeds = prepare(number)
                said, took = zip(*pool.map(together(len(deeds), moment), deeds), strict=True)
                moment = max(took)  # the quicker one may come at any point of the slower one
                while sum(inbox.read().values()):
                    pass
                self.came[judge(*said)] += 1
                assert not ClientAction.objects.unhandled().exists()
        came = ", ".join(f"{what} {count}" for what, count in sorted(self.came.items()))
        with self.capsys.disabled():
            print(f"\nraces: {self.name}: {ROUNDS:,} rounds in {time.monotonic() - began:.0f} s; first was {came}")

    def begin_again(self, own, number):
        with own.transaction():
            own.execute("set local session_replication_role = replica")
            own.execute(database.EMPTY)
            own.execute("select put_back(%s)", [self.begins])
        if number % SWEPT == SWEPT - 1:
            own.execute("vacuum")

    def post(self, path, cookies=(), **typed):
        """Return what sends a form to the portal, as a browser does that has these cookies. It returns the status."""
        held = {"zarts_portal_csrf": CSRF, **dict(cookies)}
        headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in held.items())}
        data = {"csrfmiddlewaretoken": CSRF, **typed}
        address = self.side.portal + path
        return lambda: requests.post(address, data, headers=headers, allow_redirects=False, timeout=60).status_code


def together(count, moment):
    """Return what runs a deed once so many are there, and times it: at once or a moment later, nobody always first."""
    gate = Barrier(count)

    def run(deed):
        gate.wait(30)
        time.sleep(max(0, random.uniform(-moment, moment)))
        began = time.monotonic()
        return deed(), time.monotonic() - began

    return run


def ours(move, record, **details):
    """Return a move of our own. It says whether it was made."""

    def act():
        try:
            perform(getattr(type(record).objects.get(pk=record.pk), move), **details)
            return True
        except Refused:
            return False
        finally:
            connection.close()

    return act


@pytest.fixture
def race(side, request, capsys):
    """Return a race that begins with what is here now."""
    with database.login("owner") as own:
        if not database.is_superuser(own):
            pytest.skip("The owner of the test database may not put rows back.")
    words = request.node.name.removeprefix("test_").replace("_", " ")
    return lambda: Race(side, words, capsys)


def events(record, *verbs):
    """Count what the diary says of a record."""
    verbs = [f"{record._meta.model_name}.{verb}" for verb in verbs]
    return Event.objects.filter(record_type=record.label(), record_id=record.pk, verb__in=verbs).count()


def deeds_of(*verbs):
    return list(ClientAction.objects.filter(verb__in=verbs).order_by("pk"))


def now(record):
    return type(record).objects.get(pk=record.pk)


# -- A proposal. -------------------------------------------------------------------------------------------------------


@pytest.fixture
def proposal(ada, ben):
    return a_proposal(ada, approver=ben, stage="sent")


def address(proposal, deed):
    return f"/p/{token_of(proposal)}/{deed}"


def accepting(race, proposal, **more):
    digest = Publication.objects.get(pk=proposal.publication_id).digest
    return race.post(address(proposal, "accept"), **TYPED, digest=digest, **more)


def test_accept_against_withdraw(race, proposal, ada):
    race = race()

    def prepare(_):
        withdraw = ours("withdraw", proposal, by=ada, reason="A price was wrong.")
        return accepting(race, proposal), withdraw

    def judge(_, withdrawn):
        accepted = len(deeds_of("accepted"))
        assert (accepted, withdrawn) in ((1, False), (0, True))
        assert events(proposal, "accept", "withdraw") == 1
        assert now(proposal).stage == ("withdrawn" if withdrawn else "accepted")
        return now(proposal).stage

    race.run(prepare, judge)


def test_accept_in_two_tabs_with_different_options(race, proposal):
    option = proposal.price_lines.get(optional=True).pk
    race = race()

    def prepare(_):
        return accepting(race, proposal, option=str(option)), accepting(race, proposal)

    def judge(*said):
        assert said == (302, 302)
        (counted,) = deeds_of("accepted")
        assert counted.data["options"] in ([option], [])
        assert (now(proposal).stage, now(proposal).chosen) == ("accepted", counted.data["options"])
        assert events(proposal, "accept") == 1
        return "with the option" if counted.data["options"] else "without it"

    race.run(prepare, judge)


def test_accept_against_a_new_revision_that_replaces(race, proposal, ada, ben):
    second = approve_all(perform(proposal.revise(by=ada).submit, by=ada), ben)
    race, contact = race(), proposal.recipient

    def prepare(_):
        return accepting(race, proposal), ours("send", second, by=ada, contact=contact)

    def judge(_, sent):
        accepted = len(deeds_of("accepted"))
        assert (accepted, sent) in ((1, False), (0, True))
        assert events(proposal, "accept") + events(second, "send") == 1
        assert events(proposal, "accept", "supersede") == 1
        assert now(proposal).stage == ("superseded" if sent else "accepted")
        assert ProposalLink.objects.count() == (2 if sent else 1)
        return "the revision" if sent else "the answer"

    race.run(prepare, judge)


def test_accept_pressed_twice(race, proposal):
    race = race()

    def judge(*said):
        assert said == (302, 302)
        assert [deed.outcome for deed in deeds_of("accepted", "declined")] == ["Accepted."]
        assert (events(proposal, "accept"), now(proposal).stage) == (1, "accepted")
        return "one of two"

    race.run(lambda _: [accepting(race, proposal)] * 2, judge)


def declining(race, proposal):
    digest = Publication.objects.get(pk=proposal.publication_id).digest
    return race.post(address(proposal, "decline"), words="Too dear.", digest=digest)


def test_decline_pressed_twice(race, proposal):
    race = race()

    def judge(*said):
        assert said == (302, 302)
        assert len(deeds_of("accepted", "declined")) == 1
        assert (events(proposal, "decline"), now(proposal).stage) == (1, "declined")
        assert Objection.objects.count() == 1
        return "one of two"

    race.run(lambda _: [declining(race, proposal)] * 2, judge)


def test_accept_against_decline(race, proposal):
    race = race()

    def judge(*said):
        assert said == (302, 302)
        (counted,) = deeds_of("accepted", "declined")
        assert events(proposal, "accept", "decline") == 1
        assert now(proposal).stage == counted.verb
        return counted.verb

    race.run(lambda _: (accepting(race, proposal), declining(race, proposal)), judge)


def test_a_question_sent_twice(race, proposal):
    race = race()

    def judge(*said):
        assert said == (302, 302)
        assert len(deeds_of("asked")) == 1
        assert Message.objects.filter(template="question").count() == 1
        assert Task.objects.filter(title__contains="Who does it?").count() == 1
        return "one of two"

    race.run(lambda _: [race.post(address(proposal, "ask"), words="Who does it?")] * 2, judge)


# -- A contract. -------------------------------------------------------------------------------------------------------


@pytest.fixture
def contract(ada, ben):
    """A contract that Bo and then Tom sign; both are let in."""
    proposal = a_proposal(ada, approver=ben, stage="accepted")
    tom = Contact(client=proposal.opportunity.client, name="Tom Reyes", email="tom@harbor-dental.example")
    begin(tom, by=ada)
    publishing.admit(tom)
    signatories = [proposal.recipient, tom]
    return a_contract(ada, approver=ben, stage="sent", proposal=proposal, signatories=signatories)


@pytest.fixture
def sessions(contract):
    """Return each signatory's cookie, in their order."""
    found = []
    for signatory in contract.signatories.all():
        token = new_token()
        guest = Guest.objects.get(contact_id=signatory.contact_id)
        with database.login("portal") as door:
            door.execute("select portal_sign_in(%s, %s)", [SignInLink.mint(guest), token_hash(token)])
        found.append({"zarts_portal": token})
    return found


def at_contract(race, contract, cookies, deed, **typed):
    shown = Publication.objects.get(pk=contract.publication_id)
    typed |= {"digest": shown.digest, "consent_version": CONSENT["version"]}
    return race.post(f"/portal/contracts/{shown.pk}/{deed}", cookies, **typed)


def signing(race, contract, cookies):
    return at_contract(race, contract, cookies, "sign", **TYPED)


def saying_no(race, contract, cookies):
    return at_contract(race, contract, cookies, "decline", words="The liability is too high.")


def test_two_signatories_at_once(race, contract, sessions):
    """The first always signs. The second signs behind them, or hears that it is not their turn and signs after."""
    race = race()

    def prepare(number):
        signed = [signing(race, contract, cookies) for cookies in sessions]
        return signed if number % 2 else signed[::-1]

    def judge(*said):
        assert sorted(said) in ([302, 302], [302, 409])
        bo, tom = (row.contact_id for row in contract.signatories.all())
        both = [deed.contact_id for deed in deeds_of("signed")] == [bo, tom]
        if not both:
            assert [deed.contact_id for deed in deeds_of("signed")] == [bo]
            assert signing(race, contract, sessions[1])() == 302
            inbox.read()
        assert list(Signature.objects.values_list("contact_id", flat=True)) == [bo, tom]
        assert (events(contract, "sign"), events(contract, "be_signed")) == (2, 1)
        assert now(contract).stage == "signed"
        return "both in their order" if both else "the first, and the second waited"

    race.run(prepare, judge)


def test_sign_pressed_twice(race, contract, sessions):
    race = race()

    def judge(*said):
        assert said == (302, 302)
        assert len(deeds_of("signed")) == Signature.objects.count() == events(contract, "sign") == 1
        return "one of two"

    race.run(lambda _: [signing(race, contract, sessions[0])] * 2, judge)


def test_a_contract_declined_twice(race, contract, sessions):
    race = race()

    def judge(*said):
        assert said == (302, 302)
        assert len(deeds_of("declined")) == events(contract, "decline") == 1
        assert now(contract).stage == "declined"
        return "one of two"

    race.run(lambda _: [saying_no(race, contract, sessions[0])] * 2, judge)


def test_sign_against_decline(race, contract, sessions):
    race = race()

    def judge(*said):
        assert said == (302, 302)
        (counted,) = deeds_of("signed", "declined")
        assert events(contract, "sign", "decline") == 1
        assert Signature.objects.count() == (counted.verb == "signed")
        assert now(contract).stage == ("sent" if counted.verb == "signed" else "declined")
        return counted.verb

    race.run(lambda _: (signing(race, contract, sessions[0]), saying_no(race, contract, sessions[0])), judge)


def test_sign_against_void(race, contract, sessions, ben):
    race = race()

    def prepare(_):
        void = ours("void", contract, by=ben, reason="Another offer comes.")
        return signing(race, contract, sessions[0]), void

    def judge(_, voided):
        signed = len(deeds_of("signed"))
        assert (signed, voided) in ((1, False), (0, True))
        assert events(contract, "sign", "void") == 1
        assert (Signature.objects.count(), now(contract).stage) == ((0, "voided") if voided else (1, "sent"))
        return now(contract).stage

    race.run(prepare, judge)


# -- Money. ------------------------------------------------------------------------------------------------------------


def test_the_payment_webhook_twice_at_once(race, contract, ada, settings):
    settings.PAYMENT_SECRETS = [SECRET]
    payment = perform(contract.payment.send_invoice, by=ada, invoice="2026-17", due_on=date(2026, 12, 12))
    said = {"event_id": "evt_1", "contract": contract.number, "kind": "paid", "amount": str(payment.amount)}
    body = json.dumps(said | {"currency": payment.currency, "occurred_at": "2026-11-20T09:30:00+01:00"}).encode()
    race = race()

    def prepare(_):
        stamp = int(time.time())
        headers = {"Zarts-Signature": f"t={stamp},v1={signature(SECRET, stamp, body)}"}
        address = f"{race.side.portal}/hooks/payments"
        return [lambda: requests.post(address, body, headers=headers, timeout=60).status_code] * 2

    def judge(*said):
        assert said == (200, 200)
        assert PaymentNotice.objects.count() == PaymentProof.objects.count() == 1
        assert (events(payment, "pay"), now(payment).stage) == (1, "paid")
        assert Decimal(now(payment).paid) == payment.amount
        return "one of two"

    race.run(prepare, judge)


# -- Ways in. ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def guest(db):
    return Guest.objects.create(client_id=1, contact_id=7, name="Marta Lind", email="marta@harbor.example")


def test_a_sign_in_link_used_twice_at_once(race, guest):
    race = race()

    def judge(*said):
        assert sorted(said) == [302, 410]
        assert (Session.objects.count(), SignInLink.objects.exclude(used_at=None).count()) == (1, 1)
        return "one of two"

    race.run(lambda _: [race.post(f"/portal/enter/{SignInLink.mint(guest)}")] * 2, judge)


def a_code(guest):
    """Return the code of a mail, and the cookie of the browser that asked for it."""
    nonce = new_token()
    with database.login("portal") as door:
        door.execute("select portal_request_sign_in(%s, '', %s)", [guest.email, token_hash(nonce)])
    request = SignInRequest.objects.get()
    SignInRequest.objects.update(handled_at=request.at)
    return SignInLink.answer(request, guest)[1], {"zarts_asked": nonce}


def wrong(code, by):
    return f"{(int(code) + by) % 10**6:06}"


def test_a_code_typed_many_times_at_once(race, guest):
    race = race()

    def prepare(_):
        code, cookies = a_code(guest)
        return [race.post("/portal/sign-in/code", cookies, code=code)] * 4

    def judge(*said):
        assert sorted(said) == [302, 422, 422, 422]
        assert Session.objects.count() == 1
        return "one of four"

    race.run(prepare, judge)


def test_codes_guessed_at_once_beyond_the_limit(race, guest):
    """Of nine guesses at once five count, whoever was quickest; after them the right one lets nobody in."""
    race, held = race(), {}

    def prepare(_):
        held["code"], held["cookies"] = a_code(guest)
        guesses = [wrong(held["code"], by) for by in range(1, 10)]
        return [race.post("/portal/sign-in/code", held["cookies"], code=guess) for guess in guesses]

    def judge(*said):
        assert set(said) == {422}
        assert SignInRequest.objects.get().tries == 9
        assert race.post("/portal/sign-in/code", held["cookies"], code=held["code"])() == 422
        assert not Session.objects.exists()
        return "nobody"

    race.run(prepare, judge)
