from pathlib import Path

from django.db import migrations

SQL = Path(__file__).parents[1] / "sql"


class Migration(migrations.Migration):
    """Have the public form's door check what its view checks."""

    dependencies = [("portal", "0003_doubtful_inquiries")]

    operations = [migrations.RunSQL((SQL / "inquire_checked.sql").read_text(), (SQL / "inquire.sql").read_text())]
