"""Second tries at lost deals, one by one: why it was lost, what must have changed, and a letter."""

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.shortcuts import redirect

from .. import clock, conditions, secondtries
from ..models import WinBack
from ..records import holds
from .composing import of_win_back
from .work import MovesOnly

MOVE = "opportunities.move_winback"


@admin.register(WinBack)
class WinBackAdmin(MovesOnly):
    list_display = ["opportunity", "client", "reason", "must_change", "stage", "opens_on", "ends_on", "owner"]
    list_filter = ["stage", "owner"]
    list_select_related = ["opportunity__client", "owner", "closing"]
    fields = ["opportunity", "closing", "owner"]
    in_place = ("changed",)
    panels = ("admin/panels/winback.html",)
    empty_words = "No win-backs yet. A deal that is lost plans one inside its reactivation window."

    @admin.display(description="client")
    def client(self, win_back):
        return win_back.opportunity.client

    @admin.display(description="lost by")
    def reason(self, win_back):
        return win_back.closing.get_reason_display()

    @admin.display(description="must have changed")
    def must_change(self, win_back):
        return win_back.closing.must_change or None

    def may_work(self, request, win_back) -> bool:
        return holds(request.user, MOVE, win_back)

    def fields_view(self, request, pk):
        """What has changed is said by whoever works on it, as long as it is open."""
        win_back = self.get_object_or_404(request, pk)
        if not self.may_work(request, win_back) or not win_back.is_open:
            raise PermissionDenied("Whoever works on a win-back says what has changed, while it is open.")
        data = request.POST if request.method == "POST" else None
        form = self.small_form(request, win_back, ["changed"], data)
        if form.is_valid() and form.keep(by=request.user):
            messages.success(request, f"Saved: {win_back}.")
            return redirect(win_back.staff_url())
        return self.ask(request, win_back, form, "What has changed?", "Save")

    def get_readonly_fields(self, request, obj=None):
        return [name for name in super().get_readonly_fields(request, obj) if name != "changed"]

    def about(self, request, win_back):
        deal, at = win_back.opportunity, clock.now()
        people = secondtries.people(win_back)
        contact = people[0] if people else None
        waits = conditions.waits(contact, secondtries.PURPOSE, opportunity=deal, at=at) if contact else []
        return super().about(request, win_back) | {
            "closing": win_back.closing,
            "doubts": deal.objections.order_by("pk"),
            "contact": contact,
            "waits": waits,
            "letters": secondtries.letters(win_back)[:10],
            "days_left": (win_back.ends_on - clock.today()).days if win_back.ends_on else None,
            "may_work": self.may_work(request, win_back) and win_back.is_open,
        }

    def pages(self):
        return [*super().pages(), ("<int:pk>/write/", self.write_view, "write")]

    def write_view(self, request, pk):
        """Write to somebody of the client: it goes as soon as the four conditions let it."""
        win_back = self.get_object_or_404(request, pk)
        if not self.may_work(request, win_back):
            raise PermissionDenied("Whoever works on a win-back writes to the client.")
        return of_win_back(self, request, win_back)
