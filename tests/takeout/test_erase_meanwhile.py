"""Whatever others do while somebody is erased: nothing of the person is kept by it, and nobody waits for ever."""

import threading
import time
import zlib
from datetime import timedelta

import pytest
from django.db import transaction
from django.utils import timezone

from opportunities.importing import engine
from opportunities.importing.upload import upload
from opportunities.lists import many
from opportunities.models import BulkRow, Contact, Import, ImportPart, Lead
from opportunities.records import Refused, begin, edit, perform
from tests.aside import Aside
from zarts.hooks import deliveries
from zarts.hooks.models import Endpoint
from zarts.hooks.sending import Outcome
from zarts.takeout import erase as erasing
from zarts.takeout import own
from zarts.takeout.erase import erase
from zarts.takeout.models import OwnPiece

pytestmark = pytest.mark.django_db(transaction=True)
LEADS = b"Name,Email\nBo Larsen,%s\n"


@pytest.fixture
def eve(eve, world):
    return eve


@pytest.fixture
def bo(world) -> Contact:
    return edit(world.decision_owner, by=world.owner, name="Bo Larsen")


@pytest.fixture
def endpoint(eve):
    return begin(
        Endpoint(name="R", url="https://receiver.example/hooks", owner=eve, everything=True, with_names=True), by=eve
    )


class Erase(Aside):
    """An erase that stands still when all is done but its end."""

    def __init__(self, contact, by):
        self.done, self.go_on = threading.Event(), threading.Event()
        super().__init__(lambda: self.erase(contact, by))
        assert self.done.wait(30)

    @transaction.atomic
    def erase(self, contact, by):
        try:
            return erase(contact, by=by, reason="They asked.")
        finally:
            self.done.set()
            self.go_on.wait(30)

    def ends(self, seconds=40):
        self.go_on.set()
        return super().ends(seconds)


# -- What is copied. ---------------------------------------------------------------------------------------------------


def test_a_take_out_that_is_asked_for_meanwhile_waits_for_its_end(eve, bo):
    at_it = Erase(bo, by=eve)
    asked = own.ask(eve, None)
    assert own.work(1) == 0
    at_it.ends()
    assert own.work(60)
    asked.refresh_from_db()
    assert asked.state == "ready"
    assert not any("Bo Larsen" in zlib.decompress(piece.data).decode() for piece in OwnPiece.objects.all())


def test_pieces_of_a_take_out_that_broke_off_go_as_well(eve, bo, monkeypatch):
    own.ask(eve, None)
    keep = own.keep
    monkeypatch.setattr(own, "keep", lambda *bit: keep(*bit) if bit[1].name != own.FILES[-1].name else 1 / 0)
    own.work(60)
    assert OwnPiece.objects.exists()
    erase(bo, by=eve, reason="They asked.")
    assert not OwnPiece.objects.exists()


def test_nobody_is_told_of_it_in_the_old_words(eve, bo, endpoint):
    edit(bo, by=eve, title="Head of something")
    at_it = Erase(bo, by=eve)
    assert deliveries.claim(endpoint.pk) is None
    at_it.ends()
    while (mine := deliveries.claim(endpoint.pk)) is not None:
        assert b"Larsen" not in mine.body
        deliveries.settle(mine, Outcome(True, 200))
    assert endpoint.deliveries.filter(state="delivered").count() > 1


def test_an_answer_to_what_was_erased_meanwhile_is_not_kept(eve, bo, endpoint):
    edit(bo, by=eve, title="Head of something")
    mine = deliveries.claim(endpoint.pk)
    assert b"Larsen" in mine.body
    erase(bo, by=eve, reason="They asked.")
    deliveries.settle(mine, Outcome(True, 200, answer="Thank you for Bo Larsen"))
    told = endpoint.deliveries.get(pk=mine.pk)
    assert (told.state, told.tries.get().answer) == ("delivered", "")


# -- Files on their way in. --------------------------------------------------------------------------------------------


def parts_of(file) -> bytes:
    return b"".join(bytes(part.data) for part in ImportPart.objects.filter(of=file))


def test_a_file_that_nobody_has_read_yet_goes_and_says_so_when_it_is_read(eve, bo, ada):
    file = upload("leads", [("p.csv", [LEADS % bo.email.encode()])], owner=ada, by=ada)
    erase(bo, by=eve, reason="They asked.")
    assert parts_of(file) == b""
    perform(Import.objects.get(pk=file.pk).map_columns, by=ada)
    engine.go_on()
    file.refresh_from_db()
    assert (file.stage, file.trouble.startswith("What was in the file is gone")) == ("failed", True)
    assert not file.lines_of_file.exists()


def test_a_companion_goes_also_where_no_row_points_to_the_person(eve, bo, ada):
    files = [("deals.csv", [b"Name,Contact\nP,1\n"]), ("Contacts.csv", [b"Id,Name\n1,Ann\n2,Bo Larsen\n"])]
    file = upload("leads", files, owner=ada, by=ada)
    perform(file.map_columns, by=ada)
    engine.go_on()
    erase(bo, by=eve, reason="They asked.")
    assert parts_of(file) == b"Name,Contact\nP,1\n", "none of its own rows is theirs"


def test_while_a_file_is_read_nobody_is_erased(eve, bo, ada):
    file = upload("leads", [("p.csv", [LEADS % bo.email.encode()])], owner=ada, by=ada)
    file = perform(file.map_columns, by=ada)
    with pytest.raises(Refused, match=r"The file p.csv is coming in at this moment. Try again when that is done."):
        erase(bo, by=eve, reason="They asked.")
    engine.go_on()
    assert erase(bo, by=eve, reason="They asked.")


def test_while_somebody_is_erased_nobody_begins_to_read_a_file(eve, bo, ada):
    file = upload("leads", [("p.csv", [b"Name\nAnn\n"])], owner=ada, by=ada)
    at_it = Erase(bo, by=eve)
    perform(file.map_columns, by=ada)
    assert engine.go_on() == 0
    at_it.ends()
    assert engine.go_on() == 1


# -- Who waits for whom. -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("slow", [0, 2], ids=["the change is later", "the erase is later"])
def test_a_change_of_many_rows_and_an_erase_do_not_wait_for_each_other(world, eve, bo, monkeypatch, slow):
    lead = Lead.objects.get(opportunity=world)
    change = many.begin(eve, Lead.label(), "give", {"owner": str(eve.pk)}, "Give", [lead.pk])
    at_row, at_diaries = threading.Event(), threading.Event()
    lock, lock_diaries, forget_files = many.lock, erasing.lock_diaries, erasing.forget_files

    def lock_late(record, *others):
        at_row.set()
        at_diaries.wait(10)
        return lock(record, *others)

    def lock_diaries_and_say_so(*diaries):
        lock_diaries(*diaries)
        at_diaries.set()

    def take_long(*given):
        time.sleep(slow)
        forget_files(*given)

    monkeypatch.setattr(many, "lock", lock_late)
    monkeypatch.setattr(erasing, "lock_diaries", lock_diaries_and_say_so)
    monkeypatch.setattr(erasing, "forget_files", take_long)
    changes = Aside(lambda: many.go_on(change))
    assert at_row.wait(10)
    erases = Aside(lambda: erase(bo, by=eve, reason="They asked."))
    assert erases.ends()
    assert changes.ends() == 1
    assert "Larsen" not in BulkRow.objects.get(change=change).subject


def test_sending_again_and_an_erase_do_not_wait_for_each_other(eve, bo, endpoint, monkeypatch):
    edit(bo, by=eve, title="Head of something")
    deliveries.settle(deliveries.claim(endpoint.pk), Outcome(True, 200))
    has, lock = threading.Event(), deliveries.lock

    def lock_and_wait(record):
        found = lock(record)
        has.set()
        time.sleep(2)
        return found

    monkeypatch.setattr(deliveries, "lock", lock_and_wait)
    day = timezone.now() - timedelta(days=1)
    again = Aside(lambda: deliveries.send_again(endpoint, by=eve, since=day))
    assert has.wait(10)
    assert erase(bo, by=eve, reason="They asked.")
    assert again.ends() == 1
