"""For any edits: exactly the approvals of what changed lapse, none else; and a save without change lapses nothing."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import transaction
from django.utils import timezone
from hypothesis import given, settings
from hypothesis import strategies as st

from opportunities.records import edit
from proposals import approvals
from proposals.models import Approval, PriceLine, Proposal, ScopeItem
from tests.makers_proposals import a_proposal

pytestmark = pytest.mark.django_db

WORDS = st.sampled_from(["Faster pages", "Mending", "Care each month", "Other words", "“Quoted” — and ünusual"])
PERCENT = st.decimals(0, 100, places=2)
MONEY = st.decimals(0, 99_999, places=2)


def row(name, **fields):
    """Return edits of a row of one kind: which one, and some of its fields."""
    return st.tuples(st.just(name), st.integers(0, 3), st.fixed_dictionaries({}, optional=fields))


EDITS = st.lists(
    st.one_of(
        row("scope_items", title=WORDS, text=WORDS, kind=st.sampled_from(["included", "assumption"])),
        row("milestones", title=WORDS, weeks=st.integers(1, 9), who=WORDS),
        row("price_lines", title=WORDS, unit_price=MONEY, discount=PERCENT, quantity=st.integers(0, 9), tax=PERCENT),
        row("price_lines", internal_cost=st.none() | MONEY, optional=st.booleans(), pricing_assumption=WORDS),
        row("claims", text=WORDS, method=WORDS, sensitivity=st.sampled_from(["normal", "high"])),
        st.tuples(
            st.just("itself"),
            st.just(0),
            st.fixed_dictionaries(
                {},
                optional={
                    "title": WORDS,
                    "intro": WORDS,
                    "discount": PERCENT,
                    "valid_until": st.integers(1, 90).map(lambda days: timezone.localdate() + timedelta(days=days)),
                    "next_action": WORDS,
                    "due_on": st.integers(1, 90).map(lambda days: timezone.localdate() + timedelta(days=days)),
                },
            ),
        ),
        st.tuples(st.just("add"), st.integers(0, 1), st.just({})),
        st.tuples(st.just("remove"), st.integers(0, 3), st.just({})),
    ),
    max_size=4,
)


def make(proposal, change, by):
    """Make one edit, as the pages do. What a row may not say is left as it is."""
    name, number, fields = change
    if name == "itself":
        edit(proposal, by=by, **fields)
    elif name == "add":
        new = [ScopeItem(title="More", kind="excluded"), PriceLine(title="More", unit_price=Decimal(5))][number]
        proposal.add(new, by=by)
    else:
        rows = list(getattr(proposal, "price_lines" if name == "remove" else name).order_by("position", "pk"))
        chosen = rows[number % len(rows)] if rows else None
        if chosen is not None and name == "remove" and len(rows) > 1:
            proposal.remove(chosen, by=by)
        elif chosen is not None and name != "remove":
            if chosen.__class__ is ScopeItem and fields.get("kind", chosen.kind) != chosen.kind:
                fields = fields | {"position": 50 + chosen.position}
            proposal.change(chosen, by=by, **fields)


def said(proposal):
    return {aspect: approvals.digest(aspect, proposal) for aspect in proposal.ASPECTS}


@settings(max_examples=30, derandomize=True)
@given(edits=EDITS)
def test_for_random_edits_exactly_the_aspects_whose_content_changed_lapse(ada, ben, edits):
    with transaction.atomic():
        point = transaction.savepoint()
        proposal = a_proposal(ada, approver=ben, stage="approved")
        live = {row.pk: row.aspect for row in proposal.approvals.filter(stage="approved")}
        # As sets of what each aspect said along the way: what was changed and changed back has lapsed all the same.
        seen = {aspect: {digest} for aspect, digest in said(proposal).items()}
        for change in edits:
            make(Proposal.objects.get(pk=proposal.pk), change, ada)
            for aspect, digest in said(Proposal.objects.get(pk=proposal.pk)).items():
                seen[aspect].add(digest)
        changed = {aspect for aspect, digests in seen.items() if len(digests) > 1}
        now = dict(proposal.approvals.filter(pk__in=live).values_list("aspect", "stage"))
        assert now == {aspect: "lapsed" if aspect in changed else "approved" for aspect in proposal.ASPECTS}
        proposal.refresh_from_db()
        assert proposal.stage == ("in_review" if changed else "approved")
        for asked in proposal.approvals.filter(stage="pending"):
            assert asked.aspect in changed or asked.rule.step > 1
            assert asked.digest == said(proposal)[asked.aspect]
        transaction.savepoint_rollback(point)


def test_a_save_of_every_row_and_field_as_it_is_lapses_nothing(ada, ben):
    proposal = a_proposal(ada, approver=ben, stage="approved")
    before = list(proposal.approvals.values_list("pk", "stage", "digest"))
    for name, model in proposal.row_models().items():
        for each in getattr(proposal, name).all():
            proposal.change(each, by=ada, **{field: getattr(each, field) for field in model.SAYS})
    edit(proposal, by=ada, **{name: getattr(proposal, name) for name in (*proposal.CONTENT, "discount")})
    assert list(proposal.approvals.values_list("pk", "stage", "digest")) == before
    assert Proposal.objects.get(pk=proposal.pk).stage == "approved"


def test_a_number_that_is_typed_otherwise_is_no_change(ada, ben):
    proposal = a_proposal(ada, approver=ben, stage="approved", discount=Decimal("10.00"))
    edit(proposal, by=ada, discount=Decimal(10))
    assert Proposal.objects.get(pk=proposal.pk).stage == "approved"


def test_a_discount_that_is_typed_short_is_asked_about_as_it_is_kept(ada, ben):
    proposal = a_proposal(ada, stage="in_review")
    edit(proposal, by=ada, discount=Decimal(5))
    asked = Approval.objects.get(aspect="pricing", stage="pending")
    assert asked.digest == asked.now()
