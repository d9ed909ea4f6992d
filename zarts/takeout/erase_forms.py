"""What is asked before somebody is erased."""

from django import forms

from opportunities.forms import MoveForm


class EraseForm(MoveForm):
    """The name, typed, so that nobody is erased by a slip; why; and which notes are emptied as a whole."""

    parts = forms.MultipleChoiceField(
        label="Take these parts of the name out as well?",
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text="Wherever they stand by themselves in this client’s records: the places are listed above.",
        error_messages={"invalid_choice": "Choose from the parts that are listed. Reload the page to see them anew."},
    )
    notes = forms.MultipleChoiceField(
        label="Empty these notes as well?",
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text="A part of the name stands there. Tick those that are about this person.",
        error_messages={"invalid_choice": "Choose from the notes that are listed. Reload the page to see them anew."},
    )
    reason = forms.CharField(
        label="Why?",
        max_length=300,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text="Such as: asked for it by mail on 4 December. Write no name: this stays.",
    )
    name = forms.CharField(max_length=200, widget=forms.TextInput(attrs={"autocomplete": "off"}))

    def __init__(self, *args, notes=(), parts=(), **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["name"].label = f"Type the name to erase: {self.record}"
        if parts:
            self.fields["parts"].choices = [(part, f"{part} ({len(parts[part])})") for part in parts]
        else:
            del self.fields["parts"]
        if notes:
            self.fields["notes"].choices = [(str(note.pk), note.words[:200]) for note in notes]
        else:
            del self.fields["notes"]

    def clean_name(self):
        typed = self.cleaned_data["name"]
        if " ".join(typed.split()).casefold() != " ".join(str(self.record).split()).casefold():
            raise forms.ValidationError(f"This is not the name. Type it as it stands here: {self.record}")
        return typed
