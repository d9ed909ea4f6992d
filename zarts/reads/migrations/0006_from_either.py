from pathlib import Path

from django.db import migrations

SQL = Path(__file__).parents[1] / "sql" / "clients_from_either.sql"


class Migration(migrations.Migration):
    """Clients with what was agreed, found from a deal as well as from the client."""

    dependencies = [("reads", "0005_answering")]

    operations = [migrations.RunSQL(SQL.read_text(), migrations.RunSQL.noop)]
