"""How soon somebody who asked heard from us, and what is late."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from opportunities import firstresponse
from opportunities.models import Event, Lead, Message
from opportunities.records import begin, perform
from tests.makers import a_lead, an_opportunity

pytestmark = pytest.mark.django_db

LATE = timedelta(hours=25)


def now(record):
    return type(record).objects.get(pk=record.pk)


def an_old_lead(owner, age=LATE, **fields):
    return a_lead(owner, arrived_at=timezone.now() - age, **fields)


def a_message(opportunity, owner, **fields):
    fields = {"purpose": "transactional", "subject": "Hello", "body": "Hello", "stage": "draft", **fields}
    contact = opportunity.decision_owner
    message = Message(client=opportunity.client, opportunity=opportunity, contact=contact, owner=owner, **fields)
    return begin(message, by=owner)


def test_a_lead_is_owed_an_answer_within_a_day_and_then_it_is_late(ada):
    fresh, old = a_lead(ada), an_old_lead(ada)
    assert list(firstresponse.overdue(Lead.objects.all())) == [old]
    assert list(firstresponse.waiting(Lead.objects.all())) == [fresh]
    assert firstresponse.until(firstresponse.owed_by(old)) == "1 hour late"
    assert firstresponse.until(firstresponse.owed_by(fresh)).startswith("In 23 hours")


def test_what_came_by_a_file_or_is_closed_is_owed_nothing(ada):
    an_old_lead(ada, external_ref="row-1")
    perform(an_old_lead(ada).disqualify, by=ada, reason="Spam.")
    assert not firstresponse.overdue(Lead.objects.all()).exists()


def test_starting_to_work_stops_the_clock_when_nothing_else_did(ada):
    lead = perform(an_old_lead(ada, age=timedelta(hours=5)).work, by=ada)
    assert (lead.answered_how, firstresponse.took(lead)) == ("work", "5 hours")


def test_a_call_with_them_and_mail_that_went_out_are_answers_and_the_first_one_counts(ada):
    opportunity = an_opportunity(ada)
    lead = an_old_lead(ada, email=opportunity.decision_owner.email.upper(), age=timedelta(minutes=40))
    draft = a_message(opportunity, ada, channel="mail")
    assert now(lead).answered_at is None, "what is only written reached nobody"
    perform(a_message(opportunity, ada, channel="call").receive, by=None)
    answered = now(lead)
    assert (answered.answered_how, firstresponse.took(answered)) == ("call", "40 minutes")
    assert Event.objects.get(verb="lead.answer", record_id=lead.pk).facts.values["by"] == "call"
    perform(now(lead).work, by=ada)
    assert now(lead).answered_how == "call"
    assert draft.stage == "draft"


def test_mail_that_they_sent_us_is_no_answer_of_ours(ada):
    opportunity = an_opportunity(ada)
    lead = an_old_lead(ada, email=opportunity.decision_owner.email)
    perform(a_message(opportunity, ada, channel="mail").receive, by=None)
    assert now(lead).answered_at is None


def answer(browser, lead, **fields):
    fields = {"how": "call", "at": timezone.localtime().strftime("%Y-%m-%dT%H:%M"), **fields}
    return browser.post(reverse("admin:opportunities_lead_answer", args=[lead.pk]), fields)


def test_an_answer_is_written_down_on_the_leads_page(ada, as_user):
    lead = an_old_lead(ada)
    browser = as_user(ada)
    assert "Overdue since" in browser.get(lead.staff_url()).content.decode()
    at = timezone.localtime() - timedelta(hours=3)
    assert answer(browser, lead, at=at.strftime("%Y-%m-%dT%H:%M"), words="They call back.").status_code == 302
    assert firstresponse.took(now(lead)) in ("21 hours", "22 hours")
    page = browser.get(lead.staff_url()).content.decode()
    assert "They call back." in page
    assert "Overdue since" not in page


@pytest.mark.parametrize(
    ("fields", "field", "said"),
    [
        ({"at": "2150-01-01T10:00"}, "at", "a time that has passed"),
        ({"at": "1999-01-01T10:00"}, "at", "after the lead arrived"),
        ({"at": "0001-01-01T00:00"}, "at", "Check the year"),
        ({"at": "soon"}, "at", "Choose a day and a time"),
        ({"at": ""}, "at", "Fill this in."),
        ({"how": "pigeon"}, "how", "Choose one from the list."),
        ({"words": "x" * 1_000_000}, "words", "4000"),
        ({"words": "a\0b"}, "words", "Remove what is no letter here"),
    ],
)
def test_an_answer_that_cannot_be_is_refused_at_its_field(ada, as_user, fields, field, said):
    lead = an_old_lead(ada)
    refused = answer(as_user(ada), lead, **fields)
    assert refused.status_code == 422
    assert said in str(refused.context["form"].errors[field])
    assert now(lead).answered_at is None


def test_the_list_finds_what_is_overdue_and_today_shows_it_first(ada, as_user):
    a_lead(ada, name="Fresh Person")
    an_old_lead(ada, name="Late Person", age=timedelta(days=9))
    browser = as_user(ada)
    late = browser.get(reverse("admin:opportunities_lead_changelist"), {"answer": "overdue"}).content.decode()
    assert "Late Person" in late
    assert "Fresh Person" not in late
    assert "8 days late" in late
    today = browser.get("/admin/today/").content.decode()
    assert "8 days late" in today.lower()
    assert today.index("Late Person") < today.index("Fresh Person")
    assert browser.get(reverse("admin:opportunities_lead_changelist"), {"answer": "\0x"}).status_code == 200


def test_what_is_overdue_is_asked_of_an_index(ada, plan_of):
    overdue = firstresponse.overdue(Lead.objects.filter(owner=ada))
    assert "lead_unanswered" in plan_of(*overdue.query.sql_with_params())


def test_the_pages_ask_the_same_of_one_lead_and_of_fifty(ada, as_user, django_assert_max_num_queries):
    browser = as_user(ada)
    for count in (1, 49):
        for number in range(count):
            an_old_lead(ada, name=f"Person {count} {number}", company="Harbor Dental")
        with django_assert_max_num_queries(12):
            browser.get(reverse("admin:opportunities_lead_changelist"), {"answer": "overdue"})
        with django_assert_max_num_queries(15):
            browser.get(Lead.objects.order_by("pk").first().staff_url())
