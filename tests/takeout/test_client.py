"""Everything about one client is taken out as one file, and its diaries prove themselves without us."""

import io
import json
import subprocess
import sys
import zipfile

import pytest
from django.apps import apps
from django.urls import reverse

from opportunities.models import Client, Contact, Event
from opportunities.records import Kept
from tests.makers import an_opportunity
from zarts.takeout.client import Everything, sees_all_of
from zarts.takeout.erase import erase


@pytest.fixture
def taken(world, as_user, ben, tmp_path):
    """Take the world's client out, some of it erased, and unpack it. Return (the world, the folder)."""
    erase(world.decision_owner, by=ben, reason="Asked for it.")
    answer = as_user(ben).post(reverse("opportunities_client_takeout", args=[world.client_id]))
    assert answer["Content-Type"] == "application/zip"
    with zipfile.ZipFile(io.BytesIO(b"".join(answer.streaming_content))) as archive:
        assert archive.testzip() is None
        archive.extractall(tmp_path)
    return world, tmp_path


def proved(folder):
    done = subprocess.run([sys.executable, "-I", folder / "verify.py"], capture_output=True, text=True)
    return done.returncode, done.stdout + done.stderr


def changed(path, place, **new):
    """Write one line of a file anew; return the text that was there."""
    text = path.read_text()
    rows = [json.loads(line) for line in text.splitlines()]
    rows[place] |= new
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return text


@pytest.mark.django_db
def test_the_file_holds_every_record_and_proves_itself_until_a_line_is_changed(taken):
    world, folder = taken
    said = json.loads((folder / "client.json").read_text())
    ours = {name for name, rows in said.items() if rows}
    for name in ("client", "contact", "opportunity", "audit", "evidence", "task", "message", "lead", "note"):
        assert f"opportunities.{name}" in ours
    assert {"proposals.proposal", "proposals.claim", "proposals.contract", "proposals.payment"} <= ours
    assert {"handoff.project", "handoff.promise", "handoff.report"} <= ours
    assert said["opportunities.client"][0]["name"] == world.client.name
    assert "secret_link" not in said["opportunities.message"][0]
    papers = sorted((folder / "papers").iterdir())
    assert any(paper.name.endswith("-sealed.pdf") for paper in papers)
    assert all(paper.read_bytes().startswith(b"%PDF") for paper in papers)

    assert proved(folder) == (0, "Every event stands where it was written, unchanged.\n")
    events = folder / "events.jsonl"
    rows = [json.loads(line) for line in events.read_text().splitlines()]
    assert {row["verb"] for row in rows} >= {"contact.erase", "client.take_out", "opportunity.win"}
    whole = next(place for place, row in enumerate(rows) if row["verb"] == "opportunity.win")
    blanked = {json.loads(line)["event_id"] for line in (folder / "erased.jsonl").read_text().splitlines()}
    left = next(place for place, row in enumerate(rows) if row["id"] in blanked)
    erased = next(place for place, row in enumerate(rows) if row["verb"] == "contact.erase")
    for place, new, words in (
        (whole, {"reason": "Nobody said this."}, "was changed"),
        (whole, {"facts": '{"words": "Other words."}'}, "has other facts"),
        (left, {"subject": "Bo Larsen"}, "was changed"),
        (erased, {"facts": '{"proof": "none"}'}, "tells of an erase that left something else"),
    ):
        before = changed(events, place, **new)
        code, told = proved(folder)
        assert code == 1
        assert words in told
        events.write_text(before)
    lines = events.read_text().splitlines(keepends=True)
    events.write_text("".join(lines[:whole] + lines[whole + 1 :]))
    assert "follows a missing one" in proved(folder)[1]
    events.write_text("".join(lines[:-1]))
    assert "should end with event" in proved(folder)[1]


@pytest.mark.django_db
def test_every_kind_of_record_of_a_client_comes_along(world):
    """A new kind is found by what it belongs to, or stands here with the reason why not."""
    found = {model for model, _ in Everything(world.client).rows_of()}
    of_the_house = {
        model
        for model in apps.get_models()
        if issubclass(model, Kept) and not {"client", "opportunity", "lead"} & ways(model)
    }
    # What is no record, and says of which client it is: each comes along, or has its reason here.
    elsewhere = {
        *("portal.SignInLink", "portal.Session", "portal.Preview"),  # keys; the last ones' owners are of the house
        "portal.Paper",  # as PDF, in its own folder
        *("opportunities.Event", "opportunities.Blanked"),  # the diaries, in files of their own
        "search.Entry",  # made of what stands there anyway
        *("search.Mark", "hooks.Delivery", "hooks.Attempt"),  # of whoever looks, and of other systems
    }
    keys = ("client_id", "contact_id", "opportunity_id", "lead_id", "publication_id", "link_id", "guest_id")
    say_whose = {
        model._meta.label
        for model in apps.get_models()
        if {field.attname for field in model._meta.concrete_fields}.intersection(keys)
    }
    assert say_whose - elsewhere - {model._meta.label for model in found} == set()
    missing = {model._meta.label for model in apps.get_models() if issubclass(model, Kept)} - {
        model._meta.label for model in found | of_the_house
    }
    assert missing == set()
    counts = {model._meta.label_lower: rows.count() for model, rows in Everything(world.client).rows_of()}
    assert min(counts[f"handoff.{name}"] for name in ("project", "promise", "report", "connector")) > 0


def ways(model) -> set:
    """Return the names of all that a kind of record belongs to, in the end."""
    seen, names = model, set()
    while seen.belongs_to:
        names.add(seen.belongs_to)
        seen = seen._meta.get_field(seen.belongs_to).related_model
        names.add(seen._meta.model_name)
    return names | ({"client"} if model in (Client, Contact) else set())


@pytest.mark.django_db
def test_only_whoever_sees_all_of_a_client_takes_it_out(world, as_user, ada, cem, dora, ann):
    assert [sees_all_of(world.client, user) for user in (ada, ann, cem, dora)] == [True, True, False, False]
    page = reverse("opportunities_client_takeout", args=[world.client_id])
    shown = as_user(ann).get(page).content.decode()
    assert "It is for us, not for the client" in shown
    told = Event.objects.filter(verb="client.take_out").count()
    assert as_user(dora).post(page).status_code == 403
    assert as_user(cem).post(page).status_code == 404
    assert Event.objects.filter(verb="client.take_out").count() == told
    another = an_opportunity(ada).client
    assert another.pk not in Everything(world.client).clients.values_list("pk", flat=True)
