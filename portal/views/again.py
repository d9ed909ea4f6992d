"""A proposal's link that is mailed again: somebody lost the mail, and its page leads on."""

from django.http import Http404
from django.shortcuts import redirect
from django.urls import reverse

from portal import visitor
from portal.rights import call

from .sessions import guests_deed


@guests_deed
def link_again(request, cursor, guest, pk):
    """Have the guest's own link to a proposal mailed to them again. For a signed-in guest whose link is open."""
    who = (visitor.address(request), visitor.agent(request))
    outcome = call(cursor, "portal_ask_for_link", visitor.session_token(request), pk, *who)
    if outcome == "unknown":
        raise Http404
    return redirect(reverse("proposal", args=[pk]) + ("?link=asked" if outcome == "wants_link" else ""))
