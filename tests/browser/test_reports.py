"""Reports that rest: asked for by delivery, approved by a manager, seen in the calendar and by the client."""

from datetime import timedelta

import pytest
from django.utils import timezone
from django.utils.formats import date_format

from opportunities.models import User
from portal.models import Guest, SignInLink
from tests.browser.axe import violations
from tests.conftest import person
from tests.makers_handoff import a_project

pytestmark = pytest.mark.slow


@pytest.fixture
def cadence(house):
    ada, ben = person("ada", "Growth ops", team="East"), person("ben", "Manager", team="East", sees="team")
    dora = person("dora", "Delivery", team="East")
    first = timezone.localdate() + timedelta(days=3)
    terms = {"report_every": "weekly", "report_weekday": first.weekday(), "first_report_on": first}
    return a_project(ada, manager=ben, delivery=dora, stage="live", report_skips_days_off=False, **terms).cadences.get()


@pytest.mark.screens("desktop")
def test_a_pause_is_asked_for_approved_seen_and_over_by_itself(cadence, at_browser):
    project, first = cadence.project, cadence.first_due_on
    until = first + timedelta(days=2)
    dora = at_browser(project.owner, looks=violations).open(project.staff_url()).sees("As the contract says.")
    dora.press("Change, pause or end them").press("Ask for a pause")
    dora.write(first_on=first.isoformat(), last_on=(first - timedelta(days=1)).isoformat(), reason="They rebuild.")
    dora.save().sees("Choose the first day of the pause, or one after it.")
    dora.write(last_on=until.isoformat()).save().sees("This would depart from the contract")
    change = cadence.changes.get()
    dora.open("/admin/reports/calendar/?month=" + f"{first:%Y-%m}").sees("Scheduled")

    ben = at_browser(User.objects.get(username="ben"), looks=violations)
    ben.open("/admin/today/").press("Approve or refuse").sees("Reports rest from")
    ben.open(change.staff_url()).move("Approve").sees("Reports rest from")
    ben.open(project.staff_url()).sees("The contract says: weekly, on")

    dora.open("/admin/reports/calendar/?month=" + f"{first:%Y-%m}").sees("Dropped").press("Harbor Dental")
    dora.sees("Dropped").sees("Reports rest from")
    dora.open("/admin/reports/reliability/").sees("No report was due in these 90 days.")
    following = cadence.reports.filter(stage="scheduled").first()
    assert (following.due_on, following.period_from) == (first + timedelta(days=7), first - timedelta(days=10))

    contact = project.opportunity.decision_owner
    token = SignInLink.mint(Guest.objects.get(contact_id=contact.pk))
    client = at_browser(looks=violations).open(f"/portal/enter/{token}").press("Come in").open("/portal/reports/")
    client.sees("Reports rest from").sees("The next report comes on")
    client.sees(following.due_on.strftime("%-d %B"))


@pytest.mark.screens("desktop")
def test_the_months_go_on_by_keys(cadence, at_browser):
    dora = at_browser(cadence.project.owner, looks=violations).open("/admin/reports/calendar/").sees("Today")
    this = date_format(timezone.localdate(), "F Y")
    before = date_format(timezone.localdate().replace(day=1) - timedelta(days=1), "F Y")
    dora.page.keyboard.press("ArrowLeft")
    dora.sees(before).page.keyboard.press("t")
    dora.sees(this)
    dora.page.keyboard.press("ArrowRight")
    dora.page.wait_for_url("**month=**")
    dora.look()
