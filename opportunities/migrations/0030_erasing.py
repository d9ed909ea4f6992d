from pathlib import Path

import django.db.models.deletion
from django.db import migrations, models

SQL = Path(__file__).resolve().parent.parent / "sql"


def earlier(file, name):
    """Return a wall as it was written before this migration."""
    written = (SQL / file).read_text()
    start = written.index(f"create function {name}(")
    return written[start : written.index("end $$;\n", start) + 8].replace(
        "create function", "create or replace function"
    )


BEFORE = "\n".join(
    [
        earlier("walls.sql", "zarts_forbid"),
        earlier("settled.sql", "zarts_keep_settled"),
        "drop function zarts_blanked_proof(bigint);",
        "drop trigger append_only on opportunities_blanked;",
        "drop trigger append_only_whole on opportunities_blanked;",
        "drop function zarts_is_erasing();",
        "drop table opportunities_erasing;",
    ]
)


class Migration(migrations.Migration):
    """A privacy erase passes the walls by one function of the owner's, and what it left of an event is proved."""

    dependencies = [
        ("opportunities", "0029_minor_units"),
    ]

    operations = [
        migrations.CreateModel(
            name="Blanked",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("left_hash", models.CharField(max_length=64)),
                ("left_facts", models.CharField(blank=True, max_length=64)),
                (
                    "event",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="opportunities.event"
                    ),
                ),
                (
                    "told_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="opportunities.event"
                    ),
                ),
            ],
            options={
                "default_permissions": (),
                "constraints": [
                    models.UniqueConstraint(fields=("told_by", "event"), name="event_blanked_once_an_erase")
                ],
            },
        ),
        migrations.RunSQL((SQL / "erase.sql").read_text(), BEFORE),
    ]
