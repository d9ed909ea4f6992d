"""What the house sells, in which words it contracts, and who must approve."""

from decimal import Decimal

from django.conf import settings
from django.contrib.auth.models import Group, Permission
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models, transaction

from opportunities.currencies import known_currency
from opportunities.models import Opportunity, Questionnaire
from opportunities.money import MoneyField
from opportunities.records import DiaryKeeper, KeptQuerySet, Refused, begin, lock, tell
from opportunities.walls import settled
from opportunities.words import plain_parts, plain_words

from ..measures import amount
from ..policies import right_for

PERCENT = [
    MinValueValidator(Decimal(0), "Type a percentage from 0 to 100."),
    MaxValueValidator(Decimal(100), "Type a percentage from 0 to 100."),
]


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


class Service(DiaryKeeper):
    """Something we sell: its usual scope, its prices and reports. What it usually has stands in `book.py`."""

    name = models.CharField(max_length=120, unique=True)
    description = models.TextField(blank=True)
    checklist = models.JSONField("usual onboarding list", default=list, blank=True, validators=[plain_parts])
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
        if not all(rows_of(self.checklist, {"title": str, "group": str, "who": str, "days": int})):
            raise ValidationError({"checklist": "Give each row a title, who does it (client or us) and its days."})


def rows_of(rows, kinds):
    """Yield for each row whether it has a title and each of its parts is of the kind that is named for it."""
    yield isinstance(rows, list)
    for row in rows if isinstance(rows, list) else ():
        yield isinstance(row, dict) and bool(row.get("title")) and len(str(row["title"])) <= 160
        yield isinstance(row, dict) and all(isinstance(part, kinds.get(name, ())) for name, part in row.items())


class ClauseQuerySet(KeptQuerySet):
    def newest(self):
        """Return the newest version of each clause."""
        newer = Clause.objects.filter(key=models.OuterRef("key"), version__gt=models.OuterRef("version"))
        return self.filter(~models.Exists(newer))


class Clause(DiaryKeeper):
    """Contract language. A changed clause is a new version; the old one stays where it is pinned, word by word."""

    key = models.SlugField(max_length=60)
    version = models.PositiveSmallIntegerField(default=1)
    title = models.CharField(max_length=160, validators=[plain_words])
    text = models.TextField(validators=[plain_words])
    is_standard = models.BooleanField("in every contract", default=True)

    objects = ClauseQuerySet.as_manager()

    class Meta(DiaryKeeper.Meta):
        ordering = ["key", "-version"]
        constraints = [models.UniqueConstraint(fields=["key", "version"], name="clause_version_once")]
        triggers = [settled("words_stay", "key", "version", "title", "text")]

    def __str__(self):
        return f"{self.title}, version {self.version}"

    def clean(self):
        """Refuse a second beginning: a clause goes on by being revised."""
        if self._state.adding and type(self).versions_of(self.key).exists():
            raise ValidationError({"key": "There is a clause of this key already. Open it and revise it."})

    @classmethod
    def versions_of(cls, key):
        """Return every version of a clause, newest first."""
        return cls.objects.filter(key=key).order_by("-version")

    @transaction.atomic
    def revise(self, *, by, title, text):
        """Write the next version. What pins this one keeps it. Return the new one."""
        first = lock(type(self).versions_of(self.key).last())
        newest = type(self).versions_of(first.key).first()
        if newest.pk != self.pk:
            raise Refused([f"Somebody wrote version {newest.version} meanwhile. Read it, then revise that one."])
        if (title, text) == (self.title, self.text):
            raise Refused(["Change the words first: they are the same as before."])
        new = type(self)(key=self.key, version=self.version + 1, title=title, text=text, is_standard=self.is_standard)
        return begin(new, by=by, past="revised into", facts={"version": [self.version, new.version]})


class Aspect(models.TextChoices):
    PROPOSAL = "proposal"
    PRICING = "pricing"
    CLAIMS = "claims"
    CONTRACT = "contract"
    SUMMARY = "summary"


class ApprovalRule(DiaryKeeper):
    """Whom an aspect of a record needs, and when. All that a rule names must be so; every rule that matches counts.

    It asks of what is submitted or changed after it was written: what was approved before stays approved. Rules of one
    step are asked side by side, the next step when all of the one before is given.
    """

    aspect = models.CharField("what is approved", max_length=10, choices=Aspect)
    # When it asks. What is left empty asks always.
    currency = models.CharField("amounts are in", max_length=3, default="USD", validators=[known_currency])
    min_amount = MoneyField("from a first year of", default=0, validators=[MinValueValidator(0)])
    below_amount = MoneyField("and under a first year of", null=True, blank=True, validators=[MinValueValidator(0)])
    min_discount = models.DecimalField(
        "from a discount of, percent", max_digits=5, decimal_places=2, null=True, blank=True, validators=PERCENT
    )
    below_margin = models.DecimalField(
        "with a margin under, percent", max_digits=5, decimal_places=2, null=True, blank=True, validators=PERCENT
    )
    sensitive_claim = models.BooleanField("when a claim is sensitive", default=False)
    edited_clause = models.BooleanField("when a clause is edited", default=False)
    service = models.ForeignKey(
        Service, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="when it is about"
    )
    # Whom it asks: one of these three.
    permission = models.CharField("asks whoever may", max_length=80, blank=True)
    group = models.ForeignKey(
        Group, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="or one of a role"
    )
    everybody = models.BooleanField("everybody of the role, each for themselves", default=False)
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="or one person"
    )
    step = models.PositiveSmallIntegerField(
        default=1,
        validators=[MinValueValidator(1), MaxValueValidator(20)],
        help_text="The same number is asked at the same time; the next when all before is given.",
    )
    hours = models.PositiveSmallIntegerField(
        "working hours allowed",
        default=16,
        validators=[MinValueValidator(1), MaxValueValidator(400)],
        help_text="Monday to Friday, 9 to 17. A day has 8.",
    )
    remind_after = models.PositiveSmallIntegerField(
        "reminds after, percent of the time",
        default=50,
        validators=[MaxValueValidator(99)],
        help_text="0 reminds never.",
    )
    escalates_to = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name="when late, goes on to",
        help_text="Left empty, it goes on to somebody else who may.",
    )
    valid_days = models.PositiveSmallIntegerField(
        "holds for days", default=60, validators=[MinValueValidator(1), MaxValueValidator(730)]
    )
    is_used = models.BooleanField("in use", default=True)

    class Meta(DiaryKeeper.Meta):
        ordering = ["aspect", "step", "id"]
        constraints = [
            models.CheckConstraint(
                name="approval_rule_asks_somebody",
                condition=(~models.Q(permission="") & models.Q(group=None, person=None))
                | models.Q(permission="", group__isnull=False, person=None)
                | models.Q(permission="", group=None, person__isnull=False),
                violation_error_message="Choose one: a right, a role or a person.",
            ),
            models.CheckConstraint(
                name="approval_rule_everybody_of_a_role",
                condition=models.Q(everybody=False) | models.Q(group__isnull=False),
                violation_error_message="Choose the role of which everybody is asked.",
            ),
        ]

    def __str__(self):
        return self.sentence[:200]

    # -- What it says. -------------------------------------------------------------------------------------------------

    @property
    def sentence(self) -> str:
        """Say in a sentence what the rule asks."""
        when = " and ".join(self.conditions())
        late = f", then goes on to {self.escalates_to}" if self.escalates_to else ""
        words = f"{self.get_aspect_display()}{f', when {when},' if when else ''} needs {self.asked}"
        order = f" as step {self.step}" if self.step > 1 else ""
        return f"{words}{order}, within {self.hours} working hours{late}; it holds for {self.valid_days} days."

    @property
    def asked(self) -> str:
        """Say whom it asks."""
        if self.person:
            return str(self.person)
        if self.group:
            return f"{'everybody' if self.everybody else 'somebody'} of {self.group}"
        return f"whoever may {self.permission.partition('.')[2].replace('_', ' ')}"

    def conditions(self):
        """Yield, in words, everything that must be so."""
        if self.min_amount:
            yield f"the first year is {amount('first_year', self.min_amount, self.currency)} or more"
        if self.below_amount is not None:
            yield f"the first year is under {amount('first_year', self.below_amount, self.currency)}"
        if self.min_discount is not None:
            yield f"the discount is {amount('discount', self.min_discount)} or more"
        if self.below_margin is not None:
            yield f"the margin is under {amount('margin', self.below_margin)}"
        if self.sensitive_claim:
            yield "a claim is sensitive"
        if self.edited_clause:
            yield "a clause is edited"
        if self.service:
            yield f"it is about {self.service}"

    def why(self, measured, currencies=frozenset()) -> str:
        """Say why the rule asks of a record; nothing when it does not.

        `currencies` are those in which any rule of the aspect names an amount.
        """
        reasons = list(self.reasons(measured, currencies))
        if not all(reasons):
            return ""
        return f"{'; '.join(reasons) or f'{self.get_aspect_display()} always needs a second person'}."

    def reasons(self, measured, currencies):
        """Yield for each condition why it is met, or nothing where it is not."""
        if self.names_an_amount:
            yield self.why_of_amount(measured, currencies)
        if self.min_discount is not None:
            asked = amount("discount", self.min_discount)
            words = f"Discount of {measured.said('discount')} is {asked} or more"
            yield words if measured.offer and measured.discount.most >= self.min_discount else ""
        if self.below_margin is not None:
            yield self.why_of_margin(measured)
        if self.sensitive_claim:
            yield from ([f"Sensitive claim: “{claim}”" for claim in measured.sensitive_claims[:1]] or [""])
        if self.edited_clause:
            yield from ([f"Edited clause: “{clause}”" for clause in measured.edited_clauses[:1]] or [""])
        if self.service_id:
            about = measured.offer and measured.offer.service_id == self.service_id
            yield f"It is about {self.service}" if about else ""

    @property
    def names_an_amount(self) -> bool:
        return bool(self.min_amount) or self.below_amount is not None

    def why_of_amount(self, measured, currencies) -> str:
        """Say why the first year asks. Of a currency in which no rule speaks nobody can tell: each asks."""
        if measured.currency != self.currency:
            unknown = measured.offer and measured.currency not in currencies
            return f"First year of {measured.said('first_year')}: no rule says from how much" if unknown else ""
        asked = []
        if self.min_amount:
            asked.append(f"{amount('first_year', self.min_amount, self.currency)} or more")
        if self.below_amount is not None:
            asked.append(f"under {amount('first_year', self.below_amount, self.currency)}")
        enough = measured.first_year.most >= self.min_amount
        met = enough and (self.below_amount is None or measured.first_year.least < self.below_amount)
        return f"First year of {measured.said('first_year')} is {' and '.join(asked)}" if met else ""

    def why_of_margin(self, measured) -> str:
        """Say why the margin asks: it is under what the rule names, or nobody can tell."""
        asked = amount("margin", self.below_margin)
        least = measured.margin.least
        if least is None and measured.lines:
            return f"Margin is unknown, and could be under {asked}: a price does not say what it costs us"
        known = least is not None and least < self.below_margin
        return f"Margin of {measured.said('margin')} is under {asked}" if known else ""

    def clean(self):
        """Refuse what would never ask, or ask nobody."""
        wrong = {}
        if self.below_amount is not None and self.below_amount <= (self.min_amount or 0):
            wrong["below_amount"] = "Choose more than the amount from which it asks."
        if self.edited_clause and self.aspect != Aspect.CONTRACT:
            wrong["edited_clause"] = "Only a contract has clauses: choose “Contract” above, or untick this."
        if self.aspect == Aspect.SUMMARY:
            asks = ("min_amount", "below_amount", "min_discount", "below_margin", "sensitive_claim", "service")
            wrong |= {
                name: "Words for clients have no price and no claims: leave this empty."
                for name in asks
                if getattr(self, name) not in (None, False, 0)
            }
        if self.permission and not right_exists(self.permission):
            wrong["permission"] = "There is no such right. Type one such as proposals.approve_pricing."
        asked = sum(map(bool, (self.permission, self.group_id, self.person_id)))
        if not asked:
            wrong["permission"] = "Say whom it asks: a right here, or a role or a person below."
        if asked > 1:
            wrong["permission"] = "Choose one: a right, a role or a person. Leave the other two empty."
        if self.everybody and not self.group_id:
            wrong["everybody"] = "Choose the role of which everybody is asked, or untick this."
        if wrong:
            raise ValidationError(wrong)


def right_exists(name) -> bool:
    app, _, codename = name.partition(".")
    return Permission.objects.filter(content_type__app_label=app, codename=codename).exists()


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
        if self.taker_id and not (self.taker.is_active and self.taker.is_staff):
            raise ValidationError({"taker": f"{self.taker} does not work here any more. Choose somebody who does."})
        if self.giver_id and self.taker_id and not self.lends_anything():
            words = f"{self.taker} may approve nothing that {self.giver} may. Choose somebody who approves as well."
            raise ValidationError({"taker": words})

    def lends_anything(self) -> bool:
        """Whether both may approve some aspect: whose questions they are is lent, and no right."""
        rights = [right_for(aspect) for aspect in Aspect.values]
        return any(self.taker.has_perm(right) and self.giver.has_perm(right) for right in rights)
