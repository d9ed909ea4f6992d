"""A mail to somebody outside, in the look of the client's pages, with plain text of the same words beside it."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from email.mime.image import MIMEImage

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string

ADDRESS = re.compile(r"https?://\S+")
# The code of a sign-in, which somebody types from one device into another.
CODE = re.compile(r"\d{3} \d{3}")
# What a button says, by the page that it leads to. That page says the same.
BUTTONS = {
    "/p/": "Open the proposal",
    "/portal/enter/": "Come in",
    "/portal/sign-in": "Sign in",
    "/portal/contracts/": "Open the contract",
    "/portal/reports/": "Open your reports",
    "/portal/questions/": "Open your questions",
    "/portal/onboarding/": "Open your list",
}
# The last words of a mail say why it came, or how it is stopped.
FOOT = re.compile(r"-- |You get this mail because")

# What goes along with the mails of a template. An app above this one says how it is found.
ENCLOSED: dict[str, Callable] = {}


def encloses(template):
    """Let a function give the files that go along with the mails of a template: each a name, bytes and a type."""
    return lambda files_of: ENCLOSED.setdefault(template, files_of)


def enclosed_with(message) -> list:
    files_of = ENCLOSED.get(message.template)
    return files_of(message) if files_of else []


# How the logo becomes a picture that every mail program shows. An app above this one draws it.
DRAWN_BY: list[Callable] = []
# By what the page of a mail calls the picture that comes with it.
LOGO = "logo@agency"


def draws_the_logo(draw):
    """Let a function give the file of a logo as a PNG, or nothing."""
    DRAWN_BY[:] = [draw]
    return draw


def logo_of_the_agency() -> MIMEImage | None:
    """Return the logo as a part of a mail, so that nothing is asked for anywhere when it is read."""
    drawn = DRAWN_BY[0](settings.AGENCY_LOGO) if DRAWN_BY and settings.AGENCY_LOGO else None
    if drawn is None:
        return None
    picture = MIMEImage(drawn, "png")
    picture["Content-ID"] = f"<{LOGO}>"
    picture.add_header("Content-Disposition", "inline", filename="logo.png")
    return picture


@dataclass
class Line:
    """A line of a mail: words, or a link that stands alone."""

    words: str

    @property
    def link(self) -> str:
        return self.words if ADDRESS.fullmatch(self.words) else ""

    @property
    def button(self) -> str:
        return next((words for path, words in BUTTONS.items() if path in self.words), "Open the page")

    @property
    def is_code(self) -> bool:
        return bool(CODE.fullmatch(self.words))


@dataclass
class Part:
    lines: list[Line]
    is_foot: bool


def parts_of(words) -> list[Part]:
    """Return a mail's paragraphs, each line by line."""
    found = (part.strip("\n") for part in re.split(r"\n[ \t]*\n", words.replace("\r\n", "\n")))
    shown = ((FOOT.match(part), part.removeprefix("-- \n")) for part in found if part.strip())
    return [Part([Line(line.strip()) for line in part.split("\n")], bool(foot)) for foot, part in shown]


def as_page(subject, words, logo="") -> str:
    """Return the words of a mail as HTML. Nothing in them is markup."""
    shown = {"subject": subject, "parts": parts_of(words), "agency": settings.AGENCY_NAME, "logo": logo}
    return render_to_string("mail/letter.html", shown | {"colour": settings.AGENCY_COLOUR})


def mail(subject, words, sender, to, **fields) -> EmailMultiAlternatives:
    """Return a mail with the same words twice: as plain text, and as a page."""
    letter = EmailMultiAlternatives(subject, words, sender, to, **fields)
    picture = logo_of_the_agency()
    letter.attach_alternative(as_page(subject, words, LOGO if picture else ""), "text/html")
    if picture:
        if not letter.attachments:
            letter.mixed_subtype = "related"  # the picture belongs to the page, and is no file of its own
        letter.attach(picture)
    return letter
