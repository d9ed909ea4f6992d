"""Where leads come from: the values of a link find their source, or make one."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from opportunities.models import Event, Lead, Source
from opportunities.records import begin, perform
from tests.makers import a_lead, a_worked_lead

pytestmark = pytest.mark.django_db

JUNE = {"utm_source": "Newsletter", "utm_medium": "mail", "utm_campaign": "June"}


def a_source(owner, name, **fields):
    return begin(Source(name=name, kind="campaign", **fields), by=owner)


def test_a_link_finds_its_source_whatever_its_case_and_the_most_exact_one(ada):
    a_source(ada, "All newsletters", utm_source="newsletter")
    june = a_source(ada, "June mail", utm_source="newsletter", utm_campaign="june")
    a_source(ada, "July mail", utm_source="newsletter", utm_campaign="july")
    assert Source.of_link(JUNE) == june
    assert Source.of_link({**JUNE, "utm_campaign": "August"}).name == "All newsletters"


def test_a_campaign_that_nobody_told_us_of_is_made_once_and_says_what_the_link_carried(ada):
    made = Source.of_link({**JUNE, "utm_term": "dentist"})
    assert (made.name, made.kind, made.campaign) == ("June (Newsletter / mail)", "campaign", "June")
    assert Event.objects.get(verb="source.create", record_id=made.pk).facts.values["utm_term"] == "dentist"
    assert Source.of_link({**JUNE, "utm_term": "implants"}) == made


@pytest.mark.parametrize(
    "carried", [{}, {"page": "/"}, {"utm_source": " "}, {"utm_term": "dentist"}, {"utm_source": None}]
)
def test_a_link_that_names_no_campaign_is_of_none(ada, carried):
    assert Source.of_link(carried) is None


def test_strangers_make_only_so_many_sources_a_day(ada):
    made = [Source.of_link({"utm_campaign": f"c{number}"}) for number in range(52)]
    assert made[49] is not None
    assert made[50] is made[51] is None
    assert Source.of_link({"utm_campaign": "c7"}) == made[7], "what is known is still found"


@pytest.mark.parametrize("value", ["x" * 10_000, "\u202e", "🦷" * 200, "%_'\"", "a / b (c)"])
def test_whatever_a_link_carries_breaks_nothing(ada, value):
    assert Source.of_link(dict.fromkeys(JUNE, value)) is not None


def test_two_sources_of_the_same_values_are_refused(ada, eve, ben, as_user):
    a_source(ada, "June mail", **JUNE)
    fields = {"name": "Another", "kind": "campaign", **{name: value.upper() for name, value in JUNE.items()}}
    refused = as_user(ben).post("/admin/opportunities/source/add/", fields)
    assert "Another source has the same UTM values." in refused.content.decode()
    with pytest.raises(IntegrityError), transaction.atomic():
        a_source(ada, "Another", **JUNE)


def test_its_page_shows_what_came_of_it_as_far_as_one_may_see(ada, cem, as_user, django_assert_max_num_queries):
    source = a_source(ada, "Fair")
    for number in range(15):
        a_lead(ada, name=f"Person {number:02}", source=source)
    a_lead(cem, name="Of Cem", source=source)
    browser = as_user(ada)
    with django_assert_max_num_queries(15):
        page = browser.get(source.staff_url()).content.decode()
    assert "Person 14" in page
    assert "Person 00" not in page
    assert "Of Cem" not in page


def test_a_deal_of_two_leads_of_a_source_stands_there_once_without_all_deals_being_compared(ada, as_user):
    source = a_source(ada, "Fair")
    lead = a_worked_lead(ada, source=source)
    deal = perform(lead.qualify, by=ada).opportunity
    Lead.objects.filter(pk=a_lead(ada, source=source).pk).update(opportunity=deal)
    with CaptureQueriesContext(connection) as asked:
        page = as_user(ada).get(source.staff_url())
    assert page.context["deals"] == [deal]
    assert not [query for query in asked if "SELECT DISTINCT" in query["sql"] and "_opportunity" in query["sql"]]


def test_a_source_is_valid_until_its_day(ada):
    today = timezone.localdate()
    assert Source(valid_until=today).is_valid
    assert Source().is_valid
    assert not Source(valid_until=today - timedelta(days=1)).is_valid
