from django.core.management.base import BaseCommand

from handoff.house import furnish


class Command(BaseCommand):
    help = "Add the services, clauses, approval rules and providers of a new installation. Safe to run again."

    def handle(self, *args, **options):
        self.stdout.write(f"{furnish()} added.")
