"""Mail to people outside says the same twice: as plain text, and as a page in the look of the client's."""

import re
from email import message_from_bytes, policy

import pytest
from django.core import mail

from opportunities import letters, outbox
from tests.makers_proposals import a_proposal

WORDS = "Hello Bo,\n\nhere it is <b>now</b> & {{ then }}:\nhttps://portal.zarts.example/p/abc/\n\nAda\nZarts\n\n"
FOOT = "You get this mail because we are working with Harbor Dental on it."


def plain(page) -> str:
    """Return the words of a page, one paragraph a line."""
    body = re.sub(r"<br>", " ", page[page.index("<body") :])
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", body)).strip()


def test_what_is_typed_is_never_markup():
    page = letters.as_page("A <subject>", WORDS + FOOT)
    assert "&lt;b&gt;now&lt;/b&gt; &amp; {{ then }}" in page
    assert "<title>A &lt;subject&gt;</title>" in page


def test_a_link_that_stands_alone_is_one_and_leads_where_it_says():
    page = letters.as_page("x", WORDS + FOOT)
    assert re.findall(r'href="([^"]+)"', page) == ["https://portal.zarts.example/p/abc/"]


def test_a_button_says_what_the_page_says_to_which_it_leads():
    for path, says in [("/p/abc/", "Open the proposal"), ("/portal/enter/abc", "Come in"), ("/x", "Open the page")]:
        assert f">{says}</a>" in letters.as_page("x", f"Here:\nhttps://portal.zarts.example{path}")


def test_a_code_is_large_enough_to_be_typed_from_another_device():
    assert ">123 456</strong>" in letters.as_page("x", "Type this code:\n123 456\n\nor not")


def test_why_it_came_stands_at_its_foot():
    parts = letters.parts_of(WORDS + FOOT)
    assert [part.is_foot for part in parts] == [False, False, False, True]


@pytest.mark.parametrize(
    "words", ["", "\n\n\n", "a\r\n\r\nb", "-- \nStop", "x" * 5000, "\u202e\x00", "javascript:alert(1)"]
)
def test_any_words_become_a_page_without_a_script(words):
    page = letters.as_page("x", words)
    assert "<script" not in page
    assert 'href="javascript' not in page


@pytest.mark.django_db
def test_a_proposals_mail_carries_both_with_the_same_words(ada, ben):
    a_proposal(ada, approver=ben, stage="sent")
    outbox.send()
    (letter,) = [one for one in mail.outbox if one.subject.startswith("Our proposal")]
    ((page, kind),) = letter.alternatives
    assert kind == "text/html"
    said = plain(page).replace("Open the proposal", "")
    wanted = f"Zarts{letter.body.replace('&', '&amp;')}"
    assert re.sub(r"\s+", "", said) == re.sub(r"\s+", "", wanted)
    assert len(set(re.findall(r"https?://[^\s\"<]+/p/[^\s\"<]+", page))) == 1


# -- The agency's logo. ------------------------------------------------------------------------------------------------

PDF = ("contract.pdf", b"%PDF-1.7", "application/pdf")


def read(letter):
    """Return a mail as the program of whoever gets it reads it."""
    return message_from_bytes(letter.message().as_bytes(), policy=policy.default)


def pictures(read_mail) -> list:
    return [part for part in read_mail.walk() if part.get_content_maintype() == "image"]


@pytest.mark.parametrize("attached", [[], [PDF]])
def test_the_logo_is_in_the_mail_itself_and_its_words_are_the_name(settings, attached):
    bare = read(letters.mail("x", WORDS + FOOT, None, ["bo@harbor.example"], attachments=attached))
    settings.AGENCY_LOGO = "favicon.svg"
    letter = read(letters.mail("x", WORDS + FOOT, None, ["bo@harbor.example"], attachments=attached))
    page = letter.get_body(("html",)).get_content()
    ((address, name),) = re.findall(r'<img src="cid:([^"]+)" alt="([^"]+)"', page)
    (picture,) = pictures(letter)
    assert picture["Content-ID"] == f"<{address}>"
    assert (picture.get_content_type(), picture.get_content_disposition()) == ("image/png", "inline")
    assert picture.get_content().startswith(b"\x89PNG")
    assert len(picture.get_content()) < 20_000
    assert name == settings.AGENCY_NAME
    assert letter.get_body(("plain",)).get_content() == bare.get_body(("plain",)).get_content()
    assert re.findall(r'src="(?!cid:)|url\(|<link', page) == [], "nothing is asked for when it is read"
    files = [part.get_filename() for part in letter.walk() if part.get_content_type() == "application/pdf"]
    assert files == [name for name, *_ in attached]


@pytest.mark.parametrize("name", ["", "portal/portal.css"])
def test_without_a_logo_that_can_be_drawn_the_name_stands_there(settings, name):
    settings.AGENCY_LOGO = name
    letter = read(letters.mail("x", WORDS + FOOT, None, ["bo@harbor.example"]))
    assert pictures(letter) == []
    page = letter.get_body(("html",)).get_content()
    assert "<img" not in page
    assert re.search(rf'class="brand"[^>]*>{settings.AGENCY_NAME}</p>', page)
