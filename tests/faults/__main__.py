"""`make faults`: 20,000 due items under faults, on servers of its own. Prints lost, twice, uncertain, recovery time."""

import argparse
import os
import shutil
import sys
from pathlib import Path

HOME = Path(os.environ.get("DATA_DIR") or Path(__file__).resolve().parent.parent.parent / ".data" / "faults")


def main() -> int:
    parser = argparse.ArgumentParser(prog="faults", description=__doc__)
    parser.add_argument("--items", type=int, default=20_000)
    # A process needs some seconds to start: struck more often, it would do little else.
    parser.add_argument("--every", type=float, default=4, help="seconds between two faults, about")
    options = parser.parse_args()
    if HOME.exists():
        shutil.rmtree(HOME)  # of an earlier run; nothing else is ever kept there
    os.environ.update(DATA_DIR=str(HOME), DJANGO_SETTINGS_MODULE="zarts.settings")

    from .place import OwnServers

    place = OwnServers(HOME)
    os.environ.update(place.env(), EMAIL_URL="smtp://127.0.0.1:1")
    import django

    django.setup()
    furnish(place, options.items)
    from .run import run

    with (HOME / "processes.log").open("ab") as log:
        found = run(place, options.items, every=options.every, log=log, say=lambda words: print(words, flush=True))
    print(f"\n{found}")
    return 0 if found.holds else 1


def furnish(place, count):
    """Make the tables, somebody to own the deals, and the items."""
    from django.contrib.auth.models import Group
    from django.core.management import call_command
    from django.db import connections

    from opportunities.models import User

    from . import items

    print(f"Making {count:,} due items …", flush=True)
    call_command("migrate", verbosity=0)
    owner = User(username="faults", email="faults@zarts.example", is_staff=True, reach_of="all")
    owner.save()
    owner.groups.add(Group.objects.get(name="Growth ops"))
    call_command("seed_scale", opportunities=count, bare=True, verbosity=0)
    fill(connections["default"], items)
    connections.close_all()
    with place.connect() as server:
        server.execute("vacuum analyze")


def fill(connection, items):
    from django.db import transaction

    with transaction.atomic(), connection.cursor() as cursor:
        for statement in (items.PEOPLE, items.TASKS, items.BORN):
            cursor.execute(statement)


if __name__ == "__main__":
    sys.exit(main())
