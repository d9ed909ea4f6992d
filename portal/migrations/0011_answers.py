from pathlib import Path

import django.db.models.deletion
from django.db import migrations, models

SQL = Path(__file__).parents[1] / "sql"


class Migration(migrations.Migration):
    """Clients read our answers below their questions, and guests ask in the portal, too."""

    dependencies = [
        ("portal", "0010_signing"),
    ]

    operations = [
        migrations.AddField(
            model_name="publication",
            name="question",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="answers",
                to="portal.clientaction",
            ),
        ),
        migrations.AlterField(
            model_name="publication",
            name="kind",
            field=models.CharField(
                choices=[
                    ("proposal", "Proposal"),
                    ("contract", "Contract"),
                    ("report", "Report"),
                    ("onboarding", "Onboarding"),
                    ("status", "Status"),
                    ("answer", "Answer"),
                ],
                max_length=20,
            ),
        ),
        migrations.AddConstraint(
            model_name="publication",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("kind", "answer"), ("question__isnull", False)),
                    models.Q(models.Q(("kind", "answer"), _negated=True), ("question__isnull", True)),
                    _connector="OR",
                ),
                name="portal_answer_has_its_question",
            ),
        ),
        migrations.AddConstraint(
            model_name="publication",
            constraint=models.UniqueConstraint(
                condition=models.Q(("question__isnull", False), ("withdrawn_at", None)),
                fields=("question",),
                name="portal_one_answer_in_force",
            ),
        ),
        migrations.RunSQL((SQL / "answers.sql").read_text(), (SQL / "answers_down.sql").read_text()),
    ]
