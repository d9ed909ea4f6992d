"""Bring a file in, as somebody does on the page."""

from opportunities.importing import engine
from opportunities.importing.upload import upload
from opportunities.models import Import
from opportunities.records import edit, perform


def checked(kind, text, owner, name="file.csv", *, by=None, **given):
    """Upload a file, and have it checked; `given` are its choices and columns."""
    by = by or owner
    record = upload(kind, [(name, [text.encode()])], owner=owner, by=by)
    if given:
        record = edit(record, by=by, **given)
    perform(record.map_columns, by=by)
    engine.go_on(30)
    return Import.objects.get(pk=record.pk)


def run(record, by=None):
    perform(record.run, by=by or record.owner)
    engine.go_on(30)
    return Import.objects.get(pk=record.pk)


def done(kind, text, owner, name="file.csv", **given):
    record = checked(kind, text, owner, name, **given)
    return run(record) if record.coming else record


def verdicts(record):
    return list(record.lines_of_file.order_by("id").values_list("verdict", flat=True))


def reasons(record):
    return list(record.lines_of_file.order_by("id").values_list("reason", flat=True))
