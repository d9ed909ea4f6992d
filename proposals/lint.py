"""The client-safe boundary: marks on words that a client must not read, each with what to do."""

import re
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

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
