"""What a line of the close-ready checklist is, and how many deals are read for it at once.

Each app's `checklist.py` has the lines that it knows enough to answer. `learn` there reads what they need of many
deals in one query; a line asks one deal and reads nothing. `zarts/desk/checklist.py` puts them in order.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from types import SimpleNamespace

from django.contrib.postgres.expressions import ArraySubquery
from django.db import models
from django.db.models import BooleanField, CharField, ExpressionWrapper, F, OuterRef, Q, Value
from django.db.models.functions import Coalesce, Concat, JSONObject, NullIf, Trim
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.http import urlencode

from .days import read_day
from .models import Opportunity

Stage = Opportunity.Stage
# Of a kind of row that a deal may have hundreds of, this many are looked at.
MOST = 50


class Kind(models.TextChoices):
    FIELD = "field"
    TASK = "task"
    GATE = "gate", "Approval gate"
    NOTE = "note", "Sales note"
    RULE = "rule", "Proposal rule"
    ONBOARDING = "onboarding", "Onboarding requirement"


@dataclass(frozen=True)
class Answer:
    """What one line says of one deal: met and how, unmet and why, or not due yet and from when."""

    state: str
    words: str = ""
    lacks: tuple = ()
    by: str = ""
    at: datetime | None = None


def met(words, *, by="", at=None) -> Answer:
    return Answer("met", words, by=by or "", at=at)


def unmet(*lacks) -> Answer:
    return Answer("unmet", lacks=lacks)


def later(words) -> Answer:
    return Answer("later", words)


@dataclass(frozen=True)
class Check:
    """One line of the guide: its own words, what it is, from which stage it is due, and what keeps it.

    `names` are the gates, functions, triggers and constraints that `keeper` speaks of, as the code has them.
    `told_by` are the events that say who met it, and when.
    """

    key: str
    sentence: str
    kind: Kind
    due_from: str
    keeper: str
    names: tuple
    told_by: tuple
    ask: Callable

    @property
    def kept_by(self) -> str:
        """Return the names of what keeps it, in words: gates, rules, and walls in the database."""
        return "; ".join(said(name) for name in self.names)

    @property
    def stage(self) -> str:
        return Stage(self.due_from).label

    def of(self, deal) -> Answer:
        """Ask this line about a deal. What is not due is not asked for; of a lost deal nothing more is due."""
        place = place_of(deal.opportunity)
        if Opportunity.PATH.index(place or deal.reached) < Opportunity.PATH.index(self.due_from):
            return later(f"From the stage {self.stage} on." if place else "The deal was lost before this was due.")
        answer = self.ask(deal)
        if place is None and answer.state == "unmet":
            return later("The deal is lost: nothing more is due, unless it is reopened.")
        return answer


KINDS_OF_KEEPERS = {"gates": "gate", "policies": "policy", "forms": "form", "trigger": "wall", "constraint": "wall"}


def said(name: str) -> str:
    """Say the name of something in the code in words: the gate “seven facts are confirmed”."""
    place, _, own = name.replace(":", ".").rpartition(".")
    home = place.rpartition(".")[2]
    kind = KINDS_OF_KEEPERS.get(home, "rule")
    words = own if kind != "rule" or home == "models" else f"{home}: {own}"
    return f"{kind} “{re.sub('(?<=[a-z])(?=[A-Z])', ' ', words).replace('_', ' ').lower()}”"


def check(key, sentence, *, kind, due_from, keeper, names=(), told_by=()):
    """Make a line of the checklist of a function from a deal to its answer."""
    return lambda ask: Check(key, sentence, kind, due_from, keeper, names, told_by, ask)


def place_of(opportunity) -> str | None:
    """Return where on its path a deal stands: a paused one where it was, a lost one nowhere."""
    if opportunity.stage == Stage.LOST:
        return None
    return opportunity.paused_from if opportunity.stage == Stage.PAUSED else opportunity.stage


# -- Reading many deals at once. ---------------------------------------------------------------------------------------

MINE = OuterRef("pk")


def rows(queryset, **fields):
    """Return a subquery of rows as dictionaries, for one column of a larger query."""
    return ArraySubquery(queryset.values(row=JSONObject(**fields)))


def whether(condition: Q):
    return ExpressionWrapper(condition, BooleanField())


def person(path):
    """Return the name of a user, as screens say it."""
    full = NullIf(Trim(Concat(f"{path}__first_name", Value(" "), f"{path}__last_name")), Value(""))
    return Coalesce(full, F(f"{path}__username"), output_field=CharField())


def moment(text):
    """Return the time that a dictionary holds as text, as the database wrote it."""
    return datetime.fromisoformat(text) if text else None


def said_day(text):
    """Say a day or a time that a dictionary holds as text, in the zone of whoever reads."""
    if not text:
        return ""
    on = timezone.localtime(moment(text)) if "T" in text else read_day(text)
    return date_format(on, "j M Y") if on else text


def page(model, pk, anchor=""):
    """Return the address of a record's page, by its id alone."""
    return model(pk=pk).staff_url(anchor)


def add_page(model, **fields):
    """Return the address of the form for a new record, with these fields filled in."""
    return f"{reverse(f'admin:{model._meta.app_label}_{model._meta.model_name}_add')}?{urlencode(fields)}"


def known_of(opportunities) -> dict:
    """Return an empty sheet for each deal, by its id; each app's `learn` writes on it."""
    return {opportunity.pk: SimpleNamespace(opportunity=opportunity) for opportunity in opportunities}


def fill(deals, **columns):
    """Write these columns on the sheets of the deals, in one query."""
    found = Opportunity.objects.filter(pk__in=deals).annotate(**{f"known_{k}": v for k, v in columns.items()})
    for row in found.values("pk", *(f"known_{name}" for name in columns)):
        for name in columns:
            setattr(deals[row["pk"]], name, row[f"known_{name}"])
