"""A change order is answered through the public login's own door, and two who begin one at once begin one."""

import json
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection

from handoff import changeorders
from handoff.models import Promise
from opportunities.models import Message
from portal.consent import ACCEPT, ACCEPT_VERSION
from portal.models import Publication
from portal.tokens import new_token
from proposals import inbox
from proposals.models import Proposal
from tests.makers_changes import AGREED, a_change, a_dispute

pytestmark = pytest.mark.django_db(transaction=True)


def accept(cursor, change, consent):
    token = (
        Message.objects.filter(template="proposal", record_id=change.pk).get().secret_link.split("/p/")[1].strip("/")
    )
    digest = Publication.objects.get(pk=change.publication_id).digest
    typed = ["accepted", "Bo Larsen", "Owner", "", json.dumps({"consent": consent}), digest]
    values = [token, new_token(), *typed, "10.0.0.1", "test"]
    return cursor.execute("select portal_answer(%s, %s, %s, %s, %s, %s, %s::jsonb, %s, %s, %s)", values).fetchone()[0]


def test_the_clients_yes_rewords_the_promise_and_makes_its_rows_promises(ada, ben, dora, portal_cursor):
    change = a_change(ada, manager=ben, delivery=dora, stage="sent")
    assert accept(portal_cursor, change, AGREED) == "accepted"
    inbox.read()

    assert Proposal.objects.get(pk=change.pk).stage == "accepted"
    assert Promise.objects.get(change_order=change).outcome == "reworded"
    assert Promise.objects.filter(handoff__contract=change.changes, title="Faster pages", stage="offered").count() == 1
    inbox.read()
    assert Promise.objects.filter(handoff__contract=change.changes, title="Faster pages").count() == 2


def test_a_yes_to_other_words_is_no_written_form_and_is_not_taken(ada, ben, dora, portal_cursor):
    change = a_change(ada, manager=ben, delivery=dora, stage="sent")
    assert accept(portal_cursor, change, {"version": ACCEPT_VERSION, "text": ACCEPT}) == "words"
    inbox.read()

    assert Proposal.objects.get(pk=change.pk).stage in ("sent", "viewed")


def test_two_who_begin_one_at_once_begin_one(ada, ben, dora):
    promise = a_dispute(ada, manager=ben, delivery=dora)

    def begin(user):
        try:
            return changeorders.reword(Promise.objects.get(pk=promise.pk), by=user).pk
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as threads:
        first, second = threads.map(begin, [ada, ben])
    assert first == second
    assert Proposal.objects.get(changes=promise.handoff.contract).scope_items.count() == 1
