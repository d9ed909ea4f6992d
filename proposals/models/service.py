"""What the house sells, in which words it contracts, and who must approve."""

from decimal import Decimal

import pycountry
from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models, transaction

from opportunities.models import Opportunity, Questionnaire
from opportunities.money import MoneyField
from opportunities.records import DiaryKeeper, KeptQuerySet, lock, tell

PERCENT = [
    MinValueValidator(Decimal(0), "Type a percentage from 0 to 100."),
    MaxValueValidator(Decimal(100), "Type a percentage from 0 to 100."),
]
CURRENCIES = {currency.alpha_3 for currency in pycountry.currencies}


class Cadence(models.TextChoices):
    WEEKLY = "weekly"
    EVERY_TWO_WEEKS = "every_two_weeks", "Every two weeks"
    MONTHLY = "monthly"
    QUARTERLY = "quarterly"


class ScopeKind(models.TextChoices):
    INCLUDED = "included"
    EXCLUDED = "excluded"
    OPTIONAL = "optional"
    ASSUMPTION = "assumption"
    DEPENDENCY = "dependency"
    INTEGRATION = "integration"


class Recurring(models.TextChoices):
    ONCE = "once"
    MONTHLY = "monthly"


def known_currency(code):
    """Refuse what is no currency by its three letters."""
    if code not in CURRENCIES:
        raise ValidationError(f"“{code}” is no currency. Type its three letters, such as EUR.", code="currency")


class Service(DiaryKeeper):
    """Something we sell: its usual scope, its prices and reports. What it usually has stands in `book.py`."""

    name = models.CharField(max_length=120, unique=True)
    description = models.TextField(blank=True)
    checklist = models.JSONField("usual onboarding list", default=list, blank=True)
    # What discovery asks whoever wants it, in the version that is current.
    questionnaire = models.ForeignKey(
        Questionnaire, models.PROTECT, null=True, blank=True, related_name="services", verbose_name="discovery asks"
    )
    cadence = models.CharField(max_length=16, choices=Cadence, default=Cadence.MONTHLY)
    is_sold = models.BooleanField("on offer", default=True)
    # What a deal is about, from its first day: long before a proposal names it.
    opportunities = models.ManyToManyField(Opportunity, blank=True, editable=False, related_name="services")

    def __str__(self):
        return self.name

    @classmethod
    @transaction.atomic
    def want(cls, opportunity, services, *, by):
        """Write down which services a deal is about, instead of those before. An open discovery asks what they ask."""
        opportunity = lock(opportunity)
        before, now = set(opportunity.services.all()), set(services)
        if before != now:
            opportunity.services.set(now)
            names = [sorted(map(str, before)), sorted(map(str, now))]
            tell(opportunity, "services", "changed the services of", by=by, facts={"services": names})
            for discovery in opportunity.discoveries.filter(stage="open"):
                discovery.ask(by=by)

    def clean(self):
        """Refuse rows that an onboarding list could not be made of later."""
        if not all(rows_of(self.checklist, {"title": str, "who": str, "days": int})):
            raise ValidationError({"checklist": "Give each row a title, who does it (client or us) and its days."})


def rows_of(rows, kinds):
    """Yield for each row whether it has a title and each of its parts is of the kind that is named for it."""
    yield isinstance(rows, list)
    for row in rows if isinstance(rows, list) else ():
        yield isinstance(row, dict) and bool(row.get("title")) and len(str(row["title"])) <= 160
        yield isinstance(row, dict) and all(isinstance(part, kinds.get(name, ())) for name, part in row.items())


class Clause(DiaryKeeper):
    """Contract language. A changed clause is a new version; the old one stays where it was signed."""

    key = models.SlugField(max_length=60)
    version = models.PositiveSmallIntegerField(default=1)
    title = models.CharField(max_length=160)
    text = models.TextField()
    is_standard = models.BooleanField("in every contract", default=True)

    class Meta(DiaryKeeper.Meta):
        ordering = ["key", "-version"]
        constraints = [models.UniqueConstraint(fields=["key", "version"], name="clause_version_once")]

    def __str__(self):
        return f"{self.title}, version {self.version}"


class Aspect(models.TextChoices):
    PROPOSAL = "proposal"
    PRICING = "pricing"
    CLAIMS = "claims"
    CONTRACT = "contract"
    SUMMARY = "summary"


class ApprovalRule(DiaryKeeper):
    """Who must approve an aspect, from which amount on, and within how many hours."""

    aspect = models.CharField(max_length=10, choices=Aspect)
    min_amount = MoneyField("from a first year of", default=0, validators=[MinValueValidator(0)])
    permission = models.CharField(
        "approved by whoever may", max_length=80, help_text="A right, such as proposals.approve_pricing."
    )
    hours = models.PositiveSmallIntegerField("hours allowed", default=48)

    class Meta(DiaryKeeper.Meta):
        constraints = [models.UniqueConstraint(fields=["aspect", "min_amount"], name="approval_rule_once")]

    def __str__(self):
        return f"{self.get_aspect_display()} from {self.min_amount}"


class DelegationQuerySet(KeptQuerySet):
    def on(self, day):
        return self.filter(starts_on__lte=day, ends_on__gte=day)


class Delegation(DiaryKeeper):
    """One approver stands in for another between two dates."""

    giver = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="delegations_given")
    taker = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="delegations_taken")
    starts_on = models.DateField()
    ends_on = models.DateField()

    objects = DelegationQuerySet.as_manager()

    class Meta(DiaryKeeper.Meta):
        constraints = [
            models.CheckConstraint(
                name="delegation_runs_forward", condition=models.Q(ends_on__gte=models.F("starts_on"))
            ),
            models.CheckConstraint(name="delegation_to_somebody_else", condition=~models.Q(giver=models.F("taker"))),
        ]

    def __str__(self):
        return f"{self.taker} for {self.giver}"

    def clean(self):
        if self.starts_on and self.ends_on and self.ends_on < self.starts_on:
            raise ValidationError({"ends_on": "It must end after it begins."})
        if self.giver_id and self.giver_id == self.taker_id:
            raise ValidationError({"taker": "Choose somebody else."})
