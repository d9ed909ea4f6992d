from pathlib import Path

from django.db import migrations

SQL = Path(__file__).parents[1] / "sql"


class Migration(migrations.Migration):
    """Nobody reads through the history what was withdrawn."""

    dependencies = [
        ("portal", "0018_onward"),
    ]

    operations = [
        migrations.RunSQL((SQL / "withdrawn.sql").read_text(), (SQL / "withdrawn_down.sql").read_text()),
    ]
