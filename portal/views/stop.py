"""The way out of marketing mail: the link at the end of such a mail, and the button that mail programs make of it."""

from django.http import Http404
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from portal import visitor
from portal.pages import page
from portal.rights import call, portal_rights, rows

# What a mail program sends when its reader presses its own button (RFC 8058): no cookie, no page before it.
PRESSED = ("List-Unsubscribe", "One-Click")


@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
def stop(request, token):
    """Show what would be stopped, or stop it at once. For whoever holds the token; a GET changes nothing."""
    name, value = PRESSED
    if request.method == "POST" and request.POST.get(name) == value:
        with portal_rights(None, write=True) as cursor:
            outcome = call(cursor, "portal_stop", token, visitor.address(request), visitor.agent(request))
        return shown(request, token, "stop/done", already=outcome == "already")
    return shown(request, token, "stop/ask", status=422 if request.method == "POST" else 200, pressed=PRESSED)


def shown(request, token, name, status=200, **more):
    """Show a page about the link, with the address half hidden: whoever sees the link need not learn it."""
    with portal_rights(None) as cursor:
        (link,) = rows(cursor, "portal_stop_state", token)
    if link["state"] == "unknown":
        raise Http404
    return page(request, name, status=status, link=link, token=token, **more)
