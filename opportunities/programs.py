"""The program through which something is written just now: the diary names it beside whoever it acts for."""

from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass


@dataclass(frozen=True)
class Program:
    """A program of ours. One of a member of staff acts as them; a service acts as itself."""

    name: str
    is_service: bool = False

    def __str__(self):
        return f"Program {self.name}"


NOW: ContextVar[Program | None] = ContextVar("program", default=None)


@contextmanager
def at_work(program: Program):
    """Have the diary say, of all that is written meanwhile, that this program did it."""
    token = NOW.set(program)
    try:
        yield
    finally:
        NOW.reset(token)
