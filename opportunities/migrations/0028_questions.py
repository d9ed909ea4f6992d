from django.db import migrations, models


class Migration(migrations.Migration):
    """What came from the portal says which question there it is, so that our answer can be shown below it."""

    dependencies = [
        ("opportunities", "0027_words_that_come_late"),
    ]

    operations = [
        migrations.AddField(
            model_name=name,
            name="portal_action_id",
            field=models.BigIntegerField(editable=False, null=True, unique=True),
        )
        for name in ("message", "objection")
    ]
