"""The queue of approvals with much pending in it, asked for by a manager who may decide on all of it."""

from django.contrib.auth.models import Group
from django.db import transaction
from django.test import Client

from bench.measure import Ratio, compare

PENDING = 100_000
MANAGERS = 10
PAGE = "/admin/approvals/"

BORN = """
insert into opportunities_event (diary_id, seq, facts_digest, previous, hash, xid, at, verb, past, record_type,
  record_id, subject, actor_kind, actor_name, owner_id, stage_from, stage_to, next_action, reason)
select deal.diary_id, 0, '', '', '', 0, now(), %(verb)s, 'created', %(label)s, made.id, 'Bench', 'system', 'ZartsAlgo',
  made.owner_id, '', made.stage, '', ''
from {table} made join opportunities_opportunity deal on deal.id = made.opportunity_id
where made.source = 'Bench'
"""


def copies(cursor, record, rows, **own):
    """Insert a copy of a record for each of these rows, with columns of its own, each as an expression of `row`."""
    columns = [field.column for field in record._meta.concrete_fields if not field.primary_key]
    said = ", ".join(own.get(column, f"one.{column}") for column in columns)
    table = record._meta.db_table
    cursor.execute(
        f"insert into {table} ({', '.join(columns)}) select {said} from {table} one, {rows} row where one.id = %s",
        [record.pk],
    )


def managers():
    """Return the managers of a bench database, who see all of it."""
    from opportunities.models import User

    group = Group.objects.get(name="Manager")
    for number in range(MANAGERS):
        name = f"manager{number}"
        user, is_new = User.objects.get_or_create(
            username=name, defaults={"email": f"{name}@zarts.example", "is_staff": True, "reach_of": "all"}
        )
        if is_new:
            user.groups.add(group)
    return User.objects.filter(username__startswith="manager").order_by("pk")


def pend(database, count):
    """Have so many questions in a database, each about a proposal of a deal of its own. Return a manager's browser."""
    from django.utils import timezone

    from opportunities.models import Opportunity
    from opportunities.records import begin
    from proposals.models import Approval, PriceLine, Proposal

    with database:
        people = managers()
        browser = Client(headers={"host": "localhost"})
        browser.force_login(people[0])
        if Approval.objects.filter(source="Bench").exists():
            return browser
        with transaction.atomic(), database.connection.cursor() as cursor:
            deal = Opportunity.objects.order_by("pk").first()
            written = {"opportunity": deal, "owner": database.person, "source": "Bench"}
            offer = begin(Proposal(title="Bench", author=database.person, **written), by=database.person)
            line = PriceLine(title="Care", recurring="monthly", unit_price=900)
            offer.add(line, by=database.person)
            asked = Approval(
                **written | {"owner": people[0]},
                proposal=offer,
                aspect="pricing",
                why="The first year comes to $10,800.",
                group=Group.objects.get(name="Manager"),
                digest="0" * 64,
                content={},
                due=timezone.now(),
                next_action="Read it and decide",
            )
            begin(asked, by=None)
            deals = f"(select * from opportunities_opportunity where id > {deal.pk} order by id limit {count - 1})"
            copies(cursor, offer, deals, opportunity_id="row.id", number="'B-' || row.id")
            offers = f"(select * from proposals_proposal where source = 'Bench' and id > {offer.pk})"
            copies(cursor, line, offers, proposal_id="row.id")
            owner = f"{people[0].pk} + row.id %% {MANAGERS}"
            due = "now() + (row.id %% 1000) * interval '1 hour'"
            fields = {"opportunity_id": "row.opportunity_id", "proposal_id": "row.id", "owner_id": owner, "due": due}
            copies(cursor, asked, offers, **fields)
            for record in (offer, asked):
                query = BORN.format(table=record._meta.db_table) + f" and made.id > {record.pk}"
                cursor.execute(query, {"verb": f"{record._meta.model_name}.create", "label": record.label()})
        with database.connection.cursor() as cursor:
            cursor.execute("analyze proposals_approval, proposals_proposal, proposals_priceline")
        return browser


def queue_page(small, large) -> Ratio:
    """The first page of each part, with 100,000 pending against 1,000."""
    few, many = pend(small, 1000), pend(large, PENDING)

    def look(database, browser):
        with database:
            for part in ("mine", "groups", "lent", "all"):
                assert browser.get(f"{PAGE}?show={part}").status_code == 200

    return compare(lambda: look(small, few), lambda: look(large, many), times=10)
