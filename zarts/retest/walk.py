"""The walk: through every page, as each role and as clients, with a real browser. It opens pages and moves nothing.

Whatever it asks for it asks as a browser that looks ahead, so that no visit is counted and no notice is read.
"""

import re
import secrets
import urllib.error
import urllib.request
from datetime import timedelta
from email import message_from_bytes, policy
from itertools import chain, zip_longest
from pathlib import Path
from urllib.parse import urljoin, urlsplit

from axes.models import AccessAttempt
from django.conf import settings
from django.contrib import admin
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore
from django.db.models import Count
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils import timezone

from opportunities.models import Message, User
from portal.models import Preview, ProposalLink, Publication
from portal.tokens import TOKEN, token_hash

from . import addresses, mails, only, runs
from .looking import Trouble, Watch, violations, violations_but_colours
from .models import RetestFinding

WIDE, NARROW = 1280, 360
HEIGHTS = {WIDE: 900, NARROW: 740}
# Bounds, each of which is said where it was reached.
CLIENTS, PAGES_OF_A_CLIENT, LINKS_TO_PROPOSALS, CAUGHT = 5, 25, 20, 400
LINKS, QUERIES, FINDINGS, A_PAGE = 800, 2, 1000, 12
SESSION_LASTS = timedelta(hours=3)
# A picture is for recognising the page: so many bytes at most.
PICTURE = 150_000
TIMEOUT = 20_000
AHEAD = {"Purpose": "prefetch"}
TOKEN_IN_WORDS = re.compile(rf"(?<![A-Za-z0-9_-]){TOKEN}(?![A-Za-z0-9_-])")
REFUSED, MAY_NOT_BE_THERE = 403, (404, 405)


class CannotWalk(Exception):
    """There is nothing to walk through, or nobody to walk as; the text says why."""


class Walker:
    """Somebody with a browser of their own: a role's user, a client in a preview, or a stranger."""

    def __init__(self, walk, name, home, urlconf):
        self.walk, self.name, self.home, self.urlconf = walk, name, home, urlconf
        self.context = walk.browser.new_context(
            viewport={"width": walk.widths[0], "height": HEIGHTS[walk.widths[0]]},
            locale="en-GB",
            timezone_id="UTC",
            extra_http_headers=AHEAD,
        )
        page = self.context.new_page()
        page.set_default_timeout(TIMEOUT)
        self.watch = Watch(page, (f"{walk.run.site}/", f"{walk.run.portal}/"))
        # Every address that a page of theirs named, and where it stood.
        self.links: dict[str, str] = {}
        self.visited: set[str] = set()
        self.rights: set[str] = set()

    @property
    def page(self):
        return self.watch.page

    def ask(self, address):
        """Ask for an address and go nowhere from it; once more where the line broke off: no fault of a page."""
        from playwright.sync_api import Error  # no part of a plain installation

        for again in (True, False):
            try:
                return self.context.request.get(address, max_redirects=0, timeout=TIMEOUT, fail_on_status_code=False)
            except Error as error:
                if not again or "ECONNRESET" not in str(error):
                    raise

    def place(self, address):
        return addresses.place_of(address, self.urlconf)

    def is_page(self, address) -> bool:
        """Whether an address answers with a page that a browser draws. One that fails is drawn to be looked at.

        A list that opens with a view leads to itself. What leads elsewhere is looked at there.
        """
        answer = self.ask(address)
        if answer.status in (301, 302):
            return same_page(address, answer.headers.get("location", ""))
        is_drawn = answer.status == 200 and answer.headers.get("content-type", "").startswith("text/html")
        return is_drawn or fails(answer, self.place(address))

    def visit(self, address, *, axe=True):
        """Open a page, look at it in each width, and note where its links lead."""
        watch, page = self.watch, self.page
        watch.troubles.clear()
        self.visited.add(bare(address))
        for width in self.walk.widths:
            page.set_viewport_size({"width": width, "height": HEIGHTS[width]})
            looks = violations if width == self.walk.widths[0] else violations_but_colours
            watch.looks = looks if axe else None
            try:
                if width == self.walk.widths[0]:
                    page.goto(address)
                else:
                    page.wait_for_timeout(60)  # until it is laid out anew
                watch.look_over()
            except Exception as trouble:  # a page that never comes is a finding, and no end of the walk
                watch.met("request", f"{self.walk.plain(trouble)}: {address}")
            self.report(address, width)
        self.note_links()

    def report(self, address, width):
        """Keep what the page that is open has wrong with it."""
        self.walk.looks(self.place(address), self.name, width)
        troubles = list(dict.fromkeys(self.watch.troubles))
        self.watch.troubles.clear()
        picture = self.picture() if troubles else None
        for trouble in troubles[:A_PAGE]:
            kind = trouble.kind if isinstance(trouble, Trouble) else "answer"
            self.walk.found(kind, address, self.place(address), self.name, width, trouble, picture)

    def picture(self):
        for quality in (60, 25):
            try:
                taken = self.page.screenshot(type="jpeg", quality=quality, scale="css", timeout=5_000)
            except Exception:  # what cannot be drawn has no picture
                return None
            if len(taken) <= PICTURE:
                return taken
        return None

    def note_links(self):
        try:
            found = self.page.eval_on_selector_all("a[href]", "links => links.map(link => link.href)")
        except Exception:  # the page is gone
            return
        for link in found:
            # In the demo's caught mails stand links for whoever got them.
            if link.startswith(f"{self.home}/") and self.place(self.page.url) != "mail":
                self.links.setdefault(bare(link), self.page.url)

    def leave(self):
        """End the preview that this is."""
        leave = self.page.locator("form[action$='/portal/preview/leave'] button")
        try:
            leave.first.click(timeout=5_000)
            self.page.wait_for_load_state("load")
        except Exception:  # it ends by itself, half an hour after it began
            return

    def close(self):
        self.context.close()


class Walk:
    """One walk. It keeps what it finds as it goes, so that a walk that broke off tells what it had."""

    def __init__(self, run, browser):
        self.run, self.browser = run, browser
        self.parts, self.roles, self.pieces = only.read(run.only)
        self.widths = [NARROW] if run.phone_only else [WIDE, NARROW]
        self.looked: set[tuple] = set()
        self.seen_with_axe: set[str] = set()
        self.lacks: list[str] = []
        self.kept: set[str] = set()
        # Links that were followed, and how often one page was.
        self.asked: set[str] = set()
        self.queries: dict[str, int] = {}
        self.followed = 0
        self.walkers: list[Walker] = []

    def go(self) -> str:
        """Walk. Return what could not be walked, or nothing."""
        run = self.run
        answers(run.site, run.portal)
        run.versions |= {"chromium": self.browser.version}
        run.save(update_fields=["versions"])
        runs.hear(run, "Who can be walked as")
        people = self.people() if {"rights", "pages", "links"} & set(self.parts) else {}
        try:
            if "sign-in" in self.parts:
                self.sign_in()
            walkers = [self.enter_as(role, user) for role, user in people.items()]
            if "rights" in self.parts:
                self.rights(walkers)
            if {"pages", "links"} & set(self.parts):
                for walker, user in zip(walkers, people.values(), strict=True):
                    self.pages(walker, user)
            if "portal" in self.parts:
                self.public()
                self.clients()
            if "proposals" in self.parts:
                self.proposals()
            if "mail" in self.parts:
                self.mail()
            self.links()
            if not run.done:
                self.lacks.append("There is nothing to look at in what it was narrowed to. Narrow it less.")
        finally:
            for walker in self.walkers:
                walker.close()
        return " ".join(self.lacks)

    # -- What is kept. -------------------------------------------------------------------------------------------------

    def found(self, kind, page, place, who, width, words, picture=None):
        """Keep one finding. The same one is kept once a run."""
        if len(self.kept) >= FINDINGS:
            return self.say(f"Only the first {FINDINGS:,} findings are kept.")
        words = self.plain(words).removeprefix(f"{kind}: ")
        row = RetestFinding(run=self.run, kind=kind, page=self.plain(page)[:300], place=place[:120], who=who[:80])
        row.width, row.words, row.picture = width, words[:1000], picture
        row.fingerprint = row.mark()
        if row.fingerprint not in self.kept:
            runs.goes_on(self.run)
            self.kept.add(row.fingerprint)
            row.save()

    def looks(self, place, who, width=0, how=""):
        """Remember where it looked, as a finding's `spot` says it."""
        self.looked.add((how or ("page" if width else "ask"), place[:120], who[:80], width))

    def say(self, words):
        if words not in self.run.said:
            self.run.said.append(words)

    def plain(self, words) -> str:
        """Return words without our own addresses and without any token: a finding is read by others, and compared."""
        words = str(words).split("\nCall log")[0].replace(f"{self.run.site}/", "/").replace(f"{self.run.portal}/", "/")
        return " ".join(TOKEN_IN_WORDS.sub("…", words).split())

    def expects(self, more):
        self.run.of += more

    def did(self, doing):
        self.run.done += 1
        self.run.of = max(self.run.of, self.run.done)
        runs.hear(self.run, doing)

    def wants(self, address) -> bool:
        return not self.pieces or any(piece in address for piece in self.pieces)

    # -- Who walks. ----------------------------------------------------------------------------------------------------

    def people(self) -> dict:
        """Return for each role somebody who has it: with this role alone if there is one."""
        found = {}
        for role in self.roles:
            active = User.objects.filter(is_active=True, is_staff=True, is_superuser=False)
            holders = active.annotate(many=Count("groups")).filter(groups__name=role).order_by("many", "pk")
            if user := holders.first():
                found[role] = user
            else:
                self.lacks.append(f"Nobody active has the role {role}: give it to somebody, then start it again.")
        return found

    def walker(self, name, home, urlconf):
        walker = Walker(self, name, home, urlconf)
        self.walkers.append(walker)
        return walker

    def enter_as(self, role, user):
        """Return a walker with a session of this user's, which the run makes for itself and ends."""
        store = SessionStore()
        store[SESSION_KEY] = str(user.pk)
        store[BACKEND_SESSION_KEY] = "opportunities.backends.RoleBackend"
        store[HASH_SESSION_KEY] = user.get_session_auth_hash()
        store["retest"] = self.run.pk
        store.set_expiry(SESSION_LASTS)
        store.create()
        self.run.sessions.append(store.session_key)
        runs.hear(self.run)
        walker = self.walker(role, self.run.site, addresses.STAFF)
        walker.rights = addresses.rights_of(user)
        cookie = {"name": settings.SESSION_COOKIE_NAME, "value": store.session_key, "url": f"{self.run.site}/"}
        walker.context.add_cookies([cookie | {"httpOnly": True, "secure": settings.SESSION_COOKIE_SECURE}])
        return walker

    # -- Sign-in. ------------------------------------------------------------------------------------------------------

    def sign_in(self):
        """Look at the sign-in, and be refused there with a wrong password, in words."""
        self.expects(2)
        stranger = self.walker("nobody", self.run.site, addresses.STAFF)
        address = self.run.site + reverse("admin:login")
        stranger.visit(address)
        self.did("Sign-in")
        # Nobody has this name, so that nobody is kept out.
        name, page = f"retest-{self.run.pk}-{secrets.token_hex(4)}", stranger.page
        try:
            before = page.inner_text("body")
            page.locator("[name=username]").fill(name)
            page.locator("[name=password]").fill(secrets.token_urlsafe(12))
            page.locator("[type=submit]").first.click()
            page.wait_for_load_state("load")
            said = [line for line in page.inner_text("body").splitlines() if line.strip() and line not in before]
            if not any(len(line.split()) > 3 for line in said):
                self.found("sign-in", address, "admin:login", "nobody", 0, "A wrong password is refused without words.")
            if any(cookie["name"] == settings.SESSION_COOKIE_NAME for cookie in stranger.context.cookies()):
                self.found("sign-in", address, "admin:login", "nobody", 0, "A wrong password opens a session.")
        except Exception as trouble:
            self.found("sign-in", address, "admin:login", "nobody", 0, f"The sign-in could not be used: {trouble}")
        finally:
            AccessAttempt.objects.filter(username=name).delete()
        self.looks("admin:login", "nobody")
        stranger.report(address, self.widths[-1])
        self.did("Sign-in")

    # -- Rights. -------------------------------------------------------------------------------------------------------

    def rights(self, walkers):
        """Ask for every list as every role, and as nobody: who may gets in, and nobody else does."""
        listed = [each for each in addresses.lists() if self.wants(each.path)]
        stranger = self.walker("nobody", self.run.site, addresses.STAFF)
        self.expects(len(listed) * (len(walkers) + 1))
        for walker in [*walkers, stranger]:
            for each in listed:
                self.ask_for(walker, each, addresses.opens(each.right, walker.rights))
                self.did(f"What {walker.name} may open")

    def ask_for(self, walker, listed, may):
        self.looks(listed.name, walker.name)
        try:
            answer = walker.ask(self.run.site + listed.path)
        except Exception as trouble:
            return self.found("answer", listed.path, listed.name, walker.name, 0, trouble)
        turned_away = answer.status in (301, 302) and "/login/" in answer.headers.get("location", "")
        refused = answer.status == REFUSED or turned_away
        told = {"right": "any role"} if listed.right == addresses.ANY_ROLE else {"right": f"the right {listed.right}"}
        if answer.status >= 500 or (may and not refused and fails(answer, listed.name)):
            self.found("answer", listed.path, listed.name, walker.name, 0, f"{answer.status}: GET {listed.path}")
        elif may and refused:
            words = f"{walker.name} has {told['right']} by what is written of the role, and is refused."
            self.found("right", listed.path, listed.name, walker.name, 0, words)
        elif not may and not refused and answer.status not in MAY_NOT_BE_THERE:
            words = f"{walker.name} has not {told['right']} by what is written of the role, and gets in."
            self.found("right", listed.path, listed.name, walker.name, 0, words)

    # -- Pages of staff. -----------------------------------------------------------------------------------------------

    def pages(self, walker, user):
        """Open every list that a role may open, and of each kind of record the newest within reach."""
        listed = [each for each in addresses.lists() if addresses.opens(each.right, walker.rights)]
        listed = [each for each in listed if each.name not in addresses.FRAGMENTS]
        wanted = [each.path for each in listed if self.wants(each.path)]
        wanted += [address for address in self.records(user, walker.rights) if self.wants(address)]
        self.expects(len(wanted))
        for path in wanted:
            self.open_one(walker, path)
            self.did(f"Pages of {walker.name}")

    def open_one(self, walker, path):
        address = walker.home + path
        try:
            if not walker.is_page(address):
                return
        except Exception as trouble:
            return self.found("request", address, walker.place(address), walker.name, self.widths[0], trouble)
        # What bars somebody is looked for once a page, with the first role that may open it.
        place = walker.place(address)
        walker.visit(address, axe=place not in self.seen_with_axe)
        self.seen_with_axe.add(place)

    def records(self, user, rights):
        """Yield the address of the newest record of each kind that somebody may see."""
        request = HttpRequest()
        request.method, request.user = "GET", user
        for model, page in admin.site._registry.items():
            app, name = model._meta.app_label, model._meta.model_name
            if f"{app}.view_{name}" not in rights:
                continue
            # As its list does: what is in reach need not stand in it.
            rows = page.get_queryset(request)
            pk = rows.order_by("-pk").values_list("pk", flat=True).first()
            try:
                if pk is not None:
                    yield reverse(f"admin:{app}_{name}_change", args=[pk], urlconf=addresses.STAFF)
            except NoReverseMatch:
                continue

    # -- The public surface. -------------------------------------------------------------------------------------------

    def public(self):
        """Open what anybody may."""
        stranger = self.walker("a visitor", self.run.portal, addresses.PORTAL)
        names = ["home", "privacy", "intake", "sign-in", "verify"]
        paths = [reverse(name, urlconf=addresses.PORTAL) for name in names]
        wanted = [path for path in paths if self.wants(path)]
        self.expects(len(wanted))
        for path in wanted:
            stranger.visit(stranger.home + path)
            self.did("Public pages")

    def clients(self):
        """Look at the portal as the clients who were shown something last."""
        rows = Publication.objects.filter(withdrawn_at=None).order_by("-pk").values_list("client_id", flat=True)
        newest = list(dict.fromkeys(rows[:1000]))
        if len(newest) > CLIENTS:
            self.say(f"The portal was looked at as the {CLIENTS} clients who were shown something last.")
        for client_id in newest[:CLIENTS]:
            client = self.preview(client_id)
            if client is not None:
                self.through(client)
                self.links(client)
                client.leave()

    def preview(self, client_id, publication_id=None):
        """Return a walker in a preview of the portal, which is the run's own and writes nothing."""
        fields = {"client_id": client_id, "client_name": "Retest", "made_by": str(self.run)}
        token = Preview.mint(publication_id=publication_id, **fields)
        client = self.walker("a client", self.run.portal, addresses.PORTAL)
        address = f"{client.home}{reverse('preview', args=[token], urlconf=addresses.PORTAL)}"
        self.expects(1)
        client.visit(address, axe="preview" not in self.seen_with_axe)
        self.seen_with_axe.add("preview")
        try:
            client.page.locator("main button, .main-button").first.click()
            client.page.wait_for_load_state("load")
        except Exception as trouble:
            self.found("answer", "/portal/preview/", "preview", client.name, 0, f"No preview began: {trouble}")
            client = None
        self.did("The portal, as clients see it")
        return client

    def through(self, client):
        """Follow the links of the portal from the page that is open."""
        start = bare(client.page.url)
        client.visit(start, axe=client.place(start) not in self.seen_with_axe)
        self.seen_with_axe.add(client.place(start))
        count = 0
        while ahead := [link for link in client.links if self.is_ahead(client, link)]:
            if count >= PAGES_OF_A_CLIENT:
                return self.say(f"Of each client {PAGES_OF_A_CLIENT} pages were looked at.")
            count += 1
            self.expects(1)
            self.open_one(client, ahead[0].removeprefix(client.home))
            client.visited.add(ahead[0])
            self.did("The portal, as clients see it")

    def is_ahead(self, client, link) -> bool:
        path = urlsplit(link).path
        return path.startswith("/portal/") and link not in client.visited and self.wants(path)

    # -- Proposals. ----------------------------------------------------------------------------------------------------

    def proposals(self):
        """Open every link to a proposal that works still: its cover where its mail is kept, and what is behind it."""
        live = ProposalLink.objects.filter(revoked_at=None, expires_at__gt=timezone.now(), answered_at=None)
        live = list(live.filter(publication__withdrawn_at=None).order_by("-pk")[: LINKS_TO_PROPOSALS + 1])
        if len(live) > LINKS_TO_PROPOSALS:
            self.say(f"Only the newest {LINKS_TO_PROPOSALS} links to proposals were opened.")
        tokens = tokens_in_mails()
        for link in live[:LINKS_TO_PROPOSALS]:
            if token := tokens.get(link.token_hash):
                reader = self.walker("a reader", self.run.portal, addresses.PORTAL)
                self.expects(1)
                reader.visit(reader.home + reverse("link", args=[token], urlconf=addresses.PORTAL))
                self.did("Links to proposals")
        for pk, client_id in {(link.publication_id, link.client_id): None for link in live[:LINKS_TO_PROPOSALS]}:
            client = self.preview(client_id, pk)
            if client is not None:
                client.visit(bare(client.page.url))
                self.links(client)
                client.leave()

    # -- Mails. --------------------------------------------------------------------------------------------------------

    def mail(self):
        """Fill all mailed words with real records, and read them."""
        for copy in mails.read_all():
            self.looks("mail", copy.name)
            for fault in copy.faults:
                self.found("mail", copy.address, "mail", copy.name, 0, fault)
            self.expects(1)
            self.did("Words of mails")

    # -- Links. --------------------------------------------------------------------------------------------------------

    def links(self, *walkers):
        """Ask for whatever a page led to and nobody opened yet, each once."""
        if "links" not in self.parts:
            return
        self.asked |= {address for walker in self.walkers for address in walker.visited}
        left, jobs = set(), []
        # Each walker in turn, so that the bound leaves nobody out.
        theirs = ([(walker, *link) for link in walker.links.items()] for walker in walkers or self.walkers)
        for walker, address, stood in filter(None, chain.from_iterable(zip_longest(*theirs))):
            if address in self.asked or addresses.writes(walker.place(address)):
                continue
            self.asked.add(address)
            path = urlsplit(address).path
            self.queries[path] = self.queries.get(path, 0) + 1
            if self.queries[path] > QUERIES or self.followed >= LINKS:
                left.add((walker.place(stood), walker.name))
            else:
                self.followed += 1
                jobs.append((walker, address, stood))
        if left:
            self.say(f"Of one page only {QUERIES} links with other filters were followed, and {LINKS} links in all.")
        self.expects(len(jobs))
        for walker, address, stood in jobs:
            self.follow(walker, address, stood)
            self.did("Links")
        # Of a page some of whose links were left out nobody can say that they are mended.
        opened = ((walker, address) for walker in walkers or self.walkers for address in walker.visited)
        for place, who in {(walker.place(address), walker.name) for walker, address in opened} - left:
            self.looks(place, who, how="link")

    def follow(self, walker, address, stood):
        place = walker.place(stood)
        try:
            status = walker.ask(address).status
        except Exception as trouble:
            status = self.plain(trouble)
        if not isinstance(status, int) or status >= 400:
            self.found("link", stood, place, walker.name, 0, f"A link leads to {address}, which answers {status}.")


def fails(answer, name) -> bool:
    """Whether somebody who may open an address gets nothing there. One that is for forms alone says so."""
    for_forms = answer.status == 405 and "GET" not in answer.headers.get("allow", "GET")
    beside_a_demo = answer.status == 404 and name in addresses.OF_A_DEMO
    return answer.status >= 400 and not for_forms and not beside_a_demo


def same_page(address, leads) -> bool:
    """Whether an address leads to itself, with a question behind it."""
    return urlsplit(urljoin(address, leads)).path == urlsplit(address).path


def bare(address) -> str:
    """Return an address without its mark within the page."""
    return urljoin(address, urlsplit(address)._replace(fragment="").geturl())


def answers(*homes):
    """Make sure that something answers there. Raises `CannotWalk`."""
    for home in homes:
        try:
            with urllib.request.urlopen(f"{home}/healthz", timeout=10) as answer:  # noqa: S310 an address of ours
                answer.read()
        except (OSError, ValueError, urllib.error.URLError) as trouble:
            raise CannotWalk(f"{home} does not answer ({trouble}). Start it, or name another address.") from None


def tokens_in_mails() -> dict[str, str]:
    """Return the links to proposals that stand in mails which are kept, by their fingerprints."""
    words = list(Message.objects.exclude(secret_link="").order_by("-pk").values_list("secret_link", flat=True)[:CAUGHT])
    if settings.CAUGHT_MAIL_DIR:
        files = sorted(Path(settings.CAUGHT_MAIL_DIR).glob("*.eml"))[-CAUGHT:]
        for file in files:
            part = message_from_bytes(file.read_bytes(), policy=policy.default).get_body(("plain",))
            words.append(part.get_content() if part else "")
    found = (match for text in words for match in TOKEN_IN_WORDS.findall(text))
    return {token_hash(token): token for token in found}
