from pathlib import Path

from django.db import migrations

FOR_PAGES = Path(__file__).parents[1] / "sql" / "for_pages.sql"


class Migration(migrations.Migration):
    """The columns that the product's own pages show. On the way back they stay: whoever reads the views may."""

    dependencies = [("reads", "0002_tokens")]

    operations = [migrations.RunSQL(FOR_PAGES.read_text(), migrations.RunSQL.noop)]
