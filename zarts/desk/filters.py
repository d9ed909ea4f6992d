"""Which deals the pipeline shows: what its address says, read, named in words and put into conditions."""

from dataclasses import dataclass, field

from django.db.models import CharField, Exists, OuterRef, Q, Value
from django.utils.functional import cached_property

from opportunities.lists.due import DUE, is_due
from opportunities.lists.order import whole_number
from opportunities.models import Lead, Opportunity, Source, Team, User
from opportunities.neglect import is_adrift, is_stale
from opportunities.scope import there_is
from proposals.models import Service
from zarts.search.finding import held_by

Stage = Opportunity.Stage
COLUMNS = (Stage.QUALIFIED, Stage.DISCOVERY, Stage.AUDIT, Stage.PROPOSAL, Stage.CONTRACT, Stage.WON)
CLOSED = Opportunity.CLOSED
# Yes or no: the name in the address, and the words.
MARKS = {"stale": "Stale", "adrift": "No next action", "paused": "Paused"}
MOST = 200
NAMES = ("q", "owner", "team", "stage", "source", "service", "due", *MARKS)


@dataclass
class Filters:
    """What a person filters the pipeline by. A value that is not there is left out, with a sentence."""

    user: User
    asked: dict
    left_out: list[str] = field(default_factory=list)

    @classmethod
    def read(cls, query, user) -> "Filters":
        """Read the filters of an address, or of a saved view."""
        said = {name: str(query.get(name, "")).replace("\0", "").strip()[:200] for name in NAMES}
        return cls(user, {name: value for name, value in said.items() if value})

    @cached_property
    def choices(self) -> dict[str, list]:
        """Return what can be chosen for each filter, as (value, words)."""
        return {
            "owner": [("me", "Me"), *((str(person.pk), str(person)) for person in self.owners if person != self.user)],
            "stage": [(str(stage), stage.label) for stage in map(Stage, (*COLUMNS, *CLOSED))],
            "due": list(DUE.items()),
            **self.kinds,
        }

    @cached_property
    def seen(self) -> Q:
        return Opportunity.reach_by_index(self.user)

    @cached_property
    def owners(self) -> list[User]:
        """Return the people whose deals this person may see."""
        seen = Opportunity.objects.filter(self.seen).order_by()
        is_long = self.user.sees_all or self.user.reaches_many
        has_one = there_is(seen.filter(owner=OuterRef("pk"))) if is_long else Q(pk__in=seen.values("owner"))
        return list(User.objects.filter(has_one).order_by("first_name", "username")[:MOST])

    @cached_property
    def kinds(self) -> dict[str, list]:
        """Return the teams, sources and services, read at once."""
        teams = Team.objects.all() if self.user.sees_all else Team.objects.filter(pk=self.user.team_id)
        rows = {"team": teams, "source": Source.objects.all(), "service": Service.objects.all()}
        parts = [
            part.annotate(of=Value(name, CharField())).order_by("name").values_list("of", "pk", "name")[:MOST]
            for name, part in rows.items()
        ]
        found: dict[str, list] = {name: [] for name in rows}
        for kind, pk, name in parts[0].union(*parts[1:], all=True):
            found[kind].append((str(pk), name))
        return found

    @cached_property
    def chosen(self) -> dict[str, str]:
        """Return the filters that hold, in one order; whatever is no choice is left out with a sentence."""
        chosen = {}
        for name, value in self.asked.items():
            if self.is_choice(name, value):
                chosen[name] = value
            else:
                words = MARKS.get(name) or {"q": "Search"}.get(name) or name.capitalize()
                self.left_out.append(f"{words}: there is no “{value[:40]}” here. This filter is left out.")
        return chosen

    def is_choice(self, name, value) -> bool:
        if name == "q":
            return any(letter.isalnum() for letter in value)
        return value == "1" if name in MARKS else value in dict(self.choices[name])

    def __bool__(self):
        return bool(self.chosen)

    @property
    def words(self) -> str:
        return self.chosen.get("q", "")

    @property
    def stage(self) -> str:
        return self.chosen.get("stage", "")

    @property
    def stages(self) -> list:
        """Return the stages that are shown: the one that was chosen, or every column of the board."""
        return [Stage(self.stage)] if self.stage else list(COLUMNS)

    @property
    def selects(self) -> list[dict]:
        """Return the filters that are chosen from a list. One that has nothing to choose is not offered."""
        lists = [
            {"name": name, "label": name.capitalize(), "choices": self.choices[name], "chosen": self.chosen.get(name)}
            for name in ("owner", "team", "stage", "source", "service", "due")
        ]
        return [one for one in lists if len(one["choices"]) > (one["name"] == "team") or one["chosen"]]

    @property
    def marks(self) -> list[tuple]:
        return [(name, words, name in self.chosen) for name, words in MARKS.items()]

    def rows(self, *, all_of_them=True):
        """Return the deals that the filters let through, of those that this person may see.

        Without `all_of_them` only the first of them are read, in some order.
        """
        rows = Opportunity.objects.filter(self.seen)
        places = [Opportunity.PLACES.index(stage) for stage in self.stages]
        rows = rows.filter(place=places[0]) if self.stage else rows.filter(place__lte=places[-1])
        if not (self.stage or self.words):
            # What was won before it came in is found by its stage or its name: it is no work of today.
            rows = rows.exclude(Opportunity.was_won())
        for name, value in self.chosen.items():
            if name == "q":
                if self.held:
                    rows = rows.filter(self.held.named("pk") if all_of_them else self.held.where())
            elif name != "stage":
                rows = rows.filter(CONDITIONS[name](value, self.user))
        return rows

    @cached_property
    def held(self):
        """The deals whose own name or client's holds the words: looked up once for everything that the page says."""
        return held_by("opportunity", self.words)


def of_owner(value, user) -> Q:
    return Q(owner=user.pk if value == "me" else whole_number(value))


def of_source(value, user) -> Q:
    """The source of one of its leads: a deal may have several."""
    return Q(Exists(Lead.objects.filter(opportunity=OuterRef("pk"), source=whole_number(value))))


def of_service(value, user) -> Q:
    through = Service.opportunities.through
    return Q(Exists(through.objects.filter(opportunity=OuterRef("pk"), service=whole_number(value))))


CONDITIONS = {
    "owner": of_owner,
    "team": lambda value, user: Q(team=whole_number(value)),
    "source": of_source,
    "service": of_service,
    "due": lambda value, user: is_due(value, Opportunity._meta.get_field("due_on")),
    "stale": lambda value, user: is_stale(),
    "adrift": lambda value, user: is_adrift(),
    "paused": lambda value, user: Q(stage=Stage.PAUSED),
}
