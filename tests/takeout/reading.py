"""Read what was taken out, as whoever downloads it does."""

import csv
import io
import zipfile

from zarts.takeout import own


def texts_of(takeout) -> dict[str, str]:
    """Return {name: text} of the files of what was taken out."""
    own.work(60)
    takeout.refresh_from_db()
    assert takeout.state == "ready", takeout.trouble
    whole = zipfile.ZipFile(io.BytesIO(b"".join(own.zipped(takeout))))
    assert whole.testzip() is None
    names = [name.removesuffix(".csv") for name in whole.namelist() if name != "README.txt"]
    return {name: whole.read(f"{name}.csv").decode() for name in names}


def files_of(takeout) -> dict[str, list[dict]]:
    """Return {name: rows} of the files of what was taken out."""
    texts = texts_of(takeout)
    return {name: list(csv.DictReader(io.StringIO(text[1:], newline=""))) for name, text in texts.items()}
