import json
import logging
import os
import signal
import sys

from django.core.management.base import BaseCommand, CommandError

from opportunities.records import Refused
from zarts.retest import parts, runs
from zarts.retest.models import RetestRun

log = logging.getLogger("zarts.retest")
State = RetestRun.State
STATUS = {State.GREEN: 0, State.FINDINGS: 1, State.FAILED: 2}


class Command(BaseCommand):
    help = (
        "Walk through an installation that runs, with a real browser, and write down what is wrong: 0 nothing, "
        "1 something, 2 it could not be walked. It moves nothing. docs/retest.md says what it looks at."
    )

    def add_arguments(self, parser):
        parser.add_argument("--url", default="", help="The staff surface; without it SITE_URL.")
        parser.add_argument("--portal-url", default="", help="The public surface; without it PORTAL_URL.")
        parser.add_argument(
            "--only",
            default="",
            help="Narrow it: parts (sign-in rights pages portal proposals mail links), roles (manager), or pieces of "
            "addresses (lead).",
        )
        parser.add_argument("--phone-only", action="store_true", help="Look at 360 pixels alone.")
        parser.add_argument("--json", action="store_true", help="Print what was found as JSON.")
        parser.add_argument("--run", type=int, help="Walk the run that was asked for on the page. For the worker.")

    def handle(self, **options):
        run = self.run_of(options)
        for number in (signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, lambda *_: sys.exit(2))
        walk(run)
        self.stdout.write(json.dumps(as_json(run), indent=2) if options["json"] else in_words(run))
        if STATUS[run.state]:
            sys.exit(STATUS[run.state])

    def run_of(self, options) -> RetestRun:
        if options["run"]:
            run = RetestRun.objects.filter(pk=options["run"], state=State.WALKING).first()
            if run is None:
                raise CommandError(f"There is no retest {options['run']} that is to be walked.", returncode=2)
            return run
        about = {"site": options["url"].rstrip("/"), "portal": options["portal_url"].rstrip("/")}
        try:
            run = runs.ask(only=options["only"][:200], phone_only=options["phone_only"], **about)
        except Refused as refusal:
            raise CommandError(str(refusal), returncode=2) from None
        if not runs.claim(run):
            raise CommandError("A worker took this retest up. Its page says how far it is.", returncode=2)
        run.refresh_from_db()
        return run


def walk(run):
    """Walk, and end the run whatever happens."""
    if lack := parts.missing():
        runs.end(run, lack)
        return
    from playwright.sync_api import sync_playwright

    from zarts.retest.looking import chromium
    from zarts.retest.walk import CannotWalk, Walk

    # The browser is driven by a loop of its own; what asks the database is this one thread all the same.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"
    run.versions = parts.versions()
    why, done = "It was stopped. Start it again.", None
    try:
        with sync_playwright() as playwright:
            browser = chromium(playwright)
            steps = Walk(run, browser)
            why = steps.go()
            browser.close()
            done = steps.looked
    except runs.Ended:
        log.info("%s was ended by somebody else.", run)
    except CannotWalk as lack:
        why = str(lack)
    except Exception as trouble:
        log.exception("%s broke off.", run)
        why = f"It broke off at {run.progress}: {trouble}"
    finally:
        runs.end(run, why, done)


def as_json(run) -> dict:
    listed = [
        {name: getattr(each, name) for name in ("kind", "page", "who", "width", "words", "is_new")}
        for each in run.findings.defer("picture").order_by("pk")
    ]
    mended = list(run.mended.values_list("words", flat=True).distinct())
    return {
        "run": run.pk,
        "state": run.state,
        "pages": run.done,
        "seconds": seconds(run),
        "site": run.site,
        "portal": run.portal,
        "versions": run.versions,
        "said": run.said,
        "why": run.why,
        "findings": listed,
        "mended": mended,
    }


def seconds(run) -> int:
    return round((run.ended_at - run.began_at).total_seconds())


def in_words(run) -> str:
    """Return what a run came to, for whoever reads a terminal."""
    found = as_json(run)
    lines = []
    for kind, label in run.findings.model.Kind.choices:
        of_kind = [each for each in found["findings"] if each["kind"] == kind]
        if of_kind:
            lines += [f"{label} ({len(of_kind)})"]
            for each in of_kind:
                wide = f", {each['width']} px" if each["width"] else ""
                new = "new" if each["is_new"] else "still"
                lines += [f"  {new}: {each['page']} ({each['who']}{wide}): {each['words']}"]
    lines += [f"Mended: {words}" for words in found["mended"]]
    lines += [*run.said, *filter(None, [run.why])]
    count = len(found["findings"])
    told = {State.GREEN: "green", State.FINDINGS: f"{count} findings", State.FAILED: "not walked to its end"}
    return "\n".join([*lines, f"{run}: {told[run.state]}, {run.done:,} pages in {seconds(run)} s."])
