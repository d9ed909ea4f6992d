"""Many records at once, for measuring: sets instead of rows, through every wall and into every diary.

Batches of deals, each with what belongs to it. A batch has places m = 1, 2, …; of each kind of record every so many
places have one, and its id follows from the place. So nothing is looked up, and a record names the others by sums. Each
is born in its first stage and moves along its edges, each time with its event: the database would refuse it otherwise.
"""

from django.db import connection, models, transaction
from django.utils import timezone

from .kinds import KINDS

BATCH = 19_200
YEARS = 3
# Several seeds at once: ids are taken by one at a time, and are then one block.
LOCK = 20261132
WORDS = (
    *("Dental", "Law", "Roofing", "Bakery", "Clinic", "Studio"),
    *("Hotel", "Garage", "School", "Market", "Garden", "Studio"),
)
SOURCES = ("Web form", "Referral", "Event", "Partner", "Cold call")

# An empty array and an empty object, in a text that is filled in.
NOTHING = "'{{}}'"
BARE = ("client", "deal")
DIARIES = {"client": 2, "deal": 1, "lead": 4}
PLACES = "from generate_series(1::bigint, {size}) m, lateral (select m + {before} as n) over_all"
TAKEN = """
select min(id), max(id) from (select nextval(pg_get_serial_sequence(%s, 'id')) id from generate_series(1, %s)) taken
"""
EVENT = """
insert into opportunities_event (diary_id, seq, facts_digest, previous, hash, xid, at, verb, past, record_type,
    record_id, subject, actor_kind, actor_name, owner_id, stage_from, stage_to, next_action, reason)
select {diary}, 0, '', '', '', 0, {at}, {verb}, {past}, {type}, {record}, left({subject}, 200), 'system', 'ZartsAlgo',
    {owner}, {stage_from}, {stage_to}, {next_action}, ''
"""


def quoted(value) -> str:
    return "'" + str(value).replace("'", "''") + "'"


class Batch:
    """The records of so many deals, all written in one transaction. Its words are ours alone: nobody types any."""

    def __init__(self, size, before, total, known):
        self.size, self.events, self.step = size, 0, 0
        self.total, self.known, self.done = total, known, before

    def write(self, events: int, bare=False):
        """Write all kinds, and lines in the deals' diaries until there are so many events of this batch.

        Bare: clients and deals alone, and none has moved.
        """
        with transaction.atomic(), connection.cursor() as cursor:
            self.cursor = cursor
            cursor.execute("set local synchronous_commit = off")
            self.take_ids()
            for kind in KINDS:
                if bare and kind.name not in BARE:
                    continue
                self.bear(kind)
                for move in () if bare else kind.moves:
                    self.move(kind, *move)
            if not bare:
                self.change_deals(events - self.events)

    # -- Ids. ----------------------------------------------------------------------------------------------------------

    def take_ids(self):
        self.cursor.execute("select pg_advisory_lock(%s)", [LOCK])
        try:
            first = {f"{name}_diary": self.block("opportunities_diary", every) for name, every in DIARIES.items()}
            first |= {kind.name: self.block(kind.model._meta.db_table, kind.every) for kind in KINDS}
        finally:
            self.cursor.execute("select pg_advisory_unlock(%s)", [LOCK])
        every = {f"{name}_diary": each for name, each in DIARIES.items()} | {kind.name: kind.every for kind in KINDS}
        self.known |= {name: f"({first[name]} + ({{m}} - 1) / {every[name]})" for name in first}
        self.first, self.before = first, first["deal"] - 1
        self.places = PLACES.format(size=self.size, before=self.before)
        word = f"(array[{', '.join(map(quoted, WORDS))}])[1 + mod(({{n}} + 1) / 2, {len(WORDS)})]"
        self.known |= {
            "word": word,
            "called": f"('Scale ' || {{n}} || ' ' || {word})",
            "source": f"(array[{', '.join(map(quoted, SOURCES))}])[1 + mod({{n}} * 7919 / 64, {len(SOURCES)})]",
            "begun": f"(now() - interval '{YEARS} years' * (1 - ({{m}} + {self.done})::float / {self.total}))",
        }
        for name, every_ in DIARIES.items():
            rows = f"select {self.said(f'{{{name}_diary}}')} {self.places} where {self.said(self.at_every(every_))}"
            self.cursor.execute(
                f"insert into opportunities_diary (id, length, head) select d, 0, '' from ({rows}) x(d)"
            )
        self.known["lost_diary"] = f"({first['deal_diary']} + {{m}} + 2)"

    def block(self, table, every) -> int:
        count = (self.size - 1) // every + 1
        self.cursor.execute(TAKEN, [table, count])
        low, high = self.cursor.fetchone()
        if high - low + 1 != count:
            raise RuntimeError(f"Something else writes in {table}: measure where nothing else runs.")
        return low

    def at_every(self, every, moved="true") -> str:
        return f"mod({{m}} - 1, {every}) = 0 and {moved}"

    # -- Records. ------------------------------------------------------------------------------------------------------

    def said(self, words, m="m", n="n") -> str:
        """Return an expression with all that it names filled in."""
        names = {name: words.format(m=m, n=n) for name, words in self.known.items()}
        at = f"least(now(), {names['begun']} + interval '{self.step} days')"
        return words.format(**names, at=at, m=m, n=n)

    def bear(self, kind):
        columns = {"id": f"{{{kind.name}}}", **defaults(kind.model), **kind.columns}
        if any(one.name == "stage" for one in kind.model._meta.fields):
            columns["stage"] = quoted(kind.model._meta.get_field("stage").default.value)
        where = self.where(kind)
        said = ", ".join(self.said(value) for value in columns.values())
        names = ", ".join(f'"{name}"' for name in columns)
        table = kind.model._meta.db_table
        self.cursor.execute(f"insert into {table} ({names}) select {said} {self.places} where {self.said(where)}")
        self.tell(kind, where, "create", "created", "''", columns.get("stage", "''"), columns.get("next_action", "''"))

    def where(self, kind, moved="true") -> str:
        where = self.at_every(kind.every, moved)
        # Of four deals the last was lost: a batch that ends before it has none.
        return f"{where} and {{m}} + 3 <= {self.size}" if kind.diary == "lost" else where

    def move(self, kind, before, after, moved, sets):
        step = next(step for step in kind.model.steps() if step.source == before and step.target == after)
        where = self.where(kind, moved)
        # By their ids alone: whatever is joined here would be joined badly, in a table of which nothing is known yet.
        first, last = self.first[kind.name], self.first[kind.name] + (self.size - 1) // kind.every
        place = f"((id - {first}) * {kind.every} + 1)"
        change = ", ".join([f"stage = {quoted(after)}", *([sets] if sets else [])])
        words = f"{change} where id between {first} and {last} and {where}"
        said = self.said(words, m=place, n=f"({place} + {self.before})")
        self.cursor.execute(f"update {kind.model._meta.db_table} set {said}")
        self.tell(kind, where, step.name, step.custom["past"], quoted(before), quoted(after))

    def tell(self, kind, where, verb, past, stage_from, stage_to, next_action="''"):
        model = kind.model
        fields = {
            "diary": self.said(f"{{{kind.diary}_diary}}"),
            "at": self.said("{at}"),
            "verb": quoted(f"{model._meta.model_name}.{verb}"),
            "past": quoted(past),
            "type": quoted(model.label()),
            "record": self.said(f"{{{kind.name}}}"),
            "subject": self.said(kind.subject),
            "owner": self.said("{owner}"),
            "stage_from": stage_from,
            "stage_to": stage_to,
            "next_action": self.said(next_action),
        }
        self.cursor.execute(f"{EVENT.format(**fields)} {self.places} where {self.said(where)}")
        self.events += self.cursor.rowcount
        self.step += 1

    def change_deals(self, events):
        """Let people write in their deals until there are so many lines."""
        each, rest = divmod(max(events, 0), self.size)
        fields = {
            "diary": self.said("{deal_diary}"),
            "at": self.said("{at}"),
            "verb": "'opportunity.edit'",
            "past": "'changed'",
            "type": "'opportunities.opportunity'",
            "record": self.said("{deal}"),
            "subject": self.said("{called} || ': growth'"),
            "owner": self.said("{owner}"),
            "stage_from": "deal.stage",
            "stage_to": "deal.stage",
            "next_action": "deal.next_action",
        }
        self.cursor.execute(
            f"{EVENT.format(**fields)} {self.places}, opportunities_opportunity deal,"
            f" generate_series(1, {each} + (m <= {rest})::int) turn where deal.id = {fields['record']} order by m, turn"
        )
        self.events += self.cursor.rowcount


def defaults(model) -> dict[str, str]:
    """Return for each column that must have something what the model gives it, as SQL."""
    found = {}
    for one in model._meta.concrete_fields:
        if one.primary_key or one.generated or one.db_default is not models.NOT_PROVIDED:
            continue
        if one.default is timezone.now:
            found[one.column] = "now()"
        elif one.default is timezone.localdate:
            found[one.column] = "current_date"
        elif one.has_default():
            found[one.column] = literal(one.get_default(), "'[]'" if isinstance(one, models.JSONField) else NOTHING)
        elif not one.null and one.blank and not isinstance(one, models.IntegerField):
            found[one.column] = "''"
    return found


def literal(value, empty) -> str:
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    return empty if value == [] else NOTHING if value == {} else quoted(getattr(value, "value", value))
