"""Words of a client are words, wherever others read them."""

import re

import pytest
from django.utils.html import urlize

from portal.forms import AcceptForm, InquiryForm, OpenForm, SignForm
from portal.words import another_name, has_address, shares_no_word, without_links

ADDRESSES = [
    *("https://evil.example/sign", "http://10.0.0.1/x", "www.evil.com", "evil.com/pay", "evil.io", "EVIL.COM"),
    *("mailto:a@evil.example", "a@evil.example", "ftp://evil.example", "tel:+15550100", "http://evil。example"),
    *("//evil.example", "https:evil.example", "xn--evl-ypa.example", "evil.example:8080/a?b=c#d"),
]


@pytest.mark.parametrize("address", ADDRESSES)
def test_no_program_makes_a_link_of_somebodys_words(address):
    said = without_links(f"Please sign at {address} instead")
    assert address not in said
    assert "<a " not in urlize(said)
    assert not re.search(r"\.[^\W\d_]|[^\W\d_]:\S", said)


@pytest.mark.parametrize(
    "words", ["It costs 4.5 % too much.", "Call at 12:30. Please: soon!", "Well... no.", "J. Smith"]
)
def test_words_that_are_no_address_stay_as_they_are(words):
    assert without_links(words) == words


@pytest.mark.parametrize("form", [AcceptForm, SignForm, InquiryForm, OpenForm])
@pytest.mark.parametrize(
    "name", ["Stella: see http://evil.example/pay", "Bo (evil.com)", "a@evil.example", "www.evil.de"]
)
def test_a_name_with_an_address_in_it_is_refused_at_its_place(form, name):
    assert form({"name": name, "colleague": "1"}).errors["name"] == [
        "Type the name alone, without a web or mail address."
    ]


@pytest.mark.parametrize(
    "name", ["J.Smith", "Dr.med. Anna Berg", "St.John Rivers", "Bo Larsen jr.", "Ng, M.", "李小龙"]
)
def test_initials_and_titles_are_no_addresses(name):
    assert not has_address(name)


@pytest.mark.parametrize("typed", ["Marta Lind", " marta  LIND "])
def test_the_same_name_is_said_once(typed):
    assert another_name("Marta Lind", typed) == ""


@pytest.mark.parametrize(
    ("typed", "is_strange"),
    [("M. Lind-Berg", False), ("Lind, Marta", False), ("Somebody Else", True), ("M. L.", True), ("", True)],
)
def test_a_name_that_shares_no_word_with_theirs_is_strange(typed, is_strange):
    assert another_name("Marta Lind", typed) == typed
    assert shares_no_word("Marta Lind", typed) is is_strange
