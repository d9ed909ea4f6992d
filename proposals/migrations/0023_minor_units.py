"""The database rounds a first year to what its currency can be paid in: where it stood before, to hundredths always."""

from pathlib import Path

from django.db import migrations

from opportunities.currencies import IN_SQL

KEEPS_WITHIN = Path(__file__).resolve().parent.parent / "sql" / "keeps_within.sql"


class Migration(migrations.Migration):
    dependencies = [("proposals", "0022_late_notice")]

    operations = [migrations.RunSQL(words, migrations.RunSQL.noop) for words in (IN_SQL, KEEPS_WITHIN.read_text())]
