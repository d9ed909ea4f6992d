import datetime
import uuid

import django.contrib.postgres.functions
import django.core.validators
import django.db.models.deletion
import django.utils.timezone
import pgtrigger.compiler
import pgtrigger.migrations
from django.conf import settings
from django.db import migrations, models

import opportunities.models.client
import opportunities.models.user
from opportunities.atonce import AtOnce

# What was queued may go. What paused by itself is looked at again, by the condition that its reason names.
CATCH_UP = """
update opportunities_message set go_at = now() where stage = 'queued';
update opportunities_task set again_at = now(), waits_for = case
    when paused_because like '%has not agreed to%' then 'consent'
    when paused_because like 'The source that it came from%' then 'source'
    else 'path' end
where stage = 'paused' and not waits_for_deal and (paused_because like '%has not agreed to%'
    or paused_because like '%cannot be reached: find a new contact path.'
    or paused_because like 'Nobody is known to decide%' or paused_because like 'The source that it came from%');
"""


class Migration(migrations.Migration):
    """Due work: templates, sequences, the four conditions, mail that comes in, notices, campaigns."""

    dependencies = [
        ("auth", "0012_alter_user_first_name_max_length"),
        ("opportunities", "0015_imports_again"),
    ]

    operations = [
        AtOnce(
            [
                migrations.CreateModel(
                    name="Campaign",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        ("name", models.CharField(max_length=120)),
                        ("chosen", models.JSONField(blank=True, default=dict, editable=False)),
                        (
                            "stage",
                            models.CharField(
                                choices=[
                                    ("draft", "Draft"),
                                    ("running", "Running"),
                                    ("finished", "Finished"),
                                    ("stopped", "Stopped"),
                                ],
                                default="draft",
                                editable=False,
                                max_length=20,
                                verbose_name="stage",
                            ),
                        ),
                    ],
                    options={
                        "permissions": [("move_campaign", "Can start and stop campaigns")],
                        "abstract": False,
                        "default_permissions": ("view", "add", "change"),
                    },
                ),
                migrations.CreateModel(
                    name="CampaignEntry",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        ("left_out_because", models.CharField(blank=True, max_length=300)),
                    ],
                    options={
                        "abstract": False,
                        "default_permissions": ("view", "add", "change"),
                    },
                ),
                migrations.CreateModel(
                    name="InboundMail",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        ("digest", models.CharField(editable=False, max_length=64, unique=True)),
                        ("mail_id", models.CharField(blank=True, editable=False, max_length=300)),
                        (
                            "kind",
                            models.CharField(
                                choices=[
                                    ("letter", "A letter"),
                                    ("automatic", "An automatic answer"),
                                    ("bounce", "A mail that came back"),
                                ],
                                default="letter",
                                editable=False,
                                max_length=10,
                            ),
                        ),
                        ("via", models.CharField(editable=False, max_length=30)),
                        (
                            "from_address",
                            models.CharField(blank=True, editable=False, max_length=254, verbose_name="from"),
                        ),
                        ("from_name", models.CharField(blank=True, editable=False, max_length=200)),
                        ("to_addresses", models.TextField(blank=True, editable=False, verbose_name="to")),
                        ("subject", models.CharField(blank=True, editable=False, max_length=200)),
                        ("words", models.TextField(blank=True, editable=False)),
                        ("size", models.PositiveIntegerField(default=0, editable=False, verbose_name="bytes")),
                        ("raw", models.FileField(blank=True, editable=False, upload_to="mail")),
                        ("received_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                        ("trouble", models.CharField(blank=True, editable=False, max_length=300)),
                        (
                            "stage",
                            models.CharField(
                                choices=[("unmatched", "Unmatched"), ("filed", "Filed"), ("set_aside", "Set aside")],
                                default="unmatched",
                                editable=False,
                                max_length=20,
                                verbose_name="stage",
                            ),
                        ),
                    ],
                    options={
                        "verbose_name": "mail that came in",
                        "verbose_name_plural": "mails that came in",
                        "permissions": [("move_inboundmail", "Can file mail that came in, and set it aside")],
                        "abstract": False,
                        "default_permissions": ("view", "add", "change"),
                    },
                ),
                migrations.CreateModel(
                    name="Letter",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        ("key", models.CharField(max_length=160, unique=True)),
                        ("subject", models.CharField(max_length=200)),
                        ("body", models.TextField()),
                        ("number", models.UUIDField(default=uuid.uuid4, unique=True)),
                        (
                            "state",
                            models.CharField(
                                choices=[
                                    ("queued", "Queued"),
                                    ("sending", "Sending"),
                                    ("sent", "Sent"),
                                    ("failed", "Failed"),
                                    ("uncertain", "Uncertain"),
                                ],
                                default="queued",
                                max_length=10,
                            ),
                        ),
                        ("go_at", models.DateTimeField(default=django.utils.timezone.now)),
                        ("claimed_at", models.DateTimeField(null=True)),
                        ("attempt", models.PositiveSmallIntegerField(default=0)),
                        ("sent_at", models.DateTimeField(null=True)),
                        ("trouble", models.CharField(blank=True, max_length=300)),
                    ],
                    options={
                        "default_permissions": (),
                    },
                ),
                migrations.CreateModel(
                    name="MessageTemplate",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        ("name", models.CharField(max_length=80, unique=True)),
                        (
                            "purpose",
                            models.CharField(
                                choices=[
                                    ("marketing", "Marketing"),
                                    ("transactional", "Transactional"),
                                    ("contractual", "Contractual"),
                                ],
                                default="transactional",
                                max_length=14,
                            ),
                        ),
                        (
                            "stage",
                            models.CharField(
                                choices=[("in_use", "In use"), ("retired", "Not in use")],
                                default="in_use",
                                editable=False,
                                max_length=20,
                                verbose_name="stage",
                            ),
                        ),
                    ],
                    options={
                        "verbose_name": "template",
                        "ordering": ["name"],
                        "permissions": [("move_messagetemplate", "Can retire templates and bring them back")],
                        "abstract": False,
                        "default_permissions": ("view", "add", "change"),
                    },
                ),
                migrations.CreateModel(
                    name="Notice",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        ("record_type", models.CharField(blank=True, editable=False, max_length=60)),
                        ("record_id", models.BigIntegerField(editable=False, null=True)),
                        (
                            "kind",
                            models.CharField(
                                choices=[
                                    ("approval", "An approval is wanted from me"),
                                    ("answer", "A client answers"),
                                    ("pause", "Something of mine pauses"),
                                    ("escalation", "A question goes on to somebody else"),
                                    ("breach", "A promise of ours is late"),
                                    ("mail", "A mail of mine failed, came back or is uncertain"),
                                    ("due", "A task of mine falls due"),
                                ],
                                max_length=10,
                            ),
                        ),
                        ("words", models.CharField(max_length=300)),
                        ("url", models.CharField(max_length=300)),
                        ("at", models.DateTimeField(default=django.utils.timezone.now)),
                        ("read_at", models.DateTimeField(null=True)),
                        ("key", models.CharField(max_length=160, unique=True)),
                        ("in_digest", models.BooleanField(default=False)),
                    ],
                    options={
                        "default_permissions": (),
                    },
                ),
                migrations.CreateModel(
                    name="NoticeChoice",
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
                                    ("approval", "An approval is wanted from me"),
                                    ("answer", "A client answers"),
                                    ("pause", "Something of mine pauses"),
                                    ("escalation", "A question goes on to somebody else"),
                                    ("breach", "A promise of ours is late"),
                                    ("mail", "A mail of mine failed, came back or is uncertain"),
                                    ("due", "A task of mine falls due"),
                                ],
                                max_length=10,
                            ),
                        ),
                        (
                            "how",
                            models.CharField(
                                choices=[
                                    ("on", "Here and by mail at once"),
                                    ("digest", "Here and in the mail of the day"),
                                    ("off", "Not at all"),
                                ],
                                max_length=6,
                            ),
                        ),
                    ],
                    options={
                        "default_permissions": (),
                    },
                ),
                migrations.CreateModel(
                    name="QuietDate",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        ("first_on", models.DateField(verbose_name="first day")),
                        ("last_on", models.DateField(verbose_name="last day")),
                        ("words", models.CharField(max_length=120, verbose_name="why")),
                    ],
                    options={
                        "verbose_name": "quiet date",
                        "abstract": False,
                        "default_permissions": ("view", "add", "change"),
                    },
                ),
                migrations.CreateModel(
                    name="Sequence",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        ("name", models.CharField(max_length=80, unique=True)),
                        (
                            "purpose",
                            models.CharField(
                                choices=[
                                    ("marketing", "Marketing"),
                                    ("transactional", "Transactional"),
                                    ("contractual", "Contractual"),
                                ],
                                default="transactional",
                                max_length=14,
                            ),
                        ),
                        (
                            "starts_with",
                            models.CharField(
                                blank=True,
                                choices=[
                                    ("opportunity.start_discovery", "A discovery starts"),
                                    ("opportunity.start_proposal", "A proposal is begun"),
                                    ("proposal.send", "A proposal is sent"),
                                    ("contract.send", "A contract is sent"),
                                    ("winback.open", "A win-back opens"),
                                ],
                                help_text="Empty: somebody starts it.",
                                max_length=60,
                                verbose_name="starts by itself when",
                            ),
                        ),
                        (
                            "stage",
                            models.CharField(
                                choices=[("in_use", "In use"), ("retired", "Not in use")],
                                default="in_use",
                                editable=False,
                                max_length=20,
                                verbose_name="stage",
                            ),
                        ),
                    ],
                    options={
                        "ordering": ["name"],
                        "permissions": [("move_sequence", "Can retire sequences and bring them back")],
                        "abstract": False,
                        "default_permissions": ("view", "add", "change"),
                    },
                ),
                migrations.CreateModel(
                    name="SequenceRun",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        ("position", models.PositiveSmallIntegerField(default=0, editable=False)),
                        ("stopped_because", models.CharField(blank=True, editable=False, max_length=300)),
                        (
                            "stage",
                            models.CharField(
                                choices=[("running", "Running"), ("finished", "Finished"), ("stopped", "Stopped")],
                                default="running",
                                editable=False,
                                max_length=20,
                                verbose_name="stage",
                            ),
                        ),
                    ],
                    options={
                        "verbose_name": "running sequence",
                        "permissions": [("move_sequencerun", "Can stop sequences that run")],
                        "abstract": False,
                        "default_permissions": ("view", "add", "change"),
                    },
                ),
                migrations.CreateModel(
                    name="SequenceStep",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        ("position", models.PositiveSmallIntegerField(default=1, verbose_name="order")),
                        (
                            "wait_days",
                            models.PositiveSmallIntegerField(
                                default=3,
                                help_text="After the step before it.",
                                validators=[django.core.validators.MaxValueValidator(365)],
                                verbose_name="days to wait",
                            ),
                        ),
                        (
                            "channel",
                            models.CharField(
                                choices=[("mail", "Mail"), ("call", "Call"), ("task", "Something else to do")],
                                default="mail",
                                max_length=5,
                                verbose_name="what",
                            ),
                        ),
                        (
                            "title",
                            models.CharField(
                                blank=True,
                                help_text="What is to be done. A mail may leave it out.",
                                max_length=120,
                                verbose_name="task",
                            ),
                        ),
                    ],
                    options={
                        "verbose_name": "step",
                        "ordering": ["position", "pk"],
                        "default_permissions": (),
                    },
                ),
                migrations.CreateModel(
                    name="TemplateVersion",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        ("number", models.PositiveSmallIntegerField()),
                        ("subject", models.CharField(max_length=200)),
                        ("body", models.TextField(verbose_name="words")),
                        ("at", models.DateTimeField(default=django.utils.timezone.now, verbose_name="written")),
                    ],
                    options={
                        "abstract": False,
                        "default_permissions": ("view", "add", "change"),
                    },
                ),
                migrations.AlterModelOptions(
                    name="heartbeat",
                    options={
                        "default_permissions": (),
                        "permissions": [("see_due_work", "Can see the due work of everybody, and settle its mail")],
                    },
                ),
                pgtrigger.migrations.RemoveTrigger(
                    model_name="message",
                    name="stage_edge",
                ),
                migrations.RemoveIndex(
                    model_name="message",
                    name="message_queued",
                ),
                migrations.AddField(
                    model_name="contact",
                    name="country",
                    field=models.CharField(
                        blank=True,
                        choices=opportunities.models.client.countries,
                        help_text="Whose holidays they keep. Empty: their client's.",
                        max_length=2,
                    ),
                ),
                migrations.AddField(
                    model_name="contact",
                    name="mail_failed_at",
                    field=models.DateTimeField(
                        blank=True, editable=False, null=True, verbose_name="mail comes back since"
                    ),
                ),
                migrations.AddField(
                    model_name="contact",
                    name="mail_trouble",
                    field=models.CharField(blank=True, editable=False, max_length=300),
                ),
                migrations.AddField(
                    model_name="contact",
                    name="works_from",
                    field=models.TimeField(default=datetime.time(9, 0), verbose_name="works from"),
                ),
                migrations.AddField(
                    model_name="contact",
                    name="works_on",
                    field=models.CharField(
                        default="12345",
                        help_text="1 is Monday, 7 Sunday: 12345.",
                        max_length=7,
                        validators=[opportunities.models.client.known_days],
                        verbose_name="works on",
                    ),
                ),
                migrations.AddField(
                    model_name="contact",
                    name="works_to",
                    field=models.TimeField(default=datetime.time(17, 0), verbose_name="works until"),
                ),
                migrations.AddField(
                    model_name="heartbeat",
                    name="began_at",
                    field=models.DateTimeField(null=True),
                ),
                migrations.AddField(
                    model_name="heartbeat",
                    name="kind",
                    field=models.CharField(blank=True, max_length=20),
                ),
                migrations.AddField(
                    model_name="heartbeat",
                    name="rounds",
                    field=models.PositiveBigIntegerField(default=0),
                ),
                migrations.AddField(
                    model_name="message",
                    name="again_at",
                    field=models.DateTimeField(editable=False, null=True),
                ),
                migrations.AddField(
                    model_name="message",
                    name="go_at",
                    field=models.DateTimeField(editable=False, null=True),
                ),
                migrations.AddField(
                    model_name="message",
                    name="happened_at",
                    field=models.DateTimeField(blank=True, null=True, verbose_name="when"),
                ),
                migrations.AddField(
                    model_name="message",
                    name="in_reply_to",
                    field=models.CharField(blank=True, editable=False, max_length=300),
                ),
                migrations.AddField(
                    model_name="message",
                    name="key",
                    field=models.UUIDField(
                        db_default=django.contrib.postgres.functions.RandomUUID(),
                        default=uuid.uuid4,
                        editable=False,
                        unique=True,
                    ),
                ),
                migrations.AddField(
                    model_name="message",
                    name="provider_id",
                    field=models.CharField(blank=True, editable=False, max_length=200),
                ),
                migrations.AddField(
                    model_name="message",
                    name="reply_key",
                    field=models.CharField(blank=True, editable=False, max_length=40),
                ),
                migrations.AddField(
                    model_name="message",
                    name="sent_to",
                    field=models.CharField(blank=True, editable=False, max_length=254),
                ),
                migrations.AddField(
                    model_name="message",
                    name="touch_day",
                    field=models.DateField(editable=False, null=True),
                ),
                migrations.AddField(
                    model_name="message",
                    name="waits_for",
                    field=models.CharField(
                        blank=True,
                        choices=[
                            ("consent", "Consent"),
                            ("timing", "Timing"),
                            ("source", "Source context"),
                            ("path", "Decision path"),
                        ],
                        editable=False,
                        max_length=8,
                    ),
                ),
                migrations.AddField(
                    model_name="task",
                    name="again_at",
                    field=models.DateTimeField(editable=False, null=True),
                ),
                migrations.AddField(
                    model_name="task",
                    name="follows",
                    field=models.OneToOneField(
                        blank=True,
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="followed_by",
                        to="opportunities.task",
                    ),
                ),
                migrations.AddField(
                    model_name="task",
                    name="not_after",
                    field=models.DateTimeField(blank=True, null=True, verbose_name="not after"),
                ),
                migrations.AddField(
                    model_name="task",
                    name="promised_to",
                    field=models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="opportunities.contact",
                        verbose_name="promised to",
                    ),
                ),
                migrations.AddField(
                    model_name="task",
                    name="repeats",
                    field=models.CharField(
                        blank=True,
                        choices=[
                            ("daily", "Every day"),
                            ("workdays", "Every workday"),
                            ("weekly", "Every week"),
                            ("monthly", "Every month"),
                        ],
                        max_length=8,
                    ),
                ),
                migrations.AddField(
                    model_name="task",
                    name="repeats_until",
                    field=models.DateField(blank=True, null=True, verbose_name="repeats until"),
                ),
                migrations.AddField(
                    model_name="task",
                    name="time_zone",
                    field=models.CharField(
                        blank=True,
                        max_length=40,
                        validators=[opportunities.models.user.known_time_zone],
                        verbose_name="time zone",
                    ),
                ),
                migrations.AddField(
                    model_name="task",
                    name="waits_for",
                    field=models.CharField(
                        blank=True,
                        choices=[
                            ("consent", "Consent"),
                            ("timing", "Timing"),
                            ("source", "Source context"),
                            ("path", "Decision path"),
                        ],
                        editable=False,
                        max_length=8,
                    ),
                ),
                migrations.AddField(
                    model_name="user",
                    name="digest_at",
                    field=models.TimeField(
                        blank=True, default=datetime.time(7, 30), null=True, verbose_name="mail of the day at"
                    ),
                ),
                migrations.AddField(
                    model_name="user",
                    name="feed_digest",
                    field=models.CharField(blank=True, editable=False, max_length=64),
                ),
                migrations.AlterField(
                    model_name="heartbeat",
                    name="name",
                    field=models.CharField(max_length=120, unique=True),
                ),
                pgtrigger.migrations.AddTrigger(
                    model_name="message",
                    trigger=pgtrigger.compiler.Trigger(
                        name="stage_edge",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            execute="public.zarts_keep_stage('draft', 'draft>queued', 'draft>received', 'failed>queued', 'held>queued', 'queued>held', 'queued>sending', 'sending>failed', 'sending>queued', 'sending>sent', 'sending>uncertain', 'sent>failed', 'uncertain>failed', 'uncertain>queued', 'uncertain>sent')",
                            func="RETURN NEW;",
                            hash="2f44334b449058fa7b067b119621feacf49cadc0",
                            operation='INSERT OR UPDATE OF "stage"',
                            pgid="pgtrigger_stage_edge_0b676",
                            table="opportunities_message",
                            when="BEFORE",
                        ),
                    ),
                ),
                migrations.AddConstraint(
                    model_name="user",
                    constraint=models.UniqueConstraint(
                        condition=models.Q(("feed_digest", ""), _negated=True),
                        fields=("feed_digest",),
                        name="user_feed_once",
                    ),
                ),
                migrations.AddField(
                    model_name="campaign",
                    name="diary",
                    field=models.OneToOneField(
                        editable=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="opportunities.diary",
                    ),
                ),
                migrations.AddField(
                    model_name="campaign",
                    name="owner",
                    field=models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
                migrations.AddField(
                    model_name="campaignentry",
                    name="campaign",
                    field=models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="entries", to="opportunities.campaign"
                    ),
                ),
                migrations.AddField(
                    model_name="campaignentry",
                    name="contact",
                    field=models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="opportunities.contact",
                    ),
                ),
                migrations.AddField(
                    model_name="campaignentry",
                    name="task",
                    field=models.OneToOneField(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="campaign_entry",
                        to="opportunities.task",
                    ),
                ),
                migrations.AddField(
                    model_name="campaignentry",
                    name="win_back",
                    field=models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="entries", to="opportunities.winback"
                    ),
                ),
                migrations.AddField(
                    model_name="inboundmail",
                    name="diary",
                    field=models.OneToOneField(
                        editable=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="opportunities.diary",
                    ),
                ),
                migrations.AddField(
                    model_name="inboundmail",
                    name="lead",
                    field=models.ForeignKey(
                        blank=True,
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="mails",
                        to="opportunities.lead",
                    ),
                ),
                migrations.AddField(
                    model_name="inboundmail",
                    name="message",
                    field=models.OneToOneField(
                        blank=True,
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="inbound",
                        to="opportunities.message",
                    ),
                ),
                migrations.AddField(
                    model_name="letter",
                    name="user",
                    field=models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="letters", to=settings.AUTH_USER_MODEL
                    ),
                ),
                migrations.AddField(
                    model_name="messagetemplate",
                    name="diary",
                    field=models.OneToOneField(
                        editable=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="opportunities.diary",
                    ),
                ),
                migrations.AddField(
                    model_name="campaign",
                    name="template",
                    field=models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="campaigns",
                        to="opportunities.messagetemplate",
                    ),
                ),
                migrations.AddField(
                    model_name="task",
                    name="template",
                    field=models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="opportunities.messagetemplate",
                    ),
                ),
                migrations.AddField(
                    model_name="notice",
                    name="user",
                    field=models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="notices", to=settings.AUTH_USER_MODEL
                    ),
                ),
                migrations.AddField(
                    model_name="noticechoice",
                    name="user",
                    field=models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="notice_choices",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                migrations.AddField(
                    model_name="quietdate",
                    name="client",
                    field=models.ForeignKey(
                        blank=True,
                        help_text="Empty: for everybody.",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="quiet_dates",
                        to="opportunities.client",
                    ),
                ),
                migrations.AddField(
                    model_name="quietdate",
                    name="diary",
                    field=models.OneToOneField(
                        editable=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="opportunities.diary",
                    ),
                ),
                migrations.AddField(
                    model_name="sequence",
                    name="diary",
                    field=models.OneToOneField(
                        editable=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="opportunities.diary",
                    ),
                ),
                migrations.AddField(
                    model_name="sequencerun",
                    name="contact",
                    field=models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="sequence_runs",
                        to="opportunities.contact",
                    ),
                ),
                migrations.AddField(
                    model_name="sequencerun",
                    name="opportunity",
                    field=models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="sequence_runs",
                        to="opportunities.opportunity",
                    ),
                ),
                migrations.AddField(
                    model_name="sequencerun",
                    name="owner",
                    field=models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
                migrations.AddField(
                    model_name="sequencerun",
                    name="sequence",
                    field=models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="runs", to="opportunities.sequence"
                    ),
                ),
                migrations.AddField(
                    model_name="task",
                    name="run",
                    field=models.ForeignKey(
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="tasks",
                        to="opportunities.sequencerun",
                    ),
                ),
                migrations.AddIndex(
                    model_name="task",
                    index=models.Index(
                        condition=models.Q(("again_at__isnull", False), ("stage", "paused")),
                        fields=["again_at"],
                        name="task_waits",
                    ),
                ),
                migrations.AddField(
                    model_name="sequencestep",
                    name="sequence",
                    field=models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="rows", to="opportunities.sequence"
                    ),
                ),
                migrations.AddField(
                    model_name="sequencestep",
                    name="template",
                    field=models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="opportunities.messagetemplate",
                    ),
                ),
                migrations.AddField(
                    model_name="templateversion",
                    name="author",
                    field=models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                migrations.AddField(
                    model_name="templateversion",
                    name="template",
                    field=models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="versions",
                        to="opportunities.messagetemplate",
                    ),
                ),
                migrations.AddField(
                    model_name="message",
                    name="template_version",
                    field=models.ForeignKey(
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="opportunities.templateversion",
                    ),
                ),
                migrations.AddIndex(
                    model_name="message",
                    index=models.Index(
                        condition=models.Q(("stage", "queued")), fields=["go_at", "id"], name="message_queued"
                    ),
                ),
                migrations.AddIndex(
                    model_name="message",
                    index=models.Index(
                        condition=models.Q(("again_at__isnull", False), ("stage", "held")),
                        fields=["again_at"],
                        name="message_waits",
                    ),
                ),
                migrations.AddIndex(
                    model_name="message",
                    index=models.Index(
                        condition=models.Q(("stage__in", ["failed", "uncertain"])),
                        fields=["id"],
                        name="message_troubled",
                    ),
                ),
                migrations.AddIndex(
                    model_name="message",
                    index=models.Index(fields=["contact", "-id"], name="message_of_contact"),
                ),
                migrations.AddIndex(
                    model_name="message",
                    index=models.Index(
                        condition=models.Q(("provider_id", ""), _negated=True),
                        fields=["provider_id"],
                        name="message_at_provider",
                    ),
                ),
                migrations.AddConstraint(
                    model_name="message",
                    constraint=models.UniqueConstraint(
                        condition=models.Q(("task__isnull", False)), fields=("task",), name="one_mail_a_follow_up"
                    ),
                ),
                migrations.AddConstraint(
                    model_name="message",
                    constraint=models.UniqueConstraint(
                        condition=models.Q(("reply_key", ""), _negated=True),
                        fields=("reply_key",),
                        name="reply_key_once",
                    ),
                ),
                migrations.AddConstraint(
                    model_name="message",
                    constraint=models.UniqueConstraint(
                        condition=models.Q(("touch_day__isnull", False)),
                        fields=("sent_to", "purpose", "touch_day"),
                        name="one_touch_a_day",
                    ),
                ),
                migrations.AddConstraint(
                    model_name="campaignentry",
                    constraint=models.UniqueConstraint(
                        fields=("campaign", "win_back"), name="campaign_takes_each_once"
                    ),
                ),
                migrations.AddIndex(
                    model_name="inboundmail",
                    index=models.Index(
                        condition=models.Q(("stage", "unmatched")), fields=["-id"], name="inbound_unmatched"
                    ),
                ),
                pgtrigger.migrations.AddTrigger(
                    model_name="inboundmail",
                    trigger=pgtrigger.compiler.Trigger(
                        name="letter_stays",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            condition="WHEN (OLD.digest IS DISTINCT FROM NEW.digest OR OLD.from_address IS DISTINCT FROM NEW.from_address OR OLD.subject IS DISTINCT FROM NEW.subject OR OLD.words IS DISTINCT FROM NEW.words OR OLD.raw IS DISTINCT FROM NEW.raw OR OLD.received_at IS DISTINCT FROM NEW.received_at)",
                            execute="public.zarts_keep_settled()",
                            func="RETURN NEW;",
                            hash="631e48b7415e630bc7c15bd2f0d72d615a8afc83",
                            operation="UPDATE",
                            pgid="pgtrigger_letter_stays_8019d",
                            table="opportunities_inboundmail",
                            when="BEFORE",
                        ),
                    ),
                ),
                pgtrigger.migrations.AddTrigger(
                    model_name="inboundmail",
                    trigger=pgtrigger.compiler.Trigger(
                        name="stage_edge",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            execute="public.zarts_keep_stage('unmatched', 'set_aside>unmatched', 'unmatched>filed', 'unmatched>set_aside')",
                            func="RETURN NEW;",
                            hash="d80f1f4d9fe61c6e1f8d0b5158e739fdd86dc02a",
                            operation='INSERT OR UPDATE OF "stage"',
                            pgid="pgtrigger_stage_edge_29a5d",
                            table="opportunities_inboundmail",
                            when="BEFORE",
                        ),
                    ),
                ),
                pgtrigger.migrations.AddTrigger(
                    model_name="inboundmail",
                    trigger=pgtrigger.compiler.Trigger(
                        name="stage_told",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            condition="WHEN (OLD.stage IS DISTINCT FROM NEW.stage)",
                            constraint="CONSTRAINT",
                            execute="public.zarts_keep_told('opportunities.inboundmail')",
                            func="RETURN NEW;",
                            hash="472f1a6c68a50f01ed0ed5cff72355631c648ad4",
                            operation="UPDATE",
                            pgid="pgtrigger_stage_told_76561",
                            table="opportunities_inboundmail",
                            timing="DEFERRABLE INITIALLY DEFERRED",
                            when="AFTER",
                        ),
                    ),
                ),
                pgtrigger.migrations.AddTrigger(
                    model_name="inboundmail",
                    trigger=pgtrigger.compiler.Trigger(
                        name="birth_told",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            constraint="CONSTRAINT",
                            execute="public.zarts_keep_told('opportunities.inboundmail')",
                            func="RETURN NEW;",
                            hash="04e2322bf463f06beb0b1eb80952505b204c3c98",
                            operation="INSERT",
                            pgid="pgtrigger_birth_told_2e72e",
                            table="opportunities_inboundmail",
                            timing="DEFERRABLE INITIALLY DEFERRED",
                            when="AFTER",
                        ),
                    ),
                ),
                migrations.AddIndex(
                    model_name="letter",
                    index=models.Index(
                        condition=models.Q(("state", "queued")), fields=["go_at", "id"], name="letter_queued"
                    ),
                ),
                migrations.AddIndex(
                    model_name="letter",
                    index=models.Index(
                        condition=models.Q(("state", "sending")), fields=["claimed_at"], name="letter_sending"
                    ),
                ),
                migrations.AddIndex(
                    model_name="letter",
                    index=models.Index(
                        condition=models.Q(("state__in", ["failed", "uncertain"])),
                        fields=["id"],
                        name="letter_troubled",
                    ),
                ),
                pgtrigger.migrations.AddTrigger(
                    model_name="messagetemplate",
                    trigger=pgtrigger.compiler.Trigger(
                        name="stage_edge",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            execute="public.zarts_keep_stage('in_use', 'in_use>retired', 'retired>in_use')",
                            func="RETURN NEW;",
                            hash="930ea4bb76270e160d465afd945cbe2fe39e2edc",
                            operation='INSERT OR UPDATE OF "stage"',
                            pgid="pgtrigger_stage_edge_87a39",
                            table="opportunities_messagetemplate",
                            when="BEFORE",
                        ),
                    ),
                ),
                pgtrigger.migrations.AddTrigger(
                    model_name="messagetemplate",
                    trigger=pgtrigger.compiler.Trigger(
                        name="stage_told",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            condition="WHEN (OLD.stage IS DISTINCT FROM NEW.stage)",
                            constraint="CONSTRAINT",
                            execute="public.zarts_keep_told('opportunities.messagetemplate')",
                            func="RETURN NEW;",
                            hash="817ea3e680fbd2dab2f111b0cf8906ebabe160a9",
                            operation="UPDATE",
                            pgid="pgtrigger_stage_told_811b1",
                            table="opportunities_messagetemplate",
                            timing="DEFERRABLE INITIALLY DEFERRED",
                            when="AFTER",
                        ),
                    ),
                ),
                pgtrigger.migrations.AddTrigger(
                    model_name="messagetemplate",
                    trigger=pgtrigger.compiler.Trigger(
                        name="birth_told",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            constraint="CONSTRAINT",
                            execute="public.zarts_keep_told('opportunities.messagetemplate')",
                            func="RETURN NEW;",
                            hash="8780cdb20c359695ee19a51129d3ec0eb509ddd3",
                            operation="INSERT",
                            pgid="pgtrigger_birth_told_41883",
                            table="opportunities_messagetemplate",
                            timing="DEFERRABLE INITIALLY DEFERRED",
                            when="AFTER",
                        ),
                    ),
                ),
                pgtrigger.migrations.AddTrigger(
                    model_name="campaign",
                    trigger=pgtrigger.compiler.Trigger(
                        name="stage_edge",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            execute="public.zarts_keep_stage('draft', 'draft>running', 'running>finished', 'running>stopped', 'stopped>running')",
                            func="RETURN NEW;",
                            hash="4659ec5a60eb3aeb4b7d3fc59012d05b82b6cce7",
                            operation='INSERT OR UPDATE OF "stage"',
                            pgid="pgtrigger_stage_edge_b3ed7",
                            table="opportunities_campaign",
                            when="BEFORE",
                        ),
                    ),
                ),
                pgtrigger.migrations.AddTrigger(
                    model_name="campaign",
                    trigger=pgtrigger.compiler.Trigger(
                        name="stage_told",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            condition="WHEN (OLD.stage IS DISTINCT FROM NEW.stage)",
                            constraint="CONSTRAINT",
                            execute="public.zarts_keep_told('opportunities.campaign')",
                            func="RETURN NEW;",
                            hash="6fd7f1437ef249bf9c1241528348cf4717a9044d",
                            operation="UPDATE",
                            pgid="pgtrigger_stage_told_28f04",
                            table="opportunities_campaign",
                            timing="DEFERRABLE INITIALLY DEFERRED",
                            when="AFTER",
                        ),
                    ),
                ),
                pgtrigger.migrations.AddTrigger(
                    model_name="campaign",
                    trigger=pgtrigger.compiler.Trigger(
                        name="birth_told",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            constraint="CONSTRAINT",
                            execute="public.zarts_keep_told('opportunities.campaign')",
                            func="RETURN NEW;",
                            hash="113d5d43f9982a29459741bc6f0476a5deea2df2",
                            operation="INSERT",
                            pgid="pgtrigger_birth_told_43846",
                            table="opportunities_campaign",
                            timing="DEFERRABLE INITIALLY DEFERRED",
                            when="AFTER",
                        ),
                    ),
                ),
                migrations.AddIndex(
                    model_name="notice",
                    index=models.Index(fields=["user", "-id"], name="notice_of_user"),
                ),
                migrations.AddIndex(
                    model_name="notice",
                    index=models.Index(condition=models.Q(("read_at", None)), fields=["user"], name="notice_unread"),
                ),
                migrations.AddIndex(
                    model_name="notice",
                    index=models.Index(
                        condition=models.Q(("in_digest", True)), fields=["user", "id"], name="notice_for_digest"
                    ),
                ),
                migrations.AddConstraint(
                    model_name="noticechoice",
                    constraint=models.UniqueConstraint(fields=("user", "kind"), name="notice_choice_once"),
                ),
                migrations.AddIndex(
                    model_name="quietdate",
                    index=models.Index(fields=["last_on"], name="quiet_by_end"),
                ),
                migrations.AddConstraint(
                    model_name="quietdate",
                    constraint=models.CheckConstraint(
                        condition=models.Q(("last_on__gte", models.F("first_on"))), name="quiet_dates_run_forward"
                    ),
                ),
                pgtrigger.migrations.AddTrigger(
                    model_name="sequence",
                    trigger=pgtrigger.compiler.Trigger(
                        name="stage_edge",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            execute="public.zarts_keep_stage('in_use', 'in_use>retired', 'retired>in_use')",
                            func="RETURN NEW;",
                            hash="adcf5531813906ed719a043d847b878e70da894b",
                            operation='INSERT OR UPDATE OF "stage"',
                            pgid="pgtrigger_stage_edge_0e67d",
                            table="opportunities_sequence",
                            when="BEFORE",
                        ),
                    ),
                ),
                pgtrigger.migrations.AddTrigger(
                    model_name="sequence",
                    trigger=pgtrigger.compiler.Trigger(
                        name="stage_told",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            condition="WHEN (OLD.stage IS DISTINCT FROM NEW.stage)",
                            constraint="CONSTRAINT",
                            execute="public.zarts_keep_told('opportunities.sequence')",
                            func="RETURN NEW;",
                            hash="c06c552c4109c599062e3f8d1d255c75c0f40237",
                            operation="UPDATE",
                            pgid="pgtrigger_stage_told_f8c1c",
                            table="opportunities_sequence",
                            timing="DEFERRABLE INITIALLY DEFERRED",
                            when="AFTER",
                        ),
                    ),
                ),
                pgtrigger.migrations.AddTrigger(
                    model_name="sequence",
                    trigger=pgtrigger.compiler.Trigger(
                        name="birth_told",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            constraint="CONSTRAINT",
                            execute="public.zarts_keep_told('opportunities.sequence')",
                            func="RETURN NEW;",
                            hash="3620466b38162423208e199f7a62e607b7e3331a",
                            operation="INSERT",
                            pgid="pgtrigger_birth_told_e5ddc",
                            table="opportunities_sequence",
                            timing="DEFERRABLE INITIALLY DEFERRED",
                            when="AFTER",
                        ),
                    ),
                ),
                migrations.AddIndex(
                    model_name="sequencerun",
                    index=models.Index(
                        condition=models.Q(("stage", "running")), fields=["contact"], name="run_of_contact"
                    ),
                ),
                migrations.AddConstraint(
                    model_name="sequencerun",
                    constraint=models.UniqueConstraint(
                        condition=models.Q(("stage", "running")),
                        fields=("sequence", "opportunity", "contact"),
                        name="sequence_runs_once",
                    ),
                ),
                pgtrigger.migrations.AddTrigger(
                    model_name="sequencerun",
                    trigger=pgtrigger.compiler.Trigger(
                        name="stage_edge",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            execute="public.zarts_keep_stage('running', 'running>finished', 'running>stopped')",
                            func="RETURN NEW;",
                            hash="10ad9e61b21448eb49269d0bc588fd64d9d90e69",
                            operation='INSERT OR UPDATE OF "stage"',
                            pgid="pgtrigger_stage_edge_23088",
                            table="opportunities_sequencerun",
                            when="BEFORE",
                        ),
                    ),
                ),
                pgtrigger.migrations.AddTrigger(
                    model_name="sequencerun",
                    trigger=pgtrigger.compiler.Trigger(
                        name="stage_told",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            condition="WHEN (OLD.stage IS DISTINCT FROM NEW.stage)",
                            constraint="CONSTRAINT",
                            execute="public.zarts_keep_told('opportunities.sequencerun')",
                            func="RETURN NEW;",
                            hash="b0aaafd3a9308b562fc1662afab1a888687c1086",
                            operation="UPDATE",
                            pgid="pgtrigger_stage_told_523fa",
                            table="opportunities_sequencerun",
                            timing="DEFERRABLE INITIALLY DEFERRED",
                            when="AFTER",
                        ),
                    ),
                ),
                pgtrigger.migrations.AddTrigger(
                    model_name="sequencerun",
                    trigger=pgtrigger.compiler.Trigger(
                        name="birth_told",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            constraint="CONSTRAINT",
                            execute="public.zarts_keep_told('opportunities.sequencerun')",
                            func="RETURN NEW;",
                            hash="22779fba3f5274a1a0ed508c5a89216ff2f416bc",
                            operation="INSERT",
                            pgid="pgtrigger_birth_told_4a699",
                            table="opportunities_sequencerun",
                            timing="DEFERRABLE INITIALLY DEFERRED",
                            when="AFTER",
                        ),
                    ),
                ),
                migrations.AddConstraint(
                    model_name="templateversion",
                    constraint=models.UniqueConstraint(fields=("template", "number"), name="template_version_once"),
                ),
                pgtrigger.migrations.AddTrigger(
                    model_name="templateversion",
                    trigger=pgtrigger.compiler.Trigger(
                        name="frozen",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            execute="public.zarts_forbid()",
                            func="RETURN NEW;",
                            hash="6df39626a0c251a2471af080672f8e37017db292",
                            operation="UPDATE OR DELETE",
                            pgid="pgtrigger_frozen_2e147",
                            table="opportunities_templateversion",
                            when="BEFORE",
                        ),
                    ),
                ),
            ]
        ),
        migrations.RunSQL(CATCH_UP, migrations.RunSQL.noop),
    ]
