from pathlib import Path

import django.contrib.postgres.indexes
import django.db.models.functions.comparison
from django.db import migrations, models

from opportunities.atonce import AtOnce

SQL = Path(__file__).resolve().parent.parent / "sql"


class Migration(migrations.Migration):
    """Leads, clients and people carry the keys by which the same one is found twice."""

    dependencies = [
        ("opportunities", "0009_pipeline"),
    ]

    operations = [
        AtOnce(
            [
                migrations.RunSQL((SQL / "alike.sql").read_text(), (SQL / "alike_down.sql").read_text()),
                migrations.AddField(
                    model_name="client",
                    name="domain_key",
                    field=models.GeneratedField(
                        db_persist=True,
                        expression=models.Func("website", function="zarts_domain_key", output_field=models.TextField()),
                        output_field=models.TextField(),
                    ),
                ),
                migrations.AddField(
                    model_name="client",
                    name="name_key",
                    field=models.GeneratedField(
                        db_persist=True,
                        expression=models.Func("name", function="zarts_name_key", output_field=models.TextField()),
                        output_field=models.TextField(),
                    ),
                ),
                migrations.AddField(
                    model_name="contact",
                    name="domain_key",
                    field=models.GeneratedField(
                        db_persist=True,
                        expression=models.Func("email", function="zarts_domain_key", output_field=models.TextField()),
                        output_field=models.TextField(),
                    ),
                ),
                migrations.AddField(
                    model_name="contact",
                    name="phone_key",
                    field=models.GeneratedField(
                        db_persist=True,
                        expression=models.Func("phone", function="zarts_phone_key", output_field=models.TextField()),
                        output_field=models.TextField(),
                    ),
                ),
                migrations.AddField(
                    model_name="lead",
                    name="domain_key",
                    field=models.GeneratedField(
                        db_persist=True,
                        expression=django.db.models.functions.comparison.Coalesce(
                            django.db.models.functions.comparison.NullIf(
                                models.Func("website", function="zarts_domain_key", output_field=models.TextField()),
                                models.Value("", output_field=models.TextField()),
                            ),
                            django.db.models.functions.comparison.NullIf(
                                models.Func("email", function="zarts_domain_key", output_field=models.TextField()),
                                models.Value("", output_field=models.TextField()),
                            ),
                            models.Value("", output_field=models.TextField()),
                        ),
                        output_field=models.TextField(),
                    ),
                ),
                migrations.AddField(
                    model_name="lead",
                    name="name_key",
                    field=models.GeneratedField(
                        db_persist=True,
                        expression=models.Func("company", function="zarts_name_key", output_field=models.TextField()),
                        output_field=models.TextField(),
                    ),
                ),
                migrations.AddField(
                    model_name="lead",
                    name="phone_key",
                    field=models.GeneratedField(
                        db_persist=True,
                        expression=models.Func("phone", function="zarts_phone_key", output_field=models.TextField()),
                        output_field=models.TextField(),
                    ),
                ),
                migrations.AddIndex(
                    model_name="client",
                    index=django.contrib.postgres.indexes.GinIndex(
                        models.Func("name_key", function="zarts_near", output_field=models.TextField()),
                        name="client_near",
                    ),
                ),
                migrations.AddIndex(
                    model_name="client",
                    index=models.Index(
                        condition=models.Q(("domain_key", ""), _negated=True),
                        fields=["domain_key"],
                        name="client_by_domain",
                    ),
                ),
                migrations.AddIndex(
                    model_name="contact",
                    index=models.Index(
                        condition=models.Q(("phone_key", ""), _negated=True),
                        fields=["phone_key"],
                        name="contact_by_phone",
                    ),
                ),
                migrations.AddIndex(
                    model_name="contact",
                    index=models.Index(
                        condition=models.Q(("domain_key", ""), _negated=True),
                        fields=["domain_key"],
                        name="contact_by_domain",
                    ),
                ),
                migrations.AddIndex(
                    model_name="lead",
                    index=models.Index(
                        condition=models.Q(("name_key", ""), _negated=True), fields=["name_key"], name="lead_by_name"
                    ),
                ),
                migrations.AddIndex(
                    model_name="lead",
                    index=models.Index(
                        condition=models.Q(("phone_key", ""), _negated=True), fields=["phone_key"], name="lead_by_phone"
                    ),
                ),
                migrations.AddIndex(
                    model_name="lead",
                    index=models.Index(
                        condition=models.Q(("domain_key", ""), _negated=True),
                        fields=["domain_key"],
                        name="lead_by_domain",
                    ),
                ),
            ]
        ),
    ]
