"""The public form: what comes in, once, and what is refused in words."""

import json
from uuid import uuid4

import psycopg
import pytest
from django.db import connection
from django.test import Client
from portal_makers import an_old_stamp

from portal import consent
from portal.models import Inquiry

pytestmark = pytest.mark.django_db(transaction=True)

ANN = {"name": "Ann Day", "email": "Ann@Day.example", "company": "Day & Sons", "consent": "on"}


def a_form(**fields):
    stamp = an_old_stamp(source={"utm_source": "news", "page": "/"})
    return {"key": str(uuid4()), "stamp": stamp, **ANN, **fields}


def test_the_public_pages_read_no_database(settings):
    settings.ROOT_URLCONF = "portal.urls"
    settings.MIDDLEWARE = ["portal.middleware.PlainHeaders", "django.middleware.csrf.CsrfViewMiddleware"]

    def refuse(*args):
        raise AssertionError("a public page asked the database")

    with connection.execute_wrapper(refuse):
        for path in ("/", "/privacy", "/intake/leads", "/intake/thanks", "/healthz", "/nope", "/portal/sign-in"):
            assert Client().get(path).status_code == (404 if path == "/nope" else 200)


def test_a_form_becomes_an_inquiry_with_consent_and_source(portal_client):
    answer = portal_client.post("/intake/leads", a_form())

    assert (answer.status_code, answer.url) == (302, "/intake/thanks")
    inquiry = Inquiry.objects.get()
    assert (inquiry.name, inquiry.email, inquiry.company) == ("Ann Day", "ann@day.example", "Day & Sons")
    assert (inquiry.consent, inquiry.consent_version) == (True, consent.INQUIRY_VERSION)
    assert inquiry.source == {"utm_source": "news", "page": "/"}
    assert "Dana Whitfield" in portal_client.get("/intake/thanks").content.decode()


def test_the_same_form_twice_is_one_inquiry(portal_client):
    form = a_form()

    assert [portal_client.post("/intake/leads", form).status_code for _ in range(3)] == [302, 302, 302]

    assert Inquiry.objects.count() == 1


def test_a_machine_gets_the_same_thanks_and_leaves_nothing(portal_client):
    assert portal_client.post("/intake/leads", a_form(fax_extension="1")).url == "/intake/thanks"

    assert not Inquiry.objects.exists()


def test_what_comes_too_quickly_is_kept_and_doubted(portal_client):
    fresh = portal_client.get("/intake/leads").context["stamp"]

    for stamp in (fresh, "made up", "", an_old_stamp()):
        assert portal_client.post("/intake/leads", a_form(stamp=stamp)).url == "/intake/thanks"

    assert list(Inquiry.objects.order_by("id").values_list("doubtful", flat=True)) == [True, True, True, False]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", ""),
        ("name", "x" * 121),
        ("email", "nobody"),
        ("consent", ""),
        ("message", "x" * 5001),
        ("website", "javascript:x.y"),
    ],
)
def test_a_wrong_field_is_named_and_nothing_typed_is_lost(portal_client, field, value):
    page = portal_client.post("/intake/leads", a_form(**{"message": "Quiet Mondays", field: value}))

    assert page.status_code == 422
    assert list(page.context["form"].errors) == [field]
    assert ("Ann Day" if field != "name" else "Quiet Mondays") in page.content.decode()
    assert not Inquiry.objects.exists()


def test_control_and_direction_marks_are_cleaned(portal_client):
    portal_client.post("/intake/leads", a_form(name="Ann\x00\u202e\x07 Day", message="One\r\n\x00two\u2066"))

    inquiry = Inquiry.objects.get()
    assert (inquiry.name, inquiry.message) == ("Ann Day", "One\ntwo")


DOOR = "select portal_inquire(%s, %s, %s, %s, %s, %s, %s, true, 'v1', %s::jsonb, '10.0.0.1')"


def at_the_door(cursor, **fields):
    """Call the database's door as an injected statement could, past the view."""
    given = {"name": "Ann Day", "email": "ann@day.example", "phone": "", "company": "", "website": "", "message": ""}
    given |= {"source": "{}", **fields}
    return cursor.execute(DOOR, [uuid4(), *given.values()]).fetchone()[0]


@pytest.mark.parametrize(
    "fields",
    [
        {"name": " "},
        {"name": "x" * 121},
        {"name": "Ann\x07"},
        {"name": "Ann\u202e"},
        {"name": "Ann\nDay"},
        {"email": ""},
        {"email": "nobody"},
        {"email": "ann@day"},
        {"email": "ann@day.example\nBcc: all@day.example"},
        {"email": "Ann <ann@day.example>"},
        {"email": "ann@" + "x" * 250 + ".example"},
        {"phone": "1" * 41},
        {"company": "x" * 161},
        {"website": "javascript:x.y"},
        {"website": "day"},
        {"message": "x" * 5001},
        {"message": "One\x1b[2J"},
        {"source": json.dumps({"page": "/\x07"})},
        {"source": json.dumps({"page": "x" * 8001})},
    ],
)
def test_the_databases_own_door_refuses_what_the_form_refuses(portal_cursor, fields):
    with pytest.raises(psycopg.errors.CheckViolation):
        at_the_door(portal_cursor, **fields)
    assert not Inquiry.objects.exists()


@pytest.mark.parametrize(
    "email",
    [
        "ann@day.example",
        "ann.o'day+web@day.co.uk",
        "ann@m\u00fcnchen.example",
        '"ann day"@day.example',
        "ann@[127.0.0.1]",
    ],
)
def test_whatever_address_the_form_takes_the_door_takes_too(portal_client, portal_cursor, email):
    status = portal_client.post("/intake/leads", a_form(email=email)).status_code

    assert status in (302, 422)
    if status == 302:
        assert at_the_door(portal_cursor, email=email, message="One\ntwo") is True
    assert Inquiry.objects.count() == (2 if status == 302 else 0)


def test_a_form_needs_its_csrf_token(portal_client, settings):
    settings.CSRF_FAILURE_VIEW = "portal.views.refused.csrf"
    portal_client.handler.enforce_csrf_checks = True

    refused = portal_client.post("/intake/leads", a_form())

    assert refused.status_code == 403
    assert "Please send it again" in refused.content.decode()


def test_other_kinds_of_content_are_refused(portal_client):
    portal_client.handler.enforce_csrf_checks = False

    assert portal_client.post("/intake/leads", "<a/>", content_type="text/xml").status_code == 415
    assert portal_client.put("/intake/leads").status_code == 405
    assert portal_client.post("/intake/leads", a_form(message="x" * 70_000)).status_code == 413


def came_from(client, referrer):
    """Open the form from another page, send it, and return what was kept of where it came from."""
    stamp = client.get("/intake/leads", headers={"Referer": referrer}).context["stamp"]
    client.post("/intake/leads", a_form(stamp=stamp))
    return Inquiry.objects.latest("pk").source.get("referrer")


@pytest.mark.parametrize("path", [f"/p/{'t' * 43}/", f"/portal/enter/{'t' * 43}", "/", f"/stop/{'t' * 43}"])
def test_no_address_of_our_own_is_kept_as_where_somebody_came_from(portal_client, settings, path):
    for own in ("http://testserver", settings.PORTAL_URL):
        assert came_from(portal_client, own + path) is None


def test_of_another_site_host_and_path_are_kept(portal_client):
    assert came_from(portal_client, "https://ann:secret@news.example/list?key=1#x") == "https://news.example/list"
    assert came_from(portal_client, "javascript:alert(1)") is None
    assert came_from(portal_client, "http://[") is None


def test_the_door_keeps_no_key_in_where_somebody_came_from(portal_cursor):
    source = {"referrer": f"https://clients.example/p/{'t' * 43}/?again={'t' * 43}", "page": "/"}
    at_the_door(portal_cursor, source=json.dumps(source))
    assert Inquiry.objects.get().source == {"referrer": "https://clients.example/p/…/", "page": "/"}
