"""Notes: what a talk or a thought left behind, in words that are never changed."""

from django.conf import settings
from django.db import models, transaction
from django.utils import formats, timezone

from ..records import Kept, KeptQuerySet, Refused, begin, lock
from ..scope import any_of, either_way
from ..walls import frozen
from .event import Diary, Event


class NoteQuerySet(KeptQuerySet):
    def current(self):
        """Leave out what a later note corrected."""
        return self.filter(corrected_by=None)

    def with_programs(self):
        """Name beside each which program of a service wrote it, as its diary says it."""
        of = {"record_type": Note.label(), "record_id": models.OuterRef("pk")}
        told = Event.objects.filter(**of, verb="note.create", actor_kind=Event.Actor.SYSTEM)
        return self.annotate(program=models.Subquery(told.values("actor_name")[:1]))


class Note(Kept):
    """Internal words about a lead or an opportunity. A correction is a new note that names the old one."""

    class Kind(models.TextChoices):
        NOTE = "note"
        CALL = "call"
        MEETING = "meeting"

    diary = models.ForeignKey(Diary, models.PROTECT, editable=False, related_name="+")
    diary_id: int
    opportunity = models.ForeignKey(
        "opportunities.Opportunity", models.PROTECT, null=True, blank=True, related_name="notes"
    )
    lead = models.ForeignKey("opportunities.Lead", models.PROTECT, null=True, blank=True, related_name="notes")
    kind = models.CharField(max_length=8, choices=Kind, default=Kind.NOTE)
    words = models.TextField(help_text="Internal. Clients never see this.")
    author = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, editable=False, related_name="+")
    at = models.DateTimeField("written", default=timezone.now, editable=False)
    corrects = models.OneToOneField(
        "self", models.PROTECT, null=True, blank=True, editable=False, related_name="corrected_by"
    )

    objects = NoteQuerySet.as_manager()

    class Meta(Kept.Meta):
        constraints = [
            models.CheckConstraint(
                name="note_is_about_a_lead_or_an_opportunity",
                condition=models.Q(lead=None, opportunity__isnull=False)
                | models.Q(lead__isnull=False, opportunity=None),
                violation_error_message="Choose an opportunity or a lead: one of them.",
            )
        ]
        triggers = [frozen()]

    def __str__(self):
        day = formats.date_format(timezone.localtime(self.at), "j M Y")
        return f"{self.get_kind_display()} of {day}"

    @property
    def parent(self):
        return self.opportunity or self.lead

    @property
    def written_by(self) -> str:
        """Return who wrote it: where it was a service's program, that, and who answers for it."""
        if "program" not in self.__dict__:
            self.program = Note.objects.with_programs().values_list("program", flat=True).get(pk=self.pk)
        return f"{self.program}, for which {self.author} answers" if self.program else str(self.author)

    @classmethod
    def lineage(cls):
        return ["diary"]

    @classmethod
    def reach(cls, user):
        """Whoever sees the lead or the opportunity reads what is noted about it."""
        if user.sees_all:
            return models.Q()
        above = {name: cls._meta.get_field(name).related_model for name in ("opportunity", "lead")}
        ways = [models.Q(**{f"{name}__in": any_of(model.ways_for(user))}) for name, model in above.items()]
        return either_way(cls, user, *ways)

    @classmethod
    @transaction.atomic
    def take(cls, about, words, *, by, kind=Kind.NOTE, corrects=None):
        """Write something down about a lead or an opportunity, and in its diary. Return the note."""
        name = "lead" if about.label() == "opportunities.lead" else "opportunity"
        note = cls(kind=kind, words=words, author=by, corrects=corrects, diary_id=about.diary_id, **{name: about})
        facts = {"words": words} | ({"instead of": corrects.words} if corrects else {})
        return begin(note, by=by, past="corrected with" if corrects else "wrote down", facts=facts)

    @transaction.atomic
    def correct(self, words, *, by, kind=None):
        """Write down what stands in for this note. The old one stays."""
        if Note.objects.filter(corrects=lock(self)).exists():
            raise Refused(["This note was corrected already. Correct the newer one."])
        return Note.take(self.parent, words, by=by, kind=kind or self.kind, corrects=self)
