"""Say which open deals are left to themselves, and with --mend open a task for each."""

from django.conf import settings
from django.core.management.base import BaseCommand

from opportunities.unattended import mend_all, unattended

MOST = 100


class Command(BaseCommand):
    help = (
        "List the open deals for which nothing is promised and that wait for nothing. Exits with 1 when there are any."
    )

    def add_arguments(self, parser):
        parser.add_argument("--mend", action="store_true", help="open a task for the owner of each")

    def handle(self, *, mend, **options):
        if mend:
            mended = mend_all(lambda count: self.stdout.write(f"{count} mended …"))
            self.stdout.write(f"{mended} {'deal' if mended == 1 else 'deals'} got a task: decide what happens next.")
        lacking = list(unattended().select_related("client", "owner").order_by("pk")[: MOST + 1])
        for deal in lacking[:MOST]:
            self.stdout.write(f"{deal.pk}\t{deal.client}: {deal}\t{deal.owner}\t{settings.SITE_URL}{deal.staff_url()}")
        if not lacking:
            self.stdout.write("Every open deal has a task, or waits for what is said.")
            return
        more = "more than " if len(lacking) > MOST else ""
        self.stderr.write(
            f"{more}{len(lacking[:MOST])} open deals are left to themselves. Add --mend to open a task for each."
        )
        raise SystemExit(1)
