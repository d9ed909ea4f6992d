import django.core.serializers.json
from django.db import migrations, models

import opportunities.words


class Migration(migrations.Migration):
    """Words that clients read are plain wherever they are typed."""

    dependencies = [
        ("handoff", "0003_settled"),
    ]

    operations = [
        migrations.AlterField(
            model_name="checklistitem",
            name="title",
            field=models.CharField(max_length=160, validators=[opportunities.words.plain_words]),
        ),
        migrations.AlterField(
            model_name="report",
            name="next_steps",
            field=models.TextField(
                blank=True,
                help_text="One step a line. The client reads this.",
                validators=[opportunities.words.plain_words],
                verbose_name="what we do next",
            ),
        ),
        migrations.AlterField(
            model_name="report",
            name="numbers",
            field=models.JSONField(
                blank=True,
                default=list,
                encoder=django.core.serializers.json.DjangoJSONEncoder,
                validators=[opportunities.words.plain_parts],
            ),
        ),
    ]
