"""The client-safe boundary: marks on words that a client must not read, each with what to do."""

import re
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from django.conf import settings
from django.db.models import Value

from opportunities.alike import key_of
from opportunities.models import Contact, User

# This many words in a row, the same as in an internal text, are a copy.
RUN = 8
GLOSSARY = (
    "caveat",
    "gross margin",
    "internal",
    "internal cost",
    "margin",
    "markup",
    "our cost",
    "pricing assumption",
    "raw note",
)
MAIL = re.compile(r"[\w.+-]+@[\w-]+\.[\w.-]+")
PHONE = re.compile(r"(?<![\w.])\+?\d(?:[\s()./-]*\d){7,}(?![\w])")
DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
OUTCOME = re.compile(
    r"\b(?:doubl|tripl|quadrupl)\w*|\bguarante\w*|\bten times\b|\b\d+(?:\.\d+)?\s?x\b"
    r"|\b\d+(?:[.,]\d+)?\s?(?:%|percent\b)",
    re.IGNORECASE,
)
WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)?")

SENTENCES = {
    "copied": "Say “{words}” in words of your own: it is copied from internal notes.",
    "glossary": "Take out “{words}”: it is a word of ours, not for clients.",
    "private": "Take out “{words}”: it is somebody's private detail.",
    "outcome": "Make a claim with evidence of “{words}”, or take it out.",
}


@dataclass(frozen=True)
class Mark:
    """Words that a client must not read, and why."""

    kind: str
    words: str

    @property
    def sentence(self) -> str:
        return SENTENCES[self.kind].format(words=self.words)


def read(summary) -> list[Mark]:
    """Return every mark on a summary's words."""
    opportunity = summary.opportunity
    text = f"{summary.title}\n{summary.words}"
    return [
        *copies(text, internal_texts(opportunity)),
        *glossary(text),
        *private(text),
        *outcomes([text], supported_claims(opportunity), measured(opportunity)),
    ]


def read_template(version) -> list[Mark]:
    """Return every mark on the words of a template. It is for no deal yet, so that no claim stands behind it."""
    text = f"{version.subject}\n{version.body}"
    strangers = [mark for mark in private(text) if not is_ours(mark.words)]
    return [*glossary(text), *strangers, *outcomes([text], [])]


def read_mail(message) -> list[Mark]:
    """Return every mark on a mail that somebody wrote. The database is asked only about what could be one."""
    deal, text = message.opportunity, f"{message.subject}\n{message.body}".replace(message.LINK, "")
    marks = glossary(text)
    sources = internal_texts(deal) if deal and (len(words_of(text)) >= RUN or PHONE.search(text)) else []
    marks += copies(text, sources)
    marks += [mark for mark in private(text) if is_strangers(mark.words, message.client, sources)]
    if OUTCOME.search(text):
        marks += outcomes([text], supported_claims(deal) if deal else [], measured(deal) if deal else ())
    return marks


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


def internal_texts(opportunity) -> list[str]:
    """Return everything about an opportunity that was written for us alone."""
    texts = []
    for audit in opportunity.audits.prefetch_related("evidence"):
        texts.append(audit.raw_notes)
        for evidence in audit.evidence.all():
            texts += [evidence.raw_note, evidence.provider_caveat]
    for discovery in opportunity.discoveries.prefetch_related("answers"):
        texts += [getattr(discovery, part) for part in discovery.PARTS]
        texts += [answer.words for answer in discovery.answers.all()]
    texts += opportunity.notes.values_list("words", flat=True)
    for proposal in opportunity.proposals.prefetch_related("price_lines"):
        texts += [line.pricing_assumption for line in proposal.price_lines.all()]
    return [text for text in texts if text.strip()]


def copies(text, sources) -> list[Mark]:
    """Return each longest run of words that stands in an internal text too."""
    known = {run for source in sources for run in runs(words_of(source))}
    words = list(WORD.finditer(text))
    plain = [word.group().casefold() for word in words]
    marks, first = [], None
    for place in range(len(plain) - RUN + 2):
        copied = tuple(plain[place : place + RUN]) in known and place <= len(plain) - RUN
        if copied and first is None:
            first = place
        elif not copied and first is not None:
            # The last run that matched began one word earlier.
            marks.append(Mark("copied", text[words[first].start() : words[place + RUN - 2].end()]))
            first = None
    return marks


def runs(words):
    return (tuple(words[place : place + RUN]) for place in range(len(words) - RUN + 1))


def words_of(text) -> list[str]:
    return [word.group().casefold() for word in WORD.finditer(text)]


def glossary(text) -> list[Mark]:
    found = [term for term in GLOSSARY if re.search(rf"\b{term}s?\b", text, re.IGNORECASE)]
    return [Mark("glossary", term) for term in found if not any(term != other and term in other for other in found)]


def private(text) -> list[Mark]:
    numbers = [match.group() for match in PHONE.finditer(DATE.sub(" ", text))]
    return [Mark("private", words) for words in [*MAIL.findall(text), *numbers]]


def outcomes(texts, claims, numbers=()) -> list[Mark]:
    """Return the promises of an outcome that no supported claim makes and nothing measured says."""
    claimed = " ".join(claim.text for claim in claims).casefold()
    proved = {number for claim in claims for number in (claim.low, claim.high) if number is not None} | set(numbers)
    marks = []
    for match in (match for text in texts for match in OUTCOME.finditer(text)):
        words = match.group()
        if re.search(rf"(?<!\w){re.escape(words.casefold())}(?!\w)", claimed) or number_in(words) in proved:
            continue
        marks.append(Mark("outcome", words))
    return list(dict.fromkeys(marks))


def number_in(words):
    """Return the number that words begin with, or None."""
    match = re.match(r"\d+(?:[.,]\d+)?", words)
    try:
        return Decimal(match.group().replace(",", ".")) if match else None
    except InvalidOperation:
        return None


def supported_claims(opportunity) -> list:
    return [claim for proposal in opportunity.proposals.all() for claim in proposal.supported_claims()]


def measured(opportunity) -> set:
    """Return the numbers of the evidence that counts: saying what was measured promises nothing."""
    verified = opportunity.audits.filter(stage="verified")
    return {evidence.value for audit in verified for evidence in audit.evidence.current()}
