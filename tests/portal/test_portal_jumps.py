"""A long document begins with the way to its parts: plain links, each to the heading that it names."""

import re

import pytest
from portal_makers import CONTRACT, a_large_offer, a_link, a_publication, signed_in
from test_portal_link import opened

pytestmark = pytest.mark.django_db(transaction=True)

REPORTING = {"words": "We report each month.", "first_on": "2027-01-04"}
CLAUSES = [{"title": "Liability", "text": "As the law says."}]
LARGE = a_large_offer() | {"reporting": REPORTING}


def jumps(page) -> dict:
    """Return the links on top of a page: their words by the id that they lead to."""
    navs = re.findall(r'<nav class="jumps" aria-label="On this page">(.*?)</nav>', page, re.S)
    return dict(re.findall(r'<a href="#([\w-]+)">([^<]+)</a>', navs[0])) if navs else {}


def heading_at(page, part) -> str:
    (found,) = re.findall(rf'<section id="{part}"[^>]*>\s*<h2>([^<]+)</h2>', page)
    return found


@pytest.fixture(params=["link", "room", "contract"])
def page(request, portal_client):
    if request.param == "contract":
        body = LARGE | CONTRACT | {"parties": ["Zarts", "Harbor Dental"], "clauses": CLAUSES}
        body = {key: value for key, value in body.items() if key not in ("findings", "claims")}
        contract = a_publication(kind="contract", body=body)
        return signed_in(portal_client).get(f"/portal/contracts/{contract.pk}/").content.decode()
    proposal = a_publication(body=LARGE)
    if request.param == "room":
        return signed_in(portal_client).get(f"/portal/proposals/{proposal.pk}/").content.decode()
    _, token = a_link(proposal)
    return opened(portal_client, token).get(f"/p/{token}/").content.decode()


def test_each_link_leads_to_the_heading_that_it_names(page):
    found = jumps(page)
    assert {"scope", "excluded", "timeline", "price", "reporting"} <= set(found)
    for part, words in found.items():
        assert heading_at(page, part) == words


def test_every_part_of_the_page_is_among_them_in_its_order(page):
    article = page.split("<article", 1)[1].split("</article>")[0]
    headings = re.findall(r"<section[^>]*>\s*<h2>([^<]+)</h2>", article)
    assert list(jumps(page).values()) == headings


def test_they_stand_before_the_first_part_and_need_no_script(page):
    assert page.index('<nav class="jumps"') < page.index("<section")
    assert "<script" not in page.split('<nav class="jumps"')[1].split("</nav>")[0]


@pytest.mark.parametrize("at", ["link", "room"])
def test_a_short_document_has_none(portal_client, at):
    proposal = a_publication()
    if at == "link":
        _, token = a_link(proposal, role="reads")
        page = opened(portal_client, token).get(f"/p/{token}/").content.decode()
    else:
        page = signed_in(portal_client).get(f"/portal/proposals/{proposal.pk}/").content.decode()
    assert jumps(page) == {}
