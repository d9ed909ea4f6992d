"""Two things in turn, and the ratio between them; with the first against itself as the control."""

import gc
import statistics
import time
from dataclasses import dataclass

ROUNDS = 5
TRIES = 4


@dataclass
class Ratio:
    """What came of a comparison. Times in milliseconds."""

    value: float
    control: float
    base: float
    other: float

    @property
    def counts(self) -> bool:
        return 0.95 <= self.control <= 1.05


def time_of(act) -> float:
    begin = time.perf_counter()
    act()
    return (time.perf_counter() - begin) * 1000


def compare(base, other, *, times=40, of=statistics.median) -> Ratio:
    """Return other : base. Runs them in turn, A B A …, in rounds; repeats a run whose control strays."""
    for act in (base, other):
        for _ in range(10):
            act()
    for _ in range(TRIES):
        ratios, controls, bases, others = [], [], [], []
        for _ in range(ROUNDS):
            first, second, third = [], [], []
            gc.collect()
            gc.disable()
            for _ in range(times):
                first.append(time_of(base))
                second.append(time_of(other))
                third.append(time_of(base))
            gc.enable()
            both = (of(first) + of(third)) / 2
            ratios.append(of(second) / both)
            controls.append(of(third) / of(first))
            bases.append(both)
            others.append(of(second))
        found = Ratio(*(statistics.median(column) for column in (ratios, controls, bases, others)))
        if found.counts:
            break
    return found


def p95(times) -> float:
    return sorted(times)[int(len(times) * 0.95)]
