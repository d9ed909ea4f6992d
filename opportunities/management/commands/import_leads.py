import json
from pathlib import Path

from django.core.management.base import BaseCommand, CommandError

from opportunities.imports import BadFile, import_leads
from opportunities.models import User


class Command(BaseCommand):
    help = "Bring the leads of a CSV file in. The good rows come in, each bad one is told; a second run adds nothing."

    def add_arguments(self, parser):
        parser.add_argument("file", type=Path)
        parser.add_argument("--contacts", type=Path, help="the file that the leads' contact column points into")
        parser.add_argument("--map", type=Path, help='a JSON file such as {"name": "Full name", "email": "E-Mail"}')
        parser.add_argument(
            "--system", default="", help="where the file comes from; with the reference it knows a row again"
        )
        parser.add_argument("--owner", help="username of whoever shall own them; else they are shared out")
        parser.add_argument("--dry-run", action="store_true", help="say what would come in, and write nothing")

    def handle(self, file, contacts, map, system, owner, dry_run, **options):
        beside = file.parent / "Contacts.csv"
        contacts = contacts or (beside if beside.exists() and beside != file else None)
        try:
            columns = columns_of(map) if map else {}
            person = User.objects.get(username=owner) if owner else None
            report = import_leads(
                file.read_bytes(),
                contacts=contacts.read_bytes() if contacts else None,
                columns=columns,
                system=system or file.stem.lower(),
                owner=person,
                dry_run=dry_run,
            )
        except OSError as trouble:
            raise CommandError(f"{trouble.filename} cannot be read: {trouble.strerror}.") from None
        except User.DoesNotExist:
            raise CommandError(f"There is no user “{owner}”.") from None
        except BadFile as trouble:
            raise CommandError(str(trouble)) from None
        for row in report.bad:
            self.stderr.write(str(row))
        words = "would come in" if dry_run else "came in"
        self.stdout.write(
            f"{report.added} leads {words}, {report.known} were here already, {len(report.bad)} rows are bad."
        )
        if report.bad:
            raise CommandError("Mend the rows above and run it again: those that came in are not added twice.")


def columns_of(file: Path) -> dict:
    """Return what a map says: our names, each with the file's column."""
    try:
        columns = json.loads(file.read_text())
    except ValueError:
        columns = None
    if not isinstance(columns, dict) or not all(isinstance(column, str) for column in columns.values()):
        raise CommandError(f"{file} is not a JSON object of our names and the file's columns.")
    return columns
