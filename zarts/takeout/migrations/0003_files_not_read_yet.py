from pathlib import Path

from django.db import migrations

SQL = Path(__file__).resolve().parent.parent / "sql"


class Migration(migrations.Migration):
    """Have an erase take files that nobody has read yet, and companions, along."""

    dependencies = [("takeout", "0002_own")]

    operations = [migrations.RunSQL((SQL / "erase.sql").read_text(), migrations.RunSQL.noop)]
