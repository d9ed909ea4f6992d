from datetime import date
from decimal import Decimal

import django.core.serializers.json
import django.core.validators
import django.db.models.constraints
import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models

import proposals.models.service
import proposals.words
from opportunities.atonce import at_once

CHECK_NOW = "set constraints all immediate; set constraints all deferred"
FREEZE_DISCOUNT = """
drop trigger sent_content_is_frozen on proposals_proposal;
create trigger sent_content_is_frozen before update on proposals_proposal for each row execute function zarts_keep_content(
  'draft,in_review,approved,paused',
  'opportunity_id', 'number', 'revision', 'title', 'intro', 'currency', 'discount', 'valid_until', 'decide_on',
  'recipient_id', 'publication_id');
"""
# Rows that share a place are numbered in the order in which they are read, in proposals that were sent, too.
OWN_PLACE = """
alter table proposals_{table} disable trigger user;
update proposals_{table} r set position = placed.place
from (
  select id, proposal_id, row_number() over (partition by {among} order by position, id) - 1 as place
  from proposals_{table}
) placed
where placed.id = r.id and r.proposal_id in (
  select proposal_id from proposals_{table} group by {among}, position having count(*) > 1
);
alter table proposals_{table} enable trigger user;
"""


def give_each_its_own_place(apps, schema_editor):
    with schema_editor.connection.cursor() as cursor:
        cursor.execute(OWN_PLACE.format(table="scopeitem", among="proposal_id, kind"))
        for table in ("milestone", "priceline", "claim"):
            cursor.execute(OWN_PLACE.format(table=table, among="proposal_id"))


def make_the_book(apps, schema_editor):
    """Turn what a service usually has, which was one text and one price, into rows."""
    rows_of = lambda name: apps.get_model("proposals", name).objects.using(schema_editor.connection.alias)  # noqa: E731
    for service in rows_of("Service").order_by("pk"):
        for position, said in enumerate(service.scope):
            rows_of("UsualScope").create(service=service, position=position, **said)
        price = {"title": service.name, "unit_price": service.price, "recurring": service.recurring}
        rows_of("BookPrice").create(service=service, valid_from=date(2020, 1, 1), **price)


class Migration(migrations.Migration):
    """A price book and usual rows; a discount on everything; steps that wait; no two rows in one place."""

    dependencies = [
        ("opportunities", "0022_late_words"),
        ("proposals", "0007_discovery"),
    ]

    operations = [
        migrations.CreateModel(
            name="Block",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("intro", "Opening words"),
                            ("included", "Included"),
                            ("excluded", "Excluded"),
                            ("optional", "Optional"),
                            ("assumption", "Assumption"),
                            ("dependency", "Dependency"),
                            ("integration", "Integration"),
                        ],
                        default="included",
                        max_length=12,
                    ),
                ),
                ("title", models.CharField(max_length=160, validators=[proposals.words.plain_words])),
                ("text", models.TextField(blank=True, validators=[proposals.words.plain_words])),
                ("is_used", models.BooleanField(default=True, verbose_name="on offer")),
            ],
            options={
                "ordering": ["kind", "title", "id"],
                "abstract": False,
                "default_permissions": ("view", "add", "change"),
            },
        ),
        migrations.CreateModel(
            name="BookPrice",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("position", models.PositiveSmallIntegerField(default=0)),
                ("is_usual", models.BooleanField(default=True, verbose_name="in new proposals")),
                ("title", models.CharField(max_length=160, validators=[proposals.words.plain_words])),
                (
                    "currency",
                    models.CharField(default="USD", max_length=3, validators=[proposals.models.service.known_currency]),
                ),
                ("valid_from", models.DateField(default=django.utils.timezone.localdate)),
                (
                    "recurring",
                    models.CharField(
                        choices=[("once", "Once"), ("monthly", "Monthly")], default="monthly", max_length=7
                    ),
                ),
                (
                    "quantity",
                    models.DecimalField(
                        decimal_places=2,
                        default=Decimal("1"),
                        max_digits=9,
                        validators=[
                            django.core.validators.MinValueValidator(Decimal("0"), "Type an amount of 0 or more.")
                        ],
                    ),
                ),
                (
                    "unit_price",
                    models.DecimalField(
                        decimal_places=2,
                        max_digits=12,
                        validators=[
                            django.core.validators.MinValueValidator(Decimal("0"), "Type an amount of 0 or more.")
                        ],
                    ),
                ),
                (
                    "tax",
                    models.DecimalField(
                        decimal_places=2,
                        default=Decimal("0"),
                        max_digits=5,
                        validators=[
                            django.core.validators.MinValueValidator(Decimal("0"), "Type a percentage from 0 to 100."),
                            django.core.validators.MaxValueValidator(
                                Decimal("100"), "Type a percentage from 0 to 100."
                            ),
                        ],
                        verbose_name="tax, percent",
                    ),
                ),
                ("optional", models.BooleanField(default=False, help_text="The client may choose it.")),
                (
                    "internal_cost",
                    models.DecimalField(
                        blank=True,
                        help_text="What the line costs us, as often as it is paid. Internal.",
                        decimal_places=2,
                        max_digits=12,
                        null=True,
                        validators=[
                            django.core.validators.MinValueValidator(Decimal("0"), "Type an amount of 0 or more.")
                        ],
                    ),
                ),
                (
                    "pricing_assumption",
                    models.TextField(blank=True, help_text="Internal. Clients never see this."),
                ),
            ],
            options={
                "verbose_name": "price",
                "verbose_name_plural": "price book",
                "ordering": ["position", "title", "-valid_from"],
                "abstract": False,
                "default_permissions": ("view", "add", "change"),
            },
        ),
        migrations.CreateModel(
            name="OfferTemplate",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=120, unique=True)),
                ("is_used", models.BooleanField(default=True, verbose_name="on offer")),
                (
                    "content",
                    models.JSONField(
                        default=dict, editable=False, encoder=django.core.serializers.json.DjangoJSONEncoder
                    ),
                ),
            ],
            options={
                "verbose_name": "proposal template",
                "ordering": ["name"],
                "abstract": False,
                "default_permissions": ("view", "add", "change"),
            },
        ),
        migrations.CreateModel(
            name="UsualScope",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("position", models.PositiveSmallIntegerField(default=0)),
                ("is_usual", models.BooleanField(default=True, verbose_name="in new proposals")),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("included", "Included"),
                            ("excluded", "Excluded"),
                            ("optional", "Optional"),
                            ("assumption", "Assumption"),
                            ("dependency", "Dependency"),
                            ("integration", "Integration"),
                        ],
                        default="included",
                        max_length=12,
                    ),
                ),
                ("title", models.CharField(max_length=160, validators=[proposals.words.plain_words])),
                ("text", models.TextField(blank=True, validators=[proposals.words.plain_words])),
            ],
            options={
                "verbose_name": "usual row of scope",
                "verbose_name_plural": "usual scope",
                "ordering": ["position", "id"],
                "abstract": False,
                "default_permissions": ("view", "add", "change"),
            },
        ),
        migrations.CreateModel(
            name="UsualStep",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("position", models.PositiveSmallIntegerField(default=0)),
                ("is_usual", models.BooleanField(default=True, verbose_name="in new proposals")),
                ("title", models.CharField(max_length=160, validators=[proposals.words.plain_words])),
                ("text", models.TextField(blank=True, validators=[proposals.words.plain_words])),
                (
                    "start_week",
                    models.PositiveSmallIntegerField(
                        default=0,
                        validators=[django.core.validators.MaxValueValidator(520)],
                        verbose_name="starts after week",
                    ),
                ),
                (
                    "weeks",
                    models.PositiveSmallIntegerField(
                        default=1, validators=[django.core.validators.MaxValueValidator(520)]
                    ),
                ),
                (
                    "who",
                    models.CharField(
                        blank=True, max_length=80, validators=[proposals.words.plain_words], verbose_name="who does it"
                    ),
                ),
            ],
            options={
                "verbose_name": "usual step",
                "verbose_name_plural": "usual timeline",
                "ordering": ["position", "id"],
                "abstract": False,
                "default_permissions": ("view", "add", "change"),
            },
        ),
        migrations.AddField(
            model_name="milestone",
            name="depends_on",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="needed_by",
                to="proposals.milestone",
                verbose_name="waits for",
            ),
        ),
        migrations.AddField(
            model_name="proposal",
            name="discount",
            field=models.DecimalField(
                decimal_places=2,
                default=Decimal("0"),
                max_digits=5,
                validators=[
                    django.core.validators.MinValueValidator(Decimal("0"), "Type a percentage from 0 to 100."),
                    django.core.validators.MaxValueValidator(Decimal("100"), "Type a percentage from 0 to 100."),
                ],
                verbose_name="discount on everything, percent",
            ),
        ),
        migrations.AlterField(
            model_name="claim",
            name="position",
            field=models.PositiveSmallIntegerField(blank=True),
        ),
        migrations.AlterField(
            model_name="claim",
            name="text",
            field=models.CharField(max_length=400, validators=[proposals.words.plain_words]),
        ),
        migrations.AlterField(
            model_name="milestone",
            name="position",
            field=models.PositiveSmallIntegerField(blank=True),
        ),
        migrations.AlterField(
            model_name="milestone",
            name="text",
            field=models.TextField(blank=True, validators=[proposals.words.plain_words]),
        ),
        migrations.AlterField(
            model_name="milestone",
            name="title",
            field=models.CharField(max_length=160, validators=[proposals.words.plain_words]),
        ),
        migrations.AlterField(
            model_name="milestone",
            name="who",
            field=models.CharField(
                blank=True, max_length=80, validators=[proposals.words.plain_words], verbose_name="who does it"
            ),
        ),
        migrations.AlterField(
            model_name="priceline",
            name="discount",
            field=models.DecimalField(
                decimal_places=2,
                default=Decimal("0"),
                max_digits=5,
                validators=[
                    django.core.validators.MinValueValidator(Decimal("0"), "Type a percentage from 0 to 100."),
                    django.core.validators.MaxValueValidator(Decimal("100"), "Type a percentage from 0 to 100."),
                ],
                verbose_name="discount, percent",
            ),
        ),
        migrations.AlterField(
            model_name="priceline",
            name="internal_cost",
            field=models.DecimalField(
                blank=True,
                decimal_places=2,
                help_text="What the line costs us, as often as it is paid. Internal.",
                max_digits=12,
                null=True,
                validators=[django.core.validators.MinValueValidator(Decimal("0"), "Type an amount of 0 or more.")],
            ),
        ),
        migrations.AlterField(
            model_name="priceline",
            name="position",
            field=models.PositiveSmallIntegerField(blank=True),
        ),
        migrations.AlterField(
            model_name="priceline",
            name="quantity",
            field=models.DecimalField(
                decimal_places=2,
                default=Decimal("1"),
                max_digits=9,
                validators=[django.core.validators.MinValueValidator(Decimal("0"), "Type an amount of 0 or more.")],
            ),
        ),
        migrations.AlterField(
            model_name="priceline",
            name="tax",
            field=models.DecimalField(
                decimal_places=2,
                default=Decimal("0"),
                max_digits=5,
                validators=[
                    django.core.validators.MinValueValidator(Decimal("0"), "Type a percentage from 0 to 100."),
                    django.core.validators.MaxValueValidator(Decimal("100"), "Type a percentage from 0 to 100."),
                ],
                verbose_name="tax, percent",
            ),
        ),
        migrations.AlterField(
            model_name="priceline",
            name="title",
            field=models.CharField(max_length=160, validators=[proposals.words.plain_words]),
        ),
        migrations.AlterField(
            model_name="priceline",
            name="unit_price",
            field=models.DecimalField(
                decimal_places=2,
                max_digits=12,
                validators=[django.core.validators.MinValueValidator(Decimal("0"), "Type an amount of 0 or more.")],
            ),
        ),
        migrations.AlterField(
            model_name="proposal",
            name="currency",
            field=models.CharField(default="USD", max_length=3, validators=[proposals.models.service.known_currency]),
        ),
        migrations.AlterField(
            model_name="proposal",
            name="intro",
            field=models.TextField(blank=True, validators=[proposals.words.plain_words], verbose_name="opening words"),
        ),
        migrations.AlterField(
            model_name="proposal",
            name="title",
            field=models.CharField(max_length=160, validators=[proposals.words.plain_words]),
        ),
        migrations.AlterField(
            model_name="scopeitem",
            name="position",
            field=models.PositiveSmallIntegerField(blank=True),
        ),
        migrations.AlterField(
            model_name="scopeitem",
            name="text",
            field=models.TextField(blank=True, validators=[proposals.words.plain_words]),
        ),
        migrations.AlterField(
            model_name="scopeitem",
            name="title",
            field=models.CharField(max_length=160, validators=[proposals.words.plain_words]),
        ),
        migrations.AlterField(
            model_name="summary",
            name="title",
            field=models.CharField(max_length=160, validators=[proposals.words.plain_words]),
        ),
        migrations.AlterField(
            model_name="summary",
            name="words",
            field=models.TextField(
                blank=True, validators=[proposals.words.plain_words], verbose_name="words for the client"
            ),
        ),
        migrations.RunPython(give_each_its_own_place, migrations.RunPython.noop),
        migrations.AddConstraint(
            model_name="claim",
            constraint=models.UniqueConstraint(
                deferrable=django.db.models.constraints.Deferrable["DEFERRED"],
                fields=("proposal", "position"),
                name="claim_has_its_own_place",
                violation_error_message="Another row stands there already. Choose another place.",
            ),
        ),
        migrations.AddConstraint(
            model_name="milestone",
            constraint=models.UniqueConstraint(
                deferrable=django.db.models.constraints.Deferrable["DEFERRED"],
                fields=("proposal", "position"),
                name="milestone_has_its_own_place",
                violation_error_message="Another row stands there already. Choose another place.",
            ),
        ),
        migrations.AddConstraint(
            model_name="milestone",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("depends_on", None), models.Q(("depends_on", models.F("id")), _negated=True), _connector="OR"
                ),
                name="milestone_waits_for_another",
                violation_error_message="These steps wait for each other. Let one of them wait for nothing.",
            ),
        ),
        migrations.AddConstraint(
            model_name="priceline",
            constraint=models.UniqueConstraint(
                deferrable=django.db.models.constraints.Deferrable["DEFERRED"],
                fields=("proposal", "position"),
                name="price_line_has_its_own_place",
                violation_error_message="Another row stands there already. Choose another place.",
            ),
        ),
        migrations.AddConstraint(
            model_name="scopeitem",
            constraint=models.UniqueConstraint(
                deferrable=django.db.models.constraints.Deferrable["DEFERRED"],
                fields=("proposal", "kind", "position"),
                name="scope_item_has_its_own_place",
                violation_error_message="Another row stands there already. Choose another place.",
            ),
        ),
        migrations.AddField(
            model_name="block",
            name="diary",
            field=models.OneToOneField(
                editable=False, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="opportunities.diary"
            ),
        ),
        migrations.AddField(
            model_name="block",
            name="service",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="blocks",
                to="proposals.service",
            ),
        ),
        migrations.AddField(
            model_name="bookprice",
            name="service",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="prices", to="proposals.service"
            ),
        ),
        migrations.AddField(
            model_name="offertemplate",
            name="diary",
            field=models.OneToOneField(
                editable=False, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="opportunities.diary"
            ),
        ),
        migrations.AddField(
            model_name="offertemplate",
            name="service",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="templates",
                to="proposals.service",
            ),
        ),
        migrations.AddField(
            model_name="usualscope",
            name="service",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="usual_scope", to="proposals.service"
            ),
        ),
        migrations.AddField(
            model_name="usualstep",
            name="service",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="usual_steps", to="proposals.service"
            ),
        ),
        migrations.AddConstraint(
            model_name="bookprice",
            constraint=models.UniqueConstraint(
                fields=("service", "title", "currency", "valid_from"),
                name="book_price_once_a_day",
                violation_error_message="There is a price for this from that day already. Choose another day.",
            ),
        ),
        migrations.RunPython(make_the_book, migrations.RunPython.noop),
        # The tables are not altered while checks of their rows are still to come.
        migrations.RunSQL(CHECK_NOW, migrations.RunSQL.noop),
        migrations.RunSQL(FREEZE_DISCOUNT, migrations.RunSQL.noop),
        migrations.RemoveField(
            model_name="service",
            name="price",
        ),
        migrations.RemoveField(
            model_name="service",
            name="recurring",
        ),
        migrations.RemoveField(
            model_name="service",
            name="scope",
        ),
    ]
    operations = at_once(operations)
