from django.db import migrations, models

# Those that are there tell of the days from their first report on.
FILL = """
update handoff_reportingcadence set tells_from = (
  select min(period_from) from handoff_report where cadence_id = handoff_reportingcadence.id
)
"""


class Migration(migrations.Migration):
    """A cadence knows the first day that its reports tell of: from then on none is left out."""

    dependencies = [
        ("handoff", "0014_breaches_stay"),
    ]

    operations = [
        migrations.AddField(
            model_name="reportingcadence",
            name="tells_from",
            field=models.DateField(editable=False, null=True, verbose_name="first day that is told of"),
        ),
        migrations.RunSQL(FILL, migrations.RunSQL.noop),
    ]
