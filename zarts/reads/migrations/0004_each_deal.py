from pathlib import Path

from django.db import migrations

EACH = Path(__file__).parents[1] / "sql" / "clients_each.sql"


class Migration(migrations.Migration):
    """Clients with what each of their deals has: whoever sees some of the deals is shown the newest of those."""

    dependencies = [("reads", "0003_for_pages")]

    operations = [
        migrations.RunSQL(
            EACH.read_text(),
            "drop view reads.clients_proposal_each, reads.clients_approval_each, reads.clients_contract_each",
        )
    ]
