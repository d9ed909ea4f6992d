"""Mail that comes in: read without harm, and put where it belongs beyond doubt, or left to a person."""

import re
import threading
import time
import tracemalloc
from datetime import timedelta
from email.message import EmailMessage
from hashlib import sha256
from uuid import uuid4

import pytest
from django.db import connection
from django.urls import reverse
from django.utils import timezone
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from opportunities import incoming, reading, sequences
from opportunities.models import Contact, InboundMail, Message, Notice, SequenceRun, Task
from opportunities.records import begin, edit, perform
from tests.makers import a_lead, a_worked_lead, an_opportunity
from tests.makers_series import a_sequence
from tests.opportunities.mails import a_bounce, a_mail, a_true_mail, sent_mail

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def address(settings, tmp_path):
    settings.INBOUND_ADDRESS = "reply@in.zarts.example"
    settings.MEDIA_ROOT = tmp_path


def take(raw, via="imap", **more):
    return incoming.take(raw, via=via, **more)


def a_follow_up(opportunity, owner, **fields):
    fields.setdefault("contact", opportunity.decision_owner)
    due = timezone.now() + timedelta(days=2)
    task = Task(
        opportunity=opportunity, kind="follow_up", title="Ask again", subject="?", words="?", owner=owner, due_at=due
    )
    for name, value in fields.items():
        setattr(task, name, value)
    return begin(task, by=owner)


# -- Where it belongs. -------------------------------------------------------------------------------------------------


def test_an_answer_to_the_reply_address_stands_with_the_deal_of_the_mail_that_it_answers(ada):
    deal = an_opportunity(ada)
    message = sent_mail(deal, ada)
    assert incoming.reply_address(message) == f"reply+{message.reply_key}@in.zarts.example"

    mail = take(a_mail(f"Bo <{deal.decision_owner.email}>", to=incoming.reply_address(message)))
    answer = mail.message
    assert (mail.stage, mail.trouble) == ("filed", "")
    assert (answer.stage, answer.channel, answer.opportunity, answer.contact) == (
        "received",
        "mail",
        deal,
        deal.decision_owner,
    )
    assert (answer.owner, answer.subject, answer.body) == (ada, "Re: One question", "Yes, Thursday is fine.")
    assert answer.in_reply_to == message.message_id
    assert answer.happened_at


def test_without_an_address_for_mail_there_is_no_reply_address(ada, settings):
    settings.INBOUND_ADDRESS = ""
    assert incoming.reply_address(sent_mail(an_opportunity(ada), ada)) == ""


def test_an_answer_is_known_by_the_mail_that_it_names(ada):
    deal = an_opportunity(ada)
    an_opportunity(ada)
    message = sent_mail(deal, ada)
    mail = take(a_mail(deal.decision_owner.email, References=f"<first@x.example> {message.message_id}"))
    assert mail.message.opportunity == deal
    assert mail.message.in_reply_to == message.message_id


def test_a_mail_that_answers_nothing_belongs_to_the_one_open_deal_of_its_writer(ada):
    deal = an_opportunity(ada)
    assert take(a_true_mail(deal.decision_owner.email.upper())).message.opportunity == deal


def test_with_several_open_deals_a_person_decides(ada):
    deal = an_opportunity(ada)
    for _ in range(2):
        perform(
            a_worked_lead(ada, email=deal.decision_owner.email, company=deal.client.name).qualify,
            by=ada,
            client=deal.client,
        )
    mail = take(a_true_mail(deal.decision_owner.email))
    assert (mail.stage, mail.trouble) == ("unmatched", f"Three deals are open with {deal.client}.")
    assert not Message.objects.exists()


def test_a_mail_of_somebody_unknown_waits_and_says_so(ada):
    mail = take(a_mail("stranger@elsewhere.example"))
    assert (mail.stage, mail.trouble) == ("unmatched", "Nobody here has the address stranger@elsewhere.example.")


def test_a_mail_of_an_open_lead_stands_with_the_lead_and_is_owed_an_answer(ada):
    lead = a_lead(ada)
    mail = take(a_true_mail(lead.email))
    take(a_true_mail(lead.email, "And one more thing."))
    assert (mail.stage, mail.lead) == ("filed", lead)
    task = Task.objects.get(title__startswith="Answer")
    assert (task.owner, task.lead) == (ada, lead)


def test_a_reply_address_that_we_never_gave_is_filed_by_nobody_but_a_person(ada):
    deal = an_opportunity(ada)
    mail = take(a_mail(deal.decision_owner.email, to=f"reply+{'0' * 32}@in.zarts.example"))
    assert mail.stage == "unmatched"
    assert mail.trouble == "The address that it answers to is none that we gave to anybody."


@pytest.mark.parametrize("how", ["address", "header"])
def test_a_true_reply_address_from_another_sender_is_filed_by_nobody_but_a_person(ada, how):
    deal = an_opportunity(ada)
    message = sent_mail(deal, ada)
    by = {"to": incoming.reply_address(message)} if how == "address" else {"In_Reply_To": message.message_id}
    mail = take(a_mail("mallory@elsewhere.example", "Please pay to this account.", **by))
    assert mail.stage == "unmatched"
    assert mail.trouble == f"It answers our mail to {message.contact} but comes from mallory@elsewhere.example."
    assert not Message.objects.filter(stage="received").exists()


@pytest.mark.parametrize("name", ["", "the.boss@"])
def test_a_sender_that_a_server_of_ours_calls_forged_is_read_by_a_person_first(ada, ben, settings, name):
    settings.MAIL_VOUCHED_BY = ["mx.zarts.example"]
    deal = an_opportunity(ada)
    message, known = sent_mail(deal, ada), deal.decision_owner.email
    run = sequences.start(a_sequence(ben), deal, deal.decision_owner, by=ada)
    sender = f"{name}{known.partition('@')[2]}" if name else known
    said = {"Authentication_Results": f"mx.zarts.example; dmarc=fail header.from={sender.partition('@')[2]}"}
    mail = take(a_mail(sender, "We accept.", to=incoming.reply_address(message), **said))
    assert (mail.stage, mail.answers) == ("unmatched", message)
    assert mail.trouble.startswith(f"It says that it is from {sender}, and that is not true")
    assert SequenceRun.objects.get(pk=run.pk).stage == "running"
    assert not Contact.objects.filter(email__startswith="the.boss").exists()


def test_a_colleague_of_the_same_domain_is_met_by_their_mail(ada):
    deal = an_opportunity(ada)
    message = sent_mail(deal, ada)
    mail = take(a_mail("Kim Fox <kim@harbor-dental.example>", to=incoming.reply_address(message)))
    kim = Contact.objects.get(email="kim@harbor-dental.example")
    assert (kim.name, kim.client, mail.message.contact) == ("Kim Fox", deal.client, kim)


def test_somebody_new_of_a_known_name_is_told_apart_wherever_they_are_named(ada, as_user):
    deal = an_opportunity(ada)
    message, bo = sent_mail(deal, ada), deal.decision_owner
    assert bo.told_apart == "Bo Larsen", "one of that name needs no address"
    take(a_mail("bo larsen <mallory@harbor-dental.example>", to=incoming.reply_address(message)))
    new = "bo larsen, mallory@harbor-dental.example, met by mail"
    assert Notice.objects.get(user=ada, kind="answer").words.startswith(f"{new} wrote: ")
    page = as_user(ada)
    threads = page.get(f"{deal.staff_url()}?tab=messages").text
    assert f"<strong>{new}</strong> to us" in threads
    assert f"to Bo Larsen, {bo.email}" in threads
    for name in ("write", "fields"):
        choices = page.get(reverse(f"admin:opportunities_opportunity_{name}", args=[deal.pk])).text
        assert f">{new}</option>" in choices
        assert f">Bo Larsen, {bo.email}</option>" in choices
    assert "Met by mail" in page.get(f"{deal.staff_url()}?tab=people").text


def test_a_domain_that_everybody_can_have_makes_nobody_a_colleague(ada):
    deal = an_opportunity(ada)
    edit(deal.decision_owner, by=ada, email="bo.larsen@gmail.com")
    message = sent_mail(deal, ada)
    mail = take(a_mail("mallory@gmail.com", to=incoming.reply_address(message)))
    assert mail.stage == "unmatched"


def test_two_authors_are_nobody(ada):
    deal = an_opportunity(ada)
    raw = a_mail("x@y.example").replace(
        b"From: x@y.example", f"From: {deal.decision_owner.email}, m@x.example".encode()
    )
    assert take(raw).trouble == "It does not say who wrote it."


# -- What follows. -----------------------------------------------------------------------------------------------------


def test_an_answer_ends_the_follow_ups_that_waited_for_it_and_owes_one_answer(ada):
    deal = an_opportunity(ada)
    task = a_follow_up(deal, ada)
    take(a_true_mail(deal.decision_owner.email))
    take(a_true_mail(deal.decision_owner.email, "I forgot: mornings only."))
    task = Task.objects.get(pk=task.pk)
    assert (task.stage, task.outcome) == ("done", "The client wrote first.")
    answer = Task.objects.get(title__startswith="Answer")
    assert (answer.owner, answer.stage, answer.opportunity) == (ada, "open", deal)


def test_a_contract_step_goes_on_when_the_client_writes(ada):
    deal = an_opportunity(ada)
    task = a_follow_up(deal, ada, kind="contract_step")
    take(a_true_mail(deal.decision_owner.email))
    assert Task.objects.get(pk=task.pk).stage == "open"


@pytest.mark.parametrize(
    "header",
    [{"Auto_Submitted": "auto-replied (vacation)"}, {"X_Autoreply": "yes"}, {"Precedence": "bulk"}],
    ids=str,
)
def test_an_automatic_answer_is_filed_and_answers_nothing(ada, header):
    deal = an_opportunity(ada)
    task, message = a_follow_up(deal, ada), sent_mail(deal, ada)
    mail = take(a_mail(deal.decision_owner.email, to=incoming.reply_address(message), **header))
    assert (mail.kind, mail.stage) == ("automatic", "filed")
    assert incoming.is_automatic(mail.message)
    assert Task.objects.get(pk=task.pk).stage == "open"
    assert not Task.objects.filter(title__startswith="Answer").exists()


def test_what_a_machine_of_a_stranger_wrote_asks_nobody(ada):
    assert take(a_mail("news@shop.example", Precedence="bulk")).stage == "set_aside"


def test_a_mail_of_our_own_goes_round_no_second_time(ada):
    message = sent_mail(an_opportunity(ada), ada)
    assert take(a_mail("hello@zarts.example", to=incoming.reply_address(message))).stage == "set_aside"
    assert take(a_mail("list@elsewhere.example", Message_ID=message.message_id)).stage == "set_aside"
    assert take(a_mail(incoming.reply_address(message))).stage == "set_aside"


@pytest.mark.parametrize("then", ["queued", "held", "put off", "failed"])
def test_an_answer_to_a_mail_that_is_to_be_sent_again_shows_that_it_arrived(ada, then):
    opportunity = an_opportunity(ada)
    message = perform(sent_mail(opportunity, ada, move=None).doubt, by=None, reason="Nobody knows.")
    message = perform(message.settle_unsent, by=ada)
    if then == "held":
        message = perform(message.hold, by=ada, reason="Wait.")
    elif then != "queued":
        message = perform(message.start_sending, by=None)
        word, how = (message.release, {"reason": "451"}) if then == "put off" else (message.fail, {"reason": "550"})
        message = perform(word, by=None, attempt=2, **how)
    take(a_mail(opportunity.decision_owner.email, to=incoming.reply_address(message)))
    assert Message.objects.get(pk=message.pk).stage == "sent"


def test_an_uncertain_mail_that_is_answered_has_arrived(ada):
    deal = an_opportunity(ada)
    message = perform(sent_mail(deal, ada, move=None).doubt, by=None, reason="Nobody knows.")
    take(a_mail(deal.decision_owner.email, to=incoming.reply_address(message)))
    assert Message.objects.get(pk=message.pk).stage == "sent"


# -- Once. -------------------------------------------------------------------------------------------------------------


def test_the_same_mail_is_taken_in_once_by_whatever_ways_it_comes(ada):
    deal = an_opportunity(ada)
    raw = a_true_mail(deal.decision_owner.email)
    first = take(raw)
    assert take(raw) == first
    assert take(b"Received: by another way\r\n" + raw, via="postmark") == first
    assert take(b"Delivered-To: another@copy.example\r\n" + raw) == first
    assert Message.objects.filter(stage="received").count() == 1


def test_a_mail_without_a_number_is_taken_in_once_however_often_a_provider_brings_it(ada):
    deal = an_opportunity(ada)

    def brought(words="Yes, Thursday."):
        raw = a_mail(deal.decision_owner.email, words, X_Brought=uuid4().hex)
        return take(re.sub(rb"Message-ID: .*\n", b"", raw), via="postmark")

    assert brought() == brought()
    assert brought() != brought("No, Friday.")
    assert InboundMail.objects.count() == 2


def test_a_mail_is_kept_whole_beside_a_half_of_it_that_was_left(ada, tmp_path):
    raw = a_mail("stranger@elsewhere.example")
    half = tmp_path / "mail" / (digest := sha256(raw).hexdigest())[:2] / digest
    half.parent.mkdir(parents=True)
    half.write_bytes(raw[:10])
    assert take(raw).raw.read() == raw
    assert half.read_bytes() == raw[:10]


def test_a_program_that_gives_many_mails_one_number_loses_none(ada):
    deal = an_opportunity(ada)
    for words in ("One.", "Two."):
        take(a_mail(deal.decision_owner.email, words, Message_ID="<always@same.example>"))
    assert InboundMail.objects.count() == 2


@pytest.mark.django_db(transaction=True)
def test_two_workers_that_take_the_same_mail_at_once_file_it_once(ada):
    deal = an_opportunity(ada)
    raw, together, failed = a_true_mail(deal.decision_owner.email), threading.Barrier(2), []

    def work(more):
        try:
            together.wait()
            incoming.take(more + raw, via="imap" if more else "postmark")
        except Exception as trouble:
            failed.append(trouble)
        finally:
            connection.close()

    workers = [threading.Thread(target=work, args=(more,)) for more in (b"", b"Received: x\r\n")]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert failed == []
    assert InboundMail.objects.count() == 1
    assert Message.objects.filter(stage="received").count() == 1


# -- Mail that came back. ----------------------------------------------------------------------------------------------


def test_a_mail_that_came_back_has_failed_and_marks_the_way_to_its_reader(ada):
    deal = an_opportunity(ada)
    message = sent_mail(deal, ada)
    mail = take(a_bounce(message))
    message, contact = Message.objects.get(pk=message.pk), Contact.objects.get(pk=deal.decision_owner_id)
    assert (mail.kind, mail.stage, mail.message) == ("bounce", "filed", message)
    assert (message.stage, message.trouble) == ("failed", "It came back: 5.1.1 smtp; 550 5.1.1 No such user")
    assert contact.mail_failed_at
    assert "No such user" in contact.mail_trouble
    assert not contact.is_reachable

    contact = edit(contact, by=ada, email="bo@new-address.example")
    contact.refresh_from_db()
    assert (contact.mail_failed_at, contact.mail_trouble) == (None, "")


def test_a_delay_is_told_and_changes_nothing(ada):
    deal = an_opportunity(ada)
    message = sent_mail(deal, ada)
    mail = take(a_bounce(message, status="4.4.1", action="delayed"))
    assert mail.stage == "set_aside"
    assert Message.objects.get(pk=message.pk).stage == "sent"
    assert Contact.objects.get(pk=deal.decision_owner_id).mail_failed_at is None
    assert deal.diary.events.filter(verb="message.delay").exists()


def test_mail_that_comes_back_from_the_old_address_says_nothing_of_the_new_one(ada):
    deal = an_opportunity(ada)
    message = sent_mail(deal, ada)
    edit(deal.decision_owner, by=ada, email="bo@new-address.example")
    take(a_bounce(message))
    assert Message.objects.get(pk=message.pk).stage == "failed"
    assert Contact.objects.get(pk=deal.decision_owner_id).mail_failed_at is None


def test_a_second_notice_about_the_same_mail_is_set_aside(ada):
    message = sent_mail(an_opportunity(ada), ada)
    assert [take(a_bounce(message)).stage for _ in range(2)] == ["filed", "set_aside"]


def test_a_notice_about_a_mail_of_others_asks_a_person(ada):
    message = sent_mail(an_opportunity(ada), ada)
    mail = take(a_bounce(message).replace(message.message_id.encode(), b"<not@ours.example>"))
    assert (mail.kind, mail.stage) == ("bounce", "unmatched")


# -- Bad input. --------------------------------------------------------------------------------------------------------


def test_a_mail_of_30_mb_is_not_read_whole_and_asks_a_person(ada):
    deal = an_opportunity(ada)
    raw = a_mail(deal.decision_owner.email) + b"x" * 30 * 1024 * 1024
    tracemalloc.start()
    mail = take(raw)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 5 * 1024 * 1024, "its headers are read, and no copy of it is made"
    assert (mail.stage, mail.subject, mail.from_address) == (
        "unmatched",
        "Re: One question",
        deal.decision_owner.email,
    )
    assert mail.trouble == "It is too large to be read here (30.0 MB): open it in the mailbox, then file it."
    assert not mail.raw


def test_a_mail_without_text_is_filed_with_its_attachments_named(ada):
    deal = an_opportunity(ada)
    mail = EmailMessage()
    mail["From"], mail["Subject"] = deal.decision_owner.email, "The contract"
    mail["To"] = incoming.reply_address(sent_mail(deal, ada))
    mail.add_attachment(b"%PDF" * 1000, maintype="application", subtype="pdf", filename="contract.pdf")
    taken = take(mail.as_bytes())
    assert taken.stage == "filed"
    assert taken.words == "This mail has no text.\n\nAttached: contract.pdf (3.9 KB)"
    assert taken.raw.read() == mail.as_bytes()


def test_a_mail_of_a_page_alone_is_read_as_words(ada):
    deal = an_opportunity(ada)
    mail = EmailMessage()
    mail["From"], mail["Subject"] = deal.decision_owner.email, "Hello"
    page = "<head><title>no</title></head><body><p>Yes, 2 &lt; 3.</p><script>alert('no')</script><!-- no --><p>Bo</p>"
    mail.set_content(page, subtype="html")
    assert take(mail.as_bytes()).words == "Yes, 2 < 3.\n\nBo"


HEAD = b"From: Bo <bo@x.example>\r\nSubject: Hello\r\n"
NESTED = b"".join(b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (n, n) for n in range(1000))
ENOUGH_NESTED = b"".join(b"Content-Type: message/rfc822\r\n\r\n" for n in range(190))
BOMBS = {
    "empty": b"",
    "zeros": b"\0" * 5000,
    "nested multiparts": HEAD + NESTED + b"\r\nhi",
    "mails in mails": HEAD + ENOUGH_NESTED + b"hi",
    "many parts": HEAD + b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + b"--b\n\na\n" * 100_000,
    "returns": HEAD + b"\r\n" + b"\r" * 10_000_000,
    "2 MB of subject": b"From: a@b.example\r\nSubject: " + b"x" * 2_000_000 + b"\r\n\r\nhi",
    "2 MB of encoded subject": b"From: a@b.example\r\nSubject: " + b"=?utf-8?q?a?= " * 140_000 + b"\r\n\r\nhi",
    "quotes as sender": b"From: " + b'"' * 200_000 + b"\r\n\r\nhi",
    "brackets as sender": b"From: " + b"(" * 200_000 + b"\r\n\r\nhi",
    "addressees": HEAD + b"To: " + b"a@b.example, " * 100_000 + b"\r\n\r\nhi",
    "headers": b"A: b\r\n" * 500_000 + b"\r\nhi",
    "headers of a part": HEAD + b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n" + b"A: b\n" * 100_000,
    "year 9999": HEAD + b"Date: Fri, 31 Dec 9999 23:59:59 -1200\r\n\r\nhi",
    "no date": HEAD + b"Date: Fri, 99 Foo 99999999999999999999\r\n\r\nhi",
    "page of brackets": HEAD + b"Content-Type: text/html\r\n\r\n" + b"<!--" * 100_000,
    "page of attributes": HEAD + b"Content-Type: text/html\r\n\r\n" + b"<a x='" * 80_000,
    "text of quotes": HEAD + b"\r\nhi\r\n" + b">\n" * 100_000 + b"x",
    **{
        f"charset {name[:12]}": HEAD
        + f"Content-Type: text/plain; charset={name}\r\n\r\n".encode("latin-1")
        + b"hall\xc3\xb6"
        for name in ("utf-16", "nonsense", "idna", "punycode", "rot13", "zlib", "\xff", "x" * 9000)
    },
    "wrong base64": HEAD + b"Content-Transfer-Encoding: base64\r\n\r\n=!=a",
    "unprintable": HEAD + b"\r\nhi\x00\x07\xe2\x80\xae there",
}


@pytest.mark.parametrize("name", BOMBS)
def test_a_hostile_mail_is_taken_in_quickly_and_kept(name):
    began = time.monotonic()
    mail = take(BOMBS[name])
    assert time.monotonic() - began < 5
    assert mail.stage in ("unmatched", "set_aside")
    reading.fold(mail.words)
    assert mail.received_at <= timezone.now()
    assert len(mail.subject) <= 200
    assert not set("\0\x07\u202e") & set(mail.words + mail.subject)


@given(st.binary(max_size=2000), st.binary(max_size=300), st.sampled_from(["plain", "html", "mixed; boundary=b"]))
@hypothesis_settings(max_examples=150)
def test_nothing_that_anybody_sends_breaks_the_reading(body, header, kind):
    maintype = "multipart" if "boundary" in kind else "text"
    head = b"From: " + header + b"\r\nSubject: " + header + f"\r\nContent-Type: {maintype}/{kind}\r\n\r\n".encode()
    for raw in (body, head + body, head + b"--b\r\n" + body):
        reading.fold(reading.read(raw).words)


def test_what_is_new_in_an_answer_stands_before_what_it_quotes():
    words = "Yes.\n\nBo\n\nOn Thu, 26 Nov 2026 at 10:00, Ada <hello@zarts.example> wrote:\n> Is Thursday fine?"
    new, earlier = reading.fold(words)
    assert new == "Yes.\n\nBo"
    assert earlier.startswith("On Thu")
    assert reading.fold("> only quoted") == ("> only quoted", "")
    assert reading.fold("Yes.\n> a\n> b") == ("Yes.", "> a\n> b")


def test_a_forged_bounce_is_read_by_a_person_and_changes_nothing(ada, settings):
    deal = an_opportunity(ada)
    message = sent_mail(deal, ada)
    inbound = take(a_bounce(message), vouched=False)
    assert inbound.stage == "unmatched"
    assert "its sender is forged" in inbound.trouble
    assert Message.objects.get(pk=message.pk).stage == "sent"
    assert Contact.objects.get(pk=message.contact_id).mail_failed_at is None
