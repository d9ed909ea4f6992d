"""A list that somebody brings from a fair: looked at, mapped, tried, brought in, and brought in again."""

import pytest
from playwright.sync_api import expect

from opportunities.models import ImportMap, Lead
from tests.browser.axe import violations
from tests.conftest import person

pytestmark = pytest.mark.slow
FAIR = "Who,Where to write\nBo Lee,bo@lee.example\nCy Ott,no address\nDi Fay,di@fay.example\n"


def upload(somebody, file):
    return somebody.open("/admin/opportunities/import/add/").write(file=str(file)).press("Upload")


def checked(somebody):
    """Wait until every row is read."""
    expect(somebody.page.get_by_role("heading", name="What would become of the rows")).to_be_visible(timeout=30_000)
    somebody.look()
    return somebody


@pytest.mark.screens("phone")
def test_a_list_is_mapped_tried_and_brought_in_and_a_second_time_adds_nothing(house, at_browser, tmp_path):
    ada, file = person("ada", "Growth ops", team="East"), tmp_path / "fair.csv"
    file.write_text(FAIR)
    somebody = upload(at_browser(ada, looks=violations), file)
    somebody.write(**{"map-name": "Who", "map-email": "Where to write", "save_as": "The fair"}).press("Check the file")
    checked(somebody).sees("is not a mail address")
    assert ImportMap.objects.get().name == "The fair"
    assert not Lead.objects.exists()

    with somebody.page.expect_download() as told:
        somebody.page.get_by_role("link", name="Download the refused rows").click()
    refused = tmp_path / told.value.suggested_filename
    told.value.save_as(refused)
    assert "no address" in refused.read_text(encoding="utf-8-sig")

    somebody.page.get_by_role("button", name="Bring in 2 rows").click()
    expect(somebody.page.get_by_role("heading", name="What became of the rows")).to_be_visible(timeout=30_000)
    expect(somebody.page.locator("progress")).to_have_count(0, timeout=30_000)
    somebody.look()
    assert set(Lead.objects.values_list("name", flat=True)) == {"Bo Lee", "Di Fay"}

    upload(somebody, file).press("Check the file")
    checked(somebody).sees("Nothing to bring in")
    assert Lead.objects.count() == 2
