from pathlib import Path

from django.db import migrations, models

SQL = Path(__file__).parents[1] / "sql"


class Migration(migrations.Migration):
    """Guests tick off what is theirs on the onboarding list, and say that an access is granted."""

    dependencies = [
        ("portal", "0015_turns"),
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
                    ("ticked", "Ticked"),
                    ("granted", "Granted"),
                ],
                max_length=20,
            ),
        ),
        migrations.RunSQL((SQL / "onboarding.sql").read_text(), (SQL / "onboarding_down.sql").read_text()),
    ]
