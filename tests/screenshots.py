"""Take the pictures in docs/screenshots/ again: `make screenshots`.

Starts a demo of its own on a throw-away folder, with its believable agency, and looks at it as its people do.
With `--data FOLDER` it looks at the demo that runs on that folder instead.
With `--of clients` it takes what clients see and nothing else; likewise `staff` and `empty`.
"""

import argparse
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager, nullcontext
from pathlib import Path
from secrets import token_urlsafe

from playwright.sync_api import sync_playwright

from tests import client_pictures
from tests.browser.mailbox import Mailbox
from tests.browser.people import Person, chromium, two_ports

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "docs" / "screenshots"
TIME_TO_START = 900


class Demo:
    """A demo that runs, as its own page of sign-ins tells it."""

    def __init__(self, folder):
        self.mailbox = Mailbox(folder / "mail")
        self.told = (folder / "sign-ins.txt").read_text()
        self.site = self.find(r"(http\S+)/admin/ ")
        self.portal = self.find(r"(http\S+)/portal/sign-in")
        self.password = self.find(r"the password (\S+)")
        self.proposal = self.find(r"(http\S+/p/\S+)")
        self.guest = self.find(r"(\S+@\S+) .*live, with reports")

    def find(self, pattern):
        return re.search(pattern, self.told).group(1)

    def words(self):
        return ""


class Empty:
    """A demo that runs, in which nothing has happened yet: one administrator, and whatever a house begins with."""

    password = token_urlsafe(12)

    def __init__(self, port, environment):
        self.site, self.portal = f"http://localhost:{port}", f"http://localhost:{port + 1}"
        made = {"DJANGO_SUPERUSER_USERNAME": "eve", "DJANGO_SUPERUSER_EMAIL": "eve@zarts.example"}
        made["DJANGO_SUPERUSER_PASSWORD"] = self.password
        command = [sys.executable, "manage.py", "createsuperuser", "--no-input"]
        subprocess.run(command, cwd=ROOT, env={**environment, **made}, check=True, stdout=subprocess.DEVNULL)

    def words(self):
        return ""


@contextmanager
def own_demo(empty=False):
    """Run a demo until the pictures are taken."""
    with tempfile.TemporaryDirectory(prefix="zarts-pictures-") as name:
        folder, port = Path(name), two_ports()
        environment = {**os.environ, "DATA_DIR": name, "PORT": str(port), "EMBEDDED_FAST": "1"}
        environment["DEMO_DATA"] = "0" if empty else "1"
        command = [sys.executable, "-m", "zarts.demo"]
        demo = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True)
        try:
            deadline = time.monotonic() + TIME_TO_START
            for line in demo.stdout:
                print(line, end="", flush=True)
                if line.startswith("ready") or time.monotonic() > deadline:
                    break
            if demo.poll() is not None:
                sys.exit("The demo did not start.")
            yield Empty(port, environment) if empty else Demo(folder)
        finally:
            demo.send_signal(signal.SIGTERM)
            demo.wait()


class Camera:
    """Takes pictures of what people see on one kind of screen."""

    def __init__(self, browser, demo, name, screen):
        self.browser, self.demo, self.name, self.screen = browser, demo, name, screen
        self.people = []

    def somebody(self, surface, who):
        person = Person(self.browser, self.demo, self.screen, surface=surface, name=who, password=self.demo.password)
        self.people.append(person)
        return person.sign_in()

    def picture(self, person, of, put_down=True):
        if put_down:
            person.page.evaluate("document.activeElement?.blur()")
        person.picture(file := FOLDER / f"{of}-{self.name}.png", whole=False)
        client_pictures.shrunk(file)
        print(f"  {of}-{self.name}.png", flush=True)

    def leave(self):
        for person in self.people:
            person.close()


def first(person, address, link="#content-main tbody a"):
    """Open the first that stands in a list."""
    return person.open(person.open(address).page.locator(link).first.get_attribute("href"))


def take(camera):
    """Take every picture of a demo with its agency on one kind of screen."""
    picture = camera.picture
    ada, ben = camera.somebody("staff", "ada"), camera.somebody("staff", "ben")
    picture(ada.open("/admin/today/"), "today")
    picture(ada.open("/admin/opportunities/lead/"), "leads")
    picture(first(ada, "/admin/opportunities/import/"), "import")
    picture(ben.open("/admin/pipeline/"), "pipeline")
    picture(ben.open("/admin/pipeline/?look=table"), "table")
    picture(first(ada, "/admin/opportunities/opportunity/?stage=audit"), "record")
    deal = first(ben, "/admin/opportunities/opportunity/?stage=won").page.url.partition("#")[0].partition("?")[0]
    picture(ben.open(f"{deal}?tab=checklist"), "checklist")
    picture(ben.open(deal.replace("change/", "outputs/")), "outputs")
    picture(ben.open(f"{deal}?tab=handoff").press("What delivery inherits"), "handover")
    picture(first(ada, "/admin/opportunities/discovery/"), "discovery")
    picture(first(ada, "/admin/opportunities/audit/?stage=verified"), "audit")
    picture(first(ada, "/admin/opportunities/evidence/"), "evidence")
    picture(ben.open("/admin/approvals/").choose("#content-main [data-row] a"), "approvals")
    picture(ben.open("/admin/approvals/pace/?days=90"), "pace")
    picture(first(ada, "/admin/proposals/proposal/?stage=draft"), "composer")
    picture(first(ada, "/admin/proposals/summary/?stage=draft"), "summary-editor")
    picture(first(ben, "/admin/proposals/proposal/?stage=accepted").choose("#claims a[href*=rests]"), "blast-radius")
    revised = first(ben, "/admin/proposals/proposal/?stage=superseded")
    picture(revised.choose("#revisions a[href*=difference]"), "difference")
    picture(ada.open("/admin/opportunities/task/"), "tasks")
    picture(first(ada, "/admin/opportunities/task/"), "task")
    picture(ada.open("/admin/opportunities/message/"), "messages")
    picture(first(ada, "/admin/opportunities/message/"), "message")
    picture(ada.open("/admin/notices/"), "notices")
    picture(first(ada, "/admin/opportunities/winback/"), "win-back")
    picture(first(camera.somebody("staff", "priya"), "/admin/opportunities/campaign/"), "campaign")
    picture(first(ben, "/admin/opportunities/sequence/"), "sequence")
    picture(first(ben, "/admin/opportunities/messagetemplate/"), "template")
    deal = first(ada, "/admin/opportunities/opportunity/?stage=audit").page.url.partition("#")[0].partition("?")[0]
    picture(ada.open(deal.replace("change/", "write/")), "write")
    picture(camera.somebody("staff", "eve").open("/admin/due/"), "due")
    take_delivery(camera, ben)
    take_the_whole(camera, ada, ben)


def take_delivery(camera, ben):
    """Take what delivery works with, and what managers read of it."""
    picture, dora = camera.picture, camera.somebody("staff", "dora")
    picture(first(dora, "/admin/handoff/handoff/"), "handoff")
    picture(first(dora, "/admin/handoff/project/?stage=live"), "project")
    signed = first(ben, "/admin/opportunities/opportunity/?stage=contract").page.url
    picture(ben.open(signed.partition("#")[0].partition("?")[0].replace("change/", "inherits/")), "inherits")
    picture(first(dora, "/admin/handoff/report/?stage=drafting"), "report")
    picture(dora.open("/admin/reports/calendar/"), "report-calendar")
    picture(ben.open("/admin/reports/reliability/"), "reliability")
    picture(ben.open("/admin/claims/"), "claims")
    picture(ben.open("/admin/won-and-lost/"), "won-and-lost")


def take_the_whole(camera, ada, ben):
    """Take where everything is found, counted, taken along and connected."""
    picture, eve = camera.picture, camera.somebody("staff", "eve")
    ben.open("/admin/today/").page.keyboard.press("/")
    ben.page.keyboard.type("crumb")
    ben.page.locator("[data-below] [id^=find-hit]").first.wait_for()
    picture(ben, "search", put_down=False)
    picture(ben.open("/admin/numbers/"), "numbers")
    picture(ben.open("/admin/catalogue/"), "catalogue")
    picture(ben.open("/admin/catalogue/leads/admin/"), "catalogue-view")
    picture(ben.open("/admin/tokens/"), "tokens")
    picture(eve.open("/admin/hooks/endpoint/"), "webhooks")
    picture(ada.open("/admin/take-out/"), "take-out")
    picture(eve.open("/admin/retests/"), "retest")


# The pages of a house in which nothing has happened yet.
NAMES = {
    "today": "today",
    "pipeline": "pipeline",
    "pipeline/?look=table": "table",
    "approvals": "approvals",
    "opportunities/lead": "leads",
    "opportunities/opportunity": "opportunities",
    "opportunities/client": "clients",
    "opportunities/import": "imports",
    "opportunities/discovery": "discoveries",
    "opportunities/audit": "audits",
    "opportunities/evidence": "evidence",
}


def take_empty(camera):
    """Take every picture of a demo in which nothing has happened."""
    eve = camera.somebody("staff", "eve")
    for page, name in NAMES.items():
        camera.picture(eve.open(f"/admin/{page}" if "?" in page else f"/admin/{page}/"), f"empty/{name}")


def main():
    parser = argparse.ArgumentParser(prog="tests.screenshots", description=__doc__)
    parser.add_argument("--data", type=Path, help="the data folder of a demo that runs")
    parser.add_argument("--of", choices=("staff", "clients", "empty"), help="take a part of the pictures")
    given = parser.parse_args()
    wanted = {given.of} if given.of else {"staff", "clients"} if given.data else {"staff", "clients", "empty"}
    (FOLDER / "empty").mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = chromium(playwright)
        if wanted & {"staff", "clients"}:
            with nullcontext(Demo(given.data)) if given.data else own_demo() as demo:
                if "staff" in wanted:
                    on_each_screen(take, browser, demo)
                if "clients" in wanted:
                    client_pictures.take(browser, demo)
        if "empty" in wanted:
            with own_demo(empty=True) as demo:
                on_each_screen(take_empty, browser, demo)


def on_each_screen(shots, browser, demo):
    for name, screen in client_pictures.SCREENS.items():
        camera = Camera(browser, demo, name, screen)
        shots(camera)
        camera.leave()


if __name__ == "__main__":
    main()
