"""A guarantee is always of high sensitivity: the database says so of every claim from now on."""

from django.db import migrations, models

# What was sent does not change any more: only what is written from now on is looked at.
ADD = """
ALTER TABLE proposals_claim ADD CONSTRAINT guarantee_is_sensitive
    CHECK (kind <> 'guarantee' OR sensitivity = 'high') NOT VALID
"""
DROP = "ALTER TABLE proposals_claim DROP CONSTRAINT guarantee_is_sensitive"


class Migration(migrations.Migration):
    dependencies = [("proposals", "0010_words")]

    operations = [
        migrations.RunSQL(
            ADD,
            DROP,
            state_operations=[
                migrations.AddConstraint(
                    model_name="claim",
                    constraint=models.CheckConstraint(
                        condition=models.Q(("kind", "guarantee"), _negated=True) | models.Q(("sensitivity", "high")),
                        name="guarantee_is_sensitive",
                    ),
                )
            ],
        )
    ]
