"""What somebody with a role, or with the portal's login, tries beyond what is theirs."""

import logging

import psycopg
import pytest
from django.utils.module_loading import import_string
from guardian.shortcuts import assign_perm

from opportunities.models import Contact, Event, Task, User
from portal.logs import WithoutTokens
from proposals.models import Delegation, Service
from tests.conftest import person
from tests.makers import an_opportunity

pytestmark = pytest.mark.django_db


def a_task(opportunity, owner, **fields):
    day = {"due_at_0": "2026-12-01", "due_at_1": "10:00"}
    return {"title": "Call", "kind": "other", "opportunity": opportunity.pk, "owner": owner.pk, **day, **fields}


def add_task(page, **fields):
    return page.post("/admin/opportunities/task/add/", a_task(**fields))


def test_whoever_may_only_read_a_deal_adds_nothing_to_it(ada, cem, as_user):
    opportunity = an_opportunity(ada)
    assign_perm("view_opportunity", cem, opportunity)
    before = Task.objects.count()
    assert add_task(as_user(cem), opportunity=opportunity, owner=cem).status_code == 403
    assert Task.objects.count() == before
    assign_perm("change_opportunity", cem, opportunity)
    assert add_task(as_user(cem), opportunity=opportunity, owner=cem).status_code == 302


def test_mail_about_a_deal_goes_to_nobody_at_another_client(ada, as_user):
    opportunity, other = an_opportunity(ada), an_opportunity(ada)
    page = as_user(ada)
    mail = {"channel": "mail", "subject": "Hello", "body": "Words", "contact": other.decision_owner_id}
    answer = page.post("/admin/opportunities/message/add/", {**mail, "opportunity": opportunity.pk})
    assert "this deal is theirs" in answer.content.decode()
    answer = add_task(page, opportunity=opportunity, owner=ada, contact=other.decision_owner_id)
    assert "this deal is theirs" in answer.content.decode()


def test_a_contact_and_a_deal_stay_with_their_client(ada, as_user):
    opportunity, other = an_opportunity(ada), an_opportunity(ada)
    contact = opportunity.decision_owner
    page = as_user(ada)
    fields = {"name": contact.name, "decision_role": "owner", "time_zone": "UTC", "client": other.client_id}
    fields |= {"works_on": ["1"], "works_from": "09:00", "works_to": "17:00"}
    page.post(f"/admin/opportunities/contact/{contact.pk}/change/", fields)
    assert Contact.objects.get(pk=contact.pk).client_id == opportunity.client_id


@pytest.mark.parametrize("what", ["nothing", "a\0b", "9" * 40])
def test_what_is_no_id_is_no_choice(ada, as_user, what):
    answer = as_user(ada).post("/admin/opportunities/contact/add/", {"name": "X", "client": what})
    assert answer.status_code == 200


@pytest.mark.parametrize("year", ["0001", "9999"])
def test_a_year_beyond_the_calendar_is_refused(ada, as_user, year):
    opportunity = an_opportunity(ada)
    answer = add_task(as_user(ada), opportunity=opportunity, owner=ada, due_at_0=f"{year}-01-01")
    assert "Check the year." in answer.content.decode()
    answer = as_user(ada).post(
        f"/admin/opportunities/opportunity/{opportunity.pk}/move/pause/", {"reason": "Later", "until": f"{year}-12-31"}
    )
    assert "Check the year." in answer.content.decode()


def test_nobody_lends_the_rights_of_another(ben, ada, as_user):
    cem = person("cem", "Manager", team="West", sees="team")
    mia = User.objects.get(pk=ada.pk)
    dates = {"starts_on": "2026-11-23", "ends_on": "2026-12-23"}
    as_user(ben).post("/admin/proposals/delegation/add/", {"giver": mia.pk, "taker": ben.pk, **dates})
    assert not Delegation.objects.exists()
    as_user(ben).post("/admin/proposals/delegation/add/", {"giver": ben.pk, "taker": cem.pk, **dates})
    assert Delegation.objects.get().giver == ben


def test_an_administrator_does_not_widen_their_own_rights(eve, as_user):
    roles = list(eve.groups.values_list("pk", flat=True))
    fields = {"username": "eve", "first_name": "Eve", "email": eve.email, "time_zone": "UTC", "groups": [1, 2, 3, 4, 5]}
    assert as_user(eve).post(f"/admin/opportunities/user/{eve.pk}/change/", fields).status_code == 302
    eve.refresh_from_db()
    assert eve.is_active
    assert list(eve.groups.values_list("pk", flat=True)) == roles


def test_a_new_password_is_in_the_diary_and_never_a_way_above_all_roles(eve, ben, as_user):
    words = {"password1": "correct horse staple", "password2": "correct horse staple", "usable_password": "true"}
    assert as_user(eve).post(f"/admin/opportunities/user/{ben.pk}/password/", words).status_code == 302
    assert Event.objects.filter(verb="user.password", record_id=ben.pk, actor=eve).count() == 1
    User.objects.filter(pk=ben.pk).update(is_superuser=True)
    assert as_user(eve).post(f"/admin/opportunities/user/{ben.pk}/password/", words).status_code == 403


@pytest.mark.parametrize(
    "rows", ['["\\u0000"]', '["\\ud800"]', "[NaN]", "1e400", '{"a": 1}', '[{"stage": "x"}]', "[1]"]
)
def test_rows_of_which_no_onboarding_list_could_be_made_are_refused(ben, as_user, rows):
    fields = {"name": "New", "cadence": "monthly", "checklist": rows}
    for name in ("prices", "usual_scope", "usual_steps"):
        fields |= {f"{name}-TOTAL_FORMS": 0, f"{name}-INITIAL_FORMS": 0}
    answer = as_user(ben).post("/admin/proposals/service/add/", fields)
    assert answer.status_code == 200
    assert not Service.objects.filter(name="New").exists()


@pytest.mark.parametrize("address", ["/p/secret/accept", "/portal/enter/secret"])
def test_no_token_reaches_a_log(address):
    record = logging.LogRecord("django.request", logging.WARNING, "", 0, "%s: %s", ("Forbidden", address), None)
    WithoutTokens().filter(record)
    assert "secret" not in record.getMessage()
    assert record.getMessage().startswith("Forbidden: /p")


@pytest.mark.parametrize(("status", "is_told"), [(403, False), (500, True), (None, True)])
def test_a_log_tells_the_way_to_a_fault_and_not_to_a_refusal(status, is_told, settings):
    record = logging.LogRecord("django.request", logging.WARNING, "", 0, "No", (), (ValueError, ValueError(), None))
    if status:
        record.status_code = status
    logs = settings.LOGGING
    for name in logs["handlers"]["stderr"]["filters"]:
        import_string(logs["filters"][name]["()"])().filter(record)
    assert bool(record.exc_info) is is_told


@pytest.mark.parametrize("act", ["pg_advisory_lock(1)", "pg_try_advisory_xact_lock(1, 1)", "lo_create(0)"])
def test_the_portal_holds_up_nobody_and_fills_no_disk(portal_cursor, act):
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        portal_cursor.execute(f"select {act}")
