from pathlib import Path

from django.db import migrations, models

SQL = Path(__file__).resolve().parent.parent / "sql"
# Backwards, what the first two migrations made is made again.
BACK = ("delivery_down.sql", "proof_down.sql", "counters_down.sql", "counters.sql", "proof.sql")


class Migration(migrations.Migration):
    """How reports came, how claims came out, and what delivery disputed are counted too."""

    dependencies = [
        ("handoff", "0018_what_is_granted"),
        ("numbers", "0002_proof"),
    ]

    operations = [
        migrations.CreateModel(
            name="CountedClaim",
            fields=[
                ("owner_id", models.BigIntegerField(default=0)),
                ("team_id", models.BigIntegerField(default=0)),
                ("service", models.BigIntegerField(default=0)),
                ("source", models.BigIntegerField(default=0)),
                ("currency", models.CharField(default="", max_length=3)),
                ("promise", models.BigIntegerField(primary_key=True, serialize=False)),
                ("key", models.CharField(max_length=7)),
            ],
            options={
                "abstract": False,
            },
        ),
        migrations.CreateModel(
            name="CountedReport",
            fields=[
                ("owner_id", models.BigIntegerField(default=0)),
                ("team_id", models.BigIntegerField(default=0)),
                ("service", models.BigIntegerField(default=0)),
                ("source", models.BigIntegerField(default=0)),
                ("currency", models.CharField(default="", max_length=3)),
                ("report", models.BigIntegerField(primary_key=True, serialize=False)),
                ("client", models.BigIntegerField()),
                ("day", models.DateField()),
                ("key", models.CharField(max_length=7)),
            ],
            options={
                "indexes": [
                    models.Index(
                        fields=["day", "report"],
                        include=("key", "client", "service", "owner_id"),
                        name="numbers_reports_by_day",
                    )
                ],
            },
        ),
        migrations.AlterField(
            model_name="touched",
            name="kind",
            field=models.CharField(max_length=6),
        ),
        migrations.RunSQL((SQL / "delivery.sql").read_text(), "\n".join((SQL / name).read_text() for name in BACK)),
    ]
