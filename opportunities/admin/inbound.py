"""Mail that came in: what nobody could match first."""

from django.contrib import admin
from django.http import FileResponse, Http404

from ..filing import likely
from ..models import InboundMail
from .base import ReadOnlyAdmin, RecordAdmin


@admin.register(InboundMail)
class InboundMailAdmin(ReadOnlyAdmin, RecordAdmin):
    list_display = ["subject", "from_address", "stage", "kind", "received_at", "trouble"]
    offers_its_fields = False
    list_filter = ["stage", "kind"]
    search_fields = ["subject", "from_address"]
    fields = ["from_address", "to_addresses", "received_at", "via", "size"]
    list_select_related = ["message", "lead"]
    panels = ("admin/panels/inbound.html",)
    empty_words = "No mail came in yet."

    def pages(self):
        return [*super().pages(), ("<int:pk>/original/", self.original_view, "original")]

    def about(self, request, record):
        about = super().about(request, record)
        may_file = any(move.name == "file" and move.allowed for move in about["moves"])
        words, earlier = record.fold
        return about | {
            "words": words,
            "earlier": earlier,
            "likely": likely(record, request.user) if may_file else [],
            "file_url": record.move_url("file"),
        }

    def original_view(self, request, pk):
        """Send a mail as it came, to be kept and never to be run."""
        mail = self.get_object_or_404(request, pk)
        if not mail.raw or request.method != "GET":
            raise Http404
        try:
            file = mail.raw.open("rb")
        except OSError:
            raise Http404("The mail is not where it was kept. Ask an administrator for the backup.") from None
        answer = FileResponse(file, as_attachment=True, filename=f"mail-{mail.pk}.eml", content_type="message/rfc822")
        answer["X-Content-Type-Options"] = "nosniff"
        answer["Cache-Control"] = "private, no-store"
        return answer
