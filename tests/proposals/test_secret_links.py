"""Whoever holds a proposal's link can answer for the client, so only the client gets to see it."""

import re

import pytest
from django.contrib import admin
from django.core import mail
from django.db import DatabaseError, connection, transaction

from opportunities import outbox
from opportunities.models import Message
from opportunities.records import Refused, perform
from portal.models import SignInLink, SignInRequest
from portal.tokens import TOKEN, token_hash
from proposals import inbox
from tests.makers_proposals import a_proposal


def the_mail(proposal):
    return Message.objects.get(template="proposal", record_id=proposal.pk)


def token_in(words):
    return re.search(f"/({TOKEN})(/|\n)", words)[1]


def holding(secret) -> list[str]:
    """Return the tables in which this text stands anywhere."""
    with connection.cursor() as cursor:
        found = []
        for table in connection.introspection.table_names(cursor):
            # Any portal table that staff code may not read cannot show it either.
            cursor.execute("select has_table_privilege(%s, 'select')", [table])
            if cursor.fetchone()[0]:
                cursor.execute(f'select exists (select from "{table}" t where t::text like %s)', [f"%{secret}%"])
                found += [table] * cursor.fetchone()[0]
        return found


@pytest.fixture
def refusing_server(monkeypatch):
    """A mail server that refuses every mail."""
    from smtplib import SMTPRecipientsRefused

    def refuse(*args, **kwargs):
        raise SMTPRecipientsRefused({})

    monkeypatch.setattr("django.core.mail.backends.locmem.EmailBackend.send_messages", refuse)


def test_no_page_shows_the_link_to_whoever_may_read_the_mail(ada, ben, ann, as_user):
    message = the_mail(a_proposal(ada, approver=ben, stage="sent"))
    token = token_in(message.secret_link)

    for person in (ada, ben, ann):
        browser = as_user(person)
        for page in (message.staff_url(), message.opportunity.staff_url(), message.parent.staff_url()):
            shown = browser.get(page, follow=True).content.decode()
            assert token not in shown
        assert "their own link" in browser.get(message.staff_url(), follow=True).content.decode()
    assert "secret_link" not in str(admin.site.get_model_admin(Message).fields)


def test_the_link_stands_nowhere_but_in_the_mail_that_waits(ada, ben):
    message = the_mail(a_proposal(ada, approver=ben, stage="sent"))
    token = token_in(message.secret_link)
    assert holding(token) == ["opportunities_message"]
    assert holding(token_hash(token)) == ["portal_proposallink"]

    outbox.send()

    (sent,) = [one for one in mail.outbox if "/p/" in one.body]
    assert f"/p/{token}/" in sent.body
    assert Message.LINK not in sent.body
    assert holding(token) == []


def test_a_sign_in_link_is_kept_nowhere(ada, ben, django_capture_on_commit_callbacks):
    proposal = a_proposal(ada, approver=ben, stage="sent")
    with django_capture_on_commit_callbacks(execute=True):
        inbox.take_sign_in(SignInRequest(email=proposal.recipient.email))

    token = token_in(mail.outbox[-1].body)
    assert SignInLink.objects.get().token_hash == token_hash(token)
    assert holding(token) == []


def test_a_refused_mail_keeps_its_link_to_be_sent_again(ada, ben, refusing_server, monkeypatch):
    message = the_mail(a_proposal(ada, approver=ben, stage="sent"))
    outbox.send()
    message = Message.objects.get(pk=message.pk)
    assert message.stage == "failed"

    monkeypatch.undo()
    perform(message.retry, by=ada)
    outbox.send()
    assert any(message.secret_link in one.body for one in mail.outbox)


def test_a_mail_whose_link_was_closed_does_not_go(ada, ben):
    proposal = a_proposal(ada, approver=ben, stage="sent")
    perform(proposal.withdraw, by=ada, reason="The price is wrong.")

    message = the_mail(proposal)
    assert (message.stage, message.secret_link) == ("held", "")
    with pytest.raises(Refused, match="The link in it was closed"):
        perform(message.queue, by=ada)
    outbox.send()
    assert not [one for one in mail.outbox if proposal.recipient.email in one.to[0]]


def test_a_refused_mail_forgets_a_link_that_was_closed(ada, ben, refusing_server):
    proposal = a_proposal(ada, approver=ben, stage="sent")
    outbox.send()
    perform(proposal.withdraw, by=ada, reason="The price is wrong.")
    assert (the_mail(proposal).stage, the_mail(proposal).secret_link) == ("failed", "")


def test_the_database_keeps_no_link_of_a_mail_that_went(ada, ben):
    message = the_mail(a_proposal(ada, approver=ben, stage="sent"))
    outbox.send()
    with pytest.raises(DatabaseError, match="sent_message_keeps_no_secret"), transaction.atomic():
        Message.objects.filter(pk=message.pk).update(secret_link="https://x.example/p/again/")
