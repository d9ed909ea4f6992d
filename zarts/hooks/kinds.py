"""The kinds of events that an endpoint can be told of: what the records' own moves say."""

from functools import cache

from django.apps import apps
from django.contrib import admin

from opportunities.models import Client, Contact
from opportunities.records import Kept, Record

# Nothing that goes out is about these: who works here, what each looks at, and the endpoints themselves.
OWN = {"opportunities.user", "opportunities.team", "opportunities.savedview"}

APPS = ("opportunities", "proposals", "handoff")


@cache
def groups() -> list[tuple[str, list[tuple[str, str]]]]:
    """Return the events of each kind of record that has a page of its own; the first of each stands for all of them."""
    found = []
    for model in apps.get_models():
        if model not in admin.site._registry or not issubclass(model, Kept):
            continue
        if model.label() in OWN or model._meta.app_label not in APPS:
            continue
        name, called = model._meta.model_name, str(model._meta.verbose_name)
        kinds = {f"{name}.*": "Everything about it", f"{name}.create": "Created", f"{name}.edit": "Changed"}
        for step in model.steps() if issubclass(model, Record) else ():
            said = step.custom["past"].rstrip(":")
            kinds.setdefault(f"{name}.{step.name}", said[0].upper() + said[1:])
        if model in (Client, Contact):
            kinds[f"{name}.erase"] = "Erased for privacy"
        found.append((called[0].upper() + called[1:], list(kinds.items())))
    return sorted(found)


@cache
def words() -> dict[str, str]:
    """Return each kind with its words: "Proposal: approved"."""
    said = {kind: f"{called}: {word[0].lower()}{word[1:]}" for called, kinds in groups() for kind, word in kinds}
    return said | {kinds[0][0]: f"{called}: everything" for called, kinds in groups()}
