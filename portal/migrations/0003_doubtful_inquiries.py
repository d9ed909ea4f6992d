from pathlib import Path

from django.db import migrations, models

SQL = Path(__file__).parents[1] / "sql"
DOORS = (SQL / "doors.sql").read_text()
BEFORE = "drop function public.portal_inquire;\n" + DOORS[DOORS.index("create function public.portal_inquire(") :]


class Migration(migrations.Migration):
    """Keep the inquiries that came too quickly, marked as doubtful."""

    dependencies = [("portal", "0002_wall")]

    operations = [
        migrations.AddField("inquiry", "doubtful", models.BooleanField(default=False)),
        migrations.RunSQL((SQL / "inquire.sql").read_text(), BEFORE),
    ]
