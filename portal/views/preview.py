"""How somebody of the agency looks at the portal as a client, with a guest's rights to read and none to write."""

from django.shortcuts import redirect
from django.views.decorators.http import require_http_methods, require_POST

from portal import visitor
from portal.pages import page
from portal.rights import call, portal_rights, rows
from portal.tokens import new_token, token_hash


@require_http_methods(["GET", "HEAD", "POST"])
def enter(request, token):
    """Begin a preview. For whoever holds the token that our staff surface made; only the button uses it up."""
    if request.method != "POST":
        return page(request, "preview/enter", token=token)
    held = new_token()
    with portal_rights(None, write=True) as cursor:
        found = rows(cursor, "portal_enter_preview", token, token_hash(held))
    if not found:
        return page(request, "preview/used", status=410)
    kind, pk = found[0]["kind"], found[0]["publication_id"]
    response = redirect(kind, pk) if kind in ("proposal", "contract", "report") else redirect("room")
    visitor.set_cookie(response, visitor.PREVIEW, held, lasts=visitor.HALF_AN_HOUR)
    return response


@require_POST
def leave(request):
    """End a preview. For anybody; one that is not there ends likewise."""
    with portal_rights(visitor.kept(request, visitor.PREVIEW), write=True) as cursor:
        call(cursor, "portal_end_preview")
    response = page(request, "preview/left")
    visitor.forget_cookie(response, visitor.PREVIEW)
    return response
