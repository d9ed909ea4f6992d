from pathlib import Path

import django.utils.timezone
import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations, models

from opportunities.atonce import AtOnce

SQL = Path(__file__).resolve().parent.parent / "sql"


class Migration(migrations.Migration):
    """A form is saved once, and the rows of a file stay once the file was looked at."""

    dependencies = [
        ("opportunities", "0012_imports"),
    ]

    operations = [
        AtOnce(
            [
                migrations.CreateModel(
                    name="SavedForm",
                    fields=[
                        ("mark", models.CharField(max_length=64, primary_key=True, serialize=False)),
                        ("led_to", models.TextField(blank=True, db_default="", default="")),
                        ("at", models.DateTimeField(db_index=True, default=django.utils.timezone.now)),
                    ],
                    options={
                        "default_permissions": (),
                    },
                ),
                migrations.RunSQL((SQL / "once.sql").read_text(), "drop function zarts_keep_staged()"),
                pgtrigger.migrations.AddTrigger(
                    model_name="importrow",
                    trigger=pgtrigger.compiler.Trigger(
                        name="looked_at_only",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            execute="public.zarts_keep_staged()",
                            func="RETURN NEW;",
                            hash="ec3f2f81de07f9ea7d5045d2f35679f950e1e4ea",
                            level="STATEMENT",
                            operation="DELETE",
                            pgid="pgtrigger_looked_at_only_940aa",
                            referencing="REFERENCING OLD TABLE AS gone ",
                            table="opportunities_importrow",
                            when="AFTER",
                        ),
                    ),
                ),
                pgtrigger.migrations.AddTrigger(
                    model_name="importrow",
                    trigger=pgtrigger.compiler.Trigger(
                        name="of_its_file",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            condition="WHEN (NOT (OLD.of_id = NEW.of_id))",
                            execute="public.zarts_forbid()",
                            func="RETURN NEW;",
                            hash="d2f21bddde147aa756e1d8cea1265ae7301ff214",
                            operation='UPDATE OF "of_id"',
                            pgid="pgtrigger_of_its_file_62a9c",
                            table="opportunities_importrow",
                            when="BEFORE",
                        ),
                    ),
                ),
            ]
        ),
    ]
