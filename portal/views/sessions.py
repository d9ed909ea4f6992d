"""Where a person is signed in, by which passkeys they may come in, and in whose room they are."""

from functools import wraps

from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from portal import passkeys, visitor
from portal.devices import device
from portal.forms import PasskeyForm
from portal.pages import page
from portal.rights import call, portal_rights, rows

from .room import for_guest, guest_of

REFUSED = {
    "known": "This device has a passkey of yours already.",
    "too_many": "Ten passkeys are the most. Remove one first.",
}


@for_guest
def sessions(request, cursor, guest):
    """List the person's own sessions and passkeys."""
    return sessions_page(request, cursor, guest)


def sessions_page(request, cursor, guest, status=200, form=None):
    found = [{**one, "device": device(one["user_agent"])} for one in rows(cursor, "portal_sessions")]
    return page(
        request,
        "room/sessions",
        status=status,
        guest=guest,
        sessions=found,
        passkeys=rows(cursor, "portal_passkeys"),
        form=form or PasskeyForm(),
    )


def guests_deed(view):
    """Let a signed-in guest do something. The database's doors check it again; a preview does nothing."""

    @wraps(view)
    def with_guest(request, **kwargs):
        if max(kwargs.get("pk", 0), kwargs.get("line", 0)) >= 2**63:
            raise Http404
        if token := visitor.session_token(request):
            with portal_rights(token, write=True) as cursor:
                guest = guest_of(cursor)
                if guest and not guest["preview"]:
                    return view(request, cursor, guest, **kwargs)
        return redirect("sign-in")

    return require_POST(with_guest)


@guests_deed
def end(request, cursor, guest, pk):
    """End one of the person's own sessions."""
    call(cursor, "portal_end_sessions", pk)
    return redirect("sessions")


@guests_deed
def end_others(request, cursor, guest):
    """End every session of the person's but this one."""
    call(cursor, "portal_end_sessions")
    return redirect("sessions")


@guests_deed
def switch(request, cursor, guest):
    """Go over to the room of another client whose guest the person is."""
    client = request.POST.get("client", "")
    if not (client.isascii() and client.isdigit() and len(client) < 19):
        raise Http404
    if not call(cursor, "portal_switch", int(client)):
        raise Http404
    return redirect("room")


@guests_deed
def seen(request, cursor, guest):
    """Note that the session is in use: pages that only show cannot."""
    call(cursor, "portal_seen")
    return HttpResponse(status=204)


@require_safe
def passkey_options(request):
    """Give the guest's browser what it needs to make a passkey."""
    token = visitor.session_token(request)
    with portal_rights(token) as cursor:
        guest = guest_of(cursor)
        if guest and not guest["preview"]:
            options = passkeys.options_to_add(guest, rows(cursor, "portal_passkeys"), token)
            return HttpResponse(options, "application/json")
    return redirect("sign-in")


@guests_deed
def add_passkey(request, cursor, guest):
    """Keep the passkey that the guest's browser made."""
    form = PasskeyForm(request.POST)
    if not form.is_valid():
        return sessions_page(request, cursor, guest, status=422, form=form)
    made = passkeys.made(request.POST.get("credential", ""), visitor.session_token(request))
    outcome = "refused"
    if made:
        credential, public_key, count, challenge = made
        outcome = call(
            cursor, "portal_add_passkey", credential, public_key, count, form.cleaned_data["name"], challenge
        )
    if outcome == "added":
        return redirect(reverse("sessions") + "#passkeys")
    form.add_error("name", REFUSED.get(outcome, "Your device did not finish this in time. Please try once more."))
    return sessions_page(request, cursor, guest, status=422, form=form)


@guests_deed
def remove_passkey(request, cursor, guest, pk):
    """Take one of the person's own passkeys back: it lets nobody in any more."""
    call(cursor, "portal_remove_passkey", pk)
    return redirect(reverse("sessions") + "#passkeys")
