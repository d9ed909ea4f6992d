"""The client-safe boundary: marks on words that a client must not read, each with what to do."""

import re
from bisect import bisect_right
from dataclasses import dataclass, replace
from functools import cache
from typing import NamedTuple

from django.apps import apps
from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import connection
from django.db.models import BigIntegerField, Exists, F, Func, IntegerField, OuterRef, Q, TextField, Value
from django.db.models.functions import Cast

from opportunities.alike import key_of
from opportunities.models import Contact, Discovery, Event, Lead, Message, User
from opportunities.words import MARK_UP

from . import glossary as words_of_ours
from . import letters, promises
from .letters import WORD, plain, plain_word, words_of

# This many words in a row, the same as in an internal text, are a copy.
RUN = 8
# Every run has a seed of this many words at one of these places, wherever it begins.
SEED = RUN // 2
STEP = RUN - SEED + 1
MAIL = re.compile(r"[\w.+-]+@[\w-]+\.[\w.-]+")
PHONE = re.compile(r"(?<![\w.])(?:\((?=\+?\d+\)))?\+?\d(?:[\s()./-]*\d){7,}(?![\w])")
DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
SUPERLATIVE = re.compile(
    r"\bthe (?:very )?(?:best|fastest|cheapest|greatest|most successful|leading)\b"
    r"|\bworld[- ]class\b|\bnumber one\b|(?<!\w)#1\b|\bunrivall?ed\b|\bunbeatable\b|\brisk[- ]free\b",
    re.IGNORECASE,
)
# Up to three words with a capital, one after the other, may be somebody's name.
CAPITAL = re.compile(r"[^\W\d_][\w'’-]*")
NAME_WORDS = 3
# Names that are words, too: whether somebody is meant only a reader can say.
COMMON = frozenset(
    """
    april august baker banks bell bill black brook brown carpenter church close cook cross crystal daisy dale
    dawn dean field fields fisher ford forest frank garden gene grace grant gray green grey guy hall harbor
    harbour heather hill holiday hope hunter iris ivy jack jade joy june king lake lane law lily long mark march
    mason may miles mill moon north olive page park parks pat pearl penny price ray reed rich river rivers rob
    robin rock rose ruby sage sharp short sky smart smith south spring star stone street summer sunny swift
    taylor today turner van violet wade walker ward water waters web well wells west white will winter wise wood
    woods young best case day east first home new next search team week
    """.split()  # noqa: SIM905
)

SENTENCES = {
    "copied": "Say “{words}” in words of your own: it is copied from internal notes.",
    "glossary": "Take out “{words}”: it is a word of ours, not for clients.",
    "private": "Take out “{words}”: it is somebody's private detail.",
    "markup": "Write plain words: take out “{words}”.",
    "mixed": "Type “{words}” anew: it mixes letters of two alphabets.",
    "outcome": "Make a claim with evidence of “{words}”, or take it out.",
    "doubtful": "Say what makes it so, or leave “{words}” out.",
}
WHY = {
    "private": "It is somebody's private detail.",
    "markup": "Whoever reads the mail would see the mark itself.",
    "mixed": "Some of its letters are of another alphabet and only look like ours.",
    "outcome": "No claim with evidence says it, and nothing measured does.",
    "doubtful": "Nobody can show it. Say what makes it so.",
}


@dataclass(frozen=True)
class Mark:
    """Words that a client must not read, or that somebody should look at again; why, and where they stand."""

    kind: str
    words: str
    blocking: bool = True
    why: str = ""
    suggestion: str = ""
    start: int = 0
    end: int = 0

    @property
    def sentence(self) -> str:
        if self.suggestion:
            return f"Say “{self.suggestion}” instead of “{self.words}”: {lowered(self.why)}"
        return SENTENCES[self.kind].format(words=self.words)


@dataclass(frozen=True)
class Placed:
    """A mark on words that a client gets to read, with the place where it is mended."""

    mark: Mark
    url: str
    where: str = ""
    # Which row it stands in, where another may have the same name.
    row: str = ""

    @property
    def blocking(self) -> bool:
        return self.mark.blocking

    @property
    def sentence(self) -> str:
        return f"{self.mark.sentence} It stands in {self.where}." if self.where else self.mark.sentence

    @property
    def about(self) -> str:
        """Return what a pass of it is for: these words in this row."""
        return f"{self.row}:{self.sentence}" if self.row else ""


def lowered(sentence) -> str:
    return sentence[:1].lower() + sentence[1:]


def marked(kind, match, why="", **fields) -> Mark:
    return Mark(kind, match.group(), why=why or WHY[kind], start=match.start(), end=match.end(), **fields)


@dataclass(frozen=True)
class Internal:
    """A text that was written for us alone: of which field of which record, and what it is about."""

    record_type: str
    name: str
    about_type: str
    about_id: int
    words: str

    @property
    def what(self) -> str:
        """Say what it is: "Provider caveat". One word alone does not say of what: "Objection: answer"."""
        model = apps.get_model(self.record_type)
        label, kind = model._meta.get_field(self.name).verbose_name, model._meta.verbose_name
        if self.name == "words":
            return kind.capitalize()
        return (label if " " in label else f"{kind}: {label}").capitalize()

    @property
    def key(self) -> str:
        return f"{self.about_type}:{self.about_id}"

    @property
    def url(self) -> str:
        model = apps.get_model(self.about_type)
        return model(pk=self.about_id).staff_url()


# -- What is read. -----------------------------------------------------------------------------------------------------


def check(opportunity, title, words, internal=None, summary=None) -> list[Mark]:
    """Return every mark on a title and the words under it, in the order in which they stand there."""
    return marks_in(opportunity, f"{title}\n{words}", internal, summary=summary)


# Between two places: a word that no internal text has, so that no run of words goes on from one to the other.
APART = "\nzz\n"


def in_places(opportunity, places, *, with_outcomes=False) -> list[tuple]:
    """Return every mark on the words of many places, (place, words), each with its place: all in one reading."""
    if not places:
        return []
    ends, text = [], ""
    for _, words in places:
        text += f"{words}{APART}"
        ends.append(len(text))
    marks = marks_in(opportunity, text, with_outcomes=with_outcomes)
    return [(mark, places[bisect_right(ends, mark.start)][0]) for mark in marks]


def marks_in(opportunity, text, internal=None, *, with_outcomes=True, summary=None) -> list[Mark]:
    """Return every mark on a text for a client, in the order of its words."""
    seen, places = letters.as_seen(text)
    internal = internal_of(opportunity) if internal is None else internal
    backing = promises.Backing(opportunity, summary) if with_outcomes else None
    marks = on_reading(seen, lambda read: [*copies(read, internal), *glossary(read), *outcomes_in(read, backing)])
    read = letters.plain(seen)
    marks += [*private_to_others(read), *superlatives(read), *mixed(seen), *strangers(seen, opportunity.client_id)]
    return sorted(as_written(marks, places), key=lambda mark: (mark.start, -mark.end))


def on_reading(seen, marks_of) -> list[Mark]:
    """Return the marks on a text as it stands, and those that it has only when the words that it parts are whole."""
    marks = marks_of(read := letters.plain(seen))
    whole, places = letters.joined(read, promises.WHOLE)
    if places is None:
        return marks
    known = {(mark.kind, place) for mark in marks for place in range(mark.start, mark.end)}
    others = as_written(marks_of(whole), places)
    return [*marks, *(mark for mark in others if not {(mark.kind, mark.start), (mark.kind, mark.end - 1)} & known)]


def as_written(marks, places) -> list[Mark]:
    """Return marks with the places where their words were written, and what hides among them."""
    if places is None:
        return marks
    return [replace(mark, start=places[mark.start], end=places[mark.end - 1] + 1) for mark in marks]


def blocking(marks) -> list[Mark]:
    """Return the marks that stop the words, each once however often the words stand there."""
    once = {(mark.kind, mark.words.casefold()): mark for mark in reversed(marks) if mark.blocking}
    return sorted(once.values(), key=lambda mark: mark.start)


def read_template(version) -> list[Mark]:
    """Return every mark on the words of a template. It is for no deal yet, so that no claim stands behind it."""
    text, _ = letters.as_seen(f"{version.subject}\n{version.body}")
    marks = on_reading(text, lambda read: [*glossary(read), *outcomes_in(read, promises.Backing())])
    return blocking([*markup(text), *marks, *private_to_others(plain(text)), *mixed(text)])


def read_mail(message) -> list[Mark]:
    """Return every mark on a mail that somebody wrote."""
    text = f"{message.subject}\n{message.body}".replace(message.LINK, "")
    return read_mailed(text, message.client, message.opportunity)


def read_mailed(text, client, deal) -> list[Mark]:
    """Return every mark on words that are mailed. The database is asked only about what could be one."""
    text, _ = letters.as_seen(text)
    asks = deal and (len(words_of(text)) >= RUN or PHONE.search(text))
    internal = internal_of(deal) if asks else []
    backing = promises.Backing(deal)
    marks = on_reading(text, lambda read: [*glossary(read), *copies(read, internal), *outcomes_in(read, backing)])
    sources = [source.words for source in internal if source.record_type not in THEIRS]
    marks += [mark for mark in private(plain(text)) if is_strangers(mark.words, client, sources)]
    return blocking([*markup(text), *marks, *mixed(text)])


# -- Copied from what is internal. -------------------------------------------------------------------------------------


class Place(NamedTuple):
    """Where we write for ourselves: the fields, the way to the deal, and of which record it is read as a part."""

    label: str
    names: tuple
    path: str = "opportunity"
    about: str = ""
    pk: str = "pk"
    only: Q = Q()


DEAL, LEAD = "opportunities.opportunity", "opportunities.lead"
TALKED = Q(channel__in=[Message.Channel.CALL, Message.Channel.MEETING])
OF_US = Q(actor_kind=Event.Actor.USER)
# What somebody said of a task that they did. Of one that a move did ZartsAlgo says it.
DONE = Q(
    Exists(Event.objects.filter(OF_US, record_type="opportunities.task", record_id=OuterRef("pk"), verb="task.finish"))
)

# The texts that we write for ourselves about one deal. A test names every field of words there is, and its kind.
# What somebody gave as a reason, for a decision or a pause, stands in the diary.
INTERNAL = (
    Place(LEAD, ("words",)),
    Place(DEAL, ("close_risk",), "pk"),
    Place("opportunities.discovery", Discovery.PARTS),
    Place("opportunities.answer", ("words",), "discovery__opportunity", "opportunities.discovery", "discovery_id"),
    Place("opportunities.audit", ("raw_notes",)),
    Place("opportunities.evidence", ("raw_note", "provider_caveat"), "audit__opportunity"),
    Place("opportunities.note", ("words",)),
    Place("opportunities.note", ("words",), "lead__opportunity"),
    Place("opportunities.objection", ("words", "answer")),
    Place("opportunities.unwrittenpromise", ("words", "settled_as")),
    Place("opportunities.closing", ("words", "must_change")),
    Place("opportunities.winback", ("changed",)),
    Place("opportunities.task", ("outcome",), only=DONE),
    Place("opportunities.task", ("outcome",), "lead__opportunity", only=DONE),
    Place("opportunities.message", ("subject", "body"), only=TALKED),
    Place("opportunities.event", ("reason",), "diary", DEAL, only=OF_US),
    Place("opportunities.event", ("reason",), "diary__in", DEAL, only=OF_US),
    Place("proposals.proposal", ("paused_because",)),
    Place("proposals.priceline", ("pricing_assumption",), "proposal__opportunity", "proposals.proposal", "proposal_id"),
    Place("handoff.promise", ("settled_as", "shown"), "handoff__opportunity"),
    Place("handoff.outofscope", ("reason",), "handoff__opportunity"),
    Place("handoff.launchblocker", ("words",), "project__opportunity"),
    Place("handoff.connector", ("account", "access_holder", "secret_kept_at"), "project__opportunity"),
    Place("handoff.cadencechange", ("reason",), "cadence__project__opportunity"),
    Place("handoff.report", ("breach_reason", "dropped_because"), "project__opportunity"),
    Place("handoff.reportnote", ("words",), "report__project__opportunity", "handoff.report", "report_id"),
)
ABOUT = {place.about or place.label for place in INTERNAL}
# What the client said to us: their own number may stand in it.
THEIRS = {LEAD, "opportunities.objection"}


def internal_of(opportunity) -> list[Internal]:
    """Return everything about an opportunity that was written for us alone, in one query."""
    sql, params = query_of_internal()
    known = {ANY_DEAL: opportunity.pk, ANY_DIARY: opportunity.diary_id}
    found = []
    with connection.cursor() as cursor:
        cursor.execute(sql, [known.get(param, param) for param in params])
        for number, pk, texts in cursor.fetchall():
            place = INTERNAL[number]
            about = place.about or place.label
            said = zip(place.names, texts, strict=True)
            found += [Internal(place.label, name, about, pk, words) for name, words in said if words.strip()]
    return sorted(found, key=lambda it: (it.about_type, it.about_id))


# They stand for the deal and its diary in the query for every deal.
ANY_DEAL, ANY_DIARY = -1, -2


@cache
def query_of_internal() -> tuple[str, tuple]:
    """Return the query for every place of any deal. To write it takes longer than to ask it, so it is written once."""
    first, *others = map(texts_at, range(len(INTERNAL)))
    return first.union(*others, all=True).query.sql_with_params()


def texts_at(number):
    """Return the query for one place of ours: the place's number, of which record, and the words of each field."""
    place = INTERNAL[number]
    of = {"diary": ANY_DIARY, "diary__in": Lead.objects.filter(opportunity=ANY_DEAL).values("diary")}
    rows = apps.get_model(place.label)._base_manager.filter(**{place.path: of.get(place.path, ANY_DEAL)})
    rows = rows.filter(place.only).exclude(**dict.fromkeys(place.names, "")).order_by()
    words = Func(
        *(Cast(F(name), TextField()) for name in place.names),
        template="array[%(expressions)s]",
        output_field=ArrayField(TextField()),
    )
    pk = Cast(Value(ANY_DEAL) if place.about == DEAL else F(place.pk), BigIntegerField())
    said = rows.annotate(z_place=Value(number, IntegerField()), z_pk=pk, z_words=words)
    return said.values_list("z_place", "z_pk", "z_words")


def copies(text, internal) -> list[Mark]:
    """Return each longest run of words that stands in an internal text too.

    The runs and the seeds of the words are put in sets once. An internal text is then looked at in every fifth place
    only: whichever run of eight words was copied has a seed of four in one of these.
    """
    words = list(WORD.finditer(text))
    plain = [plain_word(word.group()) for word in words]
    wanted = set(runs(plain, RUN))
    if not wanted:
        return []
    seeds, known = set(runs(plain, SEED)), {}
    for source, said in ((each, said) for each in internal for said in readings_of(each.words)):
        last = len(said) - RUN
        for place in range(0, len(said) - SEED + 1, STEP):
            if tuple(said[place : place + SEED]) in seeds:
                for start in range(max(0, place - STEP + 1), min(place, last) + 1):
                    run = tuple(said[start : start + RUN])
                    if run in wanted:
                        known.setdefault(run, source)
    marks, first = [], None
    for place in range(len(plain) - RUN + 2):
        copied = place <= len(plain) - RUN and tuple(plain[place : place + RUN]) in known
        if copied and first is None:
            first = place
        elif not copied and first is not None:
            # The last run that matched began one word earlier.
            start, end = words[first].start(), words[place + RUN - 2].end()
            end = start + len(text[start:end].rstrip("'’"))
            source = known[tuple(plain[first : first + RUN])]
            why = f"It is copied from what we wrote for ourselves: {lowered(source.what)}."
            marks.append(Mark("copied", text[start:end], why=why, start=start, end=end))
            first = None
    return marks


def readings_of(text):
    """Yield the words of a text, and once more with those whole that it parts by a hyphen."""
    yield words_of(text)
    whole, places = letters.joined(text)
    if places is not None:
        yield words_of(whole)


def runs(words, length):
    return (tuple(words[place : place + length]) for place in range(len(words) - length + 1))


# -- Words of ours. ----------------------------------------------------------------------------------------------------


def glossary(text) -> list[Mark]:
    return [
        marked("glossary", match, term.why, blocking=term.blocking, suggestion=words_of_ours.instead(term, match))
        for term, match in words_of_ours.found_in(text)
    ]


def markup(text) -> list[Mark]:
    """Return the marks of HTML in the words of a mail. In every other field for clients the field refuses them."""
    return [marked("markup", match) for match in MARK_UP.finditer(text)]


# -- Private details. --------------------------------------------------------------------------------------------------


def private(text) -> list[Mark]:
    # A day is no number of a phone, and stands where it stood.
    numbers = PHONE.finditer(DATE.sub(lambda day: " " * len(day.group()), text))
    return [marked("private", match) for match in (*MAIL.finditer(text), *numbers)]


def private_to_others(text) -> list[Mark]:
    """Return the private details that are not our own."""
    return [mark for mark in private(text) if not is_ours(mark.words)]


def is_ours(words) -> bool:
    """Whether a mail address is one of ours."""
    house = settings.AGENCY_EMAIL.rpartition("@")[2].casefold()
    domain = words.strip(".").rpartition("@")[2].casefold()
    return "@" in words and (domain == house or User.objects.filter(email__iexact=words.strip(".")).exists())


def is_strangers(words, client, sources) -> bool:
    """Whether a private detail is of somebody who is neither the client's nor ours.

    A mail address is, unless it is known as theirs. A number is, when it is known as somebody else's, or stands in what
    was written for us alone: nobody writes down our own numbers.
    """
    people = Contact.objects.filter(client=client)
    if "@" in words:
        address = words.strip(".")
        theirs = people.filter(email__iexact=address).exists()
        return not (theirs or is_ours(address))
    digits = re.sub(r"\D", "", words)
    if any(re.sub(r"\D", "", phone).endswith(digits[-8:]) for phone in people.values_list("phone", flat=True) if phone):
        return False
    inside = any(digits in re.sub(r"\D", "", match.group()) for text in sources for match in PHONE.finditer(text))
    others = Contact.objects.exclude(client=client).exclude(phone_key="")
    return inside or others.filter(phone_key=key_of("phone_key", Value(words))).exists()


def strangers(text, client_id) -> list[Mark]:
    """Return the names of people who are another client's. A name that may be a common word only warns."""
    places = names_in(text)
    if not places:
        return []
    known: dict = {}
    for name, client in Contact.objects.filter(name__in=list(places)).values_list("name", "client_id").distinct():
        known.setdefault(name, set()).add(client)
    found = [name for name, clients in known.items() if client_id not in clients]
    if not found:
        return []
    ours = {str(user) for user in User.objects.filter(first_name__in=[name.split()[0] for name in found])}
    marks = []
    for name in found:
        if name in ours:
            continue
        parts = name.casefold().split()
        sure = len(parts) > 1 and not all(part in COMMON for part in parts)
        why = "Somebody at another client has this name." + ("" if sure else " It may be a word, too: read it again.")
        marks += [Mark("private", name, sure, why, start=start, end=start + len(name)) for start in places[name]]
    return marks


def names_in(text) -> dict:
    """Return what may be a name, up to three words with a capital side by side, and where each stands."""
    words = [word for word in CAPITAL.finditer(text) if word.group()[0].isupper()]
    places: dict = {}
    for first in range(len(words)):
        for last in range(first, min(first + NAME_WORDS, len(words))):
            if last > first and text[words[last - 1].end() : words[last].start()] != " ":
                break
            places.setdefault(text[words[first].start() : words[last].end()], []).append(words[first].start())
    return places


# -- Outcomes that nothing proves. -------------------------------------------------------------------------------------


def outcomes(text, backing) -> list[Mark]:
    """Return the promises of an outcome that nothing backs, each once however often the text says it."""
    seen, _ = letters.as_seen(text)
    found = on_reading(seen, lambda read: outcomes_in(read, backing))
    return list({mark.words: mark for mark in reversed(found)}.values())[::-1]


def outcomes_in(text, backing) -> list[Mark]:
    """Return the promises of an outcome in a text that no claim in force makes and nothing measured says."""
    if backing is None:
        return []
    return [
        Mark("outcome", promise.words, why=WHY["outcome"], start=promise.start, end=promise.end)
        for promise in promises.promises_in(text)
        if not backing.excuses(promise)
    ]


def mixed(text) -> list[Mark]:
    """Return the marks on words that only look like what they seem to say."""
    return [marked("mixed", word) for word in letters.mixed(text)]


def superlatives(text) -> list[Mark]:
    return [marked("doubtful", match, blocking=False) for match in SUPERLATIVE.finditer(text)]


# -- Mending. ----------------------------------------------------------------------------------------------------------


def in_field(mark, title) -> tuple[str, int, int]:
    """Return in which field a mark stands, and from where to where in it. One across both is shown in the words."""
    before = len(title) + 1
    if mark.end < before:
        return "title", mark.start, mark.end
    return "words", max(0, mark.start - before), mark.end - before


def pieces(words, name, marks, title) -> list:
    """Return a field's words as pieces, each plain or with the mark that it bears: (words, mark or None)."""
    found, at = [], 0
    for mark in marks:
        field, start, end = in_field(mark, title)
        if field == name and start >= at:
            found += [(words[at:start], None), (words[start:end], mark)]
            at = end
    return [piece for piece in [*found, (words[at:], None)] if piece[0]]
