"""Who may download a paper, and what the public page says of a file."""

import hashlib

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from portal_makers import PIER, TOM, a_guest, a_link, a_publication, an_old_stamp, signed_in
from test_portal_wall import ask

from portal import seals
from portal.models import Look, Paper, SignInLink
from portal.tokens import new_token, token_hash

pytestmark = pytest.mark.django_db(transaction=True)
FILE = b"%PDF-1.7 a paper"


def a_paper(publication=None, *, file=FILE, kind="read"):
    publication = publication or a_publication()
    digest = hashlib.sha256(file).hexdigest()
    return Paper.objects.create(publication=publication, kind=kind, bytes=file, sha256=digest)


def opened(client, token):
    assert client.post(f"/p/{token}/open", {"stamp": an_old_stamp()}).status_code == 302


# -- Downloads. --------------------------------------------------------------------------------------------------------


def test_a_proposal_is_downloaded_where_its_page_is_open(portal_client):
    link, token = a_link()
    a_paper(link.publication)
    assert portal_client.get(f"/p/{token}/proposal.pdf")["Location"] == f"/p/{token}/"
    opened(portal_client, token)
    assert f"/p/{token}/proposal.pdf" in portal_client.get(f"/p/{token}/").content.decode()
    answer = portal_client.get(f"/p/{token}/proposal.pdf")
    assert (answer.status_code, answer.content) == (200, FILE)
    assert answer["Content-Type"] == "application/pdf"
    assert answer["Content-Disposition"] == 'attachment; filename="Zarts-P-1.pdf"'
    assert answer["Cache-Control"] == "no-store"
    assert answer["X-Robots-Tag"] == "noindex"


def test_a_closed_link_gives_no_paper(portal_client):
    link, token = a_link()
    a_paper(link.publication)
    opened(portal_client, token)
    link.revoke()
    assert portal_client.get(f"/p/{token}/proposal.pdf").status_code == 302
    assert portal_client.get(f"/p/{token}/").status_code == 410
    assert portal_client.get(f"/p/{'A' * 43}/proposal.pdf").status_code == 404
    assert portal_client.get(f"/p/{token[:-1]}/proposal.pdf").status_code == 404


def test_a_download_counts_as_nothing(portal_client):
    link, token = a_link()
    a_paper(link.publication)
    portal_client.get(f"/p/{token}/proposal.pdf")
    link.refresh_from_db()
    assert link.opened_at is None
    assert not link.publication.actions.exists()


def test_a_guest_downloads_what_is_their_clients(portal_client):
    proposal, contract = a_publication(), a_publication(kind="contract")
    a_paper(proposal)
    a_paper(contract, file=FILE + b"2")
    assert portal_client.get(f"/portal/proposals/{proposal.pk}/proposal.pdf").status_code == 302
    signed_in(portal_client)
    for kind, one, file in (("proposal", proposal, FILE), ("contract", contract, FILE + b"2")):
        page = portal_client.get(f"/portal/{kind}s/{one.pk}/").content.decode()
        address = f"/portal/{kind}s/{one.pk}/{kind}.pdf"
        assert address in page
        assert "Download as PDF" in page
        assert portal_client.get(address).content == file
    assert portal_client.get(f"/portal/contracts/{proposal.pk}/contract.pdf").status_code == 404


def test_a_guest_of_another_client_gets_none(portal_client):
    own, other = a_publication(client_id=PIER, ref="proposal:2"), a_publication()
    a_paper(other)
    signed_in(portal_client, a_guest(client_id=PIER, contact_id=TOM))
    assert portal_client.get(f"/portal/proposals/{other.pk}/proposal.pdf").status_code == 404
    # A page without a paper, of a time before there were any, offers none.
    assert "proposal.pdf" not in portal_client.get(f"/portal/proposals/{own.pk}/").content.decode()
    assert portal_client.get(f"/portal/proposals/{own.pk}/proposal.pdf").status_code == 404


def test_an_older_version_leads_to_the_newest(portal_client):
    old, new = a_publication(), a_publication(title="A newer one")
    a_paper(new)
    signed_in(portal_client)
    answer = portal_client.get(f"/portal/proposals/{old.pk}/proposal.pdf")
    assert answer["Location"] == f"/portal/proposals/{new.pk}/proposal.pdf"


def test_a_contract_that_both_signed_offers_its_sealed_copy(portal_client):
    body = {"number": "C-0007", "countersigned": {"name": "Dana Whitfield", "on": "2026-11-20"}, "signers": []}
    contract = a_publication(kind="contract", body=body)
    a_paper(contract, kind="sealed")
    signed_in(portal_client)
    page = portal_client.get(f"/portal/contracts/{contract.pk}/").content.decode()
    assert "Signed by both sides" in page
    assert "Dana Whitfield, Zarts: Friday 20 November 2026" in page
    answer = portal_client.get(f"/portal/contracts/{contract.pk}/contract.pdf")
    assert answer["Content-Disposition"] == 'attachment; filename="Zarts-C-0007-signed.pdf"'


# -- The wall. ---------------------------------------------------------------------------------------------------------


def test_the_database_shows_a_paper_to_whoever_may_read_its_publication(portal_cursor):
    own = a_paper()
    other = a_paper(a_publication(client_id=PIER, ref="proposal:2"), file=FILE + b"2")
    mailed, token = a_link(other.publication)
    link, session = SignInLink.mint(a_guest()), new_token()
    ask(portal_cursor, "select portal_sign_in(%s, %s)", link, token_hash(session))
    seen = "select id, bytes from portal_paper"
    assert ask(portal_cursor, seen) == []
    assert ask(portal_cursor, seen, token=session) == [(own.pk, FILE)]
    assert ask(portal_cursor, f"{seen} where id = %s", other.pk, token=session) == []
    assert ask(portal_cursor, seen, token=token) == [(other.pk, FILE + b"2")]
    mailed.revoke()
    assert ask(portal_cursor, seen, token=token) == []
    own.publication.withdraw("A price was wrong.")
    assert ask(portal_cursor, seen, token=session) == []


# -- The public page. --------------------------------------------------------------------------------------------------


def looked_at(client, file, **more):
    sent = {"file": SimpleUploadedFile("file.pdf", file, "application/pdf")}
    answer = client.post("/verify", sent, **{"HTTP_ACCEPT": "text/html", **more})
    return answer.status_code, answer.content.decode()


def test_a_stranger_learns_what_the_file_says_itself_and_no_more(portal_client):
    publication = a_publication()
    a_paper(publication)
    assert portal_client.get("/verify").status_code == 200
    status, page = looked_at(portal_client, FILE)
    assert status == 200
    assert "This is the proposal P-1, as Zarts published it on" in page
    publication.withdraw("A price was wrong.")
    assert "This is the proposal P-1" in looked_at(portal_client, FILE)[1]
    assert "Harbor" not in page
    assert publication.title not in page


def test_what_is_not_ours_is_said_to_be_strange(portal_client):
    a_paper()
    status, page = looked_at(portal_client, FILE + b" changed")
    assert status == 200
    assert "We did not seal this file." in page
    assert "Do not rely on it." in page


@pytest.mark.parametrize(
    ("file", "words"),
    [(b"Hello.", seals.NO_PDF), (b"", "This file is empty."), (None, "Choose the file.")],
    ids=["no PDF", "empty", "none"],
)
def test_what_cannot_be_looked_at_is_refused_at_its_place(portal_client, file, words):
    if file is None:
        answer = portal_client.post("/verify", {"file": "file.pdf"})
        status, page = answer.status_code, answer.content.decode()
    else:
        status, page = looked_at(portal_client, file)
    assert status == 422
    assert words in page


def test_five_megabytes_come_in_there_and_nowhere_else(portal_client):
    large = b"%PDF-" + b"x" * (seals.LARGEST - 5)
    assert looked_at(portal_client, large)[0] == 200
    status, page = looked_at(portal_client, large + b"x")
    assert status == 422
    assert seals.TOO_LARGE in page
    status, page = looked_at(portal_client, large + b"x" * (25 << 20))
    assert status == 413
    assert "larger than 5 MB" in page
    assert '<a href="/verify">' in page
    assert portal_client.post("/portal/sign-in", {"email": "x" * 70_000}).status_code == 413


def test_one_address_looks_sixty_times_an_hour(portal_client, settings):
    settings.PROXIES = 1
    for _ in range(60):
        assert looked_at(portal_client, FILE, headers={"x-forwarded-for": "203.0.113.9"})[0] == 200
    status, page = looked_at(portal_client, FILE, headers={"x-forwarded-for": "203.0.113.9"})
    assert status == 429
    assert "try again in an hour" in page
    assert looked_at(portal_client, FILE, headers={"x-forwarded-for": "203.0.113.10"})[0] == 200
    assert Look.objects.count() == 61


def test_what_was_looked_at_an_hour_ago_is_forgotten(portal_client, as_owner):
    looked_at(portal_client, FILE)
    as_owner("update portal_look set at = at - interval '61 minutes'")
    looked_at(portal_client, FILE, headers={"x-forwarded-for": "203.0.113.10"})
    assert Look.objects.count() == 1


def test_the_portals_process_has_no_key():
    """The public process holds the certificate of the seal, and reads its key not even when it is given one."""
    import subprocess
    import sys
    from pathlib import Path

    from zarts.sealkeys import new_pair

    environment = {
        "PATH": "/usr/bin:/bin",
        "DJANGO_SETTINGS_MODULE": "zarts.settings",
        "SURFACE": "portal",
        "PORTAL_DATABASE_URL": "postgres://zarts_portal@localhost/none",
        "PORTAL_SECRET_KEY": "k" * 50,
        "PORTAL_URL": "https://clients.example",
        **dict.fromkeys(["SEAL_KEY", "SEAL_CERT"], new_pair("Zarts")),
    }
    code = (
        "import django as d; d.setup(); from portal import seals; from django.conf import settings as s;"
        "print(repr(s.SEAL_KEY), 'PRIVATE' in s.SEAL_CERT, len(seals.certificates()))"
    )
    root = Path(__file__).resolve().parents[2]
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, cwd=root)
    assert done.stdout.strip() == "'' False 1", done.stderr


def test_a_network_is_counted_as_one_whichever_of_its_addresses_asks(portal_cursor):
    for number in range(60):
        assert ask(portal_cursor, "select portal_may_look(%s)", f"2001:db8:1:2::{number:x}") == [(True,)]
    for address, may in (("2001:db8:1:2::fff", False), ("2001:db8:1:2:ffff::1", False), ("2001:db8:1:3::7", True)):
        assert ask(portal_cursor, "select portal_may_look(%s)", address) == [(may,)]
