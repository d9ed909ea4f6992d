"""A manager takes everything about a client out, and erases a person there, by the pages alone."""

import zipfile

import pytest

from opportunities.chain import broken
from opportunities.models import Contact, Note
from tests.browser.axe import violations
from tests.conftest import person
from tests.makers import an_opportunity

pytestmark = pytest.mark.slow


@pytest.mark.screens("phone")
def test_a_client_is_taken_out_and_a_person_is_erased(house, at_browser, tmp_path):
    ada, ben = person("ada", "Growth ops", team="East"), person("ben", "Manager", team="East", sees="team")
    deal = an_opportunity(ada, stage="discovery")
    bo = deal.decision_owner
    Note.take(deal, "Larsen is ill until May.", by=ada)
    boss = at_browser(ben, looks=violations)

    boss.open(deal.client.staff_url()).press("Take out everything about").sees("It is for us, not for the client")
    with boss.page.expect_download() as caught:
        boss.page.get_by_role("button", name="Make the file").click()
    caught.value.save_as(tmp_path / "client.zip")
    with zipfile.ZipFile(tmp_path / "client.zip") as archive:
        assert {"client.json", "events.jsonl", "verify.py"} <= set(archive.namelist())

    boss.open(bo.staff_url()).press("Erase Bo Larsen for privacy").sees("What goes, for good")
    boss.write(name="Bo", reason="Asked for it by mail.")
    with boss.refused(422):
        boss.press("Erase for good").sees("This is not the name")
    boss.page.get_by_label("Larsen is ill until May.").check()
    boss.write(name="bo larsen").press("Erase for good").sees("lines of the diary")
    assert Contact.objects.get(pk=bo.pk).name == f"Erased person {bo.pk}"
    assert Note.objects.get().words == "[erased]"
    assert list(broken()) == []
