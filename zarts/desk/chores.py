"""Several tasks at once: each done, put off, given away or let go on its own, or told why not."""

from dataclasses import dataclass, field

from django import forms
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.utils.html import format_html, format_html_join

from opportunities.models import Task
from opportunities.records import Refused, holds
from opportunities.task_forms import CancelAllForm, FinishForm, GiveAllForm, SnoozeAllForm, refuse_closed

MOST = 200
# So many are named before the others are counted.
SHOWN = 20
RIGHT = {"finish": "opportunities.move_task", "cancel": "opportunities.move_task"}
CHANGE = "opportunities.change_task"


def tasks(count) -> str:
    return "1 task" if count == 1 else f"{count} tasks"


FORMS: dict = {"finish": FinishForm, "snooze": SnoozeAllForm, "give": GiveAllForm, "cancel": CancelAllForm}


@dataclass
class Answer:
    """What came of it: how many were done, and why the others were not."""

    form: forms.Form
    done: int = 0
    refused: list = field(default_factory=list)
    # Those that are not there any more, or were never within reach: which, nobody is told.
    gone: int = 0

    @property
    def said(self) -> str:
        return f"{tasks(self.done)} {self.form.done}." if self.done else "Nothing was changed."

    @property
    def left_out(self):
        """Say how many stayed as they were, each with its reason; nothing when none did."""
        count = len(self.refused) + self.gone
        if not count:
            return ""
        rows = [(task.staff_url(), task.title, why) for task, why in self.refused]
        gone = f"{tasks(self.gone)} {'is' if self.gone == 1 else 'are'} not there any more, or not yours."
        return format_html(
            "{} stayed as {}:<ul>{}{}</ul>",
            tasks(count),
            "it was" if count == 1 else "they were",
            format_html_join("", '<li><a href="{}">{}</a>: {}</li>', rows),
            format_html("<li>{}</li>", gone) if self.gone else "",
        )


def named(user, pks) -> dict:
    """Return the picked tasks that this person may see, the first due first, and how many more there are."""
    found = Task.objects.visible_to(user).filter(pk__in=pks).select_related("owner").order_by("due_at", "pk")
    rows = list(found[:SHOWN])
    return {"tasks": rows, "more": max(0, len(pks) - SHOWN)}


def change(user, pks, do, form) -> Answer:
    """Do it to each of these tasks, or say why not. They are taken in the order of their diaries, which are locked."""
    answer = Answer(form)
    found = list(
        Task.objects.visible_to(user)
        .filter(pk__in=pks)
        .select_related("opportunity", "lead", "owner")
        .order_by("diary_id", "pk")
    )
    for task in found:
        try:
            with transaction.atomic():
                if not holds(user, RIGHT.get(do, CHANGE), task):
                    raise PermissionDenied
                refuse_closed(task)
                form.apply(task, user)
        except Refused as refusal:
            answer.refused.append((task, " ".join(refusal.reasons)))
        except PermissionDenied:
            answer.refused.append((task, "You may read it, but not change it."))
        else:
            answer.done += 1
    answer.gone = len(pks) - len(found)
    return answer
