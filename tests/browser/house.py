"""The whole house on a test's database: both surfaces, worker, beat and a mail catcher, as `make demo` runs them."""

import os
from secrets import token_urlsafe
from urllib.parse import quote, urlsplit

from django.conf import settings

from tests import database
from tests.browser.mailbox import Mailbox
from tests.browser.people import two_ports
from zarts.demo import Demo, Stop

# The tests' broker serves others too; each worker's house has a room of its own in it.
REDIS_ROOM = 9 + int(os.environ.get("PYTEST_XDIST_WORKER", "gw0")[2:]) % 6


class House(Demo):
    """Real processes, each with the login that it has in a deployment."""

    def __init__(self, home):
        super().__init__(home, two_ports())
        self.env.pop("EMAIL_URL", None)  # so that it catches its own mail
        self.env |= {
            "DATABASE_URL": address("default"),
            "PORTAL_DATABASE_URL": address("portal"),
            "REDIS_URL": broker(),
            # Who comes in with a session of the test's is known here.
            "SECRET_KEY": settings.SECRET_KEY,
            "PORTAL_SECRET_KEY": token_urlsafe(48),
            "WEB_WORKERS": "1",
            "SEAL_KEY": settings.SEAL_KEY,
            "SEAL_CERT": settings.SEAL_CERT,
        }

    def open(self):
        for folder in ("log", "mail"):
            (self.home / folder).mkdir()
        self.mailbox = Mailbox(self.home / "mail")
        self.start_servers()
        self.start_children()

    def close(self):
        self.end_children()

    def words(self) -> str:
        """Return what the processes said last."""
        return "\n".join(child.last_words() for child in self.children)

    def watch(self):
        """A process that dies in a test is a fault of the test's, not something to mend."""
        self.pause(0.1)
        for child in self.children:
            if child.process.poll() is not None:
                raise Stop(f"\n{child.last_words()}\nThe process “{child.name}” ended.")


class PublicSide(House):
    """The public surface alone: what comes in there waits for whoever reads it."""

    def processes(self):
        return [process for process in super().processes() if process[0] == "portal"]


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
