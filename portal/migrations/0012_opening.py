from pathlib import Path

from django.db import migrations

SQL = Path(__file__).parents[1] / "sql"


class Migration(migrations.Migration):
    """That somebody who is to sign has opened the contract is noted."""

    dependencies = [
        ("portal", "0011_answers"),
    ]

    operations = [
        migrations.RunSQL((SQL / "opening.sql").read_text(), (SQL / "opening_down.sql").read_text()),
    ]
