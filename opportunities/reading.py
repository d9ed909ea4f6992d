"""How a mail that comes in is read. Nothing that anybody sends may break it, hang it, or fill the memory.

Its structure is read by the tolerant old way of the library, whose time grows with the length only; the few headers
that a person reads are shortened first and decoded by the new one.
"""

import codecs
import logging
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.message import Message
from email.parser import BytesParser
from email.utils import parsedate_to_datetime
from hashlib import sha256
from html import unescape

from django.conf import settings
from django.template.defaultfilters import filesizeformat

from . import clock, vouching
from .forms import UNPRINTABLE

log = logging.getLogger("zarts.incoming")
# So many bytes of headers are read, and so many of one; a mail with more lines or parts than these is not read whole.
HEAD, ONE_HEADER, HEADERS = 256 * 1024, 8000, 500
LINES, PARTS, BOUNDARIES, WORK = 500_000, 200, 5000, 6_000_000
NESTS = re.compile(rb"multipart/|message/(?:rfc822|global)", re.IGNORECASE)
# What is decoded of a header for people, of a text, of a page; and the letters that are kept.
SHOWN, TEXT, PAGE, MOST_WORDS = 2000, 2_000_000, 500_000, 100_000
NO_TEXT = "This mail has no text."
# Charsets that are none, or take for ever.
NO_CHARSETS = {"idna", "punycode", "unicode_escape", "raw_unicode_escape", "undefined", "unicodeescape"}
MESSAGE_ID = re.compile(r"<[^<>\s]{1,298}>")
# Where an answer may be delivered to, whatever its visible addressees are.
ADDRESSEES = ("to", "cc", "delivered-to", "x-original-to", "envelope-to", "x-envelope-to", "x-forwarded-to")
VOUCHES = "authentication-results"
AWAY = re.compile(r"^(automatic reply|auto(matische)?[ -]?(reply|antwort)|out of (the )?office|abwesenheit)", re.I)
# What a notice of non-delivery says of its kind, where it is none of the standard.
STATUS = re.compile(r"\b([245])\.\d{1,3}\.\d{1,3}\b|\b([45])\d\d[ -]")


@dataclass
class Bounce:
    """What a mail says that came back: of which mail of ours, for good or not, and the server's own words."""

    message_ids: list[str]
    # None where it does not say.
    permanent: bool | None
    said: str = ""


@dataclass
class Mail:
    """A mail as it was read."""

    digest: str
    size: int
    mail_id: str = ""
    from_address: str = ""
    from_name: str = ""
    to: list[str] = field(default_factory=list)
    subject: str = ""
    words: str = ""
    # The Message-IDs that it answers, the nearest first.
    answers: list[str] = field(default_factory=list)
    at: datetime | None = None
    # Whether its sender is who it says, by whom we believe. None: nobody says.
    vouched: bool | None = None
    is_automatic: bool = False
    bounce: Bounce | None = None
    # Why it was not read whole.
    unread: str = ""


class Part(Message):
    """A part of a mail. A bomb of headers is cut to what a mail may need."""

    def set_raw(self, name, value):
        if len(self) < HEADERS:
            super().set_raw(name[:ONE_HEADER], value[:ONE_HEADER])


POLICY = policy.compat32.clone(message_factory=Part)


def read(raw: bytes, *, size: int | None = None) -> Mail:
    """Read a mail. `size` is its true one, where only the headers were fetched. Never raises."""
    size = max(size or 0, len(raw))
    mail = Mail(sha256(raw).hexdigest(), size)
    head, body = halves(raw)
    try:
        read_head(mail, message_from_bytes(head, policy=POLICY))
    except Exception as trouble:
        log.warning("The headers of a mail could not be read: %s", type(trouble).__name__)
        mail.unread = "Its headers cannot be read"
    if size > settings.INBOUND_MOST:
        mail.unread = f"It is too large to be read here ({size_of(size)})"
    elif is_bomb(raw, body):
        mail.unread = "It has too many parts to be read here"
    else:
        try:
            read_body(mail, head, raw, body)
        except Exception as trouble:  # RecursionError among them
            log.warning("A mail could not be read: %s", type(trouble).__name__)
            mail.unread = "It cannot be read here"
    if mail.unread:
        mail.words = f"{mail.unread.replace('It', 'This mail', 1)}. Open it in the mailbox that it came to."
    return mail


def answers_in(raw: bytes) -> list[str]:
    """Return the Message-IDs that a mail answers, by its headers alone."""
    mail = Mail("", len(raw))
    try:
        read_head(mail, message_from_bytes(halves(raw)[0], policy=POLICY))
    except Exception:
        log.warning("The headers of a mail that is kept could not be read.")
    return mail.answers


def halves(raw: bytes) -> tuple[bytes, int]:
    """Return the headers of a mail, as many as are read, and where its body begins."""
    ends = [(found, found + len(blank)) for blank in (b"\r\n\r\n", b"\n\n") if (found := raw.find(blank)) >= 0]
    end, body = min(ends, default=(len(raw), len(raw)))
    return raw[: min(end, HEAD)], body


def size_of(size: int) -> str:
    return filesizeformat(size).replace("\xa0", " ")


def is_bomb(raw: bytes, body: int) -> bool:
    """Whether a mail has so many parts, or parts in parts, that to read them would take for ever."""
    lines, nests = max(raw.count(b"\n", body), raw.count(b"\r", body)), sum(1 for _ in NESTS.finditer(raw))
    return lines > LINES or nests > PARTS or lines * nests > WORK or raw.count(b"\n--", body) > BOUNDARIES


# -- The headers. ------------------------------------------------------------------------------------------------------


def read_head(mail: Mail, message: Message):
    mail.from_name, mail.from_address = sender(header(message, "from"))
    mail.subject = one_line(decoded(header(message, "subject")))[:200]
    mail.to = [value for name in ADDRESSEES if (value := clean(header(message, name, all_of=True)))]
    mail.mail_id = next(iter(MESSAGE_ID.findall(header(message, "message-id"))), "")
    for name in ("in-reply-to", "references"):
        mail.answers += reversed(MESSAGE_ID.findall(header(message, name))[-50:])
    mail.vouched = vouching.by_servers([str(value) for value in message.get_all(VOUCHES, [])], mail.from_address)
    mail.at = written_at(header(message, "date"))
    mail.is_automatic = is_automatic(message, mail.subject)


def header(message: Message, name: str, *, all_of=False) -> str:
    """Return a header as letters, whatever bytes it was made of."""
    values = message.get_all(name, [])
    text = ", ".join(map(str, values)) if all_of else str(values[0]) if values else ""
    raw = text[: HEAD if all_of else ONE_HEADER].encode("utf-8", "surrogateescape")
    return clean(" ".join(raw.decode("utf-8", "replace").split()))


def clean(text: str) -> str:
    """Return words without what cannot be read, in lines that end alike."""
    return UNPRINTABLE.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))


def one_line(text: str) -> str:
    return " ".join(clean(text).split())


def decoded(text: str) -> str:
    """Return the letters that an encoded header stands for."""
    try:
        return str(policy.default.header_factory("subject", text[:SHOWN]))
    except Exception:  # the library has its own ways to stumble
        return text[:SHOWN]


def sender(text: str) -> tuple[str, str]:
    """Return the name and the address of whoever wrote it. Several authors are nobody whom we could answer."""
    try:
        addresses = policy.default.header_factory("from", text[:SHOWN]).addresses
    except Exception:
        return "", ""
    if len(addresses) != 1:
        return "", ""
    address = one_line(addresses[0].addr_spec).lower()
    sound = re.fullmatch(r"[^@\s<>]+@[^@\s<>]+", address) and len(address) <= 254
    return one_line(addresses[0].display_name)[:120], address if sound else ""


def written_at(text: str) -> datetime:
    """Return when a mail was written, where its word can be believed; else now."""
    now = clock.now()
    try:
        at = parsedate_to_datetime(text[:100])
        at = at if at.tzinfo else at.replace(tzinfo=UTC)
        return at.astimezone(UTC) if now - timedelta(days=60) < at < now else now
    except (ValueError, TypeError, OverflowError, IndexError):
        return now


def is_automatic(message: Message, subject: str) -> bool:
    """Whether a machine wrote it: an answer while somebody is away, a receipt, a list."""
    if (said := header(message, "auto-submitted").lower()) and not said.startswith("no"):
        return True
    if any(name in message for name in ("x-autoreply", "x-autorespond", "x-vacation", "list-unsubscribe")):
        return True
    precedence = header(message, "precedence").lower()
    return precedence in ("bulk", "junk", "list", "auto_reply", "auto-reply") or bool(AWAY.match(subject))


# -- The body. ---------------------------------------------------------------------------------------------------------


def read_body(mail: Mail, head: bytes, raw: bytes, body: int):
    whole = raw if body <= HEAD else head + b"\r\n\r\n" + raw[body:]
    parts = leaves(BytesParser(policy=POLICY).parsebytes(whole))
    texts, attached = [], []
    for part in parts:
        of_text = part.get_content_maintype() == "text" and part.get_content_disposition() != "attachment"
        (texts if of_text and not part.get_filename() else attached).append(part)
    plain = [letters_of(part, TEXT) for part in texts if part.get_content_type() != "text/html"]
    pages = [part for part in texts if part.get_content_type() == "text/html"]
    words = "\n\n".join(text for text in plain if text.strip())
    words = words or "\n\n".join(plain_words(letters_of(part, PAGE)) for part in pages)
    mail.bounce = bounce_of(parts, mail, words)
    if of_type(parts, "message/disposition-notification"):
        mail.is_automatic = True
    mail.words = shortened(words.strip()) or NO_TEXT
    if attached and not mail.bounce:
        mail.words += "\n\nAttached: " + ", ".join(map(named, attached[:50]))
        if len(attached) > 50:
            mail.words += f" and {len(attached) - 50} more"


def leaves(message: Message) -> list:
    """Return the parts of a mail that hold something, in their order. A mail inside of it is one part."""
    found, stack = [], [message]
    while stack and len(found) < PARTS:
        part = stack.pop()
        inner = payload_of(part)
        if part.get_content_maintype() == "multipart" and isinstance(inner, list):
            stack += reversed(inner)
        else:
            found.append(part)
    return found


def payload_of(part: Message):
    """Return the parts of a part, or its letters as they came."""
    try:
        return part.get_payload()
    except Exception:  # a charset that decodes nothing
        return ""


def of_type(parts, *types) -> list:
    return [part for part in parts if part.get_content_type() in types]


def letters_of(part: Message, most: int) -> str:
    """Return the words of a part, whatever it says of its charset."""
    try:
        raw = part.get_payload(decode=True)
    except Exception:
        raw = None
    if not isinstance(raw, bytes):
        return ""
    raw = raw[:most]
    for charset in (charset_of(part), "utf-8"):
        try:
            return clean(raw.decode(charset))
        except (UnicodeError, ValueError):
            continue
    return clean(raw.decode("latin-1"))


def charset_of(part: Message) -> str:
    """Return a charset in which letters are written, or UTF-8."""
    try:
        known = codecs.lookup(str(part.get_content_charset("utf-8")))
    except (LookupError, ValueError):
        return "utf-8"
    name = known.name.replace("-", "_")
    return "utf-8" if name in NO_CHARSETS or not getattr(known, "_is_text_encoding", True) else known.name


def shortened(words: str) -> str:
    if len(words) <= MOST_WORDS:
        return words
    return f"{words[:MOST_WORDS]}\n\nIt goes on for {len(words) - MOST_WORDS:,} more letters: open it in the mailbox."


def name_of(part: Message) -> str:
    """Return the name of an attachment."""
    try:
        name = one_line(decoded(str(part.get_filename() or "")))
    except Exception:
        name = ""
    return name[:120] or f"a part of type {one_line(part.get_content_type())[:60]}"


def named(part: Message) -> str:
    """Return an attachment's name and size."""
    inner = payload_of(part)
    if not isinstance(inner, str):
        return name_of(part)
    size = len(inner) - inner.count("\n") - inner.count("\r")
    base64 = str(part.get("content-transfer-encoding", "")).strip().lower() == "base64"
    return f"{name_of(part)} ({size_of(size * 3 // 4 if base64 else len(inner))})"


# Whatever a browser would run, or not show; and what begins a line.
HIDDEN = {"script", "style", "head", "title", "template", "noscript", "object", "svg"}
BREAKS = {"p", "div", "br", "tr", "li", "ul", "ol", "table", "blockquote", "hr", "pre", *(f"h{n}" for n in range(1, 7))}
TAG = re.compile(r"(/?)([a-z][a-z0-9]*)", re.IGNORECASE)


def plain_words(page: str) -> str:
    """Return a page as plain words.

    In time that grows with its length only: the library's own reader takes hours for pages that are made for that.
    """
    found, hidden = [], ""
    for number, piece in enumerate(without_comments(page).split("<")):
        markup, closed, text = piece.partition(">")
        tag = TAG.match(markup) if number else None
        if tag is None and not markup.startswith(("!", "?", "/")):
            closed, text = "", f"<{piece}" if number else piece  # no tag: they wrote that something is less
        name, ends = (tag[2].lower(), tag[1]) if tag else ("", "")
        if hidden:
            hidden = "" if (ends and name == hidden) or name == "body" else hidden
        elif name in HIDDEN and not ends and not markup.endswith("/"):
            hidden = name
        elif name in BREAKS:
            found.append("\n- " if name == "li" and not ends else "\n")
        if not hidden and (closed or tag is None):
            found.append(re.sub(r"\s+", " ", text))
    lines = (re.sub(r"[ \t\xa0]+", " ", line).strip() for line in unescape("".join(found)).split("\n"))
    return re.sub(r"\n{3,}", "\n\n", clean("\n".join(lines))).strip()


def without_comments(page: str) -> str:
    kept, at = [], 0
    while (begins := page.find("<!--", at)) >= 0:
        kept.append(page[at:begins])
        at = page.find("-->", begins)
        if at < 0:
            return "".join(kept)
        at += 3
    return "".join([*kept, page[at:]])


# -- Mail that came back. ----------------------------------------------------------------------------------------------


def bounce_of(parts, mail: Mail, words: str) -> Bounce | None:
    """Return what a notice of non-delivery says, or None when it is none."""
    reports = of_type(parts, "message/delivery-status")
    from_a_machine = re.match(r"(mailer-daemon|postmaster)@", mail.from_address)
    if not reports and not from_a_machine:
        return None
    fields: dict[str, str] = {}
    for block in (block for report in reports for block in blocks_of(report)):
        for name in ("action", "status", "diagnostic-code"):
            if value := header(block, name):
                fields.setdefault(name, value)
    said = one_line(f"{fields.get('status', '')} {fields.get('diagnostic-code', '')}") or one_line(words)[:300]
    ids = [found for part in parts for found in ids_in(part)] or MESSAGE_ID.findall(words[:TEXT])
    return Bounce([*ids, *mail.answers][:50], is_permanent(fields, words), said[:300])


def blocks_of(report: Message) -> list:
    """Return the groups of fields of a delivery status. Some write them as text instead."""
    inner = payload_of(report)
    if isinstance(inner, list):
        return inner[:PARTS]
    return [message_from_bytes(letters_of(report, HEAD).encode(), policy=POLICY)]


def ids_in(part: Message) -> list[str]:
    """Return the Message-ID of the mail that a notice brings back, whole or its headers only."""
    inner = payload_of(part)
    if part.get_content_type() == "message/rfc822" and isinstance(inner, list):
        return MESSAGE_ID.findall(header(inner[0], "message-id")) if inner else []
    if part.get_content_type() in ("text/rfc822-headers", "message/rfc822-headers"):
        back = message_from_bytes(letters_of(part, HEAD).encode(), policy=POLICY)
        return MESSAGE_ID.findall(header(back, "message-id"))
    return []


def is_permanent(fields: dict, words: str) -> bool | None:
    """Whether it will never arrive; None where nothing says so."""
    if fields.get("action", "").lower() in ("delayed", "delivered", "relayed", "expanded"):
        return False
    status = fields.get("status", "")[:1]
    if status in ("2", "4", "5"):
        return status == "5"
    found = STATUS.search(words[:TEXT])
    return (found[1] or found[2]) == "5" if found else True if fields.get("action", "").lower() == "failed" else None


# -- What is new in an answer. -----------------------------------------------------------------------------------------

QUOTED = re.compile(
    r"^(?:(?:On|Am|Le|El|Il|Op|Den) .{4,300}(?:wrote|schrieb|écrit|escribió|scritto|schreef|skrev).{0,40}:[ \t]*$"
    r"|-{2,} ?(?:Original Message|Ursprüngliche Nachricht|Forwarded message) ?-{2,}"
    r"|_{10,}[ \t]*$|From: .{1,200}\n(?:Sent|Date|To): )",
    re.MULTILINE,
)


def fold(words: str) -> tuple[str, str]:
    """Return what is new in a mail, and the history that it quotes below. Nothing is lost: the two are the whole."""
    found = QUOTED.search(words)
    begins = found.start() if found else end_of_new(words)
    if not words[:begins].strip():
        return words, ""
    return words[:begins].rstrip(), words[begins:]


def end_of_new(words: str) -> int:
    """Return where the quoted lines at the end of a mail begin."""
    end = len(words)
    for line in reversed(words.splitlines(keepends=True)):
        if line.strip() and not line.startswith(">"):
            break
        end -= len(line)
    return end if ">" in words[end:] else len(words)
