"""Mail fetched by IMAP, from a real small server: once, resumable, and without keeping the round."""

import threading
import time
from datetime import timedelta

import pytest
from django.db import connection

from opportunities import mailbox
from opportunities.models import Heartbeat, InboundMail
from tests.makers import an_opportunity
from tests.opportunities.imap import Mailbox, serve
from tests.opportunities.mails import a_mail, a_true_mail
from zarts.desk import due

pytestmark = pytest.mark.django_db


@pytest.fixture
def box(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    box = Mailbox()
    server, settings.INBOUND_IMAP_URL = serve(box)
    yield box
    server.shutdown()
    server.server_close()


def a_minute_later():
    Heartbeat.objects.filter(name="mailbox").update(at=mailbox.clock.now() - timedelta(minutes=1))


def test_unseen_mail_is_taken_in_and_marked_as_seen(ada, box):
    deal = an_opportunity(ada)
    box.put(a_true_mail(deal.decision_owner.email))
    box.put(a_mail("stranger@elsewhere.example"))
    assert mailbox.fetch() == 2
    assert box.seen == {1, 2}
    assert set(InboundMail.objects.values_list("stage", "via")) == {("filed", "imap"), ("unmatched", "imap")}
    a_minute_later()
    assert mailbox.fetch() == 0
    assert InboundMail.objects.count() == 2


def test_the_mailbox_is_looked_into_once_a_minute(box):
    for _ in range(3):
        mailbox.fetch()
    assert box.opened == 1
    a_minute_later()
    mailbox.fetch()
    assert box.opened == 2


def test_without_an_address_nobody_looks(settings):
    settings.INBOUND_IMAP_URL = ""
    assert mailbox.fetch() == 0
    assert not Heartbeat.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_of_many_workers_one_looks(box):
    box.put(a_mail("stranger@elsewhere.example"))
    together = threading.Barrier(4)

    def work():
        together.wait()
        try:
            mailbox.fetch()
        finally:
            connection.close()

    workers = [threading.Thread(target=work) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert box.opened == 1


def test_of_a_mail_that_is_too_large_only_the_headers_are_fetched(box):
    raw = a_mail("stranger@elsewhere.example", subject="All our pictures")
    box.put(raw, size=30 * 1024 * 1024)
    assert mailbox.fetch() == 1
    mail = InboundMail.objects.get()
    assert (mail.subject, mail.size, mail.stage) == ("All our pictures", 30 * 1024 * 1024, "unmatched")
    assert "too large" in mail.trouble
    assert not any("BODY.PEEK[]" in command for command in box.asked)


def test_whoever_is_cut_off_goes_on_a_minute_later_and_takes_nothing_twice(box):
    for number in range(3):
        box.put(a_mail(f"stranger{number}@elsewhere.example"))
    box.drops_after = 1
    with pytest.raises(mailbox.Trouble):
        mailbox.fetch()
    assert InboundMail.objects.count() == 1
    box.drops_after = None
    a_minute_later()
    mailbox.fetch()
    assert InboundMail.objects.count() == 3
    assert box.seen == {1, 2, 3}


def test_whoever_was_killed_before_the_mark_finds_the_mail_here_already(box):
    box.put(a_mail("stranger@elsewhere.example"))
    mailbox.fetch()
    box.seen.clear()
    a_minute_later()
    assert mailbox.fetch() == 1
    assert box.seen == {1}
    assert InboundMail.objects.count() == 1


def test_a_mail_that_cannot_be_taken_in_stays_unseen_and_keeps_no_other_out(box, monkeypatch):
    box.put(a_mail("first@elsewhere.example", subject="Trouble"))
    box.put(a_mail("second@elsewhere.example"))
    take = mailbox.take

    def stumble(raw, **more):
        if b"Trouble" in raw:
            raise OSError("The disk is full.")
        return take(raw, **more)

    monkeypatch.setattr(mailbox, "take", stumble)
    assert mailbox.fetch() == 1
    assert box.seen == {2}


@pytest.mark.parametrize("trouble", ["silent", "drips", "greets for ever"])
def test_a_server_that_hangs_keeps_no_round_for_ever(box, trouble, monkeypatch):
    monkeypatch.setattr(mailbox, "PATIENCE", 1)
    monkeypatch.setattr(mailbox, "LONGEST", 2)
    box.trouble = trouble
    began = time.monotonic()
    with pytest.raises(mailbox.Trouble):
        mailbox.fetch()
    assert time.monotonic() - began < 6


def test_a_server_that_says_nothing_keeps_the_round_for_some_seconds_only(box):
    """The mail of the others waits meanwhile, once a minute."""
    box.trouble = "silent"
    began = time.monotonic()
    with pytest.raises(mailbox.Trouble):
        mailbox.fetch()
    assert time.monotonic() - began < 8


def test_a_wrong_password_is_told_without_it(box, settings):
    box.password = "another"
    with pytest.raises(mailbox.Trouble) as trouble:
        mailbox.fetch()
    assert "secret" not in str(trouble.value)


@pytest.mark.parametrize("url", ["https://x:y@z/", "imaps://host/INBOX", "nonsense"])
def test_an_address_that_is_no_mailbox_says_what_to_write(settings, url):
    settings.INBOUND_IMAP_URL = url
    with pytest.raises(mailbox.Trouble, match="write imaps://"):
        mailbox.fetch()


@pytest.mark.django_db(transaction=True)
def test_a_mailbox_that_is_down_leaves_the_other_parts_of_the_round_alone(settings):
    settings.INBOUND_IMAP_URL = "imap://us:secret@127.0.0.1:1/INBOX"
    done, failed = due.run()
    assert failed == ["mail that comes in"]
    assert {"what waits", "what falls due", "mail"} <= done.keys()
