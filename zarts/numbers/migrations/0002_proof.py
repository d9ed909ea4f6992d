from pathlib import Path

from django.db import migrations, models

SQL = Path(__file__).resolve().parent.parent / "sql"
# Backwards, what the first migration made is made again.
BACK = ("proof_down.sql", "counters_down.sql", "counters.sql")


class Migration(migrations.Migration):
    """What is proved and what nothing is promised for are counted too, and every counter is compared each night."""

    dependencies = [
        ("opportunities", "0030_erasing"),
        ("proposals", "0025_erasing"),
        ("numbers", "0001_counters"),
    ]

    operations = [
        migrations.CreateModel(
            name="Idle",
            fields=[
                ("owner_id", models.BigIntegerField(default=0)),
                ("team_id", models.BigIntegerField(default=0)),
                ("service", models.BigIntegerField(default=0)),
                ("source", models.BigIntegerField(default=0)),
                ("currency", models.CharField(default="", max_length=3)),
                ("opportunity", models.BigIntegerField(primary_key=True, serialize=False)),
            ],
            options={
                "abstract": False,
            },
        ),
        migrations.CreateModel(
            name="Offer",
            fields=[
                ("owner_id", models.BigIntegerField(default=0)),
                ("team_id", models.BigIntegerField(default=0)),
                ("service", models.BigIntegerField(default=0)),
                ("source", models.BigIntegerField(default=0)),
                ("currency", models.CharField(default="", max_length=3)),
                ("offer", models.BigIntegerField(primary_key=True, serialize=False)),
                ("promised", models.IntegerField()),
                ("proved", models.IntegerField()),
            ],
            options={
                "abstract": False,
            },
        ),
        migrations.AddField(
            model_name="standing",
            name="moved",
            field=models.IntegerField(db_default=0, default=0),
        ),
        migrations.AddField(
            model_name="standing",
            name="revalued",
            field=models.IntegerField(db_default=0, default=0),
        ),
        migrations.AddField(
            model_name="weeklymail",
            name="again_at",
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name="weeklymail",
            name="left_out",
            field=models.CharField(blank=True, default="", max_length=200),
        ),
        migrations.AddField(
            model_name="weeklymail",
            name="tries",
            field=models.PositiveSmallIntegerField(default=0),
        ),
        migrations.CreateModel(
            name="Touched",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("kind", models.CharField(max_length=5)),
                ("record", models.BigIntegerField()),
            ],
            options={
                "indexes": [models.Index(fields=["kind", "record"], name="numbers_touched_record")],
            },
        ),
        migrations.RunSQL((SQL / "proof.sql").read_text(), "\n".join((SQL / name).read_text() for name in BACK)),
    ]
