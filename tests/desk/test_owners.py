"""Who may own a record: one rule, wherever somebody is chosen."""

import pytest
from django.contrib import admin
from django.urls import reverse

from opportunities.admin.base import RowInline
from opportunities.lists import many
from opportunities.lists.actions import GiveForm
from opportunities.models import Discovery, Lead, Opportunity, Task, User
from opportunities.writing import DiscoveryForm
from proposals.models import Approval, Contract, Proposal, Summary
from tests.makers import a_lead, an_opportunity

pytestmark = pytest.mark.django_db


def again(record):
    return type(record).objects.get(pk=record.pk)


@pytest.mark.parametrize(
    ("model", "names"),
    [
        (Opportunity, ["ada", "ben"]),
        (Lead, ["ada", "ben"]),
        (Discovery, ["ada", "ben"]),
        (Task, ["ada", "ben", "dora"]),
        (Proposal, ["ada", "ben"]),
        (Contract, ["ada", "ben"]),
        (Summary, ["ada", "ben", "dora"]),
    ],
)
def test_whoever_may_work_on_a_kind_of_record_may_own_it(ada, ben, dora, eve, ann, model, names):
    assert [user.username for user in User.who_may_own(model)] == names


def test_whoever_left_owns_nothing_new(ada, ben):
    User.objects.filter(pk=ben.pk).update(is_active=False)
    assert list(User.who_may_own(Opportunity)) == [ada]


def test_no_deal_is_given_in_place_to_somebody_who_may_not_work_on_it(ada, ann, as_user):
    deal, browser = an_opportunity(ada), as_user(ada)

    answer = browser.post(
        f"{reverse('admin:opportunities_opportunity_fields', args=[deal.pk])}?name=owner", {"owner": ann.pk}
    )

    assert "Choose one from the list" in str(answer.context["form"].errors["owner"])
    assert again(deal).owner == ada
    assert browser.get(deal.staff_url()).status_code == 200


def test_the_full_form_offers_no_owner_who_may_not_work_on_it(ada, ben, ann, eve, as_user):
    lead = a_lead(ada)

    answer = as_user(ada).post(lead.staff_url(), {"name": lead.name, "owner": ann.pk, "next_action": "Call"})

    form = answer.context["adminform"].form
    assert "owner" in form.errors
    assert list(form.fields["owner"].queryset) == [ada, ben]
    assert again(lead).owner == ada


def test_the_writing_screen_and_the_bulk_form_offer_the_same_people(ada, ben, ann, eve, dora):
    discovery = an_opportunity(ada, stage="discovery").discoveries.get()

    for form in (
        DiscoveryForm(discovery=discovery, may_choose=False),
        GiveForm(page=many.page_of("opportunities.opportunity")),
    ):
        assert list(form.fields["owner"].queryset) == [ada, ben]


def test_an_owner_in_a_row_below_a_record_is_whoever_may_work_on_the_record(rf, ada, ben, dora, ann):
    class Rows(RowInline):
        model = Task

    request = rf.get("/")
    request.user = ben
    for parent in (Opportunity, Summary):
        field = Rows(parent, admin.site).formfield_for_foreignkey(Task._meta.get_field("owner"), request)
        assert list(field.queryset) == list(User.who_may_own(parent))
    field = Rows(Lead, admin.site).formfield_for_foreignkey(Approval._meta.get_field("decided_by"), request)
    assert list(field.queryset) == list(User.who_work_here())
