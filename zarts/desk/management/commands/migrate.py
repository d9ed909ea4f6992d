from django.core.management.commands import migrate
from django.db import connections


class Command(migrate.Command):
    """`migrate`, as the owner: the application's own login may not change tables."""

    def add_arguments(self, parser):
        super().add_arguments(parser)
        if "owner" in connections:
            parser.set_defaults(database="owner")
