"""Words that nobody sees, or that turn the words around them, are kept nowhere."""

import pytest
from django.urls import reverse
from django.utils import timezone

from opportunities.models import Lead, Opportunity, SavedView
from portal.words import clean
from tests.makers import an_opportunity

pytestmark = pytest.mark.django_db
INVISIBLE = ["\u200b", "\ufeff", "\u202e \u200b"]


def a_typed_lead(owner, **fields):
    now = timezone.localtime()
    when = {"arrived_at_0": f"{now:%Y-%m-%d}", "arrived_at_1": f"{now:%H:%M:%S}"}
    return {"name": "Bo", "email": "bo@x.example", "owner": owner.pk, "next_action": "Call", **when, **fields}


def add(browser, fields):
    return browser.post(reverse("admin:opportunities_lead_add"), fields)


@pytest.mark.parametrize("name", INVISIBLE)
def test_a_lead_has_a_name_that_can_be_read(ada, as_user, name):
    answer = add(as_user(ada), a_typed_lead(ada, name=name))

    assert answer.context["adminform"].form.errors["name"] == ["Fill this in."]
    assert not Lead.objects.exists()


def test_marks_that_turn_letters_are_not_kept(ada, as_user):
    add(as_user(ada), a_typed_lead(ada, name="Bo\u202e Larsen\u200b"))
    assert Lead.objects.get().name == "Bo Larsen"
    as_user(ada).post(reverse("pipeline_save"), {"name": "Mi\u202ene\u200b"})
    assert SavedView.objects.get().name == "Mine"


@pytest.mark.parametrize("name", INVISIBLE)
def test_a_view_has_a_name_that_can_be_read(ada, as_user, name):
    answer = as_user(ada).post(reverse("pipeline_save"), {"name": name})

    assert answer.context["save"].errors["name"] == ["Give the view a name."]
    assert not SavedView.objects.exists()


@pytest.mark.parametrize("reason", INVISIBLE)
def test_a_pause_has_a_reason_that_can_be_read(ada, as_user, reason):
    deal = an_opportunity(ada)
    url = reverse("admin:opportunities_opportunity_move", args=[deal.pk, "pause"])

    answer = as_user(ada).post(url, {"reason": reason, "until": "2140-01-01"})

    assert "reason" in answer.context["form"].errors
    assert Opportunity.objects.get(pk=deal.pk).stage == "qualified"


@pytest.mark.parametrize("words", INVISIBLE)
def test_the_public_form_cleans_likewise(words):
    assert clean(f"Ann{words}") == "Ann"
    assert clean(words) == ""
