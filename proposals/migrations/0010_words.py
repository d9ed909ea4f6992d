import django.db.models.deletion
import django.db.models.functions.text
import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations, models

import proposals.words


class Migration(migrations.Migration):
    """Words of ours as data; the words of a version of a clause stay."""

    dependencies = [
        ("opportunities", "0022_late_words"),
        ("proposals", "0009_approvals"),
    ]

    operations = [
        migrations.CreateModel(
            name="GlossaryTerm",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("term", models.CharField(help_text="As it is said of one: its plural is found, too.", max_length=80)),
                ("why", models.CharField(max_length=200, verbose_name="why clients should not meet it")),
                (
                    "suggestion",
                    models.CharField(
                        blank=True,
                        help_text="Taken with one key.",
                        max_length=120,
                        validators=[proposals.words.plain_words],
                        verbose_name="what to say instead",
                    ),
                ),
                (
                    "blocking",
                    models.BooleanField(
                        default=True,
                        help_text="Without this it warns: the writer decides.",
                        verbose_name="stops the words",
                    ),
                ),
                ("is_used", models.BooleanField(default=True, verbose_name="in use")),
            ],
            options={
                "verbose_name": "word of ours",
                "verbose_name_plural": "words of ours",
                "ordering": ["term"],
                "abstract": False,
                "default_permissions": ("view", "add", "change"),
            },
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="clause",
            trigger=pgtrigger.compiler.Trigger(
                name="words_stay",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (OLD.key IS DISTINCT FROM NEW.key OR OLD.version IS DISTINCT FROM NEW.version OR OLD.title IS DISTINCT FROM NEW.title OR OLD.text IS DISTINCT FROM NEW.text)",
                    execute="public.zarts_keep_settled()",
                    func="RETURN NEW;",
                    hash="4e66fbdecb75e5abc3d2d570320f1d97bbb2f318",
                    operation="UPDATE",
                    pgid="pgtrigger_words_stay_40357",
                    table="proposals_clause",
                    when="BEFORE",
                ),
            ),
        ),
        migrations.AddField(
            model_name="glossaryterm",
            name="diary",
            field=models.OneToOneField(
                editable=False, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="opportunities.diary"
            ),
        ),
        migrations.AddConstraint(
            model_name="glossaryterm",
            constraint=models.UniqueConstraint(
                django.db.models.functions.text.Lower("term"),
                name="glossary_term_once",
                violation_error_message="This word is in the list already.",
            ),
        ),
    ]
