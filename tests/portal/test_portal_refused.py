"""What a person sees of a refusal: a page that says what to do, which begins where something is wrong."""

import re

import pytest
from portal_makers import a_link

from portal.forms import CodeForm, InquiryForm

pytestmark = pytest.mark.django_db(transaction=True)
A_BROWSER = {"accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


def begins_at(page) -> list:
    return re.findall(r'name="(\w+)"[^>]* autofocus', page)


def test_a_refused_form_begins_at_the_first_line_that_is_wrong():
    form = InquiryForm({"name": "Marta", "email": "no address", "website": "javascript:x.y"})
    assert begins_at(form.as_p()) == ["email"]
    assert begins_at(InquiryForm({"name": "Marta", "email": "m@harbor.example", "consent": "on"}).as_p()) == []
    assert begins_at(InquiryForm().as_p()) == []


def test_so_does_one_that_is_refused_for_what_was_found_out_later():
    form = CodeForm({"code": "123456"})
    assert form.is_valid()
    form.add_error("code", CodeForm.REFUSED)
    assert begins_at(form.as_p()) == ["code"]


def test_one_form_of_a_page_says_where_it_begins(portal_client):
    link, token = a_link()
    page = portal_client.post(f"/p/{token}/open", {"stamp": "", "colleague": "1"}).content.decode()
    assert begins_at(page) == ["name"]
    portal_client.post(f"/p/{token}/open", {"stamp": ""})
    page = portal_client.post(f"/p/{token}/decline", {"digest": link.publication.digest}).content.decode()
    assert begins_at(page) == ["words"]


def test_a_person_who_sends_too_much_gets_a_page_and_a_program_a_line(portal_client):
    sent = {"email": "x" * 70_000}
    page = portal_client.post("/portal/sign-in", sent, headers=A_BROWSER)
    assert page.status_code == 413
    assert "larger than 64 kB" in page.content.decode()
    line = portal_client.post("/portal/sign-in", sent)
    assert (line.status_code, line["Content-Type"]) == (413, "text/plain")


def test_an_address_of_a_form_that_is_passed_on_leads_to_its_page(portal_client):
    _, token = a_link()
    answer = portal_client.get(f"/p/{token}/accept", headers=A_BROWSER)
    assert (answer.status_code, answer["Allow"]) == (405, "POST")
    assert 'href="./"' in answer.content.decode()
    assert answer["Cache-Control"] == "no-store"
