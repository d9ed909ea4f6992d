"""Mail providers: what each is really told, and what is made of its answer. A small server plays their side."""

import json
import os
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from opportunities import outbox
from opportunities.models import Consent, Message
from opportunities.records import begin
from tests.makers import an_opportunity
from zarts import mailing

ROOT = Path(__file__).resolve().parent.parent.parent
KEYS = {key: f"key-of-{key.lower()}" for provider in mailing.PROVIDERS.values() for key in provider.needs}
KEYS["MAILGUN_SENDER_DOMAIN"] = "mg.zarts.example"
# What each answers when it takes a mail.
TAKES = {
    "brevo": {"messageId": "<number-7@smtp-relay.example>"},
    "mailgun": {"id": "<number-7@mg.zarts.example>", "message": "Queued. Thank you."},
    "postmark": {"ErrorCode": 0, "Message": "OK", "MessageID": "number-7", "To": "bo@harbor-dental.example"},
    "resend": {"id": "number-7"},
    "sparkpost": {"results": {"total_rejected_recipients": 0, "total_accepted_recipients": 1, "id": "number-7"}},
}


class Side:
    """The provider's side: answers as it is told, and keeps what it got."""

    def __init__(self):
        self.status, self.answer, self.got = 200, {}, []
        side = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                length = int(self.headers["Content-Length"])
                side.got.append((self.path, dict(self.headers), self.rfile.read(length).decode()))
                if side.status is None:
                    self.connection.close()  # it goes away with the mail in its hands
                    return
                words = json.dumps(side.answer).encode()
                self.send_response(side.status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(words)))
                self.end_headers()
                self.wfile.write(words)

            def log_message(self, *args):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/api"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def side():
    side = Side()
    yield side
    side.stop()


def go_by(name, settings, url):
    found = mailing.settings_of(name, (KEYS | {f"{name.upper()}_API_URL": url}).get, timeout=10) if url else {}
    for key, value in found.items():
        setattr(settings, key, value)


@pytest.fixture(autouse=True)
def known(monkeypatch):
    """Every key of a provider is something or nothing, never missing."""
    for provider in mailing.PROVIDERS.values():
        for key in (*provider.needs, *provider.may):
            KEYS.setdefault(key, "")


def a_mail(owner):
    opportunity = an_opportunity(owner)
    contact = opportunity.decision_owner
    begin(Consent(contact=contact, purpose="marketing", text_version="1", source="Said so"), by=owner)
    return outbox.write(
        contact, "Größe", "Schöne Grüße.", owner=owner, by=owner, purpose="marketing", opportunity=opportunity
    )


def flat(words) -> str:
    """Return what was sent, with the letters as they are, whatever way it was coded."""
    try:
        return json.dumps(json.loads(words), ensure_ascii=False)
    except ValueError:
        from urllib.parse import unquote_plus

        return unquote_plus(words)


@pytest.mark.django_db
@pytest.mark.parametrize("name", mailing.PROVIDERS)
def test_each_provider_gets_the_whole_mail_and_its_number_is_kept(name, ada, side, settings):
    go_by(name, settings, side.url)
    side.answer = TAKES[name]
    message = a_mail(ada)
    if name == "postmark":
        side.answer = side.answer | {"To": message.contact.email}  # it says to whom
    outbox.run()
    outbox.run()
    ((path, headers, body),) = side.got
    assert path.startswith("/api/")
    sent = flat(body)
    for words in (message.contact.email, "Größe", "Schöne Grüße.", "/stop/", "List-Unsubscribe=One-Click"):
        assert words in sent, (name, words, sent)
    assert message.message_id in sent, "its number is asked for, where the provider lets it be"
    key = next(value for key, value in KEYS.items() if key.startswith(name.upper()) and value.startswith("key-of-"))
    carried = str(headers) + sent
    assert key in carried or "Basic " in carried, "the key goes along"
    message = Message.objects.get(pk=message.pk)
    assert (message.stage, message.attempt) == ("sent", 1)
    assert message.provider_id.strip("<>").startswith("number-7")


@pytest.mark.django_db
def test_postmark_is_asked_to_keep_our_number(ada, side, settings):
    go_by("postmark", settings, side.url)
    side.answer = TAKES["postmark"]
    a_mail(ada)
    outbox.run()
    assert {"Name": "X-PM-KeepID", "Value": "true"} in json.loads(side.got[0][2])["Headers"]


@pytest.mark.django_db
@pytest.mark.parametrize("name", mailing.PROVIDERS)
@pytest.mark.parametrize(
    ("status", "stage"), [(422, "failed"), (401, "queued"), (429, "queued"), (500, "uncertain"), (None, "uncertain")]
)
def test_what_a_provider_answers_is_refused_later_or_in_doubt(name, status, stage, ada, side, settings):
    go_by(name, settings, side.url)
    side.status, side.answer = status, {"message": "No.", "ErrorCode": 300, "Message": "No."}
    message = a_mail(ada)
    outbox.run()
    assert Message.objects.get(pk=message.pk).stage == stage
    assert len([body for _, _, body in side.got if message.contact.email in flat(body)]) == 1


@pytest.mark.django_db
@pytest.mark.parametrize("name", mailing.PROVIDERS)
def test_while_a_provider_cannot_be_reached_mail_waits_and_is_in_no_doubt(name, ada, settings):
    side = Side()
    side.stop()
    go_by(name, settings, side.url)
    message = a_mail(ada)
    outbox.run()
    assert Message.objects.get(pk=message.pk).stage == "queued"


# -- Settings. ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "env", "said"),
    [
        ("pigeon", {}, "MAIL_PROVIDER is “pigeon”. Set it to one of brevo, mailgun"),
        ("postmark", {}, "set POSTMARK_SERVER_TOKEN"),
        ("mailgun", {"MAILGUN_API_KEY": "k"}, "set MAILGUN_SENDER_DOMAIN"),
        ("mailgun", {}, "set MAILGUN_API_KEY and MAILGUN_SENDER_DOMAIN"),
        ("resend", {"RESEND_API_KEY": "two words"}, "RESEND_API_KEY holds a blank"),
        ("resend", {"RESEND_API_KEY": "k", "RESEND_API_URL": "api.example"}, "RESEND_API_URL is “api.example”"),
    ],
)
def test_settings_that_make_no_sense_are_refused_and_say_what_to_do(name, env, said):
    with pytest.raises(ImproperlyConfigured, match=said):
        mailing.settings_of(name, lambda key: env.get(key, ""), timeout=10)


def started(**env):
    """Return what a process of the staff surface says of its mail, or why it does not start."""
    code = "from django.conf import settings as s; print(s.EMAIL_BACKEND, getattr(s, 'ANYMAIL_REQUESTS_TIMEOUT', ''))"
    environment = {
        "PATH": os.environ["PATH"],
        "DJANGO_SETTINGS_MODULE": "zarts.settings",
        "DATABASE_URL": "postgres://zarts_app@localhost/none",
        "REDIS_URL": "redis://localhost/0",
        "SECRET_KEY": "k" * 50,
        **env,
    }
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, cwd=ROOT)
    return done.stdout.strip() or done.stderr.strip().splitlines()[-1]


def test_a_process_sends_by_its_provider_by_smtp_or_does_not_start():
    assert started(MAIL_PROVIDER="Resend", RESEND_API_KEY="k") == "anymail.backends.resend.EmailBackend 10"
    assert started(EMAIL_URL="smtp://mail.example") == "django.core.mail.backends.smtp.EmailBackend"
    assert "Set EMAIL_URL" in started()
    assert "set RESEND_API_KEY" in started(MAIL_PROVIDER="resend")


def test_every_provider_stands_in_the_page_about_deploying():
    page = (ROOT / "docs/deploy.md").read_text()
    for name, provider in mailing.PROVIDERS.items():
        for words in (name, *provider.needs):
            assert f"`{words}`" in page, words
