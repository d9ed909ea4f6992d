"""The words that the moves of delivery ask for."""

from django import forms

from opportunities.forms import MoveForm, WordsField, say_plainly

from .models.project import LOOKS_SECRET


class GrantForm(MoveForm):
    access_holder = forms.CharField(label="Who holds the access?", max_length=160)
    secret_kept_at = forms.CharField(
        label="Where is the secret kept?",
        max_length=160,
        help_text="The vault and the entry, or “no secret”. Never the secret itself.",
    )

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        for name in self.fields:
            self.initial.setdefault(name, getattr(self.record, name))

    def clean_secret_kept_at(self):
        words = self.cleaned_data["secret_kept_at"]
        if LOOKS_SECRET.search(words):
            raise forms.ValidationError("Write where it is kept, not the secret itself.")
        return words


class ReportNoteForm(forms.Form):
    words = WordsField(label="Note", max_length=4000, rows=3)

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        say_plainly(self.fields["words"])
