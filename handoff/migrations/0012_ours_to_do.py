from django.db import migrations, models

import opportunities.words


class Migration(migrations.Migration):
    """The heading of an item that is added is read by us alone."""

    dependencies = [
        ("handoff", "0011_secrets"),
    ]

    operations = [
        migrations.AlterField(
            model_name="checklistitem",
            name="group",
            field=models.CharField(
                blank=True,
                help_text="The heading on the list.",
                max_length=80,
                validators=[opportunities.words.plain_words],
                verbose_name="under",
            ),
        ),
    ]
