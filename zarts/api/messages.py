"""Messages with clients, and internal notes: what another system heard or said, written down as a person would."""

from datetime import timedelta
from typing import Literal

from django import forms
from django.conf import settings
from django.utils import timezone
from pydantic import Field

from opportunities.forms import say_plainly
from opportunities.models import Contact, Lead, Message, Note, Opportunity
from opportunities.records import begin, perform

from .once import Made, once
from .operations import Keyed, Numbered, reads, writes
from .problems import judged, missing, wrong
from .words import Body, Line, Moment, Now, Number, Text, iso

SCOPE = "write:messages"
NOBODY = "There is no {} with this number that you may see."


class NewMessage(Body):
    """A call, a meeting or a mail with somebody at a client."""

    channel: Literal["call", "meeting", "mail"] = Field(
        description="What it is. A call and a meeting were held; a mail waits as a draft until a person sends it."
    )
    contact: Number = Field(description="The number of the contact that it is with.")
    opportunity: Number | None = Field(None, description="The number of the opportunity that it is about.")
    subject: Line = Field(description="What it is about.", min_length=1, max_length=200)
    body: Text = Field(description="What was said, or the words of the mail.", min_length=1, max_length=20_000)
    happened_at: Moment | None = Field(None, description="When it was held. Without it, now. A mail has none.")


class MessageNow(Now):
    """A message as it stands now. Its words stand in the prepared read of messages."""

    id: int = Field(description="Its number.")
    channel: str = Field(description="What it is: call, meeting or mail.")
    stage: str = Field(
        description="How far it has come: received where it was held; a mail is draft, queued, sending, sent, held, "
        "failed or uncertain."
    )
    contact: int = Field(description="The number of the contact that it is with.")
    client: int = Field(description="The number of their client.")
    opportunity: int | None = Field(description="The number of the opportunity that it is about.")
    happened_at: str | None = Field(description="When it was held.")
    sent_at: str | None = Field(description="When the mail was sent.")

    @staticmethod
    def resolve_contact(message):
        return message.contact_id

    @staticmethod
    def resolve_client(message):
        return message.client_id

    @staticmethod
    def resolve_opportunity(message):
        return message.opportunity_id

    @staticmethod
    def resolve_happened_at(message):
        return iso(message.happened_at)

    @staticmethod
    def resolve_sent_at(message):
        return iso(message.sent_at)


class MessageForm(forms.ModelForm):
    """Judges what was sent as the page of a message does."""

    class Meta:
        model = Message
        fields = ("channel", "contact", "opportunity", "subject", "body", "happened_at")

    def __init__(self, *args, eyes, **kwargs):
        super().__init__(*args, **kwargs)
        for name, model in (("contact", Contact), ("opportunity", Opportunity)):
            self.fields[name].queryset = model.objects.visible_to(eyes)
        for field in self.fields.values():
            say_plainly(field)
        for name in ("contact", "opportunity"):
            self.fields[name].error_messages["invalid_choice"] = NOBODY.format(name)

    def clean(self):
        data = super().clean()
        if data.get("channel") == Message.Channel.MAIL and data.get("happened_at"):
            self.add_error("happened_at", "Leave this out: a mail is not sent yet.")
        return data

    def clean_happened_at(self):
        at = self.cleaned_data["happened_at"]
        if at and at > timezone.now() + timedelta(minutes=5):  # clocks differ a little
            raise forms.ValidationError("Send a moment that has passed.")
        return at


@writes("/messages", SCOPE, MessageNow, "message_new", "Write down a message")
def write(request, key: Keyed, sent: NewMessage):
    """What was said on the phone or in a meeting is filed, with all that follows from it. Nothing is sent."""
    caller = request.auth
    caller.needs("opportunities.add_message")
    return once(request, caller, key, lambda: make(caller, sent))


def make(caller, sent) -> Made:
    form = MessageForm(sent.model_dump(exclude_none=True), eyes=caller.eyes)
    judged(form)
    message = form.save(commit=False)
    message.client = message.contact.client
    caller.reaches(message.parent)
    message.owner = caller.by or message.parent.owner
    begin(message, by=caller.by, past="wrote down")
    if message.channel != Message.Channel.MAIL:
        message = perform(message.receive, by=None)
    return Made(MessageNow.from_orm(message), f"{settings.SITE_URL}/api/messages/{message.pk}")


@reads("/messages/{number}", SCOPE, MessageNow, "message", "See how a message stands")
def see(request, number: Numbered):
    """Whether a mail was sent, and when a talk was held."""
    request.auth.needs("opportunities.view_message")
    message = Message.objects.visible_to(request.auth.eyes).filter(pk=number).first()
    if message is None:
        raise missing("message with this number")
    return MessageNow.from_orm(message)


# -- Notes. ------------------------------------------------------------------------------------------------------------


class NewNote(Body):
    """Internal words about an opportunity or a lead. Clients never see them."""

    opportunity: Number | None = Field(None, description="The number of the opportunity that it is about.")
    lead: Number | None = Field(None, description="The number of the lead that it is about: one of the two.")
    kind: Literal["note", "call", "meeting"] = Field("note", description="What it comes of.")
    words: Text = Field(description="The note.", min_length=1, max_length=20_000)


class NoteNow(Now):
    """A note. It is never changed."""

    id: int = Field(description="Its number.")
    kind: str = Field(description="What it comes of: note, call or meeting.")
    opportunity: int | None = Field(description="The number of the opportunity that it is about.")
    lead: int | None = Field(description="The number of the lead that it is about.")
    author: str = Field(description="Who wrote it, and of a service who answers for it.")
    at: str = Field(description="When it was written.")

    @staticmethod
    def resolve_opportunity(note):
        return note.opportunity_id

    @staticmethod
    def resolve_lead(note):
        return note.lead_id

    @staticmethod
    def resolve_author(note):
        return note.written_by

    @staticmethod
    def resolve_at(note):
        return iso(note.at)


@writes("/notes", SCOPE, NoteNow, "note_new", "Write a note")
def write_note(request, key: Keyed, sent: NewNote):
    """A note about an opportunity or a lead stays internal, and stands in its diary."""
    caller = request.auth
    caller.needs("opportunities.add_note")
    return once(request, caller, key, lambda: take_note(caller, sent))


def take_note(caller, sent) -> Made:
    if bool(sent.opportunity) == bool(sent.lead):
        raise wrong(opportunity="Name an opportunity or a lead: one of them.")
    name, model = ("opportunity", Opportunity) if sent.opportunity else ("lead", Lead)
    about = model.objects.visible_to(caller.eyes).filter(pk=sent.opportunity or sent.lead).first()
    if about is None:
        raise wrong(**{name: NOBODY.format(name)})
    caller.reaches(about)
    if not sent.words:
        raise wrong(words="Write the note first.")
    note = Note.take(about, sent.words, by=caller.answers, kind=sent.kind)
    return Made(NoteNow.from_orm(note), f"{settings.SITE_URL}/api/notes/{note.pk}")


@reads("/notes/{number}", SCOPE, NoteNow, "note", "See a note")
def see_note(request, number: Numbered):
    """What a note is about, and when it was written."""
    request.auth.needs("opportunities.view_note")
    note = Note.objects.visible_to(request.auth.eyes).select_related("author").filter(pk=number).first()
    if note is None:
        raise missing("note with this number")
    return NoteNow.from_orm(note)
