"""Everybody who edited is kept, not the last one alone; an offer has its own cadence, and amounts of rules a currency."""

from pathlib import Path

import django.contrib.postgres.fields
from django.db import migrations, models

import proposals.models.service
from opportunities.atonce import at_once

FOUR_EYES = Path(__file__).resolve().parent.parent / "sql" / "four_eyes.sql"
WRITTEN = ("proposal", "contract", "summary")
EDITORS = django.contrib.postgres.fields.ArrayField(
    base_field=models.BigIntegerField(), default=list, editable=False, size=None
)
CADENCES = [
    ("weekly", "Weekly"),
    ("every_two_weeks", "Every two weeks"),
    ("monthly", "Monthly"),
    ("quarterly", "Quarterly"),
]
# Of what has left us nobody decides any more.
KEEP = """
update proposals_{0} set editors = array[last_editor_id]
where last_editor_id is not null and stage in ('draft', 'in_review', 'approved', 'paused')
"""
# What somebody approved, or is asked to, said nothing of its own about reports.
CADENCE = """
update proposals_proposal offer set report_every = service.cadence
from proposals_service service where service.id = offer.service_id and offer.stage = 'draft'
"""
# The cadence that a client was offered stays, too.
FREEZE = """
drop trigger sent_content_is_frozen on proposals_proposal;
create trigger sent_content_is_frozen before update on proposals_proposal for each row execute function zarts_keep_content(
  'draft,in_review,approved,paused',
  'opportunity_id', 'number', 'revision', 'title', 'intro', 'currency', 'discount', 'report_every', 'valid_until',
  'decide_on', 'recipient_id', 'publication_id');
"""


class Migration(migrations.Migration):
    dependencies = [("proposals", "0013_plain_words")]

    operations = [
        *(migrations.AddField(model_name=name, name="editors", field=EDITORS) for name in WRITTEN),
        migrations.AddField(
            model_name="proposal",
            name="report_every",
            field=models.CharField(blank=True, choices=CADENCES, max_length=16, verbose_name="reports come"),
        ),
        migrations.AddField(
            model_name="approvalrule",
            name="currency",
            field=models.CharField(
                default="USD",
                max_length=3,
                validators=[proposals.models.service.known_currency],
                verbose_name="amounts are in",
            ),
        ),
        *(migrations.RunSQL(KEEP.format(name), migrations.RunSQL.noop) for name in WRITTEN),
        migrations.RunSQL(CADENCE, migrations.RunSQL.noop),
        migrations.RunSQL(FREEZE, migrations.RunSQL.noop),
        migrations.RunSQL(FOUR_EYES.read_text(), migrations.RunSQL.noop),
        *(migrations.RemoveField(model_name=name, name="last_editor") for name in WRITTEN),
    ]
    operations = at_once(operations)
