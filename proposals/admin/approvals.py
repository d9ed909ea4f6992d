"""The list of every question. Each has one page, in the queue: it is read and decided there."""

from django.contrib import admin
from django.shortcuts import redirect

from opportunities.admin.base import ReadOnlyAdmin, RecordAdmin

from ..models import Approval


@admin.register(Approval)
class ApprovalAdmin(ReadOnlyAdmin, RecordAdmin):
    list_display = ["opportunity", "__str__", "stage", "why", "owner", "due"]
    list_more = ("aspect", "asked_at", "asked_by", "decided_at", "decided_by")
    offers_its_fields = False
    list_filter = ["stage", "aspect", "owner"]
    list_select_related = ["opportunity__client", "owner", "proposal", "contract__proposal", "summary"]
    empty_words = "Nothing waits for approval."

    def change_view(self, request, object_id, form_url="", extra_context=None):
        if request.method != "GET":
            return super().change_view(request, object_id, form_url, extra_context)
        return redirect(self.get_object_or_404(request, object_id).staff_url())
