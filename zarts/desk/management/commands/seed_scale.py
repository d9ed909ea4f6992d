from django.core.management.base import BaseCommand, CommandError
from django.db import connection, transaction

from opportunities.models import User

BATCH = 20_000

# One batch of clients and opportunities, each with a diary and its birth in it; then some move on, each move with
# its event. Sets, not rows: the walls and the chain are met all the same.
CLIENTS = """
with numbers as (select n from generate_series(%(first)s::int, %(last)s::int) n),
keys as (select n, nextval(pg_get_serial_sequence('opportunities_diary', 'id')) as diary,
                nextval(pg_get_serial_sequence('opportunities_client', 'id')) as id from numbers),
diaries as (insert into opportunities_diary (id, length, head) select diary, 0, '' from keys)
insert into opportunities_client (id, diary_id, owner_id, name, website, industry, country, time_zone)
select id, diary, (%(owners)s::bigint[])[1 + n %% %(people)s::int],
    'Scale ' || n || ' ' || (%(words)s::text[])[1 + n %% 12], '', 'Dental', 'USA', 'UTC'
from keys
"""

OPPORTUNITIES = """
with numbers as (select n from generate_series(%(first)s::int, %(last)s::int) n),
keys as (select n, nextval(pg_get_serial_sequence('opportunities_diary', 'id')) as diary,
                nextval(pg_get_serial_sequence('opportunities_opportunity', 'id')) as id from numbers),
diaries as (insert into opportunities_diary (id, length, head) select diary, 0, '' from keys)
insert into opportunities_opportunity (id, diary_id, owner_id, client_id, name, value, currency, probability, source,
    due_on, scope_state, client_safe, next_action, close_risk, paused_from, external_ref, stage)
select keys.id, diary, (%(owners)s::bigint[])[1 + n %% %(people)s::int], client.id, client.name || ': growth',
    1000 + n %% 90000, 'USD', 10, 'Scale', current_date + (n %% 60)::int - 20, 'unscoped', 'internal',
    'Book the discovery call', '', '', '', 'qualified'
from keys
join opportunities_client client on client.name = 'Scale ' || n || ' ' || (%(words)s::text[])[1 + n %% 12]
"""

EVENTS = """
insert into opportunities_event (diary_id, seq, facts_digest, previous, hash, xid, at, verb, past, record_type,
    record_id, subject, actor_kind, actor_name, owner_id, stage_from, stage_to, next_action, reason)
select diary_id, 0, '', '', '', 0, now(), %(verb)s, %(past)s, 'opportunities.opportunity', id,
    name, 'system', 'ZartsAlgo', owner_id, %(before)s, stage, next_action, ''
from opportunities_opportunity
where id > %(above)s and stage = %(stage)s and (%(every)s::int = 1 or id %% %(every)s::int = 0)
"""

MOVE = """
update opportunities_opportunity set stage = %(stage)s
where id > %(above)s and stage = %(before)s and id %% %(every)s::int = 0
"""
STEPS = [
    ("qualified", "discovery", "opportunity.start_discovery", "started discovery of", 2),
    ("discovery", "audit", "opportunity.start_audit", "started the audit of", 4),
    ("audit", "proposal", "opportunity.start_proposal", "started the proposal for", 8),
]
WORDS = [
    "Dental",
    "Law",
    "Roofing",
    "Bakery",
    "Clinic",
    "Studio",
    "Hotel",
    "Garage",
    "School",
    "Market",
    "Garden",
    "Studio",
]


class Command(BaseCommand):
    help = "Fill a database with many opportunities, for measuring. Never run it where real work is kept."

    def add_arguments(self, parser):
        parser.add_argument("--opportunities", type=int, required=True)

    def handle(self, opportunities, **options):
        owners = list(User.objects.filter(is_active=True).order_by("pk").values_list("pk", flat=True))
        if not owners:
            raise CommandError("Make at least one user first: the opportunities need owners.")
        shared = {"owners": owners, "people": len(owners), "words": WORDS}
        for first in range(1, opportunities + 1, BATCH):
            last = min(first + BATCH - 1, opportunities)
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute("select coalesce(max(id), 0) from opportunities_opportunity")
                above = cursor.fetchone()[0]
                cursor.execute(CLIENTS, {**shared, "first": first, "last": last})
                cursor.execute(OPPORTUNITIES, {**shared, "first": first, "last": last})
                birth = {"verb": "opportunity.create", "past": "opened", "before": "", "stage": "qualified", "every": 1}
                cursor.execute(EVENTS, {**birth, "above": above})
                for before, stage, verb, past, every in STEPS:
                    cursor.execute(MOVE, {"above": above, "before": before, "stage": stage, "every": every})
                    told = {"verb": verb, "past": past, "before": before, "stage": stage, "every": every}
                    cursor.execute(EVENTS, {**told, "above": above})
            self.stdout.write(f"{last:,} of {opportunities:,}")
