"""What people are asked when somebody may be here already: whom to join, and into whom to merge."""

import re
from typing import Any

from django import forms
from django.utils import timezone
from django.utils.formats import date_format

from .duplicates import found
from .forms import MoveForm
from .models import Client, Contact, Lead, Opportunity
from .models.client import NOT_GONE_YET


class Choices(forms.ChoiceField):
    """A few choices, all of them shown, each with the reason why it is offered."""

    widget = forms.RadioSelect

    def __init__(self, **kwargs):
        messages = {"required": "Choose one.", "invalid_choice": "Choose again: this one is not here any more."}
        super().__init__(error_messages={**messages, **kwargs.pop("error_messages", {})}, **kwargs)


class QualifyForm(MoveForm):
    """What a qualified lead becomes. Whatever is alike is a choice, and none is chosen for whoever asks."""

    joins = Choices(
        label="Whose opportunity is it?",
        error_messages={"required": "Look at what is alike, and choose whose opportunity this is."},
    )
    value = forms.DecimalField(
        label="Estimated value",
        required=False,
        min_value=0,
        max_digits=12,
        decimal_places=2,
        error_messages={
            "min_value": "A value is not negative. Write how much it may bring.",
            "invalid": "Write a number, such as 12000.",
        },
    )

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.alike = found(self.record, self.user)
        name = self.record.company or self.record.name
        new = ("new", f"A new client, {name}, with a new opportunity")
        field = self.fields["joins"]
        field.choices = [*self.offered(), new]
        if not self.alike:
            field.required, field.initial = False, "new"
        others = [one for one in self.alike if not self.is_offered(one)]
        # A domain alone says little: what is alike by nothing else is folded away.
        self.beside = [one for one in others if not one.by_domain_only]
        self.by_domain = [one for one in others if one.by_domain_only]

    def offered(self):
        """Yield what may be joined: each open opportunity, and each client for a new one."""
        for one in self.alike:
            if one.kind != "client" or one.record is None:
                continue
            for deal in one.opportunities:
                if deal.within_reach(self.user, "change"):
                    stage = deal.get_stage_display().lower()
                    yield f"opportunity:{deal.pk}", f"Join “{deal}” ({stage}). {one.words}"
            if one.record.within_reach(self.user, "change"):
                yield f"client:{one.pk}", f"A new opportunity of {one.record}. {one.words}"

    def is_offered(self, one) -> bool:
        """Whether it is among the choices, or a lead that is done with: those are not told."""
        if one.record is None:
            return False
        return not one.record.is_open if one.kind == "lead" else one.record.within_reach(self.user, "change")

    def clean(self):
        data = super().clean()
        kind, _, pk = (data.pop("joins", "") or "new").partition(":")
        if self.errors:
            return data
        data |= {"opportunity": None, "client": None, "is_new": kind == "new"}
        if kind == "opportunity":
            data["opportunity"] = Opportunity.objects.get(pk=pk)
        elif kind == "client":
            data["client"] = Client.objects.get(pk=pk)
        chosen = data["opportunity"].client if data["opportunity"] else data["client"]
        if wrong := self.record.wrong_with_client(chosen, self.user, is_new=data["is_new"]):
            self.add_error("joins", wrong)
        return data


class IntoForm(MoveForm):
    """Into which other one this one is merged: one that is alike, or another by its page."""

    into = Choices(label="Which one goes on?", required=False)
    page = forms.CharField(
        label="Or another one", required=False, max_length=300, help_text="The address of its page, or its number."
    )
    model: Any
    words = "lead"

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        alike = [one for one in found(self.record, self.user) if one.kind == self.words]
        mine = [one for one in alike if one.record and one.record.within_reach(self.user, "change")]
        self.fields["into"].choices = [(str(one.pk), f"{self.named(one.record)}. {one.words}") for one in mine]
        self.fields["into"].help_text = " ".join(one.words for one in alike if one not in mine and one.record is None)
        if not mine:
            del self.fields["into"]
            page = self.fields["page"]
            page.label, page.required = "Which one goes on?", True
            page.error_messages["required"] = f"Name the {self.words} that goes on."

    def named(self, record) -> str:
        """Name one that may be chosen so that no two are named alike."""
        return str(record)

    def clean(self):
        data = super().clean()
        page, chosen = data.pop("page", ""), data.get("into")
        place = "page" if page or "into" not in self.fields else "into"
        if self.errors:
            return data
        if not page and not chosen:
            self.add_error(place, f"Choose the {self.words} that goes on.")
        elif page and chosen:
            self.add_error("page", "Choose one above, or name another here: not both.")
        else:
            data["into"] = self.read(page or chosen, place)
        return data

    def read(self, text, place):
        number = re.search(rf"(?:/{self.words}/|^\s*#?)(\d{{1,18}})(?:/|\s*$)", text)
        rows = self.model.objects.visible_to(self.user)
        other = rows.filter(pk=number[1]).first() if number else None
        if other is None:
            self.add_error(
                place, f"Copy the address of the other {self.words}’s page: there is none of yours at this one."
            )
        elif other.pk == self.record.pk:
            self.add_error(place, f"This is the same {self.words}: name the other one.")
        elif other.merged_into_id:
            self.add_error(place, f"{other} was merged into {other.merged_into}: choose that one.")
        elif not other.within_reach(self.user, "change"):
            self.add_error(place, f"{other} is yours to read only: ask {other.owner} to merge the two.")
        return other


class MergeLeadForm(IntoForm):
    """Into which lead this one is merged, and what becomes of both."""

    model, words = Lead, "lead"
    intro = "All that is this lead’s moves to the one that goes on. Both keep their history. It cannot be undone."

    def named(self, lead):
        arrived = date_format(timezone.localtime(lead.arrived_at), "D j M Y")
        return f"{lead} (#{lead.pk}, {lead.get_stage_display().lower()}, arrived {arrived})"


class MergeClientForm(IntoForm):
    model, words = Client, "client"


class LeaveForm(MoveForm):
    """When a person left their company, and who decides from then on."""

    on = forms.DateField(label="When did they leave?", widget=forms.DateInput(attrs={"type": "date"}))
    successor = Choices(label="Who decides now?")

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        others = Contact.objects.here().filter(client=self.record.client_id).exclude(pk=self.record.pk)
        said = [
            (str(other.pk), f"{other.told_apart}, {other.get_decision_role_display().lower()}")
            for other in others.knowing_namesakes().order_by("pk")[:50]
        ]
        self.fields["successor"].choices = [*said, ("nobody", "Nobody that we know of yet")]

    def clean_on(self):
        on = self.cleaned_data["on"]
        if on > timezone.localdate():
            raise forms.ValidationError(NOT_GONE_YET)
        return on

    def clean_successor(self):
        pk = self.cleaned_data["successor"]
        return None if pk == "nobody" else Contact.objects.get(pk=pk)


class AnsweredForm(MoveForm):
    """How and when somebody answered a lead."""

    how = forms.ChoiceField(label="How?", choices=[("call", "Call"), ("mail", "Mail"), ("meeting", "Meeting")])
    at = forms.DateTimeField(
        label="When?", widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")
    )
    words = forms.CharField(
        label="What was said?", widget=forms.Textarea(attrs={"rows": 3}), required=False, max_length=4000
    )

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.initial.setdefault("at", timezone.localtime().replace(second=0, microsecond=0))

    def clean_at(self):
        at = self.cleaned_data["at"]
        if at > timezone.now():
            raise forms.ValidationError("Choose a time that has passed: a promise for later is a task.")
        if at < self.record.arrived_at.replace(second=0, microsecond=0):
            raise forms.ValidationError("Choose a time after the lead arrived.")
        return at
