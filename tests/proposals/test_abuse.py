"""A thousand ways to an approval that nobody may give: by the pages, by raw POSTs and by hand. None gets through."""

from itertools import chain, product
from types import SimpleNamespace

import pytest
from django.core.exceptions import PermissionDenied
from django.db import DatabaseError, transaction
from django.test import Client
from django.urls import reverse

from opportunities.records import Refused, edit, perform
from proposals.models import Approval, Proposal
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
    people = {"ada": ada, "ben": ben, "cem": cem, "ann": ann, "fay": fay, "mia": mia}
    own = a_proposal(ben)
    own.change(own.price_lines.first(), by=fay, unit_price=2900)
    own = perform(own.submit, by=ben)
    # What was shown before a change, and what was answered: a stale tab, and a replay.
    stale = a_proposal(ada, stage="in_review")
    lapsed = stale.approvals.get(aspect="pricing")
    stale.change(stale.price_lines.first(), by=ada, unit_price=2800)
    given = decide(stale.approvals.get(aspect="claims"), by=mia)
    # Approved as a whole: it may be sent as it stands, and not otherwise.
    approved = a_proposal(ada, stage="approved", approver=mia)
    browsers = {name: Client() for name in people}
    for name, browser in browsers.items():
        browser.force_login(people[name])
    return SimpleNamespace(
        own=own, stale=stale, lapsed=lapsed, given=given, approved=approved, people=people, browsers=browsers
    )


def answers():
    """Return every question as it is now, and how far every proposal is."""
    asked = Approval.objects.order_by("pk")
    return [
        *asked.values_list("pk", "stage", "decided_by", "digest", "bound", "condition"),
        *Proposal.objects.order_by("pk").values_list("pk", "stage"),
    ]


MOVES = ["approve", "approve_on", "reject", "request_changes"]
SAID = {"reason": "Because.", "measure": "discount", "number": "50"}
EDITS = {
    "price_lines": [
        {"unit_price": 2999},
        {"discount": 50},
        {"tax": 7},
        {"quantity": 2},
        {"title": "Mending it"},
        {"optional": True},
        {"internal_cost": 1},
    ],
    "scope_items": [
        {"title": "Fast pages"},
        {"text": "We mend a hundred pages."},
        {"kind": "excluded", "position": 90},
    ],
    "milestones": [{"title": "Later"}, {"weeks": 9}, {"start_week": 5}, {"who": "You"}],
    "claims": [{"text": "Your largest page takes 2 seconds to show."}, {"method": "By a guess."}, {"unit": "ms"}],
    "itself": [{"title": "Even faster"}, {"intro": "Here is what we would do."}, {"discount": 10}],
}


def attempts(bench):
    """Yield what somebody tries, each once and unlike every other: what it is called, and a function that tries it."""
    people, browsers, mia = bench.people, bench.browsers, bench.people["mia"]
    own, asked = list(bench.own.approvals.order_by("pk")), list(bench.stale.approvals.order_by("pk"))
    open_one = bench.stale.approvals.get(aspect="pricing", stage="pending")
    every = [*own, *asked]
    wrong = ["", "0" * 64, *(each.digest for each in every), open_one.digest[:-1], open_one.digest.upper()]

    def tried(approval):
        """Each move with its own digest and with none; what says yes with every other one, too."""
        for move, digest in product(MOVES, dict.fromkeys(wrong)):
            if move in MOVES[:2] or digest in ("", approval.digest):
                yield move, digest

    def by_page(who, approval, move, digest, **more):
        address = reverse("approval", args=[approval.pk])
        return lambda: browsers[who].post(address, SAID | {"move": move, "digest": digest} | more)

    def by_raw_post(who, approval, move):
        return lambda: browsers[who].post(approval.move_url(move), SAID | {"override": "I may.", "by": mia.pk})

    def by_a_get(who, approval, move):
        return lambda: browsers[who].get(approval.move_url(move), SAID | {"move": move, "digest": approval.digest})

    def by_get_on_the_page(who, approval, move):
        return lambda: browsers[who].get(reverse("approval", args=[approval.pk]), {"move": move})

    def by_call(who, approval, move, digest):
        details = {"condition": SAID} if move == "approve_on" else {}
        details |= {"reason": "Because."} if move in ("reject", "request_changes") else {}
        return lambda: perform(getattr(approval, move), by=people[who], digest=digest, **details)

    def by_hand(who, approval, fields):
        row = Approval.objects.filter(pk=approval.pk)
        return lambda: row.update(decided_by=people[who], decided_at=approval.due, **fields)

    # Whoever wrote or edited it, has no right or no reach, from the very page; and then from a page of another time.
    for who, approval, move in chain(
        product(["ben", "fay"], own, MOVES), product(["ada", "cem", "ann"], own, MOVES[:2])
    ):
        for way in (by_page, by_raw_post, by_a_get):
            args = (who, approval, move) + ((approval.digest,) if way is by_page else ())
            yield (way.__name__, who, approval.pk, move), way(*args)
    for who, approval in product(browsers, own):
        yield ("read", who, approval.pk), by_get_on_the_page(who, approval, "approve")
    for who, approval, (move, digest) in chain.from_iterable(
        product(people, [approval], tried(approval)) for approval in every
    ):
        may = who in ("ben", "fay", "mia") and approval in asked or who == "mia"
        if not (may and digest == approval.digest and approval.stage == "pending"):
            yield ("call", who, approval.pk, move, digest), by_call(who, approval, move, digest)
    # Somebody who may, but on a page that shows something else; what has lapsed; what was answered already.
    for move, digest in tried(open_one):
        if digest != open_one.digest:
            yield ("page", "mia", move, digest), by_page("mia", open_one, move, digest)
    for approval, move in product([bench.lapsed, bench.given], MOVES):
        yield ("page", "mia", approval.pk, move), by_page("mia", approval, move, approval.digest)
        yield ("post", "mia", approval.pk, move), by_raw_post("mia", approval, move)
    # Somebody who may, from a page that shows nothing of the question.
    for move in MOVES:
        yield ("post", "mia", open_one.pk, move), by_raw_post("mia", open_one, move)
    # Moves that there are not; a condition that is none, or that it does not keep.
    for move in ("lapse", "settle", "decide", "give", "__init__", "save"):
        yield ("no move", "page", move), by_page("mia", open_one, move, open_one.digest)
        yield ("no move", "post", move), by_raw_post("mia", open_one, move)
    for measure, number in [("margin", "99.9"), ("first_year", "99999999"), ("first_year", "-1"), ("content", "1")]:
        on_it = by_page("mia", open_one, "approve_on", open_one.digest, measure=measure, number=number)
        yield ("condition", measure, number), on_it
    # Past the moves, where only the database stands.
    for who, approval, stage in product(["ben", "fay"], own, ["approved", "rejected", "changes_requested"]):
        yield ("hand", who, approval.pk, stage), by_hand(who, approval, {"stage": stage})
    for approval, stage in product([bench.lapsed, bench.given], ("approved", "pending", "rejected")):
        if approval.stage != stage:
            yield ("hand", "mia", approval.pk, stage), by_hand("mia", approval, {"stage": stage})
    for fields in (
        {"decision": "Fine."},
        {"condition": {"measure": "discount"}},
        {"digest": "0" * 64},
        {"bound": "0" * 64},
    ):
        yield ("hand", *fields), by_hand("fay", bench.given, fields)
    # Editing pages of the admin, by which nobody decides.
    for who in browsers:
        address = reverse("admin:proposals_approval_change", args=[open_one.pk])
        form = {"stage": "approved", "decided_by": "1"}
        yield ("admin", who), lambda who=who, address=address, form=form: browsers[who].post(address, form)
    yield from after_an_edit(bench)


def after_an_edit(bench):
    """Yield what is tried with something approved after it was edited: to send it, and to approve it as it was."""
    ada, mia, offer = bench.people["ada"], bench.people["mia"], bench.approved
    given = list(offer.approvals.order_by("pk"))

    def edited(kind, fields):
        record = Proposal.objects.get(pk=offer.pk)
        if kind == "itself":
            edit(record, by=ada, **fields)
        else:
            record.change(getattr(record, kind).order_by("pk").first(), by=ada, **fields)

    def behind_the_back(kind, fields):
        rows = Proposal.objects.filter(pk=offer.pk) if kind == "itself" else getattr(offer, kind).order_by("pk")[:1]
        type(rows[0])._base_manager.filter(pk=rows[0].pk).update(**fields)

    def send(by):
        perform(Proposal.objects.get(pk=offer.pk).send, by=by, contact=offer.opportunity.decision_owner)

    def send_by_post():
        bench.browsers["ada"].post(offer.move_url("send"), SAID | {"contact": offer.opportunity.decision_owner_id})

    def approve_as_it_was():
        for approval in given:
            asked = offer.approvals.filter(aspect=approval.aspect, stage="pending").first()
            if asked:
                perform(asked.approve, by=mia, digest=approval.digest)

    then = {"ada sends": lambda: send(ada), "mia sends": lambda: send(mia), "a post": send_by_post,
            "as it was": approve_as_it_was}  # fmt: skip

    def try_it(change, kind, fields, name):
        def attempt():
            change(kind, fields)
            after = answers()
            try:
                with transaction.atomic():
                    then[name]()
            except (Refused, PermissionDenied, DatabaseError):
                pass
            assert answers() == after
            raise Refused(["It was tried, and the edit is taken back."])

        return attempt

    for change, (kind, every), name in product((edited, behind_the_back), EDITS.items(), then):
        for fields in every:
            yield ("edit", change.__name__, kind, str(fields), name), try_it(change, kind, fields, name)


def test_a_thousand_unlike_attempts_and_none_gets_through(bench):
    before, refused, tried = answers(), 0, set()
    for name, attempt in attempts(bench):
        assert name not in tried
        tried.add(name)
        try:
            with transaction.atomic():
                response = attempt()
                refused += getattr(response, "status_code", 0) in (200, 302, 403, 404, 405, 409)
        except (Refused, PermissionDenied, DatabaseError):
            refused += 1
        assert answers() == before, name
    assert refused == len(tried) >= ATTEMPTS


def test_the_same_page_takes_the_answer_of_whoever_may(bench):
    """Or else the thousand above would prove nothing."""
    asked = bench.stale.approvals.get(aspect="pricing", stage="pending")
    bench.browsers["mia"].post(reverse("approval", args=[asked.pk]), {"move": "approve", "digest": asked.digest})
    asked.refresh_from_db()
    assert (asked.stage, asked.decided_by) == ("approved", bench.people["mia"])


def test_what_was_approved_is_sent_as_it_stands(bench):
    """Or else the edits above would prove nothing."""
    offer = bench.approved
    perform(offer.send, by=bench.people["ada"], contact=offer.opportunity.decision_owner)
    assert Proposal.objects.get(pk=offer.pk).stage == "sent"
