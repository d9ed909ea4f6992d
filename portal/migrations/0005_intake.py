from pathlib import Path

import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models

SQL = Path(__file__).parents[1] / "sql"


class Migration(migrations.Migration):
    """Programs send inquiries with a token, each once for each of their keys."""

    dependencies = [
        ("portal", "0004_checked_inquiries"),
    ]

    operations = [
        migrations.CreateModel(
            name="IntakeToken",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(help_text="Which program uses it.", max_length=80)),
                ("source_name", models.CharField(max_length=120, verbose_name="source of its leads")),
                ("token_hash", models.CharField(max_length=64, unique=True)),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("created_by", models.CharField(max_length=200)),
                ("last_used_at", models.DateTimeField(null=True)),
                ("revoked_at", models.DateTimeField(null=True)),
                ("revoked_by", models.CharField(blank=True, max_length=200)),
            ],
            options={
                "default_permissions": ("view", "add", "change"),
            },
        ),
        migrations.AddField(
            model_name="inquiry",
            name="content_digest",
            field=models.CharField(blank=True, db_default="", default="", max_length=64),
        ),
        migrations.AddField(
            model_name="inquiry",
            name="token",
            field=models.ForeignKey(
                blank=True,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="inquiries",
                to="portal.intaketoken",
            ),
        ),
        migrations.AddIndex(
            model_name="inquiry",
            index=models.Index(
                condition=models.Q(("token", None), _negated=True),
                fields=["token", "at"],
                name="portal_inquiry_of_token",
            ),
        ),
        migrations.RunSQL((SQL / "inquire_by_token.sql").read_text(), (SQL / "inquire_by_token_down.sql").read_text()),
    ]
