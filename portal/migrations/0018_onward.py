from pathlib import Path

from django.db import migrations, models

SQL = Path(__file__).parents[1] / "sql"


class Migration(migrations.Migration):
    """A sign-in leads to the page that somebody came for."""

    dependencies = [
        ("portal", "0017_notice"),
    ]

    operations = [
        migrations.AddField(
            model_name="signinrequest",
            name="leads_to",
            field=models.CharField(blank=True, db_default="", default="", max_length=120),
        ),
        migrations.RunSQL((SQL / "onward.sql").read_text(), (SQL / "onward_down.sql").read_text()),
    ]
