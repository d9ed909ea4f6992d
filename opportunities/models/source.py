"""Where leads come from."""

from datetime import timedelta

from django.db import IntegrityError, models, transaction
from django.db.models.functions import Lower
from django.utils import timezone

from ..records import DiaryKeeper, begin

UTM = ("utm_source", "utm_medium", "utm_campaign", "utm_term", "utm_content")
# Anybody can write anything into an address. This many sources a day are made of it; then an inquiry keeps its words
# in its event, and no source of its own.
MADE_A_DAY = 50


def utm_field(words):
    return models.CharField(words, max_length=120, blank=True)


class Source(DiaryKeeper):
    """Where leads come from: a form, a campaign, a partner, a file."""

    class Kind(models.TextChoices):
        FORM = "form", "Public form"
        CAMPAIGN = "campaign"
        REFERRAL = "referral"
        EVENT = "event"
        OUTREACH = "outreach"
        FILE = "file"
        OTHER = "other"

    name = models.CharField(max_length=120)
    kind = models.CharField(max_length=10, choices=Kind, default=Kind.OTHER)
    campaign = models.CharField(max_length=120, blank=True)
    # What the links of this source carry. An empty one stands for any value.
    utm_source = utm_field("UTM source")
    utm_medium = utm_field("UTM medium")
    utm_campaign = utm_field("UTM campaign")
    utm_term = utm_field("UTM term")
    utm_content = utm_field("UTM content")
    valid_until = models.DateField(null=True, blank=True, help_text="After this day follow-ups from it pause.")
    # When an inquiry made it; empty when a person did.
    found_at = models.DateTimeField(null=True, editable=False)

    class Meta(DiaryKeeper.Meta):
        constraints = [
            models.UniqueConstraint(Lower("name"), name="source_name_once"),
            models.UniqueConstraint(
                *(Lower(name) for name in UTM),
                name="source_utm_once",
                condition=~models.Q(**dict.fromkeys(UTM, "")),
                violation_error_message="Another source has the same UTM values. Change one of them.",
            ),
        ]

    def __str__(self):
        return self.name

    @property
    def is_valid(self) -> bool:
        return self.valid_until is None or self.valid_until >= timezone.localdate()

    @classmethod
    def of_link(cls, carried: dict):
        """Return the source of a link that carried these UTM values, the most exact one; make one of who is new.

        Returns None when it carried none, or when strangers made too many today.
        """
        said = {name: str(carried.get(name) or "").strip()[:120] for name in UTM}
        if not any(said[name] for name in UTM[:3]):
            return None
        rows = cls.objects.exclude(**dict.fromkeys(UTM, ""))
        for name, value in said.items():
            rows = rows.alias(**{f"low_{name}": Lower(name)}).filter(**{f"low_{name}__in": ["", value.lower()]})
        known = sorted(rows[:100], key=lambda source: -sum(bool(getattr(source, name)) for name in UTM))
        return known[0] if known else cls.make_of_link(said)

    @classmethod
    def make_of_link(cls, said):
        """Make the source of a campaign that nobody has told us of."""
        now = timezone.now()
        if cls.objects.filter(found_at__gt=now - timedelta(days=1)).count() >= MADE_A_DAY:
            return None
        campaign, place = said["utm_campaign"], " / ".join(filter(None, (said["utm_source"], said["utm_medium"])))
        name = f"{campaign} ({place})" if campaign and place else campaign or place
        # Terms and contents are by the thousand; they stay in the event of the lead.
        source = cls(name=name[:120], kind=cls.Kind.CAMPAIGN, campaign=campaign, found_at=now)
        for part in UTM[:3]:
            setattr(source, part, said[part])
        try:
            with transaction.atomic():
                return begin(source, by=None, past="found", facts=said)
        except IntegrityError:
            # A source of that name is there, which says no UTM values or others.
            return cls.objects.filter(name__iexact=source.name).first()
