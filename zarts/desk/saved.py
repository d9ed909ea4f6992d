"""The views of the pipeline: those that come with the house, and what of its address a saved one keeps."""

from functools import partial

from opportunities.lists import saved

KEY = "pipeline"
HOUSE = {
    "all": ("Everything", {}),
    "mine": ("Mine", {"owner": "me"}),
    "overdue": ("Overdue", {"due": "overdue"}),
    "stale": ("Stale", {"stale": "1"}),
}
# What a view keeps beside its filters.
LOOKS = ("look", "sort", "columns")

tabs = partial(saved.tabs, key=KEY, house=HOUSE)
