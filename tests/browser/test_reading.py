"""Every kind of staff page can be used by everybody, in light and dark. The portal's are looked at on the walk."""

import pytest

from opportunities.models import Lead
from proposals.models import Approval
from tests.browser.axe import violations
from tests.browser.people import DESKTOP
from tests.conftest import person
from tests.makers import a_lead, an_opportunity
from tests.makers_handoff import a_handoff
from tests.makers_proposals import a_proposal

pytestmark = pytest.mark.slow


def test_nobody_is_barred_from_a_staff_page(house, at_browser, screen):
    ada, ben = person("ada", "Growth ops", team="East"), person("ben", "Manager", team="East", sees="team")
    a_lead(ada)
    opportunity = an_opportunity(ada, stage="discovery")
    proposal = a_proposal(ada, stage="in_review")
    discovery, audit = opportunity.discoveries.get(), proposal.opportunity.audits.get()
    lead = Lead.objects.get(stage="new")
    asked = Approval.objects.filter(stage="pending").first()
    # The colours are the same on every screen. The pipeline's test takes the other two pairs.
    ben = at_browser(ben, looks=violations, scheme="dark" if screen == DESKTOP else "light")
    for address in ("/admin/today/?whose=team", "/admin/pipeline/", "/admin/opportunities/lead/", "/admin/mail/"):
        ben.open(address)
    for record in (lead, opportunity, discovery, audit, proposal, opportunity.client):
        ben.open(record.staff_url())
    ben.open(opportunity.staff_url().replace("change/", "move/pause/"))
    ben.open("/admin/approvals/").open(f"/admin/approvals/{asked.pk}/")
    ben.open("/admin/opportunities/lead/add/")


def test_nobody_is_barred_from_what_delivery_reads(house, at_browser):
    ada, ben = person("ada", "Growth ops", team="East"), person("ben", "Manager", team="East", sees="team")
    dora = person("dora", "Delivery", team="East")
    handoff = a_handoff(ada, manager=ben, delivery=dora)
    at_dora = at_browser(dora, looks=violations).open(handoff.staff_url())
    at_dora.open(handoff.project.staff_url()).open(handoff.project.reports.first().staff_url())
