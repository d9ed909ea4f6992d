from pathlib import Path

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

SQL = Path(__file__).resolve().parent.parent / "sql"


class Migration(migrations.Migration):
    """Counters that triggers keep, filled with what the records and their diaries say of the time before."""

    initial = True

    dependencies = [
        ("opportunities", "0029_minor_units"),
        ("proposals", "0024_which_way_is_better"),
    ]

    operations = [
        migrations.CreateModel(
            name="Sum",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("owner_id", models.BigIntegerField(default=0)),
                ("team_id", models.BigIntegerField(default=0)),
                ("service", models.BigIntegerField(default=0)),
                ("source", models.BigIntegerField(default=0)),
                ("currency", models.CharField(default="", max_length=3)),
                ("day", models.DateField()),
                ("kind", models.CharField(max_length=10)),
                ("key", models.CharField(default="", max_length=20)),
                ("more", models.CharField(default="", max_length=10)),
                ("n", models.BigIntegerField(default=0)),
                ("value", models.DecimalField(decimal_places=4, default=0, max_digits=24)),
                ("weighted", models.DecimalField(decimal_places=4, default=0, max_digits=24)),
            ],
            options={
                "db_table": "numbers_sum",
                "managed": False,
            },
        ),
        migrations.CreateModel(
            name="Check",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("at", models.DateTimeField()),
                ("drift", models.IntegerField()),
                ("words", models.TextField(default="")),
            ],
        ),
        migrations.CreateModel(
            name="Delta",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("owner_id", models.BigIntegerField(default=0)),
                ("team_id", models.BigIntegerField(default=0)),
                ("service", models.BigIntegerField(default=0)),
                ("source", models.BigIntegerField(default=0)),
                ("currency", models.CharField(default="", max_length=3)),
                ("day", models.DateField()),
                ("kind", models.CharField(max_length=10)),
                ("key", models.CharField(default="", max_length=20)),
                ("more", models.CharField(default="", max_length=10)),
                ("n", models.BigIntegerField(default=0)),
                ("value", models.DecimalField(decimal_places=4, default=0, max_digits=24)),
                ("weighted", models.DecimalField(decimal_places=4, default=0, max_digits=24)),
            ],
            options={
                "abstract": False,
            },
        ),
        migrations.CreateModel(
            name="Standing",
            fields=[
                ("owner_id", models.BigIntegerField(default=0)),
                ("team_id", models.BigIntegerField(default=0)),
                ("service", models.BigIntegerField(default=0)),
                ("source", models.BigIntegerField(default=0)),
                ("currency", models.CharField(default="", max_length=3)),
                ("opportunity", models.BigIntegerField(primary_key=True, serialize=False)),
                ("place", models.SmallIntegerField(null=True)),
                ("month", models.CharField(default="", max_length=7)),
                ("value", models.DecimalField(decimal_places=4, default=0, max_digits=24)),
                ("weighted", models.DecimalField(decimal_places=4, default=0, max_digits=24)),
                ("since", models.DateTimeField(null=True)),
            ],
            options={
                "abstract": False,
            },
        ),
        migrations.CreateModel(
            name="Counter",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("owner_id", models.BigIntegerField(default=0)),
                ("team_id", models.BigIntegerField(default=0)),
                ("service", models.BigIntegerField(default=0)),
                ("source", models.BigIntegerField(default=0)),
                ("currency", models.CharField(default="", max_length=3)),
                ("day", models.DateField()),
                ("kind", models.CharField(max_length=10)),
                ("key", models.CharField(default="", max_length=20)),
                ("more", models.CharField(default="", max_length=10)),
                ("n", models.BigIntegerField(default=0)),
                ("value", models.DecimalField(decimal_places=4, default=0, max_digits=24)),
                ("weighted", models.DecimalField(decimal_places=4, default=0, max_digits=24)),
            ],
            options={
                "indexes": [models.Index(fields=["kind", "day"], name="numbers_counter_of_kind")],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("day", "kind", "key", "more", "owner_id", "team_id", "service", "source", "currency"),
                        name="numbers_counter_once",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="WeeklyMail",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("wanted", models.BooleanField(default=True)),
                ("sent_on", models.DateField(null=True)),
                (
                    "user",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
            ],
        ),
        migrations.RunSQL((SQL / "counters.sql").read_text(), (SQL / "counters_down.sql").read_text()),
    ]
