"""Every kind of staff page can be used by everybody, in light and dark. The portal's are looked at on the walk."""

import tempfile
from datetime import timedelta

import pytest
from django.test import override_settings
from django.utils import timezone

from opportunities import incoming, secondtries, sequences
from opportunities.models import Campaign, Lead
from opportunities.records import begin
from proposals.models import Approval
from tests.browser.axe import violations
from tests.browser.people import DESKTOP
from tests.conftest import person
from tests.makers import a_lead, an_opportunity
from tests.makers_handoff import a_handoff
from tests.makers_proposals import a_proposal
from tests.makers_series import a_sequence, a_template
from tests.opportunities.mails import a_mail as a_letter
from tests.opportunities.test_followups import a_follow_up
from tests.opportunities.test_outbox import a_mail
from tests.opportunities.test_secondtries import a_lost_deal

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


def test_nobody_is_barred_from_due_work(house, at_browser):
    ada, ben = person("ada", "Growth ops", team="East"), person("ben", "Manager", team="East", sees="team")
    opportunity = an_opportunity(ada)
    task, sent = a_follow_up(ada, opportunity, due_at=timezone.now() + timedelta(days=1)), a_mail(ada, opportunity)
    series = a_sequence(ben)
    run = sequences.start(series, opportunity, opportunity.decision_owner, by=ada)
    deal = a_lost_deal(ada)
    secondtries.turn()
    campaign = begin(Campaign(name="Spring", template=a_template(ben, "Again"), owner=ben, chosen={}), by=ben)
    with tempfile.TemporaryDirectory() as folder, override_settings(MEDIA_ROOT=folder):
        stranger = incoming.take(a_letter("somebody@else.example", subject="Hello"), via="imap")
    at_ben = at_browser(ben, looks=violations)
    for name in ("opportunities/task/", "notices/", "my/notices/", "my/calendar/", "opportunities/inboundmail/"):
        at_ben.open(f"/admin/{name}")
    for name in ("message", "messagetemplate", "sequence", "winback", "campaign"):
        at_ben.open(f"/admin/opportunities/{name}/")
    win_back = deal.win_backs.get()
    for record in (
        task,
        sent,
        opportunity.decision_owner,
        series,
        series.plan[0].template,
        run,
        win_back,
        campaign,
        stranger,
    ):
        at_ben.open(record.staff_url())
    at_ben.open(f"/admin/opportunities/opportunity/{opportunity.pk}/write/")
    for address in ("snooze", "give"):
        at_ben.open(f"/admin/opportunities/task/{task.pk}/{address}/")
    at_ben.open(f"/admin/opportunities/winback/{win_back.pk}/write/")


def test_nobody_is_barred_from_what_delivery_reads(house, at_browser):
    ada, ben = person("ada", "Growth ops", team="East"), person("ben", "Manager", team="East", sees="team")
    dora = person("dora", "Delivery", team="East")
    handoff = a_handoff(ada, manager=ben, delivery=dora)
    at_dora = at_browser(dora, looks=violations).open(handoff.staff_url())
    at_dora.open(handoff.project.staff_url()).open(handoff.project.reports.first().staff_url())
