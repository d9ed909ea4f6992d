"""How heavy a client's page is: one request of HTML, and all that it needs within 60 KB."""

import re

import pytest
from django.contrib.staticfiles import finders
from portal_makers import PROPOSAL, a_link, a_publication
from test_portal_link import opened

pytestmark = pytest.mark.django_db(transaction=True)
MOST = 60_000


def row(number, **fields):
    words = "We mend what your visitors wait for, measure it again each week, and tell you what came of it."
    return {"id": number, "title": f"Part {number} of what we do", "text": words, **fields}


def a_large_offer():
    """An offer with more rows than most have."""
    finding = {"text": "Your page is slow.", "kind": "finding"}
    prices = [
        {"id": number, "title": f"Part {number}", "recurring": "monthly", "quantity": "1", "unit_price": "900"}
        | {"total": "900", "optional": number > 6}
        for number in range(12)
    ]
    kinds = ("included", "excluded", "optional", "assumption", "dependency", "integration")
    proof = [{"metric": "LCP", "value": "6.8", "unit": "s", "provider": "Lighthouse", "captured_on": "2026-11-20"}]
    return PROPOSAL | {
        "scope": {kind: [row(number) for number in range(8)] for kind in kinds},
        "timeline": [row(number, start_week=number, weeks=2, who="We", after="") for number in range(10)],
        "claims": [finding | {"id": number, "proof": proof} for number in range(8)],
        "findings": [{"title": f"Finding {number}", "text": "It takes too long. " * 20} for number in range(4)],
        "prices": prices,
    }


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
