from django.db import migrations, models


class Migration(migrations.Migration):
    """Words for a client can be the answer to what they asked."""

    dependencies = [
        ("proposals", "0017_being_written"),
    ]

    operations = [
        migrations.AlterField(
            model_name="summary",
            name="kind",
            field=models.CharField(
                choices=[
                    ("finding", "Audit finding"),
                    ("revenue_proof", "Revenue proof"),
                    ("caveat", "Provider caveat"),
                    ("blocker", "Launch blocker"),
                    ("scope", "Scope"),
                    ("report", "Report"),
                    ("answer", "Answer to a question"),
                ],
                max_length=14,
            ),
        ),
    ]
