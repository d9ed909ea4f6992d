"""People at a browser. What they do reads like what they would say; each page that they reach is looked at."""

import re
import socket
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings
from playwright.sync_api import Error, expect

from zarts.demo import HOST, is_free
from zarts.retest.looking import DESKTOP, PHONE, Watch, chromium

__all__ = ["DESKTOP", "PHONE", "PASSWORD", "Person", "chromium", "expect", "two_ports"]

PASSWORD = "correct horse battery"
# Several houses share a machine in a run of the whole suite.
expect.set_options(timeout=15_000)


def two_ports() -> int:
    """Return a free port whose neighbour is free too."""
    while True:
        with socket.socket() as probe:
            probe.bind((HOST, 0))
            port = probe.getsockname()[1]
        if port < 65534 and is_free(port) and is_free(port + 1):
            return port


class Person(Watch):
    """Somebody with a browser of their own."""

    def __init__(
        self, browser, house, screen, *, surface, name="", looks=None, scheme="light", scripts=True, password=PASSWORD
    ):
        self.house, self.name, self.password = house, name, password
        self.home = house.site if surface == "staff" else house.portal
        # A preview leads staff over to the clients' side.
        ours = {f"{self.home}/", f"{house.portal}/"}
        here = {"locale": "en-GB", "timezone_id": "UTC", "color_scheme": scheme, "java_script_enabled": scripts}
        self.browser = browser.new_context(**screen, **here)
        super().__init__(self.browser.new_page(), ours, looks)
        self.page.set_default_timeout(15_000)
        self.page.on("dialog", lambda dialog: dialog.accept())

    # -- What goes wrong. ----------------------------------------------------------------------------------------------

    @contextmanager
    def refused(self, *statuses):
        """Expect these answers meanwhile."""
        self.expected = set(statuses)
        yield
        self.expected = set()

    def look(self):
        """Find nothing wrong with the page that is open: no fault behind it, and nothing beside it."""
        self.look_over()
        assert not self.troubles, f"{self.name} met: " + "\n".join(self.troubles) + f"\n{self.house.words()}"

    # -- What people do. -----------------------------------------------------------------------------------------------

    def open(self, address):
        """Go to a page of this surface, or to a whole address."""
        whole = address if "://" in address else self.home + address
        try:
            self.page.goto(whole)
        except Error as error:
            if "ERR_ABORTED" not in error.message:
                raise
            # The page that was open went on by itself just then.
            self.page.goto(whole)
        self.look()
        return self

    def sign_in(self):
        self.open("/admin/login/")
        self.write(username=self.name, password=self.password)
        self.press("Log in")
        return self

    def come_in(self, cookie):
        """Be signed in already: to type a password each time proves nothing new, and takes a second."""
        self.browser.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": cookie, "url": self.home}])
        return self.open("/admin/")

    def write(self, **fields):
        """Type into the fields of these names; choose where there is something to choose."""
        for name, value in fields.items():
            self.write_into(name, value)
        return self

    def write_into(self, name, value):
        field = self.page.locator(f"[name='{name}']:visible").first
        kind = field.evaluate("field => field.tagName + (field.type || '')")
        if kind.startswith("SELECT"):
            labels = field.locator("option").all_inner_texts()
            field.select_option(label=next(label for label in labels if label.strip().startswith(value)))
        elif kind == "INPUTfile":
            field.set_input_files(value)
        elif kind == "INPUTcheckbox":
            field.set_checked(value)
        elif kind == "INPUTradio":
            self.page.get_by_role("radio", name=value, exact=True).check()
        else:
            field.fill(str(value))

    def press(self, label, within="body"):
        """Press the button or the link with this label, or that begins with it, and go where it leads."""
        place, start = self.page.locator(within), rf"^\s*{re.escape(label)}"
        things = [self.things(place, re.compile(start + end)) for end in (r"(…|\s)*$", "")]
        things[1].first.wait_for()
        (things[0] if things[0].count() else things[1]).first.click()
        self.look()
        return self

    def choose(self, selector):
        """Press the first thing that this names."""
        self.page.locator(selector).first.click()
        self.look()
        return self

    def things(self, place, label):
        either = place.get_by_role("button", name=label).or_(place.get_by_role("link", name=label))
        return either.locator("visible=true")

    def move(self, label, **words):
        """Make a move of the record whose page is open, with the words that it asks for."""
        self.press(label, within="#moves")
        if words:
            self.write(**words)
            self.press(label, within=".z-form")
        return self

    def confirm(self, fact, words):
        """Confirm one of the seven facts of the lead whose page is open."""
        row = self.page.locator("#facts li").filter(has=self.page.get_by_label(fact, exact=True))
        row.locator("[name=value]").fill(words)
        row.get_by_role("button", name="Confirm").click()
        self.look()
        return self

    def save(self):
        return self.press("Save")

    def add_row(self, section, *, evidence="", **fields):
        """Add a row in a section of the proposal whose page is open, and save it."""
        self.page.locator(f"#{section} [data-add]").click()
        form = self.page.locator(f"#{section} form[data-write]")
        form.wait_for()
        self.write(**fields)
        if evidence:
            form.get_by_label(re.compile(rf"^\s*{re.escape(evidence)}")).check()
        form.get_by_role("button", name="Save").click()
        form.wait_for(state="detached")
        self.look()
        return self

    def rest_rows_on(self, evidence):
        """Rest each row of scope, timeline and price of the proposal whose page is open on a piece of evidence."""
        for section in ("included", "timeline", "pricing"):
            for number in range(self.page.locator(f"#{section} a.z-row-open").count()):
                self.page.locator(f"#{section} a.z-row-open").nth(number).click()
                form = self.page.locator(f"#{section} form[data-write]")
                form.wait_for()
                choice = form.locator("[name=evidence]")
                choice.select_option(choice.locator("option", has_text=evidence).first.get_attribute("value"))
                form.get_by_role("button", name="Save").click()
                form.wait_for(state="detached")
        self.look()
        return self

    def settle_each(self, rows, *moves, **words):
        """Go through the rows below the record whose page is open, and make these moves of each."""
        here = self.page.url
        links = self.page.locator(f"#{rows}-group .field-page a, #{rows}-group .z-what > a")
        for address in [link.get_attribute("href") for link in links.all()]:
            self.open(address).move(moves[0], **words)
            for label in moves[1:]:
                self.move(label)
        return self.open(here)

    def tab_to(self, role, name):
        """Go on by Tab to the control of this role with this name."""
        return self.tab_to_one(self.page.get_by_role(role, name=name).first)

    def tab_to_one(self, control):
        for _ in range(80):
            self.page.keyboard.press("Tab")
            if control.evaluate("one => one === document.activeElement"):
                return self
        raise AssertionError(f"Tab never came to {control} on {self.page.url}")

    def types(self, label, words):
        """Go on by Tab to the field with this label, and type."""
        self.tab_to("textbox", label).page.keyboard.type(words)
        return self

    def presses(self, role, name, key="Enter"):
        """Go on by Tab to a control, and press it with a key. What comes of it comes later."""
        self.tab_to(role, name).page.keyboard.press(key)
        return self

    def reads_for(self, seconds):
        """Take the time that a person takes."""
        self.page.wait_for_timeout(seconds * 1000)
        return self

    def sees(self, text):
        expect(self.page.get_by_text(text).locator("visible=true").first).to_be_visible()
        return self

    def is_shown(self, selector):
        """Find this part of the page in the window, not somewhere below."""
        expect(self.page.locator(selector)).to_be_in_viewport()
        return self

    def waits_for(self, text):
        """Reload until the page says it: something happens behind it."""
        for _ in range(60):
            self.page.reload()
            if self.page.get_by_text(text).locator("visible=true").count():
                self.look()
                return self
            self.page.wait_for_timeout(100)
        raise AssertionError(f"{self.page.url} never said “{text}”.\n{self.house.words()}")

    def picture(self, path: Path, *, whole=True):
        self.page.screenshot(path=path, full_page=whole)

    def close(self):
        # What a test held back of the page's own asking ends here, and is no trouble of the test that follows.
        self.page.unroute_all(behavior="ignoreErrors")
        self.browser.close()
