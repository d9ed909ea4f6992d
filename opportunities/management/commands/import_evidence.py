from datetime import date
from pathlib import Path

from django.core.management.base import BaseCommand, CommandError

from opportunities.evidence import BadFile, import_evidence
from opportunities.evidence.base import at_noon
from opportunities.models import Audit


class Command(BaseCommand):
    help = (
        "Read a provider's file into evidence of an audit that is being collected: a Lighthouse report, an answer of "
        "PageSpeed Insights, Search Console's export or a list of metrics. It is recognised by what is in it."
    )

    def add_arguments(self, parser):
        parser.add_argument("file", type=Path)
        parser.add_argument(
            "--audit", type=int, required=True, help="number of the audit, as its page's address has it"
        )
        parser.add_argument(
            "--captured-at",
            type=date.fromisoformat,
            help="the day on which it was measured, such as 2026-11-23, for files that do not say",
        )

    def handle(self, file, audit, captured_at=None, **options):
        try:
            record = Audit.objects.get(pk=audit)
            day = at_noon(captured_at)
            report = import_evidence(file.read_bytes(), record, by=None, name=file.name, captured_at=day)
        except (Audit.DoesNotExist, OverflowError):
            raise CommandError(f"There is no audit {audit}. Its number stands in its page's address.") from None
        except OSError as trouble:
            raise CommandError(f"{trouble.filename} cannot be read: {trouble.strerror}.") from None
        except BadFile as trouble:
            raise CommandError(str(trouble)) from None
        for line in report.bad:
            self.stderr.write(str(line))
        self.stdout.write(str(report))
