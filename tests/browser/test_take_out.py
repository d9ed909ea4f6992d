"""What somebody owns is taken out on the page, while they look elsewhere, and comes back in."""

import os
import zipfile
from pathlib import Path

import pytest
from playwright.sync_api import expect

from opportunities.models import Client
from opportunities.records import begin
from tests.browser.axe import violations
from tests.conftest import person

pytestmark = pytest.mark.slow


@pytest.mark.screens("phone")
def test_what_somebody_owns_is_made_by_the_worker_downloaded_and_known_when_it_comes_back(house, at_browser, tmp_path):
    eve = person("eve", "Administrator", sees="all")
    ada = person("ada", "Growth ops", team="East")
    begin(Client(name="Harbor Dental", owner=ada), by=ada)
    somebody = at_browser(ada, looks=violations).open("/admin/take-out/")
    somebody.press("Take out what you own")
    somebody.open("/admin/today/").open("/admin/take-out/")
    link = somebody.page.get_by_role("link", name="Download: Everything of Ada")
    expect(link).to_be_visible(timeout=30_000)
    somebody.look()
    with somebody.page.expect_download() as told:
        link.click()
    told.value.save_as(tmp_path / "all.zip")
    zipfile.ZipFile(tmp_path / "all.zip").extract("clients.csv", tmp_path)

    somebody.open("/admin/opportunities/import/add/")
    somebody.write(file=str(tmp_path / "clients.csv"), kind="Clients").press("Upload").press("Check the file")
    expect(somebody.page.get_by_text("every row is here already")).to_be_visible(timeout=30_000)
    somebody.look()
    if folder := os.environ.get("LOOK"):
        look = Path(folder)
        somebody.picture(look / "import-phone.png")
        for who, at in ((eve, "desktop"), (ada, "phone")):
            for scheme in ("light", "dark"):
                it = at_browser(who, at)
                it.page.emulate_media(color_scheme=scheme)
                it.open("/admin/take-out/").picture(look / f"{who}-{at}-{scheme}.png")
