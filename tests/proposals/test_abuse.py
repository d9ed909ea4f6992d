"""A thousand ways to an approval that nobody may give: by the pages, by raw POSTs and by hand. None gets through."""

from itertools import chain, cycle, islice, product

import pytest
from django.core.exceptions import PermissionDenied
from django.db import DatabaseError, transaction
from django.test import Client
from django.urls import reverse

from opportunities.records import Refused, perform
from proposals.models import Approval
from tests.conftest import person
from tests.makers_proposals import a_proposal, decide

pytestmark = pytest.mark.django_db

ATTEMPTS = 1000


@pytest.fixture
def bench(ada, ben, cem, ann):
    """Questions that are open, were answered and have lapsed, and a browser of everybody."""
    # Ben wrote it, and fay edited it last: neither answers, whatever rights they have.
    fay = person("fay", "Manager", team="East", sees="team")
    mia = person("mia", "Manager", team="East", sees="team")
    proposal = a_proposal(ben)
    proposal.change(proposal.price_lines.first(), by=fay, unit_price=2900)
    proposal = perform(proposal.submit, by=ben)
    # What was shown before a change, and what was answered: a stale tab, and a replay.
    stale = a_proposal(ada, stage="in_review")
    lapsed = stale.approvals.get(aspect="pricing")
    stale.change(stale.price_lines.first(), by=ada, unit_price=2800)
    given = decide(stale.approvals.get(aspect="claims"), by=mia)
    people = {"ada": ada, "ben": ben, "cem": cem, "ann": ann, "fay": fay, "mia": mia}
    browsers = {name: Client() for name in people}
    for name, browser in browsers.items():
        browser.force_login(people[name])
    return proposal, stale, lapsed, given, people, browsers


def answers():
    """Return the row of every question as it is now."""
    return list(
        Approval.objects.order_by("pk").values_list("pk", "stage", "decided_by", "digest", "bound", "condition")
    )


def attempts(bench, *, quick=False):
    """Yield what somebody tries, each as a function without arguments; `quick` leaves out those that draw a page."""
    proposal, stale, lapsed, given, people, browsers = bench
    own, open_one = list(proposal.approvals.order_by("pk")), stale.approvals.get(aspect="pricing", stage="pending")
    wrong = ["", "0" * 64, lapsed.digest, given.digest, open_one.digest[:-1]]
    moves = ["approve", "approve_on", "reject", "request_changes"]
    said = {"reason": "Because.", "measure": "discount", "number": "50"}

    def by_page(who, approval, move, digest, **more):
        address = reverse("approval", args=[approval.pk])
        return lambda: browsers[who].post(address, said | {"move": move, "digest": digest} | more)

    def by_raw_post(who, approval, move):
        return lambda: browsers[who].post(
            approval.move_url(move), said | {"override": "I may.", "by": people["mia"].pk}
        )

    def by_a_get(who, approval, move):
        return lambda: browsers[who].get(approval.move_url(move), said | {"move": move, "digest": approval.digest})

    def by_get_on_the_page(who, approval, move):
        return lambda: browsers[who].get(reverse("approval", args=[approval.pk]), {"move": move})

    def by_call(who, approval, move, digest):
        details = {"condition": said} if move == "approve_on" else {}
        details |= {"reason": "Because."} if move in ("reject", "request_changes") else {}
        return lambda: perform(getattr(approval, move), by=people[who], digest=digest, **details)

    def by_hand(who, approval, stage):
        row = Approval.objects.filter(pk=approval.pk)
        return lambda: row.update(stage=stage, decided_by=people[who], decided_at=approval.due)

    # Their own work, by who wrote it and who edited it last; and by those who have no right or no reach.
    hands, others = product(["ben", "fay"], own, moves), product(["ada", "cem", "ann"], own, moves[:2])
    for who, approval, move in chain(hands, others):
        yield by_call(who, approval, move, approval.digest)
        if not quick:
            yield by_page(who, approval, move, approval.digest)
            yield by_raw_post(who, approval, move)
            yield by_a_get(who, approval, move)
    for who, approval in () if quick else product(browsers, own):
        yield by_get_on_the_page(who, approval, "approve")
    # Somebody who may, but on a page that shows something else; what has lapsed; what was answered already.
    for move, digest in product(moves, wrong):
        yield by_call("mia", open_one, move, digest)
        if not quick:
            yield by_page("mia", open_one, move, digest)
    for approval, move in product([lapsed, given], moves):
        yield by_call("mia", approval, move, approval.digest)
        if not quick:
            yield by_page("mia", approval, move, approval.digest)
            yield by_raw_post("mia", approval, move)
    # Somebody who may, from a page that shows nothing of the question.
    for move in () if quick else moves:
        yield by_raw_post("mia", open_one, move)
    # Moves that there are not; a condition that is none, or that it does not keep.
    for move in () if quick else ("lapse", "settle", "decide", "give", "__init__", "save"):
        yield by_page("mia", open_one, move, open_one.digest)
        yield by_raw_post("mia", open_one, move)
    for measure, number in [("margin", "99.9"), ("first_year", "99999999"), ("first_year", "-1"), ("content", "1")]:
        if not quick:
            yield by_page("mia", open_one, "approve_on", open_one.digest, measure=measure, number=number)
    # Past the moves, where only the database stands.
    for who, approval, stage in product(["ben", "fay"], own, ["approved", "rejected", "changes_requested"]):
        yield by_hand(who, approval, stage)
    for stage in ("approved", "pending"):
        yield by_hand("mia", lapsed, stage)
    # Editing pages of the admin, by which nobody decides.
    for who in () if quick else browsers:
        address = reverse("admin:proposals_approval_change", args=[open_one.pk])
        yield lambda who=who, address=address: browsers[who].post(address, {"stage": "approved", "decided_by": "1"})


def test_a_thousand_attempts_and_none_gets_through(bench):
    before, refused, tried = answers(), 0, 0
    # By every way there is, and then again by those that need no page.
    ways, quick = list(attempts(bench)), attempts(bench, quick=True)
    for attempt in islice(chain(ways, cycle(quick)), ATTEMPTS):
        tried += 1
        try:
            with transaction.atomic():
                response = attempt()
                refused += getattr(response, "status_code", 0) in (200, 302, 403, 404, 405, 409)
        except (Refused, PermissionDenied, DatabaseError):
            refused += 1
        assert answers() == before, f"attempt {tried}"
    assert answers() == before
    assert (tried, refused) == (ATTEMPTS, ATTEMPTS)


def test_the_same_page_takes_the_answer_of_whoever_may(bench):
    """Or else the thousand above would prove nothing."""
    _, stale, _, _, people, browsers = bench
    asked = stale.approvals.get(aspect="pricing", stage="pending")
    address = reverse("approval", args=[asked.pk])
    browsers["mia"].post(address, {"move": "approve", "digest": asked.digest})
    asked.refresh_from_db()
    assert (asked.stage, asked.decided_by) == ("approved", people["mia"])
