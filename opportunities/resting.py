"""What rests on evidence, as the page of the blast radius shows it. Each app says what it knows, in these words."""

from dataclasses import dataclass, field

from django.db.models import BooleanField, Exists, OuterRef, Q, Value

# So many of each kind are shown; the lists of the kinds have the rest.
MOST = 50


@dataclass(frozen=True)
class Resting:
    """One thing that rests on a version of evidence: what it is, where it stands, where its page is."""

    words: str
    stage: str = ""
    url: str = ""
    note: str = ""


class Versions(dict):
    """Versions of evidence, each id with its number, and the audits that they are of."""

    @classmethod
    def of(cls, evidence):
        versions = cls((one.pk, one.version) for one in evidence)
        versions.audits = {one.audit_id for one in evidence}
        return versions

    def __init__(self, *args):
        super().__init__(*args)
        self.audits: set[int] = set()


@dataclass
class Group:
    """What rests on evidence of one kind: the ones that this person may see, and how many they may not."""

    title: str
    rows: list[Resting] = field(default_factory=list)
    hidden: int = 0
    more: bool = False

    def take(self, resting, seen: bool):
        """Add one that is seen, or count one that is not."""
        if not seen:
            self.hidden += 1
        elif len(self.rows) == MOST:
            self.more = True
        else:
            self.rows.append(resting)


def seen_by(user, model):
    """Return, for an annotation, whether this person may see each row."""
    if not user.has_perm(f"{model._meta.app_label}.view_{model._meta.model_name}"):
        return Value(False, output_field=BooleanField())
    reach = model.reach(user)
    if reach == Q():
        return Value(True, output_field=BooleanField())
    return Exists(model._base_manager.filter(reach, pk=OuterRef("pk")))
