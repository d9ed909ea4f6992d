from decimal import Decimal

import django.core.validators
import django.db.models.deletion
import django.utils.timezone
import pgtrigger.compiler
import pgtrigger.migrations
from django.conf import settings
from django.db import migrations, models

from opportunities.atonce import at_once

CHECK_NOW = "set constraints all immediate; set constraints all deferred"
# Only the rule of the highest amount counted: each ends now where the next one began, and asks whom it asked.
# Hours ran round the clock: two days were 48, and are 16 working hours.
KEEP_WHAT_RULES_MEANT = """
update proposals_approvalrule r
   set below_amount = n.next_amount, hours = least(400, greatest(1, round(r.hours / 3.0)))
  from (
    select id, lead(min_amount) over (partition by aspect order by min_amount) as next_amount
      from proposals_approvalrule
  ) n
 where n.id = r.id;
"""
# What is live was asked by the rule that names its right; it was asked when it was born, and holds from today on.
KEEP_WHAT_WAS_ASKED = """
update proposals_approval a
   set rule_id = (
     select r.id from proposals_approvalrule r
      where r.aspect = a.aspect and r.permission = a.permission order by r.min_amount desc limit 1
   )
 where a.stage in ('pending', 'approved');
update proposals_approval set expires_at = now() + interval '60 days' where stage = 'approved';
update proposals_approval a
   set asked_at = e.at
  from opportunities_event e
 where e.record_type = 'proposals.approval' and e.record_id = a.id and e.verb = 'approval.create';
"""


class Migration(migrations.Migration):
    """Rules as data: several for an aspect, in steps, for a role or a person; conditions, reminders, an end."""

    dependencies = [
        ("auth", "0012_alter_user_first_name_max_length"),
        ("opportunities", "0022_late_words"),
        ("proposals", "0008_book"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AlterModelOptions(
            name="approval",
            options={
                "default_permissions": ("view", "add", "change"),
                "ordering": ["-id"],
                "permissions": [
                    ("approve_proposal", "Can approve: proposal"),
                    ("approve_pricing", "Can approve: pricing"),
                    ("approve_claims", "Can approve: claims"),
                    ("approve_contract", "Can approve: contract"),
                    ("approve_summary", "Can approve: summary"),
                    ("reassign_approval", "Can give a question to somebody else"),
                ],
            },
        ),
        migrations.AlterModelOptions(
            name="approvalrule",
            options={"default_permissions": ("view", "add", "change"), "ordering": ["aspect", "step", "id"]},
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="approval",
            name="stage_edge",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="approval",
            name="decision_stays",
        ),
        migrations.RemoveConstraint(
            model_name="approval",
            name="one_live_approval_of_a_proposal",
        ),
        migrations.RemoveConstraint(
            model_name="approval",
            name="one_live_approval_of_a_contract",
        ),
        migrations.RemoveConstraint(
            model_name="approval",
            name="one_live_approval_of_a_summary",
        ),
        migrations.RemoveConstraint(
            model_name="approvalrule",
            name="approval_rule_once",
        ),
        migrations.RemoveIndex(
            model_name="approval",
            name="approval_waiting",
        ),
        migrations.AddField(
            model_name="approval",
            name="asked_at",
            field=models.DateTimeField(default=django.utils.timezone.now),
        ),
        migrations.AddField(
            model_name="approval",
            name="bound",
            field=models.CharField(blank=True, max_length=64),
        ),
        migrations.AddField(
            model_name="approval",
            name="condition",
            field=models.JSONField(null=True),
        ),
        migrations.AddField(
            model_name="approval",
            name="escalated_at",
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name="approval",
            name="expires_at",
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name="approval",
            name="group",
            field=models.ForeignKey(
                null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="auth.group"
            ),
        ),
        migrations.AddField(
            model_name="approval",
            name="person",
            field=models.ForeignKey(
                null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
            ),
        ),
        migrations.AddField(
            model_name="approval",
            name="remind_at",
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name="approval",
            name="rule",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="proposals.approvalrule",
                verbose_name="asked by the rule",
            ),
        ),
        migrations.AddField(
            model_name="approval",
            name="step",
            field=models.PositiveSmallIntegerField(default=1),
        ),
        migrations.AddField(
            model_name="approval",
            name="why",
            field=models.TextField(blank=True, verbose_name="why it is asked"),
        ),
        migrations.AddField(
            model_name="approvalrule",
            name="below_amount",
            field=models.DecimalField(
                blank=True,
                decimal_places=2,
                max_digits=12,
                null=True,
                validators=[django.core.validators.MinValueValidator(0)],
                verbose_name="and under a first year of",
            ),
        ),
        migrations.AddField(
            model_name="approvalrule",
            name="below_margin",
            field=models.DecimalField(
                blank=True,
                decimal_places=2,
                max_digits=5,
                null=True,
                validators=[
                    django.core.validators.MinValueValidator(Decimal("0"), "Type a percentage from 0 to 100."),
                    django.core.validators.MaxValueValidator(Decimal("100"), "Type a percentage from 0 to 100."),
                ],
                verbose_name="with a margin under, percent",
            ),
        ),
        migrations.AddField(
            model_name="approvalrule",
            name="edited_clause",
            field=models.BooleanField(default=False, verbose_name="when a clause is edited"),
        ),
        migrations.AddField(
            model_name="approvalrule",
            name="escalates_to",
            field=models.ForeignKey(
                blank=True,
                help_text="Left empty, it goes on to somebody else who may.",
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
                verbose_name="when late, goes on to",
            ),
        ),
        migrations.AddField(
            model_name="approvalrule",
            name="everybody",
            field=models.BooleanField(default=False, verbose_name="everybody of the role, each for themselves"),
        ),
        migrations.AddField(
            model_name="approvalrule",
            name="group",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="auth.group",
                verbose_name="or one of a role",
            ),
        ),
        migrations.AddField(
            model_name="approvalrule",
            name="is_used",
            field=models.BooleanField(default=True, verbose_name="in use"),
        ),
        migrations.AddField(
            model_name="approvalrule",
            name="min_discount",
            field=models.DecimalField(
                blank=True,
                decimal_places=2,
                max_digits=5,
                null=True,
                validators=[
                    django.core.validators.MinValueValidator(Decimal("0"), "Type a percentage from 0 to 100."),
                    django.core.validators.MaxValueValidator(Decimal("100"), "Type a percentage from 0 to 100."),
                ],
                verbose_name="from a discount of, percent",
            ),
        ),
        migrations.AddField(
            model_name="approvalrule",
            name="person",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
                verbose_name="or one person",
            ),
        ),
        migrations.AddField(
            model_name="approvalrule",
            name="remind_after",
            field=models.PositiveSmallIntegerField(
                default=50,
                help_text="0 reminds never.",
                validators=[django.core.validators.MaxValueValidator(99)],
                verbose_name="reminds after, percent of the time",
            ),
        ),
        migrations.AddField(
            model_name="approvalrule",
            name="sensitive_claim",
            field=models.BooleanField(default=False, verbose_name="when a claim is sensitive"),
        ),
        migrations.AddField(
            model_name="approvalrule",
            name="service",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="proposals.service",
                verbose_name="when it is about",
            ),
        ),
        migrations.AddField(
            model_name="approvalrule",
            name="step",
            field=models.PositiveSmallIntegerField(
                default=1,
                help_text="The same number is asked at the same time; the next when all before is given.",
                validators=[django.core.validators.MinValueValidator(1), django.core.validators.MaxValueValidator(20)],
            ),
        ),
        migrations.AddField(
            model_name="approvalrule",
            name="valid_days",
            field=models.PositiveSmallIntegerField(
                default=60,
                validators=[django.core.validators.MinValueValidator(1), django.core.validators.MaxValueValidator(730)],
                verbose_name="holds for days",
            ),
        ),
        migrations.AlterField(
            model_name="approval",
            name="permission",
            field=models.CharField(blank=True, max_length=80),
        ),
        migrations.AlterField(
            model_name="approvalrule",
            name="aspect",
            field=models.CharField(
                choices=[
                    ("proposal", "Proposal"),
                    ("pricing", "Pricing"),
                    ("claims", "Claims"),
                    ("contract", "Contract"),
                    ("summary", "Summary"),
                ],
                max_length=10,
                verbose_name="what is approved",
            ),
        ),
        migrations.AlterField(
            model_name="approvalrule",
            name="hours",
            field=models.PositiveSmallIntegerField(
                default=16,
                help_text="Monday to Friday, 9 to 17. A day has 8.",
                validators=[django.core.validators.MinValueValidator(1), django.core.validators.MaxValueValidator(400)],
                verbose_name="working hours allowed",
            ),
        ),
        migrations.AlterField(
            model_name="approvalrule",
            name="permission",
            field=models.CharField(
                blank=True,
                max_length=80,
                verbose_name="asks whoever may",
            ),
        ),
        migrations.RunSQL(KEEP_WHAT_RULES_MEANT, migrations.RunSQL.noop),
        migrations.RunSQL(KEEP_WHAT_WAS_ASKED, migrations.RunSQL.noop),
        # The tables are not altered while checks of their rows are still to come.
        migrations.RunSQL(CHECK_NOW, migrations.RunSQL.noop),
        migrations.AddIndex(
            model_name="approval",
            index=models.Index(condition=models.Q(("stage", "pending")), fields=["due", "id"], name="approval_waiting"),
        ),
        migrations.AddIndex(
            model_name="approval",
            index=models.Index(
                condition=models.Q(("stage", "pending")), fields=["owner", "due"], name="approval_of_owner"
            ),
        ),
        migrations.AddIndex(
            model_name="approval",
            index=models.Index(
                condition=models.Q(("remind_at__isnull", False), ("stage", "pending")),
                fields=["remind_at"],
                name="approval_to_remind",
            ),
        ),
        migrations.AddIndex(
            model_name="approval",
            index=models.Index(
                condition=models.Q(("expires_at__isnull", False), ("stage", "approved")),
                fields=["expires_at"],
                name="approval_to_expire",
            ),
        ),
        migrations.AddIndex(
            model_name="approval",
            index=models.Index(
                condition=models.Q(("decided_at__isnull", False)), fields=["decided_at"], name="approval_decided"
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="approval",
            trigger=pgtrigger.compiler.Trigger(
                name="decision_stays",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN ((OLD.stage <> 'pending') AND (OLD.decided_by_id IS DISTINCT FROM NEW.decided_by_id OR OLD.decided_at IS DISTINCT FROM NEW.decided_at OR OLD.decision IS DISTINCT FROM NEW.decision OR OLD.condition IS DISTINCT FROM NEW.condition))",
                    execute="public.zarts_keep_settled()",
                    func="RETURN NEW;",
                    hash="52a2ac2ab251fd6c4b46d3b9063131ca310fa160",
                    operation="UPDATE",
                    pgid="pgtrigger_decision_stays_593aa",
                    table="proposals_approval",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="approval",
            trigger=pgtrigger.compiler.Trigger(
                name="asked_for_a_reason",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (OLD.rule_id IS DISTINCT FROM NEW.rule_id OR OLD.why IS DISTINCT FROM NEW.why OR OLD.step IS DISTINCT FROM NEW.step OR OLD.group_id IS DISTINCT FROM NEW.group_id OR OLD.person_id IS DISTINCT FROM NEW.person_id OR OLD.asked_at IS DISTINCT FROM NEW.asked_at)",
                    execute="public.zarts_keep_settled()",
                    func="RETURN NEW;",
                    hash="5105ea8ec2494abb1ef71529a9adcb7ce0f73d4d",
                    operation="UPDATE",
                    pgid="pgtrigger_asked_for_a_reason_58091",
                    table="proposals_approval",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="approval",
            trigger=pgtrigger.compiler.Trigger(
                name="stage_edge",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    execute="public.zarts_keep_stage('pending', 'approved>lapsed', 'pending>approved', 'pending>changes_requested', 'pending>lapsed', 'pending>pending', 'pending>recalled', 'pending>rejected')",
                    func="RETURN NEW;",
                    hash="b0fa590a21d04e28e3a6794f5307b908f88d9f4c",
                    operation='INSERT OR UPDATE OF "stage"',
                    pgid="pgtrigger_stage_edge_eb578",
                    table="proposals_approval",
                    when="BEFORE",
                ),
            ),
        ),
        migrations.AddConstraint(
            model_name="approval",
            constraint=models.UniqueConstraint(
                condition=models.Q(("proposal__isnull", False), ("stage__in", ["pending", "approved"])),
                fields=("proposal", "aspect", "rule", "person"),
                name="one_live_approval_of_a_proposal",
                nulls_distinct=False,
            ),
        ),
        migrations.AddConstraint(
            model_name="approval",
            constraint=models.UniqueConstraint(
                condition=models.Q(("contract__isnull", False), ("stage__in", ["pending", "approved"])),
                fields=("contract", "aspect", "rule", "person"),
                name="one_live_approval_of_a_contract",
                nulls_distinct=False,
            ),
        ),
        migrations.AddConstraint(
            model_name="approval",
            constraint=models.UniqueConstraint(
                condition=models.Q(("stage__in", ["pending", "approved"]), ("summary__isnull", False)),
                fields=("summary", "aspect", "rule", "person"),
                name="one_live_approval_of_a_summary",
                nulls_distinct=False,
            ),
        ),
        migrations.AddConstraint(
            model_name="approval",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("permission", ""), _negated=True),
                    ("group__isnull", False),
                    ("person__isnull", False),
                    _connector="OR",
                ),
                name="approval_asks_somebody",
            ),
        ),
        migrations.AddConstraint(
            model_name="approval",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("bound", ""), models.Q(("aspect", "pricing"), ("condition__isnull", False)), _connector="OR"
                ),
                name="only_a_condition_binds_anew",
            ),
        ),
        migrations.AddConstraint(
            model_name="approvalrule",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(models.Q(("permission", ""), _negated=True), ("group", None), ("person", None)),
                    models.Q(("group__isnull", False), ("permission", ""), ("person", None)),
                    models.Q(("group", None), ("permission", ""), ("person__isnull", False)),
                    _connector="OR",
                ),
                name="approval_rule_asks_somebody",
                violation_error_message="Choose one: a right, a role or a person.",
            ),
        ),
        migrations.AddConstraint(
            model_name="approvalrule",
            constraint=models.CheckConstraint(
                condition=models.Q(("everybody", False), ("group__isnull", False), _connector="OR"),
                name="approval_rule_everybody_of_a_role",
                violation_error_message="Choose the role of which everybody is asked.",
            ),
        ),
    ]
    operations = at_once(operations)
