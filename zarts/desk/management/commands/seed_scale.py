from django.contrib.auth.models import Group
from django.core.management.base import BaseCommand, CommandError
from django.db import connection

from handoff.models import Provider
from opportunities.models import Source, User
from opportunities.records import begin
from zarts.desk import scale
from zarts.numbers import clock as numbers


class Command(BaseCommand):
    help = "Fill a database with many opportunities, for measuring. Never run it where real work is kept."

    def add_arguments(self, parser):
        parser.add_argument("--opportunities", type=int, required=True)
        parser.add_argument("--events", type=int, help="lines in all diaries together, ten a deal at least")
        parser.add_argument("--bare", action="store_true", help="clients and opportunities alone, none of which moved")

    def handle(self, opportunities, events=None, bare=False, **options):
        owners = list(User.objects.filter(is_active=True).order_by("pk").values_list("pk", flat=True))
        if not owners:
            raise CommandError("Make at least one user first: the opportunities need owners.")
        source = Source.objects.order_by("pk").first() or begin(Source(name="Web form"), by=None)
        provider = Provider.objects.order_by("pk").first() or begin(Provider(name="Analytics"), by=None)
        known = {
            "owner": f"(array{owners})[1 + mod(({{n}} + 1) / 2 * 7919 / 64, {len(owners)})]",
            "lead_source": str(source.pk),
            "provider": str(provider.pk),
            "managers": str(Group.objects.get(name="Manager").pk),
        }
        events = 10 * opportunities if events is None else events
        for before in range(0, opportunities, scale.BATCH):
            size = min(scale.BATCH, opportunities - before)
            batch = scale.Batch(size, before, opportunities, dict(known))
            batch.write(events * (before + size) // opportunities - events * before // opportunities, bare)
            self.stdout.write(f"{before + size:,} of {opportunities:,}")
        # The database counted it today: it is to be counted on the days on which it is said to have happened.
        numbers.tell_history()
        while numbers.add_up():
            pass
        with connection.cursor() as cursor:
            cursor.execute("select count(*), (select count(*) from opportunities_event) from opportunities_opportunity")
            self.stdout.write("{:,} opportunities and {:,} events are here.".format(*cursor.fetchone()))
