import django.db.models.deletion
from django.db import migrations, models

CHECK_NOW = "set constraints all immediate; set constraints all deferred"


def make_questionnaires(apps, schema_editor):
    """Make a questionnaire of each service's list of questions, with its first line in a diary of its own."""
    # By the owner's connection: any other waits for this transaction.
    rows_of = lambda app, name: apps.get_model(app, name).objects.using(schema_editor.connection.alias)  # noqa: E731
    for service in rows_of("proposals", "Service").exclude(questions=[]).order_by("pk"):
        diary = rows_of("opportunities", "Diary").create()
        made = rows_of("opportunities", "Questionnaire").create(name=service.name, diary=diary)
        for position, words in enumerate(service.questions, 1):
            rows_of("opportunities", "Question").create(questionnaire=made, position=position, words=words[:300])
        rows_of("opportunities", "Event").create(
            diary=diary,
            verb="questionnaire.create",
            past="made of the service's questions:",
            record_type="opportunities.questionnaire",
            record_id=made.pk,
            subject=f"{made.name}, version {made.version}",
            actor_kind="system",
            actor_name="ZartsAlgo",
        )
        service.questionnaire = made
        service.save()


class Migration(migrations.Migration):
    """What a service asks in a discovery is a questionnaire."""

    dependencies = [
        ("opportunities", "0006_discovery"),
        ("proposals", "0006_service_opportunities"),
    ]

    operations = [
        migrations.AddField(
            model_name="service",
            name="questionnaire",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="services",
                to="opportunities.questionnaire",
                verbose_name="discovery asks",
            ),
        ),
        migrations.RunPython(make_questionnaires, migrations.RunPython.noop),
        # The table is not altered while checks of its new rows are still to come.
        migrations.RunSQL(CHECK_NOW, migrations.RunSQL.noop),
        migrations.RemoveField(model_name="service", name="questions"),
    ]
