from django.db import migrations, models


class Migration(migrations.Migration):
    """Have a run of a sequence know which steps it took, and how it ended."""

    dependencies = [
        ("opportunities", "0017_digest"),
    ]

    operations = [
        migrations.AddField(
            model_name="sequencerun",
            name="begun",
            field=models.JSONField(default=list, editable=False),
        ),
        migrations.AddField(
            model_name="sequencerun",
            name="ended",
            field=models.CharField(
                blank=True,
                choices=[
                    ("reply", "They replied"),
                    ("meeting", "We met"),
                    ("answer", "They answered the proposal"),
                    ("opt_out", "They opted out"),
                    ("moved", "The deal moved on"),
                    ("left", "They left the company"),
                    ("by_hand", "Somebody stopped it"),
                ],
                editable=False,
                max_length=8,
                verbose_name="how it ended",
            ),
        ),
    ]
