"""The whole house on a test's database: both surfaces, worker, beat and a mail catcher, as `make demo` runs them."""

import re
import socket
import time
from email import message_from_bytes, policy
from secrets import token_urlsafe
from urllib.parse import quote, urlsplit

from django.conf import settings

from tests import database
from zarts.demo import HOST, Demo, Stop, is_free

# The tests' broker serves others too; this is the browser tests' own room in it.
REDIS_ROOM = 9
LINK = re.compile(r"https?://\S+")


class House(Demo):
    """Real processes, each with the login that it has in a deployment."""

    def __init__(self, home):
        super().__init__(home, two_ports())
        self.env.pop("EMAIL_URL", None)  # so that it catches its own mail
        self.env |= {
            "DATABASE_URL": address("default"),
            "PORTAL_DATABASE_URL": address("portal"),
            "REDIS_URL": broker(),
            "SECRET_KEY": token_urlsafe(48),
            "PORTAL_SECRET_KEY": token_urlsafe(48),
            "WEB_WORKERS": "1",
        }

    def open(self):
        for folder in ("log", "mail"):
            (self.home / folder).mkdir()
        self.start_servers()
        self.start_children()

    def close(self):
        self.end_children()

    def mail_to(self, address, about, *, wait=20):
        """Wait for the newest mail to somebody about something, and return its text."""
        deadline = time.monotonic() + wait
        while time.monotonic() < deadline:
            for file in sorted((self.home / "mail").glob("*.eml"), reverse=True):
                mail = message_from_bytes(file.read_bytes(), policy=policy.default)
                if address in mail["To"] and about in mail["Subject"]:
                    file.rename(file.with_suffix(".read"))
                    return mail.get_body().get_content()
            self.watch()
        raise AssertionError(f"No mail to {address} about “{about}” within {wait} s.\n{self.words()}")

    def link_in(self, mail, part) -> str:
        """Return the link of a mail whose address holds this part."""
        return next(link for link in LINK.findall(mail) if part in link)

    def words(self) -> str:
        """Return what the processes said last."""
        return "\n".join(child.last_words() for child in self.children)

    def watch(self):
        """A process that dies in a test is a fault of the test's, not something to mend."""
        self.pause(0.1)
        for child in self.children:
            if child.process.poll() is not None:
                raise Stop(f"\n{child.last_words()}\nThe process “{child.name}” ended.")


def two_ports() -> int:
    """Return a free port whose neighbour is free too."""
    while True:
        with socket.socket() as probe:
            probe.bind((HOST, 0))
            port = probe.getsockname()[1]
        if port < 65534 and is_free(port) and is_free(port + 1):
            return port


def address(alias) -> str:
    """Return the URL of this worker's database for a login."""
    own = {name: quote(str(value), safe="") for name, value in database.own(alias).items()}
    login = own["user"] + (f":{own['password']}" if "password" in own else "")
    port = f":{own['port']}" if "port" in own else ""
    return f"postgresql://{login}@{port}/{database.OWN}" + (f"?host={own['host']}" if "host" in own else "")


def broker() -> str:
    url = urlsplit(settings.REDIS_URL)
    if "socket" in url.scheme:
        return f"{settings.REDIS_URL}?virtual_host={REDIS_ROOM}"
    return url._replace(path=f"/{REDIS_ROOM}").geturl()
