"""What mail providers call us with, in bodies written after their documentation: mail to us, mail of ours."""

import base64
import hashlib
import hmac
import json
from uuid import uuid4

KEY = "signing-key-of-mailgun"


def as_json(body, **more):
    return {"data": json.dumps(body), "content_type": "application/json", **more}


def signed():
    token, timestamp = uuid4().hex, "1461261330"
    made = hmac.new(KEY.encode(), f"{timestamp}{token}".encode(), hashlib.sha256).hexdigest()
    return {"timestamp": timestamp, "token": token, "signature": made}


# -- Mail that came in: from whom, to which address, what it says. -----------------------------------------------------


def postmark_mail(sender, to, words):
    person = {"Email": sender, "Name": "Bo Larsen", "MailboxHash": ""}
    return as_json(
        {
            "FromName": "Bo Larsen",
            "From": sender,
            "FromFull": person,
            "To": to,
            "ToFull": [{"Email": to, "Name": "", "MailboxHash": to.partition("+")[2].partition("@")[0]}],
            "Cc": "",
            "CcFull": [],
            "Bcc": "",
            "BccFull": [],
            "OriginalRecipient": to,
            "Subject": "Re: One question – Grüße",
            "MessageID": "22c74902-a0c1-4511-804f2-341342852c90",
            "ReplyTo": "",
            "MailboxHash": "",
            "Date": "Thu, 5 Apr 2012 16:59:01 +0200",
            "TextBody": words,
            "HtmlBody": f"<html><body><p>{words}</p></body></html>",
            "StrippedTextReply": words,
            "Tag": "",
            "Headers": [
                {"Name": "Return-Path", "Value": f"<{sender}>"},
                {"Name": "X-Spam-Status", "Value": "No"},
                {"Name": "Message-ID", "Value": f"<{uuid4().hex}@mail.client.example>"},
            ],
            "Attachments": [
                {
                    "Name": "plan.txt",
                    "Content": base64.b64encode(b"A plan.").decode(),
                    "ContentType": "text/plain",
                    "ContentLength": 7,
                }
            ],
        }
    )


def mailgun_mail(sender, to, words):
    headers = [
        ["From", f"Bo Larsen <{sender}>"],
        ["To", to],
        ["Subject", "Re: One question"],
        ["Message-Id", f"<{uuid4().hex}@mail.client.example>"],
    ]
    return {
        "data": {
            **signed(),
            "domain": "in.zarts.example",
            "from": f"Bo Larsen <{sender}>",
            "sender": sender,
            "recipient": to,
            "subject": "Re: One question",
            "body-plain": words,
            "stripped-text": words,
            "body-html": f"<p>{words}</p>",
            "message-headers": json.dumps(headers),
            "Message-Id": headers[3][1],
        }
    }


def sendgrid_mail(sender, to, words):
    headers = (
        f"Received: by mx.sendgrid.example\nFrom: Bo Larsen <{sender}>\nTo: {to}\nSubject: Re: One question\n"
        f"Message-ID: <{uuid4().hex}@mail.client.example>\nMIME-Version: 1.0\n"
    )
    return {
        "data": {
            "headers": headers,
            "dkim": "{@client.example : pass}",
            "to": to,
            "text": words,
            "html": f"<p>{words}</p>",
            "from": f"Bo Larsen <{sender}>",
            "sender_ip": "10.10.1.71",
            "envelope": json.dumps({"to": [to], "from": sender}),
            "attachments": "0",
            "subject": "Re: One question",
            "charsets": json.dumps(
                {"to": "UTF-8", "html": "UTF-8", "subject": "UTF-8", "from": "UTF-8", "text": "UTF-8"}
            ),
            "SPF": "pass",
        }
    }


def sparkpost_mail(sender, to, words):
    mime = (
        f"From: Bo Larsen <{sender}>\r\nTo: {to}\r\nSubject: Re: One question\r\n"
        f"Message-ID: <{uuid4().hex}@mail.client.example>\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n{words}\r\n"
    )
    content = {
        "email_rfc822": base64.b64encode(mime.encode()).decode(),
        "email_rfc822_is_base64": True,
        "headers": [{"From": sender}, {"To": to}],
        "html": "",
        "subject": "Re: One question",
        "text": words,
        "to": [to],
    }
    message = {
        "content": content,
        "customer_id": "60",
        "friendly_from": sender,
        "msg_from": sender,
        "rcpt_to": to,
        "webhook_id": "4839201967643219",
        "protocol": "smtp",
    }
    return as_json([{"msys": {"relay_message": message}}])


def brevo_mail(sender, to, words):
    return as_json(
        {
            "items": [
                {
                    "Uuid": ["aa11bb22"],
                    "MessageId": f"<{uuid4().hex}@mail.client.example>",
                    "InReplyTo": None,
                    "From": {"Name": "Bo Larsen", "Address": sender},
                    "To": [{"Name": None, "Address": to}],
                    "Cc": [],
                    "Recipients": [to],
                    "SentAtDate": "Tue, 16 Jan 2024 22:19:24 +0000",
                    "Subject": "Re: One question",
                    "RawHtmlBody": f"<p>{words}</p>",
                    "RawTextBody": words,
                    "ExtractedMarkdownMessage": words,
                    "SpamScore": 0.1,
                    "Attachments": [
                        {
                            "Name": "plan.txt",
                            "ContentType": "text/plain",
                            "ContentLength": 7,
                            "ContentID": None,
                            "DownloadToken": "eyJmb2x",
                        }
                    ],
                    "Headers": {
                        "Received": ["by mail.brevo.example", "by mx.client.example"],
                        "From": f"Bo Larsen <{sender}>",
                        "To": to,
                        "Subject": "Re: One question",
                        "Message-ID": f"<{uuid4().hex}@mail.client.example>",
                        "Delivered-To": to,
                    },
                }
            ]
        }
    )


MAILS = {
    "postmark": postmark_mail,
    "mailgun": mailgun_mail,
    "sendgrid": sendgrid_mail,
    "sparkpost": sparkpost_mail,
    "brevo": brevo_mail,
}

# -- What became of a mail: the provider's number, the address, and whether it lasts or is a complaint. ----------------


def postmark_event(number, to, kind="bounce"):
    body = {
        "MessageID": number,
        "ServerID": 23,
        "MessageStream": "outbound",
        "Tag": "",
        "Email": to,
        "From": "hello@zarts.example",
        "BouncedAt": "2022-06-05T16:05:35Z",
        "ID": 901542550,
        "Description": "The server was unable to deliver your message (ex: unknown user, mailbox not found).",
        "Details": "smtp;550 5.1.1 The email account that you tried to reach does not exist.",
    }
    types = {
        "bounce": ("Bounce", "HardBounce", 1),
        "soft": ("Bounce", "SoftBounce", 4096),
        "complaint": ("SpamComplaint", "SpamComplaint", 512),
    }
    record, type_, code = types[kind]
    return as_json({**body, "RecordType": record, "Type": type_, "TypeCode": code})


def mailgun_event(number, to, kind="bounce"):
    data = {
        "id": "DACSsAdVSeGpLid7TN03WA",
        "timestamp": 1529011464.0,
        "recipient": to,
        "recipient-domain": to.partition("@")[2],
        "message": {"headers": {"to": to, "message-id": number.strip("<>"), "from": "hello@zarts.example"}},
        "delivery-status": {"code": 550, "message": "", "description": "No such user here", "attempt-no": 1},
        "log-level": "error",
        "tags": [],
        "user-variables": {},
    }
    kinds = {
        "bounce": {"event": "failed", "severity": "permanent", "reason": "bounce"},
        "soft": {"event": "failed", "severity": "temporary", "reason": "generic"},
        "complaint": {"event": "complained"},
    }
    return as_json({"signature": signed(), "event-data": data | kinds[kind]})


def sendgrid_event(number, to, kind="bounce"):
    event = {
        "email": to,
        "timestamp": 1461095246,
        "smtp-id": "<smtp-id@geopod>",
        "anymail_id": number,
        "ip": "195.16.1.1",
        "sg_event_id": "ZyjAM5rnQmuI1KFInHQ3Nw",
        "sg_message_id": "wrfRRvF7Q0GgwUo2CvDmEA.filter0425p1mdw1.13037.57168B4A1D.0",
    }
    kinds = {
        "bounce": {"event": "bounce", "type": "bounce", "status": "5.1.1", "reason": "550 5.1.1 No such user"},
        "soft": {"event": "bounce", "type": "blocked", "status": "4.0.0", "reason": "Greylisted"},
        "complaint": {"event": "spamreport"},
    }
    return as_json([event | kinds[kind]])


def sparkpost_event(number, to, kind="bounce"):
    event = {
        "event_id": "84320004715329757",
        "transmission_id": number,
        "message_id": "000010acbce8ab3e4c18",
        "rcpt_to": to,
        "raw_rcpt_to": to,
        "rcpt_meta": {},
        "timestamp": "1454442600",
        "customer_id": "1",
        "friendly_from": "hello@zarts.example",
    }
    kinds = {
        "bounce": {"type": "bounce", "bounce_class": "10", "error_code": "550", "raw_reason": "550 5.1.1 No such user"},
        "soft": {"type": "bounce", "bounce_class": "22", "error_code": "552", "raw_reason": "552 Mailbox is full"},
        "complaint": {"type": "spam_complaint", "fbtype": "abuse", "report_by": "isp.example"},
    }
    return as_json([{"msys": {"message_event": event | kinds[kind]}}])


def resend_event(number, to, kind="bounce"):
    data = {
        "created_at": "2024-11-22T23:41:11.894719+00:00",
        "email_id": number,
        "from": "Zarts <hello@zarts.example>",
        "headers": [],
        "subject": "One question",
        "to": [to],
    }
    hard = "The recipient's email provider sent a hard bounce message, but didn't specify the reason."
    soft = "The recipient's email provider sent a general bounce message."
    kinds = {
        "bounce": ("email.bounced", {"bounce": {"message": hard, "subType": "General", "type": "Permanent"}}),
        "soft": ("email.bounced", {"bounce": {"message": soft, "subType": "General", "type": "Transient"}}),
        "complaint": ("email.complained", {}),
    }
    type_, more = kinds[kind]
    body = {"created_at": "2024-11-22T23:41:12.126Z", "data": data | more, "type": type_}
    return as_json(body, headers={"svix-id": "msg_2pGjpd", "svix-timestamp": "1732318872"})


def brevo_event(number, to, kind="bounce"):
    events = {"bounce": "hard_bounce", "soft": "soft_bounce", "complaint": "spam"}
    return as_json(
        {
            "event": events[kind],
            "email": to,
            "id": 1,
            "date": "2018-03-06 11:27:20",
            "ts": 1520331440,
            "message-id": number,
            "ts_event": 1520331440,
            "ts_epoch": 1520331440000,
            "subject": "One question",
            "reason": "550 5.1.1 No such user",
            "tag": "",
            "sending_ip": "",
        }
    )


EVENTS = {
    "postmark": postmark_event,
    "mailgun": mailgun_event,
    "sendgrid": sendgrid_event,
    "sparkpost": sparkpost_event,
    "resend": resend_event,
    "brevo": brevo_event,
}
