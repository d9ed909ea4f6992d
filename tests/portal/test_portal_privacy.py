"""The page that says what we keep tells of everything that the portal's tables hold about a person."""

import re
from collections import Counter

import pytest
from django.db import connection

from portal import kept, visitor
from portal.models import Session, SignInLink

pytestmark = pytest.mark.django_db(transaction=True)
TOLD = [kept.INQUIRY, *kept.KEPT]


def listed(of):
    return Counter(f"{table}.{column}" for table, columns in of.items() for column in columns.split())


def test_every_column_of_the_portal_is_told_of_once_or_said_to_tell_nothing_of_a_person():
    with connection.cursor() as cursor:
        cursor.execute(
            "select c.relname || '.' || a.attname from pg_class c join pg_attribute a on a.attrelid = c.oid"
            " where c.relnamespace = 'public'::regnamespace and c.relkind = 'r' and c.relname like 'portal\\_%'"
            " and a.attnum > 0 and not a.attisdropped"
        )
        there = Counter(name for (name,) in cursor.fetchall())
    said = sum((listed(one.columns) for one in TOLD), listed(kept.OF_NOBODY))
    assert said == there, "name a new column in portal/kept.py, and say in words what it keeps"


def test_the_page_says_each_thing_why_and_how_long(portal_client):
    page = portal_client.get("/privacy").content.decode()
    for one in TOLD:
        for words in (one.heading, *one.what, one.why, one.how_long):
            assert words in page
    assert page.count("How long:") == len(TOLD)


def test_the_page_names_every_cookie_and_how_long_it_lasts(portal_client, settings):
    (cookies,) = re.findall(
        r"Cookies in your browser</h2>\s*<ul>(.*?)</ul>", portal_client.get("/privacy").content.decode(), re.S
    )
    assert cookies.count("<li>") == 4, "of a link, of a session, of a code, and of a form"
    assert (visitor.FORTNIGHT, visitor.HALF_AN_HOUR) == (14 * 24 * 3600, 30 * 60)
    assert cookies.count("fourteen days") == 2
    assert "half an hour" in cookies
    assert settings.CSRF_COOKIE_AGE == 60 * 60 * 24 * 7 * 52
    assert "for a year" in cookies


def test_what_it_says_of_a_links_and_a_sessions_time_is_so():
    (signing_in,) = [one for one in kept.KEPT if one.heading == "When you sign in"]
    assert SignInLink.LASTS.total_seconds() == 15 * 60
    assert "fifteen minutes" in signing_in.how_long
    assert "fourteen days" in signing_in.how_long
    assert Session._meta.get_field("expires_at")
