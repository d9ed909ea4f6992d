from django.db import migrations

INDEX = "create index search_task_title on opportunities_task using gin (zarts_search_words(title))"


class Migration(migrations.Migration):
    """The list of tasks finds words of their titles: of a million it read every one."""

    dependencies = [
        ("opportunities", "0032_lists"),
        ("search", "0003_held"),
    ]

    operations = [migrations.RunSQL(INDEX, "drop index search_task_title")]
