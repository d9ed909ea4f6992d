"""How reliably reports came: by client, by service and by whoever answered for them, from what is counted of each."""

from dataclasses import dataclass

from django.db.models import Count, F, Q

from handoff.models import Report
from opportunities.models import Client, User
from proposals.models import Service

from .models import CountedReport

# So many lines of a table.
ROWS = 50
KINDS = {"on_time": "Came in time", "late": "Late", "missed": "Missed"}
# What a table is about, under which column, and whose names stand in it.
TABLES = {"client": ("client", Client), "service": ("service", Service), "owner": ("owner_id", User)}


@dataclass
class Kept:
    """How many reports of one client, service or person came in time, late, or not for days."""

    pk: int
    name: str
    on_time: int
    late: int
    missed: int

    @property
    def count(self) -> int:
        return self.on_time + self.late + self.missed

    @property
    def share(self) -> int:
        """Return how many of a hundred came in time, never rounded up to all of them."""
        return 100 * self.on_time // self.count

    @property
    def bars(self) -> list:
        """Return the parts of its bar: the kind, where it begins and how long it is, of a hundred."""
        parts, at = [], 0.0
        for kind in KINDS:
            wide = 100 * getattr(self, kind) / self.count
            parts += [(kind, round(at, 2), round(wide, 2))] if wide else []
            at += wide
        return parts


def counted(user, first, last, chosen: dict):
    """Return what is counted of the reports that somebody may see and that were due between two days."""
    rows = CountedReport.objects.filter(day__gte=first, day__lte=last).order_by()
    if not user.sees_all:
        rows = rows.filter(report__in=Report.objects.visible_to(user).order_by().values("pk"))
    return rows.filter(**{TABLES[name][0]: pk for name, pk in chosen.items()})


def lines(rows, known: dict) -> dict[str, list[Kept]]:
    """Return by client, by service and by owner how these reports came, whoever owes most first.

    `known` has names that were read already: by table, by number.
    """
    counts = {kind: Count("pk", filter=Q(key=kind)) for kind in KINDS}
    found = {}
    for name, (column, model) in TABLES.items():
        groups = rows.values(number=F(column)).annotate(**counts).order_by("-missed", "-late", "-on_time", "number")
        groups, names = list(groups[:ROWS]), known.get(name, {})
        if unknown := {group["number"] for group in groups} - names.keys() - {0}:
            names = names | {row.pk: str(row) for row in model.objects.filter(pk__in=unknown)}
        kept = [
            Kept(name=names.get(group["number"], "Without one"), pk=group.pop("number"), **group) for group in groups
        ]
        found[name] = sorted(kept, key=lambda line: (-line.missed, -line.late, -line.on_time, line.name))
    return found
