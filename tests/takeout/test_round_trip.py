"""What was taken out of one house comes into another, each row once, and is taken out of there the same."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.contrib.auth.models import Permission
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import transaction
from django.urls import reverse
from django.utils import timezone

from opportunities.importing import engine
from opportunities.importing.upload import upload
from opportunities.models import Contact, Event, Import, Opportunity, Task
from opportunities.records import begin, edit, perform
from proposals.house import furnish
from proposals.models import PriceLine, Proposal
from tests import makers
from tests.makers_proposals import a_proposal
from tests.opportunities.importers import checked, done, reasons, run, verdicts
from zarts.takeout import own

from .reading import files_of, texts_of

pytestmark = pytest.mark.django_db
# What another house does not believe: where a lead or a deal stood beyond its first steps, what became of a proposal.
OTHERWISE = {"Status", "Probability, percent", "Next action", "Next action due", "Close risk", "Rests"}
OTHERWISE |= {"Mail comes back since", "Mails", "Subject of the mail", "Words of the mail"}
OTHERWISE |= {"Number", "Revision", "Sent", "Answered"}
FIRST = ["leads", "clients", "contacts", "opportunities", "tasks", "proposals"]
ORDER = [*FIRST, "scope_items", "milestones", "price_lines", "claims"]
# A lead that names no source has one from then on.
BESIDES = {"leads": {"Source"}, **dict.fromkeys(["opportunities", "proposals"], {"Stage"})}
FIRST_STEPS = ("Confirm the seven facts", "Hold the discovery call")
KINDS = {name: name for name in ORDER} | dict.fromkeys(ORDER[6:], "proposal_rows")


def a_house(ada):
    """Make some of everything that Ada owns."""
    makers.a_lead(ada, name="=SUM(A1)", company="Formula, Ltd", words='Two\nlines, and "quotes"')
    proposal = a_proposal(ada, title="Faster pages")
    deal = proposal.opportunity
    edit(deal.client, by=ada, industry="Travel", website="https://bo.example/", time_zone="Europe/Berlin")
    asked = {"opportunity": deal, "owner": ada, "due_at": timezone.now() + timedelta(days=3, microseconds=7)}
    begin(Task(title="Call on Friday", promised_to=deal.decision_owner, repeats="weekly", **asked), by=ada)
    ticked = begin(Task(title="Write it down", kind="report", **asked), by=ada)
    perform(ticked.finish, by=ada, outcome="They liked it.")
    gone = begin(Task(title="Not this", **asked), by=ada)
    perform(gone.cancel, by=ada, reason="No use.")
    waits = begin(Task(title="Later", **asked), by=ada)
    perform(waits.pause, by=ada, reason="They are away.")
    person = Contact(client=deal.client, name="No Mail", phone="+49 30 1234", works_on="24", country="DE")
    begin(person, by=ada)
    return deal


def told(name, rows):
    """Return the rows of a file, without what another house does not believe, in one order."""
    left = OTHERWISE | BESIDES.get(name, set())
    kept = [{column: text for column, text in row.items() if column not in left} for row in rows]
    return sorted((row for row in kept if not row.get("Title", "").startswith(FIRST_STEPS)), key=str)


def bring(texts, owner, bring=done):
    """Bring all files in, in their order. Return {file: (rows that came in, rows that were here)}."""
    counts = {}
    for name in ORDER:
        record = bring(KINDS[name], texts[name], owner, f"{name}.csv")
        assert record.stage in ("done", "checked"), record.trouble
        assert not record.counts.get("refused"), (name, reasons(record))
        counts[name] = record.coming, record.count("known")
    return counts


def test_what_was_taken_out_comes_in_elsewhere_once_and_is_taken_out_the_same(ada):
    furnish()
    elsewhere = transaction.savepoint()
    a_house(ada)
    first = own.ask(ada, ada)
    before, texts = files_of(first), texts_of(first)
    assert {new for new, _ in bring(texts, ada, checked).values()} == {0}, "at home it is known"
    transaction.savepoint_rollback(elsewhere)
    assert not Opportunity.objects.filter(owner=ada).exists()

    came = bring(texts, ada)
    assert {name: sum(both) for name, both in came.items()} == {name: len(rows) for name, rows in before.items()}
    # A lead and a deal promise their first step when they come in: those tasks are here before their own rows.
    assert {name: known for name, (_, known) in came.items() if known} == {"tasks": 2}
    again = own.ask(ada, ada)
    for name, rows in files_of(again).items():
        assert told(name, rows) == told(name, before[name]), name
    assert {row["Stage"] for row in files_of(again)["proposals"]} == {"Draft"}
    for task in Task.objects.filter(owner=ada):
        born = Event.objects.filter(record_type=task.label(), record_id=task.pk, verb="task.create")
        assert born.count() == 1
    assert {new for new, _ in bring(texts, ada, checked).values()} == {0}, "the same files twice add nothing"


def test_revisions_and_offers_of_one_title_stay_apart(ada, ben):
    furnish()
    elsewhere = transaction.savepoint()
    sent = a_proposal(ada, approver=ben, stage="sent", title="Growth")
    extra = {"recurring": "once", "unit_price": Decimal(777), "internal_cost": 0, "position": 9}
    sent.revise(by=ada).add(PriceLine(title="Extra", **extra), by=ada, evidence=[])
    other = a_proposal(ada, title="Growth", opportunity=sent.opportunity)
    other.add(PriceLine(title="Another", **extra), by=ada, evidence=[])
    begin(Contact(client=other.opportunity.client, name="'=x"), by=ada)
    lines = [
        sorted(PriceLine.objects.filter(proposal=of).values_list("title", flat=True))
        for of in (Proposal.objects.get(number=sent.number, revision=2), other)
    ]
    texts = texts_of(own.ask(ada, ada))
    for name in ORDER:
        at_home = checked(KINDS[name], texts[name], ada)
        assert not at_home.coming, name
    transaction.savepoint_rollback(elsewhere)

    for _ in range(2):
        for name in ORDER:
            record = done(KINDS[name], texts[name], ada, f"{name}.csv")
            told = [reason for reason in reasons(record) if "revision 2 of it is newer" in reason]
            assert record.counts.get("refused", 0) == len(told) == (name == "proposals"), (name, reasons(record))
        offers = [(offer.title, offer.stage) for offer in Proposal.objects.order_by("pk")]
        assert offers == [("Growth", "draft"), ("Growth", "draft")]
        came = [sorted(offer.price_lines.values_list("title", flat=True)) for offer in Proposal.objects.order_by("pk")]
        assert came == lines
        assert Contact.objects.filter(name="'=x").count() == 1


CLIENT = "Name,Website,Owner\nHarbor Dental,harbor.example,ada\n"


def test_each_wrong_row_is_told_exactly_and_the_others_come_in(ada, cem):
    theirs = makers.an_opportunity(cem)
    assert checked("clients", CLIENT.replace("Website", "Mood"), ada, "odd.csv").unread == ["Mood"]
    record = done("clients", f"{CLIENT}harbor dental,,\nOther,no site,ada\n,of.nobody,\n{theirs.client.name},,\n", ada)
    assert verdicts(record) == ["new", "refused", "refused", "refused", "known"]
    assert reasons(record)[1:] == [
        "stands in line 2 already; remove one of the two",
        "“no site” is not the address of a website",
        "is empty; a client needs a name",
        "Somebody else’s client: ask Cem.",
    ]
    text = (
        "Client,Name,Email,Decision role,Works on,Works from\n"
        "Harbor Dental,Bo,bo@x.example,Decision owner,135,08:30\n"
        "Harbor Dental,Bo Again,BO@x.example,,,\n"
        "Nowhere,Cy,,,,\n"
        f"{theirs.client.name},Di,,,,\n"
        "Harbor Dental,Eli,nope,boss,9,late\n"
    )
    record = done("contacts", text, ada)
    assert verdicts(record) == ["new", "refused", "refused", "refused", "refused"]
    told = reasons(record)
    assert told[1] == "stands in line 2 already; remove one of the two"
    assert told[2] == "“Nowhere” is no client that is here; bring the clients in first"
    assert told[3] == "Somebody else’s client: ask Cem."
    assert "“nope” is not a mail address" in told[4]
    assert "Decision role: “boss” is none of: Decision owner, Influencer, Billing, Technical" in told[4]
    assert "Works on: Write the days in order" in told[4]
    bo = Contact.objects.get(name="Bo")
    assert (bo.client.owner, bo.decision_role, bo.works_on, f"{bo.works_from:%H:%M}") == (ada, "owner", "135", "08:30")
    assert Event.objects.get(record_type=bo.label(), record_id=bo.pk).reason == "From “file.csv”, line 2."


def test_a_task_comes_in_as_it_stands_and_neither_mails_nor_reminds_of_what_is_long_past(ada, cem):
    deal, other = makers.an_opportunity(ada), makers.an_opportunity(cem)
    of = f"{deal.client.name},{deal.name}"
    text = (
        "Client,Deal,Title,Due,Stage,Kind,Promised to\n"
        f"{of},Call,2026-01-05,open,,{deal.decision_owner.email}\n"
        f"{of},Write,2099-01-05,,,\n"
        f"{of},Sent,soon,Completed,report,\n"
        f"{other.client.name},{other.name},Theirs,2026-01-05,,,\n"
        f"{of},Odd,2026-01-05,sleeping,cooking,nobody@x.example\n"
        "Nobody,Nothing,Lost,2026-01-05,,,\n"
    )
    record = done("tasks", text, ada)
    assert verdicts(record) == ["new", *["refused"] * 5]
    told = reasons(record)
    assert "too far away; check the year" in told[1]
    assert told[2] == "“soon” is not a date such as 2026-11-23"
    assert told[3] == "Somebody else’s opportunity: ask Cem."
    assert "“sleeping” is none of: Open, Done, Cancelled, Paused" in told[4]
    assert "“cooking” is none of" in told[4]
    assert told[5] == "“Nothing” is no deal that is here; bring the deals in first"
    call = Task.objects.get(title="Call")
    assert (call.stage, call.contact, call.promised_to) == ("open", None, deal.decision_owner)
    assert call.told_at is not None
    assert verdicts(checked("tasks", text, ada))[0] == "known"


def test_a_proposal_comes_in_as_a_draft_and_its_rows_into_a_draft_only(ada, ben):
    sent = a_proposal(ada, approver=ben, stage="sent", title="Sent already")
    deal = sent.opportunity
    of = f"{deal.client.name},{deal.name}"
    text = (
        "Client,Deal,Title,Stage,Service,Discount,Valid until\n"
        f"{of},New offer,Accepted,search and speed,5,2027-01-05\n"
        f"{of},Old offer,Superseded,,,\n"
        f"{of},Bad offer,,Cooking,many,\n"
        f"{of},Bold <b>offer</b>,,,,\n"
        f"{of},sent already,,,,\n"
    )
    record = done("proposals", text, ada)
    assert verdicts(record) == ["new", "refused", "refused", "refused", "known"]
    assert "it is superseded" in reasons(record)[1]
    assert "“many” is not a number such as 12.5" in reasons(record)[2]
    offer = Proposal.objects.get(title="New offer")
    assert (offer.stage, offer.author, offer.discount, offer.approvals.count()) == ("draft", ada, Decimal(5), 0)
    text = (
        "Client,Deal,Proposal,What the row is,Kind,Title,Unit price,Quantity,Optional,Waits for\n"
        f"{of},New offer,price line,Once,Mending,1200.50,2,no,\n"
        f"{of},New offer,milestone,,Begin,,,,Nothing\n"
        f"{of},New offer,gift,,Cake,,,,\n"
        f"{of},New offer,price line,Once,Dear,free,-1,maybe,\n"
        f"{of},Sent already,scope item,Included,More,,,,\n"
        f"{of},Unknown,scope item,Included,More,,,,\n"
    )
    record = done("proposal_rows", text, ada)
    assert verdicts(record) == ["new", *["refused"] * 5]
    told = reasons(record)
    assert told[1] == "“Nothing” is no step that is there yet; put that one before this"
    assert "“gift” is none of: scope item, milestone, price line, claim" in told[2]
    assert told[3].count(" · ") == 2
    assert told[4] == f"{sent.number} is sent; rows come into a draft only"
    assert told[5] == "“Unknown” is no proposal of this deal; bring the proposals in first"
    assert PriceLine.objects.get(proposal=offer).unit_price == Decimal("1200.50")


def test_who_may_not_write_such_a_record_does_not_bring_it_in(ada, as_user):
    record = upload("clients", [("file.csv", [CLIENT.encode()])], owner=ada, by=ada)
    perform(record.map_columns, by=ada)
    ada.groups.get().permissions.remove(Permission.objects.get(codename="add_client"))
    engine.go_on(30)
    record = Import.objects.get(pk=record.pk)
    assert (record.stage, record.trouble) == ("failed", "Ada may not add clients. A manager can.")
    file = SimpleUploadedFile("file.csv", CLIENT.encode())
    answer = as_user(ada).post(reverse("admin:opportunities_import_add"), {"kind": "clients", "file": file})
    assert "Ada may not add clients. A manager can." in answer.content.decode()


def test_what_became_known_between_the_check_and_the_coming_in_is_not_brought_in_twice(ada):
    first, second = (checked("clients", CLIENT, ada, name) for name in ("a.csv", "b.csv"))
    assert verdicts(run(first)) == ["new"]
    assert verdicts(run(second)) == ["known"]
