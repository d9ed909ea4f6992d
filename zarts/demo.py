"""Run everything on this machine, for a newcomer: `make demo`.

Starts the servers, both surfaces, the worker, beat and a mail catcher, says when they answer, and stops them
all on Ctrl-C. The data stays in DATA_DIR for the next time.
"""

import fcntl
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path

import psutil

from zarts import embedded

BASE_DIR = Path(__file__).resolve().parent.parent
HOST = "127.0.0.1"
RESTARTS = 3
TIME_TO_STOP = 6
TIME_TO_START = 60


class Stop(Exception):
    """The demo ends here; the text says why, where there is a why."""


def main():
    try:
        port = int(os.environ.get("PORT") or 8000)
        if not 1 <= port < 65535:
            raise ValueError
        demo = Demo(Path(os.environ.get("DATA_DIR") or BASE_DIR / ".data").resolve(), port)
    except ValueError:
        return f"PORT is “{os.environ['PORT']}”. Set it to a number from 1 to 65534, such as 8000."
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, demo.ask_to_stop)
    try:
        demo.run()
    except (Stop, embedded.CannotStart) as why:
        return str(why) or 0
    finally:
        demo.stop()
    return 0


class Demo:
    def __init__(self, home, port):
        self.home, self.port = home, port
        self.site, self.portal = f"http://localhost:{port}", f"http://localhost:{port + 1}"
        self.children = []
        self.catcher = None
        self.stopping, self.asked = threading.Event(), 0.0
        self.env = {name: value for name, value in os.environ.items() if name not in ("DEBUG", "SURFACE", "PORT")} | {
            "DATA_DIR": str(home),
            "SITE_URL": self.site,
            "PORTAL_URL": self.portal,
            # Its own receiver of webhooks.
            "HOOKS_OWN_HOSTS": f"localhost:{port}",
            "DJANGO_SETTINGS_MODULE": "zarts.settings",
            "PYTHONUNBUFFERED": "1",
        }

    def run(self):
        """Go through the steps, say “ready”, and watch over the children until somebody stops the demo."""
        began = time.monotonic()
        self.claim()
        self.step("servers", self.start_servers)
        self.step("tables", lambda: self.command("migrate", "migrate"))
        self.step("pages", lambda: self.command("collectstatic", "collectstatic", "--no-input"))
        if os.environ.get("DEMO_DATA") != "0":
            self.step("demo agency", lambda: self.command("seed_demo", "seed_demo"))
        self.step("processes", self.start_children)
        say(f"\nready in {time.monotonic() - began:.1f} s\n")
        say(f"  Staff surface    {self.site}/admin/")
        say(f"  Public surface   {self.portal}/")
        say(f"  Caught mails     {self.home / 'mail'}")
        sign_ins = self.home / "sign-ins.txt"
        if sign_ins.exists():
            say("\n" + sign_ins.read_text().rstrip())
        say("\nCtrl-C stops everything; the data stays for the next time.")
        while True:
            self.watch()

    # -- Before anything starts. ---------------------------------------------------------------------------------------

    def claim(self):
        """Make sure that this is the only demo here, and that both ports are free."""
        try:
            for folder in ("log", "mail"):
                (self.home / folder).mkdir(parents=True, exist_ok=True)
            self.lock = embedded.lock(self.home / "demo.lock", fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Stop(
                f"A demo is running already on {self.home}. Stop it with Ctrl-C, or set another DATA_DIR."
            ) from None
        except PermissionError as error:
            raise Stop(f"{error.filename} belongs to another user: remove it, or set another DATA_DIR.") from None
        self.end_leftovers()
        for port in (self.port, self.port + 1):
            if not is_free(port):
                raise Stop(f"Port {port} is taken. Choose another: make demo PORT={self.port + 100}")

    def end_leftovers(self):
        """End the children of a demo that was killed before it could."""
        for pid, born in self.remembered():
            try:
                child = psutil.Process(pid)
                if child.create_time() == born:
                    end_group(pid)
                    while child.is_running() and child.status() != psutil.STATUS_ZOMBIE:
                        self.pause(0.05)
            except psutil.Error:
                continue

    def remembered(self):
        try:
            return json.loads((self.home / "children.json").read_text())
        except (OSError, ValueError):
            return []

    def remember(self):
        born = [[child.process.pid, child.born] for child in self.children]
        (self.home / "children.json").write_text(json.dumps(born))

    # -- The steps. ----------------------------------------------------------------------------------------------------

    def step(self, name, do):
        say(f"{name:<14}", end="")
        began = time.monotonic()
        do()
        say(f"{time.monotonic() - began:5.1f} s")

    def start_servers(self):
        if not any(self.env.get(f"{part}DATABASE_URL") for part in ("", "PORTAL_", "OWNER_")):
            embedded.attach(self.home)
        if not self.env.get("EMAIL_URL"):
            self.catcher = catch_mail(self.home / "mail")
            self.env["EMAIL_URL"] = f"smtp://{HOST}:{self.catcher.port}"
            self.env["CAUGHT_MAIL_DIR"] = str(self.home / "mail")

    def command(self, name, *words):
        """Run one of manage.py's commands to its end. A stop ends it early."""
        child = Child(self, name, ["manage.py", *words], {})
        self.children.append(child)
        self.remember()
        while child.process.poll() is None:
            self.pause(0.05)
        self.children.remove(child)
        if child.process.returncode:
            raise Stop(f"\n{child.last_words()}\nThe step “{name}” did not succeed. All that it said: {child.log}")

    def start_children(self):
        for name, words, env in self.processes():
            self.children.append(Child(self, name, words, env))
            self.remember()
        deadline = time.monotonic() + TIME_TO_START
        serving = [env["BIND"] for _, _, env in self.processes() if "BIND" in env]
        waiting = [f"http://{place}/{page}" for place in serving for page in ("healthz", "readyz")]
        while waiting := [url for url in waiting if not says_yes(url)]:
            if time.monotonic() > deadline:
                logs = "\n".join(child.last_words() for child in self.children)
                raise Stop(f"\n{logs}\nNo good answer within {TIME_TO_START} s: {', '.join(waiting)}")
            self.watch()

    def processes(self):
        gunicorn = ["-m", "gunicorn", "-c", "zarts/gunicorn.py", "zarts.wsgi"]
        celery = ["-m", "celery", "--quiet", "-A", "zarts.celery"]
        quiet = ["--loglevel", "warning"]
        return [
            ("staff", gunicorn, {"SURFACE": "admin", "BIND": f"{HOST}:{self.port}"}),
            ("portal", gunicorn, {"SURFACE": "portal", "BIND": f"{HOST}:{self.port + 1}"}),
            ("worker", [*celery, "worker", "--concurrency=2", "--without-gossip", "--without-mingle", *quiet], {}),
            ("pump", ["manage.py", "pump"], {}),
            ("beat", [*celery, "beat", "--pidfile=", *quiet], {}),
        ]

    # -- While it runs, and the end. -----------------------------------------------------------------------------------

    def watch(self):
        """Wait a little, and start what has died again, up to three times each."""
        self.pause(0.2)
        for child in self.children:
            if child.process.poll() is None:
                continue
            end_group(child.process.pid)
            said = f"{child.last_words()}\nThe process “{child.name}” ended ({child.process.returncode})"
            if child.restarts == RESTARTS:
                raise Stop(f"\n{said} for the {RESTARTS + 1}th time. All that it said: {child.log}")
            say(f"\n{said} and is started again.")
            child.restarts += 1
            child.start()
            self.remember()

    def pause(self, seconds):
        if self.stopping.wait(seconds):
            raise Stop

    def ask_to_stop(self, number, frame):
        if not self.stopping.is_set():
            say("\nstopping …")
            self.asked = time.monotonic()
            self.stopping.set()
        elif time.monotonic() - self.asked > 1:  # asked again, and not an echo of the first, as make sends: kill
            for child in self.children:
                end_group(child.process.pid)

    def stop(self):
        """End everything, and let the servers go."""
        self.end_children()
        embedded.release()

    def end_children(self):
        """End every child, beat first. What does not end in time is killed."""
        for child in reversed(self.children):
            if child.process.poll() is None:
                child.process.terminate()
        deadline = time.monotonic() + TIME_TO_STOP
        for child in self.children:
            while child.process.poll() is None and time.monotonic() < deadline:
                time.sleep(0.05)
            end_group(child.process.pid)
            child.process.wait()
        if self.catcher:
            self.catcher.stop()


class Child:
    """A process of the demo, in a group of its own, with its log."""

    def __init__(self, demo, name, words, env):
        self.name, self.words, self.env = name, words, demo.env | env
        self.log = demo.home / "log" / f"{name}.log"
        self.restarts = 0
        self.log.write_bytes(b"")
        self.start()

    def start(self):
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, *self.words],
                cwd=BASE_DIR,
                env=self.env,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # Ctrl-C reaches the demo only, which then stops them in order
            )
        try:
            self.born = psutil.Process(self.process.pid).create_time()
        except psutil.Error:  # gone already: `watch` will say so
            self.born = 0

    def last_words(self):
        return "\n".join(f"  {self.name} | {line}" for line in self.log.read_text(errors="replace").splitlines()[-15:])


class Mailbox:
    """Keep each caught mail as a file of its own; the name sorts by time."""

    def __init__(self, folder):
        self.folder = folder

    async def handle_DATA(self, server, session, envelope):
        name = f"{time.time_ns()}.eml"
        part = self.folder / f"{name}.part"
        part.write_bytes(envelope.original_content)
        part.rename(self.folder / name)  # nobody reads half a mail
        return "250 Caught"


def catch_mail(folder):
    """Catch every mail that the demo sends, so that none leaves this machine."""
    from aiosmtpd.controller import Controller

    catcher = Controller(Mailbox(folder), hostname=HOST, port=free_port())
    catcher.start()
    return catcher


def end_group(pid):
    """Kill what is left of a process and its own children."""
    try:
        os.killpg(pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        pass


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return probe.getsockname()[1]


def is_free(port):
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except (OSError, OverflowError):
            return False
    return True


def says_yes(url):
    try:
        with urllib.request.urlopen(url, timeout=3) as answer:  # noqa: S310 our own address
            return answer.status == 200
    except (OSError, urllib.error.URLError):
        return False


def say(text, end="\n"):
    print(text, end=end, flush=True)


if __name__ == "__main__":
    sys.exit(main())
