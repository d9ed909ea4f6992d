"""What becomes of a lead: a new deal, or one more person at a deal that is there."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone
from guardian.shortcuts import assign_perm

from opportunities.duplicates import found
from opportunities.merging import merge_clients
from opportunities.models import Client, Contact, Event, Lead
from opportunities.records import Refused, begin, perform
from tests.conftest import person
from tests.makers import a_lead, a_worked_lead, an_opportunity

pytestmark = pytest.mark.django_db


def a_known_lead(owner, **fields):
    """Return a lead that came through the form and has all seven facts."""
    consent = {"purpose": "transactional", "text_version": "1", "source": "Public form"}
    return a_worked_lead(owner, consent={**consent, "captured_at": timezone.now().isoformat()}, **fields)


def test_a_lead_that_joins_a_deal_adds_its_person_there_with_what_they_agreed_to(ada):
    opportunity = an_opportunity(ada)
    lead = a_known_lead(ada, name="Mia Sato", company="Elsewhere", email="mia@elsewhere.example")
    lead = perform(lead.qualify, by=ada, opportunity=opportunity)
    mia = Contact.objects.get(email="mia@elsewhere.example")
    assert (lead.opportunity, mia.client) == (opportunity, opportunity.client)
    assert mia.agreed_to("transactional")


def test_what_a_known_person_agrees_to_is_kept_too(ada):
    opportunity = an_opportunity(ada)
    known = opportunity.decision_owner
    known.consents.update(withdrawn_at=timezone.now())
    lead = a_known_lead(ada, name=known.name, email=known.email.upper())
    perform(lead.qualify, by=ada, opportunity=opportunity)
    assert Contact.objects.filter(email__iexact=known.email).count() == 1
    assert known.agreed_to("transactional")


# -- Somebody else's client. -------------------------------------------------------------------------------------------


def a_client_of(owner):
    client = begin(Client(name="Harbor Dental", owner=owner), by=owner)
    begin(Contact(client=client, name="Mia Sato", email="mia@harbor-dental.example"), by=owner)
    return Client.objects.get(pk=client.pk)  # with the team that the database wrote beside the owner


def qualifying(lead):
    return reverse("admin:opportunities_lead_move", args=[lead.pk, "qualify"])


ALIKE = [
    {"company": "HARBOR DENTAL", "email": "new@elsewhere.example"},
    {"company": "Elsewhere", "email": "MIA@harbor-dental.example"},
]


@pytest.mark.parametrize("fields", ALIKE)
@pytest.mark.parametrize("details", [{}, {"is_new": True}])
def test_a_lead_gets_nobody_into_somebody_elses_client(ada, cem, fields, details):
    client = a_client_of(ada)
    lead = a_worked_lead(cem, **fields)
    with pytest.raises(Refused, match="^Somebody else’s client: ask Ada.$"):
        perform(lead.qualify, by=cem, **details)
    assert not client.opportunities.exists()
    assert Client.objects.count() == Contact.objects.count() == 1
    assert not client.within_reach(cem, "change")


@pytest.mark.parametrize("fields", ALIKE)
def test_the_refusal_stands_at_the_field_and_tells_nothing_else_of_the_client(ada, cem, as_user, fields):
    a_client_of(ada)
    lead = a_worked_lead(cem, name="Mia", **fields)
    browser = as_user(cem)
    asked = browser.get(qualifying(lead)).content.decode()
    assert "Somebody else’s client: ask Ada." in asked
    assert 'value="client:' not in asked, "it is no choice"
    refused = browser.post(qualifying(lead), {"joins": "new"})
    assert refused.context["form"].errors["joins"] == ["Somebody else’s client: ask Ada."]


def test_a_choice_that_was_not_offered_is_refused_in_the_form_and_by_the_move(ada, cem, as_user):
    opportunity = an_opportunity(ada)
    lead = a_worked_lead(cem, company="Quite Another", email="q@another.example")
    for chosen in (f"client:{opportunity.client_id}", f"opportunity:{opportunity.pk}"):
        refused = as_user(cem).post(qualifying(lead), {"joins": chosen})
        assert "joins" in refused.context["form"].errors
    with pytest.raises(Refused, match="Somebody else’s client: ask Ada."):
        perform(lead.qualify, by=cem, client=opportunity.client)
    with pytest.raises(Refused, match="Somebody else’s opportunity: ask Ada."):
        perform(lead.qualify, by=cem, opportunity=opportunity)


def test_whoever_may_only_read_a_client_gets_no_further_by_a_lead(ada, cem):
    opportunity = an_opportunity(ada)
    assign_perm("view_opportunity", cem, opportunity)
    lead = a_worked_lead(cem, email=opportunity.decision_owner.email)
    with pytest.raises(Refused, match="ask Ada."):
        perform(lead.qualify, by=cem)


@pytest.mark.parametrize("who", ["ada", "ben", "boss"])
def test_the_owner_the_team_and_whoever_sees_all_join_a_lead_to_the_client(ada, ben, request, who):
    """Ben manages the team, and boss sees everything."""
    client = a_client_of(ada)
    user = person("boss", "Manager", sees="all") if who == "boss" else request.getfixturevalue(who)
    lead = perform(a_worked_lead(user, **ALIKE[1]).qualify, by=user, client=client)
    assert lead.opportunity.client == client
    assert lead.opportunity.decision_owner.name == "Mia Sato"


def test_a_client_of_mine_is_chosen_though_the_person_is_known_at_somebody_elses_too(ada, cem):
    a_client_of(ada)
    mine = begin(Client(name="West Dental", owner=cem), by=cem)
    lead = perform(a_worked_lead(cem, **ALIKE[1]).qualify, by=cem, client=mine)
    assert lead.opportunity.client == mine
    assert Contact.objects.filter(email__iexact=ALIKE[1]["email"]).count() == 2


def test_my_own_client_of_that_name_is_chosen_and_not_made_twice(ada, as_user):
    client = a_client_of(ada)
    lead = a_worked_lead(ada, **ALIKE[0])
    refused = as_user(ada).post(qualifying(lead), {"joins": "new"})
    assert "Harbor Dental is a client already: choose it" in refused.context["form"].errors["joins"][0]
    as_user(ada).post(qualifying(lead), {"joins": f"client:{client.pk}"})
    assert client.opportunities.count() == 1


def test_who_left_and_writes_again_breaks_nothing(ada):
    client = a_client_of(ada)
    client.contacts.get().leave(timezone.localdate(), by=ada)
    lead = perform(a_worked_lead(ada, company=client.name, email="mia@harbor-dental.example").qualify, by=ada)
    assert (lead.opportunity.client, client.contacts.count()) == (client, 1)


# -- Its form. ---------------------------------------------------------------------------------------------------------


def typed(owner, at=None, **fields):
    at = timezone.localtime(at)
    when = {"arrived_at_0": f"{at:%Y-%m-%d}", "arrived_at_1": f"{at:%H:%M:%S}"}
    return {"name": "Bo", "email": "bo@x.example", "owner": owner.pk, "next_action": "Call", **when, **fields}


def wrong(answer):
    """Return what is said at the fields of a form that was not taken."""
    assert answer.status_code == 200
    return answer.context["adminform"].form.errors


@pytest.mark.parametrize("words", ["", " ", "\u200b"])
def test_an_open_lead_says_what_happens_next(ada, as_user, words):
    add = reverse("admin:opportunities_lead_add")
    assert wrong(as_user(ada).post(add, typed(ada, next_action=words))) == {"next_action": ["Say what happens next."]}

    lead = a_lead(ada)
    refused = as_user(ada).post(lead.staff_url(), typed(ada, next_action=words))
    assert wrong(refused) == {"next_action": ["Say what happens next."]}
    assert Lead.objects.get().next_action == lead.next_action


def test_a_deal_that_is_typed_in_says_what_happens_next(ada, as_user):
    client = a_client_of(ada)
    fields = {"name": "Growth", "client": client.pk, "owner": ada.pk, "currency": "USD", "probability": "10"}
    refused = as_user(ada).post(reverse("admin:opportunities_opportunity_add"), fields)
    assert wrong(refused) == {"next_action": ["Say what happens next."]}


def test_a_lead_that_is_closed_owes_nothing(ada, as_user):
    lead = perform(a_worked_lead(ada).disqualify, by=ada, reason="A student.")
    answer = as_user(ada).post(lead.staff_url(), typed(ada, name="Bo Berg", next_action=""))
    assert answer.status_code == 302
    assert Lead.objects.get().name == "Bo Berg"


def test_nobody_asked_tomorrow(ada, as_user):
    tomorrow = timezone.now() + timedelta(days=1)
    refused = as_user(ada).post(reverse("admin:opportunities_lead_add"), typed(ada, at=tomorrow))
    assert wrong(refused) == {"arrived_at": ["Choose a time that has passed: this is when they asked."]}


def test_what_a_lead_said_is_as_long_as_other_words(ada, as_user):
    browser, add = as_user(ada), reverse("admin:opportunities_lead_add")
    refused = browser.post(add, typed(ada, words="x" * 20_001))
    assert wrong(refused) == {"words": ["Shorten this to 20000 letters; it has 20001."]}
    assert "maxlength" not in str(refused.context["adminform"].form["words"])
    assert browser.post(add, typed(ada, words="x" * 20_000)).status_code == 302


def test_what_is_alike_and_no_choice_is_a_list_and_a_mere_domain_is_folded_away(ada, as_user):
    same = a_lead(ada, name="Mia Sato", company="Harbor Dental", email="mia@harbor.example")
    domain = a_lead(ada, name="Lee Park", company="Elsewhere", email="lee@harbor.example")
    lead = a_worked_lead(ada, name="Mia", company="Harbor Dental", email="m@harbor.example")

    shown = as_user(ada).get(qualifying(lead))

    form = shown.context["form"]
    assert [one.record for one in form.beside] == [same]
    assert [one.record for one in form.by_domain] == [domain]
    beside, _, folded = shown.text.partition("<details><summary>1 with nothing but the same domain</summary>")
    assert f'<a class="z-strong" href="{same.staff_url()}">{same}</a>' in beside
    assert f'<a class="z-strong" href="{domain.staff_url()}">{domain}</a>' in folded
    assert "Merge a lead first if the two are one." in beside


@pytest.mark.parametrize("domain", ["example.com", "example.org", "example.net", "example.example"])
def test_the_domains_of_examples_are_nobodys(ada, as_user, domain):
    a_lead(ada, name="Lee Park", company="Elsewhere", email=f"lee@{domain}")
    lead = a_worked_lead(ada, name="Mia", company="Harbor Dental", email=f"mia@{domain}", website=f"https://{domain}/")
    assert found(lead, ada) == []


def test_merging_again_says_what_became_of_it(ada, as_user):
    kept, gone = a_lead(ada), a_lead(ada, name="Bo L.")
    perform(gone.merge, by=ada, into=kept)
    browser = as_user(ada)
    answer = browser.post(reverse("admin:opportunities_lead_move", args=[gone.pk, "merge"]), {"into": kept.pk})
    assert f"was merged already, into {kept}." in browser.get(answer.url).text

    client, second = a_client_of(ada), begin(Client(name="Harbour Dental", owner=ada), by=ada)
    merge_clients(second, client, by=ada)
    answer = browser.post(reverse("admin:opportunities_client_merge", args=[second.pk]), {"page": str(client.pk)})
    assert answer.url == client.staff_url()
    assert "Harbour Dental was merged already, into Harbor Dental." in browser.get(answer.url).text


def test_a_consent_that_came_along_was_written_down(ada):
    perform(a_known_lead(ada, company="Elsewhere").qualify, by=ada)
    told = Event.objects.get(verb="consent.create")
    assert f"{told.past} {told.subject}" == "wrote down the consent to Transactional mail to Bo Larsen"
