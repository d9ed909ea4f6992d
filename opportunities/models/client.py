"""Clients, the people there, and what those people agreed to."""

from django.conf import settings
from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVector, SearchVectorField
from django.db import models
from django.db.models.functions import Lower
from django.utils import timezone

from ..alike import key_field, near_index
from ..records import DiaryKeeper, Kept, KeptQuerySet
from ..scope import Scoped
from ..walls import frozen
from .user import known_time_zone


class Client(Scoped, DiaryKeeper):
    """A company that we work for, or hope to."""

    name = models.CharField(max_length=160)
    website = models.URLField(blank=True)
    industry = models.CharField(max_length=80, blank=True)
    country = models.CharField(max_length=60, blank=True)
    time_zone = models.CharField(max_length=40, default="UTC", validators=[known_time_zone])
    search = models.GeneratedField(
        expression=SearchVector("name", "website", "industry", config="simple"),
        output_field=SearchVectorField(),
        db_persist=True,
    )
    name_key = key_field("name", "name")
    domain_key = key_field("domain", "website")

    class Meta(DiaryKeeper.Meta):
        constraints = [models.UniqueConstraint(Lower("name"), name="client_name_once")]
        indexes = [
            GinIndex(fields=["search"], name="client_search"),
            models.Index(fields=["owner", "-id"], name="client_of_owner"),
            models.Index(fields=["team", "-id"], name="client_of_team"),
            near_index("client_near"),
            models.Index(fields=["domain_key"], name="client_by_domain", condition=~models.Q(domain_key="")),
        ]

    def __str__(self):
        return self.name

    @classmethod
    def reach(cls, user):
        """Own or team's by columns, and every client of an opportunity that this person may see."""
        if user.sees_all:
            return models.Q()
        opportunities = cls._meta.get_field("opportunities").related_model
        theirs = opportunities._base_manager.filter(opportunities.reach(user)).values("client")
        return super().reach(user) | models.Q(pk__in=theirs)

    def within_reach(self, user, to):
        """Whoever reaches one of its opportunities reaches the client."""
        if super().within_reach(user, to):
            return True
        theirs = self.opportunities.filter(type(self)._meta.get_field("opportunities").related_model.reach(user))
        return any(opportunity.within_reach(user, to) for opportunity in theirs)


class ContactQuerySet(KeptQuerySet):
    def reachable(self):
        return self.filter(left_on=None).exclude(email="")


class Contact(Kept):
    """A person at a client."""

    belongs_to = "client"

    class Role(models.TextChoices):
        OWNER = "owner", "Decision owner"
        INFLUENCER = "influencer"
        BILLING = "billing"
        TECHNICAL = "technical"

    client = models.ForeignKey(Client, models.PROTECT, related_name="contacts")
    name = models.CharField(max_length=120)
    email = models.EmailField("mail address", blank=True)
    phone = models.CharField(max_length=40, blank=True)
    title = models.CharField("job title", max_length=80, blank=True)
    decision_role = models.CharField(max_length=12, choices=Role, default=Role.INFLUENCER)
    time_zone = models.CharField(max_length=40, default="UTC", validators=[known_time_zone])
    left_on = models.DateField("left the company", null=True, blank=True)
    phone_key = key_field("phone", "phone")
    domain_key = key_field("domain", "email")

    objects = ContactQuerySet.as_manager()

    class Meta(Kept.Meta):
        constraints = [
            models.UniqueConstraint(
                "client", Lower("email"), name="contact_mail_once_a_client", condition=~models.Q(email="")
            )
        ]
        indexes = [
            models.Index(Lower("email"), name="contact_by_mail"),
            models.Index(fields=["phone_key"], name="contact_by_phone", condition=~models.Q(phone_key="")),
            models.Index(fields=["domain_key"], name="contact_by_domain", condition=~models.Q(domain_key="")),
        ]

    def __str__(self):
        return self.name

    def agreed_to(self, purpose) -> bool:
        """Whether a consent for this purpose is valid now."""
        return self.consents.valid().filter(purpose=purpose).exists()


class ConsentQuerySet(KeptQuerySet):
    def valid(self):
        now = timezone.now()
        return self.filter(withdrawn_at=None, captured_at__lte=now).exclude(expires_at__lte=now)


class Consent(Kept):
    """What a contact agreed to: for which purpose, in which words, and until when."""

    belongs_to = "contact"

    class Purpose(models.TextChoices):
        MARKETING = "marketing"
        TRANSACTIONAL = "transactional"
        CONTRACTUAL = "contractual"

    class Basis(models.TextChoices):
        CONSENT = "consent"
        CONTRACT = "contract"
        INTEREST = "interest", "Legitimate interest"

    contact = models.ForeignKey(Contact, models.PROTECT, related_name="consents")
    purpose = models.CharField(max_length=14, choices=Purpose)
    basis = models.CharField(max_length=10, choices=Basis, default=Basis.CONSENT)
    text_version = models.CharField(max_length=20)
    source = models.CharField(max_length=200)
    captured_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField(null=True, blank=True)
    withdrawn_at = models.DateTimeField(null=True, blank=True)
    recorded_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, editable=False, related_name="+"
    )

    objects = ConsentQuerySet.as_manager()

    class Meta(Kept.Meta):
        indexes = [models.Index(fields=["contact", "purpose"], name="consent_of_contact")]
        # Who agrees again gives a new consent.
        triggers = [frozen("withdrawn_stays", unless="OLD.withdrawn_at IS NULL")]

    def __str__(self):
        return f"{self.get_purpose_display()} mail to {self.contact}"
