"""The lines that the search box reads, one a record, and what each person opened and pinned."""

from django.conf import settings
from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVectorField
from django.db import models
from django.urls import reverse

from opportunities.models import Opportunity
from opportunities.scope import Scoped


class Kind(models.TextChoices):
    """What can be found, in the order in which it is said."""

    CLIENT = "client", "Clients"
    CONTACT = "contact", "Contacts"
    LEAD = "lead", "Leads"
    OPPORTUNITY = "opportunity", "Opportunities"
    PROPOSAL = "proposal", "Proposals"
    CONTRACT = "contract", "Contracts"
    PROJECT = "project", "Projects"
    MESSAGE = "message", "Messages"
    NOTE = "note", "Notes"


APPS = {"proposal": "proposals", "contract": "proposals", "project": "handoff"}


def model_of(kind) -> str:
    """Return the name of what is of this kind, as rights and addresses have it: ("opportunities", "client")."""
    return APPS.get(kind, "opportunities")


class Entry(models.Model):
    """One record, as it is found. The database writes it (sql/search.sql); nothing here does."""

    kind = models.CharField(max_length=12, choices=Kind)
    record_id = models.BigIntegerField()
    # Whose it is: its opportunity's, its lead's or else its client's. Plain numbers: a line is a shadow of a record.
    owner_id = models.BigIntegerField()
    team_id = models.BigIntegerField(null=True)
    client_id = models.BigIntegerField(null=True)
    opportunity_id = models.BigIntegerField(null=True)
    lead_id = models.BigIntegerField(null=True)
    # An opportunity of somebody else than its client: who sees it sees the client through it.
    is_guest = models.BooleanField(default=False)
    is_open = models.BooleanField(default=True)
    title = models.CharField(max_length=320)
    about = models.CharField(max_length=320)
    name_key = models.CharField(max_length=160)
    search = SearchVectorField()

    class Meta:
        db_table = "search_entry"
        default_permissions = ()
        constraints = [models.UniqueConstraint(fields=["kind", "record_id"], name="search_entry_once")]
        indexes = [
            # One for each kind, so that a word which many records of one kind hold costs the others nothing.
            *[
                GinIndex(
                    fields=["search"],
                    name=f"search_{kind}",
                    condition=models.Q(kind=kind),
                    gin_pending_list_limit=256,
                )
                for kind in Kind.values
            ],
            models.Index(fields=["name_key"], name="search_by_name", opclasses=["text_pattern_ops"]),
            # By a sum, and asked for by the same: the planner would else walk all kinds by their number, newest first.
            models.Index("kind", models.F("id") * -1, name="search_newest"),
            models.Index("owner_id", "kind", models.F("id") * -1, name="search_of_owner"),
            models.Index("team_id", "kind", models.F("id") * -1, name="search_of_team"),
            models.Index(fields=["client_id"], name="search_of_client"),
            models.Index(fields=["opportunity_id"], name="search_of_opportunity"),
            models.Index(fields=["lead_id"], name="search_of_lead", condition=models.Q(lead_id__isnull=False)),
            models.Index(fields=["owner_id"], name="search_guest", condition=models.Q(is_guest=True)),
            models.Index(fields=["team_id"], name="search_guest_of_team", condition=models.Q(is_guest=True)),
        ]

    def __str__(self):
        return self.title

    @property
    def url(self) -> str:
        return reverse(f"admin:{model_of(self.kind)}_{self.kind}_change", args=[self.record_id])

    @property
    def says(self) -> str:
        """Return what kind of thing it is, in one word."""
        return {"opportunity": "Opportunity"}.get(self.kind, self.kind.capitalize())

    @classmethod
    def reach(cls, user) -> models.Q:
        """Own and team's by columns; what was shared, with all that hangs on it and its client's own.

        A client that is reached through an opportunity only shows what hangs on no other opportunity.
        """
        if user.sees_all:
            return models.Q()
        through = Shared.of(user)
        return (
            Scoped.reach(user)
            | models.Q(opportunity_id__in=through.opportunities)
            | models.Q(client_id__in=through.clients, opportunity_id=None, lead_id=None)
        )


class Shared:
    """What somebody reaches though neither they nor their team own it: by a grant, or a client by an opportunity."""

    def __init__(self, opportunities, clients):
        self.opportunities, self.clients = opportunities, clients

    @classmethod
    def of(cls, user) -> "Shared":
        granted = Opportunity.granted_to(user)
        guests = Entry.objects.filter(kind=Kind.OPPORTUNITY)
        by_grant = guests.filter(record_id__in=granted) if granted else guests.none()
        rows = guests.filter(Scoped.reach(user), is_guest=True).values_list("client_id")
        clients = rows.union(by_grant.values_list("client_id")) if granted else rows
        return cls(granted, sorted({pk for (pk,) in clients}))


class Mark(models.Model):
    """That somebody opened a record, and whether they pinned it."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    entry = models.ForeignKey(Entry, models.PROTECT, related_name="marks")
    opened_at = models.DateTimeField(null=True)
    pinned_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "search_mark"
        default_permissions = ()
        constraints = [models.UniqueConstraint(fields=["user", "entry"], name="search_mark_once")]
        indexes = [
            models.Index(fields=["user", "-opened_at"], name="search_recent"),
            models.Index(
                fields=["user", "-pinned_at"], name="search_pinned", condition=models.Q(pinned_at__isnull=False)
            ),
        ]

    def __str__(self):
        return f"{self.user}: {self.entry}"


class Check(models.Model):
    """One nightly comparison of all lines with their records, some at a time: how far it came, and what was off."""

    at = models.DateTimeField()
    kind = models.CharField(max_length=12, default=Kind.CLIENT)
    above = models.BigIntegerField(default=0)
    drift = models.IntegerField(default=0)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "search_check"
        default_permissions = ()

    def __str__(self):
        return f"{self.at:%Y-%m-%d}: {self.drift} off"

    @property
    def words(self) -> str:
        lines = "1 line of the search was" if self.drift == 1 else f"{self.drift} lines of the search were"
        return f"{lines} not as their records are, and are mended."
