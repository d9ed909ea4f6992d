"""Several people sign for the client, in order; a contract is signed when its signatures say so; payments are shown."""

from pathlib import Path

import django.core.validators
import django.db.models.constraints
import django.db.models.deletion
import pgtrigger.compiler
import pgtrigger.migrations
from django.conf import settings
from django.db import migrations, models

from opportunities.atonce import at_once

SIGNING = Path(__file__).resolve().parent.parent / "sql" / "signing.sql"
DOWN = "drop function zarts_keep_shown; drop function zarts_keep_signed; drop function zarts_keep_signatories;"
# Whoever was to sign signs first, and alone.
KEEP = """
set constraints all immediate;
insert into proposals_signatory (contract_id, contact_id, position)
select id, signer_id, 1 from proposals_contract where signer_id is not null;
"""
# What a contract says stays from when it is sent; who signs it has a wall of its own.
FREEZE = """
drop trigger sent_content_is_frozen on proposals_contract;
create trigger sent_content_is_frozen before update on proposals_contract for each row execute function zarts_keep_content(
  'draft,in_review,approved',
  'opportunity_id', 'proposal_id', 'number', 'report_every', 'report_weekday', 'report_day', 'first_report_on',
  'payment_before_start', 'kickoff_on');
"""


class Migration(migrations.Migration):
    dependencies = [
        ("opportunities", "0025_plain_words"),
        ("proposals", "0015_sharing"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="PaymentProof",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "kind",
                    models.CharField(
                        choices=[("part_paid", "Part paid"), ("paid", "Paid"), ("refunded", "Refunded")], max_length=12
                    ),
                ),
                ("amount", models.DecimalField(decimal_places=2, max_digits=12)),
                ("reference", models.CharField(max_length=120)),
                ("happened_on", models.DateField(verbose_name="day")),
                (
                    "link",
                    models.URLField(
                        blank=True, max_length=500, validators=[django.core.validators.URLValidator(["https", "http"])]
                    ),
                ),
                ("file", models.FileField(blank=True, max_length=120, upload_to="payments")),
                ("file_name", models.CharField(blank=True, max_length=120)),
                ("notice_id", models.BigIntegerField(blank=True, null=True)),
            ],
            options={
                "ordering": ["id"],
                "abstract": False,
                "default_permissions": ("view", "add", "change"),
            },
        ),
        migrations.CreateModel(
            name="Signatory",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "position",
                    models.PositiveSmallIntegerField(
                        validators=[django.core.validators.MinValueValidator(1)], verbose_name="signs as number"
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "signatories",
                "ordering": ["position", "id"],
                "abstract": False,
                "default_permissions": ("view", "add", "change"),
            },
        ),
        migrations.AlterModelOptions(
            name="signature",
            options={"default_permissions": ("view", "add", "change"), "ordering": ["id"]},
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="contract",
            name="stage_edge",
        ),
        migrations.RemoveConstraint(
            model_name="signature",
            name="one_signature_a_side",
        ),
        migrations.AddField(
            model_name="contract",
            name="ran_out_on",
            field=models.DateField(editable=False, null=True),
        ),
        migrations.AddField(
            model_name="contract",
            name="reminded_on",
            field=models.DateField(editable=False, null=True),
        ),
        migrations.AddField(
            model_name="contract",
            name="sign_by",
            field=models.DateField(
                blank=True,
                help_text="The last day on which the client can sign. Empty: 14 days after it is sent.",
                null=True,
                verbose_name="sign by",
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="contract",
            trigger=pgtrigger.compiler.Trigger(
                name="stage_edge",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    execute="public.zarts_keep_stage('draft', 'active>ended', 'approved>draft', 'approved>in_review', 'approved>sent', 'approved>voided', 'draft>in_review', 'draft>voided', 'in_review>approved', 'in_review>draft', 'in_review>voided', 'sent>declined', 'sent>sent', 'sent>signed', 'sent>voided', 'signed>active', 'signed>voided')",
                    func="RETURN NEW;",
                    hash="1ace1f2caed62f11582d06e616fa261029e27007",
                    operation='INSERT OR UPDATE OF "stage"',
                    pgid="pgtrigger_stage_edge_7b20b",
                    table="proposals_contract",
                    when="BEFORE",
                ),
            ),
        ),
        migrations.AddConstraint(
            model_name="signature",
            constraint=models.UniqueConstraint(
                condition=models.Q(("side", "agency")), fields=("contract",), name="one_signature_of_the_agency"
            ),
        ),
        migrations.AddConstraint(
            model_name="signature",
            constraint=models.UniqueConstraint(
                condition=models.Q(("side", "client")), fields=("contract", "contact"), name="one_signature_a_signatory"
            ),
        ),
        migrations.AddField(
            model_name="paymentproof",
            name="payment",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="proofs", to="proposals.payment"
            ),
        ),
        migrations.AddField(
            model_name="signatory",
            name="contact",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="opportunities.contact",
                verbose_name="who signs",
            ),
        ),
        migrations.AddField(
            model_name="signatory",
            name="contract",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="signatories", to="proposals.contract"
            ),
        ),
        migrations.AddConstraint(
            model_name="paymentproof",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("link", ""), _negated=True),
                    models.Q(("file", ""), _negated=True),
                    ("notice_id__isnull", False),
                    _connector="OR",
                ),
                name="payment_proof_can_be_looked_at",
            ),
        ),
        migrations.AddConstraint(
            model_name="paymentproof",
            constraint=models.UniqueConstraint(fields=("notice_id",), name="payment_proof_once_a_notice"),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="paymentproof",
            trigger=pgtrigger.compiler.Trigger(
                name="frozen",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    execute="public.zarts_forbid()",
                    func="RETURN NEW;",
                    hash="8df15494f181e147cd446571dc021e959c35427a",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_frozen_8062b",
                    table="proposals_paymentproof",
                    when="BEFORE",
                ),
            ),
        ),
        migrations.AddConstraint(
            model_name="signatory",
            constraint=models.UniqueConstraint(
                deferrable=django.db.models.constraints.Deferrable["DEFERRED"],
                fields=("contract", "position"),
                name="one_signatory_a_position",
                violation_error_message="Each signs as a number of their own.",
            ),
        ),
        migrations.AddConstraint(
            model_name="signatory",
            constraint=models.UniqueConstraint(
                deferrable=django.db.models.constraints.Deferrable["DEFERRED"],
                fields=("contract", "contact"),
                name="signatory_once",
                violation_error_message="Each person signs once.",
            ),
        ),
        migrations.RunSQL(KEEP, migrations.RunSQL.noop),
        migrations.RunSQL(FREEZE, migrations.RunSQL.noop),
        migrations.RemoveField(
            model_name="contract",
            name="signer",
        ),
        migrations.RunSQL(SIGNING.read_text(), DOWN),
        pgtrigger.migrations.AddTrigger(
            model_name="contract",
            trigger=pgtrigger.compiler.Trigger(
                name="stage_as_signed",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    constraint="CONSTRAINT",
                    execute="public.zarts_keep_signed('id')",
                    func="RETURN NEW;",
                    hash="b434cb37d1c96ac2ace242526068a288595e2cf7",
                    operation='UPDATE OF "stage"',
                    pgid="pgtrigger_stage_as_signed_489a6",
                    table="proposals_contract",
                    timing="DEFERRABLE INITIALLY DEFERRED",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="signature",
            trigger=pgtrigger.compiler.Trigger(
                name="stage_as_signed",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    constraint="CONSTRAINT",
                    execute="public.zarts_keep_signed('contract_id')",
                    func="RETURN NEW;",
                    hash="b6aa56ce628ecd2f9c1b984782a7d690538d6649",
                    operation="INSERT",
                    pgid="pgtrigger_stage_as_signed_8ca9b",
                    table="proposals_signature",
                    timing="DEFERRABLE INITIALLY DEFERRED",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="signatory",
            trigger=pgtrigger.compiler.Trigger(
                name="sent_signatories_are_frozen",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    execute="public.zarts_keep_signatories()",
                    func="RETURN NEW;",
                    hash="2d822488408dd4981b021f3f059114fe55d9b8e1",
                    operation="INSERT OR UPDATE OR DELETE",
                    pgid="pgtrigger_sent_signatories_are_frozen_bbe85",
                    table="proposals_signatory",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="signatory",
            trigger=pgtrigger.compiler.Trigger(
                name="stage_as_signed",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    constraint="CONSTRAINT",
                    execute="public.zarts_keep_signed('contract_id')",
                    func="RETURN NEW;",
                    hash="2c50408f433b97d0107edbbbbf302b045f2dc8dc",
                    operation="INSERT OR UPDATE OR DELETE",
                    pgid="pgtrigger_stage_as_signed_e0178",
                    table="proposals_signatory",
                    timing="DEFERRABLE INITIALLY DEFERRED",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="payment",
            trigger=pgtrigger.compiler.Trigger(
                name="payment_is_shown",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    constraint="CONSTRAINT",
                    execute="public.zarts_keep_shown()",
                    func="RETURN NEW;",
                    hash="2ac4089e14fa5b15c2c278b4640f397474b45757",
                    operation='UPDATE OF "stage"',
                    pgid="pgtrigger_payment_is_shown_6c40d",
                    table="proposals_payment",
                    timing="DEFERRABLE INITIALLY DEFERRED",
                    when="AFTER",
                ),
            ),
        ),
    ]
    operations = at_once(operations)
