"""Writing one mail to somebody: from a template or by hand, seen as it will be read, then kept or sent."""

from contextlib import suppress
from copy import copy
from dataclasses import dataclass, field
from email.header import decode_header, make_header
from typing import Any

from django import forms
from django.db import transaction
from django.urls import reverse

from . import clock, conditions, filling, optout, outbox, secondtries
from .forms import UNPRINTABLE, WordsField, near_our_time, offer_people, say_plainly
from .inplace import TimeInput, by_your_clock
from .models import Consent, Contact, Message, MessageTemplate, Opportunity
from .models.task import said
from .records import Lack, Refused, begin, edit, perform

Purpose = Consent.Purpose
SAID = {
    Purpose.MARKETING: "Marketing: it goes to whoever agreed to it, with the way out of it at the end.",
    Purpose.TRANSACTIONAL: "Transactional: about what we are doing for them.",
    Purpose.CONTRACTUAL: "Contractual: an opt-out of marketing does not stop it.",
}


# -- As it will be read. -----------------------------------------------------------------------------------------------


@dataclass
class Preview:
    """A mail as its reader gets it, and what is still in its way."""

    sender: str
    to: str
    reply_to: str
    subject: str
    body: str
    purpose: str
    # When it goes, where somebody chose a time.
    goes_at: Any = None
    lacks: list = field(default_factory=list)
    # What it will wait for, where it may wait.
    waits: list = field(default_factory=list)

    @property
    def said(self) -> str:
        return SAID.get(self.purpose, "")


def preview(message: Message, lacks=()) -> Preview:
    """Return a message as the mail that it would be. It need not be saved.

    Its reader's way out of this kind of mail is theirs alone, as a link to an offer is; an unsaved one has none yet.
    """
    message.sent_to = message.sent_to or message.contact.email.lower()
    message.reply_key = message.reply_key or message.mark("reply")[:32]
    mail = outbox.letter_of(message, None)
    return Preview(
        sender=as_read(mail.from_email),
        to=as_read(mail.to[0]),
        reply_to=", ".join(mail.reply_to),
        subject=mail.subject,
        body=optout.hidden(mail.body, message),
        purpose=message.purpose,
        goes_at=message.go_at if message.stage == Message.Stage.DRAFT else None,
        lacks=list(lacks),
    )


def as_read(address) -> str:
    """Return an address as a mail program shows it: names in letters, not in codes."""
    return str(make_header(decode_header(address)))


def agree_url(contact, purpose) -> str:
    """Return the page on which it is written down that a contact agreed to mail of this purpose."""
    return f"{reverse('admin:opportunities_consent_add')}?contact={contact.pk}&purpose={purpose}"


# -- The form. ---------------------------------------------------------------------------------------------------------


class LetterForm(forms.Form):
    """One mail to somebody at a client. It knows who writes, about which deal, and of which record."""

    contact = forms.ModelChoiceField(Contact.objects.none(), label="To", empty_label="Choose who gets it")
    opportunity = forms.ModelChoiceField(
        Opportunity.objects.none(), label="About which deal?", required=False, empty_label="About none"
    )
    template = forms.ModelChoiceField(
        MessageTemplate.objects.none(), label="Template", required=False, empty_label="None: I write it myself"
    )
    purpose = forms.ChoiceField(label="What is it for?", choices=Purpose, initial=Purpose.TRANSACTIONAL)
    go_at = forms.DateTimeField(label="Send it at", required=False, widget=TimeInput)
    subject = forms.CharField(label="Subject", max_length=200)
    body = WordsField(label="Words", rows=14)

    data: Any
    # What its main button says, and whether it can be kept as a draft.
    button = "Send"
    keeps_drafts = True

    def __init__(self, data=None, *, client, user, opportunity=None, record=None, draft=None, **kwargs):
        super().__init__(data, **kwargs)
        self.client, self.user, self.deal, self.record, self.draft = client, user, opportunity, record, draft
        self.lacks: list = []
        offer_people(self.fields["contact"], self.people().select_related("client"))
        self.fields["template"].queryset = MessageTemplate.objects.filter(stage=MessageTemplate.Stage.IN_USE)
        if opportunity is None and draft is None:
            deals = Opportunity.objects.visible_to(user).filter(client=client).order_by("-pk")
            self.fields["opportunity"].queryset = deals
        else:
            del self.fields["opportunity"]
        for each in self.fields.values():
            say_plainly(each)
        self.fields["contact"].error_messages["invalid_choice"] = "Choose somebody at this client who has an address."
        if "go_at" in self.fields:
            self.fields["go_at"].help_text = f"{by_your_clock()} Leave it empty, and it goes at once."
            self.fields["go_at"].validators.append(near_our_time)

    def people(self):
        """Return whom it may be written to."""
        return Contact.objects.reachable().filter(client=self.client)

    def clean_opportunity(self):
        deal = self.cleaned_data["opportunity"]
        if deal and not deal.within_reach(self.user, "change"):
            raise forms.ValidationError("You may read this deal, but not add to it.")
        return deal

    def clean_subject(self):
        return " ".join(UNPRINTABLE.sub("", self.cleaned_data["subject"]).split())

    def clean_go_at(self):
        at = self.cleaned_data["go_at"]
        if at and at <= clock.now():
            raise forms.ValidationError("Choose a time that is still to come.")
        return at

    # -- What it comes to. ---------------------------------------------------------------------------------------------

    @property
    def about(self):
        return self.deal or self.cleaned_data.get("opportunity")

    def facts(self) -> filling.Facts:
        return filling.Facts(self.cleaned_data["contact"], self.sender, self.about, self.record)

    @property
    def sender(self):
        return self.draft.owner if self.draft else self.user

    def use_template(self):
        """Put the words of the chosen template in, for this very contact; what is empty stays in braces."""
        self.is_valid()
        template, contact = self.cleaned_data.get("template"), self.cleaned_data.get("contact")
        version = template.current if template else None
        if version is None or contact is None:
            return False
        subject, body, self.lacks = filling.fill_known(version.subject, version.body, self.facts())
        self.data = self.data.copy()
        self.data["subject"], self.data["body"], self.data["purpose"] = subject, body, template.purpose
        self.full_clean()
        return True

    def unborn(self) -> Message:
        """Return the message with every field filled that can be. What cannot be is among the lacks."""
        data, facts = self.cleaned_data, self.facts()
        subject, body, self.lacks = filling.fill_known(data["subject"], data["body"], facts)
        # What is too long stays as it is: the lacks say so.
        subject = subject if len(subject) <= filling.LONGEST_SUBJECT else data["subject"]
        template = data.get("template")
        of = {"record_type": self.record.label(), "record_id": self.record.pk} if self.record is not None else {}
        message = Message(
            client=self.client,
            opportunity=self.about,
            contact=data["contact"],
            owner=facts.owner,
            purpose=data.get("purpose", Purpose.MARKETING),
            subject=subject,
            body=body,
            template=template.name[:40] if template else "",
            template_version=template.current if template else None,
            go_at=data.get("go_at"),
            **of,
        )
        self.lacks += self.not_yet(message)
        return message

    def not_yet(self, message) -> list[Lack]:
        """Return what a person must mend before it goes: of a lost deal, whatever it would wait for without an end."""
        if outbox.is_second_try(message):
            found = outbox.waits(message, clock.now())
            return [Lack(wait.words, wait.url) for wait in found if wait.until is None]
        if message.purpose != Purpose.MARKETING or not conditions.consent(message.contact, "marketing", clock.now()):
            return []
        words = f"Write down that {message.contact} agreed to marketing mail: nothing goes without it."
        return [Lack(words, agree_url(message.contact, "marketing"))]

    # -- Keeping and sending it. ---------------------------------------------------------------------------------------

    @transaction.atomic
    def save(self, *, by) -> Message:
        """Keep it as a draft, which nobody gets. What could not be filled stays in braces. Raises `Refused` when the
        draft was sent meanwhile."""
        message = self.unborn()
        if self.draft is None:
            return begin(message, by=by, past="wrote")
        names = ("contact", "purpose", "subject", "body", "template", "template_version", "go_at")
        kept = edit(self.draft, by=by, **{name: getattr(message, name) for name in names})
        if kept.stage != Message.Stage.DRAFT:
            raise Refused([f"{kept} is {kept.get_stage_display().lower()} already: write another one."])
        return kept

    def send(self, *, by) -> Message | None:
        """Let the pump send it. None when something is in the way: nothing is changed then, and the lacks say what."""
        try:
            with transaction.atomic():
                message = self.save(by=by)
                if self.lacks:
                    raise Refused([*self.lacks, *refusal_of(self.unborn())])
                return perform(message.queue, by=by)
        except Refused as refusal:
            self.lacks = refusal.lacks
            return None

    def seen(self, *, by) -> Any:
        """Return it as it will be read, with all that would stop it now: it is sent, and taken back at once."""
        message = self.unborn()
        lacks = list(self.lacks)
        with suppress(TakenBack), transaction.atomic():
            if self.send(by=by) is None:
                lacks = list(self.lacks)
            raise TakenBack
        seen = preview(message, lacks)
        seen.waits = outbox.waits(message, clock.now()) if outbox.is_second_try(message) else []
        return seen

    def done(self, kept) -> str:
        """Say what becomes of what was kept or sent."""
        if kept.stage == Message.Stage.DRAFT:
            return "Kept as a draft: nobody got it yet."
        return f"It goes {said(kept.go_at)}: {kept}." if self.cleaned_data.get("go_at") else f"It goes now: {kept}."


class TryAgainForm(LetterForm):
    """A letter about a second try: it goes as soon as the four conditions let it, and waits as a task until then."""

    button = "Send when it may go"
    keeps_drafts = False

    def __init__(self, data=None, *, win_back, user, **kwargs):
        deal = win_back.opportunity
        super().__init__(data, client=deal.client, user=user, opportunity=deal, record=win_back, **kwargs)
        del self.fields["purpose"], self.fields["go_at"]
        self.fields["template"].queryset = self.fields["template"].queryset.filter(purpose=secondtries.PURPOSE)

    def people(self):
        return super().people().filter(mail_failed_at=None)

    @property
    def sender(self):
        return self.record.owner

    def not_yet(self, message):
        return []  # it waits until they agree

    def send(self, *, by):
        """Promise the letter, in words that could go now. None when something is in the way; the lacks say what."""
        message = self.unborn()
        self.lacks += refusal_of(message)
        if not self.lacks:
            try:
                words = {"subject": message.subject, "words": message.body}
                return secondtries.write(self.record, message.contact, by=by, **words)
            except Refused as refusal:
                self.lacks = refusal.lacks
        return None

    def seen(self, *, by):
        seen, contact = super().seen(by=by), self.cleaned_data["contact"]
        seen.waits = conditions.waits(contact, secondtries.PURPOSE, opportunity=self.deal)
        return seen

    def done(self, kept):
        return "The letter goes as soon as it may. It stands among the tasks until then."


def refusal_of(message) -> list[Lack]:
    """Return what would stop these words, whoever wrote them, if they went now. What stands in braces is left out."""
    tried = copy(message)
    tried.template, tried.template_version = "", None
    tried.subject, tried.body = (filling.BRACES.sub("", text) for text in (message.subject, message.body))
    lacks: list[Lack] = []
    with suppress(TakenBack), transaction.atomic():
        try:
            perform(begin(tried, by=None, past="wrote").queue, by=None)
        except Refused as refusal:
            lacks = refusal.lacks
        raise TakenBack
    return lacks


class TakenBack(Exception):
    """Raised to undo what was only tried."""
