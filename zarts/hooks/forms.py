"""What the pages of webhooks ask for."""

from django import forms
from django.template.loader import render_to_string
from django.utils import timezone

from opportunities.forms import near_our_time, say_plainly

from . import kinds


class KindsWidget(forms.CheckboxSelectMultiple):
    """The kinds of events, folded up by record."""

    def render(self, name, value, attrs=None, renderer=None):
        chosen = set(value or [])
        groups = [
            (called, [(kind, words, kind in chosen) for kind, words in rows], sum(kind in chosen for kind, _ in rows))
            for called, rows in kinds.groups()
        ]
        return render_to_string("hooks/kinds.html", {"name": name, "groups": groups, "id": (attrs or {}).get("id", "")})


class KindsField(forms.MultipleChoiceField):
    widget = KindsWidget

    def __init__(self, **kwargs):
        words = {"invalid_choice": "There is no event “%(value)s”. Choose from the list."}
        super().__init__(choices=list(kinds.words().items()), required=False, error_messages=words, **kwargs)

    def has_changed(self, initial, data):
        return set(initial or []) != set(data or [])


class SinceForm(forms.Form):
    """From when on everything is sent again."""

    since = forms.DateTimeField(
        label="Send everything again since",
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
        error_messages={"required": "Choose the moment since which it missed something."},
        validators=[near_our_time],
    )

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        field = say_plainly(self.fields["since"])
        field.help_text = f"By your clock, {timezone.get_current_timezone_name()}."
