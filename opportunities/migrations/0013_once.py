import django.utils.timezone
from django.db import migrations, models


class Migration(migrations.Migration):
    """A form is saved once."""

    dependencies = [
        ("opportunities", "0012_imports"),
    ]

    operations = [
        migrations.CreateModel(
            name="SavedForm",
            fields=[
                ("mark", models.CharField(max_length=64, primary_key=True, serialize=False)),
                ("led_to", models.TextField(blank=True, db_default="", default="")),
                ("at", models.DateTimeField(db_index=True, default=django.utils.timezone.now)),
            ],
            options={
                "default_permissions": (),
            },
        ),
    ]
