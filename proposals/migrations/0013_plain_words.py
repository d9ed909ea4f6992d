from django.db import migrations, models

import opportunities.words


class Migration(migrations.Migration):
    """Words that clients read are plain wherever they are typed."""

    dependencies = [
        ("proposals", "0012_looking"),
    ]

    operations = [
        migrations.AlterField(
            model_name="claim",
            name="metric",
            field=models.CharField(blank=True, max_length=120, validators=[opportunities.words.plain_words]),
        ),
        migrations.AlterField(
            model_name="claim",
            name="unit",
            field=models.CharField(blank=True, max_length=30, validators=[opportunities.words.plain_words]),
        ),
        migrations.AlterField(
            model_name="clause",
            name="text",
            field=models.TextField(validators=[opportunities.words.plain_words]),
        ),
        migrations.AlterField(
            model_name="clause",
            name="title",
            field=models.CharField(max_length=160, validators=[opportunities.words.plain_words]),
        ),
        migrations.AlterField(
            model_name="contractclause",
            name="text",
            field=models.TextField(validators=[opportunities.words.plain_words]),
        ),
        migrations.AlterField(
            model_name="service",
            name="checklist",
            field=models.JSONField(
                blank=True,
                default=list,
                validators=[opportunities.words.plain_parts],
                verbose_name="usual onboarding list",
            ),
        ),
    ]
