"""The tabs of the pipeline: views that come with the house, a person's own, and those that others share."""

from dataclasses import dataclass

from django import forms
from django.db import IntegrityError, transaction

from opportunities.forms import say_plainly
from opportunities.models import SavedView, User
from opportunities.records import begin, edit

from .filters import NAMES

HOUSE = {
    "all": ("Everything", {}),
    "mine": ("Mine", {"owner": "me"}),
    "overdue": ("Overdue", {"due": "overdue"}),
    "stale": ("Stale", {"stale": "1"}),
}
MOST = 30
# What a view keeps beside its filters.
LOOKS = ("look", "sort")


@dataclass
class Tab:
    """One view of the pipeline: its name, and what its address says."""

    key: str
    name: str
    query: dict
    view: SavedView | None = None

    def is_of(self, chosen: dict) -> bool:
        """Whether these are exactly its filters, however the deals are laid out and sorted."""
        return {name: value for name, value in self.query.items() if name in NAMES} == chosen


def tabs(user) -> list[Tab]:
    """Return the views that this person has: the house's, their own, and the shared ones."""
    mine = SavedView.objects.visible_to(user).filter(stage=SavedView.Stage.KEPT).select_related("owner")
    saved = [Tab(str(view.pk), view.name, view.filters, view) for view in mine.order_by("shared", "name", "pk")[:MOST]]
    return [*(Tab(key, name, query) for key, (name, query) in HOUSE.items()), *saved]


def current(tabs, chosen: dict, opens_with: str) -> Tab | None:
    """Return the one view whose filters these are: of equal ones that with which this person's pipeline opens."""
    same = [tab for tab in tabs if tab.is_of(chosen)]
    return next((tab for tab in same if tab.key == opens_with), same[0] if same else None)


class SaveForm(forms.Form):
    """Asks for the name of a new view."""

    name = forms.CharField(
        label="Save these filters as", max_length=60, error_messages={"required": "Give the view a name."}
    )
    shared = forms.BooleanField(label="Share with everybody", required=False)

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        say_plainly(self.fields["name"])


def save(user, form: SaveForm, query: dict) -> SavedView | None:
    """Save what the address says under a name. A name that this person has already is told at the field."""
    view = SavedView(owner=user, filters=query, **form.cleaned_data)
    try:
        with transaction.atomic():
            return begin(view, by=user, past="saved the view")
    except IntegrityError:
        form.add_error("name", "You have a view of that name. Choose another name, or remove that one first.")
        return None


def open_with(user, key: str) -> bool:
    """Have the pipeline open with this view from now on. False when this person has no such view."""
    if key not in {tab.key for tab in tabs(user)}:
        return False
    edit(User.objects.get(pk=user.pk), by=user, pipeline_view=key)
    return True
