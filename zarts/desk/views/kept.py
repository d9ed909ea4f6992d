"""How promises came out over all deals: claims by service and metric, and why deals were won or lost."""

from django.template.response import TemplateResponse
from django.views.decorators.http import require_safe

from handoff import endings, scorecard
from handoff.models import Promise
from opportunities.admin.base import whole_number
from opportunities.models import Closing
from proposals.models import Service

from ..access import page_context, staff_page
from ..filters import Filters

PAGE = 50


@staff_page("handoff.view_promise")
@require_safe
def claims(request):
    """Show how the claims that were sold came out, by service and metric: a chart, with its table beside it."""
    found = scorecard.scores(Promise.objects.visible_to(request.user))
    service = whole_number(request.GET.get("service"))
    services = sorted({one.claim.proposal.service for one in found if one.claim.proposal.service}, key=str)
    if service:
        found = [one for one in found if one.claim.proposal.service_id == service]
    shown = {"lines": scorecard.lines(found), "services": services, "service": service}
    context = page_context(request, "How our claims came out", verdicts=scorecard.WORDS.items(), **shown)
    return TemplateResponse(request, "desk/claims.html", context)


@staff_page("opportunities.view_closing")
@require_safe
def won_and_lost(request):
    """Show why deals were won and lost, beside what delivery disputed and what was broken."""
    asked = {name: request.GET.get(name, "") for name in ("outcome", "service", "owner", "before")}
    owners = Filters.read({}, request.user).owners
    owner = next((one for one in owners if str(one.pk) == asked["owner"]), None)
    service = Service.objects.filter(pk=whole_number(asked["service"]) or 0).first()
    outcome = asked["outcome"] if asked["outcome"] in Closing.Outcome.values else ""
    rows = endings.closings(request.user, outcome=outcome, service=service, owner=owner)
    if before := whole_number(asked["before"]):
        rows = rows.filter(pk__lt=before)
    rows = list(rows[: PAGE + 1])
    context = page_context(
        request,
        "Why deals were won and lost",
        rows=rows[:PAGE],
        more=rows[PAGE - 1].pk if len(rows) > PAGE else None,
        outcomes=Closing.Outcome.choices,
        outcome=outcome,
        services=Service.objects.order_by("name"),
        service=service,
        owners=owners,
        owner=owner,
    )
    return TemplateResponse(request, "desk/won_and_lost.html", context)
