"""Templates: written on one page, versioned, refused at the field, shown as the mail will be read."""

import re

import pytest
from django.urls import reverse

from opportunities.models import Message, MessageTemplate, TemplateVersion
from opportunities.records import Refused, begin, edit
from tests.makers import an_opportunity

pytestmark = pytest.mark.django_db
ADD = "/admin/opportunities/messagetemplate/add/"
WORDS = {"name": "After the call", "purpose": "transactional", "subject": "Thank you, {contact.first_name}"}
WORDS["body"] = "It was good to talk. Next: {opportunity.next_step}."


def written(browser, **fields):
    return browser.post(ADD, {**WORDS, "do": "save", **fields})


def a_template(by, **fields):
    template = begin(MessageTemplate(name=fields.pop("name", "After the call")), by=by)
    template.revise(fields.pop("subject", "Hello"), fields.pop("body", "Good morning."), by=by)
    return template


def test_a_template_is_written_and_other_words_are_another_version(as_user, ben):
    browser = as_user(ben)
    assert written(browser).status_code == 302
    template = MessageTemplate.objects.get()
    same = {**WORDS, "do": "save", "seen": 1}
    assert browser.post(template.staff_url(), {**same, "name": "After a call"}).status_code == 302
    assert template.versions.count() == 1, "another name is no other version"
    browser.post(template.staff_url(), {**same, "body": "It was very good to talk."})
    assert list(template.versions.order_by("number").values_list("number", "author")) == [(1, ben.pk), (2, ben.pk)]

    text = browser.get(template.staff_url(), {"compare": 1}).text
    assert re.search(r"<ins>\s*very\s*</ins>", text)
    assert "Version 1" in text


def test_who_wrote_each_version_is_said_to_whoever_reads_it(as_user, ada, ben):
    template = a_template(ben)
    text = as_user(ada).get(template.staff_url()).text
    assert "Good morning." in text
    assert str(ben) in text
    assert 'name="body"' not in text
    assert as_user(ada).post(template.staff_url(), {**WORDS, "do": "save"}).status_code == 403


@pytest.mark.parametrize(
    ("field", "words", "said"),
    [
        ("body", "Hello {contact.nickname}", "Take out {contact.nickname}: there is no such field."),
        ("subject", "Hello {nobody}", "Take out {nobody}: there is no such field."),
        ("body", "Hello {contact.name", "Take out the single brace"),
        ("body", "Our gross margin is good.", "Take out “gross margin”"),
        ("subject", "An internal word", "Take out “internal”"),
        ("body", "We double your bookings.", "Make a claim with evidence of “double”"),
        ("body", "Write to mia@elsewhere.example.", "Take out “mia@elsewhere.example"),
    ],
)
def test_what_a_client_must_not_read_is_refused_at_its_field(as_user, ben, field, words, said):
    answer = written(as_user(ben), **{field: words})
    assert answer.status_code == 422
    assert any(said in reason for reason in answer.context["form"].errors[field]), answer.context["form"].errors
    assert not MessageTemplate.objects.exists(), "nothing half-made stays"


def test_no_way_around_the_page_writes_such_words(ben):
    template = begin(MessageTemplate(name="Hello"), by=ben)
    with pytest.raises(Refused, match="margin"):
        template.revise("Hello", "Our margin is good.", by=ben)
    assert not TemplateVersion.objects.exists()


def test_our_own_address_may_stand_in_a_template(as_user, ben):
    assert written(as_user(ben), body=f"Write to {ben.email}.").status_code == 302


def test_the_name_of_another_template_is_refused_at_the_field(as_user, ben):
    a_template(ben)
    answer = written(as_user(ben), name="after THE call")
    assert "Choose another name" in str(answer.context["form"].errors["name"])


def test_nobody_writes_over_a_version_that_they_have_not_seen(as_user, ben):
    template = a_template(ben)
    template.revise("Hello", "Good evening.", by=ben)
    answer = as_user(ben).post(template.staff_url(), {**WORDS, "do": "save", "seen": 1})
    assert "meanwhile" in str(answer.context["form"].errors)
    assert template.versions.count() == 2


def test_the_mail_is_shown_for_a_real_deal_as_it_will_be_read(as_user, ada, ben):
    opportunity = an_opportunity(ada)
    browser = as_user(ben)
    answer = browser.post(ADD, {**WORDS, "do": "preview", "shown_with": opportunity.pk})
    seen = answer.context["seen"]
    assert seen.subject == "Thank you, Bo"
    assert seen.sender.startswith(f"{ben} <")
    assert seen.to == f"Bo Larsen <{opportunity.decision_owner.email}>"
    assert seen.body == f"It was good to talk. Next: {opportunity.next_action.rstrip('.')}."
    assert not MessageTemplate.objects.exists(), "looking at it saves nothing"


def test_what_is_empty_for_this_reader_is_said_loudly_in_the_preview_and_does_not_stop_the_saving(as_user, ada, ben):
    opportunity = an_opportunity(ada)
    answer = as_user(ben).post(ADD, {**WORDS, "body": "To the {contact.title}", "do": "preview"})
    assert [lack.url for lack in answer.context["seen"].lacks] == [opportunity.decision_owner.staff_url()]
    assert "{contact.title}" in answer.text
    assert 'role="alert"' in answer.text
    assert written(as_user(ben), body="To the {contact.title}").status_code == 302


def test_the_newest_deal_that_one_sees_is_shown_and_nobody_elses(as_user, ada, ben, cem):
    mine = an_opportunity(ada)
    others = an_opportunity(cem)
    template = a_template(ben)
    assert as_user(ada).get(template.staff_url()).context["shown_with"] == mine
    assert as_user(ada).get(template.staff_url(), {"with": others.pk}).context["shown_with"] == mine
    assert as_user(cem).get(template.staff_url()).context["shown_with"] == others


def test_marketing_says_so_and_shows_its_way_out(as_user, ada, ben):
    an_opportunity(ada)
    seen = as_user(ben).post(ADD, {**WORDS, "purpose": "marketing", "do": "preview"}).context["seen"]
    assert seen.said.startswith("Marketing")
    assert f"Stop it here: {Message.LINK}" in seen.body
    assert "/stop/" not in seen.body, "it would lead nowhere"


@pytest.mark.parametrize("odd", ["", "\x00", "x" * 300, "9" * 40, "-1"])
def test_odd_input_gets_a_sentence_and_never_breaks_the_page(as_user, ben, odd):
    browser, template = as_user(ben), a_template(ben)
    for do in ("save", "preview", odd):
        fields = dict.fromkeys(("name", "purpose", "subject", "shown_with", "seen"), odd) | {"body": odd, "do": do}
        assert browser.post(template.staff_url(), fields).status_code in (200, 302, 422)
    assert browser.get(template.staff_url(), {"with": odd, "compare": odd}).status_code == 200


def test_the_fields_stand_beside_the_editor_with_what_they_mean(as_user, ben):
    text = as_user(ben).get(ADD).text
    assert 'data-field="contact.first_name"' in text
    assert "Their first name" in text


def test_the_page_asks_a_bounded_number_of_questions(as_user, ada, ben, django_assert_max_num_queries):
    an_opportunity(ada)
    template = a_template(ben)
    for number in range(20):
        template.revise("Hello", f"Good morning {number}.", by=ben)
    browser = as_user(ben)
    with django_assert_max_num_queries(22):
        browser.get(template.staff_url())


def test_a_template_that_was_taken_out_of_use_keeps_its_page(as_user, ben):
    template = a_template(ben)
    edit(template, by=ben, purpose="marketing")
    move = reverse("admin:opportunities_messagetemplate_move", args=[template.pk, "retire"])
    assert as_user(ben).post(move).status_code == 302
    assert as_user(ben).get(template.staff_url()).status_code == 200
