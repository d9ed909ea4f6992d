import django.db.models.deletion
import django.db.models.functions.text
import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations, models

from opportunities.atonce import AtOnce

# Whoever was taken up before the clock ran had their first answer then.
CATCH_UP = """
update opportunities_lead lead set answered_at = greatest(taken.at, lead.arrived_at), answered_how = 'work'
from (select record_id, min(at) as at from opportunities_event where verb = 'lead.work' group by record_id) taken
where taken.record_id = lead.id
"""


class Migration(migrations.Migration):
    """Sources know their links, leads their first answer, and two entries for the same can become one."""

    dependencies = [
        ("opportunities", "0010_duplicates"),
    ]

    operations = [
        AtOnce(
            [
                pgtrigger.migrations.RemoveTrigger(
                    model_name="lead",
                    name="stage_edge",
                ),
                migrations.RemoveConstraint(
                    model_name="lead",
                    name="open_lead_has_a_next_action",
                ),
                migrations.AddField(
                    model_name="client",
                    name="merged_into",
                    field=models.ForeignKey(
                        blank=True,
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="merged",
                        to="opportunities.client",
                    ),
                ),
                migrations.AddField(
                    model_name="contact",
                    name="merged_into",
                    field=models.ForeignKey(
                        blank=True,
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="merged",
                        to="opportunities.contact",
                    ),
                ),
                migrations.AddField(
                    model_name="lead",
                    name="answered_at",
                    field=models.DateTimeField(editable=False, null=True, verbose_name="first answer"),
                ),
                migrations.AddField(
                    model_name="lead",
                    name="answered_how",
                    field=models.CharField(
                        blank=True,
                        choices=[("mail", "Mail"), ("call", "Call"), ("meeting", "Meeting"), ("work", "Taken up")],
                        editable=False,
                        max_length=8,
                    ),
                ),
                migrations.AddField(
                    model_name="lead",
                    name="merged_into",
                    field=models.ForeignKey(
                        blank=True,
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="merged",
                        to="opportunities.lead",
                    ),
                ),
                migrations.AddField(
                    model_name="source",
                    name="campaign",
                    field=models.CharField(blank=True, max_length=120),
                ),
                migrations.AddField(
                    model_name="source",
                    name="found_at",
                    field=models.DateTimeField(editable=False, null=True),
                ),
                migrations.AddField(
                    model_name="source",
                    name="utm_campaign",
                    field=models.CharField(blank=True, max_length=120, verbose_name="UTM campaign"),
                ),
                migrations.AddField(
                    model_name="source",
                    name="utm_content",
                    field=models.CharField(blank=True, max_length=120, verbose_name="UTM content"),
                ),
                migrations.AddField(
                    model_name="source",
                    name="utm_medium",
                    field=models.CharField(blank=True, max_length=120, verbose_name="UTM medium"),
                ),
                migrations.AddField(
                    model_name="source",
                    name="utm_source",
                    field=models.CharField(blank=True, max_length=120, verbose_name="UTM source"),
                ),
                migrations.AddField(
                    model_name="source",
                    name="utm_term",
                    field=models.CharField(blank=True, max_length=120, verbose_name="UTM term"),
                ),
                migrations.AlterField(
                    model_name="lead",
                    name="stage",
                    field=models.CharField(
                        choices=[
                            ("new", "New"),
                            ("working", "Working"),
                            ("qualified", "Qualified"),
                            ("disqualified", "Disqualified"),
                            ("merged", "Merged"),
                        ],
                        default="new",
                        editable=False,
                        max_length=20,
                        verbose_name="stage",
                    ),
                ),
                migrations.AddIndex(
                    model_name="lead",
                    index=models.Index(fields=["source", "-id"], name="lead_of_source"),
                ),
                migrations.AddIndex(
                    model_name="lead",
                    index=models.Index(
                        condition=models.Q(
                            ("answered_at", None), ("external_ref", ""), ("stage__in", ["new", "working"])
                        ),
                        fields=["arrived_at"],
                        name="lead_unanswered",
                    ),
                ),
                migrations.AddIndex(
                    model_name="lead",
                    index=models.Index(
                        condition=models.Q(
                            ("answered_at", None), ("external_ref", ""), ("stage__in", ["new", "working"])
                        ),
                        fields=["owner", "arrived_at"],
                        name="lead_unanswered_of",
                    ),
                ),
                pgtrigger.migrations.AddTrigger(
                    model_name="client",
                    trigger=pgtrigger.compiler.Trigger(
                        name="merged_stays",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            condition="WHEN ((OLD.merged_into_id IS NOT NULL) AND (OLD.merged_into_id IS DISTINCT FROM NEW.merged_into_id))",
                            execute="public.zarts_keep_settled()",
                            func="RETURN NEW;",
                            hash="99df1f95db965752a2dce1ee63fe734e71bfa478",
                            operation="UPDATE",
                            pgid="pgtrigger_merged_stays_eff76",
                            table="opportunities_client",
                            when="BEFORE",
                        ),
                    ),
                ),
                pgtrigger.migrations.AddTrigger(
                    model_name="consent",
                    trigger=pgtrigger.compiler.Trigger(
                        name="given_stays",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            condition="WHEN (OLD.purpose IS DISTINCT FROM NEW.purpose OR OLD.basis IS DISTINCT FROM NEW.basis OR OLD.text_version IS DISTINCT FROM NEW.text_version OR OLD.source IS DISTINCT FROM NEW.source OR OLD.captured_at IS DISTINCT FROM NEW.captured_at OR OLD.expires_at IS DISTINCT FROM NEW.expires_at)",
                            execute="public.zarts_keep_settled()",
                            func="RETURN NEW;",
                            hash="9539e1135983ab9632de0006954e3797b956eb67",
                            operation="UPDATE",
                            pgid="pgtrigger_given_stays_280a1",
                            table="opportunities_consent",
                            when="BEFORE",
                        ),
                    ),
                ),
                pgtrigger.migrations.AddTrigger(
                    model_name="lead",
                    trigger=pgtrigger.compiler.Trigger(
                        name="stage_edge",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            execute="public.zarts_keep_stage('new', 'disqualified>merged', 'disqualified>working', 'new>disqualified', 'new>merged', 'new>working', 'working>disqualified', 'working>merged', 'working>qualified')",
                            func="RETURN NEW;",
                            hash="c2ddcbbca8e75fb7996cbfa7b1de535c31ad252c",
                            operation='INSERT OR UPDATE OF "stage"',
                            pgid="pgtrigger_stage_edge_b8cba",
                            table="opportunities_lead",
                            when="BEFORE",
                        ),
                    ),
                ),
                migrations.AddConstraint(
                    model_name="lead",
                    constraint=models.CheckConstraint(
                        condition=models.Q(
                            ("stage__in", ["qualified", "disqualified", "merged"]),
                            models.Q(("next_action", ""), _negated=True),
                            _connector="OR",
                        ),
                        name="open_lead_has_a_next_action",
                    ),
                ),
                migrations.AddConstraint(
                    model_name="lead",
                    constraint=models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("stage", "merged"), _negated=True),
                            ("merged_into__isnull", False),
                            _connector="OR",
                        ),
                        name="merged_lead_knows_into_which",
                    ),
                ),
                migrations.AddConstraint(
                    model_name="source",
                    constraint=models.UniqueConstraint(
                        django.db.models.functions.text.Lower("utm_source"),
                        django.db.models.functions.text.Lower("utm_medium"),
                        django.db.models.functions.text.Lower("utm_campaign"),
                        django.db.models.functions.text.Lower("utm_term"),
                        django.db.models.functions.text.Lower("utm_content"),
                        condition=models.Q(
                            ("utm_campaign", ""),
                            ("utm_content", ""),
                            ("utm_medium", ""),
                            ("utm_source", ""),
                            ("utm_term", ""),
                            _negated=True,
                        ),
                        name="source_utm_once",
                        violation_error_message="Another source has the same UTM values. Change one of them.",
                    ),
                ),
                migrations.RunSQL(CATCH_UP, migrations.RunSQL.noop),
            ]
        ),
    ]
