from pathlib import Path

from django.db import migrations, models

from opportunities.atonce import AtOnce

SQL = Path(__file__).resolve().parent.parent / "sql"
CATCH_UP = """
update opportunities_diary d set last_at = e.at
from (select diary_id, max(at) as at from opportunities_event group by diary_id) e where e.diary_id = d.id
"""


class Migration(migrations.Migration):
    """Each diary knows when it was last written in."""

    dependencies = [("opportunities", "0003_settled")]

    operations = [
        AtOnce(
            [
                migrations.AddField("diary", "last_at", models.DateTimeField(editable=False, null=True)),
                migrations.RunSQL((SQL / "last_told.sql").read_text(), migrations.RunSQL.noop),
                migrations.RunSQL(CATCH_UP, migrations.RunSQL.noop),
            ]
        ),
    ]
