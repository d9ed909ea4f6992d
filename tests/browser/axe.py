"""Whether everybody can use a page: a retest asks the same of an installation that runs."""

from zarts.retest.looking import BUT_COLOURS, KNOWN, LEVELS, ONLY_COLOURS, violations, violations_but_colours

__all__ = ["BUT_COLOURS", "KNOWN", "LEVELS", "ONLY_COLOURS", "violations", "violations_but_colours"]
