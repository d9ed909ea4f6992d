"""Delivery's pages: who sees them, and what a raw POST may do."""

import pytest
from django.urls import reverse

from handoff.models import (
    ChecklistItem,
    Connector,
    Handoff,
    LaunchBlocker,
    Project,
    Promise,
    Report,
    ReportingCadence,
    ReportNote,
)
from tests.makers_handoff import a_handoff, a_won_deal


def again(record):
    return type(record).objects.get(pk=record.pk)


def move_url(record, name):
    return reverse(f"admin:handoff_{record._meta.model_name}_move", args=[record.pk, name])


@pytest.fixture
def won(ada, ben, dora):
    return a_won_deal(ada, manager=ben)


@pytest.mark.parametrize(
    "model",
    [Handoff, Promise, Project, ChecklistItem, LaunchBlocker, Connector, ReportingCadence, Report, ReportNote],
    ids=lambda model: model._meta.model_name,
)
def test_each_list_shows_delivery_its_own_and_another_team_nothing(won, dora, cem, as_user, model):
    url = reverse(f"admin:handoff_{model._meta.model_name}_changelist")

    page = as_user(dora).get(url)
    assert page.status_code == 200
    assert len(page.context["rows"]) == min(50, model.objects.count())
    assert as_user(cem).get(url).context["rows"] == []


@pytest.mark.parametrize(
    "model",
    [Handoff, Promise, Project, ChecklistItem, Connector, ReportingCadence, Report],
    ids=lambda model: model._meta.model_name,
)
def test_each_record_has_a_page_for_those_who_reach_it(won, dora, ada, cem, as_user, model):
    url = model.objects.first().staff_url()

    assert as_user(dora).get(url).status_code == 200
    assert as_user(ada).get(url).status_code == 200
    assert as_user(cem).get(url).status_code in (302, 403, 404)


def test_delivery_answers_all_promises_at_once_and_accepts(won, dora, as_user):
    handoff = won.handoffs.get()
    disputed = handoff.promises.first()
    browser = as_user(dora)
    browser.post(move_url(disputed, "dispute"), {"reason": "It does not fit."})
    browser.post(reverse("admin:handoff_handoff_accept_promises", args=[handoff.pk]))

    assert again(disputed).stage == "disputed"
    assert set(handoff.promises.exclude(pk=disputed.pk).values_list("stage", flat=True)) == {"accepted"}
    assert browser.post(move_url(handoff, "accept")).status_code == 409


def test_nobody_accepts_promises_by_a_get_or_without_the_right(won, ada, cem, dora, as_user):
    handoff = won.handoffs.get()
    url = reverse("admin:handoff_handoff_accept_promises", args=[handoff.pk])

    assert as_user(dora).get(url).status_code == 405
    assert as_user(ada).post(url).status_code == 403
    assert as_user(cem).post(url).status_code == 404
    assert not handoff.promises.exclude(stage="offered").exists()


def test_a_raw_post_makes_no_move_of_somebody_elses(won, ada, cem, as_user):
    handoff = won.handoffs.get()
    promise = handoff.promises.first()

    assert as_user(ada).post(move_url(promise, "accept")).status_code == 403
    assert as_user(cem).post(move_url(promise, "accept")).status_code == 404
    assert again(promise).stage == "offered"


def test_a_secret_is_refused_at_its_field(won, dora, as_user):
    connector = Connector.objects.first()
    words = {"holder": f"user:{dora.pk}", "secret_kept_at": "sk4f9a8b7c6d5e4f3a2b1c0d9e8f"}
    page = as_user(dora).post(move_url(connector, "grant"), words)

    assert "not the secret itself" in page.content.decode()
    assert again(connector).stage == "requested"


def test_a_blocker_is_noted_and_cleared_on_its_pages(won, dora, as_user):
    project = Project.objects.get()
    browser = as_user(dora)
    words = {"project": project.pk, "words": "Their domain expired.", "severity": "high", "owner": dora.pk}
    page = browser.post(reverse("admin:handoff_launchblocker_add"), words)
    assert page.status_code == 302
    blocker = LaunchBlocker.objects.get()
    browser.post(move_url(blocker, "clear"), {"reason": "They renewed it."})
    assert again(blocker).stage == "cleared"


def test_the_words_of_an_approved_item_are_not_typed_over(won, dora, as_user):
    item = ChecklistItem.objects.first()
    words = {"title": "Pay us at once", "who": "client", "owner": dora.pk, "offset_days": 1, "due_on": item.due_on}
    as_user(dora).post(item.staff_url(), words)

    assert again(item).title == item.title


def test_who_reads_and_reviews_is_edited_and_the_days_are_not(won, ben, dora, as_user):
    cadence = ReportingCadence.objects.get()
    words = {"frequency": "weekly", "weekday": "1", "day": "15", "time_zone": "Asia/Tokyo", "reviewer": ben.pk}
    words |= {"changes-TOTAL_FORMS": 0, "changes-INITIAL_FORMS": 0}
    page = as_user(dora).post(cadence.staff_url(), {**words, "recipients": [won.decision_owner.pk]})

    assert page.status_code == 302
    assert again(cadence).terms == cadence.terms
    assert list(cadence.recipients.all()) == [won.decision_owner]


def test_a_page_asks_for_a_bounded_number_of_rows(ada, ben, dora, as_user, django_assert_max_num_queries):
    for _ in range(2):
        a_handoff(ada, manager=ben, delivery=dora)
    browser = as_user(dora)
    for model in (Handoff, Promise, Project, ChecklistItem, Connector, Report):
        url = reverse(f"admin:handoff_{model._meta.model_name}_changelist")
        browser.get(url)
        with django_assert_max_num_queries(25):
            browser.get(url)
