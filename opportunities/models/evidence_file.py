"""The files that evidence was read from, kept as they came."""

import re
from hashlib import sha256

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.files.base import ContentFile
from django.db import models
from django.utils import timezone

from ..records import Kept
from ..walls import frozen
from .audit import Audit

MOST = 15 * 1024 * 1024
# What a file may be: its ending, how it is sent, and how it begins. Text has no sure beginning.
TYPES = {
    "pdf": ("application/pdf", (b"%PDF-",)),
    "png": ("image/png", (b"\x89PNG\r\n\x1a\n",)),
    "jpg": ("image/jpeg", (b"\xff\xd8\xff",)),
    "jpeg": ("image/jpeg", (b"\xff\xd8\xff",)),
    "webp": ("image/webp", (b"RIFF",)),
    "zip": ("application/zip", (b"PK\x03\x04",)),
    "xlsx": ("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", (b"PK\x03\x04",)),
    "docx": ("application/vnd.openxmlformats-officedocument.wordprocessingml.document", (b"PK\x03\x04",)),
    "json": ("application/json", ()),
    "csv": ("text/csv", ()),
    "tsv": ("text/tab-separated-values", ()),
    "txt": ("text/plain", ()),
}


class EvidenceFile(Kept):
    """A file that evidence was read from, or that shows it. It is never changed."""

    belongs_to = "audit"

    audit = models.ForeignKey(Audit, models.PROTECT, related_name="files")
    name = models.CharField(max_length=120)
    file = models.FileField(upload_to="evidence", max_length=120)
    digest = models.CharField(max_length=64)
    size = models.PositiveIntegerField()
    added_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    added_at = models.DateTimeField(default=timezone.now)

    class Meta(Kept.Meta):
        constraints = [models.UniqueConstraint(fields=["audit", "digest"], name="evidence_file_once_an_audit")]
        triggers = [frozen()]

    def __str__(self):
        return self.name

    @property
    def type(self) -> str:
        """Return how it is sent. Nothing that a browser would run is among the types."""
        return TYPES[self.name.rsplit(".", 1)[-1].lower()][0]

    @classmethod
    def keep(cls, audit, raw: bytes, name: str, *, by):
        """Keep a file of an audit, once however often it comes. Return it.

        The bytes are written before the row is: a transaction that fails leaves bytes that nothing names, never a
        row without its bytes.
        """
        name = checked(raw, name)
        digest = sha256(raw).hexdigest()
        kept = cls.objects.filter(audit=audit, digest=digest).first()
        if kept:
            return kept
        file = cls(audit=audit, name=name, digest=digest, size=len(raw), added_by=by)
        # Where the bytes are kept follows from what they are, never from what somebody called them.
        where = f"evidence/{digest[:2]}/{digest}"
        storage = file.file.storage
        if not storage.exists(where) or storage.size(where) != len(raw):
            storage.save(where, ContentFile(raw))
        file.file.name = where
        file.save()
        return file


def checked(raw: bytes, name: str) -> str:
    """Return the name under which a file is kept, or refuse it in a sentence that says what to do."""
    name = clean_name(name)
    ending = name.rsplit(".", 1)[-1].lower() if "." in name else ""
    if ending not in TYPES:
        raise ValidationError(f"Files like this are not kept. Bring one of these: {', '.join(TYPES)}.")
    if not raw:
        raise ValidationError("The file is empty. Save it again, and choose that one.")
    if len(raw) > MOST:
        raise ValidationError(f"The file is larger than {MOST // 1024 // 1024} MB. Bring a smaller one, or a link.")
    beginnings = TYPES[ending][1]
    if beginnings and not raw.startswith(beginnings) or not beginnings and is_no_text(raw):
        raise ValidationError(f"This is no {ending} file, whatever its name says. Save it again in its own format.")
    return name


def is_no_text(raw: bytes) -> bool:
    return b"\0" in raw and not raw.startswith((b"\xff\xfe", b"\xfe\xff"))


def clean_name(name: str) -> str:
    """Return a name that is safe in every system and header: no folders, no marks, at most 120 letters."""
    name = re.sub(r"[^\w .()+-]", "_", name.replace("\\", "/").rsplit("/", 1)[-1]).strip(" .") or "file"
    stem, dot, ending = name.rpartition(".")
    return f"{stem[: 119 - len(ending)]}{dot}{ending}" if dot and len(ending) < 8 else name[:120]
