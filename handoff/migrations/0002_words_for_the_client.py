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
MODELS = ("checklistitem", "handoff", "project", "report")


class Migration(migrations.Migration):
    """Call it on screens what it is: the words for the client. The tables stay as they are."""

    dependencies = [("handoff", "0001_initial")]

    operations = [
        migrations.SeparateDatabaseAndState(
            state_operations=[migrations.AlterField(model, "client_safe", FIELD) for model in MODELS]
        )
    ]
