"""The agency's name, colour, logo and address on the client's pages."""

import pytest
from portal_makers import signed_in

from portal.apps import the_address_can_be_mailed, the_colour_can_be_read, the_logo_is_there
from portal.looks import contrast

pytestmark = pytest.mark.django_db(transaction=True)


def test_the_house_colour_needs_no_other_sheet(portal_client):
    assert "brand.css" not in portal_client.get("/").content.decode()


def test_a_colour_of_ones_own_is_on_every_page_without_a_style_in_it(portal_client, settings):
    settings.AGENCY_COLOUR = "#7a1f5c"
    page = portal_client.get("/").content.decode()
    assert '<link rel="stylesheet" href="/brand.css">' in page
    assert "style=" not in page
    sheet = portal_client.get("/brand.css")
    assert sheet.headers["Content-Type"].startswith("text/css")
    assert "--accent: #7a1f5c" in sheet.content.decode()


def test_a_logo_stands_for_the_name_and_says_it(portal_client, settings):
    settings.AGENCY_LOGO = "favicon.svg"
    assert 'alt="Zarts"' in portal_client.get("/").content.decode()


@pytest.mark.parametrize(
    ("colour", "words"),
    [
        ("#1c5d4c", ""),
        ("red", "write it as #rrggbb"),
        ("#fff;} body {", "write it as #rrggbb"),
        ("#ffd400", "too pale to be read"),
    ],
)
def test_a_colour_that_nobody_could_read_is_refused_at_start(settings, colour, words):
    settings.AGENCY_COLOUR = colour
    found = the_colour_can_be_read(None)
    assert [words in str(error.msg) for error in found] == ([True] if words else [])


def test_white_words_can_be_read_on_the_palest_colour_that_is_let_in(settings):
    """Every button, in a mail too, is white on it; papers and pages have it as words."""
    greys = [f"#{shade:02x}{shade:02x}{shade:02x}" for shade in range(256)]
    let_in = []
    for grey in greys:
        settings.AGENCY_COLOUR = grey
        let_in += [] if the_colour_can_be_read(None) else [grey]
    assert "#000000" in let_in
    assert "#ffffff" not in let_in
    assert min(contrast(grey, "#ffffff") for grey in let_in) >= 4.5


def test_a_logo_that_is_not_there_is_refused_at_start(settings):
    assert the_logo_is_there(None) == []
    settings.AGENCY_LOGO = "favicon.svg"
    assert the_logo_is_there(None) == []
    for name in ("brand/none.svg", "../manage.py"):
        settings.AGENCY_LOGO = name
        (error,) = the_logo_is_there(None)
        assert f"AGENCY_LOGO is “{name}”, and there is no such file below static/." in error.msg


def test_a_logo_stands_in_the_clients_own_pages_too(portal_client, settings):
    settings.AGENCY_LOGO = "favicon.svg"
    assert 'alt="Zarts"' in signed_in(portal_client).get("/portal/").content.decode()


@pytest.mark.parametrize("url", ["http://clients.example", "https://localhost", "https://x.example/clients"])
def test_an_address_that_no_mail_should_lead_to_is_told_before_a_deployment(settings, url):
    settings.PORTAL_URL = "https://clients.example"
    assert the_address_can_be_mailed(None) == []
    settings.PORTAL_URL = url
    (warning,) = the_address_can_be_mailed(None)
    assert f"PORTAL_URL is “{url}”" in warning.msg
