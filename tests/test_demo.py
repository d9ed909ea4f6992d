"""The demo agency: every kind of record, every stage that a newcomer should meet, and a chain that holds."""

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command

from handoff.models import Handoff, LaunchBlocker, Project, Promise, Report
from opportunities import chain, walls
from opportunities.models import Audit, Client, Event, Lead, Message, Opportunity, Task, User
from opportunities.records import perform
from portal.models import ClientAction, Guest, Inquiry
from proposals.models import Contract, Proposal
from zarts.hooks.models import Endpoint

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]
STAGES = {
    Lead: {"new", "working", "qualified", "disqualified", "merged"},
    Opportunity: set(Opportunity.Stage.values),
    Audit: {"requested", "collecting", "in_review", "verified", "stale"},
    Proposal: {
        "draft", "in_review", "approved", "sent", "viewed", "accepted", "declined", "expired", "paused", "withdrawn",
    },
    Contract: {"in_review", "sent", "signed", "active"},
    Handoff: {"ready", "accepted"},
    Promise: {"offered", "accepted", "disputed"},
    Project: {"setup", "live"},
    Report: {"scheduled", "drafting", "published"},
    Task: {"open", "done"},
    Message: {"sent", "received"},
}  # fmt: skip


def stages(model):
    return set(model._base_manager.values_list("stage", flat=True))


@pytest.fixture
def demo(tmp_path, settings):
    settings.DATA_DIR, settings.CAUGHT_MAIL_DIR = tmp_path, str(tmp_path / "mail")
    call_command("seed_demo", verbosity=0)
    return tmp_path


def test_the_demo_is_a_whole_agency_and_is_made_once(demo, subtests):
    with subtests.test("every kind of record"):
        assert [model.__name__ for model in walls.records() if not model._base_manager.exists()] == []
    for model, expected in STAGES.items():
        with subtests.test(f"stages of {model.__name__}"):
            assert expected - stages(model) == set()
    with subtests.test("the chain"):
        assert list(chain.broken()) == []
    with subtests.test("every open deal has its next step"):
        idle = Opportunity.objects.exclude(stage__in=Opportunity.CLOSED).filter(next_action="")
        assert not idle.exclude(tasks__stage="open").exists()
    with subtests.test("what clients did was read"):
        assert not ClientAction.objects.filter(handled_at=None).exists()
        assert not ClientAction.objects.filter(outcome__startswith="Refused").exists()
        assert not Inquiry.objects.filter(handled_at=None).exists()
    with subtests.test("two people sign the contract that is with its client"):
        assert [row.contact.name for row in Contract.objects.get(stage="sent").signatories.all()] == [
            "Marta Lind",
            "Joel Abbott",
        ]
    with subtests.test("a client reads of what blocks them in approved words"):
        assert LaunchBlocker.objects.get().summary.stage == "approved"
    with subtests.test("a manager let one project go live past a gate, and it says so"):
        assert [bool(project.passed) for project in Project.objects.filter(stage="live").order_by("pk")].count(
            True
        ) == 1
    with subtests.test("one report was late"):
        assert Report.objects.filter(stage="published", breach="late").exists()
    with subtests.test("it ends today, and began months ago"):
        span = Event.objects.latest("at").at - Event.objects.earliest("at").at
        assert 110 < span.days < 130
    with subtests.test("the sign-ins"):
        told = (demo / "sign-ins.txt").read_text()
        assert all(role in told for role in ("Growth ops", "Manager", "Delivery", "Administrator", "Auditor"))
        assert f"{settings.PORTAL_URL}/p/" in told
        assert f"{settings.PORTAL_URL}/portal/enter/" in told
        assert User.objects.get(username="ada").check_password((demo / "demo-password").read_text())
    with subtests.test("other systems that hear of it"):
        books, old = Endpoint.objects.order_by("pk")
        assert (books.stage, old.stage, books.deliveries.filter(state="waiting").count()) == ("in_use", "paused", 12)
    with subtests.test("a client with several people, and a person with several clients"):
        guests = Guest.objects.filter(revoked_at=None).order_by("client_name", "pk")
        assert [guest.name for guest in guests.filter(client_name="Harbor Dental")] == [
            "Marta Lind",
            "Joel Abbott",
            "Ruth Calder",
        ]
        rooms = guests.filter(email="ruth@calderbooks.example").values_list("client_name", flat=True)
        assert list(rooms) == ["Harbor Dental", "Oakline Chiropractic"]
        told = (demo / "sign-ins.txt").read_text()
        assert "Ruth Calder, keeps the books of both" in told
    with subtests.test("a contract's certificate says when it was opened"):
        opened = Event.objects.filter(verb="contract.open").values_list("contact__name", flat=True)
        assert "Dr. Neil Santos" in opened
        assert Message.objects.filter(template="contract_sealed", stage="sent").exists()
    with subtests.test("it starts again after people tried it"):
        from tests.makers import a_lead

        a_lead(User.objects.get(username="ada"), company="A lead that somebody added")
        proposal = Proposal.objects.get(stage="sent", opportunity__client__name="Northwind Heating & Air")
        perform(proposal.withdraw, by=None, reason="We tried what happens.")
    with subtests.test("a second run adds nothing"):
        before = Event.objects.count(), Client.objects.count(), Task.objects.count()
        call_command("seed_demo", verbosity=0)
        assert before == (Event.objects.count(), Client.objects.count(), Task.objects.count())


def test_it_keeps_out_of_a_database_with_other_peoples_work(ada):
    from tests.makers import a_lead

    a_lead(ada, company="Somebody's company")
    with pytest.raises(CommandError, match="real work"):
        call_command("seed_demo", verbosity=0)
