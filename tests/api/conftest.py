"""Programs with tokens, and how they call."""

from datetime import timedelta
from itertools import count

import pytest
from django.test import Client
from django.utils import timezone

from zarts.reads.models import Token

EVERYTHING = ("write:leads", "write:messages", "write:payments")
KEYS = count(1)


class Caller:
    """A program of somebody's, which calls over HTTP."""

    def __init__(self, owner, *scopes, name="Ledger", is_service=False):
        until = timezone.now() + timedelta(days=30)
        made = {"scopes": list(scopes or EVERYTHING), "is_service": is_service, "expires_at": until}
        made["agreed_at"] = timezone.now()
        self.row, token = Token.mint(name=name, owner=owner, created_by=str(owner), **made)
        self.headers = {"host": "localhost", "authorization": f"Bearer {token}"}

    def get(self, path):
        return Client(headers=self.headers).get(f"/api/{path}")

    def post(self, path, body, key=None, kind="application/json", **headers):
        headers = {"idempotency-key": key or f"key-{next(KEYS)}", **headers}
        return Client(headers=self.headers).post(f"/api/{path}", body, content_type=kind, headers=headers)


@pytest.fixture
def program():
    return Caller


def problem(answer, status):
    """Return the problem document of a refused call, which has this status."""
    assert answer.status_code == status, answer.content
    assert answer["Content-Type"] == "application/problem+json"
    said = answer.json()
    assert set(said) == {"title", "status", "detail", "fields", "see"}
    assert said["status"] == status
    return said
