"""A single opportunity can be shared with a person or a role, and taken back."""

import pytest
from django.contrib.auth.models import Group
from django.core.exceptions import PermissionDenied
from django.urls import reverse

from opportunities.models import Event, Opportunity
from opportunities.records import perform
from tests.makers import an_opportunity

pytestmark = pytest.mark.django_db


def share(client, opportunity, **data):
    return client.post(reverse("admin:opportunities_opportunity_share", args=[opportunity.pk]), data)


def sees(user, opportunity):
    return Opportunity.objects.visible_to(user).filter(pk=opportunity.pk).exists()


def test_a_manager_shares_it_and_takes_it_back_and_the_diary_tells(as_user, ada, ben, cem):
    opportunity = an_opportunity(ada)
    share(as_user(ben), opportunity, person=cem.pk, may="view")
    assert sees(cem, opportunity)
    with pytest.raises(PermissionDenied):
        perform(opportunity.start_discovery, by=cem)
    share(as_user(ben), opportunity, take=f"user-{cem.pk}")
    assert not sees(cem, opportunity)
    told = Event.objects.filter(verb__in=["opportunity.share", "opportunity.unshare"]).order_by("pk")
    assert [event.actor for event in told] == [ben, ben]
    assert "Cem" in told[0].facts.values["with"]


def test_whoever_may_change_it_moves_it(as_user, ada, ben, cem):
    opportunity = an_opportunity(ada)
    share(as_user(ben), opportunity, person=cem.pk, may="change")
    assert perform(opportunity.start_discovery, by=cem).stage == "discovery"


def test_it_is_shared_with_a_role(as_user, ada, ben, dora):
    opportunity = an_opportunity(ada)
    share(as_user(ben), opportunity, role=Group.objects.get(name="Delivery").pk, may="view")
    assert sees(dora, opportunity)
    page = as_user(ben).get(reverse("admin:opportunities_opportunity_share", args=[opportunity.pk]))
    assert "Delivery" in page.text
    assert "See it" in page.text


@pytest.mark.parametrize("data", [{}, {"may": "view"}, {"may": "everything"}, {"person": "\x00", "may": "view"}])
def test_what_makes_no_sense_is_refused_at_the_field(as_user, ada, ben, data):
    opportunity = an_opportunity(ada)
    answer = share(as_user(ben), opportunity, **data)
    assert answer.status_code == 200
    assert "z-wrong" in answer.text


def test_its_owner_alone_does_not_share_it(as_user, ada, cem):
    opportunity = an_opportunity(ada)
    assert share(as_user(ada), opportunity, person=cem.pk, may="view").status_code == 403
    assert not sees(cem, opportunity)
