import django.core.validators
import django.db.models.deletion
import django.utils.timezone
import pgtrigger.compiler
import pgtrigger.migrations
from django.conf import settings
from django.db import migrations, models

from opportunities.atonce import AtOnce

# Evidence that is here keeps the day on which it ages; it only learns of what kind it is, and when it was written down.
CATCH_UP = """
alter table opportunities_evidence disable trigger user;
update opportunities_evidence set recorded_at = captured_at, kind = case
  when lower(provider) like '%lighthouse%' then 'lab' when lower(provider) like '%search console%' then 'search'
  when lower(provider) like '%interview%' then 'interview' when lower(provider) like '%google ads%' then 'ads'
  when lower(provider) like '%analytics%' then 'analytics' else 'other' end;
alter table opportunities_evidence enable trigger user;
update opportunities_audit a set counts_until = e.first from (
  select audit_id, min(fresh_until) as first from opportunities_evidence e
  where not exists (select from opportunities_evidence later where later.corrects_id = e.id) group by audit_id
) e where e.audit_id = a.id and a.stage = 'verified';
"""


class Migration(migrations.Migration):
    """Evidence has a kind with a shelf life, files, reasons and withdrawals; an audit knows until when it counts."""

    dependencies = [
        ("opportunities", "0006_discovery"),
    ]

    operations = [
        AtOnce(
            [
                migrations.CreateModel(
                    name="EvidenceFile",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        ("name", models.CharField(max_length=120)),
                        ("file", models.FileField(max_length=120, upload_to="evidence")),
                        ("digest", models.CharField(max_length=64)),
                        ("size", models.PositiveIntegerField()),
                        ("added_at", models.DateTimeField(default=django.utils.timezone.now)),
                    ],
                    options={
                        "abstract": False,
                        "default_permissions": ("view", "add", "change"),
                    },
                ),
                migrations.CreateModel(
                    name="EvidenceWithdrawal",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        ("reason", models.CharField(max_length=2000)),
                        ("at", models.DateTimeField(default=django.utils.timezone.now)),
                    ],
                    options={
                        "abstract": False,
                        "default_permissions": ("view", "add", "change"),
                    },
                ),
                migrations.CreateModel(
                    name="ShelfLife",
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
                                choices=[
                                    ("lab", "Lab measurement"),
                                    ("search", "Search data"),
                                    ("analytics", "Analytics"),
                                    ("ads", "Advertising"),
                                    ("interview", "Interview"),
                                    ("document", "Document"),
                                    ("other", "Other"),
                                ],
                                max_length=10,
                                unique=True,
                                verbose_name="kind of evidence",
                            ),
                        ),
                        (
                            "days",
                            models.PositiveSmallIntegerField(
                                help_text="Evidence that is here already keeps the day on which it ages.",
                                validators=[
                                    django.core.validators.MinValueValidator(1),
                                    django.core.validators.MaxValueValidator(3650),
                                ],
                                verbose_name="counts for days",
                            ),
                        ),
                    ],
                    options={
                        "verbose_name_plural": "shelf lives",
                        "abstract": False,
                        "default_permissions": ("view", "add", "change"),
                    },
                ),
                migrations.AddField(
                    model_name="audit",
                    name="counts_until",
                    field=models.DateTimeField(editable=False, null=True),
                ),
                migrations.AddField(
                    model_name="evidence",
                    name="kind",
                    field=models.CharField(
                        choices=[
                            ("lab", "Lab measurement"),
                            ("search", "Search data"),
                            ("analytics", "Analytics"),
                            ("ads", "Advertising"),
                            ("interview", "Interview"),
                            ("document", "Document"),
                            ("other", "Other"),
                        ],
                        default="other",
                        max_length=10,
                    ),
                ),
                migrations.AddField(
                    model_name="evidence",
                    name="reason",
                    field=models.CharField(
                        blank=True, editable=False, max_length=2000, verbose_name="why there is a new version"
                    ),
                ),
                migrations.AddField(
                    model_name="evidence",
                    name="recorded_at",
                    field=models.DateTimeField(default=django.utils.timezone.now, editable=False),
                ),
                migrations.AddField(
                    model_name="evidence",
                    name="subject",
                    field=models.CharField(
                        blank=True,
                        help_text="A page, a query, a device: whatever tells it from its like.",
                        max_length=300,
                        verbose_name="about",
                    ),
                ),
                migrations.AlterField(
                    model_name="evidence",
                    name="captured_at",
                    field=models.DateTimeField(help_text="When the provider measured it.", verbose_name="captured"),
                ),
                migrations.AlterField(
                    model_name="evidence",
                    name="fresh_until",
                    field=models.DateTimeField(editable=False, verbose_name="counts until"),
                ),
                migrations.AlterField(
                    model_name="evidence",
                    name="provider",
                    field=models.CharField(help_text="Who measured it, or who said it.", max_length=80),
                ),
                migrations.AddIndex(
                    model_name="audit",
                    index=models.Index(
                        condition=models.Q(("stage", "verified")), fields=["counts_until"], name="audit_to_expire"
                    ),
                ),
                migrations.AddField(
                    model_name="evidencefile",
                    name="added_by",
                    field=models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                migrations.AddField(
                    model_name="evidencefile",
                    name="audit",
                    field=models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="files", to="opportunities.audit"
                    ),
                ),
                migrations.AddField(
                    model_name="evidence",
                    name="file",
                    field=models.ForeignKey(
                        blank=True,
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="evidence",
                        to="opportunities.evidencefile",
                    ),
                ),
                migrations.AddField(
                    model_name="evidencewithdrawal",
                    name="by",
                    field=models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                migrations.AddField(
                    model_name="evidencewithdrawal",
                    name="evidence",
                    field=models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="withdrawal",
                        to="opportunities.evidence",
                    ),
                ),
                migrations.AddField(
                    model_name="shelflife",
                    name="diary",
                    field=models.OneToOneField(
                        editable=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="opportunities.diary",
                    ),
                ),
                migrations.AddConstraint(
                    model_name="evidencefile",
                    constraint=models.UniqueConstraint(fields=("audit", "digest"), name="evidence_file_once_an_audit"),
                ),
                pgtrigger.migrations.AddTrigger(
                    model_name="evidencefile",
                    trigger=pgtrigger.compiler.Trigger(
                        name="frozen",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            execute="public.zarts_forbid()",
                            func="RETURN NEW;",
                            hash="ee754d79d65e85cccef77ec6252001b504888aa2",
                            operation="UPDATE OR DELETE",
                            pgid="pgtrigger_frozen_71fb0",
                            table="opportunities_evidencefile",
                            when="BEFORE",
                        ),
                    ),
                ),
                pgtrigger.migrations.AddTrigger(
                    model_name="evidencewithdrawal",
                    trigger=pgtrigger.compiler.Trigger(
                        name="frozen",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            execute="public.zarts_forbid()",
                            func="RETURN NEW;",
                            hash="5c2ca7f5786af21a3604f93487a820a81c181f4d",
                            operation="UPDATE OR DELETE",
                            pgid="pgtrigger_frozen_425d9",
                            table="opportunities_evidencewithdrawal",
                            when="BEFORE",
                        ),
                    ),
                ),
                migrations.AddConstraint(
                    model_name="shelflife",
                    constraint=models.CheckConstraint(
                        condition=models.Q(("days__gte", 1), ("days__lte", 3650)), name="shelf_life_is_some_days"
                    ),
                ),
                migrations.RunSQL(CATCH_UP, migrations.RunSQL.noop),
            ]
        ),
    ]
