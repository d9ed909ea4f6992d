from pathlib import Path

import django.db.models.functions.text
from django.db import migrations, models

from opportunities.atonce import AtOnce

SQL = Path(__file__).resolve().parent.parent / "sql"


class Migration(migrations.Migration):
    """Names that are one slip apart are found by their halves, and each line of a diary costs less."""

    dependencies = [
        ("opportunities", "0013_once"),
    ]

    operations = [
        AtOnce(
            [
                migrations.RunSQL((SQL / "speed.sql").read_text()),
                migrations.RemoveIndex(
                    model_name="client",
                    name="client_near",
                ),
                migrations.RenameIndex(
                    model_name="lead",
                    new_name="lead_by_key",
                    old_name="lead_by_name",
                ),
                migrations.AddIndex(
                    model_name="client",
                    index=models.Index(
                        condition=models.Q(("name_key", ""), _negated=True), fields=["name_key"], name="client_by_key"
                    ),
                ),
                migrations.AddIndex(
                    model_name="client",
                    index=models.Index(
                        models.Func(
                            "name_key",
                            django.db.models.functions.text.Length("name_key"),
                            function="zarts_first_half",
                            output_field=models.TextField(),
                        ),
                        condition=models.Q(("name_key", ""), _negated=True),
                        name="client_first_half",
                    ),
                ),
                migrations.AddIndex(
                    model_name="client",
                    index=models.Index(
                        models.Func(
                            "name_key",
                            django.db.models.functions.text.Length("name_key"),
                            function="zarts_last_half",
                            output_field=models.TextField(),
                        ),
                        condition=models.Q(("name_key", ""), _negated=True),
                        name="client_last_half",
                    ),
                ),
                migrations.AddIndex(
                    model_name="lead",
                    index=models.Index(
                        models.Func(
                            "name_key",
                            django.db.models.functions.text.Length("name_key"),
                            function="zarts_first_half",
                            output_field=models.TextField(),
                        ),
                        condition=models.Q(("name_key", ""), _negated=True),
                        name="lead_first_half",
                    ),
                ),
                migrations.AddIndex(
                    model_name="lead",
                    index=models.Index(
                        models.Func(
                            "name_key",
                            django.db.models.functions.text.Length("name_key"),
                            function="zarts_last_half",
                            output_field=models.TextField(),
                        ),
                        condition=models.Q(("name_key", ""), _negated=True),
                        name="lead_last_half",
                    ),
                ),
                migrations.RunSQL("drop function zarts_slips, zarts_near"),
            ]
        ),
    ]
