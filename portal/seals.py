"""Whether a file is a paper of ours, and unchanged. Holds the seal's certificate and never its key.

A stranger's file is not opened as a PDF before its seal was found to be ours: the bytes are compared and the signature
over them is checked first, so that nothing in a file can keep us busy or lead us elsewhere.
"""

import hashlib
import io
import re
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from asn1crypto import cms, pem, x509
from django.conf import settings

from .papers import label
from .templatetags.portal import moment

LARGEST = 5 * 1024 * 1024
TOO_LARGE = "This file is larger than 5 MB. No paper of ours is."
NO_PDF = "This is not a PDF file."
EMPTY = "This file is empty."
FIELD = "AgencySeal"
RANGE = re.compile(rb"/ByteRange\s*\[\s*(\d{1,10})\s+(\d{1,10})\s+(\d{1,10})\s+(\d{1,10})\s*\]")


@dataclass
class Seal:
    """What a seal of ours says itself: what it is on, and since when."""

    on: str
    at: datetime


@dataclass
class Verdict:
    """What we say about a file, in plain words."""

    ours: bool
    words: str


def digest(file: bytes) -> str:
    return hashlib.sha256(file).hexdigest()


def verdict(file: bytes, known=None) -> Verdict:
    """Say whether a file is ours and unchanged. `known` is what stands on the paper with exactly these bytes."""
    if not is_pdf(file):
        return Verdict(False, NO_PDF)
    agency = settings.AGENCY_NAME
    if known and known["paper"] == "read":
        what = named(label(known["kind"], known))
        unsigned = " It is the copy to read, and carries no signature." if known["kind"] == "contract" else ""
        words = f"This is the {what}, as {agency} published it on {moment(known['at'])}, unchanged.{unsigned}"
        return Verdict(True, words)
    if seal := seal_of(file):
        return Verdict(True, f"This is the {named(seal.on)}, sealed by {agency} on {moment(seal.at)}, unchanged.")
    if known:
        # Its bytes are those that we keep; the certificate that sealed it is not in the settings any more.
        what = named(label(known["kind"], known))
        return Verdict(True, f"This is the {what}, sealed by {agency} on {moment(known['at'])}, unchanged.")
    if bears_our_seal(file) and not certificates():
        return Verdict(False, "This file carries a seal that cannot be checked here: our certificate is not set up.")
    if bears_our_seal(file):
        return Verdict(False, "This file was changed after it was sealed.")
    return Verdict(False, "We did not seal this file.")


def named(on: str) -> str:
    return on[:1].lower() + on[1:]


def is_pdf(file: bytes) -> bool:
    return file[:5] == b"%PDF-"


@lru_cache(maxsize=4)
def certificates_in(text: str) -> tuple:
    """Return the certificates of a PEM text; none when it is broken."""
    try:
        found = list(pem.unarmor(text.encode(), multiple=True)) if text else []
    except ValueError:
        return ()
    return tuple(x509.Certificate.load(der) for kind, _, der in found if kind == "CERTIFICATE")


def certificates() -> tuple:
    """Return the certificates of our seal, the one in use first."""
    return certificates_in(settings.SEAL_CERT)


def bears_our_seal(file: bytes) -> bool:
    """Whether a file was sealed by us once, as far as its bytes still tell."""
    lower = file.lower()
    if any(one.dump().hex().encode() in lower for one in certificates()):
        return True
    # Other agencies call the place of their seal the same.
    return f"({FIELD})".encode() in file and not (certificates() and bears_anothers_seal(file))


def bears_anothers_seal(file: bytes) -> bool:
    """Whether the certificate in a file's seal can be read, and is none of ours."""
    try:
        _, length, after, _ = map(int, RANGE.findall(file)[0])
        message = cms.ContentInfo.load(bytes.fromhex(file[length + 1 : after - 1].decode()))
        (enclosed,) = message["content"]["certificates"]
        return enclosed.chosen.issuer_serial not in {one.issuer_serial for one in certificates()}
    except Exception:  # whatever is wrong inside: it is damaged, and nobody's as it stands
        return False


def seal_of(file: bytes):
    """Return the seal of a file that is ours and covers every byte of it; nothing otherwise."""
    ranges = RANGE.findall(file)
    if not certificates() or len(ranges) != 1:
        return None
    start, length, after, rest = map(int, ranges[0])
    hole = file[length:after]
    if (start, after + rest) != (0, len(file)) or not re.fullmatch(rb"<[0-9A-F]+>", hole):
        return None
    try:
        return signed_by_us(file, hole[1:-1])
    except Exception:  # whatever is wrong inside: it is not as we made it
        return None


def signed_by_us(file, contents):
    """Check the signature over all of a file, and only then read the file as a PDF."""
    # Loaded for those few files alone: every process that starts would wait for it.
    from pyhanko.pdf_utils.reader import PdfFileReader
    from pyhanko.sign.validation.generic_cms import validate_sig_integrity
    from pyhanko.sign.validation.status import SignatureCoverageLevel

    raw = bytes.fromhex(contents.decode())
    message = cms.ContentInfo.load(raw)
    # Behind the signature nothing but the zeros that fill its place: there, too, a changed byte is one.
    if raw.rstrip(b"\0") != message.dump().rstrip(b"\0"):
        return None
    signed = message["content"]
    (signer,) = signed["signer_infos"]
    (enclosed,) = signed["certificates"]
    certificate = next((one for one in certificates() if one.dump() == enclosed.chosen.dump()), None)
    if certificate is None or signer["unsigned_attrs"]:
        return None
    start, end = file.index(contents) - 1, file.index(contents) + len(contents) + 1
    sealed = hashlib.new(signer["digest_algorithm"]["algorithm"].native, file[:start] + file[end:]).digest()
    intact, valid = validate_sig_integrity(signer, certificate, "data", sealed)
    if not (intact and valid):
        return None
    (embedded,) = PdfFileReader(io.BytesIO(file)).embedded_signatures
    if embedded.evaluate_signature_coverage() != SignatureCoverageLevel.ENTIRE_FILE:
        return None
    return Seal(on=str(embedded.sig_object["/Reason"]), at=embedded.self_reported_timestamp)
