"""What in words for clients promises an outcome, and what excuses it: a claim in force, or what was measured."""

import re
from dataclasses import dataclass, field, replace
from decimal import Decimal
from functools import cached_property

from opportunities.models import Evidence

from . import letters

# -- Numbers, in digits and in words. ----------------------------------------------------------------------------------

ONES = ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
TEENS = ["ten", "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"]
TENS = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
VALUES = {word: value for value, word in enumerate([*ONES, *TEENS], 1)}
VALUES |= {word: 10 * value for value, word in enumerate(TENS, 2)}
MANY = {"dozen": 12, "hundred": 100, "thousand": 1000, "million": 1_000_000, "billion": 1_000_000_000}
SMALL = rf"(?:(?:{'|'.join(TENS)})(?:[\s\u2010\u2011-]+(?:{'|'.join(ONES)}))?|{'|'.join(TEENS)}|{'|'.join(ONES)})"
LARGE = rf"(?:{'|'.join(MANY)})s?"
# "Twenty-five" and "twenty five" alike, "a hundred", "two hundred and fifty thousand".
IN_WORDS = (
    rf"(?:(?:(?:{SMALL}|an?)[\s-])?{LARGE}\b(?:[\s-](?:and\s)?(?:{SMALL}\b(?:\s{LARGE}\b)?|{LARGE}\b)){{0,4}}|{SMALL})"
)
# No number is longer: a text of nothing but digits must not be read over and over.
DIGITS = r"\d{1,30}(?:[.,]\d{1,9}){0,6}"
# Looked at first: with these letters a number begins, and most words do not.
BEGINS = r"(?=\d|t[ehw]|f[io]|s[ei]|e[il]|ni|on|hu|do|[mb]i|an?\s)"
NUMBER = rf"{BEGINS}(?:{DIGITS}|{IN_WORDS})"
NEARLY = r"(?:(?:about|around|roughly|nearly|almost|over|up\sto|at\sleast|more\sthan|only|just)\s)?"
HOW_MANY = rf"{NUMBER}(?:\sand\sa\shalf)?"
# "20 to 40" of something is one amount.
SPAN = rf"{NUMBER}\s?(?:to|or|-|\u2013|\u2014)\s?"
THOUSANDS = re.compile(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?")
COUNTED = re.compile(rf"(?<![\w.,]){DIGITS}|[x×](?P<times>{DIGITS})|\b{BEGINS}{IN_WORDS}", re.IGNORECASE)


def number_of(words) -> Decimal:
    """Return the number that is said in digits or in words."""
    if words[:1].isdigit():
        if THOUSANDS.fullmatch(words):
            return Decimal(words.replace(",", ""))
        whole, *rest = re.split(r"[.,]", words)
        return Decimal(f"{whole}.{rest[0]}" if len(rest) == 1 else whole + "".join(rest))
    total = of_these = 0
    for word in re.findall(r"[a-z]+", words.lower()):
        if (large := MANY.get(word.removesuffix("s"))) is None:
            of_these += VALUES.get(word, 0)
        elif large < 1000:
            of_these = (of_these or 1) * large
        else:
            total, of_these = total + (of_these or 1) * large, 0
    return Decimal(total + of_these)


def numbers_in(words) -> list[Decimal]:
    return [number_of(match["times"] or match.group()) for match in COUNTED.finditer(words)]


# -- Units. ------------------------------------------------------------------------------------------------------------

PERCENT = r"(?:[%٪]|per[\s-]?cents?\b|pct\b|p\.\s?c\.|percentage\spoints?\b)"
MONEY = {
    "USD": r"\$|usd\b|dollars?\b",
    "EUR": r"€|eur\b|euros?\b",
    "GBP": r"£|gbp\b|pounds?\b",
    "JPY": r"¥|jpy\b|yen\b",
}
MONEY |= {"CHF": r"chf\b|francs?\b"}
TIMES = {
    "ms": r"ms\b|milliseconds?\b",
    "s": r"s\b|secs?\b|seconds?\b",
    "minute": r"mins?\b|minutes?\b",
    "hour": r"h\b|hours?\b",
    "day": r"days?\b",
    "week": r"weeks?\b",
    "month": r"months?\b",
    "year": r"years?\b",
}
UNITS = {"%": PERCENT, **MONEY, "x": r"[x×](?![a-z])|times\b|fold\b", **TIMES}
UNIT = {name: re.compile(rf"[\s\u2010\u2011\u2013\u2014-]*(?:{said})", re.IGNORECASE) for name, said in UNITS.items()}
FACTOR = re.compile(r"factor\sof|(?<![a-z])[x×]\d", re.IGNORECASE)


def unit_of(words) -> str:
    """Return the unit with which words begin, as one name for each; "" of what is only counted."""
    return next((name for name, said in UNIT.items() if said.match(words)), "")


# -- What promises. ----------------------------------------------------------------------------------------------------

# What doubles something and promises nothing: a double check, a double room.
NO_OUTCOME = r"(?![ -](?:check|click|opt|room|book|glaz|entr|page)\w*)"
PART = (
    r"(?:half|\d\u2044\d+"
    r"|(?:an?|one|two|three|four)[\s-](?:half|thirds?|quarters?|fifths?|sixths?|eighths?|tenths?))"
)
# By half, and not by half past nine, by a third party or by half of them.
NO_PART = r"(?![\s-](?:past|to|an?|of|term|part(?:y|ies)|persons?|days?|hours?|way)\b)"
COMPARED = (
    r"(?:more|less|fewer|faster|slower|quicker|sooner|higher|lower|larger|bigger|smaller|better|cheaper|shorter|longer"
    r"|(?:again\s)?as\s(?:many|much|long|fast|often|large|high))"
)
GUARANTEES = r"(?=guarante)(?<!\bno )(?<!\bnot a )(?<!\bwithout )guarante\w*"
AT_THE_TOP = r"(?:first|top|#1|number\s(?:one|1)|at\sthe\stop)"
# Each is looked for where a word begins.
PROMISES = (
    rf"(?:doubl|tripl|quadrupl)\w*+{NO_OUTCOME}|{GUARANTEES}"
    r"|halv(?:e|es|ed|ing)\b|(?:twice|thrice)\s(?:as\s\w+|the\b|your\b|what\b)"
    rf"|(?!one\b){BEGINS}(?:{IN_WORDS}|\d+)[\s-]?fold\b"
    rf"|{HOW_MANY}[\s-]times\b(?!\s(?:a|an|per|each|every|on|in|we|you|they|before|until|since|during|when|last|this)\b)"
    r"|(?=m)(?:money[\s-]back\b|multiplies\s(?:your|the)\b)|your\smoney\sback\b|full\srefund\b"
    r"|you\spay\snothing\s(?:if|unless|until)\b|or\syou\spay\snothing\b|no\s(?:win|cure|results?),?\sno\s(?:fee|pay)\b"
    r"|we\s(?:(?:can|do)\s)?(?:promise|assure|warrant)\b(?!\s(?:no|nothing|anything|neither|to)\b)"
    r"|ensures?\s(?:\w+\s)?(?:results?|success|growth)\b"
    rf"|(?:will|can|may)\s(?:\w+\s)?(?:multiply\b|rank\s(?:\w+\s)?{AT_THE_TOP})"
    rf"|(?:be|become)\s{AT_THE_TOP}\s(?:on|in)\s(?:google|search)\b"
    r"|(?:\d|four|five|six|seven|eight)[\s-]figures?\b"
)
AMOUNTS = (
    r"\d+(?:[.,]\d+)?\s?[x×](?!\w|\s*\d)"
    rf"|(?:{SPAN})?{HOW_MANY}[\s\u2010\u2011\u2013\u2014-]{{0,2}}{PERCENT}|half\sa\sper\s?cent\b"
    rf"|by\s{NEARLY}{PART}\b{NO_PART}|{PART}\s{COMPARED}\b|(?:in|at|for)\shalf\sthe\s(?:time|cost|price)\b"
    rf"|factor\sof\s{NEARLY}{NUMBER}|up\s{PART}\b{NO_PART}"
)
# Not "1920 x 1080", and not the names of machines.
BY_SIGN = r"(?<![\w×&])(?<!\d\s)(?<!#)[x×](?!(?:11|32|64|86)\b)\d+(?:[.,]\d+)*(?!\w)"
GUARANTEE, PROMISE, AMOUNT, OUTCOME = (
    re.compile(words, re.IGNORECASE)
    for words in (
        *(rf"\b(?:{GUARANTEES})", rf"\b(?:{PROMISES})"),
        *(rf"\b(?:{AMOUNTS})|{BY_SIGN}", rf"\b(?:{PROMISES}|{AMOUNTS})|{BY_SIGN}"),
    )
)
# A word that is an outcome by itself: no hyphen after it is one that parts a word.
WHOLE = re.compile(r"(?:doubl|tripl|quadrupl)", re.IGNORECASE)
# What the same outcome is called in other forms of its word.
STEM = re.compile(r"doubl|tripl|quadrupl|guarant|twice|thrice", re.IGNORECASE)

# -- What promises by the words around a number. -----------------------------------------------------------------------

# A number, with a sign of money before or after it; not one that is a part of something else.
QUANTITY = re.compile(
    rf"(?<![\w.,/#])(?:(?:us)?[$€£¥]\s?|\b(?:usd|eur|gbp|chf|jpy)\s?)?\b(?:{SPAN})?{NUMBER}(?:\s?(?:k|m|bn))?\b(?![/\u2044])"
    rf"(?:\s?(?:[€£$¥]|(?:usd|eur|gbp|chf|jpy|euros?|dollars?|pounds?|francs?|yen)\b))?",
    re.IGNORECASE,
)
# What a client wins or loses.
WINS = (
    r"(?:bookings?|reservations?|appointments?|patients?|customers?|clients?|guests?|members?|call(?:er)?s?|visitors?|visits?"
    r"|leads?|sales?|orders?|(?:en|in)quir(?:y|ies)|follower?s?|subscribers?|sign-?ups?|tenants?|students?|pupils?|buyers?"
    r"|shoppers?|downloads?|clicks?|conversions?|jobs?|no-shows?|revenue|turnover|income|profits?)"
)
MORE = r"(?:more|extra|additional|further|new|fewer|less)"
# Two more calls with us are a part of the work.
MORE_OF = re.compile(rf"\s(?:of\s)?{MORE}\s(?:[\w-]+\s){{0,2}}?{WINS}\b(?!\s(?:with|between|by\sus)\b)", re.IGNORECASE)
ANOTHER = re.compile(r"\b(?:another|extra|additional)\s$", re.IGNORECASE)
OF_THEM = re.compile(rf"\s(?:[\w-]+\s)?{WINS}\b(?!\s(?:with|between|by\sus)\b)", re.IGNORECASE)
MOVES = re.compile(
    rf"\b{WINS}\s(?:[\w-]+\s){{0,3}}?(?:ris|rose|grow|grew|increas|climb|jump|improv|go|fall|drop|sink|shrink)\w*\s"
    rf"(?:\w+\s)?(?:by|from|to)\s{NEARLY}(?:{NUMBER}\s(?:to|and)\s)?$",
    re.IGNORECASE,
)
EARNS = re.compile(
    r"\b(?:earn\w*|revenues?|extra|(?<!or\s)more(?!\sthan)|sav(?:e|es|ed|ing|ings)|returns?|profit\w*|gain\w*|turnover|income|additional|wins?"
    r"|grow\w*|increas\w*)\b|\b(?:of|in)\s(?:\w+\s)?sales\b",
    re.IGNORECASE,
)
# What is paid is no promise; neither is what something is or comes for, unless it says "more".
PAID = re.compile(
    r"\b(?:cost\w*|pay\w*(?!\s(?:you|back)\b)|prices?d?|fees?|charg\w+|invoic\w+|budgets?|spen[dt]\w*|rates?|deposit)\s"
    r"(?:(?!you\b|back\b)\w+\s){0,3}$",
    re.IGNORECASE,
)
FOR_IT = re.compile(rf"\b(?:for|at|from|with)\s{NEARLY}$", re.IGNORECASE)
IT_IS = re.compile(rf"\b(?:is|are|be)\s{NEARLY}$", re.IGNORECASE)
EARNED = re.compile(
    rf"\b(?:earn|sav|gain|win|mak|bring|return|profit)\w*\s(?:you\s|them\s)?(?:of\s)?{NEARLY}$", re.IGNORECASE
)
SPANS = re.compile(r"[\s-]?(?:hours?|days?|weeks?|months?)\b", re.IGNORECASE)
WITHIN = re.compile(
    rf"\b(?:within|in|after|inside)\s(?:(?:the|your)\sfirst\s|as\slittle\sas\s)?{NEARLY}$", re.IGNORECASE
)
COMES = re.compile(
    r"(?<!the\s)(?<!of\s)\bresults?\s(?:are\s|come\s|show\s|appear\s)?(?:within|in|after|inside)\s\D{0,20}$",
    re.IGNORECASE,
)
YOU_WILL = re.compile(
    r",?\s(?:from\s\w+\s)?you(?:\swill|['’]ll)\s(?!(?:get|receive|have|hear|find|need)\b)", re.IGNORECASE
)
RESULTS = re.compile(
    r"\byou(?:\swill|['’]ll)?\s(?:\w+\s)?(?:gain|win|earn|rank|sell|attract)\b"
    r"|\b(?:see|notice|feel)\s(?:\w+\s){0,2}(?:results?|effects?|difference|growth|improvements?|success|returns?)\b"
    rf"|\bpays?\s(?:for\s)?itself\b|\bpays?\sback\b|\bbreaks?\seven\b|\bbooked\s(?:out|up)\b|\bmore\s(?:\w+\s)?{WINS}\b",
    re.IGNORECASE,
)
SPEED = re.compile(r"\b(?:load|open|show|appear|answer)\w*\b", re.IGNORECASE)
IN_SECONDS = re.compile(r"[\s-]?(?:s|secs?|seconds?|ms|milliseconds?)\b", re.IGNORECASE)
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
PROMISED = re.compile(r"\bpromised\b", re.IGNORECASE)
UP = re.compile(
    r"\b(?:more|extra|additional|higher|up|plus|r(?:ise|ises|ising|ose|isen)|gr[eo]w\w*|increas\w+|gain\w*|climb\w*|jump\w*)\b",
    re.IGNORECASE,
)
DOWN = re.compile(
    r"\b(?:less|fewer|lower|down|minus|f(?:all|alls|alling|ell|allen)|dr[ou]p\w*|decreas\w+|s[aiu]nk\w*|shr[aiu]nk\w*|los[ts]\w*)\b",
    re.IGNORECASE,
)
CHANGES_BEFORE = re.compile(
    r"\b(?:by|up|plus|(?:increas|grow|ris|gain|improv|rais|boost|add)\w*(?:\s(?:of|to))?|another|extra)\s+(?:\w+\s+)?$",
    re.IGNORECASE,
)


ENDS = re.compile(r"[.!?;](?=\s)|\n")
# No sentence is longer, so that a long text without an end is not read again for each of its numbers.
SENTENCE = 600


@dataclass(frozen=True)
class Promise:
    """Words that promise an outcome: which numbers in which unit, or which outcome, and the sentence around them."""

    words: str
    start: int
    end: int
    numbers: tuple = ()
    unit: str = ""
    before: str = ""
    after: str = ""
    # Whether the words promise wherever they stand, as "double" does.
    of_itself: bool = False

    @property
    def outcome(self) -> str:
        """Return what names the outcome, in whichever form its word stands."""
        stem = STEM.match(self.words)
        return stem.group().casefold() if stem else " ".join(letters.words_of(self.words))

    @cached_property
    def about(self) -> set:
        return told_of(f"{self.before} {self.words} {self.after}")


def promises_in(text) -> list[Promise]:
    """Return what promises an outcome in a text as it is read, in the order of its words."""
    sure = list(OUTCOME.finditer(text))
    taken = {place for match in sure for place in range(*match.span())}
    found = [outcome_of(match) for match in sure]
    for match in QUANTITY.finditer(text):
        if match.start() not in taken and match.end() - 1 not in taken and (promise := amount_of(match)):
            found.append(promise)
    return sorted(found, key=lambda promise: promise.start)


def outcome_of(match) -> Promise:
    """Return the promise that words make wherever they stand."""
    words, (before, after) = match.group(), around(match.string, *match.span())
    counted = [] if re.match(rf"(?:\w+\s)*?{PART}", words, re.IGNORECASE) else list(COUNTED.finditer(words))
    unit = "x" if FACTOR.match(words) else unit_of(words[counted[-1].end() :]) if counted else ""
    numbers = tuple(numbers_in(words)) if unit else ()
    of_itself = PROMISE.match(words) is not None
    return Promise(words, match.start(), match.end(), numbers, unit, before, after, of_itself)


def amount_of(match) -> Promise | None:
    """Return the promise that a number makes by the words around it, or nothing."""
    text, start, end = match.string, match.start(), match.end()
    before, after = around(text, start, end)
    unit, numbers = money_in(match.group()), tuple(sum_of(match.group()))
    if unit:
        promised = promises_money(before, after)
    elif more := MORE_OF.match(after) or (OF_THEM.match(after) if ANOTHER.search(before) else None):
        end, promised = end + more.end(), numbers != (1,)
    elif spans := SPANS.match(after):
        unit, promised = unit_of(after), promises_by_then(before, after, spans.end())
        end += spans.end()
    elif soon := IN_SECONDS.match(after):
        unit, promised = unit_of(after), bool(TO_COME.search(before + after) and SPEED.search(before + after))
        end += soon.end()
    else:
        promised = bool(MOVES.search(before))
    before, after = around(text, start, end)
    return Promise(text[start:end], start, end, numbers, unit, before, after) if promised else None


def money_in(words) -> str:
    """Return the currency of words that name a sum of money, or nothing."""
    return next((name for name, said in MONEY.items() if re.search(rf"(?<![a-z])(?:{said})", words, re.IGNORECASE)), "")


def sum_of(words) -> list[Decimal]:
    """Return the numbers of a quantity, without its signs of money: $50k are fifty thousand."""
    scale = re.search(r"\d\s?(k|m|bn)\b", words, re.IGNORECASE)
    times = {"k": 1000, "m": 1_000_000, "bn": 1_000_000_000}[scale[1].lower()] if scale else 1
    return [number * times for number in numbers_in(words)]


def promises_money(before, after) -> bool:
    if not EARNS.search(f"{before} {after}") or PAID.search(before) or FOR_IT.search(before):
        return False
    return not IT_IS.search(before) or CHANGES_AFTER.match(after) is not None


def promises_by_then(before, after, end) -> bool:
    """Whether a time is one by which a result is to be there."""
    if not WITHIN.search(before):
        return False
    return bool(COMES.search(before) or YOU_WILL.match(after, end) or RESULTS.search(f"{before} {after}"))


def around(text, start, end) -> tuple[str, str]:
    """Return what stands before and after words, up to where their sentence ends."""
    before, after = text[max(0, start - SENTENCE) : start], text[end : end + SENTENCE]
    return ENDS.split(before)[-1], ENDS.split(after, maxsplit=1)[0]


# -- What they are about. ----------------------------------------------------------------------------------------------

# Words that say nothing of what is meant: they are in every promise.
EMPTY = {*VALUES, *MANY, *(f"{word}s" for word in MANY)} | set(
    """
    about after again also among and another any are because been before both but can could did does down during each
    every expect for from get gets give gives good had has have here how into its just last least less like made make
    makes many may might more most much must nearly new next not now off often once one only other our out over own per
    shall she should since some such than that the their them then there these they this those through time times too
    under until use used very was way week weeks well were what when where which while who will with within without
    would year years month months day days you your yours percent cent rise rises rising grow grows grew growth increase
    increases increased improve improves raise raises raised boost boosts fall falls fell drop drops cut cuts reduce
    reduces fewer faster higher lower better additional extra further first number numbers half twice double doubles
    see win wins gain gains average total second seconds pct percents euro euros dollar dollars pound pounds factor
    """.split()  # noqa: SIM905
)
ENDING = re.compile(r"(?:ings?|ers?|ors?|ions?|ed|es|s|e)$")


def told_of(text) -> set:
    """Return the words by which one knows what a text is about, each form of a word as if it were one."""
    said = {word for word in letters.words_of(text) if len(word) > 2 and not word[0].isdigit()} - EMPTY
    said = {word for word in said if not STEM.match(word)}
    return {ENDING.sub("", word) if len(ENDING.sub("", word)) > 2 else word for word in said}


# -- What excuses them. ------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Amount:
    """A number, or from one to another, in a unit, and what it is of."""

    low: Decimal
    high: Decimal
    unit: str
    about: set = field(hash=False)

    def holds(self, promise) -> bool:
        same = promise.unit == self.unit and all(self.low <= number <= self.high for number in promise.numbers)
        return same and bool(self.about & promise.about)

    def says(self, value) -> bool:
        """Whether it says a value, as exactly as it is said: 7 says 6.8."""
        return self.low <= value <= self.high or any(round(value, places(end)) == end for end in (self.low, self.high))


@dataclass(frozen=True)
class Change:
    """By how much something that was measured rose or fell, in its unit."""

    by: Decimal
    unit: str
    about: set = field(hash=False)

    def says(self, number) -> bool:
        """Whether a number says it, as exactly as it is said: 56 says 55.56."""
        return round(abs(self.by), places(number)) == number


def places(number) -> int:
    """Return how many places behind the point a number is said with."""
    return max(0, -number.as_tuple().exponent)


def makes(claim, promise) -> bool:
    """Whether a claim makes this promise: in numbers of the same thing in the same unit, or in its own words."""
    if promise.numbers:
        return any(amount.holds(promise) for amount in amounts_of(claim))
    text = letters.plain(claim.text)
    about = told_of(text) & promise.about
    return bool(about) and promise.outcome in {each.outcome for each in promises_in(text)}


def amounts_of(claim):
    """Yield the amounts of a claim: its range, which is of its metric, and the numbers that its own sentence says."""
    text = letters.plain(claim.text)
    said = list(amounts_in(text))
    yield from said
    bounds = [bound for bound in (claim.low, claim.high) if bound is not None]
    if bounds:
        low, high = min(bounds), max(bounds)
        about = told_of(letters.plain(claim.metric)) or told_of(text)
        for unit in units_of(claim, low, high, said):
            yield Amount(low, high, unit, about)


def units_of(claim, low, high, said) -> set:
    """Return the units of a claim's range. One that names none is in that of its sentence, or of its evidence."""
    if claim.unit.strip():
        return {unit_of(claim.unit.strip())}
    spoken = {amount.unit for amount in said if {amount.low, amount.high} & {low, high}}
    return spoken or {unit_of(evidence.unit.strip()) for evidence in claim.evidence.all()}


def amounts_in(text):
    """Yield every amount that a text says; "20 to 40 %" is one."""
    about = told_of(text)
    outcomes = [outcome for outcome in map(outcome_of, OUTCOME.finditer(text)) if outcome.numbers]
    for outcome in outcomes:
        yield Amount(min(outcome.numbers), max(outcome.numbers), outcome.unit, about)
    for match in QUANTITY.finditer(text):
        if not any(outcome.start <= match.start() < outcome.end for outcome in outcomes):
            unit = money_in(match.group()) or unit_of(text[match.end() :])
            numbers = sum_of(match.group())
            yield Amount(min(numbers), max(numbers), unit, about)


def was_measured(promise, measured) -> bool:
    """Whether words with a number say what was measured, in its unit, and no more.

    A number that stands with a change or with what is to come says something else, which nobody measured.
    """
    if not promise.numbers or promise.of_itself:
        return False
    if TO_COME.search(f"{promise.before}{promise.words}{promise.after}"):
        return False
    if CHANGES_AFTER.match(promise.after) or CHANGES_BEFORE.search(promise.before):
        return False
    return any(amount.holds(promise) for amount in measured)


def has_changed(promise, changes) -> bool:
    """Whether words with a number say by how much something changed, the way it went, and nothing that is to come."""
    if not promise.numbers or promise.of_itself:
        return False
    sentence = f"{promise.before}{promise.words}{promise.after}"
    if TO_COME.search(sentence):
        return False
    up, down = bool(UP.search(sentence)), bool(DOWN.search(sentence))
    return any(
        change.unit == promise.unit
        and (up == down or (change.by > 0) == up)
        and all(change.says(number) for number in promise.numbers)
        and bool(change.about & promise.about)
        for change in changes
    )


def is_price(promise, prices) -> bool:
    """Whether a sum is one of the offer's own prices, and not said as what the client wins."""
    if not promise.numbers or not all((number, promise.unit) in prices for number in promise.numbers):
        return False
    return not (CHANGES_AFTER.match(promise.after) or EARNED.search(promise.before))


class Backing:
    """What stands behind words for a client: claims in force, what was measured, and the prices of the offer.

    Of a deal, for summaries and mails, each is read when it is asked for first; of a proposal it is known. Words about
    a record that measures something itself, as a report does, may say what it measured.
    """

    def __init__(self, opportunity=None, summary=None, **known):
        self.opportunity, self.summary = opportunity, summary
        vars(self).update(known)

    def excuses(self, promise) -> bool:
        return (
            was_measured(promise, self.measured)
            or self.was_reported(promise)
            or is_price(promise, self.prices)
            or any(makes(claim, promise) for claim in self.claims)
        )

    @cached_property
    def claims(self) -> list:
        """Return the supported claims of proposals that a client may still accept, or has."""
        from .models import Claim

        if self.opportunity is None:
            return []
        rows = Claim.objects.filter(proposal__opportunity=self.opportunity).exclude(proposal__stage__in=not_in_force())
        return [claim for claim in rows.with_proof() if not claim.unsupported_because()]

    @cached_property
    def measured(self) -> list:
        return measured(self.opportunity) if self.opportunity else []

    def was_reported(self, promise) -> bool:
        """Whether it says what the record measured itself. What was promised before is told, and not promised again."""
        if not promise.numbers or not self.own:
            return False
        amounts = [amount for row in self.own for amount in amounts_of_row(row, promise.numbers)]
        changes = [change for row in self.own for change in changes_of_row(row)]
        before, after = (PROMISED.sub("", said) for said in (promise.before, promise.after))
        told = replace(promise, before=before, after=after)
        return was_measured(told, amounts) or has_changed(told, changes)

    @cached_property
    def own(self) -> list:
        """Return what the record of this deal that the words are about measured itself."""
        record = self.summary.record if self.summary is not None else None
        if getattr(record, "opportunity", None) != self.opportunity:
            return []
        return getattr(record, "measured", [])

    @cached_property
    def prices(self) -> set:
        from .models import PriceLine

        if self.opportunity is None:
            return set()
        rows = PriceLine.objects.filter(proposal__opportunity=self.opportunity)
        rows = rows.exclude(proposal__stage__in=not_in_force()).select_related("proposal")
        return {price for line in rows for price in prices_of(line.proposal, [line])}


def not_in_force() -> tuple:
    from .models import Proposal

    return tuple(stage for stage in Proposal.CLOSED if stage != Proposal.Stage.ACCEPTED)


def prices_of(proposal, lines) -> set:
    """Return the sums of money that an offer asks for: of each line, and in all."""
    from . import totals

    lines = list(lines)
    whole = totals.of(lines, proposal.currency, proposal.discount)
    sums = {whole.once, whole.monthly, whole.first_year}
    for line in lines:
        sums |= {line.unit_price, totals.line(line, proposal.currency, proposal.discount)}
    return {(price, proposal.currency) for price in sums}


def measured(opportunity) -> list[Amount]:
    """Return the numbers of the evidence that counts, each of what was measured. To say them promises nothing."""
    counts = Evidence.objects.current().filter(audit__opportunity=opportunity, audit__stage="verified")
    return [
        Amount(value, value, unit_of(unit.strip()), told_of(letters.plain(metric)))
        for value, unit, metric in counts.values_list("value", "unit", "metric")
    ]


@dataclass(frozen=True)
class Measured:
    """A number that a record measured itself: what of, in which unit, what it was before, and what was promised."""

    metric: str
    unit: str
    value: Decimal
    earlier: tuple = ()
    low: Decimal | None = None
    high: Decimal | None = None


def amounts_of_row(row, numbers):
    """Yield what these numbers may say of a measured one: its value, what it was, and the range that was promised."""
    unit, about = unit_of(row.unit.strip()), told_of(letters.plain(row.metric))
    for value in (row.value, *row.earlier):
        yield Amount(value, value, unit, about)
    if set(numbers) <= {row.low, row.high}:
        yield Amount(min(numbers), max(numbers), unit, about)


def changes_of_row(row):
    """Yield by how much a measured number changed: in its own unit, and as a part of what it was."""
    unit, about = unit_of(row.unit.strip()), told_of(letters.plain(row.metric))
    for was in row.earlier:
        by = row.value - was
        if by:
            yield Change(by, unit, about)
        if by and was:
            yield Change(100 * by / abs(was), "%", about)
