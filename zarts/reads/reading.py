"""How a prepared read is asked and answered: which columns, which rows, from where on, within whose reach."""

import json
import re
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from decimal import Decimal, InvalidOperation
from inspect import getattr_static

from django.apps import apps
from django.core import signing
from django.core.exceptions import EmptyResultSet
from django.db import OperationalError, connection, transaction
from django.utils import timezone
from django.utils.dateparse import parse_date, parse_datetime
from psycopg import errors, sql

from opportunities.models import Client, Opportunity
from opportunities.records import Kept
from portal.models import Publication

from .catalogue import ASKED, BESIDE, Column, View

# So many rows a page has when nobody says how many, and at most.
USUAL, MOST = 100, 1000
# A list of values names at most so many.
MOST_VALUES = 100
# A filter that finds little among much is given up after so long.
LONGEST = "10s"
# Whoever sees no more opportunities than this has them read beforehand.
FEW = 1000
OWN = ("limit", "after", "fields")
SIGNS = {"__gt": ">", "__gte": ">=", "__lt": "<", "__lte": "<="}
LARGEST = 2**63 - 1


class Problem(Exception):
    """What was asked cannot be answered: the status, the sentence, and where to read on."""

    def __init__(self, status: int, detail: str, see: str = "/admin/catalogue/"):
        super().__init__(detail)
        self.status, self.detail, self.see = status, detail, see


@dataclass
class Asked:
    """What somebody wants of a view."""

    view: View
    fields: list[str]
    limit: int | None = None
    after: int = 0
    conditions: list = field(default_factory=list)
    values: list = field(default_factory=list)

    @property
    def columns(self) -> list[Column]:
        return [self.view.columns[name] for name in self.fields]


# -- What is asked. ----------------------------------------------------------------------------------------------------


def understand(view: View, params) -> Asked:
    """Return what the address asks for, or say which part of it makes no sense."""
    for name in params:
        if len(params.getlist(name)) > 1:
            raise unclear(view, f"“{short(name)}” is there twice. Say it once.")
    asked = Asked(view, fields_of(view, params.get("fields")))
    asked.limit = limit_of(view, params.get("limit"))
    asked.after = after_of(view, params.get("after"))
    for name, text in params.items():
        if name not in OWN:
            add_filter(asked, name, text)
    return asked


def unclear(view, words) -> Problem:
    return Problem(400, words, f"/admin/catalogue/{view.source}/{view.kind}/")


def short(text: str) -> str:
    """Return what somebody typed, for a sentence: printable, and not long."""
    shown = "".join(letter if letter.isprintable() else "?" for letter in text[:41])
    return f"{shown[:40]}…" if len(text) > 40 else shown


def fields_of(view, text) -> list[str]:
    if text is None:
        return list(view.columns)
    names = [name.strip() for name in text.split(",")]
    for name in names:
        if name not in view.columns:
            raise unclear(view, f"There is no column “{short(name)}” in {view}. There are: {', '.join(view.columns)}.")
    return list(dict.fromkeys(names))


def limit_of(view, text) -> int | None:
    if text is None:
        return None
    if not re.fullmatch("[0-9]{1,6}", text) or not 1 <= int(text) <= MOST:
        raise unclear(view, f"“limit” is a number from 1 to {MOST}.")
    return int(text)


def add_filter(asked: Asked, name: str, text: str):
    """Add what one parameter asks of a column."""
    view = asked.view
    column, _, ending = name.partition("__")
    ending = ending and f"__{ending}"
    if column not in view.columns:
        raise unclear(
            view, f"There is no column “{short(column)}” in {view} to filter by. There are: {', '.join(view.columns)}."
        )
    known = ASKED[view.columns[column].type]
    if ending not in known:
        ways = ", ".join(column + each for each in known)
        can = f"It can be asked by {ways}." if ways else "It cannot be filtered by."
        raise unclear(view, f"“{short(name)}” is no filter of the column {column}. {can}")
    kind, at = view.columns[column].type, sql.Identifier(column)
    if ending == "__null":
        wanted = value_of(view, name, "boolean", text)
        asked.conditions.append(sql.SQL("r.{} is null" if wanted else "r.{} is not null").format(at))
        return
    if ending == "__in":
        parts = text.split(",")
        if len(parts) > MOST_VALUES:
            raise unclear(view, f"“{name}” names {len(parts)} values. It takes {MOST_VALUES} at most.")
        asked.conditions.append(sql.SQL("r.{} = any(%s)").format(at))
        asked.values.append([value_of(view, name, kind, part) for part in parts])
        return
    asked.conditions.append(sql.SQL("r.{} " + SIGNS.get(ending, "=") + " %s").format(at))
    asked.values.append(value_of(view, name, kind, text))


EXAMPLES = {
    "bigint": "a whole number, such as 12",
    "integer": "a whole number, such as 12",
    "numeric": "a number, such as 1200.50",
    "date": "a day, such as 2026-01-31",
    "timestamp": "a day or a moment, such as 2026-01-31 or 2026-01-31T09:30:00Z",
    "boolean": "true or false",
    "text": "text without signs that nobody can see",
}


def value_of(view, name, kind, text):
    """Return a value of this type, or say what it has to look like."""
    try:
        value = READ[kind](text)
    except (ValueError, InvalidOperation, OverflowError):
        value = None
    if value is None:
        raise unclear(view, f"“{short(text)}” is no value for {name}: it takes {EXAMPLES[kind]}.")
    return value


def whole(text):
    number = int(text) if re.fullmatch(r"-?[0-9]{1,19}", text) else None
    return number if number is not None and abs(number) <= LARGEST else None


def decimal(text):
    return Decimal(text) if re.fullmatch(r"-?[0-9]{1,20}(\.[0-9]{1,10})?", text) else None


def moment(text):
    """Return a moment; a day begins at midnight UTC, and a moment without its zone is UTC."""
    if found := (parse_datetime(text) if len(text) > len("2026-01-31") else None):
        return found if timezone.is_aware(found) else found.replace(tzinfo=UTC)
    day = parse_date(text)
    return day and datetime.combine(day, time(), tzinfo=UTC)


READ = {
    "bigint": whole,
    "integer": whole,
    "numeric": decimal,
    "date": parse_date,
    "timestamp": moment,
    "boolean": {"true": True, "false": False}.get,
    "text": lambda text: None if "\0" in text else text,
}


# -- From where on. ----------------------------------------------------------------------------------------------------

MARKS = signing.Signer(salt="zarts.reads.after")


def mark_of(view: View, last: int) -> str:
    """Return the mark of what comes after a row. It says of which list it is."""
    return MARKS.sign(f"{view}:{last}")


def after_of(view, text) -> int:
    if text is None:
        return 0
    try:
        of, _, last = MARKS.unsign(text).partition(":")
    except signing.BadSignature:
        raise unclear(
            view, "This page mark is none of ours. Take “after” from “next” of a page, or begin without one."
        ) from None
    if of != str(view):
        raise unclear(view, f"This page mark is of {of}, and this is {view}. Begin without “after”.")
    return int(last)


# -- Within whose reach. -----------------------------------------------------------------------------------------------


def reach(view: View, user):
    """Return the condition for the rows that a person may see, with its values, and whether those are few.

    The condition is None where they may see all.
    """
    if user is None or user.sees_all:
        return None, [], False
    model = apps.get_model(view.of)
    path, is_beside = path_to_deal(model), view.kind in BESIDE
    deals = few_deals(user) if path or is_beside else None
    within: list = []
    values: list = []
    try:
        # Whoever sees a deal sees its client.
        if not (is_beside and model is Client):
            within, values = among("id", rows_within(model, user, path, deals))
        if is_beside and not path:
            # A client, a lead, a task can be somebody's while a deal of it is not: what stands beside it must be too.
            beside, theirs = among("opportunity_id", deals_of(user)) if deals is None else (FEW_BESIDE, [deals])
            within, values = [*within, *beside], [*values, *theirs]
    except EmptyResultSet:
        return sql.SQL("false"), [], True
    return sql.SQL(" and ").join(within), values, deals is not None


FEW_BESIDE = [sql.SQL("r.opportunity_id = any(%s)")]


def rows_within(model, user, path, deals):
    """Return the records that a person may see, found from their deals where those are few."""
    if path and deals is not None:
        return model._base_manager.filter(**{f"{path}__in": deals})
    if path == "opportunity_id":
        return model._base_manager.filter(opportunity_id__in=deals_of(user))
    return model._base_manager.filter(model.reach(user))


def among(column, rows):
    """Return the condition that a column names one of these, and its values."""
    text, values = rows.order_by().values("pk").query.sql_with_params()
    return [sql.SQL("r.{} in ").format(sql.Identifier(column)) + sql.SQL(f"({text})")], list(values)


def path_to_deal(model) -> str:
    """Return what leads to the opportunity that alone says who sees a record. Empty where more than that does."""
    if model is Publication:
        return "opportunity_id"
    steps = []
    while issubclass(model, Kept) and getattr_static(model, "reach") is getattr_static(Kept, "reach"):
        steps.append(model.belongs_to)
        model = model._meta.get_field(model.belongs_to).related_model
    return "__".join(steps) if model is Opportunity else ""


def deals_of(user):
    return Opportunity._base_manager.filter(Opportunity.reach_by_index(user)).order_by().values("pk")


def few_deals(user) -> list[int] | None:
    """Return the opportunities that somebody sees, where they are few: what hangs on them is then found from them."""
    found = [pk for (pk,) in deals_of(user).values_list("pk")[: FEW + 1]]
    return found if len(found) <= FEW else None


# -- The answer. -------------------------------------------------------------------------------------------------------


# A page walks along the ids and stops when it is full, instead of bringing whole tables together and sorting them. What
# stands beside a row is looked up: that some thousands are read for each costs, by the planner's sums, next to nothing.
# Where something is asked for that may be rare, the database weighs the walk against an index of what is asked for.
WALK = (
    "set local enable_hashjoin = off; set local enable_mergejoin = off; set local enable_seqscan = off; "
    "set local max_parallel_workers_per_gather = 0; set local enable_sort = {}"
)


# Of each client the newest deal that is within reach.
NEWEST_EACH = "(select distinct on (r.id) r.* from {} r where r.id > %s and {} order by r.id, r.opportunity_id desc)"


def statement(asked: Asked, user, size: int):
    """Return the question to the database, its values, and how to go about it."""
    view = asked.view
    within, mine, is_few = reach(view, user)
    rows: sql.Composable = sql.Identifier("reads", view.table)
    conditions = [sql.SQL("r.id > %s"), *asked.conditions]
    values = [asked.after, *asked.values]
    if within and view.source == "clients" and view.kind in BESIDE:
        rows = sql.SQL(NEWEST_EACH).format(sql.Identifier("reads", f"{view.table}_each"), within)
        values = [asked.after, *mine, *values]
    elif within:
        conditions.append(within)
        values += mine
    names = sql.SQL(", ").join(sql.Identifier("r", name) for name in ["id", *asked.fields])
    question = sql.SQL("select {} from {} r where {} order by r.id limit %s").format(
        names, rows, sql.SQL(" and ").join(conditions)
    )
    return question, [*values, size], WALK.format("on" if is_few or asked.conditions else "off")


def rows_of(asked: Asked, user, size: int) -> list[tuple]:
    """Return so many rows, each with its id before the columns that were asked for."""
    question, values, how = statement(asked, user, size)
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f"set local statement_timeout = '{LONGEST}'; {how}")
            cursor.execute(question, values)
            return cursor.fetchall()
    except OperationalError as error:
        if isinstance(error.__cause__, errors.QueryCanceled):
            words = "These filters find too little among too much. Ask for less: by a number, or page by page without."
            raise unclear(asked.view, words) from None
        raise


def page_of(asked: Asked, user) -> tuple[list[tuple], str]:
    """Return one page of rows and the mark of the next one; no mark after the last."""
    size = asked.limit or USUAL
    rows = rows_of(asked, user, size + 1)
    more = len(rows) > size
    rows = rows[:size]
    return rows, mark_of(asked.view, rows[-1][0]) if more else ""


def all_of(asked: Asked, user, size=MOST):
    """Yield every row, some at a time: no question is open while somebody reads slowly."""
    while batch := rows_of(asked, user, size):
        yield from batch
        if len(batch) < size:
            return
        asked.after = batch[-1][0]


def as_json(value, kind):
    """Return a value as JSON holds it: money and other decimals as text, moments with their zone."""
    if kind == "json":
        return json.loads(value) if isinstance(value, str) else value
    if isinstance(value, Decimal):
        return format(value, "f")
    return value.isoformat() if isinstance(value, date | time) else value


def as_text(value, kind) -> str:
    """Return a value as a cell of a CSV."""
    value = as_json(value, kind)
    if value is None:
        return ""
    if kind in ("json", "boolean"):
        return json.dumps(value, ensure_ascii=False)
    return str(value)
