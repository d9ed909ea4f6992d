"""From a row of somebody's list to a report in the client's portal, by pages alone."""

from datetime import timedelta

import pytest
from django.utils import timezone

from opportunities.models import Discovery
from tests.browser.axe import violations
from tests.browser.story import DISCOVERY, FACTS, answers, leads, lighthouse
from tests.conftest import person

pytestmark = pytest.mark.slow
MIA = "mia@harbor-dental.example"
WEEK = timedelta(days=7)


@pytest.fixture
def cast(house):
    return person("ada", "Growth ops", team="East"), person("ben", "Manager", team="East", sees="team")


@pytest.mark.screens("desktop")
def test_a_lead_becomes_a_report(house, cast, at_browser, tmp_path, as_owner):
    dora = person("dora", "Delivery", team="East")
    house.command("import", "import_leads", leads(tmp_path), "--owner", "ada")
    # Whoever writes sits at a desk; the manager approves and the client reads on a phone.
    ada, ben = at_browser(cast[0]), at_browser(cast[1], at="phone")
    dora, mia = at_browser(dora), at_browser(at="phone", looks=violations)

    # Growth ops takes the lead up and qualifies it.
    ada.open("/admin/today/").press("Mia Torres").sees("We lose bookings on phones")
    ada.move("Start working")
    for fact, words in FACTS.items():
        ada.confirm(fact, words)
    ada.move("Qualify", value="12000").press("Harbor Dental: growth audit")

    # Discovery: the five parts.
    ada.move("Start discovery")
    deal = ada.page.url
    ada.press("Open discovery", within="#discovery").write(**DISCOVERY, **answers(Discovery.objects.get()))
    ada.save().move("Complete discovery")

    # The audit: one brings the evidence, another vouches for it.
    ada.open(deal).move("Start audit").press("Open audit", within="#audit")
    ada.move("Start collecting").write(file=lighthouse(tmp_path))
    ada.press("Show what is in it").sees("Read as Lighthouse report")
    ada.press("Bring in what is ticked").sees("4 came in")
    ada.move("Submit for review")
    ben.open(ada.page.url).move("Verify")

    # The proposal: written on that evidence, approved by somebody else, sent.
    ada.open(deal).move("Start proposal").press("Add", within="#proposals")
    ada.write(title="Faster pages, more bookings", service="Search and speed").save()
    ada.press("Change Title and opening words")
    ada.write(intro="You asked how to win more bookings from phones. This is what we found and what we would do.")
    ada.press("Save", within="#words").sees("This is what we found and what we would do.")
    ada.add_row("included", title="Booking page", text="We mend the booking page first.")
    ada.add_row("timeline", title="Mend the booking page", start_week=0, weeks=3, who="Zarts")
    ada.add_row("pricing", title="Mending the booking page", recurring="Once", unit_price="3000")
    ada.add_row(
        "claims",
        text="The booking page takes 6.8 seconds to show on a phone.",
        metric="Largest Contentful Paint",
        low="6.8",
        high="6.8",
        unit="s",
        evidence="Largest Contentful Paint",
    )
    ada.rest_rows_on("Largest Contentful Paint").move("Submit for review")
    proposal = ada.page.url
    ben.open("/admin/approvals/").press("Harbor Dental")
    for _ in range(3):
        ben.press("Approve", within=".z-ask")
    ben.sees("Nothing stands with you")
    ada.open(proposal).move("Send to client", words="It was good to talk, Mia. Here is what we would do.")

    # The client opens the mail, reads, and accepts.
    mia.open(house.mailbox.link_to(MIA, "Our proposal", "/p/")).sees("Prepared for Mia Torres")
    mia.reads_for(3.2).press("Open the proposal")
    mia.sees("What we found").sees("The booking page takes 6.8 seconds")
    mia.write(name="Mia Torres", role="Owner", consent=True)
    mia.press("Accept the proposal").sees("Mia Torres accepted this on")

    # The contract: drawn up, approved, signed by both sides.
    ada.open(proposal).waits_for("Draw up the contract").open(deal).move("Start contract")
    today = timezone.localdate()
    ada.open(proposal).press("Draw up the contract").write(kickoff_on=(today + timedelta(days=10)).isoformat())
    ada.write(report_every="Weekly", report_weekday=f"{today:%A}", first_report_on=(today + WEEK).isoformat())
    ada.save().move("Submit for review")
    contract = ada.page.url
    ben.open("/admin/approvals/").press("Harbor Dental").press("Approve", within=".z-ask")
    ada.open(contract).move("Send to be signed", words="Here is the contract, Mia.")
    mia.open(house.mailbox.link_to(MIA, "The contract to sign", "/portal/contracts/")).write(email=MIA.title())
    mia.press("Send me a link").sees("Look into your mail")
    mia.open(house.mailbox.link_to(MIA, "", "/portal/enter/")).press("Come in")
    mia.waits_for("Sign the contract").write(name="Mia Torres", role="Owner", consent=True)
    mia.press("Sign the contract").sees("You signed this on")
    ben.open(contract).waits_for("Countersign").move("Countersign", role="Managing director")
    ada.open(deal).move(
        "Mark as won", reason="The proof", competitor="Nobody", words="The number of the booking page convinced her."
    )
    ada.sees("Done:")

    # Delivery takes over, and brings the client live.
    dora.open("/admin/today/").press("Read the promises and accept the handoff")
    dora.press("Handoff of Harbor Dental").press("Accept the", within="#promises").move("Accept the handoff")
    dora.open(deal).press("Faster pages", within="#handoff")
    project = dora.page.url
    dora.settle_each("items", "Done")
    dora.settle_each("connectors", "Access was granted", "It works", holder="Dora", secret_kept_at="no secret")
    dora.move("Setup is done")
    ada.open(contract).press("First payment").move("Record the invoice", invoice="I-1001")
    shown = {"reference": "SEPA 1001", "happened_on": today.isoformat(), "link": "https://bank.example/1001"}
    ada.move("Record as paid", **shown)
    dora.open(project).move("Go live")

    # A week goes by, for which nobody waits here: a report is approved only when its period has ended.
    as_owner("update handoff_report set period_from = period_from - 8, period_to = period_to - 8, due_on = due_on - 7")

    # The first report, which the client reads in the portal.
    dora.open(deal).press("Proposals", within=".z-sections").press("Add", within="#summaries")
    dora.write(kind="Report", title="Your first week", words="Your booking page is mended. The search pages are next.")
    dora.save().move("Submit for review")
    ben.open("/admin/approvals/").press("Harbor Dental").press("Approve", within=".z-ask")
    dora.open(project).press("Report of", within="#reports-group").move("Start writing")
    dora.page.get_by_label("Largest Contentful Paint").fill("2.7")
    dora.choose("#words summary").write(summary="Your first week", next_steps="Mend the search pages")
    dora.save().move("Submit for review")
    ben.open(dora.page.url).move("Approve")
    dora.open(dora.page.url).move("Publish to the client")
    mia.open("/portal/").sees("Latest report").press("Read the report")
    mia.sees("Your booking page is mended").sees("2.7")
