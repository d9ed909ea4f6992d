"""Campaigns: whom they choose, who is left out and why, how they run, stop, go on and end."""

import csv

import pytest
from django.core.exceptions import PermissionDenied
from django.db import connection
from django.test.utils import CaptureQueriesContext

from opportunities import campaigns, followups, secondtries
from opportunities.models import Campaign, CampaignEntry, Contact, Message, Task, WinBack
from opportunities.records import Refused, begin, edit, perform
from proposals.models import Service
from tests.conftest import person
from tests.makers import an_opportunity
from tests.opportunities.test_secondtries import a_template, a_win_back, again, agrees
from zarts.desk.admin import campaigns as desk

pytestmark = pytest.mark.django_db


@pytest.fixture
def template(ben):
    return a_template(ben)


def a_campaign(owner, template, **chosen):
    return begin(Campaign(name="Spring", template=template, owner=owner, chosen=chosen), by=owner)


def verdicts(campaign):
    found = campaigns.judge(campaign, campaigns.chosen(campaign))
    return {verdict.win_back.pk: verdict.why_not or str(verdict.contact) for verdict in found}


def run(campaign, by):
    campaign = perform(campaign.start, by=by)
    campaigns.work()
    followups.send_due()
    campaigns.work()
    return again(campaign)


# -- Who is chosen, and who is left out. -------------------------------------------------------------------------------


def test_lost_deals_are_chosen_by_reason_service_and_window(ada, ben, template):
    dear, unfit = a_win_back(ada), a_win_back(ada, reason="fit")
    later = a_win_back(ada, first=60, last=90)
    service = Service.objects.create(name="Search")
    Service.want(unfit.opportunity, [service], by=ada)
    assert set(verdicts(a_campaign(ben, template, reasons=["price"]))) == {dear.pk, later.pk}
    assert set(verdicts(a_campaign(ben, template, service=service.pk))) == {unfit.pk}
    window = {"from": str(later.opens_on), "to": str(later.ends_on)}
    assert set(verdicts(a_campaign(ben, template, **window))) == {later.pk}
    edge = {"from": str(dear.ends_on), "to": str(later.opens_on)}
    assert set(verdicts(a_campaign(ben, template, **edge))) == {dear.pk, unfit.pk, later.pk}


def test_each_who_is_left_out_has_a_reason(ada, ben, template):
    fit = a_win_back(ada)
    silent = a_win_back(ada, agreed=False)
    gone = a_win_back(ada)
    Contact.objects.filter(pk=gone.opportunity.decision_owner_id).update(email="")
    bounced = a_win_back(ada)
    edit(bounced.opportunity.decision_owner, by=ada, mail_failed_at=bounced.opportunity.client.diary.last_at)
    early = a_win_back(ada, first=30, last=60)
    twin = a_win_back(ada)
    edit(twin.opportunity.decision_owner, by=ada, email=fit.opportunity.decision_owner.email.upper())
    found = verdicts(a_campaign(ben, template))
    assert found[fit.pk] == "Bo Larsen"
    assert found[silent.pk] == "Bo Larsen has not agreed to marketing mail."
    assert found[gone.pk] == "Nobody there can be reached by mail."
    assert found[bounced.pk] == "Mail to Bo Larsen comes back."
    assert found[early.pk].startswith("Its window is from")
    assert found[twin.pk] == "Bo Larsen is written to about another deal."


def test_whoever_another_campaign_writes_to_is_left_out(ada, ben, template):
    win_back = a_win_back(ada)
    first = perform(a_campaign(ben, template).start, by=ben)
    campaigns.work()
    assert again(first).stage == "running"
    assert verdicts(a_campaign(ben, template)) == {win_back.pk: "Another campaign that runs writes to them."}


def test_whoever_a_letter_waits_for_already_is_left_out(ada, ben, template):
    win_back = a_win_back(ada)
    secondtries.write(win_back, win_back.opportunity.decision_owner, by=ada, subject="Again?", words="Hello.")
    assert verdicts(a_campaign(ben, template)) == {win_back.pk: "A letter to them waits already."}
    run(a_campaign(ben, template), ben)
    assert Task.objects.filter(kind="win_back").exclude(contact=None).count() == 1


def test_somebody_who_agreed_is_written_to_when_the_decision_owner_did_not(ada, ben, template):
    win_back = a_win_back(ada, agreed=False)
    colleague = begin(Contact(client=win_back.opportunity.client, name="Ida", email="ida@x.example"), by=ada)
    agrees(colleague, ada)
    assert verdicts(a_campaign(ben, template)) == {win_back.pk: "Ida"}


def test_a_manager_chooses_the_deals_of_their_team_only(ada, ben, cem, template):
    mine, other = a_win_back(ada), a_win_back(cem)
    assert set(verdicts(a_campaign(ben, template))) == {mine.pk}
    mia = person("mia", "Manager", team="West", sees="team")
    assert set(verdicts(a_campaign(mia, template))) == {other.pk}


# -- Who may reach whom. -----------------------------------------------------------------------------------------------


@pytest.fixture
def mia(db):
    return person("mia", "Manager", team="West", sees="team")


@pytest.fixture
def boss(db):
    return person("boss", "Manager", team="East", sees="all")


def test_whoever_starts_one_writes_to_nobody_whom_they_do_not_reach(ada, ben, cem, boss, template, mail_server):
    catcher, mine, other = mail_server(), a_win_back(ada), a_win_back(cem)
    campaign = run(a_campaign(boss, template), ben)
    assert [entry.win_back for entry in campaign.entries.all()] == [mine]
    assert catcher.got_for(mine.opportunity.decision_owner)
    assert not catcher.got_for(other.opportunity.decision_owner)


def test_a_campaign_keeps_the_reach_that_its_starter_had(ada, ben, cem, boss, template):
    mine, _ = a_win_back(ada), a_win_back(cem)
    campaign = perform(a_campaign(boss, template).start, by=ben)
    edit(ben, by=None, reach_of="all")
    campaigns.work()
    assert [entry.win_back for entry in campaign.entries.all()] == [mine]


def test_whoever_goes_on_with_one_writes_to_nobody_whom_they_do_not_reach(ada, ben, cem, boss, template):
    mine, _ = a_win_back(ada), a_win_back(cem)
    campaign = perform(a_campaign(boss, template).start, by=boss)
    campaign = perform(campaign.stop, by=boss, reason="A typing error.")
    perform(campaign.go_on, by=ben)
    campaigns.work()
    assert [entry.win_back for entry in campaign.entries.all()] == [mine]


def test_whoever_sees_a_team_owns_the_campaign_that_they_make(ben, mia, template, as_user):
    asked = {"name": "Raid", "template": template.pk, "owner": mia.pk, "from_day": "", "to_day": ""}
    as_user(ben).post("/admin/opportunities/campaign/add/", asked)
    campaign = Campaign.objects.get()
    assert campaign.owner == ben
    as_user(ben).post(campaign.staff_url(), asked | {"name": "Raid again"})
    assert (again(campaign).name, again(campaign).owner) == ("Raid again", ben)


def test_whoever_sees_all_makes_one_for_somebody_else(mia, boss, template, as_user):
    asked = {"name": "Spring", "template": template.pk, "owner": mia.pk, "from_day": "", "to_day": ""}
    as_user(boss).post("/admin/opportunities/campaign/add/", asked)
    assert Campaign.objects.get().owner == mia


def test_to_another_team_a_campaign_is_not_there(ada, ben, mia, template, as_user):
    a_win_back(ada)
    campaign = a_campaign(ben, template)
    browser, page = as_user(mia), f"/admin/opportunities/campaign/{campaign.pk}"
    assert "Spring" not in browser.get("/admin/opportunities/campaign/").content.decode()
    for address in (campaign.staff_url(), f"{page}/deals.csv", f"{page}/progress/"):
        assert browser.get(address).status_code == 404
    for address in (campaign.staff_url(), campaign.move_url("start")):
        assert browser.post(address, {"name": "Theirs"}).status_code == 404
    with pytest.raises(PermissionDenied):
        perform(campaign.start, by=mia)
    campaign = perform(campaign.start, by=ben)
    for address in (campaign.move_url("stop"), f"{page}/deals.csv", f"{page}/progress/"):
        assert browser.get(address).status_code == 404
    assert browser.post(campaign.move_url("stop"), {"reason": "No."}).status_code == 404
    assert again(campaign).stage == "running"


# -- Running. ----------------------------------------------------------------------------------------------------------


def test_a_campaign_writes_to_each_once_and_ends_by_itself(ada, ben, template, mail_server):
    catcher = mail_server()
    wins = [a_win_back(ada) for _ in range(3)]
    silent = a_win_back(ada, agreed=False)
    campaign = run(a_campaign(ben, template), ben)
    campaigns.work()
    assert campaign.stage == "finished"
    for win_back in wins:
        mail = win_back.opportunity.decision_owner.email
        assert sum(mail in envelope.rcpt_tos for envelope in catcher.got) == 1
        assert again(win_back).stage == "contacted"
    assert again(silent).stage == "open"
    found = campaigns.progress(campaign)
    assert (found.written, found.left_out, found.waiting, found.to_come) == (3, 1, 0, 0)


def test_who_waits_for_a_condition_is_picked_up_when_it_is_met(ada, ben, template, mail_server):
    mail_server()
    win_back = a_win_back(ada)
    campaign = perform(a_campaign(ben, template).start, by=ben)
    campaigns.work()
    edit(win_back.opportunity, by=ada, decision_owner=None)
    followups.send_due()
    campaigns.work()
    assert again(campaign).stage == "running"
    assert campaigns.progress(campaign).waiting == 1
    edit(win_back.opportunity, by=ada, decision_owner=CampaignEntry.objects.get().contact)
    followups.send_due()
    campaigns.work()
    assert again(campaign).stage == "finished"


def test_a_campaign_that_is_stopped_sends_nothing_until_it_goes_on(ada, ben, template, mail_server):
    mail_server()
    a_win_back(ada)
    campaign = perform(a_campaign(ben, template).start, by=ben)
    campaigns.work()
    followups.take_touches()
    campaign = perform(again(campaign).stop, by=ben, reason="A typing error.")
    followups.send_due()
    assert Message.objects.get(task__isnull=False).stage == "held"
    assert Task.objects.get(campaign_entry__isnull=False).paused_because == "The campaign “Spring” is stopped."
    perform(campaign.go_on, by=ben)
    followups.send_due()
    campaigns.work()
    assert again(campaign).stage == "finished"
    assert Message.objects.get(task__isnull=False).stage == "sent"


def test_deals_that_are_lost_later_are_not_of_it(ada, ben, template):
    a_win_back(ada)
    campaign = perform(a_campaign(ben, template).start, by=ben)
    a_win_back(ada)
    campaigns.work()
    assert CampaignEntry.objects.filter(campaign=campaign).count() == 1


def test_answers_and_reopened_deals_are_counted(ada, ben, template, mail_server):
    mail_server()
    win_back, _ = a_win_back(ada), a_win_back(ada)
    campaign = run(a_campaign(ben, template), ben)
    deal = win_back.opportunity
    mail = Message(
        client=deal.client, opportunity=deal, contact=deal.decision_owner, owner=ada, subject="Yes", body="Talk."
    )
    perform(begin(mail, by=deal.decision_owner).receive, by=None)
    perform(again(win_back).reopen, by=ada, reason="They want to.")
    found = campaigns.progress(campaign)
    assert (found.written, found.answered, found.reopened) == (2, 1, 1)


def test_a_template_that_is_not_for_marketing_starts_nothing(ben, template):
    edit(template, by=ben, purpose="transactional")
    with pytest.raises(Refused, match="Choose a marketing template"):
        perform(a_campaign(ben, again(template)).start, by=ben)


# -- The pages. --------------------------------------------------------------------------------------------------------


def test_a_manager_writes_previews_and_starts_one(ada, ben, template, as_user):
    win_back, silent = a_win_back(ada), a_win_back(ada, agreed=False)
    browser = as_user(ben)
    asked = {"name": "Spring", "template": template.pk, "owner": ben.pk, "reasons": ["price"], "service": ""}
    browser.post("/admin/opportunities/campaign/add/", asked | {"from_day": "", "to_day": ""})
    campaign = Campaign.objects.get()
    page = browser.get(campaign.staff_url()).content.decode()
    assert str(win_back.opportunity) in page
    assert "has not agreed to marketing mail" in page
    assert "1 is written to, 1 left out." in page
    asked = browser.get(campaign.move_url("start")).content.decode()
    assert "1 is written to, 1 left out." in asked, "nobody is written to before whoever starts it was told how many"
    file = b"".join(browser.get(f"/admin/opportunities/campaign/{campaign.pk}/deals.csv").streaming_content).decode()
    assert str(silent.opportunity) in file
    browser.post(campaign.move_url("start"))
    campaigns.work()
    assert browser.get(f"/admin/opportunities/campaign/{campaign.pk}/progress/").json()["stage"] == "running"
    assert "Waits to go" in browser.get(campaign.staff_url()).content.decode()


@pytest.mark.parametrize(
    ("window", "words"),
    [
        ({}, "Any day"),
        ({"from": "2027-01-08"}, "From Fri 8 Jan 2027"),
        ({"to": "2027-01-08"}, "To Fri 8 Jan 2027"),
        ({"from": "2027-01-08", "to": "2027-02-05"}, "From Fri 8 Jan 2027 to Fri 5 Feb 2027"),
    ],
)
def test_a_window_is_said_as_people_say_it(window, words, ben, template):
    assert ("Window", words) in desk.chosen_words(a_campaign(ben, template, **window))


def test_a_window_that_runs_backwards_is_refused_at_the_field(ben, template, as_user):
    asked = {"name": "Spring", "template": template.pk, "owner": ben.pk, "from_day": "2027-02-01"}
    answer = as_user(ben).post("/admin/opportunities/campaign/add/", asked | {"to_day": "2027-01-01"})
    assert "Choose the first day, or one after it." in answer.content.decode()
    assert not Campaign.objects.exists()


def test_growth_ops_start_none(ada, template, as_user):
    campaign = a_campaign(ada, template)
    assert as_user(ada).post(campaign.move_url("start")).status_code == 403
    assert as_user(ada).get("/admin/opportunities/campaign/add/").status_code == 403


def test_nobody_reads_of_deals_that_are_not_theirs(ben, cem, boss, template, as_user):
    win_back = a_win_back(cem)
    campaign = a_campaign(boss, template)
    address = f"/admin/opportunities/campaign/{campaign.pk}/deals.csv"
    for _ in range(2):
        assert str(win_back.opportunity) not in as_user(ben).get(campaign.staff_url()).content.decode()
        file = b"".join(as_user(ben).get(address).streaming_content).decode()
        assert str(win_back.opportunity) not in file
        if campaign.stage == "draft":
            campaign = perform(campaign.start, by=boss)
            campaigns.work()


def twins(ada, count):
    """Return second tries at so many deals of one person, whose address is written in two ways."""
    wins = [a_win_back(ada) for _ in range(count)]
    for number, win_back in enumerate(wins):
        mail = "twin@client.example"
        edit(win_back.opportunity.decision_owner, by=ada, email=mail.upper() if number % 2 else mail)
    return wins


def written_to(file):
    return [line["Written to"] for line in csv.DictReader(file.removeprefix("\ufeff").splitlines())]


def test_a_person_with_two_deals_is_written_to_once_over_all_pages_of_a_preview(
    ada, ben, template, as_user, monkeypatch
):
    monkeypatch.setattr(desk, "PAGE", 1)
    monkeypatch.setattr(desk, "AT_ONCE", 1)
    first, second = twins(ada, 2)
    campaign, browser = a_campaign(ben, template), as_user(ben)
    assert "written to about another deal" not in browser.get(campaign.staff_url()).content.decode()
    page = browser.get(f"{campaign.staff_url()}?after={first.pk}").content.decode()
    assert "Bo Larsen is written to about another deal." in page
    file = b"".join(browser.get(f"/admin/opportunities/campaign/{campaign.pk}/deals.csv").streaming_content)
    assert written_to(file.decode()) == ["Bo Larsen", ""]


def test_what_a_preview_says_is_what_is_done(ada, ben, template, as_user, monkeypatch):
    monkeypatch.setattr(campaigns, "BATCH", 1)
    monkeypatch.setattr(desk, "AT_ONCE", 2)
    wins = twins(ada, 5)
    for number, win_back in enumerate(wins):
        edit(win_back.opportunity, by=ada, next_action="Call them." if number else "")
    perform(wins[1].reopen, by=ada, reason="They want to.")
    template.revise("Again?", "Next: {opportunity.next_step}", by=ben)
    campaign = a_campaign(ben, again(template))
    address = f"/admin/opportunities/campaign/{campaign.pk}/deals.csv"
    said = written_to(b"".join(as_user(ben).get(address).streaming_content).decode())
    assert said == ["", "Bo Larsen", "", ""], "nobody is left out for a letter that cannot be written"
    perform(campaign.start, by=ben)
    while campaigns.work():
        pass
    assert written_to(b"".join(as_user(ben).get(address).streaming_content).decode()) == said


def test_a_batch_asks_for_no_entry_but_those_of_its_own_people(ada, ben, template, monkeypatch):
    monkeypatch.setattr(campaigns, "BATCH", 2)
    for _ in range(4):
        a_win_back(ada)
    campaign = perform(a_campaign(ben, template).start, by=ben)
    campaigns.work()
    with CaptureQueriesContext(connection) as asked:
        found = campaigns.judge(campaign, campaigns.chosen(campaign).order_by("-pk")[:2])
    assert all(verdict.contact for verdict in found)
    asked = [each["sql"] for each in asked if "opportunities_winback" not in each["sql"]]
    entries = [sql for sql in asked if 'FROM "opportunities_campaignentry"' in sql]
    assert all("LOWER(" in sql for sql in entries)
    assert entries


def test_a_page_asks_the_same_of_one_deal_as_of_many(ada, ben, template, as_user, django_assert_max_num_queries):
    campaign = a_campaign(ben, template)
    for _ in range(8):
        a_win_back(ada)
    browser = as_user(ben)
    with django_assert_max_num_queries(24):
        browser.get(campaign.staff_url())


def test_many_are_taken_batch_by_batch(ada, ben, template, monkeypatch):
    monkeypatch.setattr(campaigns, "BATCH", 2)
    for _ in range(5):
        a_win_back(ada)
    perform(a_campaign(ben, template).start, by=ben)
    assert [campaigns.work() for _ in range(4)] == [2, 2, 1, 0]
    assert WinBack.objects.count() == CampaignEntry.objects.count() == 5


def test_an_open_deal_is_in_no_campaign(ada, ben, template):
    win_back = a_win_back(ada)
    an_opportunity(ada)
    perform(win_back.reopen, by=ada, reason="They want to.")
    assert verdicts(a_campaign(ben, template)) == {}
    secondtries.turn()
