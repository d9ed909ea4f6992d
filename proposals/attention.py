"""Who of a client has a link to a proposal, and how far their attention went: fetched, opened or engaged."""

from dataclasses import dataclass

from django.utils import timezone

from portal.models import ProposalLink

# The parts of a proposal's page, as they follow each other.
PARTS = {
    "intro": "Introduction",
    "findings": "What we found",
    "scope": "What they get",
    "options": "What they can add",
    "excluded": "What is not included",
    "assumptions": "What we rely on",
    "timeline": "When",
    "price": "What it costs",
    "reporting": "How they will know",
    "questions": "Questions",
    "decide": "Accept",
}


@dataclass
class Part:
    """For how long one part of the page was in sight of people, and how that is beside the longest."""

    name: str
    seconds: int
    most: int

    @property
    def spent(self) -> str:
        return spent(self.seconds)


@dataclass
class Attention:
    """The links to one revision, the newest of each person first, and for how long each part was read."""

    links: list
    parts: list

    @property
    def seconds(self) -> int:
        return sum(part.seconds for part in self.parts)

    @property
    def spent(self) -> str:
        return spent(self.seconds)


def of(proposal) -> Attention:
    """Return who has a link to a proposal, and what they did with it, in three queries."""
    links = ProposalLink.objects.filter(publication__ref=f"{proposal.label()}:{proposal.pk}")
    links = list(links.prefetch_related("readers").order_by("revoked_at", "contact_name", "-pk"))
    titles = dict(proposal.price_lines.filter(optional=True).values_list("pk", "title"))
    for link in links:
        people = [reader for reader in link.readers.all() if reader.counted_at]
        link.people = sorted(people, key=lambda reader: (reader.name != "", reader.counted_at))
        for reader in link.people:
            reader.spent = spent(sum(reader.seconds.values()))
        link.standing = standing(link)
        link.would_take = [titles[pk] for pk in link.chosen if pk in titles]
    everybody = [reader.seconds for link in links for reader in link.people]
    sums = {part: sum(seconds.get(part, 0) for seconds in everybody) for part in PARTS}
    most = max(sums.values(), default=0)
    return Attention(links, [Part(PARTS[part], seconds, most) for part, seconds in sums.items() if seconds])


def in_short(proposals) -> dict:
    """Return for each of these proposals that are out who got how far with it, in one query: by its id."""
    refs = {f"{each.label()}:{each.pk}": each.pk for each in proposals if each.publication_id}
    found: dict = {}
    links = ProposalLink.objects.filter(publication__ref__in=refs, revoked_at=None).order_by("contact_name", "-pk")
    for link in links.select_related("publication").defer("publication__body"):
        found.setdefault(refs[link.publication.ref], []).append(link)
    return found


def standing(link) -> str:
    """Say whether a link still works, in a word; nothing while it does."""
    if link.revoked_at:
        return "leads to a newer link" if link.replaced_by_id else "closed"
    return "expired" if link.expires_at <= timezone.now() else ""


def spent(seconds) -> str:
    """Say how long somebody read: 40 s, 3 min, 1 h 5 min."""
    if seconds < 60:
        return f"{seconds} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"
