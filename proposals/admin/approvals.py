"""The page of one question: what is asked, and what changed since it was last approved."""

from django.contrib import admin

from opportunities.admin.base import ReadOnlyAdmin, RecordAdmin

from ..difference import between, given_before, lines_of
from ..models import Approval


@admin.register(Approval)
class ApprovalAdmin(ReadOnlyAdmin, RecordAdmin):
    list_display = ["opportunity", "__str__", "stage", "why", "owner", "due"]
    list_filter = ["stage", "aspect", "owner"]
    list_select_related = ["opportunity__client", "owner", "proposal", "contract__proposal", "summary"]
    fields = ["opportunity", "aspect", "why", "step", "owner", "asked_by", "due"]
    fields += ["decided_by", "decided_at", "decision", "on_condition", "expires_at"]
    panels = ("proposals/approval.html",)
    empty_words = "Nothing waits for approval."

    def about(self, request, record):
        last = given_before(record, request.user)
        return super().about(request, record) | {
            "subject": record.subject,
            "asked": lines_of(record.content),
            "parts": between(record.aspect, last.content, record.content) if last else [],
            "last": last,
            "is_as_asked": record.digest == record.now(),
        }
