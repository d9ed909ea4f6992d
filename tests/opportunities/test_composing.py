"""Writing one mail: to somebody at this client, seen as it will be read, kept or sent; and what was talked."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from opportunities import optout, outbox, panels, sequences
from opportunities.models import Consent, Contact, Message, MessageTemplate, Note, Task
from opportunities.records import Refused, begin, edit, perform
from tests.makers import an_opportunity
from tests.makers_proposals import a_proposal
from tests.makers_series import a_sequence, agree

pytestmark = pytest.mark.django_db


def write_url(opportunity, **query):
    return reverse("admin:opportunities_opportunity_write", args=[opportunity.pk], query=query or None)


def letter(opportunity, **fields):
    words = {"subject": "Tuesday", "body": "Shall we say nine?", "purpose": "transactional", "template": ""}
    return {"contact": opportunity.decision_owner_id, "do": "send", **words, **fields}


def wrong(answer, field) -> str:
    return str(answer.context["form"].errors.get(field, ""))


def reasons(answer) -> list:
    return [lack.words for lack in answer.context["seen"].lacks]


def in_stage(owner, opportunity, stage, **fields):
    """A mail of ours that came as far as this."""
    words = {"subject": "Tuesday", "body": "Shall we say nine?"} | fields
    contact = opportunity.decision_owner
    about = {"client": opportunity.client, "opportunity": opportunity, "contact": contact, "owner": owner}
    message = begin(Message(**about, **words), by=owner, past="wrote")
    if stage == "draft":
        return message
    message = perform(message.queue, by=owner)
    if stage == "queued":
        return message
    if stage == "held":
        return perform(message.hold, by=owner, reason="Wait for Bo.")
    message = perform(message.start_sending, by=None)
    if stage == "failed":
        return perform(message.fail, by=None, reason="No such mailbox.", attempt=1)
    return perform(message.doubt, by=None, reason="No answer.", attempt=1)


# -- Writing. ----------------------------------------------------------------------------------------------------------


def test_a_mail_goes_from_the_page_through_the_mail_server_as_it_was_shown(as_user, ada, mail_server):
    catcher, opportunity = mail_server(), an_opportunity(ada)
    browser = as_user(ada)
    fields = letter(opportunity, body="Good morning {contact.first_name}, shall we say nine?")
    seen = browser.post(write_url(opportunity), {**fields, "do": "preview"}).context["seen"]
    assert not Message.objects.exists(), "to look at it sends nothing, and keeps nothing"
    assert browser.post(write_url(opportunity), fields).status_code == 302
    outbox.run()
    (mail,) = catcher.got
    words = mail.content.decode()
    assert seen.body == "Good morning Bo, shall we say nine?"
    assert seen.body in words.replace("\r\n", "\n")
    assert f"Subject: {seen.subject}" in words
    message = Message.objects.get()
    assert (message.stage, message.opportunity, message.owner) == ("sent", opportunity, ada)


def test_a_mail_can_be_written_now_to_go_at_a_time(as_user, ada, mail_server):
    catcher, opportunity, browser = mail_server(), an_opportunity(ada), as_user(ada)
    time = timezone.localtime(timezone.now() + timedelta(hours=3)).replace(second=0, microsecond=0)
    fields = letter(opportunity, go_at=time.strftime("%Y-%m-%dT%H:%M"))
    assert browser.post(write_url(opportunity), {**fields, "do": "preview"}).context["seen"].goes_at == time
    browser.post(write_url(opportunity), {**fields, "do": "save"})
    draft = reverse("admin:opportunities_message_write", args=[Message.objects.get().pk])
    assert browser.get(draft).context["form"]["go_at"].value() == time.replace(tzinfo=None), "a draft remembers it"
    browser.post(draft, fields)
    outbox.run()
    message = Message.objects.get()
    assert (message.stage, message.go_at, catcher.got) == ("queued", time, [])
    assert "Queued: it goes at" in browser.get(message.staff_url()).text
    Message.objects.update(go_at=timezone.now())
    outbox.run()
    assert len(catcher.got) == 1


def test_a_mail_of_yesterday_is_refused_and_a_draft_forgets_a_time_that_has_passed(as_user, ada):
    opportunity, browser = an_opportunity(ada), as_user(ada)
    answer = browser.post(write_url(opportunity), letter(opportunity, go_at="2001-01-01T10:00"))
    assert "still to come" in wrong(answer, "go_at")
    draft = in_stage(ada, opportunity, "draft", go_at=timezone.now() - timedelta(days=1))
    page = browser.get(reverse("admin:opportunities_message_write", args=[draft.pk]))
    assert page.context["form"]["go_at"].value() is None
    assert perform(draft.queue, by=ada).go_at > timezone.now() - timedelta(minutes=1)


def test_a_held_mail_says_beside_its_button_what_it_waits_for(as_user, ada):
    opportunity = an_opportunity(ada)
    contact = opportunity.decision_owner
    consent = begin(Consent(contact=contact, purpose="marketing", text_version="1", source="Said so"), by=ada)
    message = in_stage(ada, opportunity, "queued", purpose="marketing")
    consent.withdraw(by=ada, reason="No more.")
    outbox.run()
    message = Message.objects.get(pk=message.pk)
    (send,) = (move for move in message.moves_for(ada) if move.name == "queue")
    day = timezone.localtime(Consent.objects.get(pk=consent.pk).withdrawn_at)
    assert [(lack.words, lack.url) for lack in send.lacks] == [
        (f"Bo Larsen stopped marketing mail on {day.day} {day:%b %Y}.", contact.staff_url())
    ]
    with pytest.raises(Refused, match="stopped marketing mail"):
        perform(message.queue, by=ada)
    begin(Consent(contact=contact, purpose="marketing", text_version="2", source="Said so again"), by=ada)
    assert perform(message.queue, by=ada).stage == "queued"


def test_a_draft_is_kept_gone_on_with_and_sent(as_user, ada):
    opportunity, browser = an_opportunity(ada), as_user(ada)
    browser.post(write_url(opportunity), letter(opportunity, do="save"))
    draft = Message.objects.get()
    assert draft.stage == "draft"
    address = reverse("admin:opportunities_message_write", args=[draft.pk])
    assert "Shall we say nine?" in browser.get(address).text
    assert browser.post(address, letter(opportunity, body="Shall we say ten?", do="send")).status_code == 302
    message = Message.objects.get()
    assert (message.stage, message.body) == ("queued", "Shall we say ten?")
    pressed_twice = letter(opportunity, body="Shall we say ten?", do="send")
    assert browser.post(address, pressed_twice).status_code == 302, "it is told, and nothing changes"
    other = browser.post(address, letter(opportunity))
    assert (other.status_code, "Shall we say nine?" in other.text) == (409, True), "what was typed is shown"
    assert Message.objects.get().body == "Shall we say ten?"


def test_the_same_form_sent_twice_sends_one_mail(as_user, ada):
    opportunity, browser = an_opportunity(ada), as_user(ada)
    for _ in range(2):
        browser.post(write_url(opportunity), {**letter(opportunity), "once": "one-key"})
    assert Message.objects.count() == 1


def test_the_words_of_a_template_come_in_filled_and_the_version_is_kept(as_user, ada, ben):
    opportunity, browser = an_opportunity(ada), as_user(ada)
    template = begin(MessageTemplate(name="After the call", purpose="contractual"), by=ben)
    version = template.revise("Thank you", "Good morning {contact.first_name}.", by=ben)
    answer = browser.post(write_url(opportunity), letter(opportunity, template=template.pk, do="use"))
    form = answer.context["form"]
    assert [form[name].value() for name in ("subject", "body", "purpose")] == [
        "Thank you",
        "Good morning Bo.",
        "contractual",
    ]
    browser.post(write_url(opportunity), letter(opportunity, template=template.pk, body="Good morning Bo."))
    assert Message.objects.get().template_version == version


def test_an_empty_field_is_said_at_the_preview_and_nothing_goes(as_user, ada):
    opportunity, browser = an_opportunity(ada), as_user(ada)
    fields = letter(opportunity, body="To the {contact.title}.")
    for do in ("preview", "send"):
        answer = browser.post(write_url(opportunity), {**fields, "do": do})
        assert "{contact.title}" in reasons(answer)[0]
        assert answer.context["seen"].lacks[0].url == opportunity.decision_owner.staff_url()
    assert not Message.objects.exists()

    browser.post(write_url(opportunity), {**fields, "do": "save"})
    draft = Message.objects.get()
    with pytest.raises(Refused, match="contact.title"):
        perform(draft.queue, by=ada)


def test_all_that_is_wrong_with_a_mail_is_said_at_once(as_user, ada):
    opportunity = an_opportunity(ada)
    body = "Hello {contact.title} and {nonsense}, our margin allows it."
    said = reasons(as_user(ada).post(write_url(opportunity), letter(opportunity, body=body)))
    assert [words[:12] for words in said] == ["Fill in what", "Take out {no", "Take out “ma"]
    assert not Message.objects.exists()


def test_a_field_that_there_is_not_is_refused(as_user, ada):
    opportunity = an_opportunity(ada)
    answer = as_user(ada).post(write_url(opportunity), letter(opportunity, body="Hello {contact.password}"))
    assert reasons(answer) == ["Take out {contact.password}: there is no such field."]


def test_only_who_is_at_this_client_and_can_be_reached_gets_mail(as_user, ada):
    opportunity, other = an_opportunity(ada), an_opportunity(ada)
    silent = begin(Contact(client=opportunity.client, name="Mia"), by=ada)
    gone = begin(Contact(client=opportunity.client, name="Tom", email="tom@x.example"), by=ada)
    gone.leave(timezone.localdate(), by=ada)
    for contact in (other.decision_owner, silent, gone):
        answer = as_user(ada).post(write_url(opportunity), letter(opportunity, contact=contact.pk))
        assert "Choose somebody at this client" in wrong(answer, "contact")
    assert not Message.objects.exists()


def test_marketing_without_consent_is_refused_with_the_page_that_records_it(as_user, ada):
    opportunity, browser = an_opportunity(ada), as_user(ada)
    contact = opportunity.decision_owner
    answer = browser.post(write_url(opportunity), letter(opportunity, purpose="marketing"))
    assert answer.status_code == 422
    (lack,) = answer.context["seen"].lacks
    assert "agreed to marketing mail" in lack.words
    assert f"contact={contact.pk}&purpose=marketing" in lack.url
    begin(Consent(contact=contact, purpose="marketing", text_version="1", source="Said so"), by=ada)
    assert browser.post(write_url(opportunity), letter(opportunity, purpose="marketing")).status_code == 302


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("Our margin allows it.", "Take out “margin”"),
        ("You will double your bookings.", "Make a claim with evidence of “double”"),
        ("Ask mia@elsewhere.example about it.", "Take out “mia@elsewhere.example"),
        (
            "As you know, their own developer is leaving in spring and nobody has his password.",
            "Say “their own developer is leaving in spring and nobody",
        ),
    ],
)
def test_what_only_we_may_read_is_refused_wherever_a_mail_is_written(as_user, ada, words, said):
    opportunity, browser = an_opportunity(ada), as_user(ada)
    Note.take(opportunity, "Their own developer is leaving in spring and nobody knows.", by=ada, kind="call")
    answer = browser.post(write_url(opportunity), letter(opportunity, body=words))
    assert said in reasons(answer)[0]
    assert not Message.objects.exists()
    draft = in_stage(ada, opportunity, "draft", body=words)
    with pytest.raises(Refused):
        perform(draft.queue, by=ada)


def test_a_number_of_somebody_else_is_refused_and_their_own_and_ours_are_not(ada):
    opportunity, other = an_opportunity(ada), an_opportunity(ada)
    edit(other.decision_owner, by=ada, phone="+45 20 30 40 50")
    edit(opportunity.decision_owner, by=ada, phone="+45 11 22 33 44")
    with pytest.raises(Refused, match="private"):
        in_stage(ada, opportunity, "queued", body="Call +45 20 30 40 50.")
    in_stage(ada, opportunity, "queued", body="Is +45 11 22 33 44 still yours? Mine is +49 30 99 88 77 66.")
    in_stage(ada, opportunity, "queued", body=f"Write to {ada.email} or {opportunity.decision_owner.email}.")


def test_who_may_not_add_to_a_deal_writes_no_mail_about_it(as_user, ada, cem, ann):
    opportunity = an_opportunity(ada)
    for user, status in ((cem, 404), (ann, 403)):
        assert as_user(user).get(write_url(opportunity)).status_code == status
        assert as_user(user).post(write_url(opportunity), letter(opportunity)).status_code == status
    assert not Message.objects.exists()


def test_from_a_contact_one_writes_about_a_deal_or_about_none(as_user, ada):
    opportunity, browser = an_opportunity(ada), as_user(ada)
    contact = opportunity.decision_owner
    address = reverse("admin:opportunities_contact_write", args=[contact.pk])
    assert address in browser.get(contact.staff_url()).text
    assert browser.get(address).context["form"]["opportunity"].value() == opportunity.pk
    for deal in (opportunity, None):
        browser.post(address, letter(opportunity) | {"opportunity": deal.pk if deal else ""})
    assert list(Message.objects.order_by("pk").values_list("opportunity", flat=True)) == [opportunity.pk, None]


def test_a_mail_says_which_record_it_speaks_of_and_only_one_of_its_deal(as_user, ada):
    proposal = a_proposal(ada)
    opportunity, browser = proposal.opportunity, as_user(ada)
    about = f"proposals.proposal:{proposal.pk}"
    browser.post(write_url(opportunity, about=about), letter(opportunity, body="It is {proposal.number}."))
    message = Message.objects.get()
    assert message.record == proposal
    assert message.body == f"It is {proposal.number}."
    for odd in (f"proposals.proposal:{proposal.pk + 99}", "auth.user:1", "opportunities.user:1", "x", ":", "x.y:z"):
        browser.post(write_url(opportunity, about=odd), letter(opportunity))
        assert Message.objects.latest("pk").record_id is None


def test_the_words_of_a_mail_that_failed_are_there_to_be_written_anew(as_user, ada):
    opportunity = an_opportunity(ada)
    failed = in_stage(ada, opportunity, "failed", body="Shall we say eleven?")
    assert "Shall we say eleven?" in as_user(ada).get(write_url(opportunity, again=failed.pk)).text


@pytest.mark.parametrize("odd", ["", "\x00", "x" * 30_000, "9" * 40, "{"])
def test_odd_input_gets_a_sentence_and_never_breaks_the_page(as_user, ada, odd):
    opportunity, browser = an_opportunity(ada), as_user(ada)
    for do in ("send", "save", "preview", "use", odd):
        fields = dict.fromkeys(("contact", "template", "purpose", "subject", "body"), odd) | {"do": do}
        assert browser.post(write_url(opportunity), fields).status_code in (200, 302, 422)
        assert browser.post(write_url(opportunity), letter(opportunity, body=odd, do=do)).status_code in (200, 302, 422)
    for name in ("contact", "template", "again", "about", "back"):
        assert browser.get(write_url(opportunity, **{name: odd[:200]})).status_code == 200


# -- What was talked. --------------------------------------------------------------------------------------------------


def talk(opportunity, **fields):
    at = timezone.localtime(timezone.now() - timedelta(hours=2)).strftime("%Y-%m-%dT%H:%M")
    words = {"channel": "meeting", "subject": "Budget", "body": "Two thousand is fine.", "happened_at": at}
    return {"contact": opportunity.decision_owner_id, **words, **fields}


def talk_url(opportunity):
    return reverse("admin:opportunities_opportunity_new", args=[opportunity.pk, "talk"])


def test_a_meeting_is_logged_with_what_came_of_it_and_the_next_task(as_user, ada):
    opportunity = an_opportunity(ada)
    due = timezone.localtime(timezone.now() + timedelta(days=3)).strftime("%Y-%m-%dT%H:%M")
    fields = talk(opportunity, outcome="They sign in May.", next_title="Send the draft", next_due_at=due)
    assert as_user(ada).post(talk_url(opportunity), fields).status_code == 302
    message = Message.objects.get()
    assert (message.stage, message.channel) == ("received", "meeting")
    assert message.body.endswith("What came of it: They sign in May.")
    assert message.happened_at < timezone.now() - timedelta(hours=1)
    task = Task.objects.get(title="Send the draft")
    assert (task.owner, task.opportunity, task.stage) == (ada, opportunity, "open")


@pytest.mark.parametrize(
    ("field", "fields"),
    [
        ("happened_at", {"happened_at": "2099-01-01T10:00"}),
        ("happened_at", {"happened_at": "yesterday"}),
        ("next_due_at", {"next_title": "Call", "next_due_at": "2001-01-01T10:00"}),
        ("next_title", {"next_due_at": "2099-01-01T10:00"}),
        ("channel", {"channel": "mail"}),
    ],
)
def test_a_talk_that_cannot_have_been_is_refused_at_its_field(as_user, ada, field, fields):
    opportunity = an_opportunity(ada)
    answer = as_user(ada).post(talk_url(opportunity), talk(opportunity, **fields))
    assert wrong(answer, field)
    assert not Message.objects.exists()


# -- The thread. -------------------------------------------------------------------------------------------------------


def add_message(browser, opportunity, **fields):
    url = reverse("admin:opportunities_message_add")
    words = {"subject": "Budget", "body": "Our margin is 60 percent, they must never know."}
    data = {"opportunity": opportunity.pk, "contact": opportunity.decision_owner_id, **words, **fields}
    return browser.post(url, data, follow=True)


@pytest.mark.parametrize("channel", ["call", "meeting"])
def test_a_talk_that_is_added_took_place_it_is_filed_and_can_never_be_sent(as_user, ada, channel, mail_server):
    catcher, opportunity = mail_server(), an_opportunity(ada)
    page = add_message(as_user(ada), opportunity, channel=channel)
    talk = Message.objects.get()
    assert (talk.stage, talk.channel, bool(talk.happened_at)) == ("received", channel, True)
    assert ">Send<" not in page.text
    with pytest.raises(Refused):
        perform(talk.queue, by=ada)
    outbox.run()
    assert catcher.got_for(opportunity.decision_owner) == []


def test_a_meeting_that_is_added_ends_a_sequence_as_one_that_is_logged_does(as_user, ada, ben):
    opportunity = an_opportunity(ada)
    run = sequences.start(a_sequence(ben), opportunity, opportunity.decision_owner, by=ada)
    add_message(as_user(ada), opportunity, channel="meeting")
    assert type(run).objects.get(pk=run.pk).ended == "meeting"


@pytest.mark.parametrize("stage", ["draft", "held", "failed", "uncertain"])
def test_notes_of_a_talk_that_stand_there_from_before_are_not_sent_by_any_button(ada, eve, stage, mail_server):
    catcher, opportunity = mail_server(), an_opportunity(ada)
    talk = in_stage(ada, opportunity, stage)
    Message.objects.filter(pk=talk.pk).update(channel="call")
    for user in (ada, eve):
        for move in Message.objects.get(pk=talk.pk).moves_for(user):
            if move.allowed and move.step.target == "queued":
                assert [lack.words for lack in move.lacks] == [
                    "It is no mail, and nobody gets it: what was talked is filed."
                ]
    draft = in_stage(ada, opportunity, "queued")
    Message.objects.filter(pk=draft.pk).update(channel="call")
    outbox.run()
    assert catcher.got_for(opportunity.decision_owner) == []


def test_a_draft_of_a_mail_does_not_become_a_call_on_its_page_nor_a_call_a_mail(as_user, ada):
    opportunity = an_opportunity(ada)
    draft = in_stage(ada, opportunity, "draft")
    browser = as_user(ada)
    words = {"subject": "Tuesday", "body": "Shall we say ten?"}
    assert browser.post(draft.staff_url(), {**words, "channel": "call"}, follow=True).status_code == 200
    draft = Message.objects.get()
    assert (draft.channel, draft.stage, draft.body) == ("mail", "draft", "Shall we say ten?")
    Message.objects.update(channel="call")  # as it could be before
    browser.post(draft.staff_url(), {**words, "channel": "mail"})
    draft = Message.objects.get()
    assert (draft.channel, draft.stage) == ("call", "received"), "and saving it files it"


def answer_to(message, owner, **fields):
    about = {"client": message.client, "opportunity": message.opportunity, "contact": message.contact, "owner": owner}
    words = {"subject": f"Re: {message.subject}", "body": "Nine it is.", "in_reply_to": message.message_id} | fields
    return perform(begin(Message(**about, **words), by=None).receive, by=None)


def test_answers_stand_with_what_they_answer_the_newest_thread_first(as_user, ada):
    opportunity = an_opportunity(ada)
    first = in_stage(ada, opportunity, "queued")
    in_stage(ada, opportunity, "queued", subject="Something else")
    by_number = answer_to(first, ada, subject="Another subject")
    by_subject = answer_to(first, ada, in_reply_to="", subject="AW: RE: tuesday")
    threads = panels.messages(opportunity, ada)["threads"]
    assert [[row.pk for row in thread["rows"]] for thread in threads][0] == [by_subject.pk, by_number.pk, first.pk]
    assert [row.side for row in threads[0]["rows"]] == ["theirs", "theirs", "ours"]
    assert threads[1]["subject"] == "Something else"


@pytest.mark.parametrize(
    ("stage", "words"),
    [
        ("draft", ["nobody got it yet", "Go on writing"]),
        ("queued", ["it goes now"]),
        ("held", ["Wait for Bo.", "Write it anew"]),
        ("failed", ["It did not arrive: No such mailbox.", "Send again", "Write it anew"]),
        ("uncertain", ["Nobody knows whether it went: No answer.", "It went", "Send it"]),
    ],
)
def test_the_thread_says_in_words_where_each_mail_stands_and_what_can_be_done(as_user, ada, ann, stage, words):
    opportunity = an_opportunity(ada)
    in_stage(ada, opportunity, stage)
    text = as_user(ada).get(opportunity.staff_url(), {"tab": "messages"}).text
    for word in words:
        assert word in text
    read = as_user(ann).get(opportunity.staff_url(), {"tab": "messages"}).text
    assert words[0] in read
    assert "Write it anew" not in read


def test_the_panel_asks_at_most_three_questions_however_much_there_is(ada, django_assert_max_num_queries):
    opportunity = an_opportunity(ada)
    for stage in ("draft", "queued", "held", "failed", "uncertain") * 2:
        in_stage(ada, opportunity, stage, subject=f"A {stage} one")
    ada.get_all_permissions()
    with django_assert_max_num_queries(3):
        panels.messages(opportunity, ada)


def test_past_thirty_the_rest_is_a_list_of_this_deal(as_user, ada, monkeypatch):
    monkeypatch.setattr(panels.newest, "__defaults__", (2,))
    opportunity, other = an_opportunity(ada), an_opportunity(ada)
    for number in range(3):
        in_stage(ada, opportunity, "draft", subject=f"Mine {number}")
    in_stage(ada, other, "draft", subject="Of another deal")
    browser = as_user(ada)
    address = f"{reverse('admin:opportunities_message_changelist')}?opportunity={opportunity.pk}"
    assert address in browser.get(opportunity.staff_url(), {"tab": "messages"}).text
    text = browser.get(address).text
    assert "Mine 0" in text
    assert "Of another deal" not in text


def test_the_page_of_a_mail_shows_it_as_it_went_with_its_number_and_attempts(as_user, ada, mail_server):
    mail_server()
    opportunity = an_opportunity(ada)
    message = in_stage(ada, opportunity, "queued")
    was = opportunity.decision_owner.email
    outbox.run()
    edit(opportunity.decision_owner, by=ada, email="new@x.example")
    text = as_user(ada).get(message.staff_url()).text
    for words in (message.message_id.strip("<>"), was, "Shall we say nine?", "What happened"):
        assert words in text
    assert "new@x.example" not in text, "it went to the old address"


def test_no_page_shows_a_link_that_is_as_good_as_a_signature(as_user, ada):
    opportunity = an_opportunity(ada)
    secret = "https://portal.example/p/abc"
    message = in_stage(ada, opportunity, "draft", body=f"Open {Message.LINK}", secret_link=secret)
    browser = as_user(ada)
    for address in (message.staff_url(), f"{opportunity.staff_url()}?tab=messages", write_url(opportunity)):
        assert secret not in browser.get(address).text


def test_no_page_shows_the_way_out_that_is_its_readers_alone(as_user, ada, ann, ben, mail_server):
    catcher, opportunity = mail_server(), an_opportunity(ada)
    agree(opportunity.decision_owner, ada)
    message = in_stage(ada, opportunity, "queued", purpose="marketing")
    outbox.run()
    key = optout.token(Message.objects.get(pk=message.pk))
    assert key.encode() in catcher.got_for(opportunity.decision_owner)[0].content.replace(b"=\r\n", b"")
    draft = in_stage(ada, opportunity, "draft", purpose="marketing", subject="Friday")
    for user in (ada, ben, ann):
        for about in (message, draft):
            page = as_user(user).get(about.staff_url()).text
            assert "/stop/" not in page
            assert f"Stop it here: {Message.LINK}" in page
        assert "/stop/" not in as_user(user).get(f"{opportunity.staff_url()}?tab=messages").text
    preview = as_user(ada).post(write_url(opportunity), letter(opportunity, purpose="marketing", do="preview")).text
    assert "/stop/" not in preview
    assert f"Stop it here: {Message.LINK}" in preview
