"""What each public page weighs and asks for, as a real browser gets it from the portal's own process."""

import gzip
import math
import tempfile
from collections import namedtuple
from datetime import timedelta
from functools import cache, partial
from pathlib import Path

from django.utils import timezone

from bench.measure import Ratio
from bench.rooms import FIRST, Rooms

# HTML with its styles, and all that is asked for: the page, its style, two scripts, and what a script tells.
MOST_BYTES, MOST_REQUESTS = 60_000, 5
OFFERED = FIRST - 1  # the client of what is published for these pages
TYPED = {"name": "Bo Larsen", "role": "Owner", "consent": "on"}
NO_PAGES = {
    # Answered by a page that is here, or by none: forms, files, what programs ask for.
    *("link-open", "link-read", "link-choose", "link-accept", "link-decline", "link-ask", "intake", "payments"),
    *("link-paper", "proposal-paper", "contract-paper", "report-paper", "contract-sign", "contract-decline"),
    *("brand", "healthz", "readyz", "seen", "switch", "sign-out", "sign-in-challenge", "sign-in-passkey"),
    *("session-end", "sessions-end-others", "passkey-options", "passkey-add", "passkey-remove", "preview-leave"),
    *("contract-open", "proposal-link"),
}
Page = namedtuple("Page", "name path cookies typed status", defaults=({}, None, 200))
CSRF, NOWHERE = "c" * 32, "/nowhere"
# Send a form from a page of the same address, as its own page would.
SEND = """([path, typed]) => {
    const form = document.body.appendChild(document.createElement("form"));
    form.method = "post"; form.action = path;
    for (const [name, value] of Object.entries(typed)) {
        const field = form.appendChild(document.createElement("input"));
        field.name = name; field.value = value;
    }
    form.submit();
}"""
Weight = namedtuple("Weight", "page html size zipped requests strangers")


def heaviest(small, large) -> Ratio:
    """The heaviest page, as a part of what a page may weigh."""
    weights = weighed()
    most = max(weight.size for weight in weights)
    return Ratio(most / MOST_BYTES, 1.0, MOST_BYTES / 1000, most / 1000)


def requests_of_a_page(small, large) -> Ratio:
    """The most requests of a page, as a part of what it may ask for; a second page or a stranger is too many."""
    weights = weighed()
    most = max(weight.requests for weight in weights)
    alone = all(weight.html == 1 and not weight.strangers for weight in weights)
    return Ratio(most / MOST_REQUESTS if alone else math.inf, 1.0, MOST_REQUESTS, most)


@cache
def weighed() -> list:
    """Visit every page with an empty cache, and print what came."""
    from playwright.sync_api import sync_playwright

    from tests.browser.house import PublicSide
    from tests.browser.people import chromium

    rooms, weights = Rooms(), []
    with tempfile.TemporaryDirectory(prefix="zarts-bench-") as folder:
        side = PublicSide(Path(folder))
        side.env |= {"DATABASE_URL": rooms.url, "PORTAL_DATABASE_URL": rooms.url_of(rooms.portal)}
        try:
            side.open()
            with rooms:
                pages = [*strangers(), *readers(rooms), *guests(rooms), *errors()]
            refuse_forgotten(pages)
            with sync_playwright() as playwright:
                browser = chromium(playwright)
                for page in pages:
                    weights.append(weight_of(browser, side.portal, page))
                    say(weights[-1])
                browser.close()
        finally:
            side.close()
    return weights


def say(weight):
    over = weight.size >= MOST_BYTES or weight.requests > MOST_REQUESTS or weight.html != 1 or weight.strangers
    sizes = f"{weight.size / 1000:6.1f} kB {weight.zipped / 1000:6.1f} kB zipped {weight.requests:3} requests"
    print(f"  {weight.page.name:48}{sizes}{'  falls short' if over else ''}", flush=True)


def refuse_forgotten(pages):
    """Refuse to measure while an address of the public surface is neither a page here nor said to be none."""
    from django.urls import resolve

    from tests.test_matrix import patterns

    visited = {resolve(page.path, urlconf="portal.urls").url_name for page in pages if page.path != NOWHERE}
    forgotten = {name for name, _ in patterns("portal.urls")} - visited - NO_PAGES
    assert not forgotten, f"Add a page to bench/weight.py, or name it in NO_PAGES: {sorted(forgotten)}"


# -- The pages. --------------------------------------------------------------------------------------------------------


def strangers():
    """Yield what anybody sees, and what the way in is like."""
    from portal.models import Guest, Preview, SignInLink, StopLink
    from portal.tokens import new_token

    stop, contact = new_token(), {"client_id": 1, "contact_id": 1, "email": "bo@client.example"}
    StopLink.keep(stop, purpose="marketing", **contact)
    enter = SignInLink.mint(Guest.objects.order_by("pk").first())
    preview = Preview.mint(client_id=1, client_name="Harbor Dental", made_by="Ada")
    yield Page("home", "/")
    yield Page("privacy", "/privacy")
    yield Page("inquiry, refused", "/intake/leads", typed={"name": "Bo"}, status=422)
    yield Page("inquiry, thanks", "/intake/thanks")
    yield Page("verify a file", "/verify")
    yield Page("sign in", "/portal/sign-in")
    yield Page("sign in, the code", "/portal/sign-in/code")
    yield Page("sign in, the link", f"/portal/enter/{enter}")
    yield Page("begin a preview", f"/portal/preview/{preview}")
    yield Page("stop mail", f"/stop/{stop}/")
    yield Page("stop mail, done", f"/stop/{stop}/", typed={"List-Unsubscribe": "One-Click"})


def readers(rooms):
    """Yield a proposal in every state, as the real moves published it, and a very large one."""
    from portal.models import ProposalLink, Publication
    from tests.portal.portal_makers import a_large_offer

    ours = Publication.objects.filter(kind="proposal", client_id__lt=FIRST, withdrawn_at=None).order_by("pk").first()
    for name, body in (("proposal", ours.body), ("large proposal", a_large_offer())):
        link = partial(link_to, rooms, body)
        yield Page(f"{name}, cover", link()[0])
        path, key = link()
        yield Page(name, path, key)
        yield Page(f"{name}, accepted without a name", f"{path}accept", key, {"name": ""}, 422)
        for verb in ("accepted", "declined"):
            yield Page(f"{name}, {verb}", *link(verb))
    path, key = link("asked")
    yield Page("large proposal, asked about", path, key)
    path, _ = link()
    yield Page("proposal, expired", path, status=410)
    ProposalLink.objects.filter(pk=newest_link().pk).update(expires_at=timezone.now())
    path, key = link()
    yield Page("proposal, answered in another version", f"{path}accept", key, {**TYPED, "digest": ""}, 409)
    yield Page("proposal, withdrawn", link()[0], status=410)
    newest_link().revoke()


def newest_link():
    from portal.models import ProposalLink

    return ProposalLink.objects.order_by("pk").last()


def link_to(rooms, body, verb=""):
    """Publish an offer, open its link and answer it; return its path, and the cookie of the browser that opened it."""
    from portal.models import ProposalLink, Publication
    from portal.rights import call, portal_rights
    from portal.tokens import new_token
    from portal.visitor import opened_cookie

    fields = {"client_id": OFFERED, "opportunity_id": None, "title": "Faster pages", "approved_by": "Ben"}
    offer = Publication.publish(kind="proposal", ref=f"bench:{new_token()[:16]}", body=body, **fields)
    who = {"contact_id": 1, "contact_name": "Bo Larsen", "sender_name": "Mia"}
    _, token = ProposalLink.mint(publication=offer, expires_at=timezone.now() + timedelta(days=7), **who)
    key = new_token()
    with rooms.as_login(rooms.portal), portal_rights(token, write=True) as cursor:
        call(cursor, "portal_open", token, key, "", "", False, "", "")
        if verb:
            typed = "Bo Larsen", "Owner", "It has to wait.", "{}"
            assert call(cursor, "portal_answer", token, key, verb, *typed, offer.digest, "", "") == verb
    return f"/p/{token}/", {opened_cookie(token): key}


def guests(rooms):
    """Yield the rooms of a client with everything, and of one that has a contract to sign."""
    from portal.models import Publication

    ours = Publication.objects.filter(client_id__lt=FIRST, withdrawn_at=None).order_by("-published_at", "-pk")
    report, to_sign = ours.filter(kind="report").first(), ours.filter(kind="contract").first()
    everything = session_of(rooms, report.client_id)
    for name in ("", "sessions/", "reports/", "onboarding/", "questions/", "history/"):
        yield Page(f"room, {name.strip('/') or 'home'}", f"/portal/{name}", everything)
    listed = Publication.objects.filter(kind="onboarding", client_id=report.client_id, withdrawn_at=None).latest("pk")
    path = f"/portal/onboarding/{listed.pk}"
    yield Page("onboarding, something ticked off that is not there", f"{path}/items/0/tick", everything, {}, 404)
    yield Page("onboarding, granted without an address", f"{path}/accesses/1/grant", everything, {"to": ""}, 422)
    yield Page("questions, asked without a word", "/portal/questions/ask", everything, {"words": ""}, 422)
    for kind in ("proposal", "contract", "report"):
        shown = ours.filter(kind=kind, client_id=report.client_id).first()
        yield Page(f"room, {kind}", f"/portal/{kind}s/{shown.pk}/", everything)
    yield from of_delivery(ours.filter(client_id=report.client_id), everything)
    signs = session_of(rooms, to_sign.client_id)
    yield Page("room with a contract to sign, home", "/portal/", signs)
    path = f"/portal/contracts/{to_sign.pk}/"
    yield Page("contract to sign", path, signs)
    yield Page("contract, signed without a name", f"{path}sign", signs, {"name": ""}, 422)
    yield Page("contract, signed in another version", f"{path}sign", signs, {**TYPED, "digest": ""}, 409)
    fields = {"client_id": to_sign.client_id, "opportunity_id": None, "title": to_sign.title, "approved_by": "Ben"}
    closed = Publication.publish(kind="contract", ref="bench:closed", body=to_sign.body, **fields)
    closed.withdraw("A price was wrong.")
    yield Page("contract, withdrawn", f"/portal/contracts/{closed.pk}/", signs)


def of_delivery(ours, guest):
    """Yield what a client reads while the work goes on: a change order, its contract, and that a report is late."""
    from portal.models import Publication

    offer, contract = (ours.filter(kind=kind).first() for kind in ("proposal", "contract"))
    fields = {"client_id": offer.client_id, "opportunity_id": None, "approved_by": "Ben"}
    body = {**offer.body, "changes": {"ref": contract.ref, "number": contract.body.get("number", "")}}
    change = Publication.publish(kind="proposal", ref="bench:change", title="One page more", body=body, **fields)
    yield Page("room, change order", f"/portal/proposals/{change.pk}/", guest)
    yield Page("room, contract that was changed", f"/portal/contracts/{contract.pk}/", guest)
    told = {"title": "Your report comes on Friday", "period": "October 2026", "words": ["A provider was down."]}
    Publication.publish(kind="notice", ref="bench:late", title=told["title"], body=told, **fields)
    yield Page("room, reports, one of them late", "/portal/reports/?late", guest)


def session_of(rooms, client_id) -> dict:
    """Let a guest of a client in; return the cookie."""
    from portal.models import Guest, SignInLink
    from portal.rights import call, portal_rights
    from portal.tokens import new_token, token_hash

    link, session = SignInLink.mint(Guest.objects.filter(client_id=client_id).first()), new_token()
    with rooms.as_login(rooms.portal), portal_rights(None, write=True) as cursor:
        assert call(cursor, "portal_sign_in", link, token_hash(session))
    return {"zarts_portal": session}


def errors():
    """Yield what we say when there is nothing to show."""
    unknown = "A" * 43
    yield Page("nothing here", NOWHERE, status=404)
    yield Page("no such link", f"/p/{unknown}/", status=404)
    yield Page("sign in, a used link", f"/portal/enter/{unknown}", typed={}, status=410)
    yield Page("preview, a used link", f"/portal/preview/{unknown}", typed={}, status=410)
    yield Page("sign in, a wrong code", "/portal/sign-in/code", typed={"code": "123456"}, status=422)
    yield Page("a form without its cookie", "/portal/sign-in", typed={"csrfmiddlewaretoken": ""}, status=403)


# -- The browser. ------------------------------------------------------------------------------------------------------


def weight_of(browser, portal, page) -> Weight:
    """Go to a page as somebody who was never here, and weigh all that comes."""
    context = browser.new_context()
    cookies = {"zarts_portal_csrf": CSRF, **page.cookies}
    context.add_cookies([{"name": name, "value": value, "url": portal} for name, value in cookies.items()])
    tab, asked, came = context.new_page(), [], []
    if page.typed is not None:
        tab.goto(f"{portal}/healthz")
    tab.on("request", lambda request: asked.append(request))
    tab.on("response", lambda answer: came.append(answer))
    if page.typed is None:
        tab.goto(portal + page.path)
    else:
        with tab.expect_navigation():
            tab.evaluate(SEND, [page.path, {"csrfmiddlewaretoken": CSRF, **page.typed}])
    tab.wait_for_load_state("networkidle")
    html = [answer for answer in came if answer.request.is_navigation_request()]
    assert html[-1].status == page.status, f"{page.name} answered {html[-1].status}"
    weighs = [answer.body() for answer in came if answer.request.resource_type in ("document", "stylesheet")]
    strangers = [request.url for request in asked if not request.url.startswith((f"{portal}/", "data:"))]
    zipped = sum(len(gzip.compress(body)) for body in weighs)
    found = Weight(page, len(html), sum(map(len, weighs)), zipped, len(asked), strangers)
    context.close()
    return found
