"""What mail providers call us with: mail that came in, mail that came back, complaints."""

import base64
import json
import logging
from datetime import timedelta
from urllib.parse import urlencode

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client, override_settings
from django.test.client import MULTIPART_CONTENT
from django.utils import timezone

from opportunities import incoming
from opportunities.models import Consent, Contact, InboundMail, Message
from opportunities.providers import PROVIDERS
from opportunities.records import begin, perform
from tests.makers import an_opportunity
from tests.opportunities.hook_bodies import EVENTS, KEY, MAILS, as_json, sparkpost_mail
from tests.opportunities.mails import a_mail, sent_mail

pytestmark = pytest.mark.django_db
SECRET = "postman:a long word that nobody guesses"


@pytest.fixture(autouse=True)
def address(settings, tmp_path):
    settings.INBOUND_ADDRESS = "reply@in.zarts.example"
    settings.MEDIA_ROOT = tmp_path
    settings.MAIL_WEBHOOK_SECRET = SECRET
    settings.ANYMAIL = {"WEBHOOK_SECRET": SECRET, "MAILGUN_WEBHOOK_SIGNING_KEY": KEY}


def call(provider, *, secret=SECRET, headers=None, **request):
    """Call as a provider does: from outside, signed in nowhere, without a token of ours."""
    given = {"authorization": "Basic " + base64.b64encode(secret.encode()).decode()} if secret else {}
    client = Client(enforce_csrf_checks=True, headers={"host": "localhost", **given, **(headers or {})})
    return client.post(f"/hooks/mail/{provider}/", **request).status_code


def test_every_provider_that_is_offered_is_called_here():
    assert set(PROVIDERS) == set(EVENTS)
    assert {name for name, provider in PROVIDERS.items() if provider.brings} == set(MAILS)


@pytest.mark.parametrize("provider", MAILS)
def test_a_mail_that_a_provider_brings_stands_with_its_deal_once(ada, provider):
    deal = an_opportunity(ada)
    message = sent_mail(deal, ada)
    body = MAILS[provider](deal.decision_owner.email, incoming.reply_address(message), "Yes, at nine.")
    assert [call(provider, **body) for _ in range(2)] == [200, 200]
    answer = Message.objects.get(stage="received")
    assert (answer.opportunity, answer.contact) == (deal, deal.decision_owner)
    assert answer.body.startswith("Yes, at nine.")
    assert answer.subject.startswith("Re: One question")
    assert InboundMail.objects.get().via == provider
    if provider in ("postmark", "brevo"):
        assert "Attached: plan.txt" in answer.body


@pytest.mark.parametrize("provider", EVENTS)
def test_a_bounce_marks_the_message_and_the_way(ada, provider):
    deal = an_opportunity(ada)
    message = sent_mail(deal, ada, provider_id="<number-at-the-provider>")
    body = EVENTS[provider]("<number-at-the-provider>", deal.decision_owner.email)
    assert [call(provider, **body) for _ in range(2)] == [200, 200]
    message = Message.objects.get(pk=message.pk)
    assert message.stage == "failed"
    assert message.trouble.startswith("It came back: ")
    assert Contact.objects.get(pk=deal.decision_owner_id).mail_failed_at


@pytest.mark.parametrize("provider", EVENTS)
def test_a_bounce_that_passes_marks_nothing(ada, provider):
    deal = an_opportunity(ada)
    message = sent_mail(deal, ada, provider_id="<number-at-the-provider>")
    assert call(provider, **EVENTS[provider]("<number-at-the-provider>", deal.decision_owner.email, "soft")) == 200
    assert Message.objects.get(pk=message.pk).stage == "sent"
    assert Contact.objects.get(pk=deal.decision_owner_id).mail_failed_at is None


@pytest.mark.parametrize("provider", EVENTS)
def test_a_complaint_stops_marketing_and_no_contract(ada, provider):
    deal = an_opportunity(ada)
    agreed = Consent(contact=deal.decision_owner, purpose="marketing", text_version="1", source="A form")
    begin(agreed, by=ada)
    sent_mail(deal, ada, provider_id="<number-at-the-provider>")
    assert call(provider, **EVENTS[provider]("<number-at-the-provider>", deal.decision_owner.email, "complaint")) == 200
    assert not deal.decision_owner.agreed_to("marketing")
    assert deal.decision_owner.agreed_to("contractual")


def test_a_complaint_of_somebody_who_agreed_to_nothing_outlives_what_a_file_says_later(ada):
    deal = an_opportunity(ada)
    sent_mail(deal, ada, provider_id="<number-at-the-provider>")
    before = timezone.now() - timedelta(days=3)
    body = EVENTS["postmark"]("<number-at-the-provider>", deal.decision_owner.email, "complaint")
    assert [call("postmark", **body) for _ in range(2)] == [200, 200]
    (stop,) = deal.decision_owner.consents.filter(purpose="marketing")
    assert (stop.source, stop.state) == ("They marked a mail of ours as spam.", "withdrawn")
    given = {"captured_at": before, "text_version": "1", "source": "A file"}
    begin(Consent(contact=deal.decision_owner, purpose="marketing", **given), by=ada)
    assert not deal.decision_owner.agreed_to("marketing")


def test_a_complaint_that_is_told_again_takes_back_nothing_that_they_agreed_to_since(ada):
    deal = an_opportunity(ada)
    sent_mail(deal, ada, provider_id="<number-at-the-provider>")
    body = EVENTS["postmark"]("<number-at-the-provider>", deal.decision_owner.email, "complaint")
    call("postmark", **body)
    begin(Consent(contact=deal.decision_owner, purpose="marketing", text_version="2", source="A form"), by=ada)
    call("postmark", **body)
    assert deal.decision_owner.agreed_to("marketing")


def test_a_provider_that_is_only_the_mail_server_knows_a_mail_by_our_own_number(ada):
    deal = an_opportunity(ada)
    message = sent_mail(deal, ada)
    assert call("mailgun", **EVENTS["mailgun"](message.message_id, deal.decision_owner.email)) == 200
    assert Message.objects.get(pk=message.pk).stage == "failed"


def test_a_mail_of_others_and_another_reader_are_passed_over(ada):
    deal = an_opportunity(ada)
    message = sent_mail(deal, ada, provider_id="ours")
    assert call("postmark", **EVENTS["postmark"]("not-ours", deal.decision_owner.email)) == 200
    assert call("postmark", **EVENTS["postmark"]("ours", "somebody@else.example")) == 200
    assert Message.objects.get(pk=message.pk).stage == "sent"


def test_what_is_heard_while_it_is_handed_over_is_to_be_said_again(ada):
    deal = an_opportunity(ada)
    message = sent_mail(deal, ada, move=None)
    body = EVENTS["postmark"]("its-number", deal.decision_owner.email)
    assert call("postmark", **body) == 503
    perform(message.confirm_sent, by=None, provider_id="its-number")
    assert call("postmark", **body) == 200
    assert Message.objects.get(pk=message.pk).stage == "failed"


def test_a_bounce_of_an_uncertain_mail_says_that_it_went(ada):
    deal = an_opportunity(ada)
    message = perform(sent_mail(deal, ada, move=None).doubt, by=None, reason="Nobody knows.")
    assert call("mailgun", **EVENTS["mailgun"](message.message_id, deal.decision_owner.email)) == 200
    assert Message.objects.get(pk=message.pk).stage == "failed"


# -- Who may call, and with what. --------------------------------------------------------------------------------------


def test_without_a_secret_the_addresses_are_not_there(settings):
    settings.MAIL_WEBHOOK_SECRET = ""
    assert {call(provider, **as_json({})) for provider in PROVIDERS} == {404}


def test_a_provider_that_is_not_offered_is_not_there():
    assert call("mandrill", **as_json({})) == 404


def test_mailgun_is_not_there_without_its_key(settings):
    settings.ANYMAIL = {"WEBHOOK_SECRET": SECRET}
    assert call("mailgun", **as_json({})) == 404


@pytest.mark.parametrize("secret", ["", "postman:wrong", "postman", "grüße:grüße", "\0:\0"])
def test_a_wrong_secret_is_refused_and_logged_by_nobody(secret, caplog):
    with caplog.at_level(logging.DEBUG), caplog.at_level(logging.DEBUG, "django.request"):
        assert {call(provider, secret=secret, **as_json({})) for provider in PROVIDERS} == {403}
    assert "wrong" not in caplog.text
    assert SECRET not in caplog.text
    assert not InboundMail.objects.exists()


def test_a_wrong_signature_of_mailgun_is_refused(ada):
    body = MAILS["mailgun"]("x@y.example", "reply@in.zarts.example", "Hello")
    body["data"]["signature"] = "0" * 64
    assert call("mailgun", **body) == 403


def test_reading_the_address_is_no_call():
    client = Client(headers={"host": "localhost"})
    assert client.get("/hooks/mail/postmark/").status_code == 405


def test_a_call_without_a_length_or_with_too_much_is_refused_unread(settings):
    given = base64.b64encode(SECRET.encode()).decode()
    client = Client(headers={"host": "localhost", "authorization": f"Basic {given}"})
    ask = {"data": b"{}", "content_type": "application/json"}
    assert client.post("/hooks/mail/postmark/", **ask, CONTENT_LENGTH="").status_code == 411
    for _ in range(2):
        assert client.post("/hooks/mail/postmark/", **ask, CONTENT_LENGTH=str(10**9)).status_code == 413
    line = InboundMail.objects.get()
    assert (line.stage, line.subject) == ("unmatched", "A mail that is too large")
    assert "by postmark with 953.7" in line.trouble


NONSENSE = [
    " ", "nonsense", "null", "[]", "{}", "7", '"x"', "[[]]", "[{}]", '{"items": 7}', '{"items": [7]}', '[{"msys": 7}]',
    '{"RecordType": "Bounce"}', '{"RecordType": 7, "Type": []}', '{"FromFull": 7}', '{"type": 7}', "[" * 5000,
    '{"FromFull": {"Email": "\\ud800"}, "Subject": "\\ud800\\u0000"}', '{"event-data": {"event": "failed"}}',
    '{"type": "email.received", "data": {"email_id": "1"}}', '[{"event": "bounce", "timestamp": 1e99}]',
    '[{"msys": {"relay_message": {"protocol": "smtp", "content": {"email_rfc822": 7, "email_rfc822_is_base64": 1}}}}]',
]  # fmt: skip


@pytest.mark.parametrize("body", NONSENSE, ids=range(len(NONSENSE)))
def test_nonsense_is_answered_and_never_breaks(body):
    for provider in PROVIDERS:
        for kind in ("application/json", "application/x-www-form-urlencoded", "multipart/form-data; boundary=b", ""):
            assert call(provider, data=body, content_type=kind) in (200, 400, 403), f"{provider} {kind}"


def test_nonsense_is_said_to_be_so():
    assert {call(provider, **as_json(["nonsense"])) for provider in ("postmark", "sendgrid", "sparkpost")} == {400}


def test_a_mail_with_attachments_of_some_megabytes_is_taken(ada):
    """Django's own limit for what is no file would refuse it."""
    deal = an_opportunity(ada)
    to = incoming.reply_address(sent_mail(deal, ada))
    body = json.loads(sparkpost_mail(deal.decision_owner.email, to, "x" * 8_000_000)["data"])
    assert call("sparkpost", **as_json(body)) == 200
    assert Message.objects.get(stage="received").opportunity == deal


@pytest.mark.parametrize("kind", [MULTIPART_CONTENT, "application/x-www-form-urlencoded"])
@pytest.mark.parametrize(
    ("provider", "field"),
    [("mailgun", "body-mime"), ("mailgun", "body-html"), ("sendgrid", "email"), ("sendgrid", "html")],
)
def test_a_mail_of_6_mb_is_taken_as_one_field_of_a_form(ada, provider, field, kind):
    deal = an_opportunity(ada)
    to = incoming.reply_address(sent_mail(deal, ada))
    data = MAILS[provider](deal.decision_owner.email, to, "Yes, at nine.")["data"]
    large = "x" * 6 * 1024 * 1024
    if field in ("body-mime", "email"):
        data = {name: value for name, value in data.items() if name != "headers"}
        large = a_mail(deal.decision_owner.email, "Yes, at nine.", to=to).decode() + large
    data[field] = large
    if kind == MULTIPART_CONTENT:
        assert call(provider, data=data) == 200
    else:
        assert call(provider, data=urlencode(data), content_type=kind) == 200
    assert Message.objects.get(stage="received").body.startswith("Yes, at nine.")


def test_a_form_brings_its_attachments(ada):
    deal = an_opportunity(ada)
    data = MAILS["mailgun"](deal.decision_owner.email, incoming.reply_address(sent_mail(deal, ada)), "Yes.")["data"]
    plan = SimpleUploadedFile("../plan “ü”.pdf", b"%PDF" * 1_500_000, "application/pdf")
    assert call("mailgun", data={**data, "attachment-count": "1", "attachment-1": plan}) == 200
    assert "Attached: plan “ü”.pdf (5.7\xa0MB)" in Message.objects.get(stage="received").body.replace(" MB", "\xa0MB")


def test_a_form_that_is_larger_than_a_mail_may_be_is_refused(ada, settings):
    settings.INBOUND_MOST = 1024 * 1024
    data = MAILS["mailgun"]("x@y.example", "reply@in.zarts.example", "Hello")["data"]
    assert call("mailgun", data=data | {"body-html": "x" * 3 * 1024 * 1024}) == 413


def test_a_form_of_too_many_fields_is_refused_soon(ada):
    data = MAILS["mailgun"]("x@y.example", "reply@in.zarts.example", "Hello")["data"]
    assert call("mailgun", data=data | {f"x{number}": "y" for number in range(1100)}) == 400


def test_other_addresses_keep_their_limit(as_user, ada):
    deal = an_opportunity(ada)
    assert as_user(ada).post(deal.staff_url(), {"name": "x" * 6 * 1024 * 1024}).status_code == 400


def test_what_cannot_be_kept_just_now_is_to_be_said_again(ada, monkeypatch):
    from django.db import OperationalError

    from zarts.desk.views import hooks

    def away(*args):
        raise OperationalError("The database is away.")

    monkeypatch.setattr(hooks, "take_event", away)
    deal = an_opportunity(ada)
    body = MAILS["postmark"](deal.decision_owner.email, "reply@in.zarts.example", "Hello")
    with override_settings(DEBUG=False):
        assert call("postmark", **body) == 503
