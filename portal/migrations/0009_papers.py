from pathlib import Path

import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models

SQL = Path(__file__).parents[1] / "sql"


class Migration(migrations.Migration):
    """Keep the PDF of each proposal and contract beside what it was made from."""

    dependencies = [
        ("portal", "0008_guests"),
    ]

    operations = [
        migrations.CreateModel(
            name="Look",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("address", models.CharField(max_length=64)),
                ("at", models.DateTimeField(default=django.utils.timezone.now)),
            ],
            options={
                "indexes": [models.Index(fields=["address", "at"], name="portal_look_by_address")],
            },
        ),
        migrations.CreateModel(
            name="Paper",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "kind",
                    models.CharField(
                        choices=[("read", "To read"), ("sealed", "Signed by both sides and sealed")], max_length=6
                    ),
                ),
                ("bytes", models.BinaryField()),
                ("sha256", models.CharField(db_index=True, max_length=64)),
                ("made_at", models.DateTimeField(default=django.utils.timezone.now)),
                (
                    "publication",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="papers", to="portal.publication"
                    ),
                ),
            ],
            options={
                "constraints": [models.UniqueConstraint(fields=("publication", "kind"), name="one_paper_of_a_kind")],
            },
        ),
        migrations.RunSQL((SQL / "papers.sql").read_text(), (SQL / "papers_down.sql").read_text()),
    ]
