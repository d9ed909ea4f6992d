"""Who is here already: by mail address, phone, domain, or a name near enough."""

import pytest
from django.db import connection
from hypothesis import given, settings
from hypothesis import strategies as st

from opportunities import alike
from opportunities.duplicates import found
from opportunities.models import Client, Contact, User
from opportunities.records import begin
from tests.makers import a_lead, an_opportunity

pytestmark = pytest.mark.django_db


def key(kind, *values):
    with connection.cursor() as cursor:
        cursor.execute(f"select zarts_{kind}({', '.join(['%s'] * len(values))})", values)
        return cursor.fetchone()[0]


def around(one, other):
    """Whether the look-up of one name finds a row that has the other."""
    rows = f"(select 1 as id, {quoted(other)}::text as name_key)"
    with connection.cursor() as cursor:
        cursor.execute(f"select exists (select from ({alike.around(rows, quoted(one))}) n)")
        return cursor.fetchone()[0]


def quoted(text):
    return "'{}'".format(text.replace("'", "''"))


def a_client(owner, name, **fields):
    return begin(Client(name=name, owner=owner, **fields), by=owner)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Harbor Dental", "harbor  dental, Inc."),
        ("Müller & Söhne GmbH & Co. KG", "MULLER und SOHNE".replace("und", "and")),
        ("The Café du Coin S.A.R.L.", "Cafe du coin"),
        ("O’Brien Roofing LLC", "OBrien Roofing"),
        ("Østergård ApS", "ostergard"),
        ("株式会社", "株式会社"),
    ],
)
def test_case_accents_punctuation_and_legal_forms_make_no_other_name(one, other):
    assert key("name_key", one) == key("name_key", other) != ""


@pytest.mark.parametrize("name", ["", " ", "...", "&", "\u0301", "–"])
def test_a_name_without_letters_is_no_name_and_a_sign_is_no_fault(name):
    assert key("name_key", name) in ("", "and")


def test_a_legal_form_alone_stays_a_name():
    assert key("name_key", "AG") == "ag"


@pytest.mark.parametrize("phone", ["+49 (0)30 1234567", "0049 30 1234567", "030 / 123 45 67", "+49301234567 ext. 12"])
def test_a_phone_is_the_same_however_it_is_written(phone):
    assert key("phone_key", phone) == "301234567"


@pytest.mark.parametrize("phone", ["", "12345", "n/a", "000000000", "call me"])
def test_what_is_no_phone_is_nobodys(phone):
    assert key("phone_key", phone) == ""


@pytest.mark.parametrize(
    ("address", "domain"),
    [
        ("https://www.Harbor-Dental.example/book?x=1", "harbor-dental.example"),
        ("harbor-dental.example", "harbor-dental.example"),
        ("Mia@harbor-dental.example", "harbor-dental.example"),
        ("mia@gmail.com", ""),
        ("mia@yahoo.co.uk", ""),
        ("https://facebook.com/harbor", ""),
        ("nonsense", ""),
        ("", ""),
    ],
)
def test_a_domain_is_read_from_a_page_or_an_address_and_free_mail_is_nobodys(address, domain):
    assert key("domain_key", address) == domain


@pytest.mark.parametrize(
    ("one", "other", "near"),
    [
        ("harbordental", "harbourdental", True),
        ("harbordental", "harbordentel", True),
        ("harbordental", "habrordental", True),
        ("harbordental", "harbordenta", True),
        ("harbordental", "harbourdentel", False),
        ("shop12", "shop13", False),
        ("ibm", "ibn", False),
        ("harbordental" * 4, "harbordental" * 3 + "horbordental", True),
    ],
)
def test_one_slip_of_a_letter_is_near_and_a_number_is_none(one, other, near):
    assert key("one_slip", one, other) is near
    assert around(one, other) is near, "the indexes find it"


SLIPS = ("more", "less", "other", "swap")
LETTERS = st.text("abc12é", min_size=1, max_size=14)


def slipped(one, kind, place, letter):
    """Return a name with one slip at a place."""
    place %= len(one)
    head, rest = one[:place], one[place:]
    made = {
        "more": letter + rest,
        "less": rest[1:],
        "other": letter + rest[1:],
        "swap": rest[1:2] + rest[:1] + rest[2:],
    }
    return head + made[kind]


@settings(max_examples=300)
@given(one=LETTERS, kind=st.sampled_from(SLIPS), place=st.integers(0, 14), letter=st.sampled_from("abc1"))
def test_every_slip_is_found_by_one_half_of_the_name_and_a_name_of_four_letters_has_none(one, kind, place, letter):
    other = slipped(one, kind, place, letter)
    numbers = ["".join(filter(str.isdigit, name)) for name in (one, other)]
    near = min(len(one), len(other)) > 4 and numbers[0] == numbers[1]
    assert key("one_slip", one, other) is (near or one == other)
    assert key("one_slip", other, one) is (near or one == other)
    assert around(one, other) is around(other, one) is (near and one != other)


@settings(max_examples=200)
@given(one=st.text("ab1", min_size=5, max_size=8), other=st.text("ab1", min_size=5, max_size=8))
def test_what_is_more_than_one_slip_apart_is_not_near(one, other):
    letters, places = "ab1", range(len(one) + 1)
    ways = {slipped(one + " ", kind, place, x).rstrip() for kind in SLIPS for place in places for x in letters}
    numbers = ["".join(filter(str.isdigit, name)) for name in (one, other)]
    near = one == other or (other in ways and numbers[0] == numbers[1])
    assert key("one_slip", one, other) is near
    assert around(one, other) is (near and one != other)


def test_what_is_alike_says_why_and_the_surest_stands_first(ada):
    by_mail = a_lead(ada, company="Elsewhere", email="Mia@Elsewhere.example")
    by_name = a_lead(ada, company="Harbour Dental Inc", email="")
    client = a_client(ada, "Harbor Dental", website="https://harbor-dental.example")
    alike = found({"company": "Harbor Dental", "email": "mia@elsewhere.example"}, ada)
    assert [one.record for one in alike] == [by_mail, client, by_name]
    assert [one.words for one in alike] == [
        "Same mail address: Mia@Elsewhere.example · Same domain: elsewhere.example",
        "Same company name: Harbor Dental",
        "Almost the same company name: Harbour Dental Inc",
    ]


def test_a_client_is_found_by_its_people_and_brings_its_open_deals(ada):
    opportunity = an_opportunity(ada)
    begin(Contact(client=opportunity.client, name="Lee", phone="+1 555 010 0199"), by=ada)
    (one,) = found({"company": "Nobody", "phone": "1 (555) 010-0199"}, ada)
    assert (one.record, one.opportunities) == (opportunity.client, [opportunity])
    assert one.words == "Same phone as +1 555 010 0199"


def test_a_lead_is_not_its_own_duplicate(ada):
    lead = a_lead(ada, phone="+1 555 010 0123")
    assert found(lead, ada) == []


def test_what_i_may_not_see_is_said_only_as_somebody_elses(ada, cem):
    opportunity = an_opportunity(ada)
    alike = found({"company": opportunity.client.name.upper()}, cem)
    assert {one.kind for one in alike} == {"client", "lead"}
    assert all(one.record is None and not one.opportunities for one in alike)
    assert "Somebody else’s client: ask Ada." in [one.words for one in alike]
    assert not any(opportunity.client.name in one.words for one in alike)


@pytest.mark.parametrize("value", ["\0", "\u202e" * 50, "x" * 100_000, "%_\\'", "🦷" * 300, "."])
def test_whatever_is_typed_is_looked_up_and_breaks_nothing(ada, value):
    found(dict.fromkeys(["name", "company", "email", "phone", "website"], value), ada)


def test_the_questions_do_not_grow_with_what_is_alike(ada, django_assert_max_num_queries):
    for number in range(15):
        a_lead(ada, company="Harbor Dental", email=f"{number}@harbor-dental.example")
    an_opportunity(ada)
    # As whoever is signed in is read.
    asks = User.at_work().get(pk=ada.pk)
    with django_assert_max_num_queries(4):
        assert len(found({"company": "Harbor Dental", "email": "new@harbor-dental.example"}, asks)) >= 10
