from pathlib import Path

from django.db import migrations

SQL = Path(__file__).parents[1] / "sql"


class Migration(migrations.Migration):
    """Ask of each person only what is theirs to do."""

    dependencies = [
        ("portal", "0013_quick"),
    ]

    operations = [
        migrations.RunSQL((SQL / "turns.sql").read_text(), (SQL / "turns_down.sql").read_text()),
    ]
