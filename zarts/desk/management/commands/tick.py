from django.core.management.base import BaseCommand, CommandError

from zarts.desk import due


class Command(BaseCommand):
    help = "Run one round of due work: follow-ups, mail, the clients' inbox, clocks and expiries."

    def handle(self, **options):
        done, failed = due.run()
        for name, result in done.items():
            self.stdout.write(f"{name}: {result}")
        if failed:
            raise CommandError(f"These parts failed, see the log: {', '.join(failed)}.")
