from pathlib import Path

from django.db import migrations

SQL = Path(__file__).resolve().parent.parent / "sql"


def earlier(file, name):
    """Return a wall as it was written before this migration."""
    written = (SQL / file).read_text().replace("create or replace function", "create function")
    start = written.index(f"create function public.{name}(")
    return written[start : written.index("$$;\n", start) + 4].replace("create function", "create or replace function")


BEFORE = earlier("signing.sql", "portal_frozen") + earlier("papers.sql", "portal_paper_stays")


class Migration(migrations.Migration):
    """Publications and papers stay as they were made, but for the words that a privacy erase takes away."""

    dependencies = [("portal", "0020_untaken")]

    operations = [migrations.RunSQL((SQL / "erase.sql").read_text(), BEFORE)]
