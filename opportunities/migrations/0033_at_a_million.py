from django.db import migrations, models


class Migration(migrations.Migration):
    """What waits for a person is counted, and open deals are sorted by their day, without a walk through all others."""

    dependencies = [
        ("opportunities", "0032_lists"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="task",
            index=models.Index(
                fields=["waits_for"],
                name="task_waits_why",
                condition=models.Q(("stage", "paused"), models.Q(("waits_for", ""), _negated=True)),
            ),
        ),
        migrations.AddIndex(
            model_name="opportunity",
            index=models.Index(
                fields=["due_on", "id"],
                name="opportunity_open_by_due",
                condition=models.Q(("place__lte", 5)),
            ),
        ),
    ]
