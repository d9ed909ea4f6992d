import re
from pathlib import Path

import django.db.models.deletion
from django.db import migrations, models

SQL = Path(__file__).parents[1] / "sql"
# The three doors as they were.
DOORS = re.findall(
    r"^create function public\.portal_(?:link_state|open|answer)\(.*?^\$\$;",
    (SQL / "doors.sql").read_text(),
    re.M | re.S,
)


class Migration(migrations.Migration):
    """Links have roles, and who reads by one is known: fetched, opened and engaged are kept apart."""

    dependencies = [
        ("portal", "0006_stop"),
    ]

    operations = [
        migrations.CreateModel(
            name="Reader",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("key_hash", models.CharField(max_length=64)),
                ("stamp_hash", models.CharField(blank=True, max_length=64)),
                ("name", models.CharField(blank=True, max_length=120)),
                ("opened_at", models.DateTimeField()),
                ("counted_at", models.DateTimeField(blank=True, null=True)),
                ("engaged_at", models.DateTimeField(blank=True, null=True)),
                ("seen_at", models.DateTimeField()),
                ("seconds", models.JSONField(default=dict)),
                ("address", models.CharField(blank=True, max_length=64)),
                ("user_agent", models.CharField(blank=True, max_length=400)),
            ],
        ),
        migrations.RemoveConstraint(
            model_name="clientaction",
            name="portal_action_opened_once",
        ),
        migrations.AddField(
            model_name="proposallink",
            name="chosen",
            field=models.JSONField(db_default=[], default=list),
        ),
        migrations.AddField(
            model_name="proposallink",
            name="engaged_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="proposallink",
            name="fetched_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="proposallink",
            name="fetches",
            field=models.PositiveIntegerField(db_default=0, default=0),
        ),
        migrations.AddField(
            model_name="proposallink",
            name="role",
            field=models.CharField(
                choices=[("decides", "Decides"), ("signs", "Reads, and signs the contract"), ("reads", "Reads")],
                db_default="decides",
                default="decides",
                max_length=7,
            ),
        ),
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
                ],
                max_length=20,
            ),
        ),
        migrations.AddConstraint(
            model_name="clientaction",
            constraint=models.UniqueConstraint(
                condition=models.Q(("verb__in", ["opened", "engaged"])),
                fields=("link", "name", "verb"),
                name="portal_action_read_once",
            ),
        ),
        migrations.AddField(
            model_name="reader",
            name="link",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="readers", to="portal.proposallink"
            ),
        ),
        migrations.AddConstraint(
            model_name="reader",
            constraint=models.UniqueConstraint(fields=("link", "key_hash"), name="portal_reader_once_a_link"),
        ),
        migrations.RunSQL(
            (SQL / "reading.sql").read_text(), "\n".join([(SQL / "reading_down.sql").read_text(), *DOORS])
        ),
    ]
