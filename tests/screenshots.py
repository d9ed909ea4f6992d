"""Take the pictures in docs/screenshots/ again: `make screenshots`.

Starts a demo of its own on a throw-away folder, with its believable agency, and looks at it as its people do.
With `--data FOLDER` it looks at the demo that runs on that folder instead.
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

from playwright.sync_api import sync_playwright

from tests.browser.mailbox import Mailbox
from tests.browser.people import DESKTOP, PHONE, Person, chromium, two_ports

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "docs" / "screenshots"
SCREENS = {"desktop": DESKTOP, "phone": {**PHONE, "device_scale_factor": 2}}
TIME_TO_START = 300


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


@contextmanager
def own_demo():
    """Run a demo until the pictures are taken."""
    with tempfile.TemporaryDirectory(prefix="zarts-pictures-") as name:
        folder, port = Path(name), two_ports()
        environment = {**os.environ, "DATA_DIR": name, "PORT": str(port), "EMBEDDED_FAST": "1"}
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
            yield Demo(folder)
        finally:
            demo.send_signal(signal.SIGTERM)
            demo.wait()


def take(demo, browser, name, screen):
    """Take every picture on one kind of screen."""

    def somebody(surface, who="the client"):
        return Person(browser, demo, screen, surface=surface, name=who, password=demo.password)

    def picture(person, of):
        person.page.evaluate("document.activeElement?.blur()")
        person.picture(FOLDER / f"{of}-{name}.png", whole=False)
        print(f"  {of}-{name}.png", flush=True)

    ada, ben, client = somebody("staff", "ada").sign_in(), somebody("staff", "ben").sign_in(), somebody("public")
    picture(ada.open("/admin/today/"), "today")
    picture(ada.open("/admin/opportunities/lead/"), "leads")
    picture(ben.open("/admin/pipeline/"), "pipeline")
    record = ada.open("/admin/opportunities/opportunity/?stage=audit").page.locator("#content-main tbody a").first
    picture(ada.open(record.get_attribute("href")), "record")
    picture(ben.open("/admin/approvals/").choose("#content-main [data-row] a"), "approvals")

    picture(client.open(demo.proposal), "proposal-cover")
    picture(client.reads_for(2.2).choose("main form button"), "proposal")
    client.open("/portal/sign-in").write(email=demo.guest).press("Send me a link")
    client.open(demo.mailbox.link_to(demo.guest, "", "/portal/enter/")).press("Come in")
    picture(client, "portal")
    picture(client.press("Read the report"), "report")
    for person in (ada, ben, client):
        person.close()


def main():
    parser = argparse.ArgumentParser(prog="tests.screenshots", description=__doc__)
    parser.add_argument("--data", type=Path, help="the data folder of a demo that runs")
    given = parser.parse_args()
    FOLDER.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright, nullcontext(Demo(given.data)) if given.data else own_demo() as demo:
        browser = chromium(playwright)
        for name, screen in SCREENS.items():
            take(demo, browser, name, screen)


if __name__ == "__main__":
    main()
