"""The sealed copy of a contract: what was signed, who signed it, and a seal that any change breaks."""

import io
import re

import pikepdf
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command
from django.db import transaction
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign import fields, signers
from pyhanko.sign.validation import validate_pdf_signature
from pyhanko.sign.validation.status import SignatureCoverageLevel
from pyhanko_certvalidator import ValidationContext
from pyhanko_certvalidator.registry import SimpleCertificateStore

from opportunities.models import Event
from opportunities.records import Refused, perform
from portal import seals
from portal.apps import the_certificate_is_set
from portal.models import ClientAction, Paper, Publication
from proposals import inbox, papers, sealing
from proposals.models import Signature
from tests.makers_proposals import CONSENT, a_contract
from tests.pdfs import faults_of, pages_of, plain
from tests.proposals.test_inbox import signed_in
from tests.proposals.test_signing import at_the_portal
from zarts import sealkeys

pytestmark = pytest.mark.django_db
UNCHANGED = "This is the contract {}, sealed by Zarts on"
CHANGED = "This file was changed after it was sealed."
STRANGE = "We did not seal this file."


@pytest.fixture
def contract(ada, ben):
    return a_contract(ada, approver=ben, stage="active")


@pytest.fixture
def sealed(contract):
    return bytes(Paper.objects.get(kind="sealed").bytes)


def said_of(file):
    return seals.verdict(file).words


def in_a_thread(work):
    return sealing.apart(work)


def added_to(file):
    """Return a file with a change appended behind it, as programs that edit PDFs do."""
    writer = IncrementalPdfFileWriter(io.BytesIO(file))
    writer.root["/Zarts"] = writer.root["/Type"]
    writer.update_root()
    output = io.BytesIO()
    writer.write(output)
    return output.getvalue()


def sealed_by_another(file, reason):
    """Return a file under the seal of an agency that calls itself as we do."""
    pair = sealkeys.new_pair("Zarts")
    certificate = seals.certificates_in(sealkeys.part(pair, "CERTIFICATE"))[0]
    how = signers.PdfSignatureMetadata(field_name=seals.FIELD, reason=reason, certify=True)
    key = sealing.key_of(sealkeys.part(pair, "PRIVATE KEY"))
    signer = signers.SimpleSigner(certificate, key, SimpleCertificateStore())
    writer = IncrementalPdfFileWriter(io.BytesIO(file))
    return in_a_thread(lambda: signers.PdfSigner(how, signer).sign_pdf(writer)).getvalue()


# -- What it says. -----------------------------------------------------------------------------------------------------


def test_it_shows_what_was_signed_and_under_it_who_signed(contract, sealed):
    signed = Publication.objects.get(kind="contract", body__countersigned=None)
    *text, certificate = pages_of(sealed)
    assert [plain(page) for page in pages_of(papers.of(signed))][0].split(" 1 of ")[0] in text[0]
    assert all(signed.digest in page for page in [*text, certificate])
    for signature in contract.signatures.all():
        assert signature.digest == signed.digest
        assert signature.name in certificate
        assert f"{signature.at.day} {signature.at:%B %Y, %H:%M:%S}" in certificate
        assert plain(signature.consent_text) in certificate
        assert f"(version {signature.consent_version})" in certificate
    for words in ("Sent to be signed", "Signed by Bo Larsen", "Signed by Ben for Zarts", "Managing director"):
        assert words in certificate
    assert "/verify" in certificate
    assert "No independent timestamp service has confirmed them." in certificate
    assert sealing.fingerprint() in certificate


@pytest.mark.django_db(transaction=True)
def test_it_says_when_each_opened_it_and_signed_by_the_time_at_which_they_did(ada, ben, portal_cursor):
    contract = a_contract(ada, approver=ben, stage="sent")
    session = signed_in(portal_cursor, contract.signer.email)
    look = "select portal_open_contract(%s, %s, '10.0.0.1', 'test')"
    assert portal_cursor.execute(look, [session, contract.publication_id]).fetchone() == ("opened",)
    assert portal_cursor.execute(look, [session, contract.publication_id]).fetchone() == ("already",)
    assert at_the_portal(portal_cursor, contract, session) == "signed"
    inbox.read()
    opened, signed = ClientAction.objects.filter(verb__in=["opened", "signed"]).order_by("pk")
    contract = perform(type(contract).objects.get(pk=contract.pk).countersign, by=ben)
    events = papers.certificate(contract, contract.signatures.all())["events"]
    assert [words for _, words in events] == [
        *("Sent to be signed", f"Opened by {contract.signer}", "Signed by Bo Larsen", "Signed by Ben for Zarts"),
    ]
    assert [at for at, _ in events[1:3]] == [papers.exactly(opened.at), papers.exactly(signed.at)]
    certificate = pages_of(bytes(Paper.objects.get(kind="sealed").bytes))[-1]
    assert f"Opened by {contract.signer}" in certificate
    assert Event.objects.get(verb="contract.open").contact == contract.signer, "our diary tells it, too"


@pytest.mark.django_db(transaction=True)
def test_it_says_whose_access_it_was_beside_the_name_that_was_typed(ada, ben, portal_cursor):
    contract = a_contract(ada, approver=ben, stage="sent")
    session = signed_in(portal_cursor, contract.signer.email)
    assert at_the_portal(portal_cursor, contract, session) == "signed"
    inbox.read()
    sheet = papers.certificate(contract, contract.signatures.all())
    (signature,) = sheet["signatures"]
    published = Publication.objects.get(pk=contract.publication_id).body["signers"][0]["name"]
    assert signature["name"] == published, "the name that stands in what they signed"
    assert ["Signed in with", contract.signer.email] in signature["facts"]
    other = contract.signatures.get()
    other.name = "Somebody Else"
    assert papers.signature_of(other, contract)["name"] == f"{published}, signed as “Somebody Else”"


def test_it_belongs_to_what_the_client_reads_now(contract):
    paper = Paper.objects.get(kind="sealed")
    assert paper.publication_id == contract.publication_id
    assert paper.publication.papers.count() == 1
    assert paper.sha256 == seals.digest(bytes(paper.bytes))


def test_every_signature_stands_in_it_however_many_there_are(ada, ben):
    contract = a_contract(ada, approver=ben, stage="signed")
    first = contract.signatures.get()
    second = Signature(side="client", name="Zoë Lind", digest=first.digest, at=first.at, address="203.0.113.9")
    sheet = papers.certificate(contract, [first, second])
    assert [one["name"] for one in sheet["signatures"]] == ["Bo Larsen", "Zoë Lind"]
    assert ["From", "203.0.113.9"] in sheet["signatures"][1]["facts"]


def test_signatures_under_two_texts_are_not_sealed(ada, ben):
    contract = a_contract(ada, approver=ben, stage="signed")
    publication = Publication.objects.get(pk=contract.publication_id)
    with pytest.raises(Refused, match="not all under one text"), transaction.atomic():
        contract.put_signature("agency", "Ben", "", CONSENT, "0" * 64, at=contract.signed_at, user=ben)
        papers.keep_sealed(contract, publication)


def test_without_a_key_nothing_is_countersigned(ada, ben, settings):
    contract = a_contract(ada, approver=ben, stage="signed")
    settings.SEAL_KEY = ""
    with pytest.raises(Refused, match="SEAL_KEY"):
        perform(contract.countersign, by=ben)
    assert type(contract).objects.get(pk=contract.pk).stage == "signed"
    assert contract.signatures.count() == 1


@pytest.mark.parametrize("key", ["another", "broken"])
def test_a_key_that_does_not_fit_its_certificate_seals_nothing(ada, ben, settings, key):
    contract = a_contract(ada, approver=ben, stage="signed")
    other = sealkeys.part(sealkeys.new_pair("Zarts"), "PRIVATE KEY")
    settings.SEAL_KEY = other if key == "another" else other[:400] + "\n-----END PRIVATE KEY-----"
    with pytest.raises(Refused, match="do not belong together"):
        perform(contract.countersign, by=ben)


def test_a_broken_certificate_is_none(settings):
    settings.SEAL_CERT = "-----BEGIN CERTIFICATE-----\nabc\n-----END CERTIFICATE-----"
    assert not sealing.is_set()


# -- What a validator says. --------------------------------------------------------------------------------------------


def test_it_is_certified_against_any_change_and_still_fit_for_an_archive(sealed):
    assert faults_of(sealed) == []
    (signature,) = PdfFileReader(io.BytesIO(sealed)).embedded_signatures
    context = ValidationContext(trust_roots=[*seals.certificates()], allow_fetching=False)
    status = in_a_thread(lambda: validate_pdf_signature(signature, context))
    assert status.bottom_line
    assert status.coverage == SignatureCoverageLevel.ENTIRE_FILE
    assert signature.docmdp_level == fields.MDPPerm.NO_CHANGES
    assert signature.sig_object["/SubFilter"] == "/ETSI.CAdES.detached"


# -- What we say. ------------------------------------------------------------------------------------------------------


def test_an_unchanged_file_is_told_by_its_seal_alone(contract, sealed):
    assert said_of(sealed).startswith(UNCHANGED.format(contract.number))
    assert said_of(sealed).endswith("unchanged.")


def test_one_changed_byte_is_told_wherever_it_is(sealed):
    # In the words, in the tables of the file, in the seal and in the zeros behind it, at the very end.
    places = [*range(10, len(sealed), 331), len(sealed) - 1, *range(len(sealed) - 6200, len(sealed), 97)]
    told = {said_of(sealed[:place] + bytes([sealed[place] ^ 0x20]) + sealed[place + 1 :]) for place in places}
    assert told <= {CHANGED, STRANGE}
    assert CHANGED in told


def test_what_is_appended_is_told(sealed):
    assert added_to(sealed).startswith(sealed)
    assert said_of(added_to(sealed)) == CHANGED
    assert said_of(sealed + b"\n") == CHANGED
    assert said_of(sealed[:-1]) == CHANGED


def test_a_file_that_was_saved_again_is_told(sealed):
    output = io.BytesIO()
    with pikepdf.open(io.BytesIO(sealed)) as pdf:
        pdf.save(output)
    assert said_of(output.getvalue()) == CHANGED


def test_anothers_seal_is_not_ours_however_it_is_named(sealed, contract):
    """Somebody makes a certificate with our name, and seals a contract that they wrote."""
    blank = papers.of(Publication.objects.get(kind="proposal"))
    assert said_of(sealed_by_another(blank, f"Contract {contract.number}")) == STRANGE


def test_what_an_earlier_certificate_sealed_stays_known(contract, sealed, settings):
    settings.SEAL_CERT = sealkeys.part(sealkeys.new_pair("Zarts"), "CERTIFICATE") + "\n" + settings.SEAL_CERT
    assert said_of(sealed).startswith(UNCHANGED.format(contract.number))


def test_without_a_certificate_nothing_is_called_ours(sealed, settings):
    settings.SEAL_CERT = ""
    assert "cannot be checked here" in said_of(sealed)


@pytest.mark.parametrize(
    "file",
    [b"", b"%PDF-", b"%PDF-1.7\n" + b"\0" * 9999, b"%PDF-1.7 /ByteRange [0 1 2 3]", b"%PDF /ByteRange [0 5 7 0]<AB>"],
    ids=range(5),
)
def test_a_broken_file_is_not_ours(file):
    assert said_of(file) in (STRANGE, seals.NO_PDF)


# -- The command. ------------------------------------------------------------------------------------------------------


def test_the_command_says_what_a_file_is(contract, sealed, tmp_path, capsys):
    for name, paper in (("sealed", sealed), ("read", bytes(Paper.objects.filter(kind="read").latest("pk").bytes))):
        file = tmp_path / f"{name}.pdf"
        file.write_bytes(paper)
        call_command("verify_signature", str(file))
        said = capsys.readouterr().out
        assert f"This is the contract {contract.number}," in said
        assert f"It is for {contract.opportunity.client}" in said
        assert ("carries no signature" in said) == (name == "read")


def test_the_command_knows_a_seal_of_which_nothing_is_kept(tmp_path, capsys):
    file = tmp_path / "sealed.pdf"
    paper = papers.of(Publication(kind="proposal", body={}, digest="a" * 64))
    file.write_bytes(sealing.seal(paper, reason="Contract C-0042"))
    call_command("verify_signature", str(file))
    assert "does not keep the same file" in capsys.readouterr().out


def test_the_command_refuses_in_words(sealed, tmp_path):
    changed, other, huge = (tmp_path / name for name in ("changed.pdf", "other.txt", "huge.pdf"))
    changed.write_bytes(sealed.replace(b"Contract C", b"Contract D"))
    other.write_text("Hello.")
    with huge.open("wb") as file:
        file.truncate(seals.LARGEST + 1)
    refusals = {
        changed: CHANGED,
        other: "This is not a PDF file.",
        huge: "larger than 5 MB",
        tmp_path / "none.pdf": "cannot be read: no such file",
        tmp_path: "cannot be read: is a directory",
    }
    for file, words in refusals.items():
        with pytest.raises(CommandError, match=words) as refused:
            call_command("verify_signature", str(file))
        assert refused.value.returncode == 1


# What somebody may hand in, and what it is called: by the command and by the public page in the same words.
ASKED = {
    "ours": UNCHANGED,
    "one byte changed": CHANGED,
    "another agency's": STRANGE,
    "unsigned": STRANGE,
    "added to after the seal": CHANGED,
    "no PDF": "This is not a PDF file.",
    "empty": "This file is empty.",
    "of 30 MB": "larger than 5 MB",
}


def asked_about(what, sealed):
    """Return such a file."""
    if what == "one byte changed":
        place = len(sealed) // 3
        return sealed[:place] + bytes([sealed[place] ^ 1]) + sealed[place + 1 :]
    if what == "another agency's":
        return sealed_by_another(papers.of(Publication.objects.get(kind="proposal")), "Contract C-0001")
    if what == "unsigned":
        return papers.of(Publication(kind="proposal", body={}, title="Not of ours", digest="b" * 64))
    if what == "added to after the seal":
        return added_to(sealed)
    return {"no PDF": b"Hello.", "empty": b"", "of 30 MB": sealed + bytes(30 << 20)}.get(what, sealed)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("what", ASKED)
def test_the_command_and_the_page_say_the_same_of_each_file(contract, sealed, what, portal_client, tmp_path, capsys):
    file = tmp_path / "file.pdf"
    file.write_bytes(asked_about(what, sealed))
    words = ASKED[what].format(contract.number)
    if what == "ours":
        call_command("verify_signature", str(file))
        assert words in capsys.readouterr().out
    else:
        with pytest.raises(CommandError, match=re.escape(words)):
            call_command("verify_signature", str(file))
    sent = {"file": SimpleUploadedFile("file.pdf", file.read_bytes())}
    answer = portal_client.post("/verify", sent, headers={"accept": "text/html"})
    assert words in answer.content.decode()
    refused = {"no PDF": 422, "empty": 422, "of 30 MB": 413}
    assert answer.status_code == refused.get(what, 200)
    if what not in refused:
        assert ("notice good" in answer.content.decode()) == (what == "ours")


def test_a_deployment_without_a_seal_is_warned(settings):
    assert sealing.the_seal_is_set(None) == []
    settings.SEAL_KEY = ""
    (warning,) = sealing.the_seal_is_set(None)
    assert "no contract can be countersigned" in warning.msg
    settings.SEAL_CERT = ""
    (warning,) = the_certificate_is_set(None)
    assert "SEAL_CERT is not set" in warning.msg


def test_a_pair_is_made_once_and_kept_for_its_owner(tmp_path):
    pair = sealkeys.made_once(tmp_path, "Zarts")
    assert sealkeys.made_once(tmp_path, "Zarts") == pair
    assert [file.name for file in tmp_path.iterdir()] == ["seal.pem"]
    assert (tmp_path / "seal.pem").stat().st_mode & 0o777 == 0o600
    assert "PRIVATE" not in sealkeys.part(pair, "CERTIFICATE")


def test_the_seal_is_read_as_text_or_from_a_file(tmp_path):
    file = tmp_path / "seal.pem"
    file.write_text("-----BEGIN X-----\nabc\n-----END X-----")
    assert sealkeys.read(str(file)) == sealkeys.read(file.read_text()) == file.read_text()
