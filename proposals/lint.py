"""The client-safe boundary: marks on words that a client must not read, each with what to do."""

import re
from bisect import bisect_right
from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation
from functools import cache
from typing import NamedTuple

from django.apps import apps
from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import connection
from django.db.models import BigIntegerField, Exists, F, Func, IntegerField, OuterRef, Q, TextField, Value
from django.db.models.functions import Cast

from opportunities.alike import key_of
from opportunities.models import Contact, Discovery, Event, Evidence, Lead, Message, User
from opportunities.words import MARK_UP

from . import glossary as words_of_ours

# This many words in a row, the same as in an internal text, are a copy.
RUN = 8
# Every run has a seed of this many words at one of these places, wherever it begins.
SEED = RUN // 2
STEP = RUN - SEED + 1
MAIL = re.compile(r"[\w.+-]+@[\w-]+\.[\w.-]+")
PHONE = re.compile(r"(?<![\w.])(?:\((?=\+?\d+\)))?\+?\d(?:[\s()./-]*\d){7,}(?![\w])")
DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
# What doubles something and promises nothing: a double check, a double room.
NO_OUTCOME = r"(?![ -](?:check|click|opt|room|book|glaz|entr|page)\w*)"
ONES = ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
TEENS = ["ten", "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"]
TENS = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
VALUES = {word: value for value, word in enumerate([*ONES, *TEENS], 1)}
VALUES |= {word: 10 * value for value, word in enumerate(TENS, 2)}
# One to a hundred in words, "twenty-five" and "twenty five" alike.
IN_WORDS = (
    rf"(?:(?:{'|'.join(TENS)})(?:[\s\u2010\u2011-]+(?:{'|'.join(ONES)}))?"
    rf"|{'|'.join(TEENS)}|{'|'.join(ONES)}|(?:(?:a|one)\s)?hundred)"
)
# Looked at first: with these letters a number begins, and most words do not.
BEGINS = r"(?=\d|t[ehw]|f[io]|s[ei]|e[il]|ni|on|hu|a\s)"
HOW_MANY = rf"{BEGINS}(?:\d+(?:[.,]\d+)?|{IN_WORDS})(?:\sand\sa\shalf)?"
PART = r"(?:half|(?:an?|one|two|three|four)[\s-](?:half|thirds?|quarters?|fifths?|sixths?|eighths?|tenths?))"
NEARLY = r"(?:(?:about|around|roughly|nearly|almost|over|up\sto|at\sleast|more\sthan)\s)?"
# By half, and not by half past nine, by a third party or by half of them.
NO_PART = r"(?![\s-](?:past|to|an?|of|term|part(?:y|ies)|persons?|days?|hours?|way)\b)"
COMPARED = (
    r"(?:more|less|fewer|faster|slower|quicker|sooner|higher|lower|larger|bigger|smaller|better|cheaper|shorter|longer"
    r"|(?:again\s)?as\s(?:many|much|long|fast|often|large|high))"
)
GUARANTEES = r"(?=guarante)(?<!\bno )(?<!\bnot a )(?<!\bwithout )guarante\w*"
# Each is looked for where a word begins.
PROMISES = (
    rf"(?:doubl|tripl|quadrupl)\w*+{NO_OUTCOME}|{GUARANTEES}"
    r"|halv\w+|(?:twice|thrice)\s(?:as\s\w+|the\b|your\b|what\b)"
    rf"|(?!one\b){BEGINS}(?:{IN_WORDS}|\d+)[\s-]?fold\b"
    rf"|{HOW_MANY}\stimes\b(?!\s(?:a|an|per|each|every|on|in|we|you|they|before|until|since|during|when|last|this)\b)"
)
AMOUNTS = (
    r"\d+(?:\.\d+)?\s?[x×](?!\w|\s*\d)"
    rf"|{HOW_MANY}[\s\u2010\u2011-]{{0,2}}(?:[%٪％]|per\s?cent\b|percentage\spoints?\b)|half\sa\sper\s?cent\b"
    rf"|by\s{NEARLY}{PART}\b{NO_PART}|{PART}\s{COMPARED}\b|(?:in|at|for)\shalf\sthe\s(?:time|cost|price)\b"
)
# Words that make of a number that was measured one that is to come, or a change that nobody measured.
TO_COME = re.compile(
    r"\b(?:will|shall|expect\w*|promis\w*|going\sto|aim\w*|target\w*|achiev\w*|soon|next\s(?:week|month|quarter|year|season)"
    r"|(?:you|we)\s(?:get|gain|win|save|reach|see))\b|\b\w+['’]ll\b",
    re.IGNORECASE,
)
CHANGES_AFTER = re.compile(
    rf"\s+(?:(?:in|of|as|an?)\s+)?(?:{COMPARED}|extra|additional|increase|growth|rise|uplift|improvement|up)\b",
    re.IGNORECASE,
)
CHANGES_BEFORE = re.compile(
    r"\b(?:by|up|plus|(?:increas|grow|ris|gain|improv|rais|boost|add)\w*(?:\s(?:of|to))?|another|extra)\s+(?:\w+\s+)?$",
    re.IGNORECASE,
)
GUARANTEE, PROMISE, AMOUNT, OUTCOME = (
    re.compile(rf"\b(?:{words})", re.IGNORECASE) for words in (GUARANTEES, PROMISES, AMOUNTS, f"{PROMISES}|{AMOUNTS}")
)
SUPERLATIVE = re.compile(
    r"\bthe (?:very )?(?:best|fastest|cheapest|greatest|most successful|leading)\b"
    r"|\bworld[- ]class\b|\bnumber one\b|(?<!\w)#1\b|\bunrivall?ed\b|\bunbeatable\b|\brisk[- ]free\b",
    re.IGNORECASE,
)
# What nobody sees between two letters: a soft hyphen, what is of no width, what turns the letters around it.
HIDDEN = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff"
    "\ufff9-\ufffb\U000e0000-\U000e007f]"
)
# A word as it is read: an apostrophe or an accent in it parts nothing.
JOINED = "'’\u0300-\u036f"
WORD = re.compile(rf"[^\W_](?:[^\W_]|[{JOINED}])*")


class Gaps(dict):
    """What stands between words becomes a gap, letter by letter: many times as quick as to look for the words."""

    def __missing__(self, code):
        letter = chr(code)
        joins = letter in "'’" or 0x300 <= code <= 0x36F or HIDDEN.match(letter)
        self[code] = None if joins else code if letter.isalnum() else " "
        return self[code]


GAPS = Gaps()
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
    "outcome": "Make a claim with evidence of “{words}”, or take it out.",
    "doubtful": "Say what makes it so, or leave “{words}” out.",
}
WHY = {
    "private": "It is somebody's private detail.",
    "markup": "Whoever reads the mail would see the mark itself.",
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

    @property
    def blocking(self) -> bool:
        return self.mark.blocking

    @property
    def sentence(self) -> str:
        return f"{self.mark.sentence} It stands in {self.where}." if self.where else self.mark.sentence


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


def read(summary) -> list[Mark]:
    """Return every mark on a summary's words, those that warn among them."""
    return check(summary.opportunity, summary.title, summary.words)


def check(opportunity, title, words, internal=None) -> list[Mark]:
    """Return every mark on a title and the words under it, in the order in which they stand there."""
    return marks_in(opportunity, f"{title}\n{words}", internal)


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


def marks_in(opportunity, text, internal=None, *, with_outcomes=True) -> list[Mark]:
    """Return every mark on a text for a client, in the order of its words."""
    text, places = as_seen(text)
    internal = internal_of(opportunity) if internal is None else internal
    marks = [*copies(text, internal), *glossary(text), *private_to_others(text), *superlatives(text)]
    if with_outcomes and (matches := list(OUTCOME.finditer(text))):
        marks += unsupported(matches, claims_of(opportunity, matches), measured(opportunity))
    marks += strangers(text, opportunity.client_id)
    return sorted(as_written(marks, places), key=lambda mark: (mark.start, -mark.end))


def plain(text) -> str:
    """Return a text as it is seen: without what hides in it."""
    return HIDDEN.sub("", text)


def as_seen(text) -> tuple[str, list | None]:
    """Return a text without what hides in it, and where each letter of it was written; None where nothing hides."""
    if not HIDDEN.search(text):
        return text, None
    places = [place for place, letter in enumerate(text) if not HIDDEN.match(letter)]
    return "".join(text[place] for place in places), places


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
    text = plain(f"{version.subject}\n{version.body}")
    return blocking([*markup(text), *glossary(text), *private_to_others(text), *outcomes([text], [])])


def read_mail(message) -> list[Mark]:
    """Return every mark on a mail that somebody wrote."""
    text = f"{message.subject}\n{message.body}".replace(message.LINK, "")
    return read_mailed(text, message.client, message.opportunity)


def read_mailed(text, client, deal) -> list[Mark]:
    """Return every mark on words that are mailed. The database is asked only about what could be one."""
    text = plain(text)
    marks = [*markup(text), *glossary(text)]
    asks = deal and (len(words_of(text)) >= RUN or PHONE.search(text))
    internal = internal_of(deal) if asks else []
    marks += copies(text, internal)
    sources = [source.words for source in internal if source.record_type not in THEIRS]
    marks += [mark for mark in private(text) if is_strangers(mark.words, client, sources)]
    if OUTCOME.search(text):
        marks += outcomes([text], supported_claims(deal) if deal else [], measured(deal) if deal else None)
    return blocking(marks)


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
    Place("handoff.report", ("breach_reason",), "project__opportunity"),
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
    for source in internal:
        said = words_of(source.words)
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


def runs(words, length):
    return (tuple(words[place : place + length]) for place in range(len(words) - length + 1))


def words_of(text) -> list[str]:
    return text.casefold().translate(GAPS).split()


def plain_word(word) -> str:
    return word.casefold().translate(GAPS)


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


def outcomes(texts, claims, numbers=None) -> list[Mark]:
    """Return the promises of an outcome that no supported claim makes and nothing measured says, each once."""
    found = (match for text in texts for match in OUTCOME.finditer(plain(text)))
    return list({mark.words: mark for mark in reversed(unsupported(found, claims, numbers or {}))}.values())[::-1]


def unsupported(matches, claims, numbers) -> list[Mark]:
    claims = list(claims)
    return [
        marked("outcome", match)
        for match in matches
        if not says_what_was_measured(match, numbers) and not any(says(claim, match.group()) for claim in claims)
    ]


def says_what_was_measured(match, numbers) -> bool:
    """Whether words with a number say what was measured and no more.

    A number that stands with a change, with what is to come, or with what another number was measured of says
    something else, which nobody measured.
    """
    own = numbers.get(number_in(match.group()))
    if own is None or PROMISE.match(match.group()):
        return False
    before, after = around(match, r"[.!?;](?=\s)|\n")
    if TO_COME.search(f"{before}{match.group()}{after}"):
        return False
    if CHANGES_AFTER.match(after) or CHANGES_BEFORE.search(before):
        return False
    before, after = around(match, r"[.!?;,:](?=\s)|\n")
    near = told_of(f"{before} {after}")
    others = {word for told in numbers.values() if told is not own for word in told}
    return bool(near & own) or not near & others


def around(match, ends) -> tuple[str, str]:
    """Return what stands before and after a match, up to where its sentence, or its part of one, ends."""
    before, after = match.string[: match.start()], match.string[match.end() :]
    return re.split(ends, before)[-1], re.split(ends, after, maxsplit=1)[0]


def told_of(text) -> set:
    """Return the words of a text by which a metric is known, each as if it were one thing."""
    return {word.rstrip("s") for word in words_of(text) if len(word) > 3}


def says(claim, words) -> bool:
    """Whether a claim says these words, or their number."""
    number = number_in(words)
    if number is not None and number in (claim.low, claim.high):
        return True
    return bool(re.search(rf"(?<!\w){re.escape(words.casefold())}(?!\w)", claim.text.casefold()))


def number_in(words):
    """Return the number that words begin with, in digits or in words, or None."""
    if spelled := re.match(rf"{IN_WORDS}\b", words, re.IGNORECASE):
        parts = re.split(r"[^a-z]+", spelled.group().lower())
        return Decimal(100) if "hundred" in parts else Decimal(sum(VALUES[part] for part in parts))
    match = re.match(r"\d+(?:[.,]\d+)?", words)
    try:
        return Decimal(match.group().replace(",", ".")) if match else None
    except InvalidOperation:
        return None


def claims_of(opportunity, matches) -> list:
    """Return the supported claims that say any of these. Of the others nobody has to know whether they stand."""
    from .models import Claim

    words = {match.group() for match in matches}
    rows = Claim.objects.filter(proposal__opportunity=opportunity)
    return [claim for claim in rows if any(says(claim, each) for each in words) and not claim.unsupported_because()]


def supported_claims(opportunity) -> list:
    return [claim for proposal in opportunity.proposals.all() for claim in proposal.supported_claims()]


def measured(opportunity) -> dict[Decimal, set]:
    """Return the numbers of the evidence that counts, each with the words of what was measured.

    Saying what was measured promises nothing.
    """
    counts = Evidence.objects.current().filter(audit__opportunity=opportunity, audit__stage="verified")
    found: dict = {}
    for value, metric in counts.values_list("value", "metric"):
        found.setdefault(value, set()).update(told_of(metric))
    return found


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
