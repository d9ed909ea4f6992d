"""A page that was opened before others wrote undoes nothing of what they wrote, and loses nothing of what was typed."""

import re
from html import unescape

import pytest
from django.contrib import admin
from django.urls import reverse
from django.utils import timezone

from opportunities.admin.base import KeptAdmin
from opportunities.models import Contact
from opportunities.records import edit
from opportunities.stale import SeenFields
from tests.desk.test_chores import some_tasks
from tests.makers import an_opportunity

pytestmark = pytest.mark.django_db


def again(record):
    return type(record).objects.get(pk=record.pk)


def typed_in(answer) -> dict:
    """Return what the form of a page would send if nothing were touched."""
    form = answer.context["adminform"].form if "adminform" in answer.context else answer.context["form"]
    sent = dict(re.findall(r'name="(\w+-(?:TOTAL|INITIAL|MIN_NUM|MAX_NUM)_FORMS)" value="(\d+)"', answer.text))
    for bound in form:
        value = bound.value()
        widget = bound.field.widget
        if hasattr(widget, "decompress"):
            for number, part in enumerate(widget.decompress(value)):
                sent[f"{bound.html_name}_{number}"] = "" if part is None else str(part)
        elif isinstance(value, list | tuple):
            sent[bound.html_name] = value
        elif value is not None and value is not False:
            shown = bound.field.prepare_value(value)
            sent[bound.html_name] = widget.format_value(shown) if hasattr(widget, "format_value") else shown
    sent = {name: value[0] if isinstance(value, list) and len(value) == 1 else value for name, value in sent.items()}
    sent["seen"] = unescape(re.search(r'name="seen" value="([^"]*)"', answer.text).group(1))
    return {name: "" if value is None else value for name, value in sent.items()}


def small(record, *names):
    address = reverse(f"admin:opportunities_{record._meta.model_name}_fields", args=[record.pk])
    return f"{address}?{'&'.join(f'name={name}' for name in names)}"


def test_every_form_of_a_record_knows_what_its_writer_saw():
    ours = [page for page in admin.site._registry.values() if isinstance(page, KeptAdmin)]
    assert [page for page in ours if not issubclass(page.form, SeenFields)] == []


def test_what_the_writer_did_not_touch_stays_as_others_wrote_it(as_user, ada, ben):
    contact = an_opportunity(ada).decision_owner
    browser = as_user(ada)
    page = typed_in(browser.get(contact.staff_url()))
    edit(contact, by=ben, email="new@harbor.example", phone="555 0199")
    answer = browser.post(contact.staff_url(), {**page, "title": "Head of care"})
    assert answer.status_code == 302, answer.context["adminform"].form.errors
    contact = again(contact)
    assert (contact.title, contact.email, contact.phone) == ("Head of care", "new@harbor.example", "555 0199")


def test_what_both_changed_is_refused_at_its_place_and_nothing_is_lost(as_user, ada, ben):
    contact = an_opportunity(ada).decision_owner
    browser = as_user(ada)
    page = typed_in(browser.get(contact.staff_url()))
    edit(contact, by=ben, phone="555 0199", title="Owner")
    answer = browser.post(contact.staff_url(), {**page, "phone": "555 0100", "name": "Bo L. Larsen"})
    assert answer.status_code == 409
    assert again(contact).phone == "555 0199"
    (words,) = answer.context["adminform"].form.errors["phone"]
    assert "Ben changed this meanwhile. It says now: “555 0199”." in words
    assert 'value="555 0100"' in answer.text
    assert 'value="Bo L. Larsen"' in answer.text

    answer = browser.post(contact.staff_url(), typed_in(answer))
    assert answer.status_code == 302, "whoever has read it may write over it"
    contact = again(contact)
    assert (contact.phone, contact.name, contact.title) == ("555 0100", "Bo L. Larsen", "Owner")


def test_a_page_that_is_shown_again_for_another_fault_still_undoes_nothing(as_user, ada, ben):
    contact = an_opportunity(ada).decision_owner
    browser = as_user(ada)
    page = typed_in(browser.get(contact.staff_url()))
    edit(contact, by=ben, phone="555 0199")
    answer = browser.post(contact.staff_url(), {**page, "name": ""})
    assert answer.status_code == 200
    browser.post(contact.staff_url(), typed_in(answer) | {"name": "Bo"})
    contact = again(contact)
    assert (contact.name, contact.phone) == ("Bo", "555 0199")


def test_both_may_have_written_the_same(as_user, ada, ben):
    contact = an_opportunity(ada).decision_owner
    browser = as_user(ada)
    page = typed_in(browser.get(contact.staff_url()))
    edit(contact, by=ben, phone="555 0199")
    assert browser.post(contact.staff_url(), {**page, "phone": "555 0199"}).status_code == 302


def test_a_stale_page_of_a_task_keeps_its_new_owner_and_its_new_time(as_user, ada, ben):
    (task,) = some_tasks(ada, 1)
    browser = as_user(ada)
    page = typed_in(browser.get(task.staff_url()))
    later = timezone.now() + timezone.timedelta(days=9)
    again(task).change(by=ben, owner=ben, due_at=later)
    answer = browser.post(task.staff_url(), {**page, "title": "Ring them"})
    assert answer.status_code == 302, answer.context["adminform"].form.errors
    task = again(task)
    assert (task.title, task.owner, task.due_at) == ("Ring them", ben, later)


def test_a_stale_small_form_undoes_nothing_and_says_who_was_quicker(as_user, ada, ben):
    deal = an_opportunity(ada, close_risk="Their cousin builds sites.")
    browser, url = as_user(ada), small(deal, "next_action", "close_risk")
    page = typed_in(browser.get(url))
    edit(deal, by=ben, close_risk="None any more.")
    assert browser.post(url, {**page, "next_action": "Call Bo"}).status_code == 302
    deal = again(deal)
    assert (deal.next_action, deal.close_risk) == ("Call Bo", "None any more.")

    answer = browser.post(url, {**page, "next_action": "Write to Bo"})
    assert answer.status_code == 409
    assert "Ada changed this meanwhile. It says now: “Call Bo”." in answer.text
    assert "Write to Bo" in answer.text


def test_a_stale_small_form_of_a_task_is_refused_too(as_user, ada, ben):
    (task,) = some_tasks(ada, 1)
    browser, url = as_user(ada), small(task, "title", "due_at", "owner")
    page = typed_in(browser.get(url))
    again(task).change(by=ben, title="Ring them", owner=ben)
    answer = browser.post(url, {**page, "title": "Visit them"})
    assert (answer.status_code, again(task).title) == (409, "Ring them")
    assert browser.post(url, typed_in(answer)).status_code == 302
    assert (again(task).title, again(task).owner) == ("Visit them", ben)


@pytest.mark.parametrize("odd", ["", "null", "[1]", "{", '{"name": 7}', '{"nothing": "x"}', "[" * 100_000])
def test_odd_marks_never_break_the_page(as_user, ada, odd):
    contact = an_opportunity(ada).decision_owner
    page = typed_in(as_user(ada).get(contact.staff_url())) | {"seen": odd, "title": "Owner"}
    assert as_user(ada).post(contact.staff_url(), page).status_code == 302
    assert Contact.objects.get(pk=contact.pk).title == "Owner"
