import json
from pathlib import Path

from django.core.management.base import BaseCommand, CommandError

from opportunities.imports import BadFile, bring_in
from opportunities.models import User

PIECE = 1024 * 1024


class Command(BaseCommand):
    help = "Bring the leads of a CSV or Excel file in. Good rows come in, bad ones are told; a second run adds none."
    kind, noun = "leads", "leads"

    def add_arguments(self, parser):
        parser.add_argument("file", type=Path)
        parser.add_argument("--contacts", type=Path, help="the file that the rows' contact column points into")
        parser.add_argument("--map", type=Path, help='a JSON file such as {"name": "Full name", "email": "E-Mail"}')
        parser.add_argument(
            "--system", default="", help="where the file comes from; with the reference it knows a row again"
        )
        parser.add_argument("--sheet", default="", help="which sheet of a workbook; else its first")
        parser.add_argument("--owner", help="username of whoever shall own them; else they are shared out")
        parser.add_argument("--dry-run", action="store_true", help="say what would come in, and write nothing")

    def handle(self, file, map, system, sheet, owner, dry_run, **options):
        try:
            person = User.objects.get(username=owner, is_active=True) if owner else None
            paths = [file, *map_paths(self.companions(file, options))]
            report = bring_in(
                self.kind,
                [(path.name, pieces(path)) for path in paths],
                columns=columns_of(map) if map else {},
                choices=self.choices(options),
                system=system,
                sheet=sheet,
                owner=person,
                dry_run=dry_run,
                told=self.progress,
            )
        except OSError as trouble:
            raise CommandError(f"{trouble.filename} cannot be read: {trouble.strerror}.") from None
        except User.DoesNotExist:
            raise CommandError(f"There is no user “{owner}” who works here.") from None
        except BadFile as trouble:
            raise CommandError(str(trouble)) from None
        for row in report.bad:
            self.stderr.write(str(row))
        self.stdout.write(self.summary(report, dry_run))
        if report.bad:
            raise CommandError("Mend the rows above and run it again: those that came in are not added twice.")

    def companions(self, file, options) -> list:
        beside = file.parent / "Contacts.csv"
        return [options["contacts"] or beside] if options["contacts"] or (beside.exists() and beside != file) else []

    def choices(self, options) -> dict:
        return {}

    def progress(self, record):
        if self.stderr.isatty():
            self.stderr.write(f"{record.progress:,} of {record.row_count:,}\r", ending="")

    def summary(self, report, dry_run) -> str:
        words = "would come in" if dry_run else "came in"
        added, joined = self.came(report)
        made = ", ".join(f"{count} {what}" for what, count in report.made.items() if count)
        return (
            f"{added} {self.noun} {words}{joined}, {report.known} were here already, "
            f"{len(report.bad)} rows are bad." + (f" Made along the way: {made}." if made else "")
        )

    def came(self, report) -> tuple[int, str]:
        """Return how many came in, and in words what became of those that join what is here."""
        return report.added, f", {report.joined} joined what is here" if report.joined else ""


def map_paths(paths) -> list[Path]:
    return [Path(path) for path in paths]


def pieces(path: Path):
    """Yield a file piece by piece; a folder or a file that is not there says so at once."""
    with path.open("rb") as file:
        yield from iter(lambda: file.read(PIECE), b"")


def columns_of(file: Path) -> dict:
    """Return what a map says: our names, each with the file's column."""
    try:
        columns = json.loads(file.read_text())
    except ValueError:
        columns = None
    if not isinstance(columns, dict) or not all(isinstance(column, str) for column in columns.values()):
        raise CommandError(f"{file} is not a JSON object of our names and the file's columns.")
    return columns
