"""The fields of a template: only those of the table, filled for one contact, loud when something is empty."""

from datetime import timedelta

import pytest
from django.utils import timezone

from opportunities import filling, followups
from opportunities.models import Message, MessageTemplate, Source, Task
from opportunities.records import Refused, begin, edit
from tests.makers import an_opportunity

pytestmark = pytest.mark.django_db


def a_version(by, body="Good morning {contact.first_name}, it is {today}.", subject="A word for {client.name}"):
    template = begin(MessageTemplate(name=f"Template {MessageTemplate.objects.count()}"), by=by)
    return template.revise(subject, body, by=by)


def filled(version, opportunity, owner):
    return filling.fill(version, contact=opportunity.decision_owner, owner=owner, opportunity=opportunity)


def test_every_field_is_described_and_reads_a_value_or_says_where_it_is_mended(ada):
    facts = filling.Facts(an_opportunity(ada).decision_owner, ada)
    for name, field in filling.FIELDS.items():
        assert field.description, name
        assert filling.value_of(name, facts) or field.mend(facts).startswith("/admin/"), name


def test_a_template_is_filled_for_one_contact(ada):
    opportunity = an_opportunity(ada)
    subject, body = filled(a_version(ada), opportunity, ada)
    assert subject == f"A word for {opportunity.client}"
    assert body.startswith("Good morning Bo, it is ")


def test_an_empty_field_is_refused_with_the_page_that_mends_it(ada):
    opportunity = an_opportunity(ada)
    contact = opportunity.decision_owner
    version = a_version(ada, "To the {contact.title}: {proposal.number} until {proposal.valid_until}.")
    with pytest.raises(Refused) as refusal:
        filled(version, opportunity, ada)
    assert [lack.url for lack in refusal.value.lacks] == [
        contact.staff_url(),
        opportunity.staff_url("proposals"),
        opportunity.staff_url("proposals"),
    ]
    assert "{contact.title}" in refusal.value.reasons[0]
    edit(contact, by=ada, title="Owner")
    with pytest.raises(Refused) as refusal:
        filled(version, an_opportunity_again(opportunity), ada)
    assert len(refusal.value.lacks) == 2


def an_opportunity_again(opportunity):
    return type(opportunity).objects.get(pk=opportunity.pk)


@pytest.mark.parametrize(
    "text",
    [
        "{contact.__class__}",
        "{contact.client.owner.password}",
        "{owner.password}",
        "{0}",
        "{}",
        "{contact}",
        "{contact.first_name!r}",
        "{contact.first_name:>9}",
        "{ contact.first_name }",
        "{settings.SECRET_KEY}",
    ],
)
def test_no_trick_with_braces_reaches_anything(ada, text):
    assert filling.faults_in(text) == [f"Take out {text}: there is no such field."]
    with pytest.raises(Refused):
        filled(a_version(ada, f"Hello {text}"), an_opportunity(ada), ada)


@pytest.mark.parametrize("text", ["Hello {", "Hello }", "{{contact.name}}", "{contact.name", "{contact.\nname}"])
def test_a_single_brace_is_refused(text):
    assert filling.faults_in(text)[-1].startswith("Take out the single brace")


def test_a_value_brings_no_field_along(ada):
    opportunity = edit(an_opportunity(ada), by=ada, name="{owner.mail} {contact.name}")
    assert filled(a_version(ada, "{opportunity.name}"), opportunity, ada)[1] == "(owner.mail) (contact.name)"


def test_a_subject_that_comes_out_too_long_is_refused(ada):
    opportunity = edit(an_opportunity(ada), by=ada, name="A" * 150)
    with pytest.raises(Refused, match="Shorten the subject"):
        filled(a_version(ada, "Hello", "{opportunity.name} and {opportunity.name}"), opportunity, ada)


def test_a_follow_up_whose_template_has_an_empty_field_pauses_and_says_which(ada, mail_server):
    """At the moment of sending: nothing goes, nothing half-written stays, the task says what to do."""
    catcher, opportunity = mail_server(), an_opportunity(ada)
    version = a_version(ada, "To the {contact.title}.")
    contact = opportunity.decision_owner
    task = Task(opportunity=opportunity, contact=contact, template=version.template, owner=ada, title="Write")
    task.due_at = timezone.now() - timedelta(minutes=1)
    task = begin(task, by=ada)
    followups.take_touches()
    task = Task.objects.get(pk=task.pk)
    assert (task.stage, Message.objects.count(), catcher.got) == ("paused", 0, [])
    assert "{contact.title}" in task.paused_because

    edit(contact, by=ada, title="Owner")
    followups.send_due()
    followups.send_due()
    message = Message.objects.get()
    assert (message.body, message.template_version, message.stage) == ("To the Owner.", version, "sent")


def test_a_follow_up_with_words_that_only_we_may_read_pauses_and_leaves_no_mail(ada):
    opportunity = an_opportunity(ada)
    words = {"subject": "Our offer", "words": "Our margin allows it."}
    task = Task(opportunity=opportunity, contact=opportunity.decision_owner, owner=ada, title="Write", **words)
    task.due_at = timezone.now() - timedelta(minutes=1)
    task = begin(task, by=ada)
    followups.take_touches()
    task = Task.objects.get(pk=task.pk)
    assert (task.stage, Message.objects.count()) == ("paused", 0)
    assert "margin" in task.paused_because


def a_touch(owner, template, opportunity):
    task = Task(opportunity=opportunity, contact=opportunity.decision_owner, template=template, owner=owner)
    task.title, task.due_at = "Write", timezone.now() - timedelta(minutes=1)
    return begin(task, by=owner)


def test_a_touch_whose_field_is_empty_leads_to_it_and_goes_on_at_once_when_it_is_filled(ada, mail_server):
    mail_server()
    opportunity = an_opportunity(ada)
    task = a_touch(ada, a_version(ada, "Yours, {owner.name}, {owner.title}").template, opportunity)
    followups.send_due()
    task = Task.objects.get(pk=task.pk)
    assert (task.stage, task.get_waits_for_display(), task.mend_url) == ("paused", "Words of the mail", ada.staff_url())
    (resume,) = [move for move in task.moves_for(ada) if move.name == "resume"]
    assert [lack.url for lack in resume.lacks] == [ada.staff_url()]
    edit(ada, by=ada, title="Director")
    followups.send_due()
    assert Task.objects.get(pk=task.pk).stage == "done"


def test_a_touch_whose_template_has_no_words_goes_on_when_they_are_written(ada, ben, mail_server):
    mail_server()
    template = begin(MessageTemplate(name="Bare", purpose="transactional"), by=ben)
    task = a_touch(ada, template, an_opportunity(ada))
    followups.send_due()
    assert Task.objects.get(pk=task.pk).mend_url == template.staff_url("id_body")
    template.revise("Hello", "Hello {contact.first_name}.", by=ben)
    followups.send_due()
    assert Task.objects.get(pk=task.pk).stage == "done"


def test_a_touch_goes_on_when_its_lead_came_from_elsewhere(ada, mail_server):
    mail_server()
    opportunity = an_opportunity(ada)
    over = begin(Source(name="Old list", valid_until=timezone.localdate() - timedelta(days=2)), by=ada)
    lead = edit(opportunity.leads.get(), by=ada, source=over)
    task = a_touch(ada, a_version(ada, "Hello.").template, opportunity)
    followups.send_due()
    assert Task.objects.get(pk=task.pk).mend_url == over.staff_url()
    edit(lead, by=ada, source=begin(Source(name="A friend"), by=ada))
    followups.send_due()
    assert Task.objects.get(pk=task.pk).stage == "done"
