"""The processes, and what befalls them."""

import os
import random
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

from .child import Notes

ROOT = Path(__file__).resolve().parent.parent.parent
WEB = ["gunicorn", "-c", "zarts/gunicorn.py", "zarts.wsgi"]
CELERY = ["celery", "--quiet", "-A", "zarts.celery"]
HOUR = 3600
# So many of the processes send mail, each one at a time.
SENDERS = 4
# At these points a process stands still for longer than a mail is lent: it has claimed one, or handed it over.
STANDSTILLS = ("claim", "hand_over")


class Process:
    """One process that is started again whenever it is gone."""

    def __init__(self, name, command, env=None, *, log=subprocess.DEVNULL):
        self.name, self.command, self.env, self.log = name, command, env, log
        self.start()

    def start(self):
        self.running = subprocess.Popen(
            self.command,
            cwd=ROOT,
            env=self.env,
            stdin=subprocess.DEVNULL,
            stdout=self.log,
            stderr=self.log,
            start_new_session=True,
        )

    @property
    def is_gone(self) -> bool:
        return self.running.poll() is not None

    def signal(self, number):
        with suppress(ProcessLookupError):
            os.killpg(self.running.pid, number)

    def kill(self):
        self.signal(signal.SIGKILL)
        self.running.wait()


class House:
    """Processes of the product, what is done to them, and which of them died without that."""

    def __init__(self, processes, notes, lease):
        self.processes, self.notes, self.lease = processes, notes, lease
        self.faults: list[str] = []
        self.crashes: list[str] = []
        self.kills = self.thawed = 0
        self.dice, self.over, self.striker = random.Random(11), threading.Event(), None

    def be_struck(self, place, *, every):
        """Kill, freeze, and take away the database and the broker, until `calm` is called."""
        for name in STANDSTILLS:
            self.notes.order(f"freeze-{name}")
        self.striker = threading.Thread(target=self.strike, args=(place, every), daemon=True)
        self.striker.start()

    def strike(self, place, every):
        blows = [self.kill_one] * 6 + [self.freeze_one] * 2 + [self.stand_still]
        blows += [place.flush, place.restart_broker, place.stop_database]
        while not self.over.wait(self.dice.uniform(every / 2, every * 3 / 2)):
            for process in self.processes:
                self.mend(process)
            blow = self.dice.choice(blows)
            self.faults.append(blow.__name__)
            blow()
            self.thaw()  # after the blow, so that whoever is woken has a moment to go on

    def kill_one(self):
        process = self.dice.choice(self.who_moves())
        self.mend(process)  # one that died by itself is not counted as killed
        self.kills += 1
        process.kill()
        process.start()

    def freeze_one(self):
        process = self.dice.choice(self.who_moves())
        process.signal(signal.SIGSTOP)
        self.over.wait(self.dice.uniform(1, 4))
        process.signal(signal.SIGCONT)

    def who_moves(self) -> list[Process]:
        """Return the processes that stand still at no point: the others are left alone until they are woken."""
        still = set()
        for line in self.notes.read("froze")[self.thawed :]:
            with suppress(ProcessLookupError):
                still.add(os.getpgid(int(line.split()[0])))
        return [process for process in self.processes if process.running.pid not in still]

    def stand_still(self):
        """Have the next process at a point freeze there; one at a time, that the others get on."""
        if len(self.notes.read("froze")) == self.thawed:
            self.notes.order(f"freeze-{self.dice.choice(STANDSTILLS)}")

    def thaw(self):
        """Let those go on whose mail is no longer lent to them, since so long that others saw it."""
        for line in self.notes.read("froze")[self.thawed :]:
            pid, since = line.split()
            if time.monotonic() - float(since) < self.lease + 3 and not self.over.is_set():
                return
            self.thawed += 1
            with suppress(ProcessLookupError):
                os.kill(int(pid), signal.SIGCONT)

    def waits_for_somebody(self, left) -> bool:
        """Whether somebody stands still, or is to do so first at each point while there is work left."""
        return len(self.notes.read("froze")) > self.thawed or bool(left and self.thawed < len(STANDSTILLS))

    def watch(self):
        """Start again what is gone, as a deployment does, and note which of them nobody killed."""
        self.thaw()
        for process in self.processes:
            self.mend(process)

    def mend(self, process):
        if not process.is_gone:
            return
        if str(process.running.pid) not in self.notes.read("died"):
            self.crashes.append(f"{process.name} ended by itself with {process.running.returncode}")
        process.signal(signal.SIGKILL)  # its children
        process.start()

    def calm(self):
        """End the faults. What lives goes on as it is: nothing is started again to help it."""
        self.over.set()
        if self.striker:
            self.striker.join()
        self.notes.order("calm")
        for process in self.processes:
            process.signal(signal.SIGCONT)

    def rest_without(self, place):
        """Take the database away once more, while nobody has anything to do: they wait for it, and live."""
        place.stop_database()
        time.sleep(2)
        self.watch()

    def close(self):
        self.over.set()
        for process in self.processes:
            process.signal(signal.SIGCONT)
            process.signal(signal.SIGTERM)
        until = time.monotonic() + 3
        for process in self.processes:
            with suppress(subprocess.TimeoutExpired):
                process.running.wait(max(0.05, until - time.monotonic()))
            process.kill()

    @property
    def deaths(self) -> int:
        return self.kills + len(self.notes.read("died"))


def a_house(env, *, port, chance, lease, log=subprocess.DEVNULL) -> House:
    """Return workers, beats, pumps and the staff's web server, with clocks that are up to two hours apart."""
    environment = {**os.environ, **env, "DJANGO_SETTINGS_MODULE": "zarts.settings", "PYTHONUNBUFFERED": "1"}
    notes = Notes(Path(env["DATA_DIR"]) / "notes")
    worker = [*CELERY, "worker", "--concurrency=1", "--without-gossip", "--without-mingle", "--loglevel=critical"]
    beat = [*CELERY, "beat", "--pidfile=", "--loglevel=critical"]
    pump = ["manage", "pump"]
    rows = [("worker one", [*worker, "-n", "one@%h"], 0), ("worker two", [*worker, "-n", "two@%h"], HOUR)]
    rows += [("beat one", [*beat, "-s", f"{env['DATA_DIR']}/beat-1"], 0)]
    rows += [("beat two", [*beat, "-s", f"{env['DATA_DIR']}/beat-2"], -HOUR)]
    rows += [("pump one", pump, HOUR), ("pump two", pump, -HOUR), ("web", WEB, 0)]
    environment |= {"SURFACE": "admin", "BIND": f"127.0.0.1:{port}", "WEB_WORKERS": "1"}
    child = [sys.executable, "-m", "tests.faults.child"]
    processes = []
    for name, words, shift in rows:
        given = [str(shift), str(0 if "beat" in name else chance), str(lease), str(notes.home)]
        processes.append(Process(name, [*child, *given, *words], environment, log=log))
    return House(processes, notes, lease)
