"""A form that is sent twice, by a double click or after a lost answer, makes one thing."""

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from uuid import uuid4

import pytest
from django.contrib import admin
from django.db import connection
from django.test import Client as Browser
from django.urls import reverse
from django.utils import timezone

from opportunities import once
from opportunities.admin.base import KeptAdmin
from opportunities.inplace import NEW
from opportunities.models import Client, Contact, Lead, Message, Note, Objection, SavedForm, Task, UnwrittenPromise
from tests.makers import an_opportunity
from zarts.desk import due

pytestmark = pytest.mark.django_db
ADD = "/admin/opportunities/{}/add/"


def add_form(opportunity, name):
    return reverse("admin:opportunities_opportunity_new", args=[opportunity.pk, name])


def key_in(page, name="once") -> str:
    """Return the one key that a page carries."""
    [key] = re.findall(rf'name="{name}" value="([0-9a-f-]{{36}})"', page.text)
    return key


def quick(opportunity, owner):
    tomorrow = timezone.localtime(timezone.now() + timedelta(days=1)).strftime("%Y-%m-%dT%H:%M")
    bo = opportunity.decision_owner_id
    return {
        "note": (Note, {"note-kind": "call", "note-words": "They like short mails."}),
        "task": (Task, {"title": "Call Bo", "due_at": tomorrow, "owner": owner.pk, "kind": "other"}),
        "talk": (Message, {"channel": "call", "contact": bo, "subject": "Budget", "body": "Two thousand is fine."}),
        "objection": (Objection, {"objection-kind": "price", "objection-words": "Too dear."}),
        "promise": (UnwrittenPromise, {"unwrittenpromise-words": "We look at the newsletter."}),
        "contact": (Contact, {"name": "Mia", "email": "mia@x.example", "decision_role": "billing"}),
    }


ADDS = list(NEW)


# -- The small forms of an opportunity's page. -------------------------------------------------------------------------


@pytest.mark.parametrize("name", ADDS)
def test_each_add_form_of_the_page_carries_a_key_of_its_own(as_user, ada, name):
    opportunity = an_opportunity(ada)
    browser = as_user(ada)
    assert add_form(opportunity, name) in browser.get(opportunity.staff_url()).text
    shown = [key_in(browser.get(add_form(opportunity, name))) for _ in range(2)]
    assert shown[0] != shown[1]


@pytest.mark.parametrize("name", ADDS)
def test_a_small_form_that_is_sent_twice_adds_one(as_user, ada, name):
    opportunity = an_opportunity(ada)
    model, fields = quick(opportunity, ada)[name]
    browser, before = as_user(ada), model.objects.count()
    fields |= {"once": key_in(browser.get(add_form(opportunity, name)))}

    first = browser.post(add_form(opportunity, name), fields)
    again = browser.post(add_form(opportunity, name), fields, follow=True)

    assert model.objects.count() == before + 1
    assert again.redirect_chain == [(first.url, 302)]
    assert "This was saved already." in again.text


def test_a_form_that_was_refused_is_sent_again_with_its_key(as_user, ada):
    opportunity = an_opportunity(ada)
    browser, key = as_user(ada), str(uuid4())
    address, wrong = add_form(opportunity, "objection"), {"objection-kind": "price", "objection-words": "", "once": key}

    assert browser.post(address, wrong).status_code == 200
    assert not SavedForm.objects.exists()
    assert browser.post(address, wrong | {"objection-words": "Too dear."}).status_code == 302
    assert Objection.objects.count() == 1


def test_other_words_under_an_old_key_are_something_new(as_user, ada):
    """Whoever goes back to a form and writes on loses nothing."""
    opportunity = an_opportunity(ada)
    browser, key = as_user(ada), str(uuid4())
    for words in ("Too dear.", "Too slow."):
        sent = {"objection-kind": "price", "objection-words": words, "once": key}
        browser.post(add_form(opportunity, "objection"), sent)
    assert Objection.objects.count() == 2


@pytest.mark.parametrize("key", ["x" * 100_000, "\x00", "\u202e", "'; drop table"])
def test_a_key_that_is_none_breaks_nothing(as_user, ada, key):
    opportunity = an_opportunity(ada)
    for _ in range(2):
        sent = {"objection-kind": "price", "objection-words": "Too dear.", "once": key}
        assert as_user(ada).post(add_form(opportunity, "objection"), sent).status_code == 302
    assert Objection.objects.count() == 1


def test_one_persons_key_is_not_anothers(as_user, ada, ben):
    opportunity = an_opportunity(ada)
    for user in (ada, ben):
        sent = {"objection-kind": "price", "objection-words": "Too dear.", "once": "7"}
        as_user(user).post(add_form(opportunity, "objection"), sent)
    assert Objection.objects.count() == 2


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("name", ["note", "contact"])
def test_of_two_that_are_sent_at_the_same_moment_one_is_saved_and_the_other_waits_for_it(ada, name):
    opportunity = an_opportunity(ada)
    model, fields = quick(opportunity, ada)[name]
    fields |= {"once": str(uuid4())}
    before, start = model.objects.count(), Barrier(4)

    def send():
        browser = Browser()
        browser.force_login(ada)
        try:
            start.wait(10)
            answer = browser.post(add_form(opportunity, name), fields)
            return answer.status_code, answer.url, b"saved already" in browser.get(answer.url).content
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        answers = [job.result(30) for job in [pool.submit(send) for _ in range(4)]]

    assert model.objects.count() == before + 1
    assert {answer[:2] for answer in answers} == {(302, opportunity.staff_url())}
    assert [answer[2] for answer in answers].count(True) == 3


# -- Other places. -----------------------------------------------------------------------------------------------------


def test_a_note_about_a_lead_is_taken_once(as_user, ada, world):
    lead = Lead.objects.visible_to(ada).first()
    address, browser = reverse("admin:opportunities_lead_note", args=[lead.pk]), as_user(ada)
    before = Note.objects.count()
    sent = {"note-kind": "note", "note-words": "Calls on Friday.", "once": key_in(browser.get(address))}
    for _ in range(2):
        assert browser.post(address, sent).url == lead.staff_url()
    assert Note.objects.count() == before + 1


def test_a_record_of_an_add_page_is_made_once_and_the_second_time_leads_to_it(as_user, ben):
    browser = as_user(ben)
    fields = {"name": "Harbor Dental", "time_zone": "UTC", "owner": ben.pk}
    fields |= {"once": key_in(browser.get(ADD.format("client")))}

    first = browser.post(ADD.format("client"), fields)
    again = browser.post(ADD.format("client"), fields, follow=True)

    assert Client.objects.count() == 1
    assert first.url == Client.objects.get().staff_url() == again.redirect_chain[0][0]
    assert "This was saved already." in again.text


def test_a_lead_that_is_sent_twice_is_not_taken_for_its_own_double(as_user, ada):
    browser = as_user(ada)
    arrived = {"arrived_at_0": "2026-01-05", "arrived_at_1": "10:00"}
    fields = {"name": "Bo Larsen", "email": "bo@x.example", "owner": ada.pk, "next_action": "Call", **arrived}
    fields |= {"once": key_in(browser.get(ADD.format("lead")))}
    for _ in range(2):
        answer = browser.post(ADD.format("lead"), fields)
        assert answer.status_code == 302, answer.context["errors"]
    assert Lead.objects.count() == 1


def test_every_add_page_carries_a_key(as_user, eve, ben, subtests):
    tried = 0
    for user in (eve, ben):
        browser = as_user(user)
        for model, page in admin.site._registry.items():
            if not isinstance(page, KeptAdmin) or model._meta.model_name == "import":
                continue
            address = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_add")
            answer = browser.get(address)
            if answer.status_code == 200:
                tried += 1
                with subtests.test(model._meta.label):
                    assert key_in(answer)
    assert tried > 15


def test_what_is_added_in_the_window_of_a_picker_is_made_once(as_user, ben):
    browser, address = as_user(ben), ADD.format("client")
    fields = {"name": "Harbor Dental", "time_zone": "UTC", "owner": ben.pk, "_popup": "1", "once": str(uuid4())}
    assert "popup_response" in browser.post(f"{address}?_popup=1", fields).template_name[-1]
    assert "This was saved already." in browser.post(f"{address}?_popup=1", fields, follow=True).text
    assert Client.objects.count() == 1


# -- The writing screen. -----------------------------------------------------------------------------------------------


def the_writing_screen(ada):
    discovery = an_opportunity(ada, stage="discovery").discoveries.get()
    return discovery, reverse("admin:opportunities_discovery_change", args=[discovery.pk])


def test_what_is_heard_is_added_once_whichever_button_sends_it_again(as_user, ada):
    """An answer that is lost leaves the words in the form: saving the whole page then adds them no second time."""
    discovery, address = the_writing_screen(ada)
    browser = as_user(ada)
    page = browser.get(address)
    [seen] = re.findall(r'name="seen" value="([^"]*)"', page.text)
    seen = seen.replace("&quot;", '"')
    sent = {name: key_in(page, name) for name in ("note-once", "objection-once", "unwrittenpromise-once")}
    sent |= {"note-kind": "note", "note-words": "Calls on Friday.", "heard": "note"}
    whole = {"seen": seen, "pain_points": "No calls.", "next_action": "Ask", "owner": ada.pk} | sent

    first = browser.post(address, sent, headers={"X-Requested-With": "staff.js"})
    assert "Added: Note" in first.text
    assert key_in(first, "note-once") != sent["note-once"]
    again = browser.post(address, sent, headers={"X-Requested-With": "staff.js"})
    assert "Saved already: note." in again.text
    for _ in range(2):
        assert "Saved. Saved already: note." in browser.post(address, whole, follow=True).text
    assert Note.objects.count() == 1


# -- What is kept of it. -----------------------------------------------------------------------------------------------


def test_marks_are_forgotten_after_some_days():
    old = timezone.now() - once.KEPT - timedelta(minutes=1)
    SavedForm.objects.create(mark="old", at=old)
    SavedForm.objects.create(mark="new")
    due.run()
    assert [form.mark for form in SavedForm.objects.all()] == ["new"]
