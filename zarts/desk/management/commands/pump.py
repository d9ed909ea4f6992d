import signal
import threading

from django.core.management.base import BaseCommand

from zarts.desk import pump


class Command(BaseCommand):
    help = "Do due work, round after round, without a broker. Any number of these may run, beside workers or alone."

    def handle(self, **options):
        stop = threading.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: stop.set())
        pump.run(stop)
