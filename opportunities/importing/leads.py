"""A batch of leads comes in: born, told, and moved to where the file says that they stand."""

from django.conf import settings
from django.db import connection
from django.utils import timezone

from ..models import Diary, Lead, Source, Task
from ..records import begin
from . import births
from .births import Now, birth, event

# What a row becomes, by its own numbers. A joined row becomes nothing: the lead that it joins says so.
ROWS = "from opportunities_importrow r where r.of_id = %s and r.id > %s and r.id <= %s and r.verdict = 'new'"
LEADS = (
    "from opportunities_importrow r join opportunities_lead l on l.id = r.record_id"
    " where r.of_id = %s and r.id > %s and r.id <= %s and r.verdict = 'new'"
)
# Of the calls that a file brings, no owner finds more on one day than they can make: see `Rows.due`.
DUE = "nullif(r.said->>'due', '')::date"
# Where a row came from, as its diary says it.
FILE = "(select i.file_name from opportunities_import i where i.id = r.of_id)"
FROM_FILE = f"left('From “' || {FILE} || '”, line ' || r.line || ' (' || r.reference || ').', 400)"


def bring(record, above: int, upto: int, made: dict):
    """Bring in the rows of an import whose numbers lie above the one and up to the other."""
    by, rows = record.runner, [record.pk, above, upto]
    with connection.cursor() as cursor:
        sources(cursor, rows, by)
        births.run(cursor, diaries(ROWS), rows)
        births.run(cursor, born(), rows)
        told = {"at": Now(timezone.now()), "subject": subject("l"), "owner_id": "l.owner_id"}
        told |= {"diary_id": "l.diary_id", "record_id": "l.id", "stage_to": "l.stage", "next_action": "l.next_action"}
        births.run(cursor, event(Lead, LEADS, "create", "imported", by=by, **told, reason=FROM_FILE), rows)
        for step in ("work", "disqualify"):
            move(cursor, step, rows, by, told)
        joined(cursor, rows, by)


def diaries(source: str):
    return birth(Diary, source, id="r.diary_id")


def sources(cursor, rows, by):
    """Make the sources that the batch names and that are not there yet. They are few."""
    query = "select distinct on (lower(r.said->>'source')) r.said->>'source' " + ROWS
    cursor.execute(
        f"{query} and not exists (select from opportunities_source s where lower(s.name) = lower(r.said->>'source'))",
        rows,
    )
    for (name,) in cursor.fetchall():
        begin(Source(name=name, kind=Source.Kind.FILE), by=by, past="added")


def born():
    said = {name: f"r.said->>'{name}'" for name in ("name", "company", "email", "phone", "website", "country", "words")}
    return birth(
        Lead,
        ROWS,
        id="r.record_id",
        diary_id="r.diary_id",
        owner_id="r.owner_id",
        external_ref="r.reference",
        arrived_at="coalesce(nullif(r.said->>'at', '')::timestamptz, now())",
        source_id="(select s.id from opportunities_source s where lower(s.name) = lower(r.said->>'source'))",
        **said,
    )


def subject(lead: str) -> str:
    return f"left({lead}.name || case when {lead}.company = '' then '' else ', ' || {lead}.company end, 200)"


def move(cursor, name: str, rows, by, told):
    """Make one move of all leads of a batch that the file says it of, as `perform` would: stage, event, task."""
    step = next(step for step in Lead.steps() if step.name == name and step.source == "new")
    custom, there = step.custom, f"{LEADS} and r.said->>'step' = '{name}'"
    cursor.execute(
        f"update opportunities_lead l set stage = %s, next_action = %s, due_on = {DUE} from opportunities_importrow r"
        " where l.id = r.record_id and r.of_id = %s and r.id > %s and r.id <= %s and r.verdict = 'new'"
        " and r.said->>'step' = %s",
        [step.target, custom["then"], *rows, name],
    )
    if not cursor.rowcount:
        return
    told = {**told, "stage_from": Now("new")}
    if name == "disqualify":
        told["reason"] = "left('The file says: ' || (r.said->>'status') || '.', 200)"
    births.run(cursor, event(Lead, there, name, custom["past"], by=by, **told), rows)
    if opens := custom["opens"]:
        promise(cursor, opens, there, rows, by, about="lead", owner="l.owner_id", diary="l.diary_id", record="l")


def promise(cursor, opens, there, rows, by, *, about, owner, diary, record):
    """Open the task that a move promises for each row, and tell it."""
    task, params = birth(
        Task,
        there,
        diary_id=diary,
        owner_id=owner,
        kind=Now(opens.kind),
        title=f"left('{opens.title}: ' || {subject(record) if about == 'lead' else f'{record}.name'}, 200)",
        due_at=f"({DUE} + time '17:00') at time zone '{settings.TIME_ZONE}'",
        record_type=Now(f"opportunities.{about}"),
        record_id=f"{record}.id",
        **{f"{about}_id": f"{record}.id"},
    )
    told, more = event(
        Task,
        "from t",
        "create",
        "promised",
        by=by,
        at=Now(timezone.now()),
        diary_id="t.diary_id",
        record_id="t.id",
        subject="t.title",
        owner_id="t.owner_id",
        stage_to="t.stage",
    )
    cursor.execute(f"with t as ({task} returning id, diary_id, title, owner_id, stage) {told}", [*params, *rows, *more])


def joined(cursor, rows, by):
    """Tell a lead that is here of the row that is the same: nothing that the file says is lost."""
    there = LEADS.replace("r.verdict = 'new'", "r.verdict = 'joined'") + " order by l.diary_id"
    births.run(
        cursor,
        event(
            Lead,
            there,
            "join",
            "found again in a file:",
            by=by,
            at=Now(timezone.now()),
            diary_id="l.diary_id",
            record_id="l.id",
            subject=subject("l"),
            owner_id="l.owner_id",
            stage_to="l.stage",
            stage_from="l.stage",
            next_action="l.next_action",
            reason=f"left({FROM_FILE} || case r.said->>'words' when '' then ''"
            " else ' They said: ' || (r.said->>'words') end, 2000)",
        ),
        rows,
    )
