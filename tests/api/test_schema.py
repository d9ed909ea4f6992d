"""Whatever the descriptions allow, and what they do not: no call is answered by 500, and each as it is described.

`make examples` asks for longer, each time with other calls.
"""

import os
from collections import Counter

import pytest
import schemathesis
from django.core.handlers.wsgi import WSGIHandler
from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from hypothesis import given, settings
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.makers import a_lead
from tests.makers_proposals import a_contract
from zarts.api import once, refusals
from zarts.api.openapi import document
from zarts.reads import openapi as reads_openapi

pytestmark = pytest.mark.django_db

# So many calls of each kind and each mode.
EXAMPLES = int(os.environ.get("API_EXAMPLES", "3"))
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
# In the suite the same calls each time, so that what is found is found again; whoever asks for longer finds others.
SURE = {"database": None, "derandomize": EXAMPLES <= 20}


@pytest.fixture(autouse=True)
def one_connection():
    """Have the requests share the connection of the test, as Django's own client has them."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


def asked(described, headers, examples, aim=lambda case, here: None, only=lambda operation: True) -> Counter:
    """Call every operation of a description with what it allows and what it does not; count the answers."""
    schema, statuses = schemathesis.openapi.from_dict(described), Counter()
    schema.app = WSGIHandler()
    operations = [each.ok() for each in schema.get_all_operations()]
    for operation in filter(only, operations):
        for mode in GenerationMode:

            @settings(max_examples=examples, **SURE)
            @given(case=operation.as_strategy(generation_mode=mode), here=st.booleans())
            def call(case, here):
                aim(case, here)
                answer = case.call(headers=headers)
                statuses[answer.status_code] += 1
                case.validate_response(answer, checks=CHECKS)

            call()
    return statuses


def test_no_call_of_the_write_api_breaks_and_each_is_answered_as_described(program, ada, ben, monkeypatch):
    contract = a_contract(ada, approver=ben, stage="sent")
    deal = contract.proposal.opportunity
    real = {"contact": deal.decision_owner_id, "opportunity": deal.pk, "lead": a_lead(ada).pk}
    # As often as this asks, no program may.
    monkeypatch.setattr(once, "AN_HOUR", 10**9)
    monkeypatch.setattr(refusals, "MOST", 10**9)

    def aim(case, here):
        """Have half of the calls be about what there is: else most would end at a number that is nobody's."""
        if here and "contract" in case.path_parameters:
            case.path_parameters["contract"] = contract.number
        if here and isinstance(case.body, dict):
            case.body |= {name: pk for name, pk in real.items() if name in case.body}
            case.body.pop("owner", None), case.body.pop("source", None)

    headers = program(ben).headers | {"host": "localhost:8000"}
    statuses = asked(document(), headers, EXAMPLES, aim)
    assert {201, 404, 422} <= set(statuses), statuses
    assert max(statuses) < 500
    print(dict(statuses))


def test_no_prepared_read_breaks_and_each_is_answered_as_described(program, world, ann):
    headers = program(ann, "read:*.*").headers | {"host": "localhost:8000"}
    # One of them in the suite: the others are made of the same.
    only = lambda operation: EXAMPLES > 20 or operation.path == "/reads/leads/admin.json"  # noqa: E731
    statuses = asked(reads_openapi.document(), headers, EXAMPLES, only=only)
    assert max(statuses) < 500
    print(dict(statuses))
