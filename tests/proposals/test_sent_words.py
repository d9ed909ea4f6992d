"""The words that somebody types beside “Send”: nobody approves them, so they are read before they go."""

import pytest
from django.conf import settings

from opportunities.models import Message, Note
from opportunities.records import Refused, begin, perform
from portal.models import ProposalLink
from tests.makers_proposals import a_contract, a_proposal

pytestmark = pytest.mark.django_db

NOTE = "the nephew built the form and nobody there dares to touch it any more"
WRONG = [
    ("Between us, our margin on it is good.", "Take out “margin”"),
    ("We guarantee it to you.", "Make a claim with evidence of “guarantee”"),
    ("Ines has it, too: write to ines@alder.example about it.", "Take out “ines@alder.example”"),
    (f"We know that {NOTE}.", "in words of your own"),
]


@pytest.fixture(params=["proposal", "contract"])
def ready(request, ada, ben):
    """Return what is approved and only waits to be sent, in a deal with a note of ours."""
    make = {"proposal": a_proposal, "contract": a_contract}[request.param]
    record = make(ada, approver=ben, stage="approved")
    deal = record.opportunity
    begin(Note(diary=deal.diary, opportunity=deal, author=ada, words=f"We hear that {NOTE}."), by=ada)
    return record


def who(record):
    return {"contact": record.opportunity.decision_owner} if record._meta.model_name == "proposal" else {}


def sent(record, by, **words):
    return perform(record.send, by=by, **who(record), **words)


def mail_of(record):
    return Message.objects.filter(record_type=record.label(), record_id=record.pk)


@pytest.mark.parametrize(("words", "says"), WRONG)
def test_words_that_a_client_must_not_read_are_refused_where_they_were_typed(as_user, ada, ready, words, says):
    typed = {"words": words} | {name: contact.pk for name, contact in who(ready).items()}
    answer = as_user(ada).post(ready.move_url("send"), typed)
    assert list(answer.context["form"].errors) == ["words"]
    assert says in answer.context["form"].errors["words"][0]
    assert answer.context["form"]["words"].value() == words
    ready.refresh_from_db()
    assert ready.stage == "approved"


@pytest.mark.parametrize(("words", "says"), WRONG)
def test_whoever_sends_without_the_page_is_refused_the_same_words(ada, ready, words, says):
    with pytest.raises(Refused, match=says) as refusal:
        sent(ready, ada, words=words)
    assert refusal.value.lacks[0].url == ready.move_url("send")
    ready.refresh_from_db()
    assert (ready.stage, ready.publication_id) == ("approved", None)
    assert not mail_of(ready).exists()


def test_without_words_of_ones_own_the_usual_ones_go(as_user, ada, ready):
    as_user(ada).post(ready.move_url("send"), {name: contact.pk for name, contact in who(ready).items()})
    usual = {"proposal": "Here is our proposal for ", "contract": "Here is the contract of the proposal"}
    assert usual[ready._meta.model_name] in mail_of(ready).get().body


def test_sound_words_go_with_the_clients_own_address_and_the_link(ada, ready):
    contact = ready.opportunity.decision_owner
    words = f"As we said on Monday. I write to {contact.email}, and copy {settings.AGENCY_EMAIL}."
    ready = sent(ready, ada, words=words)
    mail = mail_of(ready).get()
    assert (ready.stage, mail.stage) == ("sent", "queued")
    assert words in mail.body
    if links := ProposalLink.objects.filter(publication=ready.publication_id):
        assert links.count() == 1
        assert mail.secret_link.startswith(f"{settings.PORTAL_URL}/p/")
