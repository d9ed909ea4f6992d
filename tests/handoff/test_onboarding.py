"""Onboarding: providers as data, accesses that clients grant, lists that they tick off, blockers in their words."""

from datetime import time, timedelta

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import IntegrityError, transaction
from django.urls import reverse
from django.utils import timezone

from handoff import alarms, gates, secrecy
from handoff.models import ChecklistItem, Connector, LaunchBlocker, Provider
from opportunities.models import Event, Notice, Task
from opportunities.records import Refused, begin, edit, perform
from portal.models import ClientAction, Publication
from proposals import inbox
from proposals.models import Summary
from tests.conftest import person
from tests.makers_handoff import a_project, a_won_deal, connect, pay
from tests.makers_proposals import a_summary, decide
from tests.test_settled import stays

SECRETS = [
    "sk4f9a8b7c6d5e4f3a2b1c0d9e8f",
    "password: hunter2",
    "Password = x",
    "the password is hunter2",
    "api key: abc",
    "https://bo:geheim@vault.example/",
    "https://api.example/?token=abc",
    "ghp_16C7e42F292c6912E7710c838347Ae178B4a",
    "AKIAIOSFODNN7EXAMPLE",
    "sk_live_4eC39HqLyjWDarjtT1zdp7dc",
    "AIzaSyDaGmWKa4JsXZ-HjGw7ISLn_3namBGewQe",
    "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIi",
    "-----BEGIN RSA PRIVATE KEY-----",
    "pat-na1-1b2c3d4e-1111-2222-3333-444455556666",
    "Tr0ub4dor!3",
    "Harbor pw hunter2",
    "Harbor pw swordfish",
    "login bo / Sommer2026",
    "user bo@harbor.example pass hunter2",
    "Team vault → PIN 4711",
    "Team vault, PIN → 4711",
    "Login Sommer2026",
    "1b2c3d4e-1111-2222-3333-444455556666",
    "Bitwarden\npat-na1-1b2c3d4e-1111-2222-3333-444455556666",
    "1Password sk4f9a8b7c6d5e4f3a2b1c0d9e8f",
]
PLACES = [
    "Team vault, Harbor Dental",
    "1Password: Harbor Dental, GA4",
    "no secret",
    "the password is in the team vault",
    "Bitwarden, folder Clients, entry Harbor Dental Google Ads 2026",
    "https://vault.example/entry?item=12",
    "harbor-dental-google-ads-2026",
    "https://start.1password.com/open/i?a=3X6Q2ZBBQFGYVK5KW7Y3TKWZQM&v=4vsxqv3l5n2u6m7p&i=dt2k4hgz7w3bqn5xj6vmap4rce&h=my.1password.com",
    "Bitwarden: https://vault.bitwarden.com/#/vault?itemId=1b2c3d4e-1111-2222-3333-444455556666",
    "Bitwarden, item 1b2c3d4e-1111-2222-3333-444455556666",
    "https://app.dashlane.com/passwords/1B2C3D4E-1111-2222-3333-444455556666",
    "https://keepersecurity.eu/vault/#detail/d4Kx7Qm2Zp9Lr5Tn8Wv3Ya",
    "https://lastpass.com/vault/?item=4711471147114711abcd",
    "pass harbor/ga4",
    "1Password, login GA4",
    "the login is in the team vault",
]


def again(record):
    return type(record).objects.get(pk=record.pk)


def onboarding():
    return Publication.objects.filter(kind="onboarding").latest("id")


def access_of(project):
    return onboarding().body["accesses"][0]


@pytest.fixture
def project(ada, ben, dora):
    return a_project(ada, manager=ben, delivery=dora)


def did(project, verb, **data):
    """The client did something on the page in force. Have it read, and return what came of it.

    Only the portal's doors write such a row: tests/portal/test_portal_onboarding.py goes through them.
    """
    shown, bo = onboarding(), project.opportunity.decision_owner
    where = {"client_id": shown.client_id, "opportunity_id": shown.opportunity_id, "publication": shown}
    return inbox.take_action(ClientAction(**where, contact_id=bo.pk, verb=verb, name=bo.name, data=data))["outcome"]


# -- Providers. --------------------------------------------------------------------------------------------------------


def test_discovery_is_matched_with_the_providers_that_are_on_offer(ada, ben, dora):
    deal = a_won_deal(ada, manager=ben, stack="GA4 and HubSpot, and Plausible for the blog.")
    assert {str(one) for one in deal.projects.get().connectors.all()} == {"Google Analytics", "HubSpot"}

    begin(Provider(name="Plausible", called="plausible"), by=ben)
    edit(Provider.objects.get(name="HubSpot"), by=ben, is_offered=False)
    named = Provider.named_in("GA4 and HubSpot, and Plausible for the blog.")
    assert [one.name for one in named] == ["Google Analytics", "Plausible"]


def test_managers_keep_the_providers_and_delivery_reads_them(project, ben, dora, as_user):
    page = Provider.objects.get(name="HubSpot").staff_url()
    words = {"name": "HubSpot", "how": "Invite us.", "called": "hubspot", "is_offered": "on"}

    assert as_user(dora).post(page, words).status_code == 403
    assert as_user(dora).get(page).status_code == 200
    assert as_user(ben).post(page, words).status_code == 302
    assert Provider.objects.get(name="HubSpot").how == "Invite us."


def test_a_client_reads_how_to_let_us_in(project):
    shown = {one["provider"]: one["how"] for one in onboarding().body["accesses"]}
    assert shown["HubSpot"] == ["Open Settings, then Users and teams.", "Create a user with our mail address."]


# -- Accesses. ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("words", SECRETS)
def test_what_looks_like_a_secret_is_refused_by_the_form_the_move_and_the_database(project, dora, as_user, words):
    connector = project.connectors.first()
    typed = {"holder": f"user:{dora.pk}", "secret_kept_at": words}
    url = reverse("admin:handoff_connector_move", args=[connector.pk, "grant"])
    assert "not the secret itself" in as_user(dora).post(url, typed).content.decode()
    with pytest.raises(Refused, match="not the secret itself"):
        perform(connector.grant, by=dora, holder=dora, secret_kept_at=words)
    for name in Connector.TYPED:
        with pytest.raises(IntegrityError, match="connector_holds_no_secret"), transaction.atomic():
            Connector.objects.filter(pk=connector.pk).update(**{name: words})
    with pytest.raises(ValidationError, match="not the secret itself"):
        Connector(project=project, provider=connector.provider, account=words).clean()


@pytest.mark.parametrize("words", PLACES)
def test_where_a_secret_is_kept_is_no_secret(project, words):
    assert not secrecy.looks_secret(words)
    assert Connector.objects.filter(pk=project.connectors.first().pk).update(secret_kept_at=words) == 1


def test_the_client_says_that_it_is_granted_and_we_look_whether_it_works(project, dora):
    connector = project.connectors.first()
    edit(project.client, by=dora, time_zone="Europe/Copenhagen")
    said = {"access": connector.pk, "name": "Tom Reyes", "to": "access@zarts.example"}
    assert did(project, "granted", **said) == "Written down, and a task to check the access was opened."

    connector = again(connector)
    assert connector.stage == "requested"
    assert connector.said.startswith("The client says it is granted, ")
    assert "CET: Tom Reyes to access@zarts.example." in connector.said or "CEST: Tom Reyes" in connector.said
    task = Task.objects.about(connector).get(stage="open")
    assert (task.title, task.owner) == (f"Check the access: {connector}", project.owner)
    assert Event.objects.filter(verb="connector.edit").latest("pk").actor_kind == "contact"
    shown = access_of(project)
    assert (shown["state"], shown["asks"]) == ("You say it is granted, we are checking it", False)
    assert did(project, "granted", **said) == "They said so already."

    connector = perform(connector.grant, by=dora, holder=connector.said_by, secret_kept_at="no secret")
    assert again(task).stage == "done"
    connector = perform(connector.verify, by=dora)
    assert (connector.granted_by, connector.verified_by) == (dora, dora)
    assert connector.granted_at <= connector.verified_at
    assert access_of(project)["state"] == "Works"


def test_what_the_client_granted_and_lets_nobody_in_is_asked_for_once_more(project, dora):
    connector = project.connectors.first()
    with pytest.raises(Refused, match="The client has not said"):
        perform(connector.ask_anew, by=dora, reason="Wrong account.")
    did(project, "granted", access=connector.pk, name="Bo Larsen", to="access@zarts.example")

    perform(again(connector).ask_anew, by=dora, reason="It is the account of their old agency.")
    assert access_of(project)["state"] == "We could not get in yet; please try once more"
    assert access_of(project)["asks"]
    assert "old agency" not in str(onboarding().body)


def test_who_and_when_stay_as_the_move_wrote_them(project, dora, ada):
    connector = connect(project.connectors.first(), dora)
    stays(connector, granted_at=None, granted_by=ada, verified_at=None, verified_by=ada)

    did(project, "granted", access=project.connectors.last().pk, name="Bo Larsen", to="access@zarts.example")
    stays(project.connectors.last(), said_name="Tom Reyes", said_to="x@y.example", said_by=None)


def test_a_broken_access_raises_the_alarm_and_is_asked_for_again(project, ada, dora, ben):
    connector = connect(project.connectors.first(), dora)
    perform(connector.fail, by=ben, reason="No numbers came since Monday.")

    told = Notice.objects.filter(kind="breach", record_id=connector.pk)
    assert {notice.user for notice in told} == {ada, dora}
    assert "stopped working: No numbers came since Monday." in told.first().words
    shown = access_of(project)
    assert (shown["state"], shown["asks"]) == ("Stopped working; please grant it again", True)
    assert "Monday" not in str(onboarding().body)


def test_an_access_whose_holder_left_the_client_needs_a_new_one_before_going_live(ada, ben, dora):
    project = a_project(ada, manager=ben, delivery=dora, stage="ready")
    for connector in project.connectors.all():
        connector = connect(connector, dora)
    pay(project, ben)
    other = type(connector.holder_contact)(client=project.client, name="Tom Reyes", email="tom@harbor.example")
    begin(other, by=ada)
    connector.holder_contact.leave(on=timezone.localdate(), successor=other, by=ada)

    connector = again(connector)
    assert connector.trouble == "Its holder left: Bo Larsen. Name a new one."
    assert Task.objects.about(connector).get(stage="open").title.startswith("Name a new holder of the access")
    with pytest.raises(Refused) as refusal:
        perform(again(project).go_live, by=dora)
    assert f"Name a new holder of the access to {connector}: Bo Larsen left." in refusal.value.reasons

    for one in project.connectors.all():
        edit(one, by=dora, holder_contact=other)
    assert not Task.objects.about(connector).filter(stage="open").exists()
    assert perform(again(project).go_live, by=dora).stage == "live"


def test_an_access_of_one_of_us_who_left_needs_a_new_holder_too(project, ben, dora):
    finn = person("finn", "Delivery")
    connector = perform(project.connectors.first().grant, by=dora, holder=finn, secret_kept_at="no secret")
    edit(finn, by=ben, is_active=False)

    with pytest.raises(Refused, match="Name somebody who works there as its holder"):
        perform(again(connector).verify, by=dora)
    words = Notice.objects.filter(user=dora, record_id=connector.pk, kind="breach").latest("pk").words
    assert "its holder left, " in words


def test_of_two_entries_of_one_person_the_one_that_stays_holds_the_access(project, dora, ada):
    connector = connect(project.connectors.first(), dora)
    bo = connector.holder_contact
    twin = begin(type(bo)(client=project.client, name="Bo L.", email="bo.l@harbor.example"), by=ada)
    edit(bo, by=ada, merged_into=twin)
    assert again(connector).holder_contact == twin


def test_one_person_holds_an_access_and_works_at_this_client(project, dora, ada, ben):
    connector = connect(project.connectors.first(), dora)
    with pytest.raises(IntegrityError, match="connector_has_one_holder"), transaction.atomic():
        Connector.objects.filter(pk=connector.pk).update(holder_user=dora)
    stranger = a_won_deal(ada, manager=ben).decision_owner
    connector.holder_contact = stranger
    if stranger.client_id != project.client_id:
        with pytest.raises(ValidationError, match="works at this client"):
            connector.clean()


# -- The list. ---------------------------------------------------------------------------------------------------------


def test_an_item_that_the_client_ticked_is_done_in_their_name(project):
    item = project.items.filter(who="client").first()
    assert did(project, "ticked", item=item.pk) == "Done."

    event = Event.objects.get(verb="checklistitem.finish", record_id=item.pk)
    assert (event.actor_kind, event.actor_name) == ("contact", "Bo Larsen")
    assert not Task.objects.about(item).filter(stage="open").exists()
    assert did(project, "ticked", item=item.pk) == "It was done already."


def test_what_was_waived_meanwhile_is_the_owners_to_see_to(project, dora, ada):
    item = project.items.filter(who="client").first()
    perform(item.waive, by=dora, reason="They have it.")

    assert did(project, "ticked", item=item.pk).startswith("Refused: ")
    assert Task.objects.filter(title__contains="ticked at the portal, and it was not taken").get().owner == ada


def test_a_client_ticks_off_nothing_of_ours_nor_of_another_client(project, ada, ben):
    ours = project.items.filter(who="us").first()
    with pytest.raises(Refused, match="ours to do"):
        perform(ours.finish, by=project.opportunity.decision_owner)
    assert did(project, "ticked", item=ours.pk).startswith("Refused: ")

    other = a_won_deal(ada, manager=ben)
    with pytest.raises(PermissionDenied):
        mine = project.items.filter(who="client").first()
        stranger = other.decision_owner
        stranger.client_id = project.client_id + 1000
        perform(mine.finish, by=stranger)


def test_an_item_that_is_opened_again_says_so_to_the_client_and_has_its_task(project, dora):
    item = project.items.filter(who="client").first()
    did(project, "ticked", item=item.pk)
    item = perform(again(item).reopen, by=dora, reason="The logo is a photograph of a sign.")

    assert (item.stage, item.next_action) == ("open", item.title)
    assert Task.objects.about(item).filter(stage="open").exists()
    shown = next(one for one in onboarding().body["items"] if one["id"] == item.pk)
    assert (shown["done"], shown["again"]) == (False, "Open again: something is still missing.")
    assert "photograph" not in str(onboarding().body)
    assert did(project, "ticked", item=item.pk) == "Done."


def test_a_project_does_not_go_live_with_an_item_that_was_opened_again(ada, ben, dora):
    project = a_project(ada, manager=ben, delivery=dora, stage="ready")
    item = perform(project.items.first().reopen, by=dora, reason="Half of it is missing.")
    with pytest.raises(Refused, match=f"Finish or waive “{item}”"):
        perform(again(project).go_live, by=dora)


def test_nothing_is_opened_again_of_a_live_project(ada, ben, dora):
    project = a_project(ada, manager=ben, delivery=dora, stage="live")
    with pytest.raises(Refused, match="live already"):
        perform(project.items.first().reopen, by=dora, reason="Late.")


def test_home_counts_what_is_to_tick_off_and_what_to_grant(project, dora):
    items = project.items.filter(who="client").count()
    status = Publication.objects.filter(kind="status").latest("id").body["needs"][0]
    assert status["what"] == f"{items} things on your onboarding list and 3 accesses to grant"

    for connector in project.connectors.all():
        connect(connector, dora)
    for item in list(project.items.filter(who="client"))[1:]:
        perform(item.finish, by=dora)
    status = Publication.objects.filter(kind="status").latest("id").body["needs"][0]
    assert status["what"] == "One thing on your onboarding list"


def test_the_kickoff_says_its_hour_and_by_whose_clock(project, dora):
    edit(project.client, by=dora, time_zone="America/New_York")
    edit(project, by=dora, kickoff_time=time(10))
    project = again(project)
    edit(project, by=dora, due_on=project.due_on + timedelta(days=1))

    body = onboarding().body
    assert body["kickoff_time"] == "10:00"
    assert body["zone"] in ("EST, the time in New York", "EDT, the time in New York")


# -- Blockers. ---------------------------------------------------------------------------------------------------------


def a_blocker(project, owner, **fields):
    return begin(LaunchBlocker(project=project, words="Bo forgot to pay again.", owner=owner, **fields), by=owner)


def test_words_that_are_written_about_a_blocker_are_its_words(project, dora, ben, as_user):
    blocker = a_blocker(project, dora)
    page = as_user(dora).get(blocker.staff_url()).content.decode()
    assert "Write words for the client" in page
    deal = project.opportunity
    words = a_summary(
        dora, opportunity=deal, kind="blocker", record_type=blocker.label(), record_id=blocker.pk, title="Your domain"
    )
    assert again(blocker).summary == words
    assert onboarding().body["blockers"] == []

    decide(perform(words.submit, by=dora).approvals.get(), by=ben)
    (shown,) = onboarding().body["blockers"]
    assert (shown["title"], shown["since"]) == ("Your domain", timezone.localdate().isoformat())


def test_another_deals_words_are_nobodys_blockers(project, dora, ada, ben):
    blocker = a_blocker(project, dora)
    other = a_won_deal(ada, manager=ben)
    a_summary(dora, opportunity=other, kind="blocker", record_type=blocker.label(), record_id=blocker.pk)
    assert again(blocker).summary is None
    assert Summary.objects.filter(record_id=blocker.pk).exists()


def test_a_blocker_that_is_late_is_told_once_to_its_owner_and_whoever_manages_them(project, dora, ben):
    for user in (dora, ben):
        type(user).objects.filter(pk=user.pk).update(team=ben.team)
    blocker = a_blocker(project, dora, due_on=timezone.localdate() - timedelta(days=1))
    blocker_in_time = a_blocker(project, dora, due_on=timezone.localdate() + timedelta(days=9))

    assert alarms.tell_of_late_blockers() >= 1
    assert alarms.tell_of_late_blockers() == 0
    told = Notice.objects.filter(record_type=blocker.label(), record_id=blocker.pk)
    assert dora in {notice.user for notice in told}
    if ben.team_id:
        assert {notice.user for notice in told} == {dora, ben}
    assert not Notice.objects.filter(record_type=blocker.label(), record_id=blocker_in_time.pk).exists()


# -- The staff page. ---------------------------------------------------------------------------------------------------


def test_a_projects_page_shows_who_does_what_with_each_move_in_its_place(project, dora, as_user):
    a_blocker(project, dora, severity="high", due_on=timezone.localdate() - timedelta(days=2))
    did(project, "granted", access=project.connectors.first().pk, name="Bo Larsen", to="access@zarts.example")
    page = as_user(dora).get(project.staff_url()).content.decode()

    for words in (
        "The client says it is granted,",
        "Write words for the client",
        "Access was granted…",
        "0 of 3 work",
        "in the way for 0 days",
    ):
        assert words in page
    item = project.items.first()
    back = as_user(dora).post(
        reverse("admin:handoff_checklistitem_move", args=[item.pk, "finish"]), {"back": project.staff_url()}
    )
    assert back["Location"] == project.staff_url()


def test_the_page_of_a_project_asks_the_same_of_a_long_list(project, dora, as_user, django_assert_max_num_queries):
    for number in range(20):
        begin(ChecklistItem(project=project, title=f"Thing {number}", owner=dora), by=dora)
        a_blocker(project, dora)
    browser = as_user(dora)
    browser.get(project.staff_url())
    with django_assert_max_num_queries(25):
        browser.get(project.staff_url())


def test_what_delivery_adds_is_ours_to_do_for_no_client_would_read_it(project, dora, as_user):
    form = as_user(dora).get(reverse("admin:handoff_checklistitem_add")).content.decode()
    assert 'name="who"' not in form
    assert "Clients read it" not in form

    typed = {"project": project.pk, "title": "Send us the logo", "group": "", "owner": dora.pk, "offset_days": 0}
    as_user(dora).post(reverse("admin:handoff_checklistitem_add"), {**typed, "who": "client"})
    assert ChecklistItem.objects.get(title="Send us the logo").who == "us"
    item = ChecklistItem(project=project, title="Send us the fonts", owner=dora, who="client")
    with pytest.raises(ValidationError, match="The client would not read it"):
        item.clean()
    page = as_user(dora).get(project.items.filter(who="client").first().staff_url()).content.decode()
    assert "The client" in page


# -- What works stays what it is. --------------------------------------------------------------------------------------


def test_what_was_granted_is_no_other_access_tomorrow(project, dora, as_user):
    connector = connect(project.connectors.first(), dora)
    stripe = Provider.objects.get(name="Stripe")
    form = {"provider": stripe.pk, "holder_contact": connector.holder_contact_id, "secret_kept_at": "Team vault, GA4"}
    as_user(dora).post(connector.staff_url("change"), form)
    assert again(connector).provider == connector.provider
    stays(again(connector), provider=stripe, account="Another one")


def test_whoever_holds_an_access_that_works_is_named(project, dora, as_user):
    connector = connect(project.connectors.first(), dora)
    page = as_user(dora).post(connector.staff_url("change"), {"holder_contact": "", "holder_user": ""})
    assert "Name who holds it now, or revoke the access." in page.content.decode()

    edit(connector, by=None, holder_contact=None)
    lacks = gates.connectors_are_verified.lacks(again(project))
    assert f"Name who holds the access to {connector}." in map(str, lacks)


@pytest.mark.parametrize("words", ["P@ssw0rd", "hunter22", "bo:Sommer2026", "Das Passwort ist geheim"])
def test_one_word_of_letters_and_figures_is_no_place(project, dora, words):
    with pytest.raises(Refused, match="not the secret itself"):
        perform(project.connectors.first().grant, by=dora, holder=dora, secret_kept_at=words)


@pytest.mark.parametrize("words", PLACES)
def test_a_place_may_be_written_down(words):
    assert not secrecy.is_no_place(words)


def test_an_access_that_stands_there_already_says_what_to_do(project, dora, as_user):
    there = project.connectors.first()
    form = {"project": project.pk, "provider": there.provider_id, "account": there.account}
    page = as_user(dora).post(reverse("admin:handoff_connector_add"), form)
    assert "This access stands on the project already." in page.content.decode()


def test_a_blocker_takes_no_words_but_those_about_blockers(project, ada, ben, dora, as_user):
    blocker = begin(LaunchBlocker(project=project, words="Their agency holds the key.", owner=dora), by=dora)
    audit = a_summary(ada, opportunity=project.opportunity, kind="audit")
    page = as_user(dora).post(
        blocker.staff_url("change"),
        {"words": blocker.words, "severity": "high", "owner": dora.pk, "summary": audit.pk},
    )
    assert page.status_code == 200
    assert again(blocker).summary is None
    with pytest.raises(ValidationError, match="about a blocker"):
        LaunchBlocker(project=project, words="x", owner=dora, summary=audit).clean()


# -- Days that belong together. ----------------------------------------------------------------------------------------


def test_the_day_of_an_item_and_its_distance_from_the_kickoff_are_one_thing(project, dora):
    project = edit(project, by=dora, kickoff_on=timezone.localdate() + timedelta(days=20))
    item = project.items.filter(stage="open").first()
    item = edit(item, by=dora, offset_days=5)
    assert item.project.kickoff_on + timedelta(days=5) == again(item).due_on

    edit(again(item), by=dora, due_on=project.kickoff_on + timedelta(days=9))
    assert again(item).offset_days == 9
    edit(again(project), by=dora, kickoff_on=project.kickoff_on + timedelta(days=1))
    assert again(item).due_on == project.kickoff_on + timedelta(days=10)
    task = Task.objects.about(item).unfinished().get()
    assert timezone.localtime(task.due_at).date() == again(item).due_on


def test_the_project_is_due_on_its_new_kickoff(project, dora):
    first = timezone.localdate() + timedelta(days=20)
    project = edit(project, by=dora, kickoff_on=first)
    edit(again(project), by=dora, kickoff_on=first + timedelta(days=7))
    assert again(project).due_on == first + timedelta(days=7)


def test_a_kickoff_that_is_taken_back_is_agreed_anew(project, dora):
    project = edit(project, by=dora, kickoff_on=timezone.localdate() + timedelta(days=20))
    project = edit(again(project), by=dora, kickoff_on=None)
    assert again(project).next_action == "Agree a new day for the kickoff"
    for item in project.items.filter(stage="open"):
        assert item.due_on is None
        assert not Task.objects.about(item).unfinished().exists()

    edit(again(project), by=dora, kickoff_on=timezone.localdate() + timedelta(days=30))
    assert again(project).next_action == "Work through the onboarding list"
    assert not Task.objects.about(project).unfinished().filter(title__startswith="Agree").exists()


def test_nobody_plans_an_item_for_another_century(project, dora, as_user):
    item = project.items.first()
    page = as_user(dora).post(item.staff_url("change"), {"owner": dora.pk, "offset_days": "32767"})
    assert page.status_code == 200
    assert "730" in page.content.decode()


def test_whoever_takes_a_project_over_gets_what_is_owed_of_it(project, dora):
    dan = person("dan", "Delivery", team="East")
    edit(project, by=dora, owner=dan)
    assert set(project.items.filter(stage="open").values_list("owner", flat=True)) == {dan.pk}
    assert set(project.reports.filter(stage="scheduled").values_list("owner", flat=True)) == {dan.pk}
    assert again(project.handoff).owner == dan
    left = Task.objects.unfinished().filter(opportunity=project.opportunity, owner=dora)
    assert not left.filter(kind__in=["onboarding_handoff", "report"]).exists()
