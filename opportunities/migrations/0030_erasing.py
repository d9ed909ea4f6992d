from pathlib import Path

import django.db.models.deletion
import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations, models

from opportunities.atonce import at_once

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
        migrations.AddField("client", "erased_at", models.DateTimeField(null=True, editable=False)),
        migrations.AddField("contact", "erased_at", models.DateTimeField(null=True, editable=False)),
        migrations.RunSQL((SQL / "erase.sql").read_text(), BEFORE),
        pgtrigger.migrations.AddTrigger(
            model_name="client",
            trigger=pgtrigger.compiler.Trigger(
                name="erased_stays",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN ((OLD.erased_at IS NOT NULL) AND (OLD.name IS DISTINCT FROM NEW.name OR OLD.website IS DISTINCT FROM NEW.website OR OLD.erased_at IS DISTINCT FROM NEW.erased_at))",
                    execute="public.zarts_keep_settled()",
                    func="RETURN NEW;",
                    hash="2a3a9a6e7db7f3bc5ce6598d9879f80ff7aadf46",
                    operation="UPDATE",
                    pgid="pgtrigger_erased_stays_0e7a2",
                    table="opportunities_client",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="contact",
            trigger=pgtrigger.compiler.Trigger(
                name="erased_stays",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN ((OLD.erased_at IS NOT NULL) AND (OLD.name IS DISTINCT FROM NEW.name OR OLD.email IS DISTINCT FROM NEW.email OR OLD.phone IS DISTINCT FROM NEW.phone OR OLD.title IS DISTINCT FROM NEW.title OR OLD.left_on IS DISTINCT FROM NEW.left_on OR OLD.erased_at IS DISTINCT FROM NEW.erased_at))",
                    execute="public.zarts_keep_settled()",
                    func="RETURN NEW;",
                    hash="9eb469f32eaad973a9d5f240f7cbfdc4141c6d41",
                    operation="UPDATE",
                    pgid="pgtrigger_erased_stays_fe20c",
                    table="opportunities_contact",
                    when="BEFORE",
                ),
            ),
        ),
    ]
    operations = at_once(operations)
