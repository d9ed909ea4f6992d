"""A batch of opportunities comes in: their clients and people, then the deals, each moved to where the file says."""

from django.conf import settings
from django.db import connection
from django.utils import timezone

from ..models import Client, Closing, Contact, Diary, Discovery, Facts, Opportunity, Questionnaire, Task, WinBack
from ..records import begin
from . import births, matching
from .births import Now, birth, event
from .leads import FILE, FROM_FILE, diaries

Service = Opportunity._meta.get_field("services").related_model
Through = Opportunity._meta.get_field("services").through
Asked = Discovery._meta.get_field("questionnaires").remote_field.through

BATCH = "r.of_id = %s and r.id > %s and r.id <= %s and r.verdict in ('new', 'joined')"
ROWS = f"from opportunities_importrow r where {BATCH}"
DEALS = f"from opportunities_importrow r join opportunities_opportunity o on o.id = r.record_id where {BATCH}"
# What a deal is asked: see `Questionnaire.objects.asked_of`.
ASKED_OF = f"""join opportunities_questionnaire q on q.is_current
  and exists (select from opportunities_question n where n.questionnaire_id = q.id)
  and (q.for_every_deal or exists (
    select from {Through._meta.db_table} x join {Service._meta.db_table} s on s.id = x.service_id
    where x.opportunity_id = o.id and s.questionnaire_id = q.id))"""
OPENED, CLOSED = "(r.said->>'opened')::timestamptz", "(r.said->>'closed')::timestamptz"


def next_of(table: str) -> str:
    """Return the next number of a table, as an expression."""
    return f"nextval(pg_get_serial_sequence('{table}'::text, 'id'::text))"


KEY = "coalesce(nullif(zarts_name_key(r.said->>'client'), ''), lower(r.said->>'client'))"
WHO = "coalesce(nullif(lower(r.said->>'email'), ''), lower(r.said->>'contact'))"
# A person is known at a client by their mail address, or where there is none by their name.
SAME_PERSON = """p.client_id = r.client_id and case when r.said->>'email' <> ''
  then lower(p.email) = lower(r.said->>'email') else lower(p.name) = lower(r.said->>'contact') end"""


def bring(record, above: int, upto: int, made: dict):
    """Bring in the rows of an import whose numbers lie above the one and up to the other."""
    with connection.cursor() as cursor:
        batch = Batch(cursor, record, [record.pk, above, upto])
        # Before anything is made: a client that is somebody else's by now takes its rows out.
        clients = batch.clients()
        made["services"] = made.get("services", 0) + batch.services()
        made["clients"] = made.get("clients", 0) + clients
        made["contacts"] = made.get("contacts", 0) + batch.contacts()
        batch.deals()
        batch.start_discovery()
        batch.close("lost", "lose", "lost", "")
        batch.close("won", "bring_in_won", "brought in as won", "Nothing: it was won before it came in")


class Batch:
    """Some rows of one import, and the statements that make deals of them."""

    def __init__(self, cursor, record, rows):
        self.cursor, self.record, self.by, self.rows = cursor, record, record.runner, rows

    def run(self, *parts: tuple[str, list]) -> int:
        """Run one statement that is made of pieces, each with its own parameters."""
        self.cursor.execute(" ".join(text for text, _ in parts), [param for _, params in parts for param in params])
        return self.cursor.rowcount

    # -- What a deal hangs on. -----------------------------------------------------------------------------------------

    def services(self) -> int:
        """Make the services that the batch names and that are not there yet: whoever chose so, may. Return how many."""
        service, order = "r.said->>'service'", "order by 1, (r.said->>'price')::numeric nulls last"
        query = f"select distinct on (1) {service}, r.said->>'price' {ROWS} and {service} <> '' {order}"
        self.cursor.execute(query, self.rows)
        wanted = dict(self.cursor.fetchall())
        missing = set(wanted) - set(Service.objects.filter(name__in=wanted).values_list("name", flat=True))
        for name in sorted(missing):
            begin(Service(name=name, price=wanted[name] or 0, recurring="once"), by=self.by, past="imported")
        return len(missing)

    def clients(self) -> int:
        """Find whose each deal is, and make whoever is new. Return how many."""
        above, upto = self.rows[1:]
        matching.clients(self.cursor, self.record, {"of": self.record.pk, "above": above, "upto": upto})
        # Each name gets a number of its own, without a join that might be planned for a single row.
        keys = f"select r.id, {KEY} as key, {next_of('opportunities_client')} as number {ROWS} and r.client_id is null"
        self.cursor.execute(
            "update opportunities_importrow r set client_id = n.number from"
            " (select k.id, first_value(k.number) over (partition by k.key order by k.id) as number"
            f" from ({keys}) k) n where r.id = n.id",
            self.rows,
        )
        if not self.cursor.rowcount:
            return 0
        first = f"select distinct on (r.client_id) r.* {ROWS} and not exists (select from opportunities_client c"
        fresh = (
            f"with fresh as materialized (select f.*, {next_of('opportunities_diary')} as own_diary,"
            f" {next_of('opportunities_facts')} as own_facts"
            f" from ({first} where c.id = r.client_id) order by r.client_id, r.id) f), d as ("
        )
        client = birth(
            Client,
            "from fresh r",
            id="r.client_id",
            diary_id="r.own_diary",
            owner_id="r.owner_id",
            **{name: f"r.said->>'{name}'" for name in ("website", "industry", "country")},
            name="r.said->>'client'",
        )
        told = self.told(
            Client,
            # Nothing is told before all of it is there.
            "from fresh r where (select count(*) from d) + (select count(*) from f) + (select count(*) from c) > 0",
            "create",
            "added",
            diary_id="r.own_diary",
            record_id="r.client_id",
            subject="left(r.said->>'client', 200)",
            owner_id="r.owner_id",
            facts_id="r.own_facts",
        )
        return self.run(
            (fresh, self.rows),
            birth(Diary, "from fresh r", id="r.own_diary"),
            (" returning id), f as (", []),
            birth(Facts, "from fresh r", id="r.own_facts", values="r.said->'about'"),
            (" returning id), c as (", []),
            client,
            (" returning id) ", []),
            told,
        )

    def contacts(self) -> int:
        """Make the people whom the rows name and whom the client does not have yet. Return how many."""
        new = (
            f"from (select distinct on (r.client_id, {WHO}) r.* {ROWS} and {WHO} <> '' and not exists"
            f" (select from opportunities_contact p where {SAME_PERSON}) order by r.client_id, {WHO}, r.id) r"
        )
        person = birth(
            Contact,
            new,
            client_id="r.client_id",
            name="coalesce(nullif(r.said->>'contact', ''), left(r.said->>'email', 120))",
            email="r.said->>'email'",
            phone="r.said->>'phone'",
            decision_role=Now(Contact.Role.OWNER),
        )
        told = self.told(
            Contact,
            "from p join opportunities_client c on c.id = p.client_id order by c.diary_id",
            "create",
            "added",
            record="p",
            at=Now(timezone.now()),
            diary_id="c.diary_id",
            owner_id="c.owner_id",
            reason="''",
        )
        person = (person[0], [*person[1], *self.rows])
        return self.run(("with p as (", []), person, (" returning id, client_id, name) ", []), told)

    # -- The deals. ----------------------------------------------------------------------------------------------------

    def deals(self):
        births.run(self.cursor, diaries(ROWS), self.rows)
        deal = birth(
            Opportunity,
            ROWS,
            id="r.record_id",
            diary_id="r.diary_id",
            owner_id="r.owner_id",
            client_id="r.client_id",
            external_ref="r.reference",
            name="r.said->>'name'",
            value="(r.said->>'value')::numeric",
            currency="r.said->>'currency'",
            source=f"coalesce(nullif(r.said->>'source', ''), {FILE})",
            decision_on="(r.said->>'decision')::date",
            due_on="(r.said->>'due')::date",
            next_action=Now("Book the discovery call"),
            decision_owner_id=f"(select p.id from opportunities_contact p where {SAME_PERSON} order by p.id limit 1)",
        )
        births.run(self.cursor, deal, self.rows)
        keys = f"with k as materialized (select r.*, {next_of('opportunities_facts')} as own_facts {ROWS}), f as ("
        told = self.told(
            Opportunity,
            "from k r join opportunities_opportunity o on o.id = r.record_id where (select count(*) from f) >= 0",
            "create",
            "imported",
            record="o",
            facts_id="case when r.said->'facts' <> '{}'::jsonb then r.own_facts end",
            stage_to="o.stage",
            next_action="o.next_action",
        )
        self.run(
            (keys, self.rows),
            birth(Facts, "from k r where r.said->'facts' <> '{}'::jsonb", id="r.own_facts", values="r.said->'facts'"),
            (" returning id) ", []),
            told,
        )
        service = Service._meta.db_table
        self.cursor.execute(
            f"insert into {Through._meta.db_table} (service_id, opportunity_id) select s.id, r.record_id"
            f" from opportunities_importrow r join {service} s on s.name = r.said->>'service' where {BATCH}"
            " and r.said->>'service' <> ''",
            self.rows,
        )
        self.promise("qualified", "follow_up", "Book the discovery call")

    def start_discovery(self):
        step = next(step for step in Opportunity.steps() if step.name == "start_discovery")
        custom = step.custom
        if not self.move("discovery", step.target, next_action=custom["then"], probability=20):
            return
        about = {"source": "'Opportunity ' || o.name", "next_action": Now("Write the five parts")}
        made = birth(Discovery, self.there("discovery"), opportunity_id="o.id", owner_id="o.owner_id", **about)
        told = self.told(
            Discovery,
            self.there("discovery", "join opportunities_discovery t on t.opportunity_id = o.id"),
            "create",
            "opened",
            record="t",
            subject="left('Discovery of ' || o.name, 200)",
            diary_id="o.diary_id",
            stage_to="t.stage",
            next_action="t.next_action",
        )
        births.run(self.cursor, made, self.rows)
        births.run(self.cursor, told, self.rows)
        self.ask()
        self.tell_move("discovery", "start_discovery", custom["past"], OPENED)
        opens = custom["opens"]
        self.promise("discovery", opens.kind, opens.title)

    def ask(self):
        """Ask the newest questions of every deal and of its service, as `Discovery.ask` does."""
        asks = self.there("discovery", f"join opportunities_discovery t on t.opportunity_id = o.id {ASKED_OF}")
        self.cursor.execute(
            f"insert into {Asked._meta.db_table} (discovery_id, questionnaire_id) select t.id, q.id {asks}"
            " returning questionnaire_id",
            self.rows,
        )
        asked = {pk for (pk,) in self.cursor.fetchall()}
        if not asked:
            return
        Questionnaire.ask(Questionnaire.objects.filter(pk__in=asked))
        names = "jsonb_agg(q.name || ', version ' || q.version order by q.name || ', version ' || q.version)"
        keys = (
            f"with k as materialized (select g.*, {next_of('opportunities_facts')} as own_facts from (select t.id,"
            f" jsonb_build_object('questionnaires', jsonb_build_array('[]'::jsonb, {names})) as words {asks}"
            " group by t.id) g), f as ("
        )
        told = self.told(
            Discovery,
            "from k join opportunities_discovery t on t.id = k.id join opportunities_opportunity o"
            " on o.id = t.opportunity_id where (select count(*) from f) >= 0 order by o.diary_id",
            "ask",
            "changed the questions of",
            record="t",
            at=Now(timezone.now()),
            subject="left('Discovery of ' || o.name, 200)",
            diary_id="o.diary_id",
            stage_to="t.stage",
            next_action="t.next_action",
            facts_id="k.own_facts",
            reason="''",
        )
        facts = birth(Facts, "from k", id="k.own_facts", values="k.words")
        self.run((keys, self.rows), facts, (" returning id) ", []), told)

    def win_back(self):
        """Plan the second try at each deal whose window is not over, as losing one here does."""
        rows = self.there("lost", "join opportunities_closing e on e.opportunity_id = o.id")
        made = birth(
            WinBack,
            f"{rows} and e.reactivate_to >= current_date",
            opportunity_id="o.id",
            owner_id="o.owner_id",
            closing_id="e.id",
            opens_on="e.reactivate_from",
            ends_on="e.reactivate_to",
        )
        births.run(self.cursor, made, self.rows)
        told = {"record": "t", "at": Now(timezone.now()), "diary_id": "o.diary_id", "stage_to": "t.stage"}
        told |= {"subject": "left('Win-back of ' || o.name, 200)", "reason": "''", "by": None}
        there = self.there("lost", "join opportunities_winback t on t.opportunity_id = o.id")
        births.run(self.cursor, self.told(WinBack, there, "create", "planned", **told), self.rows)

    def close(self, outcome: str, verb: str, past: str, next_action: str):
        """Close the deals of a batch that the file says were won or lost, on the day that it says."""
        if not self.move(
            outcome, outcome, next_action=next_action, probability=100 if outcome == "won" else 0, due=None
        ):
            return
        window = {"due_on": "null"}
        if outcome == "lost":
            window = {"reactivate_from": f"({CLOSED})::date + 90", "reactivate_to": f"({CLOSED})::date + 180"}
            window["due_on"] = window["reactivate_from"]
        words = {"won": "Won before it came in.", "lost": "The file does not say why."}[outcome]
        made = birth(
            Closing,
            self.there(outcome),
            opportunity_id="o.id",
            owner_id="o.owner_id",
            source="o.source",
            outcome=Now(outcome),
            reason=Now(Closing.Reason.OTHER),
            words=f"coalesce(nullif(r.said->>'reason', ''), '{words}')",
            next_action=Now("Hand over to delivery" if outcome == "won" else "Wait for the reactivation window"),
            **window,
        )
        told = self.told(
            Closing,
            self.there(outcome, "join opportunities_closing t on t.opportunity_id = o.id"),
            "create",
            "wrote down the reason of",
            record="t",
            at=CLOSED,
            subject=f"'{dict(Closing.Outcome.choices)[outcome]}: {dict(Closing.Reason.choices)[Closing.Reason.OTHER]}'",
            diary_id="o.diary_id",
            stage_to="t.stage",
            next_action="t.next_action",
        )
        births.run(self.cursor, made, self.rows)
        births.run(self.cursor, told, self.rows)
        self.tell_move(outcome, verb, past, CLOSED, reason="coalesce(nullif(r.said->>'reason', ''), '')")
        if outcome == "lost":
            self.win_back()

    # -- Pieces of statements. -----------------------------------------------------------------------------------------

    def there(self, step: str, more: str = "") -> str:
        return DEALS.replace(" where ", f" {more} where ", 1) + f" and r.said->>'step' = '{step}'"

    def told(self, model, source, verb, past, /, *, record="o", **given):
        usual = {
            "at": OPENED,
            "diary_id": f"{record}.diary_id",
            "record_id": f"{record}.id",
            "subject": f"left({record}.name, 200)",
            "owner_id": f"{record}.owner_id",
            "reason": FROM_FILE,
        }
        return event(model, source, verb, past, **{"by": self.by, **usual, **given})

    def move(self, step: str, target: str, *, next_action: str, probability: int, due="(r.said->>'due')::date") -> int:
        self.cursor.execute(
            f"update opportunities_opportunity o set stage = %s, next_action = %s, probability = %s,"
            f" due_on = {due or 'null'} from opportunities_importrow r where o.id = r.record_id and {BATCH}"
            " and r.said->>'step' = %s",
            [target, next_action, probability, *self.rows, step],
        )
        return self.cursor.rowcount

    def tell_move(self, step: str, verb: str, past: str, at: str, reason: str = "''"):
        said = {"stage_from": Now("qualified"), "stage_to": "o.stage", "next_action": "o.next_action", "reason": reason}
        told = self.told(Opportunity, self.there(step), verb, past, record="o", at=at, **said)
        births.run(self.cursor, told, self.rows)

    def promise(self, step: str, kind: str, title: str):
        """No open deal is without a task."""
        zone = settings.TIME_ZONE
        made = birth(
            Task,
            self.there(step),
            diary_id="o.diary_id",
            opportunity_id="o.id",
            owner_id="o.owner_id",
            kind=Now(kind),
            title=f"left('{title}: ' || o.name, 200)",
            due_at=f"((r.said->>'due')::date + time '17:00') at time zone '{zone}'",
            record_type=Now(Opportunity.label()),
            record_id="o.id",
        )
        told = self.told(
            Task,
            "from t",
            "create",
            "promised",
            record="t",
            at=Now(timezone.now()),
            subject="t.title",
            stage_to="t.stage",
            reason="''",
        )
        self.run(
            ("with t as (", []),
            (made[0], [*made[1], *self.rows]),
            (" returning id, diary_id, title, owner_id, stage) ", []),
            told,
        )
