"""What a client could read on a day: which publications were in force then, and by which way each person had them."""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta

from django.utils import timezone

from portal.models import Guest, ProposalLink, Publication

# Later than anything that is kept.
EVER = datetime(9999, 1, 1, tzinfo=UTC)


@dataclass
class Shown:
    """A publication, and from when to when a client who signed in could read it."""

    publication: Publication
    periods: list

    @property
    def lasting(self) -> list:
        return as_lasting(self.periods)

    @property
    def anchor(self) -> str:
        return f"shown-{self.publication.pk}"


@dataclass
class Reader:
    """Somebody at the client, the ways in that they had, and what they could read by each of them."""

    name: str
    ways: list = field(default_factory=list)


@dataclass
class Day:
    """One day of the agency's, with what could be read on it and by whom."""

    on: date
    shown: list
    readers: list
    withdrawn: list


def on(opportunity, day) -> Day:
    """Return what each person of the client could read of a deal on a day, in three queries."""
    begins = timezone.make_aware(datetime.combine(day, time()), timezone.get_default_timezone())
    ends = timezone.make_aware(datetime.combine(day + timedelta(days=1), time()), timezone.get_default_timezone())
    before = Publication.objects.filter(
        client_id=opportunity.client_id, opportunity_id=opportunity.pk, published_at__lt=ends
    )
    every = list(before.select_related("question").order_by("published_at", "pk"))
    links = list(ProposalLink.objects.filter(publication__in=before, created_at__lt=ends).order_by("created_at", "pk"))
    guests = list(Guest.objects.filter(client_id=opportunity.client_id, created_at__lt=ends).order_by("name", "pk"))

    periods = {one.pk: cut(in_force(one, every), begins, ends) for one in every}
    by_link = {}
    for link in links:
        one = next(each for each in every if each.pk == link.publication_id)
        end = min(link.revoked_at or EVER, link.expires_at, gone(one))
        # On the page of an offer stand the answers to what was asked about it.
        answers = [each for each in every if each.question and each.question.publication_id == one.pk]
        for each in [one, *answers]:
            since = link.created_at if each is one else max(link.created_at, each.published_at)
            if found := cut([(since, min(end, gone(each)))], begins, ends):
                by_link.setdefault(each.pk, []).append((link, found))
    shown = [Shown(one, periods[one.pk]) for one in every if periods[one.pk] or one.pk in by_link]
    readers: dict = {}
    for guest in guests:
        had = [(guest.created_at, guest.revoked_at or EVER)]
        for each in shown:
            if found := cut([part for whole in had for part in overlap(each.periods, whole)], begins, ends):
                way = {
                    "words": f"signed in to the portal as {guest.email}",
                    "shown": each,
                    "periods": as_lasting(found),
                }
                readers.setdefault(guest.contact_id, Reader(guest.name)).ways.append(way)
    for each in shown:
        for link, found in by_link.get(each.publication.pk, ()):
            way = {"words": "by the link in their mail", "shown": each, "periods": as_lasting(found)}
            if link.opened_at and link.opened_at < ends:
                way["opened_at"] = link.opened_at
            readers.setdefault(link.contact_id, Reader(link.contact_name)).ways.append(way)
    withdrawn = [one for one in every if one.withdrawn_at and begins <= one.withdrawn_at < ends]
    return Day(day, shown, sorted(readers.values(), key=lambda reader: reader.name), withdrawn)


def gone(publication):
    return publication.withdrawn_at or EVER


def in_force(publication, every) -> list:
    """Return when a publication was the one that the portal showed: until it was withdrawn, but for newer ones."""
    periods = [(publication.published_at, gone(publication))]
    place = (publication.published_at, publication.pk)
    for other in every:
        if (other.kind, other.ref) == (publication.kind, publication.ref) and (other.published_at, other.pk) > place:
            periods = [part for period in periods for part in without(period, (other.published_at, gone(other)))]
    return periods


def without(period, taken) -> list:
    """Return what is left of a time when another is taken out of it."""
    begin, end = period
    parts = [(begin, min(end, taken[0])), (max(begin, taken[1]), end)]
    return [part for part in parts if part[0] < part[1]]


def cut(periods, begins, ends) -> list:
    """Return the periods of which some part lies within a day, whole as they are."""
    return [(begin, end) for begin, end in periods if begin < ends and end > begins and begin < end]


def overlap(periods, whole) -> list:
    return [
        (max(begin, whole[0]), min(end, whole[1]))
        for begin, end in periods
        if max(begin, whole[0]) < min(end, whole[1])
    ]


def as_lasting(periods) -> list:
    """Return periods with nothing as their end while they last."""
    return [(begin, None if end >= EVER else end) for begin, end in periods]
