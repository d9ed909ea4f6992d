"""The client's own pages. For a signed-in guest; the database shows each only their own client's."""

import json
from functools import wraps

from django.http import Http404
from django.shortcuts import redirect
from django.views.decorators.http import require_POST, require_safe

from portal import offer, visitor
from portal.forms import SignForm
from portal.models import Paper, Publication
from portal.pages import page
from portal.rights import call, portal_rights, rows

SIGN_REFUSALS = ("changed", "closed", "not_signer", "refused")


def for_guest(view):
    """Let a signed-in guest see a page, within one transaction that can read and nothing else."""

    @wraps(view)
    def with_guest(request, **kwargs):
        if token := visitor.session_token(request):
            with portal_rights(token) as cursor:
                if guest := guest_of(cursor):
                    return view(request, cursor, guest, **kwargs)
        return redirect("sign-in")

    return require_safe(with_guest)


def guest_of(cursor):
    """Return who looks, with the rooms of other clients that are open to them; nothing when nobody is signed in."""
    found = rows(cursor, "portal_session")
    if not found:
        return None
    guest = found[0]
    rooms = rows(cursor, "portal_rooms") if guest["rooms"] > 1 else []
    return {**guest, "elsewhere": [room for room in rooms if not room["here"]]}


def newest(kind, pk):
    """Return a publication of the client's, or the newer one that took its place."""
    asked_for = Publication.objects.shown().filter(kind=kind, pk=pk).first()
    if asked_for is None:
        raise Http404
    return Publication.objects.shown().filter(kind=kind, ref=asked_for.ref).first()


def deeds(cursor):
    """Return what the client's people did, newest first."""
    found = rows(cursor, "portal_my_actions")
    for deed in found:
        deed["options"] = json.loads(deed["options"] or "[]")
    return found


def with_answers(publications, actions):
    """Put beside each publication what was answered to it."""
    for publication in publications:
        publication.answers = [
            deed for deed in actions if deed["ref"] == publication.ref and deed["verb"] not in ("opened", "asked")
        ]
    return publications


@for_guest
def home(request, cursor, guest):
    """Show where we are, what we need from the client and what comes next."""
    shown = Publication.objects.newest()
    by_kind = {kind: [one for one in shown if one.kind == kind] for kind in Publication.Kind.values}
    deals = going_on([one.body for one in by_kind["status"]])
    needs = [{**need, "url": where(need, by_kind)} for deal in deals for need in deal.get("needs") or []]
    offers = with_answers(by_kind["contract"] + by_kind["proposal"], deeds(cursor))
    return page(
        request,
        "room/home",
        guest=guest,
        deals=deals,
        needs=needs,
        documents=offers,
        report=by_kind["report"][0] if by_kind["report"] else None,
        numbers=offer.bars(by_kind["report"][0].body.get("numbers"))[:4] if by_kind["report"] else [],
        has_onboarding=bool(by_kind["onboarding"]),
    )


def going_on(deals) -> list:
    """Return the deals that are not over, those that need the client first; the newest one when all are over."""
    going = [deal for deal in deals if not deal.get("over")] or deals[:1]
    return sorted(going, key=lambda deal: not deal.get("needs"))


def where(need, by_kind):
    """Return the address at which the client can do what we need."""
    kind = need.get("url_kind")
    if kind == "onboarding":
        return "/portal/onboarding/"
    found = by_kind.get(kind) or []
    named = [one for one in found if need.get("id") == one.pk or one.ref.endswith(f":{need.get('id')}")] or found
    return f"/portal/{kind}s/{named[0].pk}/" if named and kind in ("proposal", "contract", "report") else ""


@for_guest
def proposal(request, cursor, guest, pk):
    """Show a proposal to read again; it is answered by its own mailed link."""
    publication = newest("proposal", pk)
    if publication.pk != pk:
        return redirect("proposal", publication.pk)
    with_answers([publication], deeds(cursor))
    accepted = next((deed for deed in publication.answers if deed["verb"] == "accepted"), {})
    shown = offer.shown_offer(publication.body, accepted.get("options") or [])
    paper = Paper.objects.of(publication.pk)
    return page(request, "room/proposal", guest=guest, publication=publication, paper=paper, **shown)


@for_guest
def contract(request, cursor, guest, pk):
    """Show a contract, with who has signed it and the form to sign."""
    publication = newest("contract", pk)
    if publication.pk != pk:
        return redirect("contract", publication.pk)
    return contract_page(request, cursor, guest, publication)


def contract_page(request, cursor, guest, publication, status=200, form=None):
    body = publication.body
    signed = {
        deed["contact_id"]: deed
        for deed in deeds(cursor)
        if deed["ref"] == publication.ref and deed["verb"] == "signed"
    }
    signers = [{**signer, "signed": signed.get(signer.get("contact_id"))} for signer in body.get("signers") or []]
    is_signer = any(signer.get("contact_id") == guest["contact_id"] for signer in signers)
    has_signed = guest["contact_id"] in signed
    return page(
        request,
        "room/contract",
        status=status,
        guest=guest,
        publication=publication,
        paper=Paper.objects.of(publication.pk),
        signers=signers,
        may_sign=is_signer and not has_signed and not body.get("countersigned"),
        own=signed.get(guest["contact_id"]),
        form=form or SignForm(words=(body.get("consent") or {}).get("text", "")),
        **offer.shown_offer(body),
    )


@require_POST
def sign(request, pk):
    """Sign a contract. For a signed-in guest who is one of its signers; the database checks it again."""
    token = visitor.session_token(request)
    with portal_rights(token, write=True) as cursor:
        guest = guest_of(cursor)
        if not guest:
            return redirect("sign-in")
        publication = newest("contract", pk)
        agreed = publication.body.get("consent") or {}
        form = SignForm(request.POST, words=agreed.get("text", ""))
        if not form.is_valid():
            return contract_page(request, cursor, guest, publication, status=422, form=form)
        outcome = call(
            cursor,
            "portal_sign",
            token,
            pk,
            form.cleaned_data["name"],
            form.cleaned_data["role"],
            request.POST.get("consent_version", "")[:40].replace("\0", ""),
            request.POST.get("digest", "")[:64].replace("\0", ""),
            visitor.address(request),
            visitor.agent(request),
        )
    if outcome in SIGN_REFUSALS:
        return page(request, "room/not_signed", status=409, guest=guest, outcome=outcome, publication=publication)
    return redirect("contract", publication.pk)


@for_guest
def reports(request, cursor, guest):
    """List the reports, newest first, and say when the next one comes."""
    found = [one for one in Publication.objects.newest() if one.kind == "report"]
    return page(request, "room/reports", guest=guest, reports=found)


@for_guest
def report(request, cursor, guest, pk):
    """Show one report."""
    publication = newest("report", pk)
    if publication.pk != pk:
        return redirect("report", publication.pk)
    numbers = offer.bars(publication.body.get("numbers"))
    return page(request, "room/report", guest=guest, publication=publication, body=publication.body, numbers=numbers)


@for_guest
def onboarding(request, cursor, guest):
    """Show what is left to do until the client is live, theirs and ours."""
    found = [one for one in Publication.objects.newest() if one.kind == "onboarding"]
    return page(request, "room/onboarding", guest=guest, projects=found)


@for_guest
def history(request, cursor, guest):
    """Show what was published and what was answered, newest first."""
    published = [
        {"at": one.published_at, "publication": one} for one in Publication.objects.shown() if one.kind != "status"
    ]
    lines = published + [{"at": deed["at"], "deed": deed} for deed in deeds(cursor)]
    lines = sorted(lines, key=lambda line: line["at"], reverse=True)
    return page(request, "room/history", guest=guest, lines=without_repeats(lines))


def without_repeats(lines) -> list:
    """Say once what was published anew on the same day: a list follows each of its steps."""
    kept, seen = [], set()
    for line in lines:
        if one := line.get("publication"):
            said = (one.kind, one.ref, line["at"].date())
            if said in seen:
                continue
            seen.add(said)
        kept.append(line)
    return kept
