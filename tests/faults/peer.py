"""A mail server that counts what it took, and that is as unkind as mail servers are."""

import random
import threading
from collections import Counter
from email import message_from_bytes

from aiosmtpd.controller import Controller

from zarts.demo import free_port


class Peer:
    """Takes mail. Now and then it asks to come back later, refuses one, or takes one and does not say so.

    Then it hangs up, or what it says cannot be read.
    """

    def __init__(self, *, later=0.01, silent=0.005, refuses=0.001, seed=7):
        self.later, self.silent, self.refuses, self.random = later, silent, refuses, random.Random(seed)
        self.took: Counter = Counter()
        self.silences = self.refusals = 0
        self.lock = threading.Lock()
        self.kind = False
        self.port = free_port()
        self.controller = Controller(self, hostname="127.0.0.1", port=self.port)

    async def handle_DATA(self, server, session, envelope):
        number = message_from_bytes(envelope.content)["Message-ID"]
        with self.lock:
            chance = 1.0 if self.kind else self.random.random()
            if (chance := chance - self.later) < 0:
                return "451 Come back later"
            if (chance := chance - self.refuses) < 0:
                self.refusals += 1
                return "550 Nobody of that name"
            self.took[number] += 1
            if is_silent := chance < self.silent:
                self.silences += 1
        if is_silent and self.silences % 2:
            return "25"
        if is_silent:
            server.transport.abort()
        return "250 Taken"

    def start(self):
        self.controller.start()
        return self

    def stop(self):
        self.controller.stop()
