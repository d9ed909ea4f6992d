"""Pictures of everything that a client sees, on a phone and at a desk, and of the mails. `make screenshots` takes them.

They lie in docs/screenshots/client/, and docs/screenshots.md shows them side by side.
"""

import re
from email import message_from_bytes, policy
from html import escape
from pathlib import Path

import pypdfium2
from PIL import Image

from tests.browser.mailbox import Mailbox
from tests.browser.people import DESKTOP, PHONE, Person

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "docs" / "screenshots" / "client"
LISTED = ROOT / "docs" / "screenshots.md"
SCREENS = {"phone": {**PHONE, "device_scale_factor": 2}, "desktop": DESKTOP}
# A person needs a moment to read a cover.
A_MOMENT = 3.2
MAILS = {"phone": 360, "desktop": 700}


class Client:
    """One of a client's people: what they do on their phone is there at their desk too."""

    def __init__(self, album, surface="public", name="the client"):
        password = {"password": album.demo.password} if surface == "staff" else {}
        who = {"surface": surface, "name": name, **password}
        self.screens = {kind: Person(album.browser, album.demo, screen, **who) for kind, screen in SCREENS.items()}
        self.phone, self.desk = self.screens["phone"], self.screens["desktop"]
        for person in self.screens.values():
            person.page.emulate_media(reduced_motion="reduce")
            if surface == "staff":
                person.sign_in()

    def on_both(self, act, refused=0):
        for person in self.screens.values():
            with person.refused(refused):
                act(person)
        return self

    def open(self, address, refused=0):
        return self.on_both(lambda person: person.open(address), refused)

    def press(self, label, refused=0, within="body", **words):
        return self.on_both(lambda person: person.write(**words).press(label, within), refused)

    def choose(self, selector):
        return self.on_both(lambda person: person.choose(selector))

    def does(self, act):
        """Do something on the phone, and find it done at the desk."""
        act(self.phone)
        self.desk.browser.add_cookies(self.phone.browser.cookies())
        self.desk.open(self.phone.page.url.partition("#")[0])
        return self

    def comes_in(self, demo, address):
        self.phone.open("/portal/sign-in").write(email=address).press("Send me a link")
        link = demo.mailbox.link_to(address, "sign in", "/portal/enter/")
        return self.does(lambda phone: phone.open(link).press("Come in"))


class Album:
    """The pictures that were taken, and what each shows."""

    def __init__(self, browser, demo):
        self.browser, self.demo = browser, demo
        self.earlier = Mailbox(demo.mailbox.folder)
        self.earlier.read.clear()
        self.lines = []

    def somebody(self, **who):
        return Client(self, **who)

    def part(self, title, first="Phone", second="Desktop"):
        self.lines += [f"\n## {title}\n", f"| What | {first} | {second} |", "| --- | --- | --- |"]

    def note(self, words, *files):
        pictures = [f'<img alt="{words}" src="screenshots/client/{file.name}" width="{wide}">' for file, wide in files]
        self.lines.append(f"| {words} | {' | '.join(pictures)} |")
        print(f"  client/{files[0][0].name}", flush=True)

    def take(self, client, name, words, at=None, scheme="light"):
        """Take what is on both screens, from this part of the page on."""
        files = []
        for kind, person in client.screens.items():
            person.page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
            person.page.evaluate("document.activeElement?.blur()")
            if at:
                person.page.locator(at).first.evaluate("one => one.scrollIntoView({block: 'start'})")
            else:
                person.page.evaluate("scrollTo(0, 0)")
            file = FOLDER / f"{name}-{kind}.png"
            person.picture(file, whole=False)
            files.append((shrunk(file), 180 if kind == "phone" else 420))
            person.page.emulate_media(color_scheme="light", reduced_motion="reduce")
        self.note(words, *files)

    def printed(self, client, name, words):
        """Take the first pages as they leave a printer."""
        pages = pypdfium2.PdfDocument(client.desk.page.pdf(format="A4", margin=dict.fromkeys(SIDES, "18mm")))
        drawn = [pages[number].render(scale=1).to_pil() for number in range(min(len(pages), 4))]
        sheet = Image.new("RGB", (sum(one.width + 12 for one in drawn) - 12, drawn[0].height), "#999")
        for number, one in enumerate(drawn):
            sheet.paste(one, (number * (one.width + 12), 0))
        sheet.save(file := FOLDER / f"{name}.png")
        self.note(words, (shrunk(file), 600))

    def mail(self, name, words, page, text):
        """Take a mail as a page and as plain text, in a narrow and in a wide window."""
        for ending, shown in (("", page), ("-text", f"<!doctype html><pre style='{AS_TEXT}'>{escape(text)}</pre>")):
            files = []
            for kind, width in MAILS.items():
                scale = SCREENS[kind].get("device_scale_factor", 1)
                window = self.browser.new_context(
                    viewport={"width": width, "height": 400}, device_scale_factor=scale, java_script_enabled=False
                )
                sheet = window.new_page()
                sheet.set_content(shown)
                sheet.screenshot(path=(file := FOLDER / f"{name}{ending}-{kind}.png"), full_page=True)
                files.append((shrunk(file), 180 if kind == "phone" else 350))
                window.close()
            self.note(f"{words}{', as plain text' if ending else ''}", *files)

    def close(self):
        """Write down what the pictures show."""
        LISTED.write_text("\n".join([HEAD, *self.lines]) + "\n")


HEAD = """# What a client sees

Every public page on a phone (360 pixels wide) and at a desk, and every kind of mail to a client, as the demo agency has
them. `make screenshots` takes the pictures again and writes this page. Those of the staff's pages lie in
[screenshots/](screenshots)."""
SIDES = ("top", "right", "bottom", "left")
AS_TEXT = "margin:16px;font:14px/1.5 monospace;white-space:pre-wrap;overflow-wrap:anywhere"


def shrunk(file):
    """Keep a picture in a quarter of its bytes: the pages have few colours."""
    with Image.open(file) as picture:
        few = picture.convert("RGB").quantize(96, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    few.save(file, optimize=True)
    return file


def take(browser, demo):
    """Take every picture of the clients' side of a demo with its agency."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    album = Album(browser, demo)
    anybody(album)
    the_link(album)
    other_ends_of_a_link(album)
    signing_in(album)
    a_contract(album)
    the_portal(album)
    a_preview(album)
    a_file(album)
    mails(album)
    refusals(album)
    album.close()


def anybody(album):
    album.part("For anybody")
    stranger = album.somebody().open("/")
    album.take(stranger, "home", "The home page")
    album.take(stranger, "home-form", "Its form", at="#audit")
    stranger.press("Ask for an audit", within="form", refused=422)
    album.take(stranger, "home-refused", "The form, sent empty", at="form")
    album.take(stranger.open("/intake/thanks"), "thanks", "After it was sent")
    album.take(stranger.open("/privacy"), "privacy", "What we keep, and why")


def the_link(album):
    album.part("The link to a proposal")
    demo, stella = album.demo, album.somebody().open(album.demo.proposal)
    album.take(stella, "cover", "Its cover")
    album.take(stella, "cover-dark", "The cover in the dark", scheme="dark")
    stella.does(lambda phone: phone.reads_for(A_MOMENT).press("Open the proposal"))
    album.take(stella, "proposal", "The proposal, from its top")
    album.take(stella, "proposal-dark", "The same in the dark", scheme="dark")
    for name, words, at in (
        ("findings", "What we found, each claim with its proof", "[data-part=findings]"),
        ("scope", "What you get", "[data-part=scope]"),
        ("options", "What you can add, and what is not included", "[data-part=options]"),
        ("assumptions", "What we rely on", "[data-part=assumptions]"),
        ("timeline", "The weeks as a picture", "[data-part=timeline]"),
        ("prices", "What it costs", "#price"),
    ):
        album.take(stella, f"proposal-{name}", words, at=at)
    album.take(stella, "proposal-prices-dark", "The prices in the dark", at="#price", scheme="dark")
    album.printed(stella, "proposal-printed", "The proposal as it leaves a printer")
    stella.choose("#choices [type=checkbox]")
    stella.on_both(lambda one: one.page.locator("#choices [data-said]:not(:empty)").wait_for())
    album.take(stella, "proposal-chosen", "An option is chosen, and the totals follow", at="#choices")
    album.take(stella, "proposal-questions", "Questions", at="#questions")
    album.take(stella, "proposal-accept", "To accept", at="#accept")
    stella.choose("#decline summary")
    album.take(stella, "proposal-decline", "To decline", at="#decline")
    stella.press("Accept the proposal", refused=422)
    album.take(stella, "proposal-refused", "Accepted without a name: the page says where to look")
    album.take(stella, "proposal-refused-form", "The form with what is missing", at="#accept")

    colleague = album.somebody().open(demo.proposal)
    album.take(colleague, "colleague", "Somebody else opens the link")
    colleague.on_both(lambda one: one.reads_for(A_MOMENT)).press("Open it with my name", refused=422)
    album.take(colleague, "colleague-refused", "They gave no name")
    colleague.does(lambda one: one.reads_for(A_MOMENT).write(name="Jonas Weber").press("Open it with my name"))
    album.take(colleague, "colleague-reads", "They read it under their name")

    asked = {"words": "Can we begin in February instead?"}
    stella.does(lambda one: one.open(demo.proposal).write(**asked).press("Send it to"))
    album.take(stella, "proposal-asked", "A question was asked", at="#questions")
    stella.does(
        lambda one: one.write(name="Stella Novak", role="Owner", consent=True).press("Accept the proposal"),
    )
    album.take(stella, "proposal-accepted", "It is accepted")


def other_ends_of_a_link(album):
    album.part("Other ends of a link")

    def link_of(address):
        return album.earlier.link_to(address, "Our proposal", "/p/")

    declined = album.somebody().open(link_of("angela@redwoodrealty.example"))
    album.take(declined, "cover-answered", "The cover after an answer")
    declined.does(lambda one: one.reads_for(A_MOMENT).press("Read it again"))
    album.take(declined, "proposal-declined", "It was declined")
    album.take(
        album.somebody().open(link_of("rosalind@alderfinch.example")), "cover-replaced", "A link to an older one"
    )
    expired = album.somebody().open(link_of("lang@vesperoptik.example"), refused=410)
    album.take(expired, "link-expired", "Its last day has passed")
    soap = link_of("camille@maisonverte.example")
    ada = album.somebody(surface="staff", name="ada").desk.open("/admin/proposals/proposal/?q=soap")
    ada.open(ada.page.locator("#content-main tbody a").first.get_attribute("href"))
    ada.move("Withdraw", reason="They asked us to begin with the letters alone.")
    album.take(album.somebody().open(soap, refused=410), "link-withdrawn", "It was withdrawn")
    unknown = album.somebody().open(f"/p/{'x' * 43}/", refused=404)
    album.take(unknown, "link-unknown", "A link that was cut in the mail")


def signing_in(album):
    album.part("Signing in")
    address = "marta@harbor-dental.example"
    marta = album.somebody().open("/portal/sign-in")
    album.take(marta, "sign-in", "The address, and no password")
    marta.press("Send me a link", refused=422)
    album.take(marta, "sign-in-refused", "Nothing was typed")
    marta.press("Send me a link", email=address)
    album.take(marta, "sign-in-sent", "Look into your mail")
    marta.press("Come in", code="123456", refused=422)
    album.take(marta, "sign-in-wrong", "A wrong code")
    link = album.demo.mailbox.link_to(address, "sign in", "/portal/enter/")
    album.take(marta.open(link), "sign-in-enter", "The mailed link")
    marta.phone.press("Come in")
    marta.desk.expected = {410}
    marta.desk.press("Come in")
    marta.phone.open(link)
    marta.phone.expected = {410}
    marta.phone.press("Come in")
    album.take(marta, "sign-in-used", "The link a second time")


def a_contract(album):
    album.part("A contract")
    marta = album.somebody().comes_in(album.demo, "marta@harbor-dental.example")
    album.take(marta, "portal-needs", "Home: something waits for them")
    for name, words in (("onboarding", "Onboarding"), ("reports", "Reports")):
        album.take(marta.open(f"/portal/{name}/"), f"{name}-empty", f"{words}, before there is any")
    marta.open("/portal/").on_both(lambda one: one.choose("a.main-button[href*=contracts]"))
    album.take(marta, "contract", "The contract to sign")
    album.take(marta, "contract-terms", "Its terms", at=".clauses")
    album.take(marta, "contract-sign", "To sign", at="#sign")
    marta.choose("#decline summary")
    album.take(marta, "contract-decline", "To decline", at="#decline")
    marta.press("Sign the contract", refused=422)
    album.take(marta, "contract-refused", "Signed without a name", at="#sign")
    marta.does(lambda one: one.write(name="Marta Lind", role="Practice owner", consent=True).press("Sign the contract"))
    album.take(marta, "contract-signed", "Signed; another signs next")
    will = album.somebody().comes_in(album.demo, "will@stonebridgekitchens.example")
    album.take(will.choose("a[href*=contracts]"), "contract-waits", "Signed; we sign next")
    saskia = album.somebody().comes_in(album.demo, "saskia@larkspurflorists.example")
    album.take(saskia.choose("a[href*=contracts]"), "contract-sealed", "Signed by both sides")
    joel = album.somebody().comes_in(album.demo, "joel@harbor-dental.example").choose("a.main-button[href*=contracts]")
    joel.choose("#decline summary")
    joel.does(lambda one: one.write(words="The start is too early.").press("Decline the contract"))
    album.take(joel, "contract-declined", "The second one declined")


def the_portal(album):
    album.part("The portal")
    demo = album.demo
    hannah = album.somebody().comes_in(demo, "hannah@kestrelclimbing.example")
    album.take(hannah, "portal-started", "Home while we get started")
    album.take(hannah.open("/portal/onboarding/"), "onboarding", "Onboarding, and what holds us up")
    neil = album.somebody().comes_in(demo, demo.guest)
    album.take(neil, "portal", "Home once it is live")
    album.take(neil, "portal-dark", "The same in the dark", scheme="dark")
    album.take(neil, "portal-report", "Home: the latest report and the documents", at="section:nth-of-type(4)")
    album.take(neil.press("Read the report"), "report", "A report")
    album.take(neil, "report-dark", "The same in the dark", scheme="dark")
    album.take(neil, "report-words", "Its words", at="section:nth-of-type(2)")
    for name, words in (("reports", "All reports"), ("history", "What happened so far")):
        album.take(neil.open(f"/portal/{name}/"), name, words)
    neil.open("/portal/").choose("a[href*=proposals]")
    album.take(neil, "portal-proposal", "A proposal, to read again")
    neil.desk.browser.clear_cookies()
    neil.desk.open("/portal/sign-in").write(email=demo.guest).press("Send me a link")
    neil.desk.open(demo.mailbox.link_to(demo.guest, "sign in", "/portal/enter/")).press("Come in")
    neil.open("/portal/sessions/")
    album.take(neil, "sessions", "Where you are signed in")
    album.take(neil, "passkeys", "Passkeys", at="#passkeys")


def a_preview(album):
    album.part("The portal as staff see it")
    ada = album.somebody(surface="staff", name="ada")

    def looks(one):
        one.open("/admin/opportunities/client/?q=Lingua")
        one.open(one.page.locator("#content-main tbody a").first.get_attribute("href"))
        one.page.locator("form.z-as-client").first.evaluate("form => form.removeAttribute('target')")
        one.press("See the portal as this client")

    album.take(ada.on_both(looks), "preview-enter", "Before a preview")
    album.take(ada.press("Start the preview"), "portal-empty", "A client with whom nothing has begun, in a preview")
    album.take(ada.press("Leave the preview"), "preview-left", "The preview is over")


def a_file(album):
    album.part("Is this file from us?")
    saskia = album.somebody().comes_in(album.demo, "saskia@larkspurflorists.example").choose("a[href*=contracts]")
    paper = saskia.phone.page.locator("a[href$='contract.pdf']").first.get_attribute("href")
    sealed = saskia.phone.page.request.get(album.demo.portal + paper).body()
    given = {"name": "contract.pdf", "mimeType": "application/pdf"}
    anybody = album.somebody().open("/verify")
    album.take(anybody, "verify", "A file is asked for")
    anybody.press("Check the file", refused=422)
    album.take(anybody, "verify-refused", "No file was chosen")
    anybody.press("Check the file", file={**given, "buffer": sealed})
    album.take(anybody, "verify-ours", "It is ours and unchanged")
    middle = len(sealed) // 2
    changed = sealed[:middle] + bytes([sealed[middle] ^ 1]) + sealed[middle + 1 :]
    anybody.press("Check the file", file={**given, "buffer": changed})
    album.take(anybody, "verify-changed", "It was changed")


def refusals(album):
    album.part("When we cannot show it")
    stranger = album.somebody().open("/nothing-here", refused=404)
    album.take(stranger, "refused-404", "There is no such page")

    def without_cookies(one):
        one.open("/portal/sign-in").browser.clear_cookies()
        one.write(email="somebody@company.example").press("Send me a link")

    album.take(stranger.on_both(without_cookies, refused=403), "refused-403", "A form came without its cookie")
    stranger.open("/verify")
    with stranger.phone.refused(422, 429):
        for _ in range(60):
            stranger.phone.page.evaluate("fetch('/verify', {method: 'POST', body: new FormData(document.forms[0])})")
    album.take(stranger.press("Check the file", refused=429), "refused-429", "Too many files in an hour")


def mails(album):
    album.part("Mails", "360 pixels", "700 pixels")
    newest = {}
    for file in sorted(album.demo.mailbox.folder.glob("*.eml")):
        mail = message_from_bytes(file.read_bytes(), policy=policy.default)
        page, text = mail.get_body(("html",)), mail.get_body(("plain",))
        if page and text:
            newest[mail["Subject"].partition(":")[0].strip()] = (page.get_content(), text.get_content())
    for kind, (page, text) in sorted(newest.items()):
        name = re.sub(r"[^a-z]+", "-", kind.lower()).strip("-")
        album.mail(f"mail-{name}", kind, page, text)
