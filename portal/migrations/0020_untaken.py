from pathlib import Path

from django.db import migrations, models

SQL = Path(__file__).parents[1] / "sql"


def earlier(file, name):
    """Return a door as it was written before this migration."""
    written = (SQL / file).read_text().replace("create or replace function", "create function")
    start = written.index(f"create function public.{name}(")
    door = written[start : written.index("\n$$;\n", start) + 5]
    return door.replace("create function", "create or replace function", 1)


BEFORE = "\n".join(
    [
        "drop function public.portal_list_deeds();",
        earlier("onboarding.sql", "portal_list_deeds"),
        "drop function public.portal_my_actions();",
        earlier("withdrawn.sql", "portal_my_actions"),
        earlier("onboarding.sql", "portal_grant"),
        "drop function public.portal_looks_secret(text);",
    ]
)


class Migration(migrations.Migration):
    """No secret comes in at a door, and what we could not take of a guest's says so on their pages."""

    dependencies = [
        ("portal", "0019_withdrawn"),
    ]

    operations = [
        migrations.AddField(
            model_name="clientaction",
            name="written_off",
            field=models.BooleanField(db_default=False, default=False),
        ),
        migrations.RunSQL((SQL / "untaken.sql").read_text(), BEFORE),
    ]
