"""Mails as they come in."""

from email.message import EmailMessage
from uuid import uuid4

from opportunities import outbox
from opportunities.models import Message
from opportunities.records import perform


def a_mail(
    sender, words="Yes, Thursday is fine.", *, subject="Re: One question", to="reply@in.zarts.example", **headers
):
    """Return a mail as bytes. `headers` are its other headers: In_Reply_To="<…>"."""
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = sender, to, subject
    mail["Message-ID"] = headers.pop("Message_ID", f"<{uuid4().hex}@client.example>")
    for name, value in headers.items():
        mail[name.replace("_", "-")] = value
    mail.set_content(words)
    return mail.as_bytes()


def a_true_mail(sender, words="Yes, Thursday is fine.", **more):
    """Return a mail of which our own server says that it is from whom it says."""
    domain = sender.strip("<>").rpartition("@")[2]
    passed = f"mx.zarts.example; spf=pass smtp.mailfrom={domain}; dmarc=pass header.from={domain}"
    return a_mail(sender, words, Authentication_Results=passed, **more)


def sent_mail(opportunity, owner, *, move="confirm_sent", provider_id=""):
    """Return a mail of ours to the decision owner of a deal, as it is when the mail server has it."""
    message = outbox.write(
        opportunity.decision_owner, "One question", "Is Thursday fine?", owner=owner, by=owner, opportunity=opportunity
    )
    message = perform(message.start_sending, by=None)
    more = {"provider_id": provider_id} if provider_id else {}
    return perform(getattr(message, move), by=None, **more) if move else Message.objects.get(pk=message.pk)


def a_bounce(message, *, status="5.1.1", action="failed", said="550 5.1.1 No such user"):
    """Return the notice of a mail server that a mail of ours could not be delivered."""
    return (
        "From: Mail Delivery System <MAILER-DAEMON@mx.client.example>\r\n"
        "To: hello@zarts.example\r\nSubject: Undelivered Mail Returned to Sender\r\n"
        f"Message-ID: <{uuid4().hex}@mx.client.example>\r\nAuto-Submitted: auto-replied\r\n"
        'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\r\n\r\n'
        "--b\r\nContent-Type: text/plain\r\n\r\nThis mail could not be delivered.\r\n"
        "--b\r\nContent-Type: message/delivery-status\r\n\r\n"
        "Reporting-MTA: dns; mx.client.example\r\n\r\n"
        f"Final-Recipient: rfc822; {message.sent_to}\r\nAction: {action}\r\nStatus: {status}\r\n"
        f"Diagnostic-Code: smtp; {said}\r\n\r\n"
        "--b\r\nContent-Type: text/rfc822-headers\r\n\r\n"
        f"Message-ID: {message.message_id}\r\nSubject: {message.subject}\r\n\r\n--b--\r\n"
    ).encode()
