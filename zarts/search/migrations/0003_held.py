from pathlib import Path

from django.db import migrations, models

SQL = Path(__file__).resolve().parent.parent / "sql"


class Migration(migrations.Migration):
    """Lines are held against two at once and compared each night; letters are read as people type them."""

    dependencies = [("search", "0002_only_what_it_says")]

    operations = [
        migrations.CreateModel(
            name="Check",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("at", models.DateTimeField()),
                ("kind", models.CharField(default="client", max_length=12)),
                ("above", models.BigIntegerField(default=0)),
                ("drift", models.IntegerField(default=0)),
                ("ended_at", models.DateTimeField(null=True)),
            ],
            options={"db_table": "search_check", "default_permissions": ()},
        ),
        # On the way back the functions stay: they do what the ones before them did.
        migrations.RunSQL((SQL / "held.sql").read_text(), migrations.RunSQL.noop),
    ]
