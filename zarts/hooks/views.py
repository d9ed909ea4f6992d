"""One delivery as it was sent, and what came back; and the demo's own receiver."""

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from zarts.desk.access import page_context, staff_page

from . import deliveries
from .admin import say
from .models import Delivery

MOST = 50


@staff_page("hooks.view_endpoint")
@require_http_methods(["GET", "HEAD", "POST"])
def delivery(request, pk):
    """Show what was sent and each answer (GET), or send it again (POST)."""
    row = Delivery.objects.select_related("endpoint", "event").filter(pk=pk).first()
    if row is None:
        raise Http404("No such delivery, or it is not in the log any more.")
    may = request.user.has_perm("hooks.change_endpoint")
    if request.method == "POST":
        if not may:
            raise PermissionDenied(f"An administrator does this with webhooks. You may read it: {row}.")
        say(request, lambda: deliveries.send_again(row.endpoint, by=request.user, delivery=row), "It goes again.")
        return redirect("hook_delivery", pk)
    tries = list(row.tries.order_by("-pk")[:MOST])
    context = page_context(request, f"Delivery {row.pk}", row=row, endpoint=row.endpoint, tries=tries, may_change=may)
    return TemplateResponse(request, "hooks/delivery.html", context)


@csrf_exempt
@login_not_required
def demo(request):
    """Be the other system of the demo, which takes whatever comes. Elsewhere it is not there."""
    if not settings.CAUGHT_MAIL_DIR:
        raise Http404
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    return HttpResponse("Taken.", content_type="text/plain")
