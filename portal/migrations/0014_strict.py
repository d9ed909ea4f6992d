from pathlib import Path

from django.db import migrations

SQL = Path(__file__).parents[1] / "sql"


def earlier(file, *names):
    """Return doors as they were written before this migration."""
    written = (SQL / file).read_text().replace("create or replace function", "create function")
    starts = [written.index(f"create function public.{name}(") for name in names]
    doors = [written[start : written.index("\n$$;\n", start) + 5] for start in starts]
    return "\n".join(door.replace("create function", "create or replace function", 1) for door in doors)


BEFORE = "\n".join(
    [
        earlier("inquire_checked.sql", "portal_inquire"),
        earlier("answers.sql", "portal_link_state"),
        earlier("reading.sql", "portal_open", "portal_answer"),
        earlier("signing.sql", "portal_sign"),
        earlier("papers.sql", "portal_may_look"),
        (SQL / "strict_down.sql").read_text(),
    ]
)


class Migration(migrations.Migration):
    """The doors look closer: at names, at what is agreed to, and at what a dead link tells."""

    dependencies = [
        ("portal", "0013_quick"),
    ]

    operations = [
        migrations.RunSQL((SQL / "strict.sql").read_text(), BEFORE),
    ]
