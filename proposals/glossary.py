"""Words of ours that clients should not meet: the list that the house brings, and how a text is searched for them.

The list is data: managers and administrators change it. It is read in one query each time, so that no process ever goes
by an old one.
"""

import re
from dataclasses import dataclass
from functools import lru_cache


@dataclass(frozen=True)
class Term:
    """A word of ours: why a client should not meet it, and what to say instead, where there is something."""

    term: str
    why: str
    suggestion: str = ""
    blocking: bool = True


TERMS = (
    Term("caveat", "It names a doubt of ours, in our words.", "what to keep in mind"),
    Term("gross margin", "What we earn is ours alone."),
    Term("internal", "Whatever is internal stays with us."),
    Term("internal cost", "What it costs us is ours alone."),
    Term("margin", "What we earn is ours alone."),
    Term("markup", "What we earn is ours alone."),
    Term("our cost", "What it costs us is ours alone.", "the price"),
    Term("pricing assumption", "How we reckon is ours alone.", "what the price rests on"),
    Term("raw note", "Our notes stay with us."),
    # What the list began with stands above; these came with the second one.
    Term("walk-away price", "It gives our last offer away."),
    Term("win probability", "It says how we rate them."),
    Term("lead score", "It says how we rate them."),
    Term("deal size", "It says what they are worth to us.", "the price"),
    Term("budget holder", "It makes a person a part of a sale.", "the person who decides"),
    Term("decision maker", "It makes a person a part of a sale.", "the person who decides", blocking=False),
    Term("upsell", "It says that we want to sell more.", "further step"),
    Term("churn risk", "It says that we fear to lose them."),
    Term("padding", "It says that there is air in the price.", "reserve"),
    Term("billable", "It counts their work as our income.", "paid"),
    Term("quick and dirty", "It says that we work badly.", "simple first version"),
    Term("guesstimate", "It says that we guess.", "estimate", blocking=False),
    Term("low-hanging fruit", "It sounds as if their work had been easy.", "quick improvement", blocking=False),
    Term("workaround", "It says that we do not mend the cause.", "way round it", blocking=False),
    Term("pain point", "It is a word of our trade.", "difficulty", blocking=False),
    Term("TBD", "It says that something is not thought through yet.", "to be agreed", blocking=False),
)


def terms() -> list:
    """Return the terms that count now. Until the house's list was brought, it counts as it stands here."""
    from .models import GlossaryTerm

    kept = list(GlossaryTerm.objects.all())
    return [term for term in kept if term.is_used] if kept else list(TERMS)


def found_in(text):
    """Yield each term that stands in a text, with its match. The longest one counts where several begin."""
    known = {" ".join(term.term.casefold().split()): term for term in terms()}
    if known:
        for match in pattern(tuple(sorted(known, key=len, reverse=True))).finditer(text):
            yield known[" ".join(match.group("term").casefold().split())], match


@lru_cache(maxsize=8)
def pattern(names):
    said = "|".join(re.escape(name).replace(r"\ ", r"\s+") for name in names)
    return re.compile(rf"(?<!\w)(?P<term>{said})(?P<several>e?s)?(?!\w)", re.IGNORECASE)


def instead(term, match) -> str:
    """Return what to say instead, as the words that stand there are written: one or several, small or capital."""
    words = term.suggestion
    if not words:
        return ""
    if match.group("several") and " " not in words:
        words += "s"
    return words[0].upper() + words[1:] if match.group()[0].isupper() and not match.group().isupper() else words
