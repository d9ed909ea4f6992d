"""One run: make the items, let the house be struck while it works them off, and count what came of each."""

import subprocess
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from urllib.error import HTTPError
from urllib.request import urlopen

import psycopg

from zarts.demo import free_port

from . import items
from .house import SENDERS, a_house
from .peer import Peer

# All is done within so many seconds of the last fault, or of the hour to which the mail server put it off. What it put
# off is waited for, in all so many seconds.
RECOVERY, LONGEST = 60, 1800


@dataclass
class Outcome:
    """What came of a run, in items and seconds."""

    items: int
    lost: int
    twice: int
    uncertain: int
    failed: int
    recovery: float
    took: float
    deaths: int
    # From the last fault to the last item, in seconds: longer than the recovery where the mail server put some off.
    waited: float = 0
    # What the mail server did: mails that it took without a word, and that it refused for good.
    silences: int = 0
    refusals: int = 0
    # What nobody killed and is gone all the same, and how often a standstill came out either way.
    crashes: list[str] = field(default_factory=list)
    too_late: int = 0
    # What the staff's web server said when it was asked whether it is ready: by status, 0 for no answer; the last one.
    asked: Counter = field(default_factory=Counter)
    ready: int = 200
    heard_late: int = 0
    faults: Counter = field(default_factory=Counter)

    @property
    def may_be_uncertain(self) -> int:
        """Return how many mails the faults can have left in doubt: whoever sends is at one mail at a time."""
        return self.silences + self.deaths + self.faults["stop_database"] * SENDERS

    @property
    def holds(self) -> bool:
        is_caused = self.uncertain <= self.may_be_uncertain and self.failed <= self.refusals
        stands = not self.crashes and self.ready == 200 and self.recovery <= RECOVERY
        return not self.lost and not self.twice and is_caused and stands

    def __str__(self):
        struck = ", ".join(f"{count} x {name}" for name, count in self.faults.most_common())
        return (
            f"{self.items:,} due items in {self.took:.0f} s, {self.deaths} processes died; {struck}\n"
            f"lost       {self.lost}\n"
            f"twice      {self.twice}\n"
            f"uncertain  {self.uncertain}, each listed (at most {self.may_be_uncertain})\n"
            f"failed     {self.failed}, each listed (at most {self.refusals})\n"
            f"crashed    {'; '.join(self.crashes) or 'none'}\n"
            f"too late   {self.too_late} handed nothing over, {self.heard_late} were heard late of what they had\n"
            f"web        ready {self.asked[200]} of {self.asked.total()} times, at the end {self.ready}\n"
            f"recovery   {self.recovery:.1f} s after the last fault, or its hour when put off (at most {RECOVERY})\n"
            f"waited     {self.waited:.1f} s for all, with what the mail server had put off"
        )


def run(
    place, count, *, every=1.5, chance=0.002, until=0.97, lease=30, patience=3600, log=subprocess.DEVNULL, say=None
) -> Outcome:
    """Work off `count` items that are in the database of this place. Return what came of them.

    Struck about every `every` seconds, until so much of the work is done and some stood still for longer than the
    `lease` of a mail; each named point is the last of its process with this chance.
    """
    peer = Peer().start()
    began = time.monotonic()
    env, port = {**place.env(), "EMAIL_URL": f"smtp://127.0.0.1:{peer.port}"}, free_port()
    house, visitor = a_house(env, port=port, chance=chance, lease=lease, log=log), Visitor(port)
    try:
        visitor.start()
        house.be_struck(place, every=every)
        while (left := open_items(place)) > count * (1 - until) or house.waits_for_somebody(left):
            if say:
                say(f"{count - left:,} of {count:,}, {house.deaths} deaths")
            if time.monotonic() - began > patience:
                break
            time.sleep(1)
        house.calm()
        peer.kind = True
        recovery, waited = work_off(place, house)
        house.rest_without(place)
        return outcome(place, peer, count, (recovery, waited), time.monotonic() - began, house, visitor)
    finally:
        visitor.over.set()
        house.close()
        peer.stop()


class Visitor(threading.Thread):
    """Asks the staff's web server all the time whether it is ready, and counts its answers by their status."""

    def __init__(self, port):
        super().__init__(daemon=True)
        self.url, self.over, self.answers = f"http://127.0.0.1:{port}/readyz", threading.Event(), Counter()

    def run(self):
        while not self.over.wait(0.5):
            self.answers[self.ask()] += 1

    def ask(self) -> int:
        """Return the status of one answer, or 0 where nobody answers."""
        try:
            with urlopen(self.url, timeout=5) as answer:
                return answer.status
        except HTTPError as answer:
            return answer.code
        except OSError:
            return 0

    def in_the_end(self) -> int:
        """Return what it answers once it had as long to start as everything else has to recover."""
        until = time.monotonic() + RECOVERY
        while (answer := self.ask()) != 200 and time.monotonic() < until:
            time.sleep(0.5)
        return answer


def work_off(place, house) -> tuple[float, float]:
    """Let the rest be done after the last fault. Return by how much the last was late, and what was waited in all.

    An item is late since the last fault, or since the hour to which the mail server had put it off, if that is later.
    """
    calm, recovery = time.monotonic(), 0.0
    while open_items(place):
        late, ahead = asked(place, items.LATENESS)
        waited = time.monotonic() - calm
        recovery = max(recovery, min(late, waited))
        if recovery > RECOVERY * 3 or waited + ahead > LONGEST:
            break
        house.watch()
        time.sleep(0.2)
    return recovery, time.monotonic() - calm


def open_items(place) -> int:
    """Return how many items are neither done nor listed."""
    return asked(place, items.OPEN)[0]


def asked(place, query) -> tuple:
    """Return the row that answers. While the database is away, the answer is waited for."""
    while True:
        try:
            with place.connect() as connection:
                return connection.execute(query).fetchone()
        except psycopg.OperationalError:
            time.sleep(0.3)


def outcome(place, peer, count, rest, took, house, visitor) -> Outcome:
    with place.connect() as connection:
        lost = connection.execute(items.OPEN).fetchone()[0]
        uncertain, failed = (
            connection.execute(items.LISTED, {"stage": stage}).fetchone()[0] for stage in ("uncertain", "failed")
        )
        too_late, heard_late = (connection.execute(query).fetchone()[0] for query in (items.TOO_LATE, items.HEARD_LATE))
        # Whoever says that it went must be right: the server has it.
        sent = connection.execute(items.MAILS).fetchall()
    lost += sum(1 for number, stage in sent if stage == "sent" and not peer.took[number])
    twice = sum(1 for times in peer.took.values() if times > 1)
    return Outcome(
        items=count,
        lost=lost,
        twice=twice,
        uncertain=uncertain,
        failed=failed,
        recovery=rest[0],
        waited=rest[1],
        took=took,
        deaths=house.deaths,
        silences=peer.silences,
        refusals=peer.refusals,
        crashes=house.crashes,
        too_late=too_late,
        heard_late=heard_late,
        faults=Counter(house.faults),
        asked=visitor.answers,
        ready=visitor.in_the_end(),
    )
