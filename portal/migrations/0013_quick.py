from pathlib import Path

from django.db import migrations

SQL = Path(__file__).parents[1] / "sql"


class Migration(migrations.Migration):
    """Let the wall cost a client's page next to nothing."""

    dependencies = [
        ("portal", "0012_opening"),
    ]

    operations = [
        migrations.RunSQL((SQL / "quick.sql").read_text(), (SQL / "quick_down.sql").read_text()),
    ]
