from django.db import migrations, models


class Migration(migrations.Migration):
    """A deal says which services it is about."""

    dependencies = [("opportunities", "0004_last_told"), ("proposals", "0005_settled")]

    operations = [
        migrations.AddField(
            "service",
            "opportunities",
            models.ManyToManyField(blank=True, editable=False, related_name="services", to="opportunities.opportunity"),
        )
    ]
