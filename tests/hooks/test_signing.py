"""The signature: who sent it and when, by one secret or by two while one takes the place of the other."""

import re
from datetime import timedelta
from pathlib import Path

import pytest
import time_machine
from django.utils import timezone

from opportunities.records import Refused
from tests.makers import a_lead
from zarts.hooks import deliveries, signing
from zarts.hooks.models import Endpoint

pytestmark = pytest.mark.django_db
PAGE = Path(__file__).resolve().parents[2] / "docs" / "hooks.md"


@pytest.fixture(scope="module")
def is_ours():
    """The check that the page for receivers has them copy."""
    (code,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.S)
    assert len(code.strip().splitlines()) <= 12
    scope: dict = {}
    exec(code, scope)
    return scope["is_ours"]


def last(there):
    headers, body = there.got[-1]
    return headers["Zarts-Signature"], body


def test_the_check_on_the_page_for_receivers_knows_what_is_ours(ada, eve, endpoint, receiver, is_ours):
    there = receiver()
    mine = endpoint(there)
    secret = signing.show(mine, by=eve)
    a_lead(ada)
    deliveries.run()
    given, body = last(there)
    assert is_ours(secret, given, body)
    assert not is_ours(secret, given, body + b" ")
    assert not is_ours("whsec_another", given, body)
    assert not is_ours(secret, "t=1,v1=00", body)
    assert not is_ours(secret, "", body)
    with time_machine.travel(timezone.now() + timedelta(minutes=6)):
        assert not is_ours(secret, given, body), "an old one that somebody sends again"


def test_two_secrets_sign_while_one_takes_the_place_of_the_other(ada, eve, endpoint, receiver, is_ours):
    there = receiver()
    mine = endpoint(there)
    old, new = signing.show(mine, by=eve), signing.rotate(mine, by=eve)
    a_lead(ada)
    deliveries.run()
    given, body = last(there)
    assert given.count("v1=") == 2
    assert is_ours(old, given, body)
    assert is_ours(new, given, body)
    # A second press would end the one that the other system still checks with.
    with pytest.raises(Refused, match="The former secret signs along until"):
        signing.rotate(mine, by=eve)
    with time_machine.travel(timezone.now() + signing.BOTH_FOR + timedelta(seconds=1)):
        a_lead(ada)
        deliveries.run()
        given, body = last(there)
        assert given.count("v1=") == 1
        assert is_ours(new, given, body)
        assert not is_ours(old, given, body)


def test_the_former_secret_can_be_ended_at_once(ada, eve, endpoint, receiver, is_ours):
    there = receiver()
    mine = endpoint(there)
    old = signing.show(mine, by=eve)
    signing.rotate(mine, by=eve)
    signing.end_old(mine, by=eve)
    a_lead(ada)
    deliveries.run()
    assert not is_ours(old, *last(there))
    with pytest.raises(Refused, match="no former secret"):
        signing.end_old(mine, by=eve)
    assert signing.rotate(mine, by=eve)


def test_every_endpoint_has_a_secret_of_its_own_which_only_the_houses_key_makes(endpoint, settings):
    one, two = endpoint(), endpoint()
    assert signing.secret_of(one.salt) != signing.secret_of(two.salt)
    before = signing.secret_of(one.salt)
    settings.SECRET_KEY = "another key of the house"
    assert signing.secret_of(Endpoint.objects.get(pk=one.pk).salt) != before
