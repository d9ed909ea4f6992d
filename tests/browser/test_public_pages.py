"""Every page that the public surface can show is for everybody: at a desk and on a phone, in light and dark, by keys.

The addresses come from the surface's resolver and the pages from its templates: one that nobody visits here fails.
"""

from datetime import timedelta
from functools import partial
from itertools import chain
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

import pytest
from django.conf import settings
from django.template.loader import render_to_string
from django.urls import get_resolver, resolve
from django.utils import timezone
from playwright.sync_api import TimeoutError as NotInTime

from opportunities import letters
from portal.models import Guest, Preview, ProposalLink, Publication, SignInLink, StopLink
from portal.pages import agency
from portal.tokens import new_token
from proposals import publishing
from tests.browser.axe import once, only_colours, violations
from tests.browser.keyboard import barred_without_a_mouse, cannot_skip
from tests.browser.people import DESKTOP, PHONE
from tests.conftest import person
from tests.database import as_portal
from tests.makers_handoff import a_report

pytestmark = [pytest.mark.slow, pytest.mark.screens("desktop")]

TEMPLATES = Path(settings.BASE_DIR) / "templates" / "portal"
# What a page is made of, and no page by itself.
NO_PAGES = {"base", "room/base", *(f"parts/{file.stem}" for file in (TEMPLATES / "parts").glob("*.html"))}
# Addresses that show no page: they lead on to one, hand out a file, or answer a program.
NOTHING_TO_SEE = {
    "link-choose",
    "link-read",
    "contract-open",
    "session-end",
    "sessions-end-others",
    "switch",
    "seen",
    "sign-out",
}
NOTHING_TO_SEE |= {
    "link-paper",
    "proposal-paper",
    "contract-paper",
    "report-paper",
    "brand",
    "healthz",
    "readyz",
    "payments",
}
NOTHING_TO_SEE |= {"contract-open", "proposal-link", "sign-in-challenge", "passkey-options", "passkey-remove"}
# Where what was typed was refused, the cursor stands in the first line that is wrong.
AT_WHAT_IS_WRONG = "document.activeElement.getAttribute('aria-invalid') === 'true' && document.activeElement.name"


class Seen(NamedTuple):
    """A page that is open now: its template, words of it, and the field at which it begins where one is wrong."""

    template: str
    words: str
    wrong: str = ""


@pytest.fixture
def deal(house):
    """A deal that went all the way, up to its first report."""
    ada, ben = person("ada", "Growth ops", team="East"), person("ben", "Manager", team="East", sees="team")
    report = a_report(ada, manager=ben, delivery=person("dora", "Delivery", team="East"), stage="published")
    publishing.admit(report.project.opportunity.decision_owner)
    return report.project.opportunity


@pytest.fixture
def client(deal, at_browser):
    return at_browser()


# -- Whoever comes. ----------------------------------------------------------------------------------------------------


def what_strangers_see(client, deal, as_owner):
    client.open("/")
    yield Seen("home", "We promise only what we can prove.")
    client.open("/privacy")
    yield Seen("privacy", "There are no cookies for advertising")
    client.open("/intake/leads")
    yield Seen("intake", "Two lines are enough.")
    refused(client, "Ask for an audit", within="main")
    yield Seen("intake", "Two lines are enough.", wrong="name")
    client.open("/intake/thanks")
    yield Seen("thanks", "Here is what happens next.")
    client.open("/verify")
    yield Seen("verify", "Is this file from us, and unchanged?")
    refused(client, "Check the file")
    yield Seen("verify", "Is this file from us, and unchanged?", wrong="file")
    as_owner("insert into portal_look (address, at) select %s, now() from generate_series(1, 60)", ["127.0.0.1"])
    refused(client, "Check the file", status=429)
    yield Seen("verify", "So many files were looked at from your address")
    token = new_token()
    common = {"client_id": deal.client_id, "contact_id": 1, "email": "bo@larsen.example"}
    StopLink.keep(token, purpose="marketing", **common)
    client.open(f"/stop/{token}/")
    yield Seen("stop/ask", "It goes to")
    client.press("Stop it")
    yield Seen("stop/done", "Thank you. It is stopped.")


def what_is_refused(client):
    refused(client, path="/nothing", status=404)
    yield Seen("refused/not_found", "There is nothing here.")
    refused(client, path=f"/p/{new_token()}/", status=404)
    yield Seen("refused/not_found", "We do not know this link.")
    client.open("/portal/sign-in")
    client.browser.clear_cookies()
    client.write(email="bo@larsen.example")
    refused(client, "Send me a link", status=403)
    yield Seen("refused/csrf", "The form came without its cookie")
    form = client.open("/portal/sign-in").page.locator("main form").first
    form.evaluate("form => form.insertAdjacentHTML('beforeend', '<input name=more>'.repeat(1001))")
    refused(client, "Send me a link", status=400)
    yield Seen("refused/bad_request", "Something in the request was damaged.")
    form = client.open("/portal/sign-in").page.locator("main form").first
    form.evaluate("form => { form.email.value = 'x'.repeat(70_000); form.email.removeAttribute('maxlength') }")
    refused(client, "Send me a link", status=413)
    yield Seen("refused/too_large", "That is larger than")
    refused(client, path="/portal/sign-out", status=405)
    yield Seen("refused/form_only", "This address only takes what a form sends.")
    # Nothing that a browser can do brings these about.
    for name, words in (("forbidden", "This page is not yours to see."), ("failed", "Something broke on our side.")):
        with as_portal():
            shown = render_to_string(f"portal/refused/{name}.html", {"agency": agency()})
        client.open("/privacy").page.set_content(shown)
        yield Seen(f"refused/{name}", words)


def refused(client, label="", *, path="", within="main", status=422):
    """Press or open what is answered by a refusal."""
    with client.refused(status):
        client.press(label, within=within) if label else client.open(path)


# -- Whoever has a link. -----------------------------------------------------------------------------------------------


def what_a_link_shows(client, deal, as_owner):
    offer = again(Publication.objects.filter(kind="proposal").latest("pk"), "proposal:77", countersigned=None)
    link = partial(a_link, offer)
    _, token = link()
    client.open(f"/p/{token}/")
    yield Seen("link/cover", "Open the proposal")
    client.press("Open the proposal")
    yield Seen("link/proposal", "Should a colleague read this?")
    for label, wrong in (("Send it to", "words"), ("Accept the proposal", "name")):
        refused(client, label)
        yield Seen("link/proposal", "Nothing is lost.", wrong=wrong)
    client.choose("#decline summary")
    yield Seen("link/proposal", "Not for us")
    refused(client, "Decline", within="#decline")
    yield Seen("link/proposal", "Nothing is lost.", wrong="words")
    client.open(f"/p/{token}/").page.locator("#accept [name=digest]").first.evaluate("one => one.value = 'another'")
    client.write(name="Bo Larsen", role="Owner", consent=True)
    refused(client, "Accept the proposal", status=409)
    yield Seen("link/not_taken", "Please read it once more.")
    client.open(f"/p/{token}/").write(name="Bo Larsen", role="Owner", consent=True).press("Accept the proposal")
    yield Seen("link/proposal", "prepares the contract and mails you")

    other = again(offer, "proposal:78")
    first, token = a_link(other)
    client.open(f"/p/{token}/").press("Open the proposal")
    as_owner("update portal_reader set counted_at = now() where link_id = %s", [first.pk])
    client.browser.clear_cookies()
    client.open(f"/p/{token}/")
    yield Seen("link/cover", "has opened it in another browser.")
    refused(client, "Open it with my name")
    yield Seen("link/cover", "has opened it in another browser.", wrong="name")
    second, _ = a_link(again(other, "proposal:78"))
    first.revoke(replaced_by=second)
    client.open(f"/p/{token}/")
    yield Seen("link/cover", "There is a newer version.")
    _, token = a_link(other, role="reads", contact_id=2)
    client.open(f"/p/{token}/").press("Open the proposal")
    yield Seen("link/proposal", "You can ask and object above.")

    yesterday = timezone.now() - timedelta(days=1)
    _, token = a_link(again(offer, "proposal:79"), expires_at=yesterday)
    refused(client, path=f"/p/{token}/", status=410)
    yield Seen("link/closed", "This proposal was valid until")
    gone, token = a_link(again(offer, "proposal:80"))
    gone.publication.withdraw("A mistake.")
    refused(client, path=f"/p/{token}/", status=410)
    yield Seen("link/closed", "This proposal was withdrawn.")
    revoked, token = a_link(other)
    revoked.revoke(replaced_by=a_link(other, contact_id=3)[0])
    refused(client, path=f"/p/{token}/", status=410)
    yield Seen("link/closed", "There is a newer version.")


def again(publication, ref, **body):
    """Publish the same words once more, as another record's."""
    common = {"client_id": publication.client_id, "opportunity_id": None, "approved_by": "Ben"}
    words = {"title": publication.title, "body": {**publication.body, **body}}
    return Publication.publish(kind=publication.kind, ref=ref, **words, **common)


def a_link(offer, **fields):
    fields = {"contact_id": 1, "contact_name": "Bo Larsen", "sender_name": "Ada", **fields}
    fields.setdefault("expires_at", timezone.now() + timedelta(days=7))
    return ProposalLink.mint(publication=offer, **fields)


# -- Whoever is signed in. ---------------------------------------------------------------------------------------------


def what_guests_see(client, deal):
    client.open("/portal/sign-in")
    yield Seen("sign_in/ask", "there is no password.")
    refused(client, "Send me a link")
    yield Seen("sign_in/ask", "there is no password.", wrong="email")
    with client.refused(422):
        client.page.locator("form[data-passkey]").evaluate("form => form.submit()")
        client.sees("This passkey lets nobody in here.").look()
    yield Seen("sign_in/ask", "This passkey lets nobody in here.")
    client.write(email="nobody@else.example").press("Send me a link")
    yield Seen("sign_in/code", "Look into your mail.")
    refused(client, "Come in")
    yield Seen("sign_in/code", "Look into your mail.", wrong="code")
    guest = Guest.objects.get(client_id=deal.client_id)
    token = SignInLink.mint(guest)
    client.open(f"/portal/enter/{token}")
    yield Seen("sign_in/enter", "Press the button to come in.")
    client.press("Come in")
    yield Seen("room/home", "What comes next")
    client.open(f"/portal/enter/{token}")
    refused(client, "Come in", status=410)
    yield Seen("sign_in/used", "This link no longer works.")
    for path, template, words in ROOMS:
        client.open(path)
        yield Seen(template, words)
    yield from what_a_list_shows(client)
    client.open("/portal/reports/").choose("main .documents a")
    yield Seen("room/report", "What happened")
    client.open("/portal/").choose(".documents a[href*=proposals]")
    yield Seen("room/proposal", "Ask about this")
    refused(client.open("/portal/questions/"), "Ask")
    yield Seen("room/questions", "Nothing is lost.", wrong="words")
    refused(client.open("/portal/sessions/"), "Add a passkey")
    yield Seen("room/sessions", "A passkey lets you in", wrong="name")
    yield from what_signers_see(client, guest)


ROOMS = [
    ("/portal/onboarding/", "room/onboarding", "Getting live"),
    ("/portal/reports/", "room/reports", "Reports"),
    ("/portal/history/", "room/history", "What happened so far"),
    ("/portal/questions/", "room/questions", "Questions and answers"),
    ("/portal/sessions/", "room/sessions", "Where you are signed in"),
]


def what_a_list_shows(client):
    """A project on its way: things to tick off, an access to grant, and one thing that is taken off meanwhile."""
    shown = Publication.objects.filter(kind="onboarding").latest("pk")
    item = {"id": 1, "title": "Send your logo", "group": "Your brand", "who": "you", "due_on": "2026-01-05"}
    item |= {"done": False, "again": "Open again: something is still missing."}
    access = {"id": 1, "provider": "HubSpot", "state": "Stopped working; please grant it again", "broken": True}
    access |= {"asks": True, "how": ["Open Settings, then Users.", "Invite us by our mail address."]}
    blocker = {"title": "Your domain", "words": "It has to be renewed.", "since": "2026-11-20"}
    lists = {"items": [item, item | {"id": 2, "title": "Name one person"}], "accesses": [access], "blockers": [blocker]}
    listed = again(shown, "project:77", open=True, kickoff_time="10:00", zone="CET, the time in Copenhagen", **lists)
    client.open("/portal/onboarding/").choose("#access-1 summary")
    yield Seen("room/onboarding", "We have granted it")
    refused(client, "We have granted it", within="#access-1 form")
    yield Seen("room/onboarding", "Nothing is lost.", wrong="to")
    client.open("/portal/onboarding/")
    listed = again(listed, "project:77", items=[item | {"id": 2}])
    refused(client, "Done", within="#item-1", status=409)
    yield Seen("room/not_ticked", "This is not on your list any more.")


def what_signers_see(client, guest):
    sealed = Publication.objects.filter(kind="contract", papers__kind="sealed").get()
    client.open(f"/portal/contracts/{sealed.pk}/")
    yield Seen("room/contract", "Fingerprint of this page")
    who = [{"contact_id": guest.contact_id, "name": guest.name}, {"contact_id": 999, "name": "Tom Reyes"}]
    contract = again(sealed, "contract:77", countersigned=None, signers=who)
    page = f"/portal/contracts/{contract.pk}/"
    client.open("/portal/").open(page)
    yield Seen("room/contract", "sign at the end")
    refused(client, "Sign the contract")
    yield Seen("room/contract", "Nothing is lost.", wrong="name")
    client.choose("#decline summary")
    yield Seen("room/contract", "I do not sign this")
    refused(client, "Decline the contract")
    yield Seen("room/contract", "Nothing is lost.", wrong="words")
    client.open(page).page.locator("#sign [name=digest]").evaluate("one => one.value = 'another'")
    client.write(name="Bo Larsen", role="Owner", consent=True)
    refused(client, "Sign the contract", status=409)
    yield Seen("room/not_signed", "Please read it once more.")
    client.open(page).write(name="Bo Larsen", role="Owner", consent=True).press("Sign the contract")
    yield Seen("room/contract", "You signed this")
    waiting = again(sealed, "contract:78", countersigned=None, signers=who[::-1])
    client.open(f"/portal/contracts/{waiting.pk}/")
    yield Seen("room/contract", "Waiting for")
    waiting.keep_open(timezone.now())
    client.open(f"/portal/contracts/{waiting.pk}/")
    yield Seen("room/contract_closed", "This contract was open until")


def what_a_preview_shows(client, deal):
    token = Preview.mint(client_id=deal.client_id, client_name=deal.client.name, made_by="Ada")
    client.open(f"/portal/preview/{token}")
    yield Seen("preview/enter", "See the portal as your client.")
    client.press("Start the preview")
    yield Seen("room/home", "What comes next")
    client.open("/portal/sessions/")
    yield Seen("room/sessions", "a preview shows none.")
    client.open(f"/portal/preview/{token}")
    refused(client, "Start the preview", status=410)
    yield Seen("preview/used", "This preview was opened before.")
    client.open("/portal/").page.locator("form[action='/portal/preview/leave']").evaluate(
        "form => form.action = '/portal/sign-out'"
    )
    refused(client, "Leave the preview", within="body", status=403)
    yield Seen("refused/preview", "Nothing was done:")
    client.press("Leave the preview", within="main")
    yield Seen("preview/left", "The preview is over.")


# -- What is asked of each. --------------------------------------------------------------------------------------------


def faults_of(page, seen):
    """Return what bars somebody from the page that is open, wherever and however they sit there."""
    found = [] if seen.words in source_of(seen.template) else [f"{seen.template} has no words “{seen.words}”"]
    if page.get_by_text(seen.words).locator("visible=true").count() == 0:
        found.append(f"{page.url} does not show “{seen.words}” of {seen.template}")
    if seen.wrong and not begins_at(page, seen.wrong):
        found.append(f"{page.url} does not begin at “{seen.wrong}”, which is wrong there")
    for width in each_size(page):
        found += unfit(page, width) + [f"{width} wide: {one}" for one in barred_without_a_mouse(page)]
    page.set_viewport_size(DESKTOP["viewport"])
    return found + cannot_skip(page)


def begins_at(page, wrong) -> bool:
    """Whether the cursor comes to stand in this line: a browser sets it once the page is drawn."""
    try:
        page.wait_for_function(f"wrong => ({AT_WHAT_IS_WRONG}) === wrong", arg=wrong, timeout=3000)
    except NotInTime:
        return False
    return True


def each_size(page):
    """Look at a page at a desk, and then on a phone."""
    for size in (DESKTOP["viewport"], PHONE["viewport"]):
        page.set_viewport_size(size)
        yield size["width"]


def unfit(page, width) -> list[str]:
    """Return what bars somebody from a page of this width, whether they like it dark or light."""
    wide = page.evaluate("document.documentElement.scrollWidth")
    found = [f"{page.url} is {wide} wide in {width}"] if wide > width else []
    for scheme, looks in (("dark", only_colours), ("light", violations)):
        page.emulate_media(color_scheme=scheme)
        found += [f"{scheme}, {width} wide: {one}" for one in once(looks)(page)]
    return found


def source_of(template) -> str:
    return (TEMPLATES / f"{template}.html").read_text()


def test_nobody_is_barred_from_a_page_of_the_public_surface(client, deal, as_owner):
    visits = [what_strangers_see(client, deal, as_owner), what_a_link_shows(client, deal, as_owner)]
    visits += [what_guests_see(client, deal), what_a_preview_shows(client, deal), what_is_refused(client)]
    templates, addresses, faults = set(), set(), []
    for seen in chain(*visits):
        templates.add(seen.template)
        faults += faults_of(client.page, seen)
        if not seen.template.startswith("refused/"):
            addresses.add(resolve(urlsplit(client.page.url).path, "portal.urls").url_name)
    assert not faults, "\n".join(faults)
    pages = {file.relative_to(TEMPLATES).with_suffix("").as_posix() for file in TEMPLATES.rglob("*.html")}
    assert templates == pages - NO_PAGES, "each template of a page is seen"
    known = {pattern.name for pattern in get_resolver("portal.urls").url_patterns}
    assert addresses == known - NOTHING_TO_SEE, "each address with a page is seen"


# Every kind of line that a mail of ours has.
LETTER = """Hello Bo Larsen,

the link works once. It is about https://harbor-dental.example/book?practice=a-very-long-one&day=2026-11-28, as we said:
https://zarts.example/p/pq3XbC5mT0wXlq2rZ8gkF1yYl6b3hWc4sQe9nVd7uAo/

Write to ada@zarts.example.

You get this mail because we are working with Harbor Dental on it. Stop it here:
https://zarts.example/stop/pq3XbC5mT0wXlq2rZ8gkF1yYl6b3hWc4sQe9nVd7uAo/
"""


def test_nobody_is_barred_from_a_mail(at_browser, tmp_path):
    file = tmp_path / "mail.html"
    file.write_text(letters.as_page("The contract to sign", LETTER))
    page = at_browser().open(file.as_uri()).page
    faults = [fault for width in each_size(page) for fault in unfit(page, width)]
    assert not faults, "\n".join(faults)
