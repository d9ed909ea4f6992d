"""Receivers, and endpoints that lead to them."""

import pytest

from opportunities.records import begin
from tests.hooks.receiver import Receiver
from zarts.hooks.models import Endpoint


@pytest.fixture
def receiver(settings):
    """Return the function that starts a receiver which answers in this way. Hosts of one's own network may be told."""
    settings.HOOKS_OWN_HOSTS = ["127.0.0.1"]
    running = []

    def start(does=200, **kwargs):
        running.append(Receiver(does, **kwargs))
        return running[-1]

    yield start
    for one in running:
        one.close()


@pytest.fixture
def endpoint(eve):
    """Return the function that makes an endpoint of Eve's."""

    def make(url="https://receiver.example/hooks", **fields):
        fields.setdefault("kinds", ["lead.*"] if not fields.get("everything") else [])
        name = fields.pop("name", f"Receiver {Endpoint.objects.count() + 1}")
        return begin(Endpoint(name=name, url=getattr(url, "url", url), owner=eve, **fields), by=eve)

    return make
