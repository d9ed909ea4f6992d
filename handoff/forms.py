"""The words that the moves of delivery ask for."""

from django import forms

from opportunities.forms import MoveForm, WordsField, say_plainly
from opportunities.models import User

from . import secrecy


class GrantForm(MoveForm):
    holder = forms.ChoiceField(label="Who holds the access?", help_text="Somebody at the client, or one of us.")
    secret_kept_at = forms.CharField(
        label="Where is the secret kept?",
        max_length=160,
        help_text="The vault and the entry, or “no secret”. Never the secret itself.",
    )

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        access = self.record
        self.theirs = {f"contact:{one.pk}": one for one in access.project.opportunity.client.contacts.reachable()}
        self.ours = {f"user:{one.pk}": one for one in User.who_work_here()}
        groups = [("At the client", self.theirs), ("Of us", self.ours)]
        offered = [(title, [(key, str(one)) for key, one in people.items()]) for title, people in groups if people]
        self.fields["holder"].choices = [("", "Choose one"), *offered]
        self.initial.setdefault("secret_kept_at", access.secret_kept_at)
        known = {one.pk: key for key, one in self.theirs.items()}
        usual = access.holder_contact_id or access.said_by_id
        ours = f"user:{access.holder_user_id}" if access.holder_user_id else ""
        self.initial.setdefault("holder", ours or known.get(usual, ""))

    def clean_holder(self):
        return (self.theirs | self.ours)[self.cleaned_data["holder"]]

    def clean_secret_kept_at(self):
        words = self.cleaned_data["secret_kept_at"]
        if secrecy.is_no_place(words):
            raise forms.ValidationError(secrecy.SENTENCE)
        return words


class ReportNoteForm(forms.Form):
    words = WordsField(label="Note", max_length=4000, rows=3)

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        say_plainly(self.fields["words"])
