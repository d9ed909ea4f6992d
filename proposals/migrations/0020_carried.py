"""The database keeps who wrote something, what it was sold as, and what an approval on a condition stands for."""

from pathlib import Path

from django.db import migrations

CARRIED = Path(__file__).resolve().parent.parent / "sql" / "carried.sql"


class Migration(migrations.Migration):
    dependencies = [("proposals", "0019_report_days")]

    operations = [migrations.RunSQL(CARRIED.read_text(), migrations.RunSQL.noop)]
