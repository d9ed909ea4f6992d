"""An import reaches no further than whoever brings it: it takes nothing over, and tells nothing of what is others'."""

import pytest
from guardian.shortcuts import assign_perm

from opportunities import merging
from opportunities.models import Client, Lead, Opportunity
from opportunities.records import edit
from tests import makers
from tests.conftest import person
from tests.opportunities.importers import checked, done, reasons, run, verdicts

pytestmark = pytest.mark.django_db
DEALS = "Account,Stage,Amount,Email\n"


def test_a_deal_is_never_put_at_a_client_of_somebody_else(ada, cem, as_user):
    client = makers.an_opportunity(cem).client
    contact = client.contacts.get()
    text = f"{DEALS}{client.name},Won,5,\n{client.name.upper()} Inc.,Won,5,\nOther,Won,5,{contact.email}\n"
    record = done("opportunities", text, ada)
    assert verdicts(record) == ["refused"] * 3
    assert set(reasons(record)) == {"Somebody else’s client: ask Cem."}
    assert not client.within_reach(ada, "view")
    assert as_user(ada).get(client.staff_url()).status_code in (403, 404)


def test_a_client_that_became_somebody_elses_after_the_check_stays_theirs(ada, cem):
    record = checked("opportunities", f"{DEALS}Acme,Prospecting,5,\nOwn,Prospecting,5,\n", ada)
    done("opportunities", f"{DEALS}Acme,Prospecting,5,\n", cem, "cems.csv")
    record = run(record)
    assert (record.counts, reasons(record)[0]) == ({"new": 1, "refused": 1}, "Somebody else’s client: ask Cem.")
    assert [deal.owner for deal in Client.objects.get(name="Acme").opportunities.all()] == [cem]


def test_whom_a_client_is_open_to_is_asked_of_all_rows_as_of_one(ada, ben, cem, ann):
    deal = makers.an_opportunity(cem)
    seer = person("seer", "Growth ops", team="East")
    changer = person("changer", "Growth ops", team="East")
    assign_perm("view_opportunity", seer, deal)
    assign_perm("change_opportunity", changer, deal)
    mine = makers.an_opportunity(ada).client
    for user in (ada, ben, cem, ann, seer, changer):
        found = set(Client._base_manager.filter(Client.reach(user, "change")))
        assert found == {one for one in (deal.client, mine) if one.is_open_to(user)}, user


def test_who_may_work_on_a_client_brings_its_deals_in(ada, ben):
    client = makers.an_opportunity(ada).client
    for number, user in enumerate((ada, ben)):
        record = done("opportunities", f"{DEALS}{client.name},Prospecting,{number},\n", user, f"{user}.csv")
        assert verdicts(record) == ["joined"]
        assert reasons(record) == [f"The client is here already: {client.name}"]
    assert client.opportunities.count() == 3


def test_a_row_that_came_in_before_as_somebody_elses_names_the_owner_only(ada, cem, as_user):
    text = "LeadID,Name,Email\nL1,Secret Person,s@secret.example\n"
    done("leads", text, cem, columns={"ref": "LeadID", "name": "Name", "email": "Email"}, system="crm")
    record = checked("leads", text.replace("Secret Person", "x"), ada, system="crm")
    assert (verdicts(record), reasons(record)) == (["known"], ["Came in before: somebody else’s lead, ask Cem"])
    page = as_user(ada).get(f"{record.staff_url()}?rows=known").text
    assert "Secret" not in page
    assert Lead.objects.get().staff_url().split("#")[0] not in page
    own = checked("leads", text, cem, "own.csv", system="crm")
    page = as_user(cem).get(f"{own.staff_url()}?rows=known").text
    assert "Came in before: Secret Person" in page
    assert Lead.objects.get().staff_url().split("#")[0] in page


def test_a_deal_is_put_at_the_client_that_its_client_was_merged_into(ada):
    first, second, third = (makers.an_opportunity(ada).client for _ in range(3))
    text = f"{DEALS}{first.name},Prospecting,5,\n"
    record = checked("opportunities", text, ada)
    merging.merge_clients(first, second, by=ada, reason="The same")
    run(record)
    merging.merge_clients(second, third, by=ada, reason="The same")
    done("opportunities", text.replace(",5,", ",6,"), ada, "second.csv")
    deals = Opportunity.objects.exclude(external_ref="").order_by("pk")
    assert {deal.client for deal in deals} == {third}
    assert len(deals) == 2


def test_of_two_clients_whose_names_are_alike_ones_own_gets_the_deal(ada, cem):
    for owner, name in ((cem, "Acme GmbH"), (ada, "Acme Inc.")):
        done("opportunities", f"{DEALS}{owner},Won,1,\n", owner, f"{owner}.csv")
        edit(Client.objects.get(name=str(owner)), by=owner, name=name)
    record = done("opportunities", f"{DEALS}ACME,Won,5,\n", ada, "acme.csv")
    assert reasons(record) == ["ACME is Acme Inc."]
