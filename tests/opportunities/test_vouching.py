"""A sender's name alone opens nothing: a mail is put with a deal by its writer where somebody vouches for them."""

import json
import os
import subprocess
import sys

import pytest

from opportunities import incoming, sequences, vouching
from opportunities.models import InboundMail, Message, Task
from tests.makers import a_lead, an_opportunity
from tests.makers_series import a_sequence
from tests.opportunities.hook_bodies import KEY, MAILS
from tests.opportunities.mails import a_mail, a_true_mail, sent_mail
from tests.opportunities.test_followups import a_follow_up
from tests.opportunities.test_hooks import SECRET, call
from tests.opportunities.test_outbox import again

pytestmark = pytest.mark.django_db
BO = "bo@client.example"


@pytest.fixture(autouse=True)
def address(settings, tmp_path):
    settings.INBOUND_ADDRESS = "reply@in.zarts.example"
    settings.MEDIA_ROOT = tmp_path
    settings.MAIL_VOUCHED_BY = ["mx.zarts.example"]
    settings.MAIL_WEBHOOK_SECRET = SECRET
    settings.ANYMAIL = {"WEBHOOK_SECRET": SECRET, "MAILGUN_WEBHOOK_SIGNING_KEY": KEY}


def take(raw, **more):
    return incoming.take(raw, via="imap", **more)


@pytest.mark.parametrize(
    ("says", "believed"),
    [
        ("dmarc=pass (p=reject) header.from=client.example", True),
        ("dmarc=pass header.from=evil.example", None),
        ("dmarc=none; dkim=pass header.d=client.example", True),
        ("dkim=pass header.i=@client.example header.s=s1", True),
        ("dkim=pass header.d=evil.example; spf=pass smtp.mailfrom=x@evil.example", None),
        ("spf=pass (we think so) smtp.mailfrom=bounce@client.example", True),
        ("spf=softfail smtp.mailfrom=client.example", None),
        ("spf=pass smtp.mailfrom=client.example; dmarc=fail header.from=client.example", False),
        ("DMARC=Pass Header.From=Client.Example", True),
        ("dkim=pass header.d=example", None),
        ("dkim=pass header.d=lient.example", None),
        ("none", None),
        ("", None),
        # What the sender chose stands in comments and quotes, and counts for nothing.
        ('spf=fail smtp.mailfrom="x; dmarc=pass header.from=client.example; y"@evil.example', None),
        ("spf=fail (domain of x; dmarc=pass header.from=client.example) smtp.mailfrom=evil.example", None),
        ("spf=fail (a (b) \\) ; dmarc=pass header.from=client.example) smtp.mailfrom=evil.example", None),
        ('spf=fail (") smtp.mailfrom=evil.example; dkim=fail ("; dmarc=pass header.from=client.example)', None),
        ("spf=fail (; dmarc=pass header.from=client.example", None),
    ],
)
def test_what_a_server_of_ours_says_counts_where_it_is_about_the_senders_domain(says, believed):
    assert vouching.by_servers([f"mx.zarts.example; {says}"], BO) is believed


def test_a_header_of_another_server_counts_for_nothing():
    for name in ("mx.evil.example", "mx.zarts.example.evil.example", "(mx.zarts.example) mx.evil.example", ""):
        assert vouching.by_servers([f"{name}; dmarc=pass header.from=client.example"], BO) is None


def test_of_several_headers_with_our_servers_name_the_uppermost_counts():
    ours, forged = "mx.zarts.example; dmarc=none", "mx.zarts.example; dmarc=pass header.from=client.example"
    assert vouching.by_servers([ours, forged], BO) is None


def test_whoever_names_no_server_believes_none(settings):
    settings.MAIL_VOUCHED_BY = []
    assert vouching.by_servers(["mx.zarts.example; dmarc=pass header.from=client.example"], BO) is None


@pytest.mark.parametrize(
    ("header", "trouble"),
    [
        ({}, "and nobody vouches for that: read it, then file it."),
        ({"Authentication_Results": "mx.evil.example; dmarc=pass"}, "and nobody vouches for that: read it, then"),
        ({"Authentication_Results": "mx.zarts.example; dmarc=fail"}, "and that is not true, or it is spam: read it"),
    ],
    ids=["nobody", "their own", "failed"],
)
def test_a_forged_sender_stops_nothing_and_waits_for_a_person(ada, ben, header, trouble):
    deal = an_opportunity(ada)
    run = sequences.start(a_sequence(ben), deal, deal.decision_owner, by=ada)
    task = a_follow_up(ada, deal)
    mail = take(a_mail(deal.decision_owner.email, "We accept your offer.", **header))
    assert mail.stage == "unmatched"
    assert trouble in mail.trouble
    assert (again(run).stage, again(task).stage) == ("running", "open")
    assert not Message.objects.filter(stage="received").exists()


def test_a_forged_mail_of_a_lead_asks_for_no_answer(ada):
    lead = a_lead(ada)
    assert take(a_mail(lead.email)).stage == "unmatched"
    assert not Task.objects.filter(title__startswith="Answer").exists()
    assert take(a_true_mail(lead.email)).lead == lead


def test_what_answers_a_mail_of_ours_needs_nobody_to_vouch_for_it(ada):
    deal = an_opportunity(ada)
    message = sent_mail(deal, ada)
    for by in ({"to": incoming.reply_address(message)}, {"In_Reply_To": message.message_id}):
        assert take(a_mail(deal.decision_owner.email, **by)).message.opportunity == deal


def test_what_a_provider_takes_for_spam_is_from_nobody(ada):
    deal = an_opportunity(ada)
    mail = take(a_true_mail(deal.decision_owner.email), vouched=False)
    assert (mail.stage, mail.vouched) == ("unmatched", False)


@pytest.mark.parametrize(
    ("fields", "believed"),
    [
        ({"dkim": "{@harbor-dental.example : pass}", "SPF": "none"}, True),
        ({"dkim": "none", "SPF": "pass"}, True),
        ({"dkim": "{@evil.example : pass, @harbor-dental.example : fail}", "SPF": "fail"}, None),
        (
            {"dkim": "none", "SPF": "pass", "envelope": '{"to": ["reply@in.zarts.example"], "from": "x@evil.example"}'},
            None,
        ),
    ],
)
def test_sendgrid_vouches_by_what_it_says_beside_the_mail(ada, fields, believed):
    deal = an_opportunity(ada)
    body = MAILS["sendgrid"](deal.decision_owner.email, "reply@in.zarts.example", "Hello")
    assert call("sendgrid", data=body["data"] | fields) == 200
    mail = InboundMail.objects.get()
    assert (mail.vouched, mail.stage) == (believed, "filed" if believed else "unmatched")


@pytest.mark.parametrize("provider", ["postmark", "mailgun"])
def test_a_provider_that_takes_a_mail_for_spam_says_so(ada, provider):
    deal = an_opportunity(ada)
    body = MAILS[provider](deal.decision_owner.email, "reply@in.zarts.example", "Hello")
    if provider == "postmark":
        body["data"] = body["data"].replace(
            '"Name": "X-Spam-Status", "Value": "No"', '"Name": "X-Spam-Status", "Value": "Yes"'
        )
    else:
        headers = [*json.loads(body["data"]["message-headers"]), ["X-Mailgun-Sflag", "Yes"]]
        body["data"]["message-headers"] = json.dumps(headers)
    assert call(provider, **body) == 200
    assert InboundMail.objects.get().vouched is False


def test_a_name_of_a_server_that_is_none_stops_the_start():
    given = os.environ | {"MAIL_VOUCHED_BY": "mx.zarts.example, https://mx"}
    start = [sys.executable, "-c", "import zarts.settings"]
    stopped = subprocess.run(start, env=given, capture_output=True, text=True, check=False)
    assert stopped.returncode
    assert "MAIL_VOUCHED_BY names “https://mx”, which is no server." in stopped.stderr
