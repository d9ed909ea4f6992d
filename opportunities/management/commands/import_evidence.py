from pathlib import Path

from django.core.management.base import BaseCommand, CommandError

from opportunities.imports import BadFile, import_evidence
from opportunities.models import Audit


class Command(BaseCommand):
    help = "Read a Lighthouse report (JSON) into evidence of an audit that is being collected."

    def add_arguments(self, parser):
        parser.add_argument("file", type=Path)
        parser.add_argument(
            "--audit", type=int, required=True, help="number of the audit, as its page's address has it"
        )

    def handle(self, file, audit, **options):
        try:
            record = Audit.objects.get(pk=audit)
            added, known = import_evidence(file.read_bytes(), record, by=None)
        except Audit.DoesNotExist:
            raise CommandError(f"There is no audit {audit}. Its number stands in its page's address.") from None
        except OSError as trouble:
            raise CommandError(f"{trouble.filename} cannot be read: {trouble.strerror}.") from None
        except BadFile as trouble:
            raise CommandError(str(trouble)) from None
        self.stdout.write(f"{added} pieces of evidence came in, {known} were here already.")
