from django.db import migrations, models

CHOICES = [
    ("internal", "None yet"),
    ("drafted", "Drafted"),
    ("in_review", "In review"),
    ("approved", "Approved"),
    ("published", "Published"),
    ("withdrawn", "Withdrawn"),
]
FIELD = models.CharField(choices=CHOICES, default="internal", max_length=12, verbose_name="words for the client")
MODELS = ("approval", "contract", "proposal", "summary")


class Migration(migrations.Migration):
    """Call it on screens what it is: the words for the client. The tables stay as they are."""

    dependencies = [("proposals", "0003_withdraw_unsigned")]

    operations = [
        migrations.SeparateDatabaseAndState(
            state_operations=[migrations.AlterField(model, "client_safe", FIELD) for model in MODELS]
        )
    ]
