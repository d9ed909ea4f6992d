"""Signing in, and what a client's guest sees."""

import re
from datetime import timedelta

import pytest
from django.utils import timezone
from portal_makers import CONTRACT, MARTA, PIER, TOM, a_guest, a_link, a_publication, signed_in

from portal.models import ClientAction, Guest, Session, SignInLink, SignInRequest
from portal.tokens import token_hash

pytestmark = pytest.mark.django_db(transaction=True)

PAGES = ["/portal/", "/portal/onboarding/", "/portal/reports/", "/portal/history/", "/portal/sessions/"]
NOTHING = dict.fromkeys(
    [
        "scope",
        "timeline",
        "prices",
        "totals",
        "findings",
        "claims",
        "reporting",
        "from",
        "numbers",
        "words",
        "items",
        "path",
    ]
)


def test_asking_for_a_link_tells_nothing(portal_client):
    a_guest(email="marta@harbor.example")

    known, unknown = (
        portal_client.post("/portal/sign-in", {"email": email})
        for email in ("Marta@Harbor.example", "stranger@nowhere.example")
    )

    assert known.content == unknown.content
    assert list(SignInRequest.objects.values_list("email", flat=True)) == [
        "marta@harbor.example",
        "stranger@nowhere.example",
    ]


def test_the_sixth_request_of_an_hour_is_silently_dropped(portal_client):
    pages = {portal_client.post("/portal/sign-in", {"email": "a@b.example"}).content for _ in range(7)}

    assert len(pages) == 1
    assert SignInRequest.objects.count() == 5


def test_only_the_button_uses_a_sign_in_link_up(portal_client):
    token = SignInLink.mint(a_guest())

    for _ in range(3):
        assert portal_client.get(f"/portal/enter/{token}").status_code == 200
    assert portal_client.post(f"/portal/enter/{token}").status_code == 302
    assert portal_client.post(f"/portal/enter/{token}").status_code == 410

    assert Session.objects.count() == 1
    assert portal_client.get("/portal/").status_code == 200


@pytest.mark.parametrize("spoil", ["late", "revoked"])
def test_a_late_link_or_a_revoked_guest_stays_out(portal_client, spoil):
    guest = a_guest()
    token = SignInLink.mint(guest)
    if spoil == "revoked":
        Guest.objects.filter(pk=guest.pk).update(revoked_at=timezone.now())
    else:
        token = "late" + "x" * 39
        SignInLink.objects.create(
            guest=guest, token_hash=token_hash(token), expires_at=timezone.now() - timedelta(seconds=1)
        )

    assert portal_client.post(f"/portal/enter/{token}").status_code == 410
    assert not Session.objects.exists()


def test_the_cookie_is_kept_from_scripts_and_other_sites(portal_client, settings):
    portal_client.post(f"/portal/enter/{SignInLink.mint(a_guest())}")
    plain = portal_client.cookies["zarts_portal"]
    assert (plain["httponly"], plain["samesite"], plain["secure"]) == (True, "Lax", "")

    settings.PORTAL_URL = "https://portal.example"
    portal_client.post(f"/portal/enter/{SignInLink.mint(Guest.objects.get())}")
    strict = portal_client.cookies["__Host-zarts_portal"]
    assert (strict["httponly"], strict["secure"], strict["path"], strict["domain"]) == (True, True, "/", "")


@pytest.mark.parametrize("path", [*PAGES, "/portal/proposals/1/", "/portal/contracts/1/", "/portal/reports/1/"])
@pytest.mark.parametrize("cookie", [None, "", "x" * 43, "\x00", "x" * 5000])
def test_a_stranger_is_led_to_sign_in(portal_client, path, cookie):
    if cookie is not None:
        portal_client.cookies["zarts_portal"] = cookie

    answer = portal_client.get(path)

    onward = "" if path == "/portal/" else f"?next={path}"
    assert (answer.status_code, answer.url) == (302, f"/portal/sign-in{onward}")


def test_signing_out_ends_the_session_for_good(portal_client):
    signed_in(portal_client)
    cookie = portal_client.cookies["zarts_portal"].value
    assert portal_client.get("/portal/sign-out").status_code == 405

    portal_client.post("/portal/sign-out")
    portal_client.cookies["zarts_portal"] = cookie

    assert portal_client.get("/portal/").status_code == 302


@pytest.mark.parametrize("kind", ["proposal", "contract", "report"])
def test_another_clients_page_is_not_found(portal_client, kind):
    own = a_publication(kind=kind)
    other = a_publication(kind=kind, client_id=PIER, ref=f"{kind}:2")
    signed_in(portal_client)

    assert portal_client.get(f"/portal/{kind}s/{own.pk}/").status_code == 200
    for pk in (other.pk, 10**6, 10**30):
        assert portal_client.get(f"/portal/{kind}s/{pk}/").status_code == 404
    for path in PAGES:
        assert f"client {PIER}" not in portal_client.get(path).content.decode()


def test_the_newest_takes_the_place_of_the_older(portal_client):
    older, newer = a_publication(kind="report", title="First"), a_publication(kind="report", title="Second")
    signed_in(portal_client)

    assert portal_client.get(f"/portal/reports/{older.pk}/").url == f"/portal/reports/{newer.pk}/"
    newer.withdraw("A number was wrong.")
    assert portal_client.get(f"/portal/reports/{older.pk}/").status_code == 200


def test_looking_changes_nothing(portal_client):
    a_publication(kind="contract")
    signed_in(portal_client)
    before = list(Session.objects.values()), ClientAction.objects.count()

    for path in PAGES:
        portal_client.get(path)

    assert (list(Session.objects.values()), ClientAction.objects.count()) == before


def test_many_reports_are_all_listed(portal_client):
    signed_in(portal_client)
    for number in range(30):
        a_publication(kind="report", ref=f"report:{number}")

    assert portal_client.get("/portal/").status_code == 200
    assert portal_client.get("/portal/reports/").content.decode().count("/portal/reports/") >= 30


def test_a_report_draws_what_was_promised_behind_what_came(portal_client):
    calls = {"metric": "Calls", "before": "50", "value": "84", "promised": "80 to 100", "low": "80", "high": "100"}
    signed_in(portal_client)
    with_range = a_publication(kind="report", body={"numbers": [calls]})
    without = a_publication(kind="report", ref="report:2", body={"numbers": [{**calls, "low": None, "high": None}]})

    page = portal_client.get(f"/portal/reports/{with_range.pk}/").content.decode()
    assert '<rect class="trend-band"' in page
    assert "inside what we promised" in page
    assert 'class="trend-band"' not in portal_client.get(f"/portal/reports/{without.pk}/").content.decode()
    without.withdraw("It was another client's.")
    home = portal_client.get("/portal/").content.decode()
    assert '<rect class="band" x="80.0" width="20.0"' in home
    assert '<rect class="span" y="11" width="84.0"' in home
    assert "promised</span>" in home


def test_a_contract_is_signed_once_by_a_signer(portal_client, settings):
    contract = a_publication(kind="contract")
    signed_in(portal_client)
    form = {
        "name": "Marta Lind",
        "role": "Owner",
        "consent": "on",
        "digest": contract.digest,
        "consent_version": "sign-1",
    }
    path = f"/portal/contracts/{contract.pk}/"

    unsigned = portal_client.get(path).content.decode()
    assert f'<li>{settings.AGENCY_NAME} <span class="quiet">signs last</span></li>' in unsigned
    assert "Sign the contract" in portal_client.get(path).content.decode()
    assert portal_client.post(f"{path}sign", {**form, "name": ""}).status_code == 422
    assert portal_client.post(f"{path}sign", {**form, "digest": "0" * 64}).status_code == 409
    for _ in range(2):
        assert portal_client.post(f"{path}sign", form).status_code == 302

    assert ClientAction.objects.filter(verb="signed").count() == 1
    page = portal_client.get(path).content.decode()
    assert "You signed this" in page
    assert f"{settings.AGENCY_NAME} signs after you, and then we start." in page
    assert "Sign the contract" not in page


def test_somebody_who_is_no_signer_can_read_but_not_sign(portal_client):
    contract = a_publication(kind="contract")
    signed_in(portal_client, a_guest(contact_id=TOM))
    form = {"name": "Tom", "role": "x", "consent": "on", "digest": contract.digest, "consent_version": "sign-1"}

    assert "Sign the contract" not in portal_client.get(f"/portal/contracts/{contract.pk}/").content.decode()
    assert portal_client.post(f"/portal/contracts/{contract.pk}/sign", form).status_code == 409
    assert not ClientAction.objects.exists()


def test_a_countersigned_contract_keeps_the_clients_signature(portal_client):
    contract = a_publication(kind="contract")
    signed_in(portal_client)
    form = {
        "name": "Marta Lind",
        "role": "Owner",
        "consent": "on",
        "digest": contract.digest,
        "consent_version": "sign-1",
    }
    portal_client.post(f"/portal/contracts/{contract.pk}/sign", form)

    final = a_publication(kind="contract", body={**CONTRACT, "countersigned": {"name": "Ben Ode", "on": "2026-11-23"}})
    page = portal_client.get(f"/portal/contracts/{final.pk}/").content.decode()

    assert "You signed this" in page
    assert "Ben Ode" in page
    assert "in force" in page


def test_a_question_is_shown_to_whoever_asked_it_only(portal_client):
    _, token = a_link(contact_id=TOM, contact_name="Tom Reyes")
    portal_client.post(f"/p/{token}/ask", {"words": "Is this too dear?"})

    signed_in(portal_client, a_guest(contact_id=MARTA))

    page = portal_client.get("/portal/history/").content.decode()
    assert "Tom Reyes asked" in page
    assert "too dear" not in page


@pytest.mark.parametrize("kind", ["proposal", "contract", "report", "onboarding", "status"])
@pytest.mark.parametrize("body", [{}, NOTHING])
def test_a_page_shows_what_is_there_and_misses_nothing_loudly(portal_client, kind, body):
    publication = a_publication(kind=kind, body=body)
    signed_in(portal_client)

    for path in [*PAGES] + (
        [f"/portal/{kind}s/{publication.pk}/"] if kind in ("proposal", "contract", "report") else []
    ):
        assert portal_client.get(path).status_code == 200


def test_what_is_published_is_shown_as_text(portal_client):
    publication = a_publication(kind="report", title="<script>1</script>", body={"words": ["<img src=x onerror=1>"]})
    signed_in(portal_client)

    page = portal_client.get(f"/portal/reports/{publication.pk}/").content.decode()

    assert "<script>" not in page
    assert "<img" not in page


def test_every_page_keeps_itself_to_itself(portal_client):
    for path in ("/", "/nope", "/portal/sign-in", "/p/" + "x" * 43 + "/", "/healthz"):
        headers = portal_client.get(path).headers
        policy = headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "same-origin"
        assert headers["Cache-Control"] == "no-store" or "no-store" in headers["Cache-Control"]


def test_no_page_has_inline_code(portal_client):
    contract = a_publication(kind="contract")
    signed_in(portal_client)

    for path in ["/", "/privacy", "/intake/leads", "/portal/sign-in", f"/portal/contracts/{contract.pk}/", *PAGES]:
        page = portal_client.get(path).content.decode()
        assert not re.findall(r"<script(?! src=)", page)
        assert "style=" not in page
        assert "<style" not in page
        assert " onclick" not in page


def a_status(ref, what, **body):
    path = [{"name": "First talk", "state": "now", "on": None}]
    body = {"path": path, "next": {"what": what, "on": None, "who": "Dana"}, "needs": [], **body}
    return a_publication(kind="status", ref=ref, title="Where we are", body=body)


def test_a_second_deal_does_not_hide_what_the_first_one_needs(portal_client):
    contract = a_publication(kind="contract")
    need = {"what": "Read and sign the contract", "url_kind": "contract", "id": contract.pk}
    a_status("opportunities.opportunity:1", "Read and sign the contract", needs=[need], about="Booking page")
    a_status("opportunities.opportunity:2", "We talk about what you need")
    page = signed_in(portal_client).get("/portal/").content.decode()
    assert f'href="/portal/contracts/{contract.pk}/"' in page
    assert "Booking page" in page
    assert "We talk about what you need" in page
    assert "Nothing just now" not in page


def test_a_deal_that_is_over_is_left_out_while_another_goes_on(portal_client):
    a_status("opportunities.opportunity:1", "We measure where you stand")
    a_status("opportunities.opportunity:2", "Nothing is open between us", over=True)
    page = signed_in(portal_client).get("/portal/").content.decode()
    assert "We measure where you stand" in page
    assert "Nothing is open between us" not in page
