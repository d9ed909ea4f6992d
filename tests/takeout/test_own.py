"""Everything that a person owns comes out in files, for whoever asked and nobody else, and goes after its days."""

import io
import zipfile
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from opportunities.importing.columns import FIELDS
from opportunities.models import Contact, Event, Opportunity
from opportunities.records import Refused, edit
from tests import makers
from zarts.takeout import own
from zarts.takeout.models import OwnPiece, OwnTakeout
from zarts.takeout.own_files import FILES

from .reading import files_of

pytestmark = pytest.mark.django_db


def test_a_person_takes_out_what_they_own_and_nothing_of_others(world, ada, cem, monkeypatch):
    monkeypatch.setattr(own, "BATCH", 1)  # each record is a bit of its own
    theirs = makers.an_opportunity(cem, name="Of somebody else")
    named = edit(world.client, by=ada, name='=HYPERLINK("http://x.example")')
    files = files_of(own.ask(ada, ada))
    assert list(files) == [file.name for file in FILES]
    assert [row["Name"] for row in files["clients"]] == [f"'{named.name}"], "nothing calculates"
    assert {row["Name of the deal"] for row in files["opportunities"]} == {world.name}
    assert theirs.name not in str(files)
    assert len(files["contacts"]) == Contact.objects.filter(client__owner=ada).count()
    assert len(files["tasks"]) == ada.tasks.count() > 0
    assert files["proposals"][0]["Title"]
    assert files["price_lines"][0]["Unit price"]
    told = Event.objects.filter(verb="user.takeout").get()
    assert (told.actor, told.facts.values["of"]) == (ada, str(ada))


def test_who_sees_everything_chooses_whose_and_nobody_else_does(world, ada, ben, cem, eve):
    makers.an_opportunity(cem)
    everybodys, adas = files_of(own.ask(eve, None)), files_of(own.ask(eve, ada))
    assert len(everybodys["opportunities"]) == Opportunity.objects.count() > len(adas["opportunities"]) > 0
    for user, whose in ((ada, None), (ada, cem), (ben, ada)):
        with pytest.raises(Refused, match="You can take out what you own"):
            own.ask(user, whose)


def test_one_is_made_at_a_time_and_only_who_asked_downloads_it_for_seven_days(
    world, ada, cem, eve, as_user, time_machine
):
    page = reverse("own_takeouts")
    assert as_user(ada).post(page, {"whose": str(cem.pk)}).status_code == 302, "there is nothing to choose"
    takeout = OwnTakeout.objects.get()
    assert takeout.whose == ada
    with pytest.raises(Refused, match="One is being made"):
        own.ask(ada, ada)
    address = reverse("own_takeout_download", args=[takeout.pk])
    progress = reverse("own_takeout_progress", args=[takeout.pk])
    assert as_user(ada).get(address).status_code == 404
    assert as_user(ada).get(progress).json()["stage"] == "asked"
    assert b"You can leave this page" in as_user(ada).get(page).content
    own.work(60)
    answer = as_user(ada).get(address)
    assert zipfile.ZipFile(io.BytesIO(b"".join(answer.streaming_content))).namelist()[0] == "README.txt"
    assert Event.objects.filter(record_type="opportunities.user", past__startswith="downloaded").count() == 1
    for other in (cem, eve):
        assert {as_user(other).get(each).status_code for each in (address, progress)} == {404}
    time_machine.move_to(timezone.now() + timedelta(days=7, minutes=1))
    assert as_user(ada).get(address).status_code == 404
    assert (own.forget(), OwnPiece.objects.count()) == (1, 0)
    takeout.refresh_from_db()
    assert (takeout.state, own.forget()) == ("gone", 0)
    assert b"Removed" in as_user(ada).get(page).content


def test_a_word_that_is_no_person_is_told_at_its_field(eve, as_user):
    answer = as_user(eve).post(reverse("own_takeouts"), {"whose": "nobody"})
    assert answer.status_code == 422
    assert not OwnTakeout.objects.exists()


def test_who_loses_sight_of_it_meanwhile_gets_nothing(world, ada, eve, as_user):
    ready = own.ask(eve, ada)
    own.work(60)
    waits = own.ask(eve, None)
    type(eve).objects.filter(pk=eve.pk).update(reach_of="own")
    own.work(60)
    waits.refresh_from_db()
    assert (waits.state, waits.trouble) == ("failed", "You may not see all of it any more. Ask for what you own.")
    assert as_user(eve).get(reverse("own_takeout_download", args=[ready.pk])).status_code == 403


def test_what_was_erased_lies_in_no_take_out_any_more(world, ada, eve, as_user):
    ready = own.ask(ada, ada)
    own.work(60)
    own.ask(eve, None)
    assert (own.end_all("Somebody was erased. Ask for it again."), own.work(60), OwnPiece.objects.count()) == (2, 0, 0)
    assert as_user(ada).get(reverse("own_takeout_download", args=[ready.pk])).status_code == 404
    assert b"Somebody was erased" in as_user(ada).get(reverse("own_takeouts")).content


def test_what_breaks_off_is_said_and_can_be_asked_for_again(world, ada, monkeypatch):
    takeout = own.ask(ada, ada)
    with monkeypatch.context() as broken:
        broken.setattr(own, "keep", lambda *given: 1 / 0)
        own.work(60)
    takeout.refresh_from_db()
    assert (takeout.state, takeout.trouble) == ("failed", "It broke off, and the fault is ours. Ask for it again.")
    assert files_of(own.ask(ada, ada))["clients"]


def test_every_column_of_a_file_is_one_that_its_import_knows():
    for file in FILES:
        assert set(file.columns) <= set(FIELDS[file.kind].by_name), file.name
        assert len(set(file.header)) == len(file.header), file.name
