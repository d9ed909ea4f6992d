"""Words that clients read are plain text, whoever types them and whichever way they come."""

import pytest
from django.core.exceptions import ValidationError
from django.forms import modelform_factory
from django.urls import reverse

from handoff.models import ChecklistItem, Report
from handoff.writing import report_form
from opportunities import outbox
from opportunities.models import Evidence, MessageTemplate
from opportunities.records import Refused, begin, edit, perform
from opportunities.words import plain_parts, plain_words
from proposals.models import Claim, Clause, ContractClause, Service
from tests.makers import an_audit, an_opportunity, some_evidence
from tests.makers_handoff import a_report
from tests.makers_proposals import a_contract, a_proposal

pytestmark = pytest.mark.django_db

MARK = "Pay <b>now</b>"
PLAIN = [
    *("a < b and c > d", "<3", "5<6", "Write to <bo@larsen.example> or see <https://larsen.example/a?b=c>."),
    *("<mailto:bo@larsen.example>", "", None),
]
MARKED = [
    *("<b>", "<B class=x", "</p>", "<br/>", "<!-- hidden -->", "<!doctype html>", "<script>alert(1)</script>"),
    *("<img src=x onerror=alert(1)>", "<svg/onload=alert(1)>", "<a href='https://x.example'>here</a>"),
    *("<o:p>", "<bo@larsen.example onclick=x>", "<https://x.example onclick=x>"),
]


@pytest.mark.parametrize("words", PLAIN)
def test_plain_words_pass_and_an_address_between_such_signs_does(words):
    plain_words(words)
    plain_parts([{"metric": words, "value": 3}, words])


@pytest.mark.parametrize("words", MARKED)
def test_a_mark_of_html_is_refused_and_named(words):
    for check, value in ((plain_words, words), (plain_parts, [{"metric": "Calls", "before": [words]}])):
        with pytest.raises(ValidationError, match="Write plain words: take out “<"):
            check(value)


@pytest.mark.parametrize(
    ("model", "names"),
    [
        (Clause, ["title", "text"]),
        (ContractClause, ["text"]),
        (Claim, ["text", "metric", "unit"]),
        (Evidence, ["metric", "unit", "provider"]),
        (ChecklistItem, ["title"]),
        (Report, ["next_steps"]),
    ],
)
def test_a_page_refuses_it_at_its_field(model, names):
    form = modelform_factory(model, fields=names)(dict.fromkeys(names, MARK))
    assert {name: form.errors[name] for name in names} == dict.fromkeys(names, ["Write plain words: take out “<b>”."])


# -- Clauses. ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("field", ["title", "text"])
def test_a_clause_with_html_is_neither_added_nor_revised(as_user, ada, ben, field):
    pinned = a_contract(ada, approver=ben).contract_clauses.select_related("clause").first()
    clause, words = pinned.clause, {"title": "Payment", "text": "All at once."} | {field: MARK}
    revise = reverse("admin:proposals_clause_revise", args=[clause.pk])
    answer = as_user(ben).post(revise, words)
    assert answer.status_code == 422
    assert list(answer.context["form"].errors) == [field]
    as_user(ben).post(reverse("admin:proposals_clause_add"), words | {"key": "new", "is_standard": "on"})
    with pytest.raises(Refused, match="take out “<b>”"):
        clause.revise(by=ben, **words)
    assert Clause.versions_of(clause.key).count() == 1
    assert not Clause.objects.filter(key="new").exists()


def test_a_clause_of_a_contract_is_refused_html_without_a_page_too(ada, ben):
    row = a_contract(ada, approver=ben).contract_clauses.first()
    with pytest.raises(Refused, match="take out “<b>”"):
        edit(row, by=ada, text=MARK)
    row.refresh_from_db()
    assert "<b>" not in row.text
    row.text = MARK
    with pytest.raises(ValidationError):
        row.full_clean()


# -- What else they read. ----------------------------------------------------------------------------------------------


def test_neither_a_claim_nor_the_evidence_under_it_holds_html(ada):
    proposal = a_proposal(ada)
    for name in ("text", "metric", "unit"):
        with pytest.raises(ValidationError, match="take out"):
            proposal.change(proposal.claims.get(), by=ada, **{name: MARK})
    audit = an_audit(an_opportunity(ada, stage="audit"), ada)
    for name in ("metric", "unit", "provider"):
        with pytest.raises(ValidationError, match="take out"):
            some_evidence(audit, ada, **{name: MARK})


def test_a_proposals_own_words_are_refused_html_without_a_page_too(ada):
    proposal = a_proposal(ada)
    for name in ("title", "intro"):
        with pytest.raises(Refused, match="take out “<b>”"):
            edit(proposal, by=ada, **{name: MARK})


def test_a_report_holds_no_html_in_its_numbers_and_steps(ada, ben, dora):
    report = a_report(ada, manager=ben, delivery=dora)
    numbers = [{**report.numbers[0], "value": MARK}, *report.numbers[1:]]
    for words in ({"next_steps": MARK}, {"numbers": numbers}):
        with pytest.raises(Refused, match="take out “<b>”"):
            edit(report, by=dora, **words)
    typed = {"more_metric": "<i>Calls</i>", "more_value": "3", "next_steps": MARK, "owner": dora.pk}
    assert {"more_metric", "next_steps"} <= report_form(report, typed).errors.keys()


def test_an_onboarding_list_holds_no_html(ben, ada):
    service = Service(name="Care", checklist=[{"title": MARK, "who": "us", "days": 1}])
    with pytest.raises(ValidationError, match="take out"):
        service.full_clean(exclude=["diary"])
    with pytest.raises(Refused, match="take out"):
        begin(service, by=ben)


# -- Mails. ------------------------------------------------------------------------------------------------------------


def test_a_template_holds_no_html(ben):
    template = begin(MessageTemplate(name="Hello", purpose="transactional"), by=ben)
    with pytest.raises(Refused, match="Write plain words: take out “<b>”"):
        template.revise("Hello", MARK, by=ben)
    template.revise("Hello", "See <https://zarts.example>.", by=ben)


def test_a_mail_by_hand_holds_no_html(ada):
    deal = an_opportunity(ada)
    with pytest.raises(Refused, match="Write plain words: take out “<b>”"):
        outbox.write(deal.decision_owner, "Hello", MARK, owner=ada, by=ada, opportunity=deal)


def test_the_words_beside_send_hold_no_html(ada, ben):
    proposal = a_proposal(ada, approver=ben, stage="approved")
    with pytest.raises(Refused, match="Write plain words: take out “<b>”"):
        perform(proposal.send, by=ada, contact=proposal.opportunity.decision_owner, words=MARK)
