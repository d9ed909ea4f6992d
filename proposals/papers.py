"""The PDF of a proposal, of a contract and of a report: exactly what was published, and nothing else.

A paper is made from the frozen snapshot alone, so that the same snapshot gives the same bytes. What anybody typed goes
to typst as data and never as markup.
"""

import hashlib
import json
import logging
import re
import unicodedata
from datetime import UTC, timedelta
from functools import cache
from pathlib import Path
from typing import Literal

import typst
from django.conf import settings
from django.utils import timezone

from opportunities.letters import draws_the_logo
from opportunities.models import Event
from opportunities.records import Refused
from portal import charts, offer
from portal.looks import static_file
from portal.models import ClientAction, Paper, Publication
from portal.papers import label
from portal.templatetags.portal import day, figure, money
from portal.words import another_name

from . import sealing

log = logging.getLogger("zarts.papers")
TEMPLATES = settings.BASE_DIR / "templates" / "papers"
FONTS = typst.Fonts(include_system_fonts=False)
# For archives: everything that it needs is in it, and nothing in it runs.
STANDARD: Literal["a-2b"] = "a-2b"

# -- When they are made. -----------------------------------------------------------------------------------------------


def keep(publication):
    """Make the paper of a publication, once, in the transaction that publishes it."""
    if publication.papers.filter(kind=Paper.Kind.READ).exists():
        return
    file = of(publication)
    # Nobody signs a report: its numbers carry our seal from the start, where there is one.
    if publication.kind == "report" and sealing.is_set():
        file = sealing.seal(file, reason=label("report", publication.body))
    store(publication, Paper.Kind.READ, file)


def keep_sealed(contract, publication):
    """Make the sealed copy of a contract that both sides signed: what was signed, and the certificate of it."""
    signatures = list(contract.signatures.order_by("at", "id"))
    digests = {signature.digest for signature in signatures}
    signed = Publication.objects.filter(kind="contract", ref=publication.ref, digest__in=digests).first()
    if signed is None or len(digests) != 1:
        raise Refused([f"The signatures under {contract.number} are not all under one text that we published."])
    if publication.papers.filter(kind=Paper.Kind.SEALED).exists():
        return
    at = max(signature.at for signature in signatures)
    sheet = sheet_of(signed) | {"certificate": certificate(contract, signatures), "date": moment_of(at)}
    file = sealing.seal(compiled("contract", sheet), reason=label("contract", signed.body))
    store(publication, Paper.Kind.SEALED, file)


def store(publication, kind, file):
    Paper.objects.create(publication=publication, kind=kind, bytes=file, sha256=hashlib.sha256(file).hexdigest())


def of(publication) -> bytes:
    """Return the PDF of a publication, not sealed. The same publication gives the same bytes."""
    return compiled(publication.kind, sheet_of(publication))


# -- What stands in them. ----------------------------------------------------------------------------------------------

SCOPE = {
    "included": "What you get",
    "optional": "What you can add",
    "excluded": "What is not included",
    "assumption": "What we assume",
    "dependency": "What we need from you",
    "integration": "What we connect to",
}
KINDS = {"projection": "A projection.", "guarantee": "A guarantee."}


def sheet_of(publication) -> dict:
    """Return a snapshot as the templates of the papers want it: words and figures, ready to be set."""
    body = publication.body
    return {
        "agency": settings.AGENCY_NAME,
        "label": label(publication.kind, body),
        "title": publication.title,
        "digest": publication.digest,
        "date": moment_of(publication.published_at),
        "facts": facts_of(publication),
        **(report_of(body) if publication.kind == "report" else offer_of(body)),
    }


def offer_of(body) -> dict:
    """Return what a proposal and a contract say below their title."""
    shown = offer.shown_offer(body)
    return {
        "intro": body.get("intro") or "",
        "sender": (body.get("from") or {}).get("name") or "",
        "findings": [titled(row) for row in body.get("findings") or []],
        "claims": [claim_of(row) for row in body.get("claims") or []],
        "scope": [
            {"heading": heading, "rows": [titled(row) for row in body["scope"][kind]]}
            for kind, heading in SCOPE.items()
            if (body.get("scope") or {}).get(kind)
        ],
        "weeks": weeks_of(shown["weeks"]),
        "prices": [price_of(line, shown) for line in body.get("prices") or []],
        "priced": priced_of(body, shown),
        "totals": [
            [words, amount_of(shown["totals"][key], shown)]
            for key, words in (("once", "Once"), ("monthly", "Each month"), ("first_year", "First year"))
        ],
        "reporting": reporting_of(body),
        "clauses": [titled(row) for row in body.get("clauses") or []],
        "signers": [[signer.get("name") or "", signer.get("role") or ""] for signer in body.get("signers") or []],
        "certificate": None,
    }


def titled(row) -> dict:
    return {"title": row.get("title") or "", "text": row.get("text") or ""}


def facts_of(publication) -> list:
    """Return the lines under the title: for whom, from whom, and until when."""
    body, sender = publication.body, publication.body.get("from") or {}
    by = ", ".join(filter(None, [sender.get("name"), sender.get("role"), settings.AGENCY_NAME]))
    on = day(timezone.localdate(publication.published_at, timezone.get_default_timezone()))
    if publication.kind == "report":
        # Its period stands above its title.
        facts = [("For", body.get("client")), ("From", settings.AGENCY_NAME), ("Date", on)]
    elif publication.kind == "contract":
        parties = "\n".join(body.get("parties") or [body.get("client") or "", settings.AGENCY_NAME])
        facts = [("Between", parties), ("Drawn up", on), ("Your contact", by), ("Mail", sender.get("email"))]
    else:
        facts = [("For", body.get("client")), ("From", by), ("Mail", sender.get("email")), ("Date", on)]
    facts += [("Valid until", day(body.get("valid_until"))), ("Decide by", day(body.get("decide_by")))]
    return [[name, value] for name, value in facts if value]


def claim_of(claim) -> dict:
    return {
        "text": claim.get("text") or "",
        "kind": KINDS.get(claim.get("kind"), ""),
        "proof": [
            {
                "what": spaced(proof.get("metric"), figure(proof.get("value")), proof.get("unit")),
                "from": ", ".join(filter(None, [proof.get("provider"), day(proof.get("captured_on"))])),
            }
            for proof in claim.get("proof") or []
        ],
    }


def weeks_of(rows) -> dict:
    """Return the timeline with each bar's place and length in percent of all its weeks."""
    longest = rows[0]["all"] if rows else 1
    return {
        "all": int(longest),
        "rows": [
            {
                "title": row.get("title") or "",
                "who": row.get("who") or "",
                "said": list(filter(None, [row.get("text"), f"after “{row['after']}”" if row.get("after") else ""])),
                "weeks": weeks_in_words(row),
                # A moment is a line's width, and stays inside.
                "start": min(float(100 * row["start"] / longest), 98.5),
                "length": max(float(100 * row["length"] / longest), 1.5),
            }
            for row in rows
        ],
    }


def weeks_in_words(row) -> str:
    if not row["length"]:
        return f"end of {figure(row['start'])}" if row["start"] else "at the start"
    return f"{row['first']} to {row['last']}" if row["last"] > row["first"] else str(row["first"])


def amount_of(value, shown) -> str:
    """Write an amount: with cents where one of the offer's amounts has some, so that all align on the point."""
    return str(money(value, shown["currency"], shown["cents"]))


def price_of(line, shown) -> dict:
    said = ["optional"] if line.get("optional") else []
    if offer.amount(line.get("discount")):
        said.append(f"less {figure(line['discount'])} % discount")
    if offer.amount(line.get("tax")):
        said.append(f"with {figure(line['tax'])} % tax")
    return {
        "title": line.get("title") or "",
        "said": said,
        "quantity": str(figure(line.get("quantity"))),
        "each": amount_of(line.get("unit_price"), shown),
        "total": amount_of(line.get("total"), shown),
        "every": "each month" if line.get("recurring") == "monthly" else "",
    }


def priced_of(body, shown) -> list:
    said = []
    if offer.amount(body.get("discount")):
        said.append(f"Each total is less {figure(body['discount'])} % discount on everything.")
    if shown["options"]:
        said.append("The totals are without what is optional.")
    return said


def reporting_of(body) -> list:
    said = body.get("reporting") or {}
    moved = ", or the next working day" if said.get("first_may_move") else ""
    first = f"Your first report: {day(said['first_on'])}{moved}." if said.get("first_on") else ""
    return list(filter(None, [said.get("words"), first]))


def report_of(body) -> dict:
    """Return what a report says below its title: its numbers with their pictures, its words, and what comes next."""
    later = day(body.get("next_report_on"))
    return {
        "numbers": [number_of(number) for number in body.get("numbers") or []],
        "words": body.get("words") or [],
        "next": body.get("next") or [],
        "coming": f"Your next report: {later}." if later else "",
    }


def number_of(number) -> dict:
    """Return a number with its picture, and what the picture shows in words."""
    promised = str(figure(number.get("promised")))
    said = [f"promised {promised}"] if promised else []
    chart = charts.of(number)
    return {
        "metric": str(number.get("metric") or ""),
        "unit": str(number.get("unit") or ""),
        "value": spaced(figure(number.get("value")), number.get("unit")) or "no value",
        "said": [*said, *filter(None, [charts.kept(number)])],
        "promised": spaced(promised, number.get("unit")) if promised else "",
        "chart": {"band": chart.band, "points": [point_of(point) for point in chart.points]} if chart else None,
        "alt": picture_in_words(number, chart, promised) if chart else "",
    }


def point_of(point) -> dict:
    names = ("x", "y", "label", "when", "anchor", "named")
    return {name: getattr(point, name) for name in names} | {"value": str(point.value)}


def picture_in_words(number, chart, promised) -> str:
    what = ", ".join(filter(None, [number.get("metric"), number.get("unit")]))
    said = ", ".join(spaced(point.when, point.value) for point in chart.points)
    return f"{what}: {said}." + (f" Promised: {promised}." if promised else "")


# -- The certificate. --------------------------------------------------------------------------------------------------


def certificate(contract, signatures) -> dict:
    """Return who signed what, when and from where, what happened before, and how all of it can be checked."""
    agency = settings.AGENCY_NAME
    return {
        "about": (
            f"This belongs to the contract {contract.number}, which stands on the pages before. "
            "Everybody named here signed exactly that text: each signature carries its fingerprint, which stands at "
            "the foot of every page."
        ),
        "signatures": [signature_of(signature, contract) for signature in signatures],
        "events": events_of(contract, signatures),
        "check": [
            f"{agency} sealed this file when the last signature was given. Any change after that breaks the seal, and "
            "a program that reads PDFs says so. Anybody can ask us, without an account, whether a file is ours and "
            f"unchanged: {settings.PORTAL_URL}/verify",
            "We also keep the SHA-256 of the sealed file, so that it can be compared byte by byte. It cannot stand in "
            "the file itself.",
            f"The times here are those of {agency}’s own clock. No independent timestamp service has confirmed them.",
        ],
        "seal": sealing.fingerprint(),
    }


def signature_of(signature, contract) -> dict:
    ours, who = signature.side == "agency", signatory_of(signature)
    typed = another_name(who, signature.name)
    side = settings.AGENCY_NAME if ours else str(contract.opportunity.client)
    facts = [
        ("For", side),
        ("Role", signature.role),
        ("When", exactly(signature.at)),
        ("Signed in with", "" if ours else address_of(signature)),
        ("From", signature.address or (f"{settings.AGENCY_NAME}’s own system" if ours else "")),
        ("Agreed to", f"{signature.consent_text}\n(version {signature.consent_version})"),
    ]
    name = f"{who}, signed as “{typed}”" if typed else who
    return {"name": name, "facts": [[*fact] for fact in facts if fact[1]], "digest": signature.digest}


def signatory_of(signature) -> str:
    """Return the name of whose access a signature was given by, as the contract that they signed has it."""
    signed = Publication.objects.filter(kind="contract", digest=signature.digest).first()
    signers = (signed.body.get("signers") or []) if signed else []
    theirs = (one["name"] for one in signers if signature.contact_id and one.get("contact_id") == signature.contact_id)
    return next(theirs, signature.name)


def address_of(signature) -> str:
    """Return the mail address that let in whoever signed at the portal."""
    deeds = ClientAction.objects.filter(verb="signed", contact_id=signature.contact_id, digest=signature.digest)
    deed = deeds.exclude(guest=None).select_related("guest").first()
    return deed.guest.email if deed else ""


def events_of(contract, signatures) -> list:
    """Return when it was sent, opened by whoever signs, and signed: when each did so, not when we read of it."""
    sent = Event.objects.filter(record_type=contract.label(), record_id=contract.pk, verb="contract.send")
    opened = ClientAction.objects.filter(
        client_id=contract.opportunity.client_id, verb="opened", digest__in={one.digest for one in signatures}
    )
    lines = [(event.at, "Sent to be signed") for event in sent]
    lines += [(deed.at, f"Opened by {deed.name}") for deed in opened.order_by("id")]
    lines += [(signature.at, f"Signed by {signatory_of(signature)}{on_behalf(signature)}") for signature in signatures]
    return [[exactly(at), words] for at, words in sorted(lines, key=lambda line: line[0])]


def on_behalf(signature) -> str:
    return f" for {settings.AGENCY_NAME}" if signature.side == "agency" else ""


def exactly(at) -> str:
    """Write a moment to the second, by the agency's clock and with its zone."""
    at = timezone.localtime(at, timezone.get_default_timezone())
    zone = at.strftime("%z")
    offset = f" (UTC{zone[:3]}:{zone[3:]})" if at.utcoffset() != timedelta(0) or at.tzname() != "UTC" else ""
    return f"{at.day} {at:%B %Y, %H:%M:%S %Z}{offset}"


# -- How they are set. -------------------------------------------------------------------------------------------------


def compiled(kind, sheet) -> bytes:
    """Set a sheet as PDF/A, whatever letters are in it."""
    shown = printable(sheet)
    if shown != spread(sheet):
        shown["unshown"] = (
            "Letters that our type does not have stand here by their Unicode numbers, as in [U+4E2D]. "
            "The page on the web shows them as they were written."
        )
    try:
        return typeset(kind, {"unshown": "", **shown})
    except typst.TypstError:
        # Letters that exist one by one can still be missing as they stand together.
        return typeset(
            kind, {"unshown": "", **each_text(shown, lambda text: re.sub(r"[^\n -ɏ–-‧€−✓\u200b]", coded, text))}
        )


def typeset(kind, sheet) -> bytes:
    return typst.compile(
        str(TEMPLATES / f"{kind}.typ"),
        root=str(TEMPLATES),
        font_paths=FONTS,
        sys_inputs={"data": json.dumps(sheet), "looks": json.dumps(looks())},
        pdf_standards=[STANDARD],
        timestamp=0,
    )


def looks() -> dict:
    """Return the agency's colour and logo. That the colour can be read on paper is asked before anything starts."""
    return {"colour": settings.AGENCY_COLOUR, "logo": logo(settings.AGENCY_LOGO)}


@cache
def logo(name) -> list | None:
    """Return the bytes of the logo; nothing where none can be set: the agency's name stands there then."""
    found = static_file(name) if name else None
    if found is None:
        return None
    file = list(Path(found).read_bytes())
    try:
        typst.compile(
            b"#image(bytes(json(bytes(sys.inputs.logo))))",
            font_paths=FONTS,
            sys_inputs={"logo": json.dumps(file)},
            pdf_standards=[STANDARD],
        )
    except typst.TypstError as error:
        log.warning("The logo %s cannot be set in a PDF: %s", name, error)
        return None
    return file


# As high as it stands on pages, twice as fine.
PICTURE = b"""#set page(width: auto, height: auto, margin: 0pt, fill: none)
#image(bytes(json(bytes(sys.inputs.logo))), height: 32pt)"""


@draws_the_logo
@cache
def picture(name) -> bytes | None:
    """Return the logo as a small PNG: mail programs show no SVG."""
    file = logo(name)
    looks = {"logo": json.dumps(file)}
    return typst.compile(PICTURE, font_paths=FONTS, sys_inputs=looks, format="png", ppi=144) if file else None


def moment_of(at) -> list:
    """Return a time for the file's own properties, which are in UTC."""
    at = at.astimezone(UTC)
    return [at.year, at.month, at.day, at.hour, at.minute, at.second]


def each_text(value, change):
    """Return the same structure with every text of it changed."""
    if isinstance(value, str):
        return change(value)
    if isinstance(value, dict):
        return {key: each_text(one, change) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [each_text(one, change) for one in value]
    return value


def spaced(*parts) -> str:
    return " ".join(str(part) for part in parts if part not in (None, ""))


# Marks that say how the letter before them is drawn, or where a word may be parted: without it nothing is lost.
IDLE = re.compile("[\u00ad\ufe0e\ufe0f]")
UNSEEN = ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")
# As long as no word that people use. A hyphen before a letter parts words by itself: names are not torn beside it.
LONG_WORD = re.compile(r"(?:[^\s-]|-(?![^\W\d_])){25,}")


def spread(sheet):
    """Return a sheet whose longest words may be parted anywhere."""
    return each_text(sheet, lambda text: LONG_WORD.sub(lambda word: "\u200b".join(word[0]), plainly(text)))


def plainly(text):
    return IDLE.sub("", text.replace("\r\n", "\n").replace("\r", "\n").replace("\t", " "))


def printable(sheet):
    """Return a sheet in which every letter can be seen: what our type does not have stands by its number."""
    letters = set()
    each_text(sheet, lambda text: letters.update(text))
    strange = {letter for letter in letters if letter > "~" and letter not in KNOWN}
    unseen = {letter for letter in letters if letter != "\n" and unicodedata.category(letter) in UNSEEN}
    codes = {letter: f"[U+{ord(letter):04X}]" for letter in unseen | missing("".join(sorted(strange - unseen)))}
    table = str.maketrans(
        {letter: code for letter, code in codes.items() if letter not in "\r\n\t" and not IDLE.match(letter)}
    )
    return spread(each_text(sheet, lambda text: plainly(text).translate(table)))


def coded(match) -> str:
    return f"[U+{ord(match[0]):04X}]"


PROBE = b"""
#set text(font: ("Libertinus Serif", "New Computer Modern", "DejaVu Sans Mono"))
#for letter in json(bytes(sys.inputs.data)) [#par[#letter *#letter* _#letter_]]
"""
# What our type certainly has: Latin letters and the marks that the house itself writes.
KNOWN = {chr(code) for code in range(0xA1, 0x250)} | set("–—‘’“”…€−✓×·")


@cache
def missing(letters: str) -> frozenset:
    """Return which of these letters our type does not have, by trying them."""
    if not letters:
        return frozenset()
    try:
        typst.compile(PROBE, font_paths=FONTS, sys_inputs={"data": json.dumps(list(letters))}, pdf_standards=[STANDARD])
    except typst.TypstError as error:
        named = set(re.findall(r'the text `"(.+?)"` could not', str(error.diagnostic)))
        found = frozenset(letter for letter in letters if any(letter in name for name in named))
        # What is not named by itself is not trusted.
        return found | (missing("".join(sorted(set(letters) - found))) if found else frozenset(letters))
    return frozenset()
