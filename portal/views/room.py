"""The client's own pages. For a signed-in guest; the database shows each only their own client's."""

import json
from functools import wraps

from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from portal import charts, offer, turns, visitor
from portal.forms import DeclineContractForm, SignForm
from portal.models import Paper, Publication
from portal.onward import a_page_for_guests, to_sign_in
from portal.pages import page
from portal.rights import call, portal_rights, rows
from portal.words import another_name

# What the database's door says of a signature or a no that it did not take, where the contract's page does not say it.
NOT_TAKEN = ("changed", "words", "closed", "not_signer", "waiting", "refused")
# What answers a proposal or a contract. What tells of attention, and what asks, answers nothing.
ANSWERS = ("accepted", "declined", "signed")
# So many reports stand among the documents; their own list has them all.
IN_DOCUMENTS = 3
# How a contract can stand so that its page is closed.
CLOSED = ("declined", "withdrawn", "expired")


def for_guest(view):
    """Let a signed-in guest see a page, within one transaction that can read and nothing else."""

    @wraps(view)
    def with_guest(request, **kwargs):
        if token := visitor.session_token(request):
            with portal_rights(token) as cursor:
                if guest := guest_of(cursor):
                    return view(request, cursor, guest, **kwargs)
        return to_sign_in(request.path)

    return require_safe(a_page_for_guests(with_guest))


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
    """Return what the client's people did, newest first. How they read is for us alone."""
    found = [
        deed for deed in rows(cursor, "portal_my_actions") if deed["verb"] not in ("engaged", "chose", "wants_link")
    ]
    for deed in found:
        deed["options"] = json.loads(deed["options"] or "[]")
    return named(cursor, found)


def named(cursor, found):
    """Put beside each deed who did it; under a signature that is whose access it was, and what they typed instead."""
    signers = {row["contact_id"]: row["name"] for row in rows(cursor, "portal_signers")}
    for deed in found:
        deed["who"], deed["typed"] = deed["name"], ""
        if deed["verb"] == "signed":
            deed["who"] = signers.get(deed["contact_id"], deed["name"])
            deed["typed"] = another_name(deed["who"], deed["name"])
    return found


def with_answers(publications, actions):
    """Put beside each publication what was answered to it."""
    for publication in publications:
        publication.answers = [deed for deed in actions if deed["ref"] == publication.ref and deed["verb"] in ANSWERS]
    return publications


@for_guest
def home(request, cursor, guest):
    """Show where we are, what we need from the client and what comes next."""
    shown = Publication.objects.newest()
    by_kind = {kind: [one for one in shown if one.kind == kind] for kind in Publication.Kind.values}
    offers = with_answers(by_kind["contract"] + by_kind["proposal"], deeds(cursor))
    parts = turns.parts(cursor)
    deals = going_on([of_person(one.body, by_kind, parts, cursor, guest) for one in by_kind["status"]])
    needs = [need for deal in deals for need in deal["needs"]]
    return page(
        request,
        "room/home",
        guest=guest,
        deals=deals,
        needs=needs,
        waits=[said for deal in deals for said in deal["waits"]],
        documents=offers,
        reports=Paper.objects.lying_beside(by_kind["report"][:IN_DOCUMENTS]),
        more_reports=len(by_kind["report"]) > IN_DOCUMENTS,
        report=by_kind["report"][0] if by_kind["report"] else None,
        numbers=offer.bars(by_kind["report"][0].body.get("numbers"))[:4] if by_kind["report"] else [],
        notices=by_kind["notice"],
        has_onboarding=bool(by_kind["onboarding"]),
        coming=coming(shown),
    )


def going_on(deals) -> list:
    """Return the deals that are not over, those that need the client first; the newest one when all are over."""
    going = [deal for deal in deals if not deal.get("over")] or deals[:1]
    return sorted(going, key=lambda deal: not deal.get("needs"))


def of_person(deal, by_kind, parts, cursor, guest) -> dict:
    """Return how a deal stands for whoever looks: what it asks of them, and whom it waits for otherwise."""
    said = [{**need, **turn_of(need, by_kind, parts, cursor, guest)} for need in deal.get("needs") or []]
    comes = deal.get("next") or {}
    if said and comes.get("who") == "You":
        first = next((need for need in said if need["asks"]), said[0])
        comes = {**comes, "what": first["next"], "who": first["who"]}
    needs = [need for need in said if need["asks"]]
    return {**deal, "next": comes, "needs": needs, "waits": [need["waits"] for need in said if need["waits"]]}


def turn_of(need, by_kind, parts, cursor, guest) -> dict:
    """Return whose turn a need is, and the address at which they see to it."""
    kind, shown = need.get("url_kind"), document_of(need, by_kind)
    turn = {"asks": True, "next": need["what"], "who": "You"}
    if kind == "contract" and shown:
        turn = turns.of_contract(need, shown, standing_of(cursor, shown.pk), guest)
    elif kind == "proposal" and shown:
        turn = turns.of_proposal(need, shown, parts.get(shown.pk, {}), guest)
    url = "/portal/onboarding/" if kind == "onboarding" else f"/portal/{kind}s/{shown.pk}/" if shown else ""
    return {"asks": False, "waits": "", "url": url, **turn}


def document_of(need, by_kind):
    """Return the document that a need is about, or the newest of its kind."""
    found = by_kind.get(need.get("url_kind")) or []
    named = [one for one in found if need.get("id") == one.pk or one.ref.endswith(f":{need.get('id')}")] or found
    return named[0] if named and need.get("url_kind") in ("proposal", "contract", "report") else None


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
    part = turns.parts(cursor).get(publication.pk, {})
    return page(
        request,
        "room/proposal",
        guest=guest,
        publication=publication,
        paper=paper,
        part=part,
        deciders=turns.in_a_row(part.get("deciders") or []),
        asked="link" in request.GET,
        jumps=offer.jumps(publication.body),
        **shown,
    )


@for_guest
def contract(request, cursor, guest, pk):
    """Show a contract, with who has signed it and the form to sign; or why it cannot be signed any more."""
    standing = standing_of(cursor, pk)
    if standing["state"] in CLOSED and not is_signed(cursor, standing, pk):
        return closed_page(request, guest, standing)
    publication = newest("contract", pk)
    if publication.pk != pk:
        return redirect("contract", publication.pk)
    return contract_page(request, cursor, guest, publication, standing)


def standing_of(cursor, pk):
    """Return how a contract of the client's stands, also one that was taken back."""
    found = rows(cursor, "portal_contract", pk) if pk < 1 << 63 else []
    if not found:
        raise Http404
    return {**found[0], "deeds": named(cursor, json.loads(found[0]["deeds"]))}


def is_signed(cursor, standing, pk):
    """Whether everybody signed in time: then its page stays open, though its day has passed."""
    if standing["state"] != "expired":
        return False
    signed = {deed["contact_id"] for deed in standing["deeds"] if deed["verb"] == "signed"}
    return all(signer.get("contact_id") in signed for signer in newest("contract", pk).body.get("signers") or [])


def closed_page(request, guest, standing):
    """Say why a contract cannot be signed any more, and whom to ask."""
    declined = next((deed for deed in standing["deeds"] if deed["verb"] == "declined"), None)
    return page(request, "room/contract_closed", guest=guest, contract=standing, declined=declined)


def changes_of(cursor, contract):
    """Return the change orders to a contract that the client may read, each with their answer, the oldest first."""
    shown = [one for one in Publication.objects.newest() if one.kind == "proposal"]
    changes = [one for one in shown if (one.body.get("changes") or {}).get("ref") == contract.ref]
    return with_answers(changes[::-1], deeds(cursor)) if changes else []


def contract_page(request, cursor, guest, publication, standing, status=200, form=None, decline=None):
    body = publication.body
    signers, turn = turns.signing(body, standing["deeds"])
    mine = [signer for signer in signers if signer.get("contact_id") == guest["contact_id"]]
    changes = changes_of(cursor, publication)
    may_sign = bool(turn) and turn.get("contact_id") == guest["contact_id"]
    first = [("changes", "What has changed since")] if changes else []
    last = [("signatures", "Signatures"), *([("sign", "Sign")] if may_sign else [])]
    return page(
        request,
        "room/contract",
        status=status,
        guest=guest,
        publication=publication,
        paper=Paper.objects.of(publication.pk),
        signers=signers,
        turn=turn,
        changes=changes,
        open_until=standing["open_until"],
        may_sign=may_sign,
        jumps=offer.jumps(body, first, last),
        may_decline=bool(turn) and any(not signer["signed"] for signer in mine),
        own=next((signer["signed"] for signer in mine), None),
        form=form or SignForm(words=(body.get("consent") or {}).get("text", "")),
        decline=decline or DeclineContractForm(),
        **offer.shown_offer(body),
    )


def by_guest(act):
    """Let a guest do something about a contract, within one transaction; the database looks at everything again."""

    @wraps(act)
    def with_guest(request, pk):
        token = visitor.session_token(request)
        with portal_rights(token, write=True) as cursor:
            guest = guest_of(cursor)
            if not guest:
                return to_sign_in(reverse("contract", args=[pk]))
            standing = standing_of(cursor, pk)
            if standing["state"] in CLOSED:
                return redirect("contract", pk)
            outcome = act(request, cursor, guest, newest("contract", pk), standing, pk)
        if not isinstance(outcome, str):
            return outcome
        if outcome in NOT_TAKEN:
            shown = {"outcome": outcome, "pk": pk, "sender": standing["sender"]}
            return page(request, "room/not_signed", status=409, guest=guest, **shown)
        return redirect("contract", pk)

    return require_POST(with_guest)


def posted(request, name, length):
    return request.POST.get(name, "")[:length].replace("\0", "")


def who(request):
    return visitor.address(request), visitor.agent(request)


def note_opening(request, cursor, pk):
    """Note that a contract is in front of somebody who is to sign it. The door keeps the first time alone."""
    call(cursor, "portal_open_contract", visitor.session_token(request), pk, *who(request))


@by_guest
def open_it(request, cursor, guest, publication, standing, pk):
    """Note that a contract was opened: its page says so, once it is in sight. For a signed-in guest."""
    note_opening(request, cursor, pk)
    return HttpResponse(status=204)


@by_guest
def sign(request, cursor, guest, publication, standing, pk):
    """Sign a contract. For a signed-in guest whose turn it is."""
    agreed = publication.body.get("consent") or {}
    form = SignForm(request.POST, words=agreed.get("text", ""))
    if not form.is_valid():
        return contract_page(request, cursor, guest, publication, standing, status=422, form=form)
    note_opening(request, cursor, pk)  # whoever answers has read it, whether scripts run or not
    typed = (form.cleaned_data["name"], form.cleaned_data["role"])
    read = (posted(request, "consent_version", 40), posted(request, "digest", 64))
    return call(cursor, "portal_sign", visitor.session_token(request), pk, *typed, *read, *who(request))


@by_guest
def decline(request, cursor, guest, publication, standing, pk):
    """Say that a contract is not signed, and why. For a signed-in guest who is to sign it."""
    form = DeclineContractForm(request.POST)
    if not form.is_valid():
        return contract_page(request, cursor, guest, publication, standing, status=422, decline=form)
    note_opening(request, cursor, pk)
    typed = (form.cleaned_data["words"], posted(request, "digest", 64))
    return call(cursor, "portal_decline_contract", visitor.session_token(request), pk, *typed, *who(request))


@for_guest
def reports(request, cursor, guest):
    """List the reports, newest first, say when the next one comes, and which one is late."""
    shown = Publication.objects.newest()
    notices, found = ([one for one in shown if one.kind == kind] for kind in ("notice", "report"))
    found = Paper.objects.lying_beside(found)
    return page(request, "room/reports", guest=guest, reports=found, notices=notices, coming=coming(shown))


def coming(shown) -> list:
    """Return of each project that is shown when its next report comes, when they rest, and whether they have ended."""
    today, found = timezone.localdate().isoformat(), []
    for one in shown:
        days = one.body.get("reports") if one.kind == "onboarding" else None
        if isinstance(days, dict) and any(days.values()):
            days = {"title": one.title, **days, "was_due": (days.get("next_on") or today) < today}
            if (days.get("rest_until") or "") < today:
                days |= {"rest_from": None, "rest_until": None}
            days["rests"] = bool(days.get("rest_from")) and days["rest_from"] <= today
            found.append(days)
    return found


# So many other reports stand below one; the list has them all.
OTHERS = 6


@for_guest
def report(request, cursor, guest, pk):
    """Show one report, with the way to the others."""
    publication = newest("report", pk)
    if publication.pk != pk:
        return redirect("report", publication.pk)
    shown = Publication.objects.newest()
    others = [one for one in shown if one.kind == "report" and one.ref != publication.ref]
    numbers = [
        {**number, "chart": charts.of(number), "kept": charts.kept(number)}
        for number in publication.body.get("numbers") or []
    ]
    # Only the newest one tells of the next.
    context = {"body": publication.body, "numbers": numbers, "others": others[:OTHERS], "told": coming(shown)}
    paper = Paper.objects.of(publication.pk)
    return page(request, "room/report", guest=guest, publication=publication, paper=paper, **context)


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
