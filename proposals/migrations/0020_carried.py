"""The database keeps who wrote something, what it was sold as, and what an approval on a condition stands for."""

from pathlib import Path

from django.db import migrations

from opportunities.currencies import IN_SQL

SQL = Path(__file__).resolve().parent.parent / "sql"
KEEPS_WITHIN, CARRIED = SQL / "keeps_within.sql", SQL / "carried.sql"


class Migration(migrations.Migration):
    dependencies = [("proposals", "0019_report_days")]

    operations = [
        migrations.RunSQL(words, migrations.RunSQL.noop)
        for words in (IN_SQL, KEEPS_WITHIN.read_text(), CARRIED.read_text())
    ]
