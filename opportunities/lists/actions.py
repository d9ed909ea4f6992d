"""What can be done to many rows of a list at once: what each asks, how it is said, and what it does to one row."""

from collections.abc import Callable

from django import forms
from django.contrib.admin.utils import flatten_fieldsets
from django.http import HttpRequest
from django.utils import timezone

from .. import task_forms
from ..followups import open_task
from ..forms import a_day_to_come, near_our_time, say_plainly
from ..models import User
from ..records import Opens, Refused, perform


def count_of(page, count) -> str:
    """Say how many rows: 1 task, 12 tasks."""
    words = page.opts.verbose_name if count == 1 else page.opts.verbose_name_plural
    return f"{count:,} {words}"


class Action:
    """One thing that can be done to many rows. The form asks how; `change` does it to one of them."""

    # The button on the list; the question and the button below it, with how many rows; what was done, likewise.
    name, question, button, done = "", "", "", ""
    # The fields that it sets and that can be set back; none where what was done stays done.
    sets: tuple = ()
    right = "change"
    # A template names these by their class.
    do_not_call_in_templates = True

    @classmethod
    def is_for(cls, page) -> bool:
        """Whether the rows of a list have what it sets."""
        return True

    @classmethod
    def refuse_what_is_over(cls, record):
        """Refuse a record on which nobody does it any more, nor takes it back."""

    def words(self, page, count) -> str:
        """Say what is about to be done: Give 12 tasks to Ana."""
        return self.button.format(rows=count_of(page, count))

    def said(self, page, count) -> str:
        return self.done.format(rows=count_of(page, count).capitalize())

    def change(self, page, record, user) -> bool:
        """Do it to one row. Return whether it was not so already."""
        raise NotImplementedError


class Asking(Action, forms.Form):
    """An action that asks something, in fields of our own. `now` is when it was asked for."""

    def __init__(self, *args, page, now=None, **kwargs):
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            say_plainly(field)


class Setting(Asking):
    """Sets fields of the record, each where its own page lets this person set it."""

    @classmethod
    def is_for(cls, page) -> bool:
        own = {field.name for field in page.opts.concrete_fields}
        return set(cls.sets) <= own

    @classmethod
    def refuse_what_is_over(cls, record):
        if "due_on" not in cls.sets:
            return
        if not getattr(record, "is_open", True):
            raise Refused([f"It is {record.get_stage_display().lower()}: nothing comes next."])
        if getattr(record, "stage", "") == "paused":
            raise Refused(["It is paused. Resume it first."])

    def change(self, page, record, user) -> bool:
        changes = {name: self.cleaned_data[name] for name in self.sets}
        if all(getattr(record, name) == value for name, value in changes.items()):
            return False
        self.refuse_what_is_over(record)
        refuse_closed_fields(page, record, user, self.sets)
        page.set_fields(record, by=user, **changes)
        return True


class SaysWhom(Action):
    """Names in its words who takes the rows over."""

    cleaned_data: dict

    name, question, button = "Give to…", "Give {rows} to somebody else?", "Give {rows}"
    sets = ("owner",)

    def words(self, page, count):
        return f"{super().words(page, count)} to {self.cleaned_data['owner']}"

    def said(self, page, count):
        return f"{count_of(page, count)} given to {self.cleaned_data['owner']}."


class WhoForm(forms.Form):
    """Asks who takes them over: somebody who works here and may work on such a record."""

    owner = forms.ModelChoiceField(
        User.objects.none(),
        label="Give to",
        empty_label="Choose a person",
        error_messages={"required": "Choose who takes them.", "invalid_choice": "Choose somebody from the list."},
    )

    def offer(self, model):
        say_plainly(self.fields["owner"])
        self.fields["owner"].queryset = User.who_may_own(model)


class GiveForm(SaysWhom, Setting, WhoForm):
    def __init__(self, *args, page, **kwargs):
        super().__init__(*args, page=page, **kwargs)
        self.offer(page.model)


class WhenForm(forms.Form):
    """Asks by when they are owed."""

    due_on = a_day_to_come("Due", error_messages={"required": "Choose the day by which it is owed."})

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["due_on"].validators.append(near_our_time)


class WhatNextForm(WhenForm):
    """Asks what happens next, and by when."""

    next_action = forms.CharField(
        label="Next action", max_length=200, error_messages={"required": "Say what happens next."}
    )
    field_order = ("next_action", "due_on")


class NextForm(Setting, WhatNextForm):
    name, question = "Next action…", "Set the next action of {rows}?"
    button, done = "Set the next action of {rows}", "{rows} with a new next action."
    sets = ("next_action", "due_on")


class NextOfDeals(NextForm):
    """Promises it as well, where nothing is promised for a deal: with a task of its own."""

    def change(self, page, record, user):
        changed = super().change(page, record, user)
        if record.tasks.open().exists():
            return changed
        action, due = self.cleaned_data["next_action"], self.cleaned_data["due_on"]
        days = (due - timezone.localdate()).days
        open_task(page.model._base_manager.get(pk=record.pk), Opens("follow_up", action, days), by=user)
        return True


class DueForm(Setting, WhenForm):
    name, question = "Due day…", "Set the due day of {rows}?"
    button, done = "Set the due day of {rows}", "{rows} with a new due day."
    sets = ("due_on",)


MANY: dict[str, type[Action]] = {"give": GiveForm, "due": DueForm, "next": NextForm}


def refuse_closed_fields(page, record, user, names):
    """Refuse where the record's own page does not let this person set one of these fields."""
    request = as_asked_by(user)
    open_fields = set(flatten_fieldsets(page.get_fieldsets(request, record)))
    open_fields -= set(page.get_readonly_fields(request, record))
    if not set(names) <= open_fields:
        words = page.opts.get_field(names[0]).verbose_name
        raise Refused([f"Its {words} cannot be changed as it is now."])


def as_asked_by(user) -> HttpRequest:
    """Return a request of this person: pages ask who wants to know."""
    request = HttpRequest()
    request.method, request.user = "GET", user
    return request


# -- Tasks. ------------------------------------------------------------------------------------------------------------


class OfTasks(Action):
    """What is done to tasks, each as by its own page."""

    apply: Callable

    @classmethod
    def refuse_what_is_over(cls, record):
        if not record.is_open:
            raise Refused([f"It is {record.get_stage_display().lower()} already."])

    def change(self, page, record, user) -> bool:
        self.refuse_what_is_over(record)
        self.apply(record, user)
        return True


class FinishTasks(OfTasks, Asking):
    name, question, button, done = "Done", "Mark {rows} as done?", "{rows} done", "{rows} done."
    right = "move"

    def words(self, page, count):
        return f"Mark {count_of(page, count)} as done"

    def apply(self, task, user):
        perform(task.finish, by=user)


class CancelTasks(OfTasks, Asking):
    """Asks why they are let go. Of those that repeat only this one goes: nothing is lost by a slip of the hand."""

    name, question, button, done = "Cancel…", "Cancel {rows}?", "Cancel {rows}", "{rows} cancelled."
    right = "move"

    reason = forms.CharField(
        label="Why?",
        max_length=300,
        help_text="Of what repeats, only this one is cancelled: the next one opens.",
        error_messages={"required": "Say why: others work from this."},
    )

    def apply(self, task, user):
        perform(task.cancel, by=user, reason=self.cleaned_data["reason"], series=False)


class SnoozeTasks(OfTasks, task_forms.SnoozeForm):
    name, question, button, done = "Put off…", "Put {rows} off?", "Put {rows} off", "{rows} put off."
    sets = ("due_at",)

    def __init__(self, *args, page, **kwargs):
        super().__init__(*args, **kwargs)

    def words(self, page, count):
        return f"{super().words(page, count)} until {self.day}"

    def said(self, page, count):
        return f"{super().said(page, count).removesuffix('.')} until {self.day}."

    @property
    def day(self) -> str:
        return task_forms.day_and_hour(self.cleaned_data["until"])


class GiveTasks(SaysWhom, OfTasks, task_forms.GiveForm):
    def __init__(self, *args, page, now=None, **kwargs):
        super().__init__(*args, **kwargs)

    def change(self, page, record, user):
        return record.owner != self.cleaned_data["owner"] and super().change(page, record, user)


TASKS: dict[str, type[Action]] = {
    "finish": FinishTasks,
    "snooze": SnoozeTasks,
    "give": GiveTasks,
    "cancel": CancelTasks,
}
