"""One house for all browser tests of a worker, and a new database in it for each."""

import os
import tempfile
from pathlib import Path

import pytest
from django.conf import settings
from django.test import Client
from playwright.sync_api import sync_playwright

from handoff.house import furnish
from tests.browser.axe import once, violations, violations_but_colours
from tests.browser.house import House
from tests.browser.people import DESKTOP, PHONE, Person, chromium


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    for item in items:
        if "tests/browser" in item.path.as_posix():
            item.add_marker(pytest.mark.browser)


@pytest.fixture(autouse=True)
def quick_passwords():
    """The real processes know the real way to keep passwords, and no other."""


# Not for longer than these tests: a worker and a beat that went on would do the due work of the tests that follow.
@pytest.fixture(scope="package")
def processes(django_db_setup, django_db_blocker):
    with tempfile.TemporaryDirectory(prefix="zarts-house-") as folder:
        house = House(Path(folder))
        try:
            house.open()
            yield house
        finally:
            house.close()


@pytest.fixture
def house(processes, transactional_db):
    """The house on a database in which nothing has happened yet but that it was furnished."""
    furnish()
    return processes


@pytest.fixture(scope="session")
def chrome():
    with sync_playwright() as playwright:
        browser = chromium(playwright)
        yield browser
        browser.close()


SCREENS = {"desktop": DESKTOP, "phone": PHONE}


def pytest_generate_tests(metafunc):
    """Play a test on the screens that its mark names, else on both. A story is played once, a page is read on both."""
    says_itself = any("screen" in mark.args[0] for mark in metafunc.definition.iter_markers("parametrize"))
    if "screen" in metafunc.fixturenames and not says_itself:
        mark = metafunc.definition.get_closest_marker("screens")
        metafunc.parametrize("screen", mark.args if mark else SCREENS, indirect=True)


@pytest.fixture
def screen(request):
    return SCREENS[request.param]


def session_of(user) -> str:
    """Return the cookie of somebody who signed in just now."""
    client = Client()
    client.force_login(user)
    return client.cookies[settings.SESSION_COOKIE_NAME].value


@pytest.fixture
def at_browser(house, chrome, screen, request):
    """Return somebody at a browser: a user of ours who signs in, or without one a visitor of the public surface.

    They sit where the test is played, or `at` a "desktop" or a "phone". What is played on both looks at the colours of
    one scheme once, on the desktop.
    """
    people = []
    on_both = screen == PHONE and request.node.get_closest_marker("screens") is None

    def somebody(user=None, at=None, **kwargs):
        if on_both and kwargs.get("looks") == violations and "scheme" not in kwargs:
            kwargs["looks"] = violations_but_colours
        if kwargs.get("looks"):
            kwargs["looks"] = once(kwargs["looks"])
        surface, name = ("staff", user.username) if user else ("public", "the client")
        person = Person(chrome, house, SCREENS[at] if at else screen, surface=surface, name=name, **kwargs)
        people.append(person)
        return person.come_in(session_of(user)) if user else person

    yield somebody
    for number, person in enumerate(people):
        if folder := os.environ.get("BROWSER_PICTURES"):
            person.picture(Path(folder) / f"{request.node.name}-{number}-{person.name}.png")
        person.close()
