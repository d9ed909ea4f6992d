"""A file arrives: it is kept, looked at, and its columns are guessed, or a map that fits it is found."""

import re

from django.db import transaction

from ..models import Import, ImportMap, User
from ..records import begin, begin_or_find, edit
from . import storage
from .columns import FIELDS, guess
from .files import BadFile, clean
from .refused import REFUSED
from .rows import WHY
from .table import look_at

# What a browser or a person adds to the name of a copy.
COPY = re.compile(r"( ?\(\d{1,3}\)| - copy| copy)+$", re.IGNORECASE)


@transaction.atomic
def upload(kind: str, files, *, owner, by, system="", sheet="") -> Import:
    """Keep a file and its companions: [(name, its bytes in pieces)], its own first. Raises BadFile, keeping nothing."""
    if len(files) > storage.MOST_COMPANIONS + 1:
        raise BadFile(f"A file takes {storage.MOST_COMPANIONS} companions at most. Leave some out.")
    named = [(clean(name).replace("/", " ")[-200:] or "file", chunks) for name, chunks in files]
    # What was refused and mended comes from where the first file came from.
    stem = COPY.sub("", (named[0][0].rpartition(".")[0] or named[0][0]).removesuffix(REFUSED))
    place = clean(system) or own_system(kind, stem.lower(), owner, by)
    record = Import(kind=kind, file_name=named[0][0], owner=owner, sheet=sheet, system=place[:40])
    begin(record, by=by, past="uploaded")
    record.refresh_from_db(fields=["team"])  # the database says which: what is saved later must not take it away
    digests = [storage.keep(record, number, name, chunks) for number, (name, chunks) in enumerate(named)]
    record.digest, record.size = digests[0]
    # The same file under another name is known by the first one's.
    before = Import.objects.filter(kind=kind, digest=record.digest).exclude(pk=record.pk).order_by("pk").first()
    if before and not system:
        record.system = own_system(kind, before.system, owner, by)
    look(record)
    return record


def own_system(kind, name: str, owner, by) -> str:
    """Return where a file seems to come from by its name. Two people's files of one name need not be from one place.

    The page asks, and says whose else is known by it. A command knows the house's files.
    """
    name = name[:40]
    if by is None or not of_another(kind, name, owner.pk):
        return name
    whose = f" of {owner.username}"[:20]
    return name[: 40 - len(whose)].removesuffix(whose) + whose


def of_another(kind, system: str, owner_id):
    """Return somebody else whose files are known by this, when the person's own are not."""
    of = Import.objects.filter(kind=kind, system=system).exclude(owner=owner_id, stage=Import.Stage.UPLOADED)
    owners = User.objects.filter(pk__in=of.values("owner")) if system else ()
    return None if any(owner.pk == owner_id for owner in owners) else next(iter(owners), None)


def look(record):
    """Write down what the file holds, and guess what its columns are. Raises BadFile."""
    for name, value in look_at(record).items():
        setattr(record, name, value)
    record.columns = suggested(record)
    record.save()


def suggested(record) -> dict:
    """Return the map that was saved for this header, else what can be guessed."""
    names = [column["name"] for column in record.header if column["name"] != WHY]
    known = ImportMap.objects.filter(kind=record.kind, header=names).order_by("-pk").first()
    return known.columns if known else guess(record.kind, record.header)


def with_names(record, given: dict) -> dict:
    """Return a map in the file's own columns; a companion's may be named without its file. Raises BadFile."""
    names = [column["name"] for column in record.header]
    found, wrong = {}, []
    for ours, column in given.items():
        ends = [name for name in names if name.rpartition(": ")[2] == column]
        if ours not in FIELDS[record.kind].by_name:
            known = ", ".join(FIELDS[record.kind].by_name)
            raise BadFile(f"The map names “{str(ours)[:40]}”, and a row can only say: {known}.")
        if column in names or len(ends) == 1:
            found[ours] = column if column in names else ends[0]
        else:
            wrong.append(str(column)[:80])
    if wrong:
        raise BadFile(f"The map names a column that the file does not have: {', '.join(wrong)}.")
    return guess(record.kind, record.header, found)


def save_map(record, name: str, *, by):
    """Keep what the columns hold under a name, for the next file with this header."""
    names = [column["name"] for column in record.header if column["name"] != WHY]
    same = ImportMap.objects.filter(kind=record.kind, name__iexact=name)
    new = ImportMap(name=name, kind=record.kind, header=names, columns=record.columns)
    known = same.first() or begin_or_find(new, same, by=by, past="saved")
    return edit(known, by=by, header=names, columns=record.columns)
