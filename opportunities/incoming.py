"""Mail that comes in: how it is read, and where it belongs."""

from django import forms
from django.conf import settings

from .forms import MoveForm
from .models import Contact, Opportunity


class FileForm(MoveForm):
    """The deal that a mail belongs to, and who of the client wrote it."""

    opportunity = forms.ModelChoiceField(Opportunity.objects.none())
    contact = forms.ModelChoiceField(Contact.objects.none())

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["opportunity"].queryset = Opportunity.objects.visible_to(self.user)
        self.fields["contact"].queryset = Contact.objects.visible_to(self.user)


def reply_address(message) -> str:
    """Return the address to which an answer to a message goes, or nothing where no mail comes in."""
    local, _, domain = settings.INBOUND_ADDRESS.rpartition("@")
    return f"{local}+{message.reply_key}@{domain}" if local and message.reply_key else ""
