from django.db import migrations, models

import opportunities.words


class Migration(migrations.Migration):
    """Words that clients read are plain wherever they are typed."""

    dependencies = [
        ("opportunities", "0024_what_it_waits_for"),
    ]

    operations = [
        migrations.AlterField(
            model_name="evidence",
            name="metric",
            field=models.CharField(max_length=120, validators=[opportunities.words.plain_words]),
        ),
        migrations.AlterField(
            model_name="evidence",
            name="provider",
            field=models.CharField(
                help_text="Who measured it, or who said it.",
                max_length=80,
                validators=[opportunities.words.plain_words],
            ),
        ),
        migrations.AlterField(
            model_name="evidence",
            name="unit",
            field=models.CharField(blank=True, max_length=30, validators=[opportunities.words.plain_words]),
        ),
    ]
