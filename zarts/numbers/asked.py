"""What somebody asks of the numbers: how far back, whose, of what. All of it stands in the address."""

from collections import defaultdict
from dataclasses import dataclass, field
from functools import cached_property
from urllib.parse import urlencode

from django.core.exceptions import ValidationError
from django.db.models import CharField, F, Q, Value
from django.db.models.functions import Concat, Trim

from opportunities.admin.base import whole_number
from opportunities.currencies import known_currency
from opportunities.models import Source, Team, User
from opportunities.scope import Scoped
from proposals.models import Service

PERIODS = {"30": "30 days", "90": "90 days", "365": "A year"}
# How the forecast, the win rate and the proof of what is promised are cut.
CUTS = {
    "by": ("month", "owner", "service"),
    "rate": ("source", "owner", "service"),
    "proof": ("owner", "service", "month"),
}
NAMED = ("owner", "team", "service", "source")
# So many choices of a filter.
MOST = 200


def names_of(user) -> dict[str, dict]:
    """Return who and what the filters name, as far as this person sees: one query for all four."""
    theirs = Q() if user.sees_all else Q(pk=user.pk) | (Q(team=user.team_id) if user.sees_team else Q(pk=None))
    called = Trim(Concat(F("first_name"), Value(" "), F("last_name")), output_field=CharField())
    parts = {
        "owner": User.objects.filter(theirs).annotate(called=called),
        "team": Team.objects.filter(Q() if user.sees_all else Q(pk=user.team_id)).annotate(called=F("name")),
        "service": Service.objects.annotate(called=F("name")),
        "source": Source.objects.annotate(called=F("name")),
    }
    rows = [
        part.order_by()
        .annotate(part=Value(name), beside=F("username") if name == "owner" else Value(""))
        .values_list("part", "pk", "called", "beside")
        for name, part in parts.items()
    ]
    found: dict[str, dict] = {name: {} for name in parts}
    alike: dict[tuple, list] = defaultdict(list)
    for part, pk, called, beside in rows[0].union(*rows[1:], all=True).order_by("part", "called", "pk"):
        found[part][pk] = called or f"Person {pk}"
        alike[part, found[part][pk]].append((pk, beside))
    # Two of one name are told apart: people by what they sign in with.
    for (part, called), those in alike.items():
        if len(those) > 1:
            found[part].update({pk: f"{called} ({beside or pk})" for pk, beside in those})
    return found


@dataclass
class Asked:
    """The filters of the page. What there is not is left out, and said."""

    user: User
    given: dict
    left_out: list[str] = field(default_factory=list)

    @cached_property
    def names(self) -> dict[str, dict]:
        return names_of(self.user)

    @cached_property
    def chosen(self) -> dict:
        chosen: dict = {}
        for name, value in self.given.items():
            good = self.read(name, str(value).strip())
            if good:
                chosen[name] = good
            elif str(value).strip():
                said = str(value).strip()[:40]
                known = name in (*NAMED, *CUTS, "days", "currency")
                wrong = (
                    f"{name.capitalize()}: there is no “{said}” here." if known else f"There is no “{name[:40]}” here."
                )
                self.left_out.append(f"{wrong} This filter is left out.")
        return chosen

    def read(self, name, value):
        """Return what the address says for one filter, or nothing where that is no choice."""
        if name in NAMED:
            number = whole_number(value)
            return number if number in self.names[name] else None
        if name == "currency":
            try:
                known_currency(value)
            except ValidationError:
                return None
            return value
        choices = PERIODS if name == "days" else CUTS.get(name, ())
        return value if value in choices else None

    @property
    def days(self) -> int:
        return int(self.chosen.get("days", "90"))

    def cut(self, name) -> str:
        return self.chosen.get(name, CUTS[name][0])

    def narrow(self, rows, names=(*NAMED, "currency")):
        """Return those of these counters that this person may see and asked for. Shares do not count."""
        columns = {"owner": "owner_id", "team": "team_id"}
        rows = rows.filter(Scoped.reach(self.user))
        return rows.filter(**{columns.get(name, name): self.chosen[name] for name in names if name in self.chosen})

    def query(self, **changes) -> str:
        """Return the address of these filters with some of them changed."""
        said = {**self.chosen, **changes}
        return "?" + urlencode({name: value for name, value in said.items() if value})

    def only(self, *names, **more) -> str:
        """Return what another page is to be asked that knows only these filters."""
        said = {**more, **{name: self.chosen[name] for name in names if name in self.chosen}}
        return "?" + urlencode(said) if said else ""

    @property
    def whose(self) -> str:
        """Say whose deals are counted."""
        user = self.user
        return (
            "All deals."
            if user.sees_all
            else "Your team’s deals and your own."
            if user.sees_team
            else "Your own deals."
        )

    def called(self, name, pk) -> str:
        return self.names[name].get(pk, "Without one" if not pk else "Somebody else" if name == "owner" else "Another")

    @property
    def filters(self) -> list:
        labels = {name: name.capitalize() for name in NAMED}
        lists = [(name, labels[name], list(self.names[name].items())[:MOST], self.chosen.get(name)) for name in NAMED]
        return [one for one in lists if len(one[2]) > 1 or one[3]]
