"""What a mail provider calls us with: mail that came in, and what became of mail that went out.

The bodies are read by django-anymail's own views of each provider; what follows from them is ours. Offered are the
providers whose bodies, written after their documentation, are in the tests.
"""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from anymail.inbound import AnymailInboundMessage
from anymail.signals import AnymailInboundEvent, AnymailTrackingEvent, EventType, RejectReason
from anymail.utils import EmailAddress
from anymail.webhooks.brevo import BrevoInboundWebhookView, BrevoTrackingWebhookView
from anymail.webhooks.mailgun import MailgunInboundWebhookView, MailgunTrackingWebhookView
from anymail.webhooks.postmark import PostmarkInboundWebhookView, PostmarkTrackingWebhookView
from anymail.webhooks.resend import ResendTrackingWebhookView
from anymail.webhooks.sendgrid import SendGridInboundWebhookView, SendGridTrackingWebhookView
from anymail.webhooks.sparkpost import SparkPostInboundWebhookView, SparkPostTrackingWebhookView
from django.db import transaction

from . import clock, optout, vouching
from .bounces import came_back, late
from .incoming import take
from .models import Event, Message
from .records import tell

SOFT = {"20", "21", "22", "23", "24", "40", "70"}
# Why a provider would not send: nothing that the address is to blame for.
NOT_THE_ADDRESS = (RejectReason.SPAM, RejectReason.UNSUBSCRIBED, RejectReason.TIMED_OUT)


class Later(Exception):
    """It is about a mail that is just being handed over: the provider may say it again."""


@dataclass(frozen=True)
class Provider:
    """How one provider calls: with mail that came in (`brings`), and with what became of mail (`told`)."""

    brings: Any
    told: Any
    # Whether a body brings mail, and whether a bounce is one that passes.
    is_mail: Callable[[Any], bool]
    is_soft: Callable[[dict], bool] = lambda event: False
    # What it says itself of who sent a mail that it brings, besides that it is spam.
    vouches: Callable[[Any], bool | None] = lambda event: None
    # The settings without which its views cannot work.
    needs: tuple = ()


class BrevoInbound(BrevoInboundWebhookView):
    """Names the attachments, which it would have to fetch elsewhere while it is called."""

    def __init__(self, **kwargs):
        super().__init__(api_key="", **kwargs)

    def _fetch_attachment(self, attachment):
        name = f"{attachment.get('Name', 'An attachment')}, kept at Brevo"
        return AnymailInboundMessage.construct_attachment("application/octet-stream", b"", filename=name)


def body(request) -> Any:
    return json.loads(request.body.decode("utf-8"))


def is_form(request) -> bool:
    return request.content_type != "application/json"


def vouched_by_sendgrid(event) -> bool | None:
    """Whether the domain of the sender signed a mail, or sent it: SendGrid says so beside the mail."""
    said, mail = event.esp_event.POST, event.message
    domains = re.findall(r"@([\w.-]+)\s*:\s*pass\b", said.get("dkim", ""))
    if said.get("SPF", "").lower() == "pass":
        domains.append(str(mail.envelope_sender or "").rpartition("@")[2])
    author = mail.from_email.addr_spec if isinstance(mail.from_email, EmailAddress) else ""
    return True if any(vouching.is_of(domain, author) for domain in domains) else None


def vouched(event, provider: Provider) -> bool | None:
    """Return what a provider says of who sent a mail that it brings."""
    return False if event.message.spam_detected else provider.vouches(event)


PROVIDERS = {
    "postmark": Provider(
        PostmarkInboundWebhookView,
        PostmarkTrackingWebhookView,
        lambda request: "FromFull" in body(request),
        lambda event: event.get("Type") in ("SoftBounce", "Transient", "DnsError"),
    ),
    "mailgun": Provider(
        MailgunInboundWebhookView,
        MailgunTrackingWebhookView,
        is_form,
        lambda event: event.get("event-data", {}).get("severity") == "temporary",
        needs=("MAILGUN_WEBHOOK_SIGNING_KEY",),
    ),
    "sendgrid": Provider(
        SendGridInboundWebhookView,
        SendGridTrackingWebhookView,
        is_form,
        lambda event: event.get("type") == "blocked",
        vouches=vouched_by_sendgrid,
    ),
    "sparkpost": Provider(
        SparkPostInboundWebhookView,
        SparkPostTrackingWebhookView,
        lambda request: any("relay_message" in one["msys"] for one in body(request)),
        lambda event: any(str(one.get("bounce_class")) in SOFT for one in event["msys"].values()),
    ),
    "brevo": Provider(
        BrevoInbound,
        BrevoTrackingWebhookView,
        lambda request: "items" in body(request),
        lambda event: event.get("event") == "soft_bounce",
    ),
    # Its mail that comes in would have to be fetched from its own servers: that is not offered.
    "resend": Provider(
        None,
        ResendTrackingWebhookView,
        lambda request: body(request).get("type") == "email.received",
        lambda event: (event.get("data", {}).get("bounce") or {}).get("type") in ("Transient", "Undetermined"),
    ),
}


def events_of(name: str, request) -> list:
    """Return what a provider's call says. Raises what the library raises about nonsense."""
    provider = PROVIDERS[name]
    kind = provider.brings if provider.is_mail(request) else provider.told
    if kind is None:
        raise ValueError("This provider's mail that comes in is not offered.")
    view = kind()
    view.run_validators(request)
    return [(event, provider) for event in view.parse_events(request)]


def take_event(event, name: str, provider: Provider):
    """Do what follows from one thing that a provider says."""
    if isinstance(event, AnymailInboundEvent):
        take(raw_of(event.message), via=name, vouched=vouched(event, provider))
    elif isinstance(event, AnymailTrackingEvent):
        follow(event, provider)


def raw_of(message) -> bytes:
    """Return a mail that a provider took apart as one mail again, with the address that it was delivered to."""
    to = "".join(str(message.envelope_recipient or "").split())[:254]
    try:
        raw = message.as_bytes()
    except Exception:  # letters that no charset has
        raw = message.as_string().encode("utf-8", "replace")
    return f"X-Original-To: {to}\n".encode("ascii", "replace") + raw if "@" in to else raw


@transaction.atomic
def follow(event, provider: Provider):
    """Follow what became of a mail of ours. What is none of ours is passed over."""
    message = message_of(event)
    if message is None:
        return
    said = " ".join(str(event.mta_response or event.description or event.reject_reason or event.event_type).split())
    if event.event_type == EventType.COMPLAINED:
        stop_marketing(message, "They marked a mail of ours as spam.")
    elif event.event_type == EventType.UNSUBSCRIBED:
        stop_marketing(message, "They unsubscribed at the mail provider.")
    elif event.event_type == EventType.DEFERRED or is_passing(event, provider):
        late(message, said[:300])
    elif event.event_type in (EventType.BOUNCED, EventType.REJECTED, EventType.FAILED):
        failed = event.event_type == EventType.FAILED or event.reject_reason in NOT_THE_ADDRESS
        came_back(message, said[:300], marks=not failed)


def is_passing(event, provider: Provider) -> bool:
    return event.event_type == EventType.BOUNCED and provider.is_soft(event.esp_event)


def message_of(event) -> Message | None:
    """Return the mail that an event is about: by the provider's number of it, or by ours."""
    number = str(event.message_id or "")[:200]
    if not number:
        return None
    rows = Message.objects.select_related("contact__client", "opportunity")
    message = rows.filter(provider_id=number).first()
    message = message or rows.filter(message_id__in=[number, f"<{number.strip('<>')}>"]).first()
    recipient = str(event.recipient or "").lower()[:254]
    if message is None:
        if recipient and rows.filter(stage=Message.Stage.SENDING, sent_to=recipient).exists():
            raise Later
        return None
    return message if not (recipient and message.sent_to) or recipient == message.sent_to else None


def stop_marketing(message: Message, reason: str):
    """Stop marketing to whoever got a mail, wherever they are known, as their own click would. Contracts go on."""
    said = {"record_type": message.label(), "record_id": message.pk, "verb": "message.complaint", "reason": reason}
    if Event.objects.filter(**said).exists():
        return  # a provider may say it again: what they agreed to meanwhile stands
    address = message.sent_to or message.contact.email
    optout.stop(message.contact, address, purpose="marketing", at=clock.now(), reason=reason)
    tell(message, "complaint", "heard a complaint about", by=None, reason=reason)
