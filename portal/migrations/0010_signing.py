from pathlib import Path

import django.utils.timezone
from django.db import migrations, models

SQL = Path(__file__).parents[1] / "sql"


class Migration(migrations.Migration):
    """Contracts are signed in order and until a day, declined with a reason, and paid by what a provider says."""

    dependencies = [
        ("portal", "0009_papers"),
    ]

    operations = [
        migrations.CreateModel(
            name="PaymentNotice",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("event_id", models.CharField(max_length=120, unique=True)),
                ("client_id", models.BigIntegerField()),
                ("opportunity_id", models.BigIntegerField(blank=True, null=True)),
                ("contract", models.CharField(db_index=True, max_length=40)),
                (
                    "kind",
                    models.CharField(
                        choices=[("part_paid", "Part Paid"), ("paid", "Paid"), ("refunded", "Refunded")], max_length=12
                    ),
                ),
                ("amount", models.DecimalField(decimal_places=2, max_digits=12)),
                ("currency", models.CharField(max_length=3)),
                ("occurred_at", models.DateTimeField()),
                ("body", models.TextField()),
                ("stamp", models.BigIntegerField()),
                ("signature", models.CharField(max_length=64)),
                ("address", models.CharField(blank=True, max_length=64)),
                ("at", models.DateTimeField(default=django.utils.timezone.now)),
                ("handled_at", models.DateTimeField(blank=True, null=True)),
                ("taken", models.BooleanField(default=False)),
                ("outcome", models.TextField(blank=True)),
            ],
        ),
        migrations.RemoveConstraint(
            model_name="clientaction",
            name="portal_action_one_signature",
        ),
        migrations.AddField(
            model_name="publication",
            name="open_until",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddConstraint(
            model_name="clientaction",
            constraint=models.UniqueConstraint(
                condition=models.Q(("verb", "signed")),
                fields=("publication", "contact_id"),
                name="portal_action_one_signature",
            ),
        ),
        migrations.AddIndex(
            model_name="paymentnotice",
            index=models.Index(condition=models.Q(("handled_at", None)), fields=["id"], name="portal_payment_waiting"),
        ),
        migrations.RunSQL((SQL / "signing.sql").read_text(), (SQL / "signing_down.sql").read_text()),
        migrations.RunSQL((SQL / "payments.sql").read_text(), (SQL / "payments_down.sql").read_text()),
    ]
