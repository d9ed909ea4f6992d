"""Days that stand in text: in the diary, in what was frozen, in what a question of the database brings along."""

from datetime import date


def read_day(text) -> date | None:
    """Return the day that a text is ("2026-12-04"), or None: what only looks like one is what somebody wrote."""
    try:
        return date.fromisoformat(text) if len(text) == len("2026-12-04") and text[4] == text[7] == "-" else None
    except ValueError:
        return None
