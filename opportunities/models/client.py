"""Clients, the people there, and what those people agreed to."""

import re
from datetime import time

import pycountry
from django.conf import settings
from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVector, SearchVectorField
from django.core.exceptions import ValidationError
from django.db import models, transaction
from django.db.models.functions import Lower
from django.utils import timezone
from holidays import list_supported_countries

from .. import merging
from ..alike import key_field, near_indexes
from ..records import DiaryKeeper, Kept, KeptQuerySet, Opens, Refused, edit, lock
from ..scope import Scoped, any_of, there_is
from ..walls import frozen, settled
from .event import Event
from .user import known_time_zone

NOT_GONE_YET = "Choose today or a day before: come back on the day on which they leave."


class Client(Scoped, DiaryKeeper):
    """A company that we work for, or hope to."""

    name = models.CharField(max_length=160)
    website = models.URLField(blank=True)
    industry = models.CharField(max_length=80, blank=True)
    country = models.CharField(max_length=60, blank=True)
    time_zone = models.CharField(max_length=40, default="UTC", validators=[known_time_zone])
    # Once merged, for good.
    merged_into = models.ForeignKey(
        "self", models.PROTECT, null=True, blank=True, editable=False, related_name="merged"
    )
    # Since a privacy erase it says nothing any more, and nobody writes anything into it again.
    erased_at = models.DateTimeField(null=True, editable=False)
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
            models.Index(fields=["name", "id"], name="client_by_name"),
            *near_indexes("client"),
            models.Index(fields=["domain_key"], name="client_by_domain", condition=~models.Q(domain_key="")),
        ]
        triggers = [
            settled("merged_stays", "merged_into_id", once="OLD.merged_into_id IS NOT NULL"),
            settled("erased_stays", "name", "website", "erased_at", once="OLD.erased_at IS NOT NULL"),
        ]

    def __str__(self):
        return self.name

    @property
    def lines(self):
        """Return the condition for its diary, and those of the clients that were merged into it."""
        return models.Q(diary_id__in=merging.diaries_of((type(self), "id", self.pk)))

    @property
    def standing(self):
        """Return the client that this one is now: itself, or the one that it was merged into."""
        return self.merged_into.standing if self.merged_into_id else self

    @property
    def anothers(self) -> str:
        """Say whom to ask, in words that tell nothing else about it."""
        if self.erased_at:
            return "This client was erased for privacy: nothing is added to it."
        return f"Somebody else’s client: ask {self.owner}."

    def is_open_to(self, user) -> bool:
        """Whether this person may add to it: a deal of theirs would give them a right to change all of it."""
        return user is None or self.within_reach(user, "change")

    @classmethod
    def reach(cls, user, to="view"):
        """Own or team's by columns, and every client of an opportunity that this person may see, or change."""
        if user.sees_all:
            return models.Q()
        if not user.reaches_many:
            return models.Q(pk__in=any_of(cls.ways_for(user, to)))
        opportunities = cls._meta.get_field("opportunities").related_model
        theirs = opportunities._base_manager.filter(opportunities.reach(user, to), client=models.OuterRef("pk"))
        return super().reach(user) | there_is(theirs)

    @classmethod
    def ways_for(cls, user, to="view", column="pk"):
        opportunities = cls._meta.get_field("opportunities").related_model
        return [*super().ways_for(user, to, column), *opportunities.ways_for(user, to, f"client__{column}")]

    def within_reach(self, user, to):
        """Whoever reaches one of its opportunities reaches the client. What was erased is only read."""
        if to != "view" and self.erased_at:
            return False
        if super().within_reach(user, to):
            return True
        theirs = self.opportunities.filter(type(self)._meta.get_field("opportunities").related_model.reach(user))
        return any(opportunity.within_reach(user, to) for opportunity in theirs)


def countries():
    """Return the countries whose holidays are known: code and name."""
    named = ((code, pycountry.countries.get(alpha_2=code)) for code in list_supported_countries())
    return sorted(((code, country.name) for code, country in named if country), key=lambda pair: pair[1])


def known_days(days):
    """Refuse what is no list of weekdays."""
    if not re.fullmatch("1?2?3?4?5?6?7?", days) or not days:
        raise ValidationError("Write the days in order, 1 for Monday to 7 for Sunday: 12345.")


# What the diary says of somebody whom a mail brought: nobody of ours has met them.
MET_BY_MAIL = "met by mail"


class ContactQuerySet(KeptQuerySet):
    def with_mail(self, address):
        """Return whoever has this mail address, by the index of them all."""
        return self.alias(mail=Lower("email")).filter(mail=address.lower())

    def here(self):
        """Return who works there and is no second entry of somebody."""
        return self.filter(left_on=None, merged_into=None)

    def reachable(self):
        return self.here().exclude(email="")

    def knowing_namesakes(self):
        """Know of each whether somebody else at their client has the same name, and whether a mail brought them."""
        return self.annotate(**telling_apart())


def telling_apart(of="") -> dict:
    """Return the conditions by which two of one name are told apart; `of` leads to the contact ("contact__")."""
    client, name, pk = (models.OuterRef(f"{of}{field}") for field in ("client", "name", "pk"))
    others = Contact.objects.filter(client=client, name__iexact=name, merged_into=None).exclude(pk=pk)
    born = {"record_type": Contact.label(), "record_id": pk, "verb": "contact.create"}
    by_mail = Event.objects.filter(**born, past=MET_BY_MAIL)
    return {"has_namesake": models.Exists(others), "is_met_by_mail": models.Exists(by_mail)}


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
    # When follow-ups may reach them: their days and hours, without the holidays of their country.
    country = models.CharField(
        max_length=2, blank=True, choices=countries, help_text="Whose holidays they keep. Empty: their client's."
    )
    works_from = models.TimeField("works from", default=time(9))
    works_to = models.TimeField("works until", default=time(17))
    works_on = models.CharField(
        "works on", max_length=7, default="12345", validators=[known_days], help_text="1 is Monday, 7 Sunday: 12345."
    )
    # Since when mail to their address comes back, and what the mail server said.
    mail_failed_at = models.DateTimeField("mail comes back since", null=True, blank=True, editable=False)
    mail_trouble = models.CharField(max_length=300, blank=True, editable=False)
    # Set by `leave`, which asks who decides from then on.
    left_on = models.DateField("left the company", null=True, blank=True)
    merged_into = models.ForeignKey(
        "self", models.PROTECT, null=True, blank=True, editable=False, related_name="merged"
    )
    erased_at = models.DateTimeField(null=True, editable=False)
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
            models.Index(fields=["name", "id"], name="contact_by_name"),
            models.Index(fields=["phone_key"], name="contact_by_phone", condition=~models.Q(phone_key="")),
            models.Index(fields=["domain_key"], name="contact_by_domain", condition=~models.Q(domain_key="")),
        ]
        triggers = [
            settled(
                "erased_stays",
                "name",
                "email",
                "phone",
                "title",
                "left_on",
                "erased_at",
                once="OLD.erased_at IS NOT NULL",
            )
        ]

    def __str__(self):
        return self.name

    def within_reach(self, user, to):
        """What was erased is only read."""
        return (to == "view" or not self.erased_at) and super().within_reach(user, to)

    @property
    def picked_as(self) -> str:
        return f"{self.name}, {self.client}"

    @property
    def told_apart(self) -> str:
        """Return their name, and where somebody else there has the same, what tells the two apart."""
        if "has_namesake" not in self.__dict__:
            known = Contact.objects.filter(pk=self.pk).knowing_namesakes().get()
            self.has_namesake, self.is_met_by_mail = known.has_namesake, known.is_met_by_mail
        if not self.has_namesake:
            return self.name
        words = f"{self.name}, {self.email or self.phone or 'no address'}"
        return f"{words}, {MET_BY_MAIL}" if self.is_met_by_mail else words

    def agreed_to(self, purpose) -> bool:
        """Whether a consent for this purpose is valid now."""
        return self.consents.valid().filter(purpose=purpose).exists()

    @property
    def is_reachable(self) -> bool:
        """Whether there is a way to them: they are there, and have a mail address that takes mail, or a phone."""
        return self.left_on is None and bool((self.email and not self.mail_failed_at) or self.phone)

    @transaction.atomic
    def leave(self, on, *, by, successor=None):
        """Write down that they left the company, and who decides from then on, if anybody does. Return the contact.

        Every deal that they decided on is told, gets the successor or nobody, and a task for its owner.
        """
        if on > timezone.localdate():
            raise Refused([NOT_GONE_YET])
        contact = lock(self)
        from .. import followups  # it imports the models

        deals = self._meta.get_field("client").related_model._meta.get_field("opportunities").related_model
        deciding = deals.objects.filter(decision_owner=contact).exclude(stage__in=["won", *deals.CLOSED])
        who = f"{successor} decides now." if successor else "Nobody is known to decide now."
        for deal in deciding.order_by("pk"):
            deal = edit(deal, by=by, reason=f"{contact} left the company. {who}", decision_owner=successor)
            todo = f"Get to know {successor}, who decides now" if successor else f"Find out who decides after {contact}"
            followups.open_task(deal, Opens("follow_up", todo[:150], 2), by=by)
        return edit(contact, by=by, reason=who if deciding else "", left_on=on)


class ConsentQuerySet(KeptQuerySet):
    def valid(self, at=None):
        """Return those that count now, or at another time."""
        at = at or timezone.now()
        return self.filter(withdrawn_at=None, captured_at__lte=at).exclude(expires_at__lte=at)


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
        triggers = [
            frozen("withdrawn_stays", unless="OLD.withdrawn_at IS NULL"),
            settled("given_stays", "purpose", "basis", "text_version", "source", "captured_at", "expires_at"),
        ]

    def __str__(self):
        return f"{self.get_purpose_display()} mail to {self.contact}"

    @property
    def state(self) -> str:
        """Say whether it counts now."""
        now = timezone.now()
        if self.withdrawn_at:
            return "withdrawn"
        if self.expires_at and self.expires_at <= now:
            return "expired"
        return "valid" if self.captured_at <= now else "not yet"

    def withdraw(self, *, by, reason, at=None):
        """Take it back, saying why. Nothing else of it ever changes. Return it."""
        return edit(self, by=by, reason=reason, past="stopped", withdrawn_at=at or timezone.now())
