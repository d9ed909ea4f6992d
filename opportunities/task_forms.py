"""What is asked when a task is done, let go, put off or given to somebody."""

from datetime import datetime, time, timedelta

from django import forms
from django.utils import timezone

from .forms import MoveForm, ReasonForm, near_our_time, say_plainly
from .inplace import FieldsForm, TimeInput, by_your_clock
from .models import Task, User
from .repeating import moment

# When a day's work begins: what is put off to another day is due then.
MORNING = time(9)
LATER = timedelta(hours=3)


class OutcomeForm(MoveForm):
    """Asks what came of it; nobody has to say."""

    outcome = forms.CharField(label="What came of it?", max_length=300, required=False)


class CancelForm(ReasonForm):
    """Asks why, and of a task that repeats whether those that follow go too."""

    series = forms.TypedChoiceField(
        label="Which?",
        choices=[("", "Only this one: the next one opens"), ("all", "This one and all that would follow")],
        coerce=bool,
        empty_value=False,
        required=False,
        initial="",
        widget=forms.RadioSelect,
    )

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        if not self.record.repeats:
            del self.fields["series"]


# -- Putting it off. ---------------------------------------------------------------------------------------------------


def ways_to_wait(now: datetime) -> dict:
    """Return until when a task is put off most often: the name of each way, its words and the time."""
    here = timezone.localtime(now)
    zone, today = timezone.get_current_timezone(), here.date()
    later = here.replace(minute=0, second=0, microsecond=0) + LATER
    monday = today + timedelta(days=7 - today.weekday())
    ways = {"later": ("Later today", later)} if later.date() == today else {}
    tomorrow = today + timedelta(days=1)
    ways["tomorrow"] = ("Tomorrow", moment(tomorrow, MORNING, zone))
    if monday > tomorrow:
        ways["week"] = ("Next week", moment(monday, MORNING, zone))
    return ways


def day_and_hour(at: datetime) -> str:
    """Say a time by the clock of whoever reads it: Tue 1 Dec, 09:00 CET."""
    here = timezone.localtime(at)
    return f"{here:%a} {here.day} {here:%b, %H:%M %Z}"


class SnoozeForm(forms.Form):
    """Asks until when, in one click or as a time, and why."""

    when = forms.ChoiceField(label="Until when?", required=False, widget=forms.RadioSelect)
    at = forms.DateTimeField(label="Or at a time", required=False, widget=TimeInput)
    done = "Put off"
    reason = forms.CharField(
        label="Why?", max_length=300, error_messages={"required": "Say why: others work from this."}
    )

    def __init__(self, *args, now, **kwargs):
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            say_plainly(field)
        self.now, self.ways = now, ways_to_wait(now)
        self.fields["when"].choices = [
            (name, f"{words}: {day_and_hour(until)}") for name, (words, until) in self.ways.items()
        ]
        self.fields["at"].validators.append(near_our_time)
        self.fields["at"].help_text = f"{by_your_clock()} If you type one, it counts."

    def clean(self):
        data = super().clean()
        if "at" not in self.errors and "when" not in self.errors:
            if until := data.get("at"):
                if until <= self.now:
                    self.add_error("at", "Choose a time that is still to come.")
                data["until"] = until
            elif way := data.get("when"):
                data["until"] = self.ways[way][1]
            else:
                self.add_error("when", "Choose until when.")
        return data

    def apply(self, task, user):
        task.snooze(self.cleaned_data["until"], by=user, reason=self.cleaned_data["reason"])


# -- Giving it to somebody. --------------------------------------------------------------------------------------------


class GiveForm(forms.Form):
    """Asks who takes a task over: somebody who works here and may do tasks."""

    owner = forms.ModelChoiceField(
        User.objects.none(),
        label="Give to",
        empty_label="Choose a person",
        error_messages={"required": "Choose who takes it over.", "invalid_choice": "Choose somebody from the list."},
    )
    done = "Given away"
    reason = forms.CharField(label="A word for them", max_length=300, required=False)

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            say_plainly(field)
        self.fields["owner"].queryset = User.who_may_own(Task)

    def apply(self, task, user):
        task.change(by=user, reason=self.cleaned_data["reason"], owner=self.cleaned_data["owner"])


# -- In place. --------------------------------------------------------------------------------------------------------


class TaskFields(FieldsForm):
    """A few fields of a task, in place. What a person changes of when and whose is told and reminded of."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        if "due_at" in self.fields:
            self.fields["due_at"].help_text = by_your_clock()

    def keep(self, *, by) -> bool:
        self.instance.change(by=by, **{name: self.cleaned_data[name] for name in self.changed_data})
        return True
