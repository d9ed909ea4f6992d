"""A database that is filled for measuring is a sound one: it went through every wall, and nothing in it is hollow."""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from opportunities.models import Event, Opportunity
from zarts.desk.scale.kinds import KINDS
from zarts.search import finding


def seed(**asked):
    said = StringIO()
    call_command("seed_scale", stdout=said, **asked)
    return said.getvalue()


@pytest.mark.django_db
def test_what_is_seeded_is_in_every_list_proved_by_its_diary_found_and_counted(eve):
    said = seed(opportunities=200, events=2_400)
    assert Opportunity.objects.count() == 200
    written = Event.objects.filter(actor_kind="system").exclude(
        record_type__in=["opportunities.source", "handoff.provider"]
    )
    assert written.count() == 2_400
    assert "200 opportunities" in said

    for kind in KINDS:
        assert kind.model.objects.exists(), f"a list of {kind.label} without rows would measure nothing"
    stages = {*Opportunity.objects.values_list("stage", flat=True)}
    assert stages >= {"qualified", "discovery", "audit", "proposal", "contract", "won", "handed_off", "lost"}
    assert len({at.year for at in written.values_list("at", flat=True)}) > 2, "it tells of years"

    # Each stage of each record is what its last event says.
    call_command("verify_events", stdout=StringIO())
    with connection.cursor() as cursor:
        cursor.execute("set constraints all immediate; set constraints all deferred")
        cursor.execute("select * from numbers_drift")
        assert cursor.fetchall() == []
        cursor.execute("select count(*) from numbers_sum where kind = 'reached' and day < current_date - 300")
        assert cursor.fetchone()[0], "it is counted on the days on which it happened"
    assert {row.kind for row in finding.find(eve, "roof").rows} >= {"client", "opportunity"}
    # A second time adds to it.
    seed(opportunities=10, events=100)
    assert Opportunity.objects.count() == 210


@pytest.mark.django_db
def test_nothing_is_seeded_for_nobody():
    with pytest.raises(CommandError, match="owners"):
        seed(opportunities=1)
