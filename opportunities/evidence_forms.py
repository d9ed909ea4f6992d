"""What people write of evidence: a new piece, or a correction with its reason."""

from django import forms
from django.utils import timezone

from .forms import near_our_time, say_plainly
from .models import Audit, Evidence

LONG = forms.Textarea(attrs={"rows": 3})
WHEN = forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")
MOST = 20_000
# What to do where a field is empty.
SAID = {
    "audit": "Choose the audit that it belongs to.",
    "metric": "Write what was measured.",
    "value": "Write the number.",
    "kind": "Choose what it is.",
    "provider": "Write who measured it, or who said it.",
    "captured_at": "Write when it was measured.",
    "reason": "Say why: others will read it beside the old and the new value.",
}


class EvidenceForm(forms.ModelForm):
    """The fields of a piece of evidence."""

    link = forms.URLField(required=False, max_length=500, assume_scheme="https")
    file = forms.FileField(
        label="File",
        required=False,
        max_length=255,
        help_text="A picture, a document or the export itself: up to 15 MB.",
    )

    class Meta:
        model = Evidence
        fields = Evidence.SAYS
        widgets = {"captured_at": WHEN, "raw_note": LONG, "provider_caveat": LONG}
        labels = {"raw_note": "Raw note", "provider_caveat": "Provider caveat"}

    def __init__(self, *args, user, **kwargs):
        super().__init__(*args, **kwargs)
        self.user = user
        self.fields["captured_at"].validators.append(near_our_time)
        for name in ("raw_note", "provider_caveat"):
            self.fields[name].max_length = MOST
            self.fields[name].validators.append(forms.CharField(max_length=MOST).validators[0])
            self.fields[name].widget.attrs["data-internal"] = ""
        self.fields["kind"].help_text = "How long it counts follows from this."
        self.fields["kind"].choices = [("", "Choose"), *Evidence.Kind.choices]
        self.fields["kind"].initial = None
        for name, field in self.fields.items():
            say_plainly(field)
            if name in SAID:
                field.error_messages["required"] = SAID[name]

    def _post_clean(self):
        """Check the fields as evidence is checked; what it belongs to is not the form's."""
        self.instance = Evidence(
            **{name: self.cleaned_data[name] for name in Evidence.SAYS if name in self.cleaned_data}
        )
        try:
            self.instance.clean()
        except forms.ValidationError as trouble:
            self.add_error(None, trouble)

    def said(self) -> dict:
        return {name: self.cleaned_data[name] for name in Evidence.SAYS}

    def refuse(self, refusal):
        """Put a refusal at its fields, or above all where it is of none of ours."""
        told = refusal.error_dict if hasattr(refusal, "error_dict") else {None: refusal.error_list}
        for name, words in told.items():
            self.add_error(name if name in self.fields else None, words)


class AddForm(EvidenceForm):
    audit = forms.ModelChoiceField(Audit.objects.none(), help_text="Only audits that are being collected.")
    field_order = ["audit"]

    def __init__(self, *args, audit=None, **kwargs):
        super().__init__(*args, **kwargs)
        collecting = Audit.objects.visible_to(self.user).filter(stage=Audit.Stage.COLLECTING)
        collecting = collecting.exclude(opportunity__stage="lost")
        self.fields["audit"].queryset = collecting.select_related("opportunity").order_by("-pk")
        number = int(audit) if audit and audit.isascii() and audit.isdigit() and len(audit) < 19 else None
        self.chosen = collecting.filter(pk=number).first() if number else None
        if self.chosen:
            self.fields["audit"].widget = forms.HiddenInput()
        self.initial.setdefault("audit", self.chosen)
        self.initial.setdefault("captured_at", timezone.localtime())

    def clean_audit(self):
        audit = self.cleaned_data["audit"]
        if not audit.within_reach(self.user, "change"):
            raise forms.ValidationError("You may read this audit, but not add to it.")
        return audit

    def audit_of(self):
        return self.cleaned_data["audit"]


class CorrectForm(EvidenceForm):
    reason = forms.CharField(
        label="Why is it corrected?",
        widget=forms.Textarea(attrs={"rows": 2}),
        max_length=2000,
        help_text="Others will read this beside the old and the new value.",
    )
    field_order = ["value", "reason"]

    def __init__(self, *args, evidence, **kwargs):
        super().__init__(*args, initial={name: getattr(evidence, name) for name in Evidence.SAYS}, **kwargs)
        self.evidence = evidence
        self.initial["value"] = f"{evidence.value:f}".rstrip("0").rstrip(".")
        self.fields["file"].help_text = "Leave it empty to keep the file that is there."

    def clean_captured_at(self):
        """Keep the seconds, which the field does not show, where nobody changed the time."""
        given, kept = self.cleaned_data["captured_at"], self.evidence.captured_at
        return kept if given == kept.replace(second=0, microsecond=0) else given

    def clean(self):
        data = super().clean()
        same = all(data.get(name) == getattr(self.evidence, name) for name in Evidence.SAYS)
        if not self.errors and same and not data.get("file"):
            raise forms.ValidationError("Nothing is different yet. Change what was wrong, or withdraw the evidence.")
        return data

    def audit_of(self):
        return self.evidence.audit
