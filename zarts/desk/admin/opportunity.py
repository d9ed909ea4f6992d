"""The opportunity's page, drawn where all apps are known: to read first, with its forms in place.

The floor registers the full form; what it cannot know of the apps above it stands here.
"""

from django.contrib import admin
from django.db.models import OuterRef, Subquery
from django.template.response import TemplateResponse

from opportunities.admin.opportunity import OpportunityAdmin
from opportunities.models import Closing, Opportunity
from opportunities.records import may_override

from .. import workspace

admin.site.unregister(Opportunity)


@admin.register(Opportunity)
class Workspace(OpportunityAdmin):
    def get_queryset(self, request):
        """Know of each deal whether it ever ended, so that only the page of such a one asks how."""
        # A number, not whether there is one: that the database would look up for all deals before it shows some.
        ended = Subquery(Closing.objects.filter(opportunity=OuterRef("pk")).order_by().values("pk")[:1])
        return super().get_queryset(request).annotate(has_ended=ended)

    def change_view(self, request, object_id, form_url="", extra_context=None):
        """Show the workspace. What is posted here comes from the full form."""
        if request.method == "POST":
            return super().change_view(request, object_id, form_url, extra_context)
        opportunity = self.get_object_or_404(request, object_id)
        moves = opportunity.moves_for(request.user)
        page = {
            **self.admin_site.each_context(request),
            "title": str(opportunity),
            "opts": self.opts,
            "record": opportunity,
            "moves": moves,
            "may_move": any(move.allowed for move in moves),
            "can_override": [move.name for move in moves if may_override(opportunity, move.step, request.user)],
            "contract": self.contract(opportunity),
            "here": request.get_full_path(),
            **workspace.context(opportunity, request),
        }
        return TemplateResponse(request, "desk/workspace.html", page)
