"""Somebody of the agency looks as a client: with the rights to read that a guest has, and none to write."""

import pytest
from portal_makers import CONTRACT, HARBOR, MARTA, PIER, a_guest, a_link, a_publication, an_old_stamp, signed_in
from test_portal_wall import ask

from portal.models import ClientAction, Passkey, Preview, ProposalLink, Publication, Session, SignInLink
from portal.tokens import new_token, token_hash
from tests.database import PortalClient

pytestmark = pytest.mark.django_db(transaction=True)

PAGES = ["/portal/", "/portal/onboarding/", "/portal/reports/", "/portal/history/", "/portal/sessions/"]
BANNER = "<strong>Preview:</strong> you see what Harbor Dental sees. Nothing you do here counts."


def a_way_in(**fields):
    fields.setdefault("client_id", HARBOR)
    return Preview.mint(client_name="Harbor Dental", made_by="Ada", **fields)


@pytest.fixture
def looking(portal_client):
    assert portal_client.post(f"/portal/preview/{a_way_in()}").url == "/portal/"
    return portal_client


def test_only_the_button_begins_a_preview_and_it_works_once(portal_client):
    token = a_way_in()
    for _ in range(3):
        assert portal_client.get(f"/portal/preview/{token}").status_code == 200
    assert portal_client.post(f"/portal/preview/{token}").status_code == 302
    assert PortalClient().post(f"/portal/preview/{token}").status_code == 410
    assert portal_client.post(f"/portal/preview/{'x' * 43}").status_code == 410


def test_a_way_in_lasts_five_minutes_and_a_preview_thirty(portal_client, looking, as_owner):
    late = a_way_in()
    as_owner("update portal_preview set enter_until = now() - interval '1 second' where token_hash is null")
    assert PortalClient().post(f"/portal/preview/{late}").status_code == 410

    held = Preview.objects.exclude(token_hash=None).get()
    assert 29 < (held.ends_at - held.made_at).seconds / 60 <= 30.1
    as_owner("update portal_preview set ends_at = now() - interval '1 second'")
    assert looking.get("/portal/").url == "/portal/sign-in"


def test_every_page_says_that_it_is_a_preview(looking):
    for path in PAGES:
        page = looking.get(path).content.decode()
        assert BANNER in page
        assert "Sign out" not in page


def test_a_preview_shows_what_a_guest_sees_and_nothing_of_others(looking):
    for kind in ("proposal", "contract", "report"):
        a_publication(kind=kind)
        a_publication(kind=kind, client_id=PIER, ref=f"{kind}:2")
    guest = signed_in(PortalClient())
    for kind in ("proposal", "contract", "report"):
        own, other = (one.pk for one in shown(kind))
        assert (
            looking.get(f"/portal/{kind}s/{own}/").status_code
            == guest.get(f"/portal/{kind}s/{own}/").status_code
            == 200
        )
        assert looking.get(f"/portal/{kind}s/{other}/").status_code == 404


def shown(kind):
    return Publication.objects.filter(kind=kind).order_by("client_id")


def test_a_preview_of_a_proposal_opens_it_and_of_somebody_elses_the_room(portal_client):
    own, other = a_publication(), a_publication(client_id=PIER, ref="proposal:2")
    answer = portal_client.post(f"/portal/preview/{a_way_in(publication_id=own.pk)}")
    assert answer.url == f"/portal/proposals/{own.pk}/"
    assert BANNER in portal_client.get(answer.url).content.decode()
    assert PortalClient().post(f"/portal/preview/{a_way_in(publication_id=other.pk)}").url == "/portal/"


def test_a_preview_can_do_nothing(looking):
    contract, proposal = a_publication(kind="contract", body=CONTRACT), a_publication()
    link, token = a_link(proposal)
    marta = signed_in(PortalClient(), a_guest())
    session = Session.objects.get()
    consent = {"consent": "on", "consent_version": "sign-1", "digest": contract.digest}
    deeds = [
        (f"/portal/contracts/{contract.pk}/sign", {"name": "Marta", "role": "Owner", **consent}),
        (f"/p/{token}/open", {"stamp": an_old_stamp()}),
        (f"/p/{token}/accept", {"name": "M", "role": "O", "consent": "on", "digest": proposal.digest}),
        (f"/p/{token}/decline", {"words": "No", "digest": proposal.digest}),
        (f"/p/{token}/ask", {"words": "Why?"}),
        (f"/portal/sessions/{session.pk}/end", {}),
        ("/portal/sessions/end-others", {}),
        ("/portal/rooms", {"client": PIER}),
        ("/portal/passkeys/add", {"name": "x", "credential": "{}"}),
        ("/portal/passkeys/1/remove", {}),
        ("/portal/seen", {}),
        ("/portal/sign-out", {}),
    ]
    for path, form in deeds:
        answer = looking.post(path, form)
        assert answer.status_code == 403, path
        assert "This is only a preview" in answer.content.decode()
    assert looking.get("/portal/passkeys/options").status_code == 302
    looking.get(f"/p/{token}/")
    assert not ClientAction.objects.exists()
    assert ProposalLink.objects.get(pk=link.pk).opened_at is None
    assert marta.get("/portal/").status_code == 200


def test_the_database_refuses_whatever_a_preview_would_write(portal_cursor):
    contract = a_publication(kind="contract", body=CONTRACT)
    ask(portal_cursor, "select portal_sign_in(%s, %s)", SignInLink.mint(a_guest()), token_hash(new_token()))
    token, before = new_token(), list(Session.objects.values())
    assert len(ask(portal_cursor, "select * from portal_enter_preview(%s, %s)", a_way_in(), token_hash(token))) == 1
    assert ask(portal_cursor, "select portal_client()", token=token) == [(HARBOR,)]

    sign = "select portal_sign(%s, %s, 'Marta', 'Owner', 'sign-1', %s, '', '')"
    assert ask(portal_cursor, sign, token, contract.pk, contract.digest) == [("signed_out",)]
    add = "select portal_add_passkey(%s, %s, 0, 'x', %s)"
    assert ask(portal_cursor, add, "A" * 40, b"k" * 40, "c" * 40, token=token) == [("signed_out",)]
    assert ask(portal_cursor, "select portal_switch(%s)", PIER, token=token) == [(False,)]
    assert ask(portal_cursor, "select portal_end_sessions()", token=token) == [(0,)]
    assert ask(portal_cursor, "select portal_end_sessions(%s)", before[0]["id"], token=token) == [(0,)]
    for door in ("portal_seen", "portal_sign_out"):
        ask(portal_cursor, f"select {door}()", token=token)
    for door in ("portal_sessions", "portal_passkeys", "portal_rooms"):
        assert ask(portal_cursor, f"select * from {door}()", token=token) == []
    assert list(Session.objects.values()) == before
    assert not ClientAction.objects.exists()
    assert not Passkey.objects.exists()


def test_the_words_of_a_client_stay_with_whoever_wrote_them(looking):
    _, token = a_link(contact_id=MARTA)
    PortalClient().post(f"/p/{token}/ask", {"words": "Is this too dear?"})
    page = looking.get("/portal/history/").content.decode()
    assert "Marta Lind asked" in page
    assert "too dear" not in page


def test_a_preview_ends_when_it_is_left(looking):
    held = looking.cookies["zarts_preview"].value
    assert "The preview is over" in looking.post("/portal/preview/leave").content.decode()
    looking.cookies["zarts_preview"] = held
    assert looking.get("/portal/").url == "/portal/sign-in"


def test_whoever_signs_in_as_a_guest_leaves_the_preview(looking):
    signed_in(looking)
    assert BANNER not in looking.get("/portal/").content.decode()


def test_its_cookie_is_kept_from_scripts_and_other_sites(portal_client, settings):
    settings.PORTAL_URL = "https://portal.example"
    portal_client.post(f"/portal/preview/{a_way_in()}")
    kept = portal_client.cookies["__Host-zarts_preview"]
    assert (kept["httponly"], kept["secure"], kept["samesite"], kept["path"]) == (True, True, "Lax", "/")
    assert kept["max-age"] == 1800
