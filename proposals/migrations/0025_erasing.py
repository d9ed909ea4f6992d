from pathlib import Path

from django.db import migrations

SQL = Path(__file__).resolve().parent.parent / "sql"


def earlier(name):
    """Return a wall as it was written before this migration."""
    written = (SQL / "walls.sql").read_text()
    start = written.index(f"create function {name}(")
    return written[start : written.index("end $$;\n", start) + 8].replace(
        "create function", "create or replace function"
    )


BEFORE = "\n".join(earlier(name) for name in ("zarts_keep_rows", "zarts_keep_content", "zarts_keep_clauses"))


class Migration(migrations.Migration):
    """What was sent stays as it is, but for the words that a privacy erase takes away."""

    dependencies = [
        ("proposals", "0024_which_way_is_better"),
        ("opportunities", "0030_erasing"),
    ]

    operations = [migrations.RunSQL((SQL / "erase.sql").read_text(), BEFORE)]
