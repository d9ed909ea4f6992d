"""The agency's seal under what both sides signed. Its key stays in the processes of the staff surface."""

import io
from functools import lru_cache
from threading import Thread

from django.conf import settings
from django.core.checks import Warning, register

from opportunities.records import Refused
from portal import seals

MISSING = "The seal is not set up. Whoever runs this installation has to set SEAL_KEY and SEAL_CERT: docs/deploy.md."
BROKEN = "SEAL_KEY and SEAL_CERT do not belong together, or one is broken. Tell whoever runs this installation."


def seal(file: bytes, *, reason) -> bytes:
    """Certify a PDF: nothing in it may change from here on. The time is our own; no authority confirms it."""
    # Loaded when something is sealed: every process that starts would wait for it.
    from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
    from pyhanko.sign import fields, signers
    from pyhanko_certvalidator.registry import SimpleCertificateStore

    if not is_set():
        raise Refused([MISSING])
    how = signers.PdfSignatureMetadata(
        field_name=seals.FIELD,
        reason=reason,
        name=settings.AGENCY_NAME,
        md_algorithm="sha256",
        certify=True,
        docmdp_permissions=fields.MDPPerm.NO_CHANGES,
        subfilter=fields.SigSeedSubFilter.PADES,
    )
    try:
        signer = signers.SimpleSigner(seals.certificates()[0], key_of(settings.SEAL_KEY), SimpleCertificateStore())
        pdf = IncrementalPdfFileWriter(io.BytesIO(file))
        sealed = apart(lambda: signers.PdfSigner(how, signer).sign_pdf(pdf)).getvalue()
    except ValueError as error:
        raise Refused([BROKEN]) from error
    # A seal that we would not know again is none.
    if seals.seal_of(sealed) is None:
        raise Refused([BROKEN])
    return sealed


def is_set() -> bool:
    """Whether this installation can seal."""
    return bool(settings.SEAL_KEY and seals.certificates())


@lru_cache(maxsize=1)
def key_of(text):
    """Return a private key from its PEM text: to read and check one takes as long as a page."""
    from pyhanko.keys import load_private_key_from_pemder_data

    return load_private_key_from_pemder_data(text.encode(), None)


def fingerprint() -> str:
    """Return the SHA-256 of the certificate of the seal that is in use."""
    found = seals.certificates()
    return found[0].sha256.hex() if found else ""


def apart(work):
    """Do something in a thread of its own: the library runs an event loop, and this thread may have one already."""
    done = {}

    def run():
        try:
            done["result"] = work()
        except BaseException as error:
            done["error"] = error

    thread = Thread(target=run)
    thread.start()
    thread.join()
    if "error" in done:
        raise done["error"]
    return done["result"]


@register(deploy=True)
def the_seal_is_set(app_configs, **kwargs):
    """Say before a deployment that contracts cannot be countersigned in it."""
    if is_set():
        return []
    return [
        Warning(
            "SEAL_KEY or SEAL_CERT is not set: no contract can be countersigned, since its copy cannot be sealed.",
            hint='Make a pair with: python -m zarts.sealkeys "Agency name". See docs/deploy.md.',
            id="proposals.W001",
        )
    ]
