"""The people at a client: who decides, what they agreed to, and what follows when somebody leaves."""

from datetime import datetime, timedelta

import pytest
from django.db import DatabaseError, transaction
from django.urls import reverse
from django.utils import timezone

from opportunities.models import Client, Consent, Contact, Event, Task
from opportunities.records import begin, perform
from tests.makers import a_lead, a_worked_lead, an_opportunity

pytestmark = pytest.mark.django_db


def now(record):
    return type(record).objects.get(pk=record.pk)


def a_colleague(opportunity, by, **fields):
    fields = {"name": "Lee Park", "email": "lee@harbor.example", **fields}
    return begin(Contact(client=opportunity.client, **fields), by=by)


def leave(browser, contact, **fields):
    fields = {"on": timezone.localdate().isoformat(), "successor": "nobody", **fields}
    return browser.post(reverse("admin:opportunities_contact_leave", args=[contact.pk]), fields)


# -- Who leaves. -------------------------------------------------------------------------------------------------------


def test_when_who_decides_leaves_each_open_deal_is_told_and_its_owner_asked(ada, as_user):
    opportunity = an_opportunity(ada)
    decides = opportunity.decision_owner
    assert leave(as_user(ada), decides).status_code == 302
    assert (now(decides).left_on, now(opportunity).decision_owner) == (timezone.localdate(), None)
    told = Event.objects.filter(verb="opportunity.edit", record_id=opportunity.pk).latest("pk")
    assert told.reason == f"{decides} left the company. Nobody is known to decide now."
    assert told.facts.values["decision_owner"] == [f"{decides} (#{decides.pk})", None]
    assert (
        Task.objects.open()
        .filter(opportunity=opportunity, title__startswith=f"Find out who decides after {decides}")
        .exists()
    )


def test_the_successor_decides_from_then_on(ada, as_user):
    opportunity = an_opportunity(ada)
    lee = a_colleague(opportunity, ada)
    leave(as_user(ada), opportunity.decision_owner, successor=str(lee.pk))
    assert now(opportunity).decision_owner == lee
    assert Task.objects.open().filter(opportunity=opportunity, title__startswith="Get to know Lee Park").exists()


@pytest.mark.parametrize(
    ("fields", "field", "said"),
    [
        ({"on": (timezone.now() + timedelta(days=3)).date().isoformat()}, "on", "today or a day before"),
        ({"on": "31.02.2026"}, "on", "Choose a day that there is"),
        ({"on": "0001-01-01"}, "on", "Check the year"),
        ({"successor": ""}, "successor", "Choose one."),
        ({"successor": "999999"}, "successor", "Choose again"),
        ({"successor": "\0"}, "successor", "Choose again"),
    ],
)
def test_what_is_wrong_with_leaving_is_said_at_its_field(ada, as_user, fields, field, said):
    decides = an_opportunity(ada).decision_owner
    refused = leave(as_user(ada), decides, **fields)
    assert refused.status_code == 422
    assert said in str(refused.context["form"].errors[field])
    assert now(decides).left_on is None


def test_nobody_of_another_client_succeeds_and_nobody_leaves_twice(ada, as_user):
    one, other = an_opportunity(ada), an_opportunity(ada)
    browser = as_user(ada)
    refused = leave(browser, one.decision_owner, successor=str(other.decision_owner.pk))
    assert "successor" in refused.context["form"].errors
    leave(browser, one.decision_owner)
    assert leave(browser, one.decision_owner).status_code == 404


def test_the_day_on_which_they_left_is_typed_nowhere_else(ada, as_user):
    decides = an_opportunity(ada).decision_owner
    fields = {"name": "Bo B. Larsen", "email": decides.email, "decision_role": "owner", "time_zone": "UTC"}
    fields |= {"works_on": ["1", "2"], "works_from": "09:00", "works_to": "17:00"}
    rows = {"consents-TOTAL_FORMS": 0, "consents-INITIAL_FORMS": 0}
    assert as_user(ada).post(decides.staff_url(), {**fields, **rows, "left_on": "2026-01-01"}).status_code == 302
    assert (now(decides).name, now(decides).left_on) == ("Bo B. Larsen", None)


def test_a_form_with_more_rows_than_anybody_types_is_not_made_but_told(ada, as_user):
    decides = an_opportunity(ada).decision_owner
    fields = {"name": "Bo B. Larsen", "email": decides.email, "decision_role": "owner", "time_zone": "UTC"}
    rows = {"consents-TOTAL_FORMS": 10**30, "consents-INITIAL_FORMS": 10**30}
    answer = as_user(ada).post(decides.staff_url(), fields | rows)
    assert answer.status_code in (200, 409)
    assert "Please submit at most 5" in answer.text
    assert len(answer.content) < 1_000_000
    assert now(decides).name == decides.name


def test_nobody_who_left_decides_on_a_new_deal_unless_they_are_back(ada):
    client = an_opportunity(ada).client
    left = begin(Contact(client=client, name="Lee Park", email="lee@harbor.example"), by=ada)
    left.leave(timezone.localdate(), by=ada)
    lead = a_worked_lead(ada, name="Lee Park", email="LEE@harbor.example")
    assert not lead.known_people(client)
    decides = perform(lead.qualify, by=ada, client=client).opportunity.decision_owner
    assert (decides, decides.left_on) == (left, None)
    told = Event.objects.filter(verb="contact.edit", record_id=left.pk).latest("pk")
    assert told.reason == f"The lead {lead} came from their address."


def test_whoever_left_is_not_met_again_by_name_alone(ada):
    client = an_opportunity(ada).client
    left = begin(Contact(client=client, name="Lee Park"), by=ada)
    left.leave(timezone.localdate(), by=ada)
    lead = a_worked_lead(ada, name="Lee Park", email="")
    decides = perform(lead.qualify, by=ada, client=client).opportunity.decision_owner
    assert (decides.left_on, decides == left) == (None, False)


# -- What they agreed to. ----------------------------------------------------------------------------------------------


def a_consent(contact, by, **fields):
    return begin(
        Consent(contact=contact, **{"purpose": "marketing", "text_version": "1", "source": "A form", **fields}), by=by
    )


def test_withdrawing_takes_a_reason_and_stays_withdrawn(ada, as_user):
    consent = a_consent(an_opportunity(ada).decision_owner, ada)
    url = reverse("admin:opportunities_consent_withdraw", args=[consent.pk])
    browser = as_user(ada)
    assert browser.post(url, {"reason": ""}).status_code == 422
    assert now(consent).state == "valid"
    assert browser.post(url, {"reason": "Asked by phone."}).status_code == 302
    assert now(consent).state == "withdrawn"
    assert Event.objects.filter(verb="consent.edit", record_id=consent.pk).latest("pk").reason == "Asked by phone."
    assert browser.post(url, {"reason": "Again."}).status_code == 403


@pytest.mark.parametrize("field", ["purpose", "text_version", "source", "captured_at", "expires_at", "basis"])
def test_what_was_agreed_to_is_never_written_anew(ada, field):
    consent = a_consent(an_opportunity(ada).decision_owner, ada)
    new = timezone.now() if field.endswith("_at") else "contractual" if field == "purpose" else "contract"
    with pytest.raises(DatabaseError), transaction.atomic():
        Consent.objects.filter(pk=consent.pk).update(**{field: new})


def test_consents_are_a_history_and_the_last_valid_one_counts(ada):
    contact = an_opportunity(ada).decision_owner
    day = timedelta(days=1)
    a_consent(contact, ada, captured_at=timezone.now() - 9 * day, expires_at=timezone.now() - day)
    assert not contact.agreed_to("marketing")
    second = a_consent(contact, ada)
    assert contact.agreed_to("marketing")
    second.withdraw(by=ada, reason="Enough.")
    assert not contact.agreed_to("marketing")
    assert sorted(consent.state for consent in contact.consents.filter(purpose="marketing")) == ["expired", "withdrawn"]


def test_two_consents_of_one_kind_are_told_apart_by_their_day(ada, as_user):
    contact = an_opportunity(ada).decision_owner
    for year in (2021, 2022):
        a_consent(contact, ada, captured_at=timezone.make_aware(datetime(year, 3, 9, 12)))
    page = as_user(ada).get(contact.client.staff_url()).content.decode()
    assert page.count("9 Mar 2021") == page.count("9 Mar 2022") == 1


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"captured_at_0": "2140-01-01"}, "captured_at"),
        ({"expires_at_0": "2001-01-01", "expires_at_1": "10:00"}, "expires_at"),
        ({"text_version": "x" * 21}, "text_version"),
        ({"purpose": "fun"}, "purpose"),
    ],
)
def test_a_consent_that_cannot_be_is_refused_at_its_field(ada, as_user, fields, field):
    contact = an_opportunity(ada).decision_owner
    before = Consent.objects.count()
    good = {"contact": contact.pk, "purpose": "marketing", "basis": "consent", "text_version": "1", "source": "A form"}
    good |= {"captured_at_0": "2026-01-01", "captured_at_1": "10:00", "expires_at_0": "", "expires_at_1": ""}
    refused = as_user(ada).post("/admin/opportunities/consent/add/", {**good, **fields})
    assert field in refused.context["adminform"].form.errors
    assert Consent.objects.count() == before


# -- A lead's facts. ---------------------------------------------------------------------------------------------------


def fact(browser, lead, **fields):
    return browser.post(reverse("admin:opportunities_lead_fact", args=[lead.pk]), fields)


def test_a_fact_is_taken_back_with_a_reason_and_its_value_stays(ada, ben, as_user):
    lead = a_worked_lead(ada)
    browser = as_user(ben)
    assert "Confirmed by Ada" in browser.get(lead.staff_url()).content.decode()
    refused = fact(browser, lead, kind="urgency", unconfirm="1", reason=" ")
    assert refused.status_code == 422
    assert "Say why it is not sure any more." in refused.content.decode()
    assert fact(browser, lead, kind="urgency", unconfirm="1", reason="They wait now.").status_code == 302
    kept = lead.facts.get(kind="urgency")
    assert (kept.value, kept.confirmed_by) == ("Before the summer season", None)
    assert lead.unconfirmed() == ["Urgency"]
    assert "They wait now." in browser.get(lead.staff_url()).content.decode()


@pytest.mark.parametrize("value", ["", " \0 ", "x" * 301, "\u202e"])
def test_a_fact_without_words_is_refused_at_its_field(ada, as_user, value):
    lead = a_lead(ada)
    refused = fact(as_user(ada), lead, kind="urgency", value=value)
    assert refused.status_code == 422
    assert 'id="wrong-urgency"' in refused.content.decode()
    assert not lead.facts.exists()


def test_a_lead_that_is_closed_keeps_its_facts(ada, as_user):
    lead = a_worked_lead(ada)
    perform(lead.qualify, by=ada)
    refused = fact(as_user(ada), lead, kind="urgency", value="Never")
    assert refused.status_code in (403, 422)
    assert lead.facts.get(kind="urgency").value == "Before the summer season"


# -- A duplicate at entry. ---------------------------------------------------------------------------------------------

TYPED = {"name": "Mia Sato", "company": "Harbour Dental", "email": "", "next_action": "Answer"}


def add(browser, owner, **fields):
    fields = {**TYPED, "owner": owner.pk, "arrived_at_0": "2026-01-01", "arrived_at_1": "10:00", **fields}
    return browser.post("/admin/opportunities/lead/add/", fields)


def test_whoever_is_like_somebody_is_looked_at_before_it_is_saved_and_saving_anyway_is_noted(ada, as_user):
    a_lead(ada, name="Bo", company="Harbor Dental")
    browser = as_user(ada)
    asked = add(browser, ada)
    words = asked.content.decode()
    assert "Somebody like this is here already." in words
    assert "Almost the same company name: Harbor Dental" in words
    assert add(browser, ada, anyway="made up").status_code == 200
    saved = add(browser, ada, anyway=asked.context["adminform"].form.signature)
    assert saved.status_code == 302
    born = Event.objects.filter(verb="lead.create").latest("pk")
    assert born.past == "added, with like ones here,"
    assert "Almost the same company name" in str(born.facts.values["like"])


def test_what_is_typed_is_looked_up_as_one_types_and_tells_nobody_what_they_may_not_see(ada, cem, as_user):
    a_lead(ada, name="Bo Secret", company="Harbor Dental", email="bo@secret.example")
    url = reverse("admin:opportunities_lead_alike")
    assert as_user(ada).get(url, TYPED).status_code == 405  # an address stands in logs
    assert "Bo Secret" in as_user(ada).post(url, TYPED).content.decode()
    theirs = as_user(cem).post(url, TYPED).content.decode()
    assert "Somebody else’s lead: ask Ada." in theirs
    assert "Bo Secret" not in theirs
    assert "Harbor" not in theirs
    assert as_user(cem).post(url, dict.fromkeys(TYPED, "\0\u202e" * 900)).status_code == 200


def test_a_client_is_looked_at_before_it_is_saved_as_a_lead_is(ada, as_user):
    kept = begin(Client(name="Harbor Dental", owner=ada), by=ada)
    browser, url = as_user(ada), reverse("admin:opportunities_client_alike")
    fields = {"name": "Harbour Dental", "time_zone": "UTC", "owner": ada.pk}
    assert f'data-alike="{url}"' in browser.get("/admin/opportunities/client/add/").text

    assert kept.staff_url() in browser.post(url, fields).text
    asked = browser.post("/admin/opportunities/client/add/", fields)
    assert "Almost the same company name: Harbor Dental" in asked.text
    assert 'form="client_form" name="anyway"' in asked.text
    fields |= {"anyway": asked.context["adminform"].form.signature}
    assert browser.post("/admin/opportunities/client/add/", fields).status_code == 302
    assert Event.objects.filter(verb="client.create").latest("pk").past == "added, with like ones here,"


def test_who_may_only_read_a_client_sends_nobody_away(ada, ann, as_user):
    decides = an_opportunity(ada).decision_owner
    assert leave(as_user(ann), decides).status_code == 403
    assert now(decides).left_on is None
