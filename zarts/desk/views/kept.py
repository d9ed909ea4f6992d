"""How promises came out over all deals: claims by service and metric, and why deals were won or lost."""

from django.template.response import TemplateResponse
from django.views.decorators.http import require_safe

from handoff import endings, scorecard
from handoff.models import Promise
from opportunities.admin.base import whole_number
from opportunities.lists import order
from opportunities.models import Closing
from proposals.models import Service

from .. import taking
from ..access import page_context, staff_page
from ..filters import Filters

PAGE = 50


# What a file says of a claim that was sold, and of an end of a deal.
OF_A_CLAIM = {
    "Service": lambda it: it.claim.proposal.service,
    "Metric": lambda it: it.claim.metric,
    "Client": lambda it: it.promise.handoff.opportunity.client,
    "Deal": lambda it: it.promise.handoff.opportunity.name,
    "Promised": lambda it: it.promised,
    "Which way": lambda it: it.claim.way_in_words,
    "Reported last": lambda it: it.reported,
    "Report due": lambda it: it.report and it.report.due_on,
    "So": lambda it: it.verdict_words,
}
OF_AN_END = {
    "Client": lambda it: it.opportunity.client,
    "Deal": lambda it: it.opportunity.name,
    "Owner": lambda it: it.opportunity.owner,
    "Outcome": lambda it: it.get_outcome_display(),
    "Reason": lambda it: it.get_reason_display(),
    "In words": lambda it: it.words,
    "Against whom": lambda it: it.competitor,
    "Disputed": lambda it: it.disputed if it.outcome == Closing.Outcome.WON else None,
    "Broken": lambda it: it.broken if it.outcome == Closing.Outcome.WON else None,
}


def scores_asked(request) -> tuple[list, list, int | None]:
    """Return the claims that an address asks for, the services there are, and the one that it names."""
    found = scorecard.scores(Promise.objects.visible_to(request.user))
    service = whole_number(request.GET.get("service"))
    services = sorted({one.claim.proposal.service for one in found if one.claim.proposal.service}, key=str)
    if service:
        found = [one for one in found if one.claim.proposal.service_id == service]
    return found, services, service


@staff_page("handoff.view_promise")
@require_safe
def claims(request):
    """Show how the claims that were sold came out, by service and metric: a chart, with its table beside it."""
    found, services, service = scores_asked(request)
    shown = {"lines": scorecard.lines(found), "services": services, "service": service}
    take = taking.address("claims", {"service": service})
    context = page_context(request, "How our claims came out", verdicts=scorecard.WORDS.items(), take=take, **shown)
    return TemplateResponse(request, "desk/claims.html", context)


@staff_page("handoff.view_promise")
@require_safe
def export_claims(request):
    """Give the claims that were sold as a file, in the order of the page."""
    found, _, service = scores_asked(request)
    batches = [line.scores for line in scorecard.lines(found)]
    return taking.hand_out(request, "claims", "Claims", {"service": service}, OF_A_CLAIM, batches)


class Ends:
    """The ends of deals that an address asks for."""

    def __init__(self, request):
        asked = {name: request.GET.get(name, "") for name in ("outcome", "service", "owner")}
        self.owners = Filters.read({}, request.user).owners
        self.owner = next((one for one in self.owners if str(one.pk) == asked["owner"]), None)
        self.service = Service.objects.filter(pk=whole_number(asked["service"]) or 0).first()
        self.outcome = asked["outcome"] if asked["outcome"] in Closing.Outcome.values else ""
        self.rows = endings.closings(request.user, outcome=self.outcome, service=self.service, owner=self.owner)

    @property
    def chosen(self) -> dict:
        owner, service = self.owner and self.owner.pk, self.service and self.service.pk
        return {"outcome": self.outcome, "service": service, "owner": owner}


@staff_page("opportunities.view_closing")
@require_safe
def won_and_lost(request):
    """Show why deals were won and lost, beside what delivery disputed and what was broken."""
    ends = Ends(request)
    rows = ends.rows
    if before := whole_number(request.GET.get("before")):
        rows = rows.filter(pk__lt=before)
    rows = list(rows[: PAGE + 1])
    context = page_context(
        request,
        "Why deals were won and lost",
        rows=rows[:PAGE],
        more=rows[PAGE - 1].pk if len(rows) > PAGE else None,
        outcomes=Closing.Outcome.choices,
        outcome=ends.outcome,
        services=Service.objects.order_by("name"),
        service=ends.service,
        owners=ends.owners,
        owner=ends.owner,
        take=taking.address("won_and_lost", ends.chosen),
    )
    return TemplateResponse(request, "desk/won_and_lost.html", context)


@staff_page("opportunities.view_closing")
@require_safe
def export_ends(request):
    """Give all ends of deals that the filters let through as a file, the newest first."""
    ends = Ends(request)
    batches = order.through(ends.rows, order.NEWEST, False)
    return taking.hand_out(request, "won_and_lost", "Won and lost", ends.chosen, OF_AN_END, batches, rows=ends.rows)
