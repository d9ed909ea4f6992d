"""Somebody makes a token, and their program reads with it what the catalogue says, and writes a lead."""

import json
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from tests.browser.axe import violations
from tests.conftest import person
from tests.makers import a_lead

pytestmark = pytest.mark.slow


@pytest.mark.screens("phone")
def test_a_token_is_made_read_with_and_revoked(house, at_browser):
    ada = person("ada", "Growth ops", team="East")
    lead = a_lead(ada)
    somebody = at_browser(ada, looks=violations)
    somebody.open("/admin/catalogue/").choose("a[href='/admin/catalogue/leads/admin/']").sees(lead.name)

    somebody.open("/admin/tokens/").write(name="My sheet of leads")
    for label in ("Leads", "Admin", "New leads"):
        somebody.page.get_by_label(label, exact=True).check()
    somebody.press("Make token", within=".z-form").sees("Copy this token now")
    token = somebody.page.locator(".z-secret code").inner_text()

    def ask(path):
        headers = {"Authorization": f"Bearer {token}"}
        with urlopen(Request(f"{house.site}{path}", headers=headers), timeout=10) as answer:
            return answer.read().decode()

    assert [row["name"] for row in json.loads(ask("/reads/leads/admin.json"))["rows"]] == [lead.name]
    assert lead.name in ask("/reads/leads/admin.csv?fields=id,name")
    with pytest.raises(HTTPError, match="403"):
        ask("/reads/clients/admin.json")

    somebody.open("/admin/api/").sees("Bring in a lead")
    headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": "1", "Content-Type": "application/json"}
    with urlopen(Request(f"{house.site}/api/leads", b'{"name": "Mia Berg"}', headers), timeout=10) as answer:
        made = json.loads(answer.read())
    somebody.open(f"/admin/opportunities/lead/{made['id']}/change/").sees("Ada through My sheet of leads")

    somebody.open("/admin/tokens/").choose(".z-table summary").press("Revoke it").sees("Revoked: My sheet of leads")
    with pytest.raises(HTTPError, match="401"):
        ask("/reads/leads/admin.json")
