"""A month of reporting: a report on its day, and the next one late, with a notice before it."""

from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from opportunities.records import edit
from portal.models import Guest, SignInLink
from proposals.models import Approval
from tests.browser.axe import violations
from tests.conftest import person
from tests.makers_handoff import a_project

pytestmark = [pytest.mark.slow, pytest.mark.screens("desktop")]
LCP = "Largest Contentful Paint"


@pytest.fixture
def cast(house, settings):
    settings.PORTAL_URL = house.portal
    ada = person("ada", "Growth ops", team="East")
    return ada, person("ben", "Manager", team="East", sees="team"), person("dora", "Delivery", team="East")


def ended(report, days_ago, due_in):
    """Have a report cover the thirty days that ended so long ago, and be due in so many days from now."""
    last = timezone.localdate() - timedelta(days=days_ago)
    period = {"period_from": last - timedelta(days=29), "period_to": last}
    return edit(report, by=None, due_on=timezone.localdate() + timedelta(days=due_in), **period)


def says_yes(manager):
    manager.open(f"/admin/approvals/{Approval.objects.filter(stage='pending').latest('pk').pk}/")
    manager.press("Approve", within=".z-decide").sees("Done: you approved")


def writes_words(writer, words, label="Write the words"):
    """Write the words that the page of the report begins, and submit them. Return their title."""
    writer.press(label).write(words=words)
    title = writer.page.locator("[name=title]").input_value()
    writer.press("Save").sees("Added").move("Submit for review").sees("Done:")
    return title


def test_a_month_of_reporting_with_one_late_report_and_its_notice(house, cast, at_browser, tmp_path):
    ada, ben, dora = cast
    project = a_project(ada, manager=ben, delivery=dora, stage="live")
    reader = project.cadences.get().recipients.get()
    first, second = project.reports.order_by("due_on")[:2]
    first = ended(first, days_ago=31, due_in=2)
    writer, manager = at_browser(dora, looks=violations), at_browser(ben, looks=violations)

    # The numbers come from a file, which shows what it says before it is taken over.
    file = tmp_path / "numbers.csv"
    file.write_text(f"Metric;Value;Unit\n{LCP};2,4;s\nVisits;12;\n")
    writer.open(first.staff_url()).sees("in 2 days").move("Start writing").sees("Done:")
    with writer.refused(422):
        writer.write(file=file).press("Read the file").sees("This report has no such number.")
    file.write_text(f"Metric;Value;Unit\n{LCP};2,4;s\n")
    writer.write(file=file).press("Read the file").sees("Read as UTF-8, split by semicolons, with a comma")
    writer.press("Take over 1 number").sees("Taken over")
    expect(writer.page.get_by_label(LCP)).to_have_value("2.4")

    # A note for us, words for them, and what comes next.
    writer.write(words="Their developer left; ask twice.").press("Add the note").sees("Noted, for us alone.")
    writes_words(writer, "Your pages open faster than when we began.\n\nThe booking page is next.")
    says_yes(manager)
    writer.open(first.staff_url()).write(next_steps="Mend the booking page\nMeasure again")
    writer.press("Save and submit").sees("Done:")
    writer.sees("Whoever may publish reports, but nobody who wrote this one")
    manager.open(first.staff_url()).move("Approve").sees("Done:")
    writer.open(first.staff_url()).move("Publish to the client").sees("Done:")

    # The mail leads to it, and a guest reads it on a phone.
    link = house.mailbox.link_to(reader.email, "Your report", "/portal/reports/")
    guest = at_browser(at="phone", looks=violations)
    guest.open(f"{house.portal}/portal/enter/{SignInLink.mint(Guest.objects.get(contact_id=reader.pk))}")
    guest.press("Come in").open(link).sees("The booking page is next.").sees("Measure again")
    expect(guest.page.locator(".numbers strong")).to_have_text("2.4 s")
    expect(guest.page.locator(".trend-table td").last).to_have_text("2.4")
    expect(guest.page.locator("body")).not_to_contain_text("developer")

    # The next one is late: the client is told in words that somebody else approved.
    second = ended(second, days_ago=1, due_in=-1)
    writer.open("/admin/today/").sees("Late reports").sees("the client was not told")
    writer.press("Harbor Dental", within=".z-late-block").sees("was not told yet.")
    title = writes_words(writer, "A provider sent its numbers late.\n\nWe are sorry.", "Write the notice to the client")
    assert title.startswith(f"Your report for {second.covers} comes on ")
    says_yes(manager)
    house.mailbox.link_to(reader.email, title, "/portal/reports/")
    guest.open("/portal/").sees(title).sees("A provider sent its numbers late.")
    guest.press("Reports").sees(title)
    writer.open("/admin/today/").sees("the client was told")

    # Then it comes, with its reason, and takes the place of the notice.
    writer.open(second.staff_url()).move("Start writing").sees("Done:")
    writer.page.get_by_label(LCP).fill("2,2")
    writer.write(breach_reason="The provider was down.", next_steps="Mend the search pages").press("Save").sees("Saved")
    writes_words(writer, "The booking page is mended, too.")
    says_yes(manager)
    writer.open(second.staff_url()).move("Submit for review").sees("Done:")
    manager.open(second.staff_url()).move("Approve").sees("Done:")
    writer.open(second.staff_url()).move("Publish to the client").sees("Done:")
    guest.open(house.mailbox.link_to(reader.email, "Your report", "/portal/reports/"))
    guest.sees("The booking page is mended, too.")
    expect(guest.page.locator(".trend-table td")).to_have_text(["6.8", "2.4", "2.2"])
    guest.press("Reports")
    expect(guest.page.locator(".late")).to_have_count(0)
    expect(guest.page.locator(".documents li")).to_have_count(2)
    manager.open(project.staff_url()).sees("Reports that came late").sees("The provider was down.")
