"""The mailbox that is looked into by IMAP, once a minute by one of all workers.

A mail is marked as seen when it was taken in and that is committed. Whoever is killed in between leaves it unseen: it
is fetched once more, and found to be here already.
"""

import imaplib
import logging
import re
import socket
import ssl
import time
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from threading import Timer
from urllib.parse import unquote, urlsplit

from django.conf import settings

from . import clock
from .incoming import take
from .models import Heartbeat
from .reading import HEAD

log = logging.getLogger("zarts.mailbox")
NAME = "mailbox"
EVERY = timedelta(minutes=1)
# A server that says nothing for so long, and one that keeps us for so long in all, are left: the round waits meanwhile.
PATIENCE, LONGEST = 5, 20
# From then on no other mail is begun.
ENOUGH = 10
PORTS = {"imaps": 993, "imap": 143, "imap+tls": 143}


class Trouble(Exception):
    """The mailbox cannot be looked into."""


class Watched(imaplib.IMAP4):
    """A connection that is hung up when it lasts too long.

    A server that sends a letter every few seconds, from its greeting on, would keep us for ever.
    """

    def open(self, *args, **kwargs):
        super().open(*args, **kwargs)
        self.watch = Timer(LONGEST, self.hang_up)
        self.watch.daemon = True
        self.watch.start()

    def hang_up(self):
        with suppress(OSError):
            self.sock.shutdown(socket.SHUT_RDWR)

    def shutdown(self):
        self.watch.cancel()
        super().shutdown()


class WatchedByTLS(Watched, imaplib.IMAP4_SSL):
    """The same, encrypted from the beginning."""


@dataclass(frozen=True)
class Mailbox:
    """Where the mailbox is, as INBOUND_IMAP_URL says."""

    scheme: str
    host: str
    port: int
    user: str
    password: str
    folder: str

    @classmethod
    def of(cls, url: str) -> "Mailbox":
        parts = urlsplit(url)
        if parts.scheme not in PORTS or not parts.hostname or not parts.username:
            raise Trouble("INBOUND_IMAP_URL is no mailbox: write imaps://user:password@host:993/INBOX.")
        user, password = unquote(parts.username), unquote(parts.password or "")
        folder = unquote(parts.path.strip("/")) or "INBOX"
        return cls(parts.scheme, parts.hostname, parts.port or PORTS[parts.scheme], user, password, folder)

    def open(self):
        """Connect, and choose the folder."""
        context = ssl.create_default_context()
        if self.scheme == "imaps":
            return WatchedByTLS(self.host, self.port, ssl_context=context, timeout=PATIENCE)
        server = Watched(self.host, self.port, timeout=PATIENCE)
        if self.scheme == "imap+tls":
            server.starttls(context)
        return server


def fetch() -> int:
    """Take in the mail that nobody has seen. Return how many; none when another worker looked a moment ago."""
    if not settings.INBOUND_IMAP_URL or not is_my_turn():
        return 0
    began, mailbox = time.monotonic(), Mailbox.of(settings.INBOUND_IMAP_URL)
    try:
        server = mailbox.open()
    except (OSError, imaplib.IMAP4.error) as trouble:
        raise Trouble(f"The mailbox at {mailbox.host} does not answer: {trouble}") from None
    try:
        server.login(mailbox.user, mailbox.password)
        server.select(quoted(mailbox.folder))
        return sum(took(server, uid) for uid in unseen(server) if time.monotonic() - began < ENOUGH)
    except (OSError, imaplib.IMAP4.error) as trouble:
        raise Trouble(f"The mailbox at {mailbox.host} broke off: {trouble}") from None
    finally:
        with suppress(OSError, imaplib.IMAP4.error):
            server.sock.settimeout(2)
            server.logout()
        with suppress(OSError):
            server.shutdown()


def is_my_turn() -> bool:
    """Take the turn of this minute. One of all workers gets it."""
    now = clock.now()
    Heartbeat.objects.get_or_create(name=NAME, defaults={"at": now - 2 * EVERY})
    return Heartbeat.objects.filter(name=NAME, at__lte=now - EVERY).update(at=now) == 1


def quoted(folder: str) -> str:
    return '"' + folder.replace("\\", "\\\\").replace('"', '\\"') + '"'


def unseen(server) -> list[bytes]:
    """Return the numbers of the mails that nobody has seen, the oldest first."""
    kind, found = server.uid("search", "UNSEEN")
    if kind != "OK":
        raise imaplib.IMAP4.error("it does not search")
    return [uid for line in found if line for uid in line.split()]


def took(server, uid: bytes) -> bool:
    """Take in one mail, and mark it as seen. One that cannot be taken in just now stays unseen."""
    size = size_of(server, uid)
    if size is None:
        return False
    whole = size <= settings.INBOUND_MOST
    raw = part(server, uid, f"BODY.PEEK[]<0.{settings.INBOUND_MOST + 1}>" if whole else f"BODY.PEEK[HEADER]<0.{HEAD}>")
    if raw is None:
        return False
    try:
        take(raw, via="imap", size=None if whole else size)
    except Exception:
        # One that cannot be taken in must not keep the others out. It is tried again a minute later.
        log.exception("Mail %s of the mailbox could not be taken in.", uid.decode("ascii", "replace"))
        return False
    server.uid("store", uid, "+FLAGS.SILENT", r"(\Seen)")
    return True


def size_of(server, uid: bytes) -> int | None:
    _, found = server.uid("fetch", uid, "(RFC822.SIZE)")
    said = b" ".join(item if isinstance(item, bytes) else item[0] for item in found if item)
    size = re.search(rb"RFC822\.SIZE (\d+)", said)
    return int(size[1]) if size else None


def part(server, uid: bytes, what: str) -> bytes | None:
    _, found = server.uid("fetch", uid, f"({what})")
    return next((item[1] for item in found if isinstance(item, tuple)), None)
