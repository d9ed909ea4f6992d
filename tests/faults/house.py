"""The processes, and what befalls them."""

import os
import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
CELERY = ["celery", "--quiet", "-A", "zarts.celery"]
HOUR = 3600


class Process:
    """One process that is started again whenever it is gone."""

    def __init__(self, name, words, env, *, shift=0, chance=0.0, log=subprocess.DEVNULL):
        self.name, self.env, self.log = name, env, log
        self.words = [sys.executable, "-m", "tests.faults.child", str(shift), str(chance), *words]
        self.deaths = 0
        self.start()

    def start(self):
        self.running = subprocess.Popen(
            self.words,
            cwd=ROOT,
            env=self.env,
            stdin=subprocess.DEVNULL,
            stdout=self.log,
            stderr=self.log,
            start_new_session=True,
        )

    def signal(self, number):
        try:
            os.killpg(self.running.pid, number)
        except ProcessLookupError:
            pass

    def kill(self):
        self.deaths += 1
        self.signal(signal.SIGKILL)
        self.running.wait()

    def mend(self):
        if self.running.poll() is not None:
            self.deaths += 1
            self.signal(signal.SIGKILL)  # its children
            self.start()


class House:
    """Workers, beats and pumps on one database and one broker, with clocks that are up to two hours apart."""

    def __init__(self, env, *, chance, log=subprocess.DEVNULL):
        environment = {**os.environ, **env, "DJANGO_SETTINGS_MODULE": "zarts.settings", "PYTHONUNBUFFERED": "1"}
        worker = [*CELERY, "worker", "--concurrency=1", "--without-gossip", "--without-mingle", "--loglevel=critical"]
        beat = [*CELERY, "beat", "--pidfile=", "--loglevel=critical"]
        pump = ["manage", "pump"]
        rows = [("worker one", [*worker, "-n", "one@%h"], 0), ("worker two", [*worker, "-n", "two@%h"], HOUR)]
        rows += [("beat one", [*beat, "-s", f"{env['DATA_DIR']}/beat-1"], 0)]
        rows += [("beat two", [*beat, "-s", f"{env['DATA_DIR']}/beat-2"], -HOUR)]
        rows += [("pump one", pump, HOUR), ("pump two", pump, -HOUR)]
        self.processes = [
            Process(name, words, environment, shift=shift, chance=chance if "beat" not in name else 0, log=log)
            for name, words, shift in rows
        ]
        self.over = threading.Event()

    def be_struck(self, place, *, every, seed=11):
        """Kill, freeze, and take away the database and the broker, until `calm` is called."""
        self.dice, self.faults = random.Random(seed), []
        self.striker = threading.Thread(target=self.strike, args=(place, every), daemon=True)
        self.striker.start()

    def strike(self, place, every):
        blows = [self.kill_one] * 6 + [self.freeze_one] * 2 + [place.flush, place.restart_broker, place.stop_database]
        while not self.over.wait(self.dice.uniform(every / 2, every * 3 / 2)):
            for process in self.processes:
                process.mend()
            blow = self.dice.choice(blows)
            self.faults.append(blow.__name__)
            blow()

    def kill_one(self):
        process = self.dice.choice(self.processes)
        process.kill()
        process.start()

    def freeze_one(self):
        process = self.dice.choice(self.processes)
        process.signal(signal.SIGSTOP)
        self.over.wait(self.dice.uniform(1, 4))
        process.signal(signal.SIGCONT)

    def calm(self):
        """Let everything be well from now on."""
        self.over.set()
        self.striker.join()
        for process in self.processes:
            process.signal(signal.SIGCONT)
            process.words[4] = "0"
            process.kill()
            process.start()

    def watch(self):
        for process in self.processes:
            process.mend()

    def close(self):
        self.over.set()
        for process in self.processes:
            process.signal(signal.SIGCONT)
            process.signal(signal.SIGTERM)
        until = time.monotonic() + 3
        for process in self.processes:
            try:
                process.running.wait(max(0.05, until - time.monotonic()))
            except subprocess.TimeoutExpired:
                pass
            process.signal(signal.SIGKILL)
            process.running.wait()

    @property
    def deaths(self) -> int:
        return sum(process.deaths for process in self.processes)
