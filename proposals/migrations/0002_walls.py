"""What is with the client stays as it was sent: the triggers and the numbers, in plain SQL."""

from pathlib import Path

from django.db import migrations

SQL = Path(__file__).resolve().parent.parent / "sql"


class Migration(migrations.Migration):
    dependencies = [("proposals", "0001_initial")]

    operations = [
        migrations.RunSQL((SQL / "walls.sql").read_text(), (SQL / "walls_down.sql").read_text()),
    ]
