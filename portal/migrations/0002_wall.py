from pathlib import Path

from django.db import migrations

SQL = Path(__file__).parents[1] / "sql"


class Migration(migrations.Migration):
    """Stand up the database's wall around the portal, and the doors in it."""

    dependencies = [("portal", "0001_initial")]

    operations = [
        migrations.RunSQL((SQL / "wall.sql").read_text(), (SQL / "wall_down.sql").read_text()),
        migrations.RunSQL((SQL / "doors.sql").read_text(), (SQL / "doors_down.sql").read_text()),
    ]
