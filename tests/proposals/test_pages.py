"""The staff pages of what is promised: each opens for whoever may see it, and for nobody else."""

import pytest
from django.urls import reverse
from guardian.shortcuts import assign_perm

from opportunities.models import Event, Evidence
from proposals.models import Approval, Contract, PriceLine, Proposal
from tests.makers import a_lead, an_opportunity
from tests.makers_proposals import a_contract, a_proposal, a_summary

pytestmark = pytest.mark.django_db


def test_every_page_opens_for_a_manager_and_is_not_there_for_another_team(as_user, ada, ben, cem):
    contract = a_contract(ada, approver=ben, stage="sent")
    summary = a_summary(ada, stage="in_review", opportunity=contract.opportunity)
    records = [contract, contract.payment, contract.proposal, summary, summary.approvals.get()]
    browser = as_user(ben)
    for record in records:
        page = browser.get(record.staff_url())
        assert page.status_code == 200, record
        assert str(record) in page.content.decode()
        listed = browser.get(reverse(f"admin:proposals_{record._meta.model_name}_changelist"))
        assert listed.status_code == 200
    browser = as_user(cem)
    for record in records:
        assert browser.get(record.staff_url()).status_code in (302, 403, 404), record


def test_a_proposal_names_its_lead_to_whoever_may_see_that(as_user, ada, dora):
    proposal = a_proposal(ada, lead=a_lead(ada))
    assign_perm("view_opportunity", dora, proposal.opportunity)
    assert f'href="{proposal.lead.staff_url()}"' in as_user(ada).get(proposal.staff_url()).text
    assert f'href="{proposal.lead.staff_url()}"' not in as_user(dora).get(proposal.staff_url()).text


def test_growth_ops_begins_a_proposal_with_the_usual_rows_of_the_service(as_user, ada):
    service = a_proposal(ada).service
    opportunity = an_opportunity(ada, stage="proposal")
    browser = as_user(ada)
    assert browser.get(reverse("admin:proposals_proposal_add")).status_code == 200
    answer = browser.post(
        reverse("admin:proposals_proposal_add"),
        {
            "title": "More bookings",
            "intro": "Hello.",
            "currency": "USD",
            "valid_until": "2031-01-31",
            "decide_on": "",
            "opportunity": opportunity.pk,
            "lead": "",
            "service": service.pk,
            "owner": ada.pk,
            "next_action": "Write the rows",
            "due_on": "",
        },
    )
    assert answer.status_code == 302
    proposal = Proposal.objects.latest("pk")
    assert proposal.author == ada
    assert proposal.scope_items.count() == service.usual_scope.count() > 0
    assert proposal.price_lines.get().title == service.name


def test_nobody_writes_for_an_opportunity_that_they_cannot_see(as_user, ada, cem):
    theirs = an_opportunity(ada, stage="proposal")
    fields = {"title": "Mine", "currency": "USD", "opportunity": theirs.pk, "owner": cem.pk, "next_action": "Write"}
    as_user(cem).post(reverse("admin:proposals_proposal_add"), fields)
    assert not Proposal.objects.exists()


def test_a_sent_proposal_cannot_be_saved_again(as_user, ada, ben):
    proposal = a_proposal(ada, approver=ben, stage="sent")
    answer = as_user(ada).post(proposal.staff_url(), {"title": "Changed"})
    assert answer.status_code == 403
    proposal.refresh_from_db()
    assert proposal.title != "Changed"


def test_a_price_changed_on_the_page_lapses_the_pricing_approval(as_user, ada, ben):
    proposal = a_proposal(ada, approver=ben, stage="approved")
    line = proposal.price_lines.first()
    browser = as_user(ada)
    row = {"row": f"price_lines-{line.pk}"}
    form = posted(browser.get(proposal.staff_url(), {"open": row["row"]})) | row | {"unit_price": "3100.00"}
    answer = browser.post(proposal.staff_url(), form)
    assert answer.status_code == 302
    proposal.refresh_from_db()
    assert PriceLine.objects.get(pk=line.pk).unit_price == 3100
    assert (proposal.stage, proposal.editors) == ("in_review", [])
    assert Approval.objects.get(stage="lapsed").aspect == "pricing"


def test_revising_and_drawing_up_are_posts_only(as_user, ada, ben):
    proposal = a_proposal(ada, approver=ben, stage="accepted")
    browser = as_user(ada)
    for name in ("revise", "contract"):
        assert browser.get(reverse(f"admin:proposals_proposal_{name}", args=[proposal.pk])).status_code == 405
    browser.post(reverse("admin:proposals_proposal_revise", args=[proposal.pk]))
    assert Proposal.objects.filter(number=proposal.number).count() == 2
    browser.post(reverse("admin:proposals_proposal_contract", args=[proposal.pk]))
    assert Contract.objects.get().proposal == proposal


def test_nobody_decides_without_having_opened_the_question(as_user, ada, ben):
    proposal = a_proposal(ada, stage="in_review")
    approval = proposal.approvals.get(aspect="pricing")
    said = {"reason": "Because.", "measure": "discount", "number": "50"}
    for move in ("approve", "approve_on", "request_changes", "reject"):
        answer = as_user(ben).post(reverse("admin:proposals_approval_move", args=[approval.pk, move]), said)
        assert "Open the question and read it before you decide." in answer.text, move
        approval.refresh_from_db()
        assert approval.stage == "pending"
    refused = as_user(ada).post(
        reverse("admin:proposals_approval_move", args=[proposal.approvals.get(aspect="claims").pk, "approve"])
    )
    assert refused.status_code == 403


def test_sending_asks_for_the_contact_on_the_page(as_user, ada, ben):
    proposal = a_proposal(ada, approver=ben, stage="approved")
    url = reverse("admin:proposals_proposal_move", args=[proposal.pk, "send"])
    browser = as_user(ada)
    assert proposal.opportunity.decision_owner.name in browser.get(url).content.decode()
    browser.post(url, {"contact": proposal.opportunity.decision_owner_id, "words": "", "expires_on": ""})
    proposal.refresh_from_db()
    assert proposal.stage == "sent"


def test_the_evidence_of_a_claim_is_told_in_words_before_and_after(as_user, ada):
    proposal = a_proposal(ada)
    claim = proposal.claims.first()
    used = claim.evidence.all()
    other = Evidence.objects.filter(audit__opportunity=proposal.opportunity).exclude(pk__in=used.values("pk")).first()
    before = sorted(map(str, used))
    browser = as_user(ada)
    row = {"row": f"claims-{claim.pk}"}
    form = posted(browser.get(proposal.staff_url(), {"open": row["row"]})) | row | {"evidence": [other.pk]}
    assert browser.post(proposal.staff_url(), form).status_code == 302
    told = Event.objects.filter(verb="proposal.row_changed").latest("pk").facts.values
    assert list(told.values()) == [[before, [str(other)]]]


def posted(page) -> dict:
    """Return what a browser would send of the part of the page that is open."""
    form = page.context["open"]["form"]
    fields = {name: form[name].value() for name in form.fields}
    fields = {key: list(map(key_of, value)) if isinstance(value, list) else value for key, value in fields.items()}
    fields = {key: value for key, value in fields.items() if value is not None and value is not False}
    return fields | {"seen": page.context["open"]["seen"]}


def key_of(value):
    return getattr(value, "pk", value)
