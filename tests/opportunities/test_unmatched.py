"""The queue of mail that nobody could match: who sees it, filing it by hand, setting it aside, looking again."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from opportunities import incoming
from opportunities.models import Contact, InboundMail, Message, Task
from opportunities.records import begin, edit, perform
from tests.makers import a_lead, an_opportunity
from tests.opportunities.mails import a_bounce, a_mail, a_true_mail, sent_mail

pytestmark = pytest.mark.django_db
LIST = reverse("admin:opportunities_inboundmail_changelist")


@pytest.fixture(autouse=True)
def address(settings, tmp_path):
    settings.INBOUND_ADDRESS = "reply@in.zarts.example"
    settings.MEDIA_ROOT = tmp_path


def unmatched(sender="kim@elsewhere.example", words="Hello.", **more):
    mail = incoming.take(a_mail(sender, words, **more), via="imap")
    assert mail.stage == "unmatched"
    return mail


def page_of(browser, record):
    answer = browser.get(record.staff_url())
    assert answer.status_code == 200
    return answer.content.decode()


def file(browser, mail, **data):
    return browser.post(mail.move_url("file"), data)


# -- Who sees it. ------------------------------------------------------------------------------------------------------


def test_whoever_may_file_sees_what_waits_and_nobody_else(as_user, ada, cem, ben, dora):
    mail = unmatched(subject="Whose is this?")
    for user in (ada, cem, ben):
        assert "Whose is this?" in as_user(user).get(LIST, {"stage": "unmatched"}).content.decode()
        assert "Nobody here has the address" in page_of(as_user(user), mail)
    assert "Whose is this?" not in as_user(dora).get(LIST).content.decode()
    assert as_user(dora).get(mail.staff_url()).status_code == 404
    assert as_user(dora).post(mail.move_url("file")).status_code == 404


@pytest.mark.parametrize("how", ["address", "header", "bounce"])
def test_what_names_a_mail_of_ours_is_seen_with_that_mail_alone(as_user, ada, cem, ben, how):
    message = sent_mail(an_opportunity(ada), ada)
    by = {"to": incoming.reply_address(message)} if how == "address" else {"In_Reply_To": message.message_id}
    if how == "bounce":
        mail = incoming.take(a_bounce(message, status="", action="", said="Who knows"), via="imap")
    else:
        mail = unmatched("bo.private@elsewhere.example", "Our numbers: 5", subject="In confidence", **by)
    assert (mail.stage, mail.answers) == ("unmatched", message)
    for user in (ada, ben):
        assert mail.subject in as_user(user).get(LIST).content.decode()
        assert as_user(user).get(mail.staff_url()).status_code == 200
    assert mail.subject not in as_user(cem).get(LIST).content.decode()
    assert as_user(cem).get(mail.staff_url()).status_code == 404
    assert as_user(cem).get(reverse("admin:opportunities_inboundmail_original", args=[mail.pk])).status_code == 404
    assert as_user(cem).post(mail.move_url("set_aside"), {"reason": "Mine."}).status_code == 404
    assert "nobody could match" in as_user(ada).get(reverse("today")).content.decode()
    assert "nobody could match" not in as_user(cem).get(reverse("today")).content.decode()
    mail = perform(mail.set_aside, by=ada, reason="Nothing for us.")
    assert as_user(cem).get(mail.staff_url()).status_code == 404


def test_what_is_filed_is_seen_with_its_deal_alone(as_user, ada, cem):
    deal = an_opportunity(ada)
    mail = incoming.take(a_true_mail(deal.decision_owner.email), via="imap")
    assert as_user(ada).get(mail.staff_url()).status_code == 200
    assert as_user(cem).get(mail.staff_url()).status_code == 404


def test_today_counts_what_waits_for_those_who_may_file(as_user, ada, dora):
    for number in range(2):
        unmatched(f"kim{number}@elsewhere.example")
    assert "2 mails came in that nobody could match" in as_user(ada).get(reverse("today")).content.decode()
    assert "nobody could match" not in as_user(dora).get(reverse("today")).content.decode()


def test_a_mail_is_shown_as_words_and_never_as_a_page(as_user, ada):
    mail = unmatched(words="<script>alert(1)</script><b>Hi</b>\n\nOn Monday, Ada <a@zarts.example> wrote:\n> Hello")
    page = page_of(as_user(ada), mail)
    assert "<script>alert(1)" not in page
    assert "&lt;script&gt;alert(1)" in page
    assert "What it quotes" in page


def test_a_mail_is_downloaded_as_it_came_and_never_run(as_user, ada, dora):
    mail = unmatched()
    url = reverse("admin:opportunities_inboundmail_original", args=[mail.pk])
    answer = as_user(ada).get(url)
    assert b"".join(answer.streaming_content) == mail.raw.read()
    assert answer["Content-Disposition"].startswith("attachment")
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert as_user(dora).get(url).status_code == 404
    assert as_user(ada).post(url).status_code == 404


def test_a_page_asks_a_bounded_number_of_questions(as_user, ada):
    deal = an_opportunity(ada)
    mail = unmatched("kim@harbor-dental.example", to=incoming.reply_address(sent_mail(deal, ada))[:-1] + "x")
    browser = as_user(ada)
    browser.get(mail.staff_url())
    with CaptureQueriesContext(connection) as asked:
        browser.get(mail.staff_url())
    assert len(asked) <= 20, [query["sql"][:100] for query in asked]


# -- Filing by hand. ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["address", "header"])
def test_what_is_likely_is_filed_with_one_click(as_user, ada, how):
    deal = an_opportunity(ada)
    message = sent_mail(deal, ada)
    by = {"to": incoming.reply_address(message)} if how == "address" else {"In_Reply_To": message.message_id}
    mail = unmatched("kim@elsewhere.example", **by)
    browser = as_user(ada)
    page = page_of(browser, mail)
    assert f'value="opportunity:{deal.pk}"' in page
    assert f"It answers our mail to {message.contact}." in page

    one_click = {"where": f"opportunity:{deal.pk}", "who": "new", "name": "Kim Fox", "email": mail.from_address}
    assert file(browser, mail, **one_click).status_code == 302
    mail = InboundMail.objects.get()
    kim = Contact.objects.get(email="kim@elsewhere.example")
    assert (mail.stage, mail.message.contact, kim.client) == ("filed", kim, deal.client)
    assert (mail.message.opportunity, mail.message.stage, mail.message.owner) == (deal, "received", ada)
    assert Task.objects.filter(title__startswith="Answer Kim Fox", opportunity=deal).exists()


def test_a_mail_is_filed_with_somebody_known_on_a_deal_that_is_looked_up(as_user, ada):
    deal = an_opportunity(ada)
    edit(deal, by=ada, name="The winter campaign")
    mail, bo = unmatched(), deal.decision_owner
    browser = as_user(ada)
    for page in ("winter campaign", deal.staff_url()):
        answer = file(browser, mail, page=page, who="999")
        assert "Choose one from the list" in answer.content.decode()
    assert file(browser, mail, page="winter campaign", who=bo.pk).status_code == 302
    assert Message.objects.get(stage="received").contact == bo


def test_a_mail_is_filed_with_a_lead(as_user, ada):
    lead = a_lead(ada)
    mail = unmatched()
    assert file(as_user(ada), mail, page=lead.staff_url()).status_code == 302
    assert InboundMail.objects.get().lead == lead
    assert "Mail from them" in page_of(as_user(ada), lead)
    assert Task.objects.filter(lead=lead, title__startswith="Answer").exists()


def test_nobody_files_with_a_deal_that_they_may_not_change(as_user, ada, cem):
    deal = an_opportunity(ada)
    mail = unmatched()
    answer = file(as_user(cem), mail, page=deal.staff_url(), who="new", name="Kim")
    assert "Nothing that you may see is at this address." in answer.content.decode()
    assert InboundMail.objects.get().stage == "unmatched"


@pytest.mark.parametrize(
    ("data", "says"),
    [
        ({"name": "Kim"}, "Say where it belongs."),
        ({"page": "no such thing at all"}, "Nothing that you may see is called so."),
        ({"page": "/admin/opportunities/opportunity/999999999999/change/"}, "Nothing that you may see is at this"),
        ({"page": "\0"}, "Remove what is no letter here"),
        ({"page": "winter", "who": "new", "name": ""}, "Write who wrote it."),
        ({"page": "winter", "who": "new", "name": "Kim", "email": "nonsense"}, "Write a mail address"),
    ],
)
def test_what_is_missing_is_said_at_its_field(as_user, ada, data, says):
    edit(an_opportunity(ada), by=ada, name="The winter campaign")
    answer = file(as_user(ada), unmatched(), **data)
    assert answer.status_code == 200
    assert says in answer.content.decode()
    assert InboundMail.objects.get().stage == "unmatched"


def test_several_of_one_name_are_told_apart_by_a_person(as_user, ada):
    for _ in range(2):
        edit(an_opportunity(ada), by=ada, name="The winter campaign")
    answer = file(as_user(ada), unmatched(), page="winter", who="new", name="Kim")
    assert "Several are called so" in answer.content.decode()


def test_somebody_of_another_client_did_not_write_it(as_user, ada):
    deal, other = an_opportunity(ada), an_opportunity(ada)
    mail = unmatched("kim@elsewhere.example", to=incoming.reply_address(sent_mail(deal, ada)))
    answer = file(as_user(ada), mail, page=other.staff_url(), who=deal.decision_owner_id)
    assert f"Choose somebody at {other.client}, or somebody new" in answer.content.decode()


# -- Setting aside. ----------------------------------------------------------------------------------------------------


def test_a_mail_is_set_aside_with_a_reason_and_taken_up_again(as_user, ada):
    mail, browser = unmatched(), as_user(ada)
    assert "Say why" in browser.post(mail.move_url("set_aside"), {"reason": " "}).content.decode()
    browser.post(mail.move_url("set_aside"), {"reason": "An offer of somebody."})
    assert InboundMail.objects.get().stage == "set_aside"
    browser.post(mail.move_url("take_up"))
    assert InboundMail.objects.get().stage == "unmatched"


# -- Mail that comes back, where people look. --------------------------------------------------------------------------


def test_the_contact_and_the_deal_say_that_mail_comes_back_and_what_to_do(as_user, ada):
    deal = an_opportunity(ada)
    incoming.take(a_bounce(sent_mail(deal, ada)), via="imap")
    assert "Mail comes back since" in page_of(as_user(ada), deal.decision_owner)
    page = as_user(ada).get(f"{deal.staff_url()}?tab=people").content.decode()
    assert "Mail comes back since" in page
    assert "Ask for another address" in page


def test_a_draft_pauses_while_nobody_who_decides_can_be_reached(ada):
    deal = an_opportunity(ada)
    incoming.take(a_bounce(sent_mail(deal, ada)), via="imap")
    bo = Contact.objects.get(pk=deal.decision_owner_id)
    assert not bo.is_reachable
    edit(bo, by=ada, phone="+1 555 0100")
    assert Contact.objects.get(pk=bo.pk).is_reachable


def test_a_second_person_with_this_address_is_not_made(as_user, ada):
    deal = an_opportunity(ada)
    begin(Contact(client=deal.client, name="Kim", email="kim@elsewhere.example", left_on="2026-01-01"), by=ada)
    mail = unmatched()
    data = {"page": deal.staff_url(), "who": "new", "name": "Kim", "email": "KIM@elsewhere.example"}
    assert file(as_user(ada), mail, **data).status_code == 302
    assert Contact.objects.filter(email__iexact="kim@elsewhere.example").count() == 1
