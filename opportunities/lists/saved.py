"""The views above a list: those that come with the house, a person's own, and those that others share."""

from dataclasses import dataclass

from django import forms
from django.db import IntegrityError, transaction
from django.db.models import Case, When

from ..forms import say_plainly
from ..models import SavedView, User
from ..records import begin, edit, lock
from .asked import LOOKS
from .due import due_field

MOST = 30


@dataclass
class Tab:
    """One view of a list: its name, and what its address says."""

    key: str
    name: str
    query: dict
    view: SavedView | None = None

    def filters(self, looks) -> dict:
        return {name: value for name, value in self.query.items() if name not in looks}

    def is_of(self, chosen: dict, looks) -> bool:
        """Whether these are exactly its filters, however the rows are laid out and sorted."""
        return self.filters(looks) == chosen


def house(page) -> dict:
    """Return the views with which a list of records comes."""
    found: dict = {"all": ("Everything", {})}
    if "owner" in page.list_filter:
        found["mine"] = ("Mine", {"owner": "me"})
    if due_field(page):
        found["overdue"] = ("Overdue", {"due": "overdue"})
    return found


def tabs(user, key: str, house: dict) -> list[Tab]:
    """Return the views of a list that this person has: the house's, their own, and the shared ones."""
    views = SavedView.objects.visible_to(user).filter(list=key, stage=SavedView.Stage.KEPT).select_related("owner")
    # Their own first, of which there are so many at most: whoever keeps many still sees as many that are shared.
    views = views.order_by(Case(When(owner=user, then=0), default=1), "name", "pk")
    saved = [Tab(str(view.pk), view.name, view.filters, view) for view in views[: 2 * MOST]]
    return [*(Tab(name, words, query) for name, (words, query) in house.items()), *saved]


def current(tabs, query: dict, opens_with: str, looks=LOOKS) -> Tab | None:
    """Return the one view that this is: of equal ones that with which the list opens, then one that looks the same."""
    chosen = {name: value for name, value in query.items() if name not in looks}
    same = [tab for tab in tabs if tab.is_of(chosen, looks)]
    opening = next((tab for tab in same if tab.key == opens_with), None)
    return opening or next((tab for tab in same if tab.query == query), same[0] if same else None)


def said_no_more(tabs, asked: dict) -> Tab | None:
    """Return the saved view whose filters an address asks for, though some of them mean nothing any more."""
    return next((tab for tab in tabs if tab.view and tab.query and tab.query.items() <= asked.items()), None)


class SaveForm(forms.Form):
    """Asks for the name of a new view."""

    name = forms.CharField(
        label="Save this view as", max_length=60, error_messages={"required": "Give the view a name."}
    )
    shared = forms.BooleanField(label="Share with everybody", required=False)

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        say_plainly(self.fields["name"])


def save(user, key: str, form: SaveForm, query: dict) -> SavedView | None:
    """Save what the address says under a name. What is wrong is told at the field.

    No more are kept than are shown above the list.
    """
    if SavedView.objects.filter(owner=user, list=key, stage=SavedView.Stage.KEPT).count() >= MOST:
        form.add_error("name", f"You have {MOST} views of this list. Remove one first: “All saved views” lists them.")
        return None
    view = SavedView(owner=user, list=key, filters=query, **form.cleaned_data)
    try:
        with transaction.atomic():
            return begin(view, by=user, past="saved the view")
    except IntegrityError:
        form.add_error("name", "You have a view of that name. Choose another name, or remove that one first.")
        return None


def open_with(user, key: str, house: dict, view: str) -> bool:
    """Have a list open with this view from now on. False when this person has no such view."""
    if view not in {tab.key for tab in tabs(user, key, house)}:
        return False
    with transaction.atomic():
        user = lock(User.objects.get(pk=user.pk))  # another list may be said to open otherwise at this moment
        edit(user, by=user, opens_with={**user.opens_with, key: view})
    return True
