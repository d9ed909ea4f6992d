"""Words for a client are stopped, reworded with a key, approved by another, published and withdrawn."""

import pytest
from playwright.sync_api import expect

from opportunities.models import Note
from opportunities.records import begin, edit
from proposals.models import Summary
from tests.browser.axe import violations
from tests.conftest import person
from tests.makers import an_opportunity
from tests.makers_proposals import a_contract, a_summary


@pytest.fixture
def ada(house):
    return person("ada", "Growth ops", team="East")


@pytest.fixture
def ben(house):
    return person("ben", "Manager", team="East", sees="team")


@pytest.fixture
def deal(ada):
    deal = an_opportunity(ada, stage="proposal")
    words = "The owner's nephew built the booking form in 2019 and nobody there dares to touch it."
    begin(Note(diary=deal.diary, opportunity=deal, author=ada, words=words), by=ada)
    return deal


@pytest.mark.screens("desktop")
def test_words_are_stopped_reworded_with_a_key_approved_published_and_withdrawn(ada, ben, deal, at_browser):
    summary = a_summary(ada, opportunity=deal, words="Your pages open late.")
    writer = at_browser(ada, looks=violations).open(summary.staff_url())
    page = writer.page
    marks = page.locator("#marks")
    expect(marks).to_contain_text("Nothing is marked.")
    field = page.locator("[name=words]")
    field.fill("There is one caveat 🙂: a caveat. We are the best. The form is old.")
    expect(marks).to_contain_text("2 to take out, 1 to look at again")
    expect(marks.locator("li.z-stops").first).to_contain_text("It names a doubt of ours")
    expect(marks.locator("li.z-warns")).to_contain_text("Look again")
    writer.look()
    # It is saved with its marks, and not submitted with them.
    writer.press("Save").sees("Saved")
    expect(page.locator("#moves")).to_contain_text("instead of “caveat”")
    assert Summary.objects.get().stage == "draft"
    # One key takes a suggestion, wherever the cursor stands.
    field.focus()
    page.keyboard.press("F2")
    expect(field).to_have_value("There is one what to keep in mind 🙂: a caveat. We are the best. The form is old.")
    expect(marks).to_contain_text("1 to take out, 1 to look at again")
    page.keyboard.press("F2")
    expect(field).to_have_value(
        "There is one what to keep in mind 🙂: a what to keep in mind. We are the best. The form is old."
    )
    expect(marks).to_contain_text("0 to take out, 1 to look at again")
    field.fill("Keep one thing in mind: the form is old.")
    expect(marks).to_contain_text("Nothing is marked.")
    page.keyboard.press("Control+Enter")
    writer.sees("Saved")
    # What was typed since goes along with the next step.
    field.fill("Keep one thing in mind: the form is old, and slow to change.")
    writer.move("Submit for review").sees("In review")
    assert Summary.objects.get().words == "Keep one thing in mind: the form is old, and slow to change."

    other = at_browser(ben).open(Summary.objects.get().approvals.get(stage="pending").staff_url())
    other.press("Approve")
    other.open(summary.staff_url()).sees("Approved").move("Publish")
    other.sees("Published")
    other.move("Withdraw", reason="The form was mended.")
    other.sees("Withdrawn")
    assert Summary.objects.get().stage == "withdrawn"


def test_the_editor_is_for_everybody_with_marks_and_without(ada, deal, at_browser):
    summary = a_summary(ada, opportunity=deal)
    edit(
        summary, by=ada, words="A caveat for 40 % of them: the owner's nephew built the booking form in 2019, the best."
    )
    writer = at_browser(ada, looks=violations).open(summary.staff_url())
    writer.page.locator(".z-marked > summary").click()
    writer.page.locator(".z-others > summary").click()
    writer.look()
    writer.press("Check the words").sees("Nothing is saved yet")
    writer.open("/admin/proposals/summary/add/").open(f"/admin/proposals/summary/add/?opportunity={deal.pk}")


def test_what_a_client_saw_and_what_a_contract_changed_are_for_everybody(ada, ben, at_browser):
    contract = a_contract(ada, approver=ben)
    row = contract.contract_clauses.select_related("clause").get(clause__key="2-payment")
    edit(row, by=ada, text=row.text.replace("each month", "each quarter"))
    row.clause.revise(by=ben, title="Payment", text="All of it at once.")
    reader = at_browser(ben, looks=violations).open(f"{contract.opportunity.staff_url()}seen/".replace("change/", ""))
    reader.page.locator("summary", has_text="The words as they were shown").first.click()
    reader.look()
    reader.open(contract.staff_url()).sees("differs from the standard")
    reader.open("/admin/proposals/clause/").press("Payment").sees("Version 2")
    reader.press("Revise").sees("Words of the clause")
    reader.open("/admin/proposals/glossaryterm/").sees("caveat")
