"""Where an uploaded file waits: in the database, in pieces, so that any worker can go on with it."""

import hashlib
import tempfile
from contextlib import contextmanager

from ..models import ImportPart
from .files import MOST_BYTES, BadFile

PIECE = 1024 * 1024
# Companions are held in memory while the rows point into them.
MOST_COMPANION = 16 * 1024 * 1024
MOST_COMPANIONS = 8
ERASED = "What was in the file is gone: somebody was erased, and it may have named them. Upload it again."


def keep(of, file: int, name: str, chunks) -> tuple[str, int]:
    """Keep a file, piece by piece. Return its digest and its size. Raises BadFile when it is too large."""
    digest, size, number = hashlib.sha256(), 0, 0
    most = MOST_COMPANION if file else MOST_BYTES
    for chunk in chunks:
        for start in range(0, len(chunk), PIECE):
            piece = chunk[start : start + PIECE]
            digest.update(piece)
            size += len(piece)
            if size > most:
                raise BadFile(f"{name} is larger than {most // 1024**2} MB. Split it, or leave columns out.")
            ImportPart.objects.create(of=of, file=file, name=name, number=number, data=piece)
            number += 1
    return digest.hexdigest(), size


@contextmanager
def opened(of, file: int = 0):
    """Yield a kept file as an open one. It lies on disk meanwhile, not in memory. Raises BadFile when it was erased."""
    with tempfile.TemporaryFile() as copy:
        for data in of.parts.filter(file=file).order_by("number").values_list("data", flat=True).iterator(chunk_size=4):
            copy.write(data)
        if not copy.tell() and of.parts.filter(file=file).exists():
            raise BadFile(ERASED)
        copy.seek(0)
        yield copy


def names_of(of) -> list[tuple[int, str]]:
    """Return the files of an import, each with its number: its own first, then its companions."""
    return list(of.parts.filter(number=0).order_by("file").values_list("file", "name"))
