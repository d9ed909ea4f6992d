from pathlib import Path

import django.db.models.deletion
import django.utils.timezone
import pgtrigger.compiler
import pgtrigger.migrations
from django.conf import settings
from django.db import migrations, models

from opportunities.atonce import AtOnce

SQL = Path(__file__).resolve().parent.parent / "sql"


class Migration(migrations.Migration):
    """Questionnaires and their answers, notes, and what an objection and a promise said aloud became."""

    dependencies = [
        ("opportunities", "0005_subject_and_sharing"),
    ]

    operations = [
        AtOnce(
            [
                migrations.RunSQL(
                    (SQL / "questionnaires.sql").read_text(), "drop function if exists public.zarts_keep_asked cascade"
                ),
                migrations.CreateModel(
                    name="Answer",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        ("words", models.TextField(blank=True)),
                        ("answered_at", models.DateTimeField(default=django.utils.timezone.now)),
                    ],
                    options={
                        "abstract": False,
                        "default_permissions": ("view", "add", "change"),
                    },
                ),
                migrations.CreateModel(
                    name="Note",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        (
                            "kind",
                            models.CharField(
                                choices=[("note", "Note"), ("call", "Call"), ("meeting", "Meeting")],
                                default="note",
                                max_length=8,
                            ),
                        ),
                        ("words", models.TextField(help_text="Internal. Clients never see this.")),
                        (
                            "at",
                            models.DateTimeField(
                                default=django.utils.timezone.now, editable=False, verbose_name="written"
                            ),
                        ),
                    ],
                    options={
                        "abstract": False,
                        "default_permissions": ("view", "add", "change"),
                    },
                ),
                migrations.CreateModel(
                    name="Question",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        ("position", models.PositiveSmallIntegerField(default=0)),
                        (
                            "part",
                            models.CharField(
                                choices=[
                                    ("notes", "Notes and pain points"),
                                    ("lead_flow", "Current lead flow"),
                                    ("provider_stack", "Provider stack"),
                                    ("decision_criteria", "Decision criteria"),
                                    ("decision_path", "Decision path"),
                                ],
                                default="notes",
                                max_length=20,
                            ),
                        ),
                        ("words", models.CharField(max_length=300, verbose_name="question")),
                        ("help", models.CharField(blank=True, max_length=300, verbose_name="what a good answer says")),
                        ("required", models.BooleanField(default=False)),
                    ],
                    options={
                        "ordering": ["position", "id"],
                        "abstract": False,
                        "default_permissions": ("view", "add", "change"),
                    },
                ),
                migrations.CreateModel(
                    name="Questionnaire",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        ("name", models.CharField(max_length=120)),
                        ("version", models.PositiveSmallIntegerField(default=1, editable=False)),
                        ("is_current", models.BooleanField(default=True, editable=False)),
                        (
                            "for_every_deal",
                            models.BooleanField(
                                default=False,
                                help_text="Otherwise only deals about a service that names it are asked.",
                                verbose_name="asked of every deal",
                            ),
                        ),
                        ("asked_at", models.DateTimeField(editable=False, null=True, verbose_name="first asked")),
                    ],
                    options={
                        "ordering": ["-for_every_deal", "name", "-version"],
                        "abstract": False,
                        "default_permissions": ("view", "add", "change"),
                    },
                ),
                migrations.AddField(
                    model_name="objection",
                    name="raised_by",
                    field=models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="opportunities.contact",
                    ),
                ),
                migrations.AddField(
                    model_name="unwrittenpromise",
                    name="settled_as",
                    field=models.TextField(blank=True, editable=False, verbose_name="settled"),
                ),
                pgtrigger.migrations.AddTrigger(
                    model_name="objection",
                    trigger=pgtrigger.compiler.Trigger(
                        name="answer_stays",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            condition="WHEN ((OLD.stage <> 'raised') AND (OLD.answer IS DISTINCT FROM NEW.answer))",
                            execute="public.zarts_keep_settled()",
                            func="RETURN NEW;",
                            hash="769746623b01fabb6a5614cb94296fff11ce40ea",
                            operation="UPDATE",
                            pgid="pgtrigger_answer_stays_6743e",
                            table="opportunities_objection",
                            when="BEFORE",
                        ),
                    ),
                ),
                pgtrigger.migrations.AddTrigger(
                    model_name="unwrittenpromise",
                    trigger=pgtrigger.compiler.Trigger(
                        name="settled_stays",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            condition="WHEN ((OLD.stage <> 'noted') AND (OLD.words IS DISTINCT FROM NEW.words OR OLD.settled_as IS DISTINCT FROM NEW.settled_as))",
                            execute="public.zarts_keep_settled()",
                            func="RETURN NEW;",
                            hash="90a6d8525a5a0f5ccb8f2c16abd11614f0994c22",
                            operation="UPDATE",
                            pgid="pgtrigger_settled_stays_13b0e",
                            table="opportunities_unwrittenpromise",
                            when="BEFORE",
                        ),
                    ),
                ),
                migrations.AddField(
                    model_name="answer",
                    name="answered_by",
                    field=models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                migrations.AddField(
                    model_name="answer",
                    name="discovery",
                    field=models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="answers",
                        to="opportunities.discovery",
                    ),
                ),
                migrations.AddField(
                    model_name="note",
                    name="author",
                    field=models.ForeignKey(
                        editable=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                migrations.AddField(
                    model_name="note",
                    name="corrects",
                    field=models.OneToOneField(
                        blank=True,
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="corrected_by",
                        to="opportunities.note",
                    ),
                ),
                migrations.AddField(
                    model_name="note",
                    name="diary",
                    field=models.ForeignKey(
                        editable=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="opportunities.diary",
                    ),
                ),
                migrations.AddField(
                    model_name="note",
                    name="lead",
                    field=models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="notes",
                        to="opportunities.lead",
                    ),
                ),
                migrations.AddField(
                    model_name="note",
                    name="opportunity",
                    field=models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="notes",
                        to="opportunities.opportunity",
                    ),
                ),
                migrations.AddField(
                    model_name="answer",
                    name="question",
                    field=models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="answers", to="opportunities.question"
                    ),
                ),
                migrations.AddField(
                    model_name="questionnaire",
                    name="diary",
                    field=models.OneToOneField(
                        editable=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="opportunities.diary",
                    ),
                ),
                migrations.AddField(
                    model_name="question",
                    name="questionnaire",
                    field=models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="questions",
                        to="opportunities.questionnaire",
                    ),
                ),
                migrations.AddField(
                    model_name="discovery",
                    name="questionnaires",
                    field=models.ManyToManyField(
                        editable=False, related_name="discoveries", to="opportunities.questionnaire"
                    ),
                ),
                migrations.AddConstraint(
                    model_name="note",
                    constraint=models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("lead", None), ("opportunity__isnull", False)),
                            models.Q(("lead__isnull", False), ("opportunity", None)),
                            _connector="OR",
                        ),
                        name="note_is_about_a_lead_or_an_opportunity",
                        violation_error_message="Choose an opportunity or a lead: one of them.",
                    ),
                ),
                pgtrigger.migrations.AddTrigger(
                    model_name="note",
                    trigger=pgtrigger.compiler.Trigger(
                        name="frozen",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            execute="public.zarts_forbid()",
                            func="RETURN NEW;",
                            hash="5823b16dcbf231683237a568b62afc0db52082d7",
                            operation="UPDATE OR DELETE",
                            pgid="pgtrigger_frozen_bbc14",
                            table="opportunities_note",
                            when="BEFORE",
                        ),
                    ),
                ),
                migrations.AddConstraint(
                    model_name="answer",
                    constraint=models.UniqueConstraint(fields=("discovery", "question"), name="answer_once"),
                ),
                migrations.AddConstraint(
                    model_name="questionnaire",
                    constraint=models.UniqueConstraint(fields=("name", "version"), name="questionnaire_version_once"),
                ),
                migrations.AddConstraint(
                    model_name="questionnaire",
                    constraint=models.UniqueConstraint(
                        condition=models.Q(("is_current", True)),
                        fields=("name",),
                        name="questionnaire_current_once",
                        violation_error_message="There is a questionnaire of this name. Open it and make a new version.",
                    ),
                ),
                pgtrigger.migrations.AddTrigger(
                    model_name="questionnaire",
                    trigger=pgtrigger.compiler.Trigger(
                        name="name_stays",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            condition="WHEN (OLD.name IS DISTINCT FROM NEW.name OR OLD.version IS DISTINCT FROM NEW.version)",
                            execute="public.zarts_keep_settled()",
                            func="RETURN NEW;",
                            hash="e6636580384e5bba830085e213c8c34687b59cb1",
                            operation="UPDATE",
                            pgid="pgtrigger_name_stays_fdb46",
                            table="opportunities_questionnaire",
                            when="BEFORE",
                        ),
                    ),
                ),
                pgtrigger.migrations.AddTrigger(
                    model_name="questionnaire",
                    trigger=pgtrigger.compiler.Trigger(
                        name="asked_stays",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            condition="WHEN ((OLD.asked_at IS NOT NULL) AND (OLD.asked_at IS DISTINCT FROM NEW.asked_at))",
                            execute="public.zarts_keep_settled()",
                            func="RETURN NEW;",
                            hash="a7a1ade37c0752917c03900e1513f337e474bf33",
                            operation="UPDATE",
                            pgid="pgtrigger_asked_stays_92909",
                            table="opportunities_questionnaire",
                            when="BEFORE",
                        ),
                    ),
                ),
                pgtrigger.migrations.AddTrigger(
                    model_name="question",
                    trigger=pgtrigger.compiler.Trigger(
                        name="asked_stays",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            execute="public.zarts_keep_asked()",
                            func="RETURN NEW;",
                            hash="cdf52978487bc17044932065681ef9aa4c9fb809",
                            operation="INSERT OR UPDATE OR DELETE",
                            pgid="pgtrigger_asked_stays_80283",
                            table="opportunities_question",
                            when="BEFORE",
                        ),
                    ),
                ),
            ]
        ),
    ]
