"""One call to another system: to the address that its name led to, for a few seconds, and to no other place.

The name is looked up by the connection itself, so that what was judged is what is connected to. No proxy of the
environment stands between, and no redirect is followed.
"""

import socket
import threading
import time
from dataclasses import dataclass

import requests
from django.core.exceptions import ValidationError
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from opportunities.forms import UNPRINTABLE

from .addresses import is_ours, is_public, refuse_address

CONNECT, READ = 3, 10
# However slowly it speaks, letter by letter: after so many seconds it is over.
WHOLE = 13
# So much of an answer is read, and so much of that kept.
MOST_READ, MOST_KEPT = 4096, 500


@dataclass
class Outcome:
    """What came of one call. `silent`: the other side could not be reached or did not answer, whatever is sent."""

    ok: bool = False
    status: int | None = None
    said: str = ""
    answer: str = ""
    took: int = 0
    silent: bool = False


class Trouble(Exception):
    """No connection was made; the text says why. No OSError: what carries the call would dress that as its own."""


def look_up(host: str, port: int) -> list:
    """Return where a name leads, each place judged. One that leads into a private network as well leads nowhere."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise Trouble("There is no such host: its name leads nowhere.") from None
    if not is_ours(host, port) and not all(is_public(str(place[4][0])) for place in found):
        raise Trouble("Its name leads into a private network: nothing was sent there.")
    return found


class Calls:
    """The connections of one call, and the clock that ends them."""

    def __init__(self):
        self.twins: list = []
        self.over = False
        self.clock = threading.Timer(WHOLE, self.end)
        self.clock.daemon = True

    def connect(self, host, port):
        """Return a socket to where a name leads now."""
        for family, kind, protocol, _, place in look_up(host, port)[:2]:
            line = socket.socket(family, kind, protocol)
            line.settimeout(CONNECT)
            try:
                line.connect(place)
            except TimeoutError:
                line.close()
                trouble = f"It could not be reached within {CONNECT} seconds."
            except OSError:
                line.close()
                trouble = "Nobody listens there."
            else:
                line.settimeout(READ)
                self.twins.append(line.dup())
                return line
        raise Trouble(trouble)

    def end(self):
        self.over = True
        for twin in self.twins:
            try:
                twin.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def close(self):
        self.clock.cancel()
        for twin in self.twins:
            twin.close()


def adapter(calls: Calls) -> HTTPAdapter:
    """Return what carries a call over the connections that `calls` makes, tried once."""

    class Plain(HTTPConnection):
        def _new_conn(self):
            return calls.connect(self._dns_host, self.port)

    class Secure(HTTPSConnection):
        def _new_conn(self):
            return calls.connect(self._dns_host, self.port)

    class PlainPool(HTTPConnectionPool):
        ConnectionCls = Plain

    class SecurePool(HTTPSConnectionPool):
        ConnectionCls = Secure

    made = HTTPAdapter(max_retries=0)
    made.poolmanager.pool_classes_by_scheme = {"http": PlainPool, "https": SecurePool}
    return made


def post(url: str, body: bytes, headers: dict) -> Outcome:
    """Send a body, and say what came of it. Never raises."""
    began, calls = time.monotonic(), Calls()
    calls.clock.start()
    try:
        refuse_address(url)  # what may be told can have changed since it was typed
        outcome = answer_to(url, body, headers, calls)
    except Trouble as trouble:
        outcome = Outcome(said=str(trouble), silent=True)
    except ValidationError as refusal:
        outcome = Outcome(said=" ".join(refusal.messages), silent=True)
    except requests.exceptions.SSLError as trouble:
        outcome = Outcome(said=f"Its certificate was refused: {reason_of(trouble)}"[:300], silent=True)
    except requests.exceptions.Timeout:
        outcome = Outcome(said=f"It did not answer within {READ} seconds.", silent=True)
    except requests.exceptions.RequestException:
        outcome = Outcome(said="The connection broke off before it answered.", silent=True)
    except Exception as trouble:
        outcome = Outcome(said=f"It could not be sent: {type(trouble).__name__}.", silent=True)
    finally:
        calls.close()
    if calls.over and not outcome.status:
        outcome = Outcome(said=f"It did not answer within {WHOLE} seconds.", silent=True)
    outcome.took = int((time.monotonic() - began) * 1000)
    return outcome


def answer_to(url, body, headers, calls) -> Outcome:
    with requests.Session() as session:
        session.trust_env = False
        for scheme in ("http://", "https://"):
            session.mount(scheme, adapter(calls))
        given = {"Content-Type": "application/json", "User-Agent": "ZartsAlgo-Hooks/1", "Accept-Encoding": "identity"}
        with session.post(
            url, data=body, headers=given | headers, timeout=(CONNECT, READ), allow_redirects=False, stream=True
        ) as answer:
            status = answer.status_code
            try:
                read = answer.raw.read(MOST_READ, decode_content=False)
            except Exception:
                read = b""  # it said yes or no; what it says beside that, it need not finish
            ok = 200 <= status < 300
            return Outcome(ok, status, "" if ok else said_of(status), kept(read), silent=status in (429, 503))


def said_of(status: int) -> str:
    """Say what a status means that is no yes."""
    if 300 <= status < 400:
        return f"It answered with a redirect ({status}), and those are not followed. Change the address."
    return f"It answered {status}."


def kept(read: bytes) -> str:
    """Return the first letters of an answer, as they can be shown."""
    return UNPRINTABLE.sub("", read.decode("utf-8", "replace"))[:MOST_KEPT]


def reason_of(trouble) -> str:
    """Return in a few words why a certificate was refused."""
    words = str(trouble)
    found = [each for each in ("self-signed", "self signed", "expired", "doesn't match", "mismatch") if each in words]
    return f"it is {found[0]}." if found and "match" not in found[0] else "it is not one for this host, or not known."
