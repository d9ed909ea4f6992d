"""What changed since somebody last approved it."""

import json
from difflib import unified_diff

from .models import Approval


def given_before(approval):
    """Return the last approval of the same aspect that was given, of this record or of an earlier revision."""
    given = Approval.objects.filter(
        opportunity=approval.opportunity, aspect=approval.aspect, pk__lt=approval.pk, decided_at__isnull=False
    ).exclude(stage__in=["rejected", "changes_requested"])
    return given.order_by("-pk").first()


def lines_of(content) -> list[str]:
    return json.dumps(content, indent=1, ensure_ascii=False, sort_keys=True).splitlines()


def changes(old, new) -> list[dict]:
    """Return the lines that went and came, each marked by its sign."""
    found = unified_diff(lines_of(old), lines_of(new), lineterm="", n=0)
    kept = [line for line in found if line[0] in "+-" and not line.startswith(("+++", "---"))]
    return [{"sign": line[0], "words": line[1:].strip()} for line in kept]
