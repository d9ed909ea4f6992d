"""`make links`: machines that fetch, press and repeat against people who read. In `make test` with fewer visits.

Each visit has a link of its own, through the real public process. Nothing of a machine's is a view; people are counted.
"""

import os
import random
import re
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
import requests
from django.utils import timezone

from portal.models import ClientAction, Guest, ProposalLink, Publication, Session, SignInLink

VISITS = int(os.environ.get("LINK_VISITS", 64))
TOKEN_VISITS = max(VISITS // 20, 4)
PEOPLE_COUNTED = 0.995
# A few of the suite's, which shares its machine: a machine that has to wait for three seconds is no quick one any more.
AT_ONCE = min(64, max(VISITS // 4, 1))
BODY = {
    "client": "Harbor Dental",
    "currency": "USD",
    "intro": "Here is what we found.",
    "prices": [
        {"id": 1, "title": "Care", "recurring": "monthly", "quantity": "1", "unit_price": "900", "total": "900"},
        {"id": 2, "title": "Calls", "recurring": "monthly", "quantity": "1", "total": "150", "optional": True},
    ],
    "totals": {"once": "0", "monthly": "900", "first_year": "10800"},
}
OURS = {"Sec-Fetch-Site": "same-origin"}


class Visitor:
    """Somebody or something at a link, with cookies as a browser keeps them."""

    def __init__(self, address):
        self.address, self.http = address, requests.Session()
        # A kept connection may be closed by the server while it is asked again: that would be no visit.
        self.http.headers["Connection"] = "close"

    def get(self, **headers):
        answer = self.http.get(self.address, headers=headers, timeout=60)
        self.form = dict(re.findall(r'name="(csrfmiddlewaretoken|stamp)" value="([^"]+)"', answer.text))
        return answer

    def post(self, where, headers=OURS, **said):
        said = {**self.form, **said}
        return self.http.post(self.address + where, data=said, headers={**headers, "Referer": self.address}, timeout=60)


# -- Machines. ---------------------------------------------------------------------------------------------------------


def asks_for_the_head(link):
    for _ in range(3):
        link.http.head(link.address, timeout=60)


def fetches(link):
    for _ in range(4):
        link.get()
    link.http.get(link.address + "open", timeout=60)


def asks_ahead(link):
    link.get(**{"Sec-Purpose": "prefetch;prerender"})


def presses_at_once(link):
    link.get()
    # The rest of the three seconds is for the way there: many come at once.
    time.sleep(random.uniform(0, 1.5))
    link.post("open")
    link.get()


def runs_scripts(link):
    """Press every button in sight, and say that it was read for minutes."""
    presses_at_once(link)
    for _ in range(5):
        link.post("read", seen=["price=60", "scope=60"])
        link.post("choose", option="2")


def repeats_without_cookies(link):
    link.get()
    time.sleep(3.5)
    link.http.cookies.clear()
    for _ in range(3):
        link.post("open")


def presses_from_elsewhere(link):
    link.get()
    time.sleep(3.5)
    link.post("open", headers={"Sec-Fetch-Site": "cross-site"})


def presses_many_times_at_once(link):
    link.get()
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda _: link.post("open"), range(6)))


MACHINES = [
    asks_for_the_head,
    fetches,
    asks_ahead,
    presses_at_once,
    runs_scripts,
    repeats_without_cookies,
    presses_from_elsewhere,
    presses_many_times_at_once,
]


# -- People. -----------------------------------------------------------------------------------------------------------


def opens_it(link):
    link.get()
    time.sleep(random.uniform(3.1, 8))
    link.post("open")


def opens_it_after_their_scanner_did(link):
    scanner = Visitor(link.address)
    presses_at_once(scanner)
    opens_it(link)


def presses_fast_and_reads(link):
    presses_at_once(link)
    for _ in range(4):
        time.sleep(3.2)
        link.post("read", seen=["price=3"])


def is_a_colleague(link):
    link.get()
    time.sleep(3.5)
    link.post("open", colleague="1", name="Jonas Weber")


def opens_it_twice(link):
    opens_it(link)
    link.get()
    opens_it(Visitor(link.address))


PEOPLE = [opens_it, opens_it_after_their_scanner_did, presses_fast_and_reads, is_a_colleague, opens_it_twice]


@pytest.fixture
def offer(house):
    fields = {"kind": "proposal", "ref": "proposal:1", "title": "Faster pages", "body": BODY, "approved_by": "Ben"}
    return Publication.publish(client_id=1, opportunity_id=None, **fields)


def turn(kinds, number):
    return kinds[number % len(kinds)]


def links_to(offer, count):
    until = timezone.now() + timedelta(days=7)
    who = {"contact_id": 7, "contact_name": "Marta Lind", "sender_name": "Dana"}
    return [ProposalLink.mint(publication=offer, expires_at=until, **who) for _ in range(count)]


@pytest.mark.slow
def test_no_machine_is_a_view_and_people_are_counted(offer, house, capsys):
    minted = links_to(offer, VISITS)
    kinds = [turn(MACHINES, number // 2) if number % 2 else turn(PEOPLE, number // 2) for number in range(VISITS)]

    def visit(number):
        kinds[number](Visitor(f"{house.portal}/p/{minted[number][1]}/"))

    with ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(visit, range(VISITS)))

    found = ProposalLink.objects.in_bulk([link.pk for link, _ in minted])
    seen = {kind: [] for kind in (*MACHINES, *PEOPLE)}
    for number, (link, _) in enumerate(minted):
        seen[kinds[number]].append(bool(found[link.pk].opened_at))
    false = {kind.__name__: sum(seen[kind]) for kind in MACHINES if any(seen[kind])}
    people = [was for kind in PEOPLE for was in seen[kind]]
    missed = {kind.__name__: len(seen[kind]) - sum(seen[kind]) for kind in PEOPLE if not all(seen[kind])}
    told = ClientAction.objects.filter(verb="opened").values_list("link", "name")
    twice = len(told) - len(set(told))
    with capsys.disabled():
        print(
            f"\nlinks: {VISITS} visits, false views {sum(false.values())}, told twice {twice}, "
            f"people counted {100 * sum(people) / len(people):.1f} % of {len(people)} (at least {100 * PEOPLE_COUNTED})"
        )
    assert (false, twice) == ({}, 0)
    assert sum(people) / len(people) >= PEOPLE_COUNTED, missed


@pytest.mark.slow
def test_no_get_uses_a_way_in_up_and_nobody_uses_it_twice(house, capsys):
    guest = Guest.objects.create(client_id=1, contact_id=7, name="Marta Lind", email="marta@harbor.example")
    tokens = [SignInLink.mint(guest) for _ in range(TOKEN_VISITS)]

    def visit(token):
        link = Visitor(f"{house.portal}/portal/enter/{token}")
        for _ in range(3):
            link.http.head(link.address, timeout=60)
            link.get()
        with ThreadPoolExecutor(4) as pool:
            answers = list(pool.map(lambda _: link.post(""), range(4)))
        return [answer.status_code for answer in answers]

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(visit, tokens))
    used = SignInLink.objects.exclude(used_at=None).count()
    with capsys.disabled():
        print(f"\nlinks: {TOKEN_VISITS} ways in, used {used}, sessions {Session.objects.count()}")
    assert (used, Session.objects.count()) == (TOKEN_VISITS, TOKEN_VISITS)
