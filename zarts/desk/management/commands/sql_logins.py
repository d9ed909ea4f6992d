from django.core.management.base import BaseCommand
from django.db import connection

from zarts.desk import logins


class Command(BaseCommand):
    help = "Print the SQL that makes the logins, for a database whose owner may not create roles."
    requires_migrations_checks = False

    def handle(self, *args, **options):
        for name in logins.NAMES:
            self.stdout.write(logins.creation(name).as_string(connection.connection) + ";")
        self.stdout.write(logins.joining().as_string(connection.connection) + ";")
