"""The calendar of a person's tasks: read by a secret address, which is made and revoked on a page of their own."""

from hashlib import sha256

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.cache import get_conditional_response
from django.views.decorators.http import require_http_methods, require_safe

from opportunities.models import User

from .. import calendar
from ..access import page_context, staff_page


@login_not_required
@require_safe
def feed(request, token):
    """Let a calendar read the tasks of whoever made this address. No session: the token alone says who."""
    user = User.of_feed(token)
    if user is None or not user.has_perm("opportunities.view_task"):
        raise Http404("No such calendar.")
    words = calendar.feed(user)
    answer = HttpResponse(words, content_type="text/calendar; charset=utf-8")
    answer["ETag"] = f'"{sha256(words).hexdigest()}"'
    answer["Cache-Control"] = "private, max-age=300"
    answer["Content-Disposition"] = 'inline; filename="tasks.ics"'
    answer["Referrer-Policy"] = "no-referrer"
    return get_conditional_response(request, etag=answer["ETag"], response=answer)


@staff_page()
@require_http_methods(["GET", "HEAD", "POST"])
def mine(request):
    """Make, make anew and revoke one's own address. It is shown in the answer that made it, and never again."""
    address, do, status = "", request.POST.get("do", ""), 200
    if do == "make":
        address = f"{settings.SITE_URL}{reverse('calendar_feed', args=[request.user.open_feed()])}"
    elif do == "revoke":
        request.user.close_feed()
        messages.success(request, "Revoked. A calendar that reads the old address gets nothing any more.")
        return redirect("my_calendar")
    elif request.method == "POST":
        status = 422
    context = page_context(request, "My calendar", address=address, is_open=bool(request.user.feed_digest))
    answer = TemplateResponse(request, "desk/calendar.html", context, status=status)
    answer["Cache-Control"] = "no-store"
    return answer
