"""How heavy a client's page is: one request of HTML, and all that it needs within 60 KB."""

import re

import pytest
from django.contrib.staticfiles import finders
from portal_makers import a_large_offer, a_link, a_publication
from test_portal_link import opened

pytestmark = pytest.mark.django_db(transaction=True)
MOST = 60_000


def test_a_large_proposal_is_one_page_of_html_within_sixty_kilobytes(portal_client):
    _, token = a_link(a_publication(body=a_large_offer()))
    page = opened(portal_client, token).get(f"/p/{token}/").content.decode()
    needs = re.findall(r'(?:<link rel="stylesheet" href|<script src|<img src)="([^"]+)"', page)
    assert all(address.startswith("/static/") for address in needs), "nothing comes from anywhere else"
    files = {address: file_of(address) for address in needs}
    weight = len(page.encode()) + sum(len(content) for content in files.values())
    assert len(page.encode()) + len(files[needs[0]]) < MOST, f"{weight:,} bytes with {len(needs)} files"
    assert len(needs) <= 2


def file_of(address) -> bytes:
    with open(finders.find(address.removeprefix("/static/")), "rb") as file:
        return file.read()
