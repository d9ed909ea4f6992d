from pathlib import Path

from django.db import migrations, models

SQL = Path(__file__).parents[1] / "sql"


class Migration(migrations.Migration):
    """Ask of each person only what is theirs to do."""

    dependencies = [
        ("portal", "0014_strict"),
    ]

    operations = [
        migrations.AlterField(
            model_name="clientaction",
            name="verb",
            field=models.CharField(
                choices=[
                    ("opened", "Opened"),
                    ("accepted", "Accepted"),
                    ("declined", "Declined"),
                    ("asked", "Asked"),
                    ("objected", "Objected"),
                    ("chose", "Chose"),
                    ("engaged", "Engaged"),
                    ("signed", "Signed"),
                    ("wants_link", "Wants Link"),
                ],
                max_length=20,
            ),
        ),
        migrations.RunSQL((SQL / "turns.sql").read_text(), (SQL / "turns_down.sql").read_text()),
    ]
