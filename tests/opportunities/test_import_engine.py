"""An import goes on from its last batch, and only one worker is at it."""

import pytest
from django.utils import timezone

from opportunities.importing import engine
from opportunities.importing.upload import upload
from opportunities.models import Import, Lead
from opportunities.records import perform

pytestmark = pytest.mark.django_db


@pytest.fixture
def running(ada, monkeypatch):
    monkeypatch.setattr(engine, "BATCH", 2)
    text = "Name,Email\n" + "".join(f"P{n},p{n}@x.example\n" for n in range(5))
    record = perform(upload("leads", [("p.csv", [text.encode()])], owner=ada, by=ada).map_columns, by=ada)
    engine.work(engine.claim(record.pk))
    return perform(Import.objects.get(pk=record.pk).run, by=ada)


def test_an_abandoned_import_says_exactly_what_came_in_and_goes_on_from_there(running):
    assert engine.bring_batch(engine.claim(running.pk))
    assert Import.objects.get(pk=running.pk).progress == Lead.objects.count() == 2
    Import.objects.filter(pk=running.pk).update(claimed_until=timezone.now())
    engine.go_on()
    done = Import.objects.get(pk=running.pk)
    assert (done.stage, done.counts, Lead.objects.count()) == ("done", {"new": 5}, 5)


def test_of_two_workers_one_is_at_it_and_the_other_can_write_nothing(running):
    first = engine.claim(running.pk)
    assert engine.claim(running.pk) is None
    Import.objects.filter(pk=running.pk).update(claimed_until=timezone.now())
    assert engine.claim(running.pk)
    with pytest.raises(engine.Lost):
        engine.bring_batch(first)
    assert not Lead.objects.exists()
