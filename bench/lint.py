"""Lint as one types: long words against much that is internal, all of it read anew each time."""

import time

from bench.measure import Ratio, compare

AIM = 0.1
WORDS = 2000
TEXTS = 200
LONG = 200
# Read at random it would be another text in each run of the bench.
STEM = ("page", "phone", "booking", "visitor", "call", "form", "harbor", "season", "minute", "picture", "answer")


def text_of(length, seed) -> str:
    """Return a text of so many words that no other text of another seed copies."""
    state, words = seed * 7919 + 1, []
    for _ in range(length):
        state = (state * 1103515245 + 12345) % 2**31
        words.append(f"{STEM[state % len(STEM)]}{state % 4099}")
    return " ".join(words)


def lint_of_long_words(small, large) -> Ratio:
    """The time that a check takes, as a part of the 100 ms that it may take."""
    from opportunities.models import Note, Opportunity
    from proposals import lint

    with large:
        deal = Opportunity.objects.select_related("client", "diary").order_by("pk")[large.size // 2]
        have = Note.objects.filter(opportunity=deal, words__startswith="bench ").count()
        fields = {"diary": deal.diary, "opportunity": deal, "author": large.person}
        Note.objects.bulk_create(
            Note(words=f"bench {text_of(LONG, number)}", **fields) for number in range(have, TEXTS)
        )
    copied = text_of(LONG, 7).split()[20:60]
    words = " ".join([text_of(WORDS - len(copied) - 30, TEXTS + 1), *copied, "Bo Larsen said 12 % more. " * 5])

    def check():
        with large:
            found = lint.check(deal, "What we found", words)
        assert any(mark.kind == "copied" for mark in found)

    return compare(lambda: time.sleep(AIM), check, times=10)
