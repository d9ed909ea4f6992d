"""Own, team, all; and single opportunities by grant. The same in lists, details, pickers, search and moves."""

import pytest
from django.apps import apps
from django.contrib import admin
from django.contrib.auth.models import Group
from django.db import connection
from django.test.utils import CaptureQueriesContext
from guardian.shortcuts import assign_perm

from opportunities.admin.base import KeptAdmin
from opportunities.backends import RoleBackend
from opportunities.models import Audit, Client, Contact, Discovery, Lead, Opportunity, Task, User
from opportunities.records import Kept, edit, perform
from tests.conftest import person
from tests.makers import a_lead, an_opportunity
from zarts.desk.filters import Filters

pytestmark = pytest.mark.django_db


@pytest.fixture(params=["few", "many"], autouse=True)
def however_many(request, monkeypatch):
    """All of this holds for whoever reaches few deals and for whoever reaches many: they are found in two ways."""
    monkeypatch.setattr(Opportunity, "FEW", 1000 if request.param == "few" else 0)


def sees(user, record):
    return type(record).objects.visible_to(user).filter(pk=record.pk).exists()


def test_own_team_and_all(ada, ben, cem, ann):
    opportunity = an_opportunity(ada)
    assert [sees(user, opportunity) for user in (ada, ben, cem, ann)] == [True, True, False, True]


@pytest.mark.parametrize("name", ["ada", "ben", "cem", "dora", "gil"])
def test_a_list_has_just_what_its_reader_may_open(name, world, cem):
    """By own, by team, by a grant to a person, and by one to their role; of every kind of record."""
    assign_perm("view_opportunity", cem, world)
    gil = person("gil", "Growth ops", team="West")
    other = an_opportunity(gil)
    assign_perm("change_opportunity", Group.objects.get(name="Delivery"), other)
    user = User.objects.get(username=name)
    assert user.reaches_many == (Opportunity.FEW == 0)
    met = 0
    for model in (model for model in apps.get_models() if issubclass(model, Kept)):
        listed = set(model._base_manager.filter(model.reach(user)).values_list("pk", flat=True))
        opened = {row.pk for row in model._base_manager.all() if row.within_reach(user, "view")}
        assert listed == opened, model.__name__
        assert set(model.reached_by(user).values_list("pk", flat=True)) == opened, model.__name__
        met += len(opened)
    assert met > 5
    for model in (Opportunity, Client):
        listed = set(model._base_manager.filter(model.reach(user, "change")).values_list("pk", flat=True))
        assert listed == {row.pk for row in model._base_manager.all() if row.within_reach(user, "change")}


@pytest.mark.parametrize("way", ["own", "team", "grant", "role"])
def test_more_than_few_are_many_whichever_way_leads_to_them(way, ada, cem, monkeypatch):
    max_ = person("max", "Manager", team="East" if way == "team" else None, sees="team")
    monkeypatch.setattr(Opportunity, "FEW", 2)
    for nth in range(3):
        deal = an_opportunity(max_ if way == "own" else ada)
        if way in ("grant", "role"):
            assign_perm("view_opportunity", max_ if way == "grant" else Group.objects.get(name="Manager"), deal)
        assert User.objects.get(pk=max_.pk).reaches_many == (nth == 2)
        assert User.at_work().get(pk=max_.pk).reaches_many == (nth == 2)
        assert User.read_at_work(max_.pk).reaches_many == (nth == 2)


@pytest.mark.parametrize("name", ["ada", "ben", "dora", "eve", "ann", "gil", "root"])
def test_whoever_is_signed_in_is_read_with_their_rights_at_once(name, ada, ben, dora, eve, ann):
    """By one role, by two, and by being born with every right."""
    gil = person("gil", "Growth ops", team="West")
    gil.groups.add(Group.objects.get(name="Delivery"))
    User.objects.create(username="root", email="root@agency.example", is_staff=True, is_superuser=True)
    plain = User.objects.get(username=name)
    with CaptureQueriesContext(connection) as asked:
        user = RoleBackend().get_user(plain.pk)
        assert name == "root" or user.has_perm("opportunities.view_task")
    assert len(asked) == 1
    assert user.get_all_permissions() == plain.get_all_permissions()
    assert sorted(user.group_ids) == sorted(plain.group_ids)


def test_nobody_is_signed_in_who_may_not_be(ada):
    User.objects.filter(pk=ada.pk).update(is_active=False)
    assert RoleBackend().get_user(ada.pk) is None
    assert RoleBackend().get_user(0) is None


def test_the_owners_to_choose_from_are_those_of_the_deals_that_one_sees(ada, ben, cem, ann):
    an_opportunity(ada), an_opportunity(ben), an_opportunity(cem)
    found = [set(Filters(User.objects.get(pk=user.pk), {}).owners) for user in (ada, ben, cem, ann)]
    assert found == [{ada}, {ada, ben}, {cem}, {ada, ben, cem}]


def test_whoever_is_in_no_team_sees_no_team(ada):
    lost = person("lost", "Manager", sees="team")
    assert not sees(lost, an_opportunity(ada))
    teamless = an_opportunity(person("solo", "Growth ops"))
    assert not sees(lost, teamless)


def test_everything_below_an_opportunity_is_seen_with_it(ada, cem):
    opportunity = an_opportunity(ada, stage="audit")
    below = [
        opportunity.client,
        opportunity.decision_owner,
        opportunity.leads.get(),
        opportunity.discoveries.get(),
        opportunity.audits.get(),
        opportunity.tasks.first(),
    ]
    assert [sees(ada, record) for record in below] == [True] * 6
    assert [sees(cem, record) for record in below] == [False] * 6


@pytest.mark.parametrize("to_group", [False, True])
def test_a_grant_adds_a_single_opportunity_to_a_person_or_a_role(ada, cem, to_group):
    opportunity, other = an_opportunity(ada, stage="discovery"), an_opportunity(ada)
    assign_perm("view_opportunity", Group.objects.get(name="Growth ops") if to_group else cem, opportunity)
    assert list(Opportunity.objects.visible_to(cem)) == [opportunity]
    assert list(Discovery.objects.visible_to(cem)) == [opportunity.discoveries.get()]
    assert list(Client.objects.visible_to(cem)) == [opportunity.client]
    assert list(Contact.objects.visible_to(cem)) == [opportunity.decision_owner]
    assert not sees(cem, other)


def test_a_grant_to_view_lets_nobody_move(ada, cem):
    opportunity = an_opportunity(ada)
    assign_perm("view_opportunity", cem, opportunity)
    assert not any(move.allowed for move in Opportunity.objects.get(pk=opportunity.pk).moves_for(cem))
    assign_perm("change_opportunity", cem, opportunity)
    assert perform(Opportunity.objects.get(pk=opportunity.pk).start_discovery, by=cem).stage == "discovery"


def test_the_database_writes_the_owners_team_beside_the_owner(ada, cem):
    lead = Lead.objects.get(pk=a_lead(ada).pk)
    assert lead.team == ada.team
    edit(lead, by=ada, owner=cem)
    assert Lead.objects.get(pk=lead.pk).team == cem.team


def test_the_scope_holds_in_lists_details_search_and_pickers(ada, cem, as_user):
    opportunity = an_opportunity(ada, stage="audit")
    audit = opportunity.audits.get()
    browser = as_user(cem)
    for record in (opportunity, audit, opportunity.client, opportunity.decision_owner, opportunity.leads.get()):
        name = f"/admin/opportunities/{record._meta.model_name}/"
        assert record.staff_url() not in browser.get(name).content.decode()
        assert record.staff_url() not in browser.get(name, {"q": str(record)}).content.decode()
        assert browser.get(record.staff_url()).status_code == 404
    for field, record in (("opportunity", opportunity), ("contact", opportunity.decision_owner)):
        asked = {"app_label": "opportunities", "model_name": "task", "field_name": field, "term": str(record)[:6]}
        found = browser.get("/admin/autocomplete/", asked).json()["results"]
        assert str(record.pk) not in [row["id"] for row in found]
    found = as_user(ada).get("/admin/autocomplete/", asked).json()["results"]
    assert [row["text"] for row in found] == [f"{record.name}, {record.client}"], "whoever may see it finds it"


@pytest.mark.parametrize("term", ["a\0b", "\0", "x" * 5000, "%_\\", "' or 1=1"])
def test_whatever_is_typed_into_a_field_that_is_looked_up_is_looked_for(as_user, world, ben, term):
    browser, looked = as_user(ben), 0
    for model, page in admin.site._registry.items():
        for field in (one.name for one in model._meta.fields if one.related_model and isinstance(page, KeptAdmin)):
            about = {"app_label": model._meta.app_label, "model_name": model._meta.model_name, "field_name": field}
            looked += (answer := browser.get("/admin/autocomplete/", about | {"term": term})).status_code == 200
            assert answer.status_code in (200, 403, 404), about
    assert looked > 9


def test_a_record_of_another_team_cannot_be_chosen_by_its_number(ada, cem, as_user):
    opportunity = an_opportunity(ada)
    form = {"title": "Peek", "kind": "other", "opportunity": opportunity.pk, "owner": cem.pk}
    form |= {"due_at_0": "2030-01-01", "due_at_1": "12:00"}
    page = as_user(cem).post("/admin/opportunities/task/add/", form)
    assert page.status_code == 200, "the form comes back"
    assert not Task.objects.filter(title="Peek").exists()


def test_the_auditor_reads_everything_and_changes_nothing(ada, ann, as_user):
    opportunity = an_opportunity(ada, stage="audit")
    browser = as_user(ann)
    assert browser.get(opportunity.staff_url()).status_code == 200
    assert browser.post(opportunity.staff_url(), {"name": "Mine"}).status_code == 403
    assert (
        browser.post(f"/admin/opportunities/opportunity/{opportunity.pk}/move/pause/", {"reason": "x"}).status_code
        == 403
    )
    assert browser.post("/admin/opportunities/lead/add/", {"name": "x"}).status_code == 403
    assert Audit.objects.get().stage == "requested"


@pytest.mark.parametrize(
    "words",
    ["sinead.obrien@loreal.example", "sinead.obrien@lor", "O'Brien", "Sinead O'B", "l'oréal", "LORÉAL", "loreal.ex"],
)
def test_search_finds_names_with_marks_and_mail_addresses(as_user, ada, words):
    a_lead(ada, name="Sinead O'Brien", company="L'Oréal Loréal", email="sinead.obrien@loreal.example")
    a_lead(ada, name="Somebody Else", company="Other", email="else@other.example")
    page = as_user(ada).get("/admin/opportunities/lead/", {"q": words}).text
    assert "Somebody Else" not in page
    if words != "loreal.ex":  # a part of an address is no word of its own
        assert "Brien" in page


@pytest.mark.parametrize("words", ["'", "\\", "a:* | b", "!(", "& & &", "\x00", "<->", "x' | 'y", "…", "'':*"])
def test_a_search_of_marks_breaks_nothing(as_user, ada, words):
    a_lead(ada)
    assert as_user(ada).get("/admin/opportunities/lead/", {"q": words}).status_code == 200


@pytest.mark.parametrize(
    "address",
    [
        "task/add/?due_at=2026-12-01",
        "task/add/?due_at=x",
        "lead/add/?arrived_at=2026-13-40",
        "consent/add/?captured_at=1",
    ],
)
def test_a_date_in_the_address_of_a_new_record_is_taken_or_left(as_user, ada, address):
    assert as_user(ada).get(f"/admin/opportunities/{address}").status_code == 200
