"""The page of one question: what is asked, and what changed since it was last approved."""

import json
from difflib import unified_diff

from django.contrib import admin

from opportunities.admin.base import ReadOnlyAdmin, RecordAdmin

from ..models import Approval


@admin.register(Approval)
class ApprovalAdmin(ReadOnlyAdmin, RecordAdmin):
    list_display = ["opportunity", "__str__", "stage", "owner", "due"]
    list_filter = ["stage", "aspect", "owner"]
    list_select_related = ["opportunity__client", "owner", "proposal", "contract__proposal", "summary"]
    fields = ["opportunity", "aspect", "owner", "asked_by", "due", "decided_by", "decided_at", "decision"]
    panels = ("proposals/approval.html",)
    empty_words = "Nothing waits for approval."

    def about(self, request, record):
        last = given_before(record)
        return super().about(request, record) | {
            "subject": record.subject,
            "asked": lines_of(record.content),
            "changes": changes(last.content, record.content) if last else [],
            "last": last,
            "is_as_asked": record.digest == record.now(),
        }


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
