"""What is found for what somebody typed: a bounded look, in the order in which people mean it."""

import re
import unicodedata
from dataclasses import dataclass, field
from functools import cached_property

from django.apps import apps
from django.db import connection
from django.db.models import BooleanField, Exists, ExpressionWrapper, F, OuterRef, Q, Subquery, Value
from django.db.models.expressions import RawSQL

from opportunities.reads import PAGE, AsWritten

from .models import Entry, Kind, Mark, Shared, model_of

# So many letters of what was typed are looked for, and so many words.
LETTERS, WORDS = 200, 8
# So many of the newest of each kind are read one by one: a word that many hold is found there at once. A word that is
# rarer than that is looked up in the index, which then has few of it.
NEWEST = 3_000
# What the sample does not hold is asked of the index at once, as long as no more lines than these hold it.
HELD_BY_FEW = 5_000
# So many of each kind are shown at most, and when only that kind is asked for.
MOST, MOST_OF_ONE = 30, 100
RECENT, PINNED = 8, 50
# By so many numbers a list is narrowed at most; and so many rows make a list long.
FEW, LONG = 200_000, 100_000
# By so many of the newest of a kind it is judged which word of several is the rarest.
SAMPLED = 300
# A word that more than this part of them hold is not looked up: that would read more than it is worth.
COMMON = 0.05
NAMES = 40
# Up to two letters say nothing but how a name begins.
SHORT = 2


@dataclass
class Found:
    """What was found, best first, and of which kinds there is more than that."""

    words: str = ""
    kind: str = ""
    rows: list = field(default_factory=list)
    counts: dict = field(default_factory=dict)
    more: set = field(default_factory=set)
    # What to say where nothing could be looked for, or not all of it.
    unclear: str = ""
    cut: str = ""
    # Too short for words: names alone were looked for.
    is_short: bool = False


# Letters that are no other letter with a mark, as people type them. Keep them as sql/held.sql has them.
AS_TYPED = {"Øø": "o", "Łł": "l", "ĐđÐð": "d", "ı": "i", "ẞß": "ss", "Ææ": "ae", "Œœ": "oe", "Þþ": "th"}
TYPED = {ord(letter): typed for letters, typed in AS_TYPED.items() for letter in letters}


def plain(words: str) -> str:
    """Return words without case and accents, as the database keeps them (sql/held.sql)."""
    return re.sub("[\u0300-\u036f]", "", unicodedata.normalize("NFKD", words)).translate(TYPED).lower()


def every_term(words: str) -> list[str]:
    return [term[:40] for term in re.findall(r"[^\W_]+", plain(words))]


def terms_of(words: str) -> list[str]:
    """Return the words to look for, each as a beginning; none where nothing typed is a letter or a number."""
    return every_term(words)[:WORDS]


def kinds_for(user) -> list[str]:
    """Return the kinds that this person's roles let them see."""
    return [kind for kind in Kind.values if user.has_perm(f"{model_of(kind)}.view_{kind}")]


def with_pins(rows, user):
    """Return these lines, each with whether this person pinned it."""
    pinned = Mark.objects.filter(entry=OuterRef("pk"), user=user, pinned_at__isnull=False)
    return rows.annotate(is_pinned=Exists(pinned))


def lines(user):
    """Return everything that this person may see."""
    return with_pins(Entry.objects.filter(Entry.reach(user), kind__in=kinds_for(user)), user)


def recent(user) -> list[Entry]:
    """Return what this person opened last, of what they may still see. What they pinned stands elsewhere."""
    rows = lines(user).filter(marks__user=user, marks__opened_at__isnull=False).filter(is_pinned=False)
    return with_endings(rows.order_by("-marks__opened_at")[:RECENT])


def pinned(user) -> list[Entry]:
    """Return what this person pinned, of what they may still see."""
    rows = lines(user).filter(marks__user=user, marks__pinned_at__isnull=False)
    return with_endings(rows.order_by("-marks__pinned_at")[:PINNED])


# How those ended that have no stage.
ENDED = {Kind.CLIENT: "Merged", Kind.CONTACT: "Not there any more", Kind.NOTE: "Corrected"}


def with_endings(rows) -> list[Entry]:
    """Return these lines; those that are not open say how they ended: won and lost are both closed."""
    rows, ids = list(rows), {}
    for entry in rows:
        if not entry.is_open:
            ids.setdefault(entry.kind, []).append(entry.record_id)
    stages, parts = {}, []
    for kind in ids.keys() - ENDED.keys():
        model = apps.get_model(model_of(kind), kind)
        stages[kind] = dict(model._meta.get_field("stage").choices)
        parts.append(model._base_manager.filter(pk__in=ids[kind]).order_by().values_list(Value(kind), "pk", "stage"))
    found = {(kind, pk): stages[kind][stage] for kind, pk, stage in (parts[0].union(*parts[1:]) if parts else ())}
    for entry in rows:
        if not entry.is_open:
            entry.ended = ENDED.get(entry.kind) or found.get((entry.kind, entry.record_id), "Closed")
    return rows


def find(user, words: str, kind: str = "") -> Found:
    """Return what was found: exact names, then names that begin so, then words; open before closed, newest first."""
    words = words.strip()
    terms = terms_of(words[:LETTERS])
    found = Found(words[:LETTERS], kind if kind in Kind.values else "")
    if not terms:
        found.unclear = "Type letters or numbers: signs alone cannot be looked for."
        return found
    if len(words) > LETTERS:
        found.cut = f"Only the first {LETTERS} letters were looked for."
    if len(every_term(words[:LETTERS])) > WORDS:
        found.cut = f"Only the first {WORDS} words were looked for."
    kinds = [one for one in kinds_for(user) if not found.kind or one == found.kind]
    most = MOST_OF_ONE if found.kind else MOST
    if kinds:
        found.is_short = len(" ".join(terms)) <= SHORT
        look = Look(user, terms, " ".join(terms), kinds, most, words if PHONE.fullmatch(words) else "")
        rows = with_pins(Entry.objects.filter(pk__in=look.ids()), user).defer("search")
        rank(found, list(rows), terms, most)
        with_endings(found.rows)
        found.more |= look.unsure
    return found


def rank(found, rows, terms, most):
    """Put what was found in order. Kinds are mixed: the first of each stand before the second of any."""
    asked = " ".join(terms)
    kinds = list(Kind.values)

    def group(entry):
        has = entry.name_key.split()
        is_named = all(any(word.startswith(term) for word in has) for term in terms)
        named = 0 if entry.name_key == asked else 1 if entry.name_key.startswith(asked) else 2
        return named, not entry.is_open, named == 2 and not is_named

    rows.sort(key=lambda entry: -entry.pk)
    nth, order = {}, {}
    for entry in rows:
        this = group(entry)
        place = nth[entry.kind, this] = nth.get((entry.kind, this), 0) + 1
        order[entry.pk] = (*this, place, kinds.index(entry.kind))
        found.counts[entry.kind] = found.counts.get(entry.kind, 0) + 1
    rows.sort(key=lambda entry: order[entry.pk])
    for kind, count in found.counts.items():
        if count > most:
            found.more.add(kind)
            found.counts[kind] = most
    shown: dict = {}
    for entry in rows:
        shown[entry.kind] = shown.get(entry.kind, 0) + 1
        if shown[entry.kind] <= most:
            found.rows.append(entry)


# What is called so, and what begins so: names are looked up without asking whose they are, a bounded number of them.
BY_NAME = """
select '', array(select id from (
  (select * from search_entry where name_key = %(asked)s limit {newest}) union all
  (select * from search_entry where name_key like %(begins)s limit {newest})
) named where kind in ({kinds}) and {reach} limit {names}), false"""
# Whether there are older ones is asked where the newest did not do, and in any order: that reads an index alone.
# "offset 0", so that the planner looks once and not for each place that asks for it.
AMONG_NEWEST = """
(select '{kind}', ids, case when cardinality(ids) < {most} then exists (
  select from search_entry where kind = '{kind}' and {own} offset {newest}) else true end
from (select array(select id from (
  select id, search, name_key from search_entry where kind = '{kind}' and {own} order by id * -1 limit {newest}
) newest where {matches} limit {most}) as ids offset 0) looked)"""
SHARED = """
(select '{kind}', array(
  select id from search_entry where kind = '{kind}' and {besides} and {matches}
  order by id + 0 desc limit {most}), false)"""
SAMPLE = """
(select '{kind}', {counts} from (
  select search from search_entry where kind = '{kind}' order by id * -1 limit {sample}) newest)"""
NEWEST_HELD = """
select record_id from (
  select record_id, search from search_entry where kind = '{kind}' order by id * -1 limit {newest}
) newest where search @@ %(query)s::tsquery limit {most}"""
# "+ 0", so that the planner never walks all lines from the newest in search of a word that none of them holds; and the
# sum of words, so that the index reads one word and not each: one that everything holds would cost as much as a scan.
ALL_HELD = """
select record_id from search_entry where kind = '{kind}' and search @@ %(term{term})s::tsquery
  and (search || ''::tsvector) @@ %(query)s::tsquery order by id + 0 desc limit {most}"""
# Materialized, so that the planner reads the index, as if for all of them: it would walk the table for the first few.
BY_INDEX_IF_FEW = """
(select '{kind}', case when count(*) > {few} then '{{}}'
  else coalesce((array_agg(id order by id desc) filter (where is_found))[:{most}], '{{}}') end, count(*) > {few}
from (with held as materialized (
  select id, {reach} and (search || ''::tsvector) @@ %(query)s::tsquery as is_found
  from search_entry where kind = '{kind}' and search @@ %(term{term})s::tsquery
) select id, is_found from held limit {few} + 1) held)"""
BY_INDEX = """
(select '{kind}', array(
  select id from search_entry where kind = '{kind}' and search @@ %(term{term})s::tsquery and {reach}
  and (search || ''::tsvector) @@ %(query)s::tsquery order by id + 0 desc limit {most}), false)"""


# By a phone, however it is written: a line holds its groups of digits as somebody typed them.
BY_PHONE = """
select '', array(select id from search_entry where kind in ({kinds}) and {reach} and (kind, record_id) in (
  (select 'contact', id from opportunities_contact
   where phone_key = zarts_phone_key(%(phone)s) and phone_key <> '' limit {most})
  union all
  (select 'lead', id from opportunities_lead
   where phone_key = zarts_phone_key(%(phone)s) and phone_key <> '' limit {most}))), false"""
PHONE = re.compile(r"\+?[\d\s()./-]{7,40}")


def query_of(terms) -> str:
    return " & ".join(f"'{term}':*" for term in terms)


class Words:
    """What is looked for, as the statements have it."""

    def __init__(self, terms):
        self.terms = terms
        self.values: dict = {"query": query_of(terms)}
        self.values |= {f"term{n}": query_of([term]) for n, term in enumerate(terms)}

    def rarest_of(self, kinds) -> dict:
        """Return for each kind how many of its newest lines hold the word that the fewest hold, and which one that is.

        Of those that none holds, the longest.
        """
        numbers = range(len(self.terms))
        counts = ", ".join(f"count(*) filter (where search @@ %(term{n})s::tsquery)" for n in numbers)
        rows = self.run(" union all ".join(SAMPLE.format(kind=kind, counts=counts, sample=SAMPLED) for kind in kinds))
        best = {kind: min((held[n], -len(self.terms[n]), n) for n in numbers) for kind, *held in rows}
        return {kind: (count, n) for kind, (count, _, n) in best.items()}

    def run(self, statement):
        with connection.cursor() as cursor:
            cursor.execute(statement, self.values)
            return cursor.fetchall()


class Held(Words):
    """The lines of one kind that hold all the words, as a list is narrowed by them.

    Whether many hold them or few decides how they are looked for: the database would guess, and guesses the same of
    every word. Nothing is left out either way.
    """

    def __init__(self, kind: str, words: str):
        """Take words as they were typed: something in them can be looked for (`terms_of`)."""
        super().__init__(terms_of(words[:LETTERS]))
        self.kind = Kind(kind).value

    def newest(self, most) -> list[int]:
        """Return the numbers of the newest records that hold them."""
        return self.among_newest[:most] if len(self.among_newest) >= most else self.by_index(most)

    def where(self, path="pk") -> Q:
        """Return the condition for rows that are such a record, or lead to one by this path."""
        return self.passing(path) if len(self.among_newest) >= PAGE else self.named(path)

    def narrow(self, rows, path, own=None):
        """Return those of these rows that lead to such a record, or for which a condition of their own holds."""
        if len(self.among_newest) >= PAGE and (self.fills(rows, path) or not is_long(rows)):
            held = self.passing(path)
            return rows.filter(held if own is None else held | own)
        held = self.named(path)
        if own is None:
            return rows.filter(held)
        # Not in the order of the list: the database would go through all of it in search of a word that none holds.
        theirs = list(rows.filter(own).order_by(F("pk") + 0).values_list("pk", flat=True)[: FEW + 1])
        if len(theirs) > FEW:
            return rows.filter(held | own)
        both = (
            rows.filter(held).order_by().values("pk").union(rows.filter(numbered("pk", theirs)).order_by().values("pk"))
        )
        return rows.filter(Q(pk__in=both) if theirs else held)

    def passing(self, path) -> Q:
        """Where many hold them: the rows are gone through in their own order, and the first page is full soon."""
        line = Entry.objects.filter(kind=self.kind, record_id=OuterRef(path))
        holds = ExpressionWrapper(Q(search=AsWritten(query_of(self.terms))), output_field=BooleanField())
        return Q(Subquery(line.annotate(holds=holds).values("holds")))

    def named(self, path) -> Q:
        """Where few hold them: by their numbers. Where there turn out to be many, none is worth more than another."""
        return self.passing(path) if len(self.few) > FEW else numbered(path, self.few)

    def fills(self, rows, path) -> bool:
        """Whether so many of the newest rows lead to one that a page is full before long."""
        newest = rows.order_by("-pk").annotate(holds=self.passing(path)).values_list("holds", flat=True)[:SAMPLED]
        return sum(map(bool, newest)) * NEWEST >= PAGE * SAMPLED

    @cached_property
    def among_newest(self) -> list[int]:
        statement = NEWEST_HELD.format(kind=self.kind, newest=NEWEST, most=max(PAGE, MOST_OF_ONE))
        return [pk for (pk,) in self.run(statement)]

    @cached_property
    def few(self) -> list[int]:
        """The numbers of those that hold them, looked up once; more than FEW say only that they are many."""
        return self.by_index(FEW + 1)

    def by_index(self, most) -> list[int]:
        term = self.rarest_of([self.kind])[self.kind][1] if len(self.terms) > 1 else 0
        return [pk for (pk,) in self.run(ALL_HELD.format(kind=self.kind, term=term, most=most))]


def held_by(kind, words):
    """Return what holds these words; None where nothing in them can be looked for."""
    return Held(kind, words) if terms_of(words[:LETTERS]) else None


def is_long(rows) -> bool:
    """Whether to go through all of these rows takes longer than to look up what they lead to."""
    return rows.order_by("-pk").values("pk")[LONG : LONG + 1].exists()


def numbered(path, numbers) -> Q:
    return Q(**{f"{path}__in": RawSQL("select unnest(%s::bigint[])", [numbers]) if numbers else []})


class Look(Words):
    """One look into the lines, within one person's reach. Every statement of it reads a bounded part."""

    def __init__(self, user, terms, asked, kinds, most, phone=""):
        super().__init__(terms)
        self.values["phone"] = phone
        self.with_phones = [kind for kind in kinds if phone and kind in (Kind.CONTACT, Kind.LEAD)]
        self.kinds, self.most = kinds, most + 1
        # The kinds of which older ones that match may be left.
        self.unsure: set = set()
        self.by_words = len(asked) > SHORT
        # What few reach is soon read, whatever it holds.
        self.judges_first = self.by_words and (user.sees_all or user.reaches_many)
        self.values |= {"asked": asked, "begins": asked + "%", "me": user.pk, "team": user.team_id}
        self.matches = "search @@ %(query)s::tsquery" if self.by_words else "name_key like %(begins)s"
        # The lists of what is somebody's, each with an index of its own; and what they reach besides.
        self.own, self.besides = ["true"], ""
        if not user.sees_all:
            self.own = ["owner_id = %(me)s"] + ["team_id = %(team)s"] * user.sees_team
            through = Shared.of(user)
            self.values |= {"opportunities": through.opportunities, "clients": through.clients}
            if through.opportunities or through.clients:
                self.besides = (
                    "(opportunity_id = any(%(opportunities)s) or"
                    " client_id = any(%(clients)s) and opportunity_id is null and lead_id is null)"
                )
        arms = [*self.own, *([self.besides] if self.besides else [])]
        self.reach = "(" + " or ".join(arms) + ")"

    def ids(self) -> list[int]:
        """Return the ids of what matches: by name, among the newest of each kind, and by the index where need be."""
        judged = self.rarest_of(self.kinds) if self.judges_first else {}
        absent = {kind: term for kind, (held, term) in judged.items() if not held}
        present = [kind for kind in self.kinds if kind not in absent]
        if_few = [self.by_index(kind, term, BY_INDEX_IF_FEW) for kind, term in absent.items()]
        by_phone = [self.by_phone()] if self.with_phones else []
        rows = self.run(" union all ".join([self.by_name(), *by_phone, *if_few, *self.newest_of(present)]))
        if many := [kind for kind, _, is_more in rows if kind in absent and is_more]:
            # The newest happen to be without it.
            rows = [row for row in rows if row[0] not in many] + self.run(" union all ".join(self.newest_of(many)))
        found, seen, unread = set(), {}, set()
        for kind, ids, may_be_older in rows:
            found.update(ids)
            if kind:
                seen.setdefault(kind, set()).update(ids)
                if may_be_older:
                    unread.add(kind)
        rare = sorted(kind for kind in unread if len(seen[kind]) < self.most) if self.by_words else []
        if rare:
            judged = judged or self.rarest_of(rare)
            # Where even the rarest word stands in too many, what was found among the newest has to do.
            self.unsure = {kind for kind in rare if judged[kind][0] > SAMPLED * COMMON}
            parts = [self.by_index(kind, judged[kind][1]) for kind in rare if kind not in self.unsure]
            for _, ids, _ in self.run(" union all ".join(parts)) if parts else ():
                found.update(ids)
        return sorted(found)

    def newest_of(self, kinds) -> list[str]:
        parts = []
        for kind in kinds:
            parts += [self.among_newest(kind, own) for own in self.own]
            if self.besides:
                parts.append(self.shared(kind))
        return parts

    def by_name(self) -> str:
        kinds = ", ".join(f"'{kind}'" for kind in self.kinds)
        return BY_NAME.format(kinds=kinds, newest=NEWEST, names=NAMES, reach=self.reach)

    def by_phone(self) -> str:
        kinds = ", ".join(f"'{kind}'" for kind in self.with_phones)
        return BY_PHONE.format(kinds=kinds, reach=self.reach, most=self.most)

    def among_newest(self, kind, own) -> str:
        return AMONG_NEWEST.format(kind=kind, own=own, newest=NEWEST, matches=self.matches, most=self.most)

    def shared(self, kind) -> str:
        return SHARED.format(kind=kind, besides=self.besides, matches=self.matches, most=self.most)

    def by_index(self, kind, term, statement=BY_INDEX) -> str:
        return statement.format(kind=kind, term=term, reach=self.reach, most=self.most, few=HELD_BY_FEW)


def within(user, path: str):
    """Return the line of the record whose page has this address, or None: it is no such page, or not theirs to see."""
    page = re.fullmatch(r"/admin/(\w+)/(\w+)/(\d{1,18})/change/", path)
    if not page or page[2] not in Kind.values or model_of(page[2]) != page[1]:
        return None
    return lines(user).filter(kind=page[2], record_id=int(page[3])).first()
