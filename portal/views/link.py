"""The mailed link: a cover that counts nothing, the proposal behind it, and the client's answers."""

import json
from datetime import timedelta

from django.conf import settings
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from portal import consent, offer, stamps, visitor
from portal.forms import AcceptForm, AskForm, DeclineForm, OpenForm
from portal.models import Paper, Publication
from portal.pages import page
from portal.rights import call, portal_rights, rows
from portal.tokens import new_token

HUMAN_SECONDS = 3
CLOSED = ("expired", "withdrawn", "replaced")
REFUSED = ("changed", "words", "too_many", "refused", "not_yours")


@require_safe
def show(request, token):
    """Show the cover, or the proposal once it was opened. Counts nothing: mail scanners come here too."""
    response = shown(request, token)
    is_nobody = visitor.is_prefetch(request) or visitor.is_preview(request)
    if not is_nobody and not visitor.reading_key(request, token):
        with portal_rights(token, write=True) as cursor:
            call(cursor, "portal_fetched", token)
    return response


def shown(request, token, status=200, **forms):
    """Show what the link leads to in its present state, with a form that was refused in its place."""
    with portal_rights(token) as cursor:
        link = state_of(cursor, token, visitor.reading_key(request, token))
        publication = Publication.objects.shown().filter(pk=link["publication_id"]).first()
        paper = Paper.objects.of(link["publication_id"])
    if link["valid_until"]:
        # A link that ends at midnight is good until the day before.
        link["valid_until"] -= timedelta(seconds=1)
    link["is_late"] = bool(link["decide_by"]) and link["decide_by"] < timezone.localdate()
    if link["state"] in CLOSED or publication is None:
        return page(request, "link/closed", status=410 if link["state"] in CLOSED else 200, link=link)
    if link["reader"] is None:
        cover = forms.get("open") or OpenForm()
        is_change = bool(publication.body.get("changes"))
        shown_with = {"token": token, "stamp": stamps.stamp(), "open": cover, "is_change": is_change}
        return page(request, "link/cover", status=status, link=link, **shown_with)
    body = publication.body
    chosen = offer.chosen_options(body, request.POST.getlist("option") or [str(pk) for pk in link["chosen"]])
    if link["answer"]:
        chosen = link["answer"].get("options") or []
    about = offer.about(body)
    agreed = consent.accepted_by(body)
    return page(
        request,
        "link/proposal",
        status=status,
        link=link,
        token=token,
        publication=publication,
        may_decide=link["role"] == "decides",
        consent_version=agreed["version"],
        asks=link["state"] == "open",
        paper=paper,
        jumps=offer.jumps(body, last=ends(link)),
        **offer.shown_offer(body, chosen),
        **{
            "accept": AcceptForm(words=agreed["text"]),
            "decline": DeclineForm(),
            "ask": AskForm(about=about, initial={"about": request.GET.get("about", "")}),
            **forms,
        },
    )


def ends(link) -> list:
    """Return the last parts of the page of a link: to ask, and to decide as long as nobody has."""
    decide = [("accept", "Accept" if link["role"] == "decides" else "Who decides")]
    return [("questions", "Questions"), *([] if link["answer"] else decide)]


def state_of(cursor, token, key) -> dict:
    """Return how a link stands for whoever has this key. Raises Http404 where there is none."""
    (link,) = rows(cursor, "portal_link_state", token, key)
    if link["state"] == "unknown":
        raise Http404
    for name in ("answer", "asked", "chosen", "deciders"):
        link[name] = json.loads(link[name]) if isinstance(link[name], str) else link[name]
    return link


def came(request):
    return visitor.address(request), visitor.agent(request)


@require_POST
def open_it(request, token):
    """Open the proposal. Counted, unless the press came faster than a person reads the cover."""
    form = OpenForm(request.POST)
    if not form.is_valid():
        return shown(request, token, status=422, open=form)
    stamp = request.POST.get("stamp", "")[:500].replace("\0", "")
    quick = stamps.was_quick(stamp, getattr(settings, "PORTAL_HUMAN_SECONDS", HUMAN_SECONDS))
    quick = quick or visitor.came_from_elsewhere(request)
    key = visitor.reading_key(request, token) or new_token()
    with portal_rights(token, write=True) as cursor:
        state = call(cursor, "portal_open", token, key, form.cleaned_data["name"], stamp, quick, *came(request))
    if state == "unknown":
        raise Http404
    if state in REFUSED:
        return page(request, "link/not_taken", status=409, outcome="crowded", token=token)
    response = redirect("link", token)
    if state in ("open", "answered"):
        visitor.set_cookie(response, visitor.opened_cookie(token), key)
    return response


@require_POST
def read(request, token):
    """Take how long each part of the page was in sight. A page's script sends it; nothing depends on it."""
    with portal_rights(token, write=True) as cursor:
        key = visitor.reading_key(request, token)
        if call(cursor, "portal_read", token, key, seconds_of(request), *came(request)) == "unknown":
            # The page of a link that another has replaced meanwhile still speaks.
            state_of(cursor, token, "")
    return HttpResponse(status=204)


def seconds_of(request) -> str:
    """Return as JSON the seconds that a script sent, as "price=12"; what is no such thing is left out."""
    said = (pair.partition("=") for pair in request.POST.getlist("seen")[:20])
    return json.dumps(
        {part[:16]: int(spent) for part, _, spent in said if spent.isascii() and spent.isdigit() and len(spent) <= 2}
    )


@require_POST
def choose(request, token):
    """Keep which options the client would take, and show the totals with them."""
    options = json.dumps([int(pk) for pk in request.POST.getlist("option")[:100] if pk.isascii() and pk.isdigit()])
    with portal_rights(token, write=True) as cursor:
        state = call(cursor, "portal_choose", token, visitor.reading_key(request, token), options, *came(request))
        if state == "unknown":
            state_of(cursor, token, "")
    return redirect(reverse("link", args=[token]) + "#price")


@require_POST
def accept(request, token):
    """Accept the proposal, with the options that are ticked."""
    with portal_rights(token) as cursor:
        state_of(cursor, token, "")
        publication = Publication.objects.shown().first()
    form = AcceptForm(request.POST, words=consent.accepted_by(publication.body)["text"] if publication else "")
    if not form.is_valid():
        return shown(request, token, status=422, accept=form)
    return answer(request, token, "accepted", form.cleaned_data)


@require_POST
def decline(request, token):
    """Decline the proposal, with the reason."""
    form = DeclineForm(request.POST)
    if not form.is_valid():
        return shown(request, token, status=422, decline=form)
    return answer(request, token, "declined", form.cleaned_data)


@require_POST
def ask(request, token):
    """Ask about the proposal or a line of it, or object to it. The proposal stays open."""
    with portal_rights(token) as cursor:
        state_of(cursor, token, "")
        publication = Publication.objects.shown().first()
    form = AskForm(request.POST, about=offer.about(publication.body) if publication else {})
    if publication and not form.is_valid():
        return shown(request, token, status=422, ask=form)
    if not publication:
        return redirect("link", token)
    verb = "objected" if form.cleaned_data["kind"] == "objection" else "asked"
    return answer(request, token, verb, form.cleaned_data)


def answer(request, token, verb, typed):
    """Hand an answer to the database, which decides whether it still counts."""
    key = visitor.reading_key(request, token) or new_token()
    with portal_rights(token, write=True) as cursor:
        data = {}
        publication = Publication.objects.shown().first()
        if verb == "accepted":
            ids = request.POST.getlist("option")
            agreed = consent.accepted_by(publication.body if publication else {})
            # The version is the one that their page showed: the database refuses another than the proposal's own.
            agreed = {**agreed, "version": request.POST.get("consent_version", "")[:40].replace("\0", "")}
            data = {"consent": agreed, "options": offer.chosen_options(publication.body, ids) if publication else []}
        elif typed.get("about") and publication:
            data = {"about": typed["about"], "title": offer.about(publication.body)[typed["about"]][1]}
        outcome = call(
            cursor,
            "portal_answer",
            token,
            key,
            verb,
            typed.get("name", ""),
            typed.get("role", ""),
            typed.get("words", ""),
            json.dumps(data),
            request.POST.get("digest", "")[:64].replace("\0", ""),
            *came(request),
        )
    if outcome == "unknown":
        raise Http404
    if outcome in REFUSED:
        return page(request, "link/not_taken", status=409, outcome=outcome, token=token)
    response = redirect(reverse("link", args=[token]) + ("#questions" if verb in ("asked", "objected") else "#answer"))
    if outcome == verb:
        visitor.set_cookie(response, visitor.opened_cookie(token), key)
    return response
