from pathlib import Path

from django.db import migrations

SQL = Path(__file__).parents[1] / "sql"
SOURCES = ["leads", "clients", "projects", "tasks", "audits", "reports", "report_notes", "messages"]


def written(name):
    return migrations.RunSQL((SQL / f"{name}.sql").read_text(), migrations.RunSQL.noop)


class Migration(migrations.Migration):
    """The prepared reads: eight sources, each in five views. A column that they read changes together with them."""

    dependencies = [
        ("opportunities", "0029_minor_units"),
        ("proposals", "0024_which_way_is_better"),
        ("portal", "0020_untaken"),
        ("handoff", "0014_breaches_stay"),
    ]

    operations = [
        migrations.RunSQL((SQL / "parts.sql").read_text(), "drop schema reads cascade; drop index public.reads_shown"),
        *map(written, SOURCES),
    ]
