"""Several deals changed at once: each by an edit of its own, with its own event, or told why not."""

from dataclasses import dataclass, field
from datetime import timedelta

from django import forms
from django.db import transaction
from django.utils import timezone

from opportunities.followups import open_task
from opportunities.forms import say_plainly
from opportunities.lists.actions import WhatNextForm, WhoForm
from opportunities.models import Opportunity
from opportunities.records import Opens, edit, holds, lock

MOST = 200


def deals(count) -> str:
    return "1 deal" if count == 1 else f"{count} deals"


class ReassignForm(WhoForm):
    """Asks who takes the deals over: somebody who works here and may move deals."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.offer(Opportunity)

    def apply(self, deal, user) -> bool:
        """Give it to them. Return whether it was somebody else's."""
        before = deal.owner_id
        return edit(deal, by=user, owner=self.cleaned_data["owner"]).owner_id != before

    def why_not(self, deal) -> str:
        return ""

    def said(self, done) -> str:
        return f"{deals(done)} given to {self.cleaned_data['owner']}."

    def so_already(self, same) -> str:
        return f"{deals(same)} {'was' if same == 1 else 'were'} with {self.cleaned_data['owner']} already."


class NextForm(WhatNextForm):
    """Asks what happens next, and by when."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        for asked in self.fields.values():
            say_plainly(asked)
        self.fields["due_on"].initial = timezone.localdate() + timedelta(days=1)

    def apply(self, deal, user) -> bool:
        """Write it down; a deal that nothing is promised for gets the task as well. Return whether it was new."""
        before, now = (deal.next_action, deal.due_on), (self.cleaned_data["next_action"], self.cleaned_data["due_on"])
        action, due = self.cleaned_data["next_action"], self.cleaned_data["due_on"]
        deal = edit(deal, by=user, next_action=action, due_on=due)
        if not deal.tasks.open().exists():
            open_task(deal, Opens("follow_up", action, (due - timezone.localdate()).days), by=user)
            return True
        return before != now

    def why_not(self, deal) -> str:
        if not deal.is_open:
            return f"It is {deal.get_stage_display().lower()}: nothing comes next."
        return "It is paused. Resume it first." if deal.stage == Opportunity.Stage.PAUSED else ""

    def said(self, done) -> str:
        return f"{deals(done)} {'has' if done == 1 else 'have'} a new next action."

    def so_already(self, same) -> str:
        return f"{deals(same)} had it already."


FORMS: dict = {"reassign": ReassignForm, "next": NextForm}


@dataclass
class Answer:
    """What came of it: how many were changed, how many were so already, and why the others were not."""

    form: forms.Form
    done: int = 0
    same: int = 0
    refused: list = field(default_factory=list)
    # Those that are not there any more, or were never within reach: which, nobody is told.
    gone: int = 0

    @property
    def said(self) -> str:
        return self.form.said(self.done) if self.done else "Nothing was changed."

    @property
    def so_already(self) -> str:
        return self.form.so_already(self.same) if self.same else ""

    @property
    def left_out(self) -> str:
        """Say how many stayed as they were; the reasons follow, each with its deal."""
        count = len(self.refused) + self.gone
        return f"{deals(count)} stayed as {'it was' if count == 1 else 'they were'}:" if count else ""

    @property
    def gone_because(self) -> str:
        return f"{deals(self.gone)} {'is' if self.gone == 1 else 'are'} not there any more, or not yours."


def change(user, pks, form) -> Answer:
    """Change each of these deals, or say why not. What is as it should be already stays, without an event."""
    answer = Answer(form)
    found = list(Opportunity.objects.visible_to(user).filter(pk__in=pks).order_by("pk"))
    for deal in found:
        with transaction.atomic():
            deal = lock(deal)
            if reason := why_not(user, deal, form):
                answer.refused.append((deal, reason))
            elif form.apply(deal, user):
                answer.done += 1
            else:
                answer.same += 1
    answer.gone = len(pks) - len(found)
    return answer


def why_not(user, deal, form) -> str:
    """Return why this person may not change this deal so, or nothing."""
    if not holds(user, "opportunities.change_opportunity", deal):
        return "You may read it, but not change it."
    return form.why_not(deal)
