import django.db.models.deletion
import django.db.models.functions.text
import pgtrigger.compiler
import pgtrigger.migrations
from django.conf import settings
from django.db import migrations, models

from opportunities.atonce import AtOnce

# The second tries that were planned before know their window too.
KNOW = """
update opportunities_winback w set opens_on = c.reactivate_from, ends_on = c.reactivate_to
from opportunities_closing c where c.id = w.closing_id
"""


class Migration(migrations.Migration):
    """What the pipeline is sorted, filtered and saved by; and what waits with a deal or is tried again after it."""

    dependencies = [
        ("opportunities", "0008_checklist"),
    ]

    operations = [
        AtOnce(
            [
                migrations.CreateModel(
                    name="SavedView",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        ("name", models.CharField(max_length=60)),
                        ("shared", models.BooleanField(default=False, verbose_name="shared with everybody")),
                        ("filters", models.JSONField(default=dict, editable=False)),
                        (
                            "stage",
                            models.CharField(
                                choices=[("kept", "Kept"), ("removed", "Removed")],
                                default="kept",
                                editable=False,
                                max_length=20,
                                verbose_name="stage",
                            ),
                        ),
                    ],
                    options={
                        "verbose_name": "saved view",
                        "permissions": [("curate_savedview", "Can change and remove the views that others share")],
                        "abstract": False,
                        "default_permissions": ("view", "add", "change"),
                    },
                ),
                migrations.AddField(
                    model_name="opportunity",
                    name="place",
                    field=models.GeneratedField(
                        db_persist=True,
                        expression=models.Case(
                            models.When(
                                models.Q(
                                    ("stage", "qualified"),
                                    models.Q(("paused_from", "qualified"), ("stage", "paused")),
                                    _connector="OR",
                                ),
                                then=0,
                            ),
                            models.When(
                                models.Q(
                                    ("stage", "discovery"),
                                    models.Q(("paused_from", "discovery"), ("stage", "paused")),
                                    _connector="OR",
                                ),
                                then=1,
                            ),
                            models.When(
                                models.Q(
                                    ("stage", "audit"),
                                    models.Q(("paused_from", "audit"), ("stage", "paused")),
                                    _connector="OR",
                                ),
                                then=2,
                            ),
                            models.When(
                                models.Q(
                                    ("stage", "proposal"),
                                    models.Q(("paused_from", "proposal"), ("stage", "paused")),
                                    _connector="OR",
                                ),
                                then=3,
                            ),
                            models.When(
                                models.Q(
                                    ("stage", "contract"),
                                    models.Q(("paused_from", "contract"), ("stage", "paused")),
                                    _connector="OR",
                                ),
                                then=4,
                            ),
                            models.When(
                                models.Q(
                                    ("stage", "won"),
                                    models.Q(("paused_from", "won"), ("stage", "paused")),
                                    _connector="OR",
                                ),
                                then=5,
                            ),
                            models.When(stage="handed_off", then=6),
                            default=7,
                        ),
                        output_field=models.SmallIntegerField(),
                    ),
                ),
                migrations.AddField(
                    model_name="task",
                    name="waits_for_deal",
                    field=models.BooleanField(default=False, editable=False),
                ),
                migrations.AddField(
                    model_name="user",
                    name="pipeline_view",
                    field=models.CharField(
                        blank=True, editable=False, max_length=20, verbose_name="opens the pipeline with"
                    ),
                ),
                migrations.AddField(
                    model_name="winback",
                    name="ends_on",
                    field=models.DateField(editable=False, null=True, verbose_name="try again until"),
                ),
                migrations.AddField(
                    model_name="winback",
                    name="opens_on",
                    field=models.DateField(editable=False, null=True, verbose_name="try again from"),
                ),
                migrations.AddIndex(
                    model_name="client",
                    index=models.Index(fields=["name", "id"], name="client_by_name"),
                ),
                migrations.AddIndex(
                    model_name="diary",
                    index=models.Index(fields=["last_at", "id"], name="diary_by_last"),
                ),
                migrations.AddIndex(
                    model_name="opportunity",
                    index=models.Index(fields=["owner", "place", "due_on", "id"], name="opportunity_board_of_owner"),
                ),
                migrations.AddIndex(
                    model_name="opportunity",
                    index=models.Index(fields=["place", "due_on", "id"], name="opportunity_board"),
                ),
                migrations.AddIndex(
                    model_name="opportunity",
                    index=models.Index(fields=["due_on", "id"], name="opportunity_by_due"),
                ),
                migrations.AddIndex(
                    model_name="opportunity",
                    index=models.Index(fields=["place", "id"], name="opportunity_by_place"),
                ),
                migrations.AddIndex(
                    model_name="opportunity",
                    index=models.Index(fields=["value", "id"], name="opportunity_by_value"),
                ),
                migrations.AddIndex(
                    model_name="winback",
                    index=models.Index(
                        condition=models.Q(("stage", "waiting")), fields=["opens_on"], name="winback_waits"
                    ),
                ),
                migrations.AddIndex(
                    model_name="winback",
                    index=models.Index(
                        condition=models.Q(("stage__in", ["reopened", "expired"]), _negated=True),
                        fields=["ends_on"],
                        name="winback_runs",
                    ),
                ),
                migrations.AddField(
                    model_name="savedview",
                    name="diary",
                    field=models.OneToOneField(
                        editable=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="opportunities.diary",
                    ),
                ),
                migrations.AddField(
                    model_name="savedview",
                    name="owner",
                    field=models.ForeignKey(
                        editable=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                migrations.AddIndex(
                    model_name="savedview",
                    index=models.Index(fields=["shared", "id"], name="saved_view_shared"),
                ),
                migrations.AddConstraint(
                    model_name="savedview",
                    constraint=models.UniqueConstraint(
                        models.F("owner"),
                        django.db.models.functions.text.Lower("name"),
                        condition=models.Q(("stage", "kept")),
                        name="saved_view_name_once",
                    ),
                ),
                pgtrigger.migrations.AddTrigger(
                    model_name="savedview",
                    trigger=pgtrigger.compiler.Trigger(
                        name="stage_edge",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            execute="public.zarts_keep_stage('kept', 'kept>removed', 'removed>kept')",
                            func="RETURN NEW;",
                            hash="994fa8cfec3f4057e2bfe5b85a91f6b8c329ae13",
                            operation='INSERT OR UPDATE OF "stage"',
                            pgid="pgtrigger_stage_edge_218cf",
                            table="opportunities_savedview",
                            when="BEFORE",
                        ),
                    ),
                ),
                pgtrigger.migrations.AddTrigger(
                    model_name="savedview",
                    trigger=pgtrigger.compiler.Trigger(
                        name="stage_told",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            condition="WHEN (OLD.stage IS DISTINCT FROM NEW.stage)",
                            constraint="CONSTRAINT",
                            execute="public.zarts_keep_told('opportunities.savedview')",
                            func="RETURN NEW;",
                            hash="2509d90be4c5c453b86e364be8c96f4fd8529ad6",
                            operation="UPDATE",
                            pgid="pgtrigger_stage_told_dc0d9",
                            table="opportunities_savedview",
                            timing="DEFERRABLE INITIALLY DEFERRED",
                            when="AFTER",
                        ),
                    ),
                ),
                pgtrigger.migrations.AddTrigger(
                    model_name="savedview",
                    trigger=pgtrigger.compiler.Trigger(
                        name="birth_told",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            constraint="CONSTRAINT",
                            execute="public.zarts_keep_told('opportunities.savedview')",
                            func="RETURN NEW;",
                            hash="f80aeb4f4c9dbde47ab81ee49a017277d2033019",
                            operation="INSERT",
                            pgid="pgtrigger_birth_told_3f3a4",
                            table="opportunities_savedview",
                            timing="DEFERRABLE INITIALLY DEFERRED",
                            when="AFTER",
                        ),
                    ),
                ),
                migrations.RunSQL(KNOW, migrations.RunSQL.noop),
            ]
        ),
    ]
