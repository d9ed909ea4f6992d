"""What is wrong with a page that a browser shows. It is said here alone: the tests look by it, and a retest does."""

import time
from functools import cache
from shutil import which

DESKTOP = {"viewport": {"width": 1280, "height": 900}}
PHONE = {"viewport": {"width": 360, "height": 740}, "is_mobile": True, "has_touch": True}
# Chromium asks strangers about updates and more, which is neither needed nor possible here.
QUIET = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
QUIET += ["--disable-component-update", "--disable-sync"]
BROWSERS = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")

# What a browser says of a page that it has left.
GONE = "Execution context was destroyed"

# The first few things that reach past the page's right edge, and are not cut there.
PAST_THE_EDGE = """width => [...document.querySelectorAll("#main *, body > *")]
    .filter(thing => thing.getBoundingClientRect().right > width + 1).slice(0, 9)
    .map(thing => [thing.tagName.toLowerCase(), ...thing.classList].join("."))"""


def chromium(playwright):
    """Start the Chromium that is here, first of all the one without windows, else playwright's own."""
    found = next(filter(None, map(which, BROWSERS)), None)
    return playwright.chromium.launch(executable_path=found, args=QUIET)


class Trouble(str):
    """One thing that is wrong with a page, in words, and of which kind it is."""

    kind: str

    def __new__(cls, kind, words):
        trouble = super().__new__(cls, words)
        trouble.kind = kind
        return trouble


class Watch:
    """A page of a browser, and whatever goes wrong on it."""

    def __init__(self, page, ours, looks=None):
        self.page, self.ours, self.looks = page, ours, looks
        self.troubles: list[str] = []
        self.expected: set[int] = set()
        self.going = None
        page.on("console", self.hear)
        page.on("pageerror", lambda error: self.met("script", f"script: {error.stack or error}"))
        page.on("response", self.answered)
        page.on("requestfailed", self.failed)
        page.on("request", self.goes)
        page.on("framenavigated", self.arrives)

    def met(self, kind, words):
        self.troubles.append(Trouble(kind, words))

    def hear(self, message):
        # A status that is not 200 is judged below, with its address.
        if message.type == "error" and "Failed to load resource" not in message.text:
            self.met("console", f"console: {message.text}")

    def answered(self, response):
        if response.status >= 400 and response.status not in self.expected:
            self.met("answer", f"{response.status}: {response.request.method} {response.url}")

    def failed(self, request):
        if request == self.going:
            self.going = None
        if "ERR_ABORTED" not in (request.failure or ""):
            self.met("request", f"{request.failure}: {request.url}")

    def goes(self, request):
        if request.is_navigation_request():
            if request.frame == self.page.main_frame:
                self.going = request
        elif not request.url.startswith((*self.ours, "data:", "blob:")):
            self.met("request", f"asked elsewhere: {request.url}")

    def arrives(self, frame):
        if frame == self.page.main_frame:
            self.going = None

    def look_over(self):
        """Add to the troubles what is wrong with the page that is open; if it goes on meanwhile, with the next one."""
        for left in (2, 1, 0):
            self.wait_until_there()
            met = len(self.troubles)
            try:
                return self.look_at_it()
            except Exception as error:
                # Playwright's own, which is a part that not every machine has.
                if not left or GONE not in str(error):
                    raise
                del self.troubles[met:]

    def wait_until_there(self):
        """Wait for the page: a click does not wait for the answer, and what somebody else does next may need it."""
        until = time.monotonic() + 15
        while self.going and time.monotonic() < until:
            self.page.wait_for_timeout(20)
        self.page.wait_for_load_state("load")

    def look_at_it(self):
        """Look as wide as the window is."""
        # Not the window's own word for its width: on a phone it grows with what does not fit.
        wide, width = self.page.evaluate("document.documentElement.scrollWidth"), self.page.viewport_size["width"]
        if wide > width:
            past = self.page.evaluate(PAST_THE_EDGE, width)
            self.met("overflow", f"overflow: {self.page.url} is {wide} wide in {width}: {', '.join(past)}")
        if self.looks:
            self.troubles += self.looks(self.page)


# -- Whether everybody can use a page, as far as a program can tell: WCAG 2.2, levels A and AA. ------------------------

LEVELS = {
    "runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]},
    # What passes is most of a page, and nobody reads it.
    "resultTypes": ["violations"],
    # To fetch every stylesheet anew serves one rule, that none locks how a device is held: tests/test_house.py asks.
    "preload": False,
}
# Two thirds of the time go into colours.
BUT_COLOURS = LEVELS | {"rules": {"color-contrast": {"enabled": False}}}
ONLY_COLOURS = LEVELS | {"runOnly": {"type": "rule", "values": ["color-contrast"]}}
# What the theme does and we cannot mend from outside: (rule, what its selector holds, why it harms nobody).
KNOWN: list[tuple[str, str, str]] = []


@cache
def script() -> str:
    """Return axe itself. It is a part of its own, which not every machine has."""
    from axe_playwright_python.sync_playwright import Axe

    return Axe().axe_script


def violations(page, options=LEVELS) -> list[str]:
    """Return each thing on the open page that bars somebody, with where it stands."""
    # Half a megabyte, once a page.
    if not page.evaluate("'axe' in window"):
        page.evaluate(script())
    lines: list[str] = []
    for rule in page.evaluate("options => axe.run(options)", options)["violations"]:
        for node in rule["nodes"]:
            where, why = " ".join(map(str, node["target"])), " ".join(node["failureSummary"].split())
            if not any(rule["id"] == known and part in where for known, part, _ in KNOWN):
                lines.append(Trouble("axe", f"axe: {rule['id']} at {where} on {page.url}: {why}"))
    return lines


def violations_but_colours(page) -> list[str]:
    """Return the same of a page whose colours are looked at on another screen."""
    return violations(page, BUT_COLOURS)


def only_colours(page) -> list[str]:
    """Return what of it nobody can tell from what is behind it: all that another scheme may change."""
    return violations(page, ONLY_COLOURS)
