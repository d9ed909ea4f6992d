"""The proposal link: cover, proposal, and the client's answer. For whoever holds the token."""

import json
from datetime import timedelta

from django.conf import settings
from django.http import Http404
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from portal import consent, offer, stamps, visitor
from portal.forms import AcceptForm, AskForm, DeclineForm
from portal.models import Paper, Publication
from portal.pages import page
from portal.rights import call, portal_rights, rows

HUMAN_SECONDS = 2
CLOSED = ("expired", "withdrawn", "replaced")


@require_safe
def show(request, token):
    """Show the cover, or the proposal once it was opened. Counts nothing: mail scanners come here too."""
    return shown(request, token)


def shown(request, token, status=200, **forms):
    """Show what the link leads to in its present state, with a form that was refused in its place."""
    with portal_rights(token) as cursor:
        (link,) = rows(cursor, "portal_link_state", token)
        publication = Publication.objects.shown().filter(pk=link["publication_id"]).first()
        paper = Paper.objects.of(link["publication_id"])
    if link["valid_until"]:
        # A link that ends at midnight is good until the day before.
        link["valid_until"] -= timedelta(seconds=1)
    for key in ("answer", "asked"):
        link[key] = json.loads(link[key]) if isinstance(link[key], str) else link[key]
    if link["state"] == "unknown":
        raise Http404
    if link["state"] in CLOSED or publication is None:
        return page(request, "link/closed", status=410 if link["state"] in CLOSED else 200, link=link)
    if not visitor.has_opened(request, token):
        return page(request, "link/cover", link=link, token=token, stamp=stamps.stamp())
    body = publication.body
    chosen = offer.chosen_options(body, request.POST.getlist("option") or request.GET.getlist("option"))
    if link["answer"]:
        chosen = link["answer"].get("options") or []
    return page(
        request,
        "link/proposal",
        status=status,
        link=link,
        token=token,
        publication=publication,
        paper=paper,
        **offer.shown_offer(body, chosen),
        **{"accept": AcceptForm(), "decline": DeclineForm(), "ask": AskForm(), **forms},
    )


@require_POST
def open_it(request, token):
    """Open the proposal. Counted, unless the press came faster than a person reads the cover."""
    quick = stamps.was_quick(request.POST.get("stamp"), getattr(settings, "PORTAL_HUMAN_SECONDS", HUMAN_SECONDS))
    with portal_rights(token, write=True) as cursor:
        if quick:
            state = rows(cursor, "portal_link_state", token)[0]["state"]
        else:
            state = call(cursor, "portal_open", token, visitor.address(request), visitor.agent(request))
    if state == "unknown":
        raise Http404
    response = redirect("link", token)
    if state in ("open", "answered"):
        visitor.set_cookie(response, visitor.opened_cookie(token), "1")
    return response


@require_POST
def accept(request, token):
    """Accept the proposal, with the options that are ticked."""
    form = AcceptForm(request.POST)
    if not form.is_valid():
        return shown(request, token, status=422, accept=form)
    agreed = {"version": consent.ACCEPT_VERSION, "text": consent.ACCEPT}
    return answer(request, token, "accepted", form.cleaned_data, agreed)


@require_POST
def decline(request, token):
    """Decline the proposal, with the reason."""
    form = DeclineForm(request.POST)
    if not form.is_valid():
        return shown(request, token, status=422, decline=form)
    return answer(request, token, "declined", form.cleaned_data)


@require_POST
def ask(request, token):
    """Ask a question. The proposal stays open."""
    form = AskForm(request.POST)
    if not form.is_valid():
        return shown(request, token, status=422, ask=form)
    return answer(request, token, "asked", form.cleaned_data)


def answer(request, token, verb, typed, agreed=None):
    """Hand an answer to the database, which decides whether it still counts."""
    with portal_rights(token, write=True) as cursor:
        data = {}
        if verb == "accepted":
            publication = Publication.objects.shown().first()
            ids = request.POST.getlist("option")
            data = {"consent": agreed, "options": offer.chosen_options(publication.body, ids) if publication else []}
        outcome = call(
            cursor,
            "portal_answer",
            token,
            verb,
            typed.get("name", ""),
            typed.get("role", ""),
            typed.get("words", ""),
            json.dumps(data),
            request.POST.get("digest", "")[:64].replace("\0", ""),
            visitor.address(request),
            visitor.agent(request),
        )
    if outcome == "unknown":
        raise Http404
    if outcome in ("changed", "too_many", "refused"):
        return page(request, "link/not_taken", status=409, outcome=outcome, token=token)
    response = redirect(reverse("link", args=[token]) + ("#questions" if outcome == "asked" else "#answer"))
    if outcome == verb:
        visitor.set_cookie(response, visitor.opened_cookie(token), "1")
    return response
