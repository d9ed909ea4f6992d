"""Leads: somebody who may need us, until we know whether they do."""

from datetime import datetime, timedelta

from django.conf import settings
from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVector, SearchVectorField
from django.db import models, transaction
from django.db.models.functions import Lower
from django.utils import timezone

from .. import firstresponse, gates, merging
from ..alike import key_field, near_indexes
from ..records import REASON, DiaryKeeper, Kept, Opens, Record, Refused, begin, edit, stage_field, tell, transition
from ..scope import Scoped
from .client import Client, Consent, Contact
from .source import Source


class Lead(Scoped, DiaryKeeper, Record):
    """Somebody who may need us.

    new → working → qualified or disqualified; a disqualified lead can be taken up again. One that is somebody's
    second entry is merged into the first, which goes on.
    """

    class Stage(models.TextChoices):
        NEW = "new"
        WORKING = "working"
        QUALIFIED = "qualified"
        DISQUALIFIED = "disqualified"
        MERGED = "merged"

    CLOSED = (Stage.QUALIFIED, Stage.DISQUALIFIED, Stage.MERGED)

    class Answer(models.TextChoices):
        MAIL = "mail"
        CALL = "call"
        MEETING = "meeting"
        WORK = "work", "Taken up"

    name = models.CharField("contact name", max_length=120)
    company = models.CharField(max_length=160, blank=True)
    email = models.EmailField("mail address", blank=True)
    phone = models.CharField(max_length=40, blank=True)
    website = models.URLField(blank=True)
    country = models.CharField(max_length=60, blank=True)
    words = models.TextField("what they said", blank=True)
    source = models.ForeignKey(Source, models.PROTECT, null=True, blank=True, related_name="leads")
    # The consent that came with a form or a file (purpose, text_version, source, captured_at); qualifying makes it a
    # record.
    consent = models.JSONField(default=dict, blank=True, editable=False)
    external_ref = models.CharField("reference in the file", max_length=120, blank=True, editable=False)
    arrived_at = models.DateTimeField(default=timezone.now)
    next_action = models.CharField(max_length=200, blank=True, default="Answer and find out what they need")
    due_on = models.DateField("due", null=True, blank=True)
    opportunity = models.ForeignKey(
        "opportunities.Opportunity", models.PROTECT, null=True, blank=True, editable=False, related_name="leads"
    )
    merged_into = models.ForeignKey(
        "self", models.PROTECT, null=True, blank=True, editable=False, related_name="merged"
    )
    # When they first heard from us, and how. See firstresponse.py.
    answered_at = models.DateTimeField("first answer", null=True, editable=False)
    answered_how = models.CharField(max_length=8, blank=True, choices=Answer, editable=False)
    stage = stage_field(Stage, Stage.NEW)
    search = models.GeneratedField(
        expression=SearchVector("name", "company", "email", config="simple"),
        output_field=SearchVectorField(),
        db_persist=True,
    )
    name_key = key_field("name", "company")
    phone_key = key_field("phone", "phone")
    domain_key = key_field("domain", "website", "email")

    class Meta(Record.Meta):
        permissions = [("move_lead", "Can work on, qualify and disqualify leads")]
        constraints = [
            models.CheckConstraint(
                name="open_lead_has_a_next_action",
                condition=models.Q(stage__in=["qualified", "disqualified", "merged"]) | ~models.Q(next_action=""),
            ),
            models.CheckConstraint(
                name="merged_lead_knows_into_which",
                condition=~models.Q(stage="merged") | models.Q(merged_into__isnull=False),
            ),
            models.UniqueConstraint(
                fields=["external_ref"], name="lead_reference_once", condition=~models.Q(external_ref="")
            ),
        ]
        indexes = [
            GinIndex(fields=["search"], name="lead_search"),
            models.Index(fields=["owner", "-id"], name="lead_of_owner"),
            models.Index(fields=["team", "-id"], name="lead_of_team"),
            models.Index(Lower("email"), name="lead_by_mail"),
            models.Index(fields=["source", "-id"], name="lead_of_source"),
            models.Index(fields=["due_on", "id"], name="lead_by_due"),
            # Only what nobody answered is ever asked how late it is.
            models.Index(fields=["arrived_at"], name="lead_unanswered", condition=firstresponse.UNANSWERED),
            models.Index(fields=["owner", "arrived_at"], name="lead_unanswered_of", condition=firstresponse.UNANSWERED),
            *near_indexes("lead"),
            models.Index(fields=["phone_key"], name="lead_by_phone", condition=~models.Q(phone_key="")),
            models.Index(fields=["domain_key"], name="lead_by_domain", condition=~models.Q(domain_key="")),
        ]

    def __str__(self):
        return f"{self.name}, {self.company}" if self.company else self.name

    @property
    def lines(self):
        """Return the condition for its diary, and those of the leads that were merged into it."""
        return models.Q(diary_id__in=merging.diaries_of((type(self), "id", self.pk)))

    @transition(
        stage,
        source=Stage.NEW,
        target=Stage.WORKING,
        permission="opportunities.move_lead",
        label="Start working",
        past="started working on",
        then="Confirm the seven facts",
        within=timedelta(days=3),
        opens=Opens("follow_up", "Confirm the seven facts of this lead", 3),
    )
    def work(self, *, by):
        """Take the lead up."""
        firstresponse.note(self, "work", timezone.now())

    @transition(
        stage,
        source=Stage.WORKING,
        target=Stage.QUALIFIED,
        gates=[gates.seven_facts_are_confirmed],
        permission="opportunities.move_lead",
        label="Qualify",
        past="qualified",
        asks="opportunities.joining.QualifyForm",
    )
    def qualify(self, *, by, opportunity=None, client=None, is_new=False, value=None):
        """Make an opportunity of the lead, for a new client or one that is there, or join it to one.

        Without a choice it is for the client where the person is known, or the one of that name. `is_new` says that
        somebody looked, and it is neither. Nobody gets into somebody else's client this way.
        """
        from .opportunity import Opportunity

        chosen = opportunity.client if opportunity else client
        if opportunity is not None and by is not None and not opportunity.within_reach(by, "change"):
            raise Refused([f"Somebody else’s opportunity: ask {opportunity.owner}."])
        if wrong := self.wrong_with_client(chosen, by, is_new=is_new):
            raise Refused([wrong])
        if opportunity is None:
            if is_new:
                client = self.make_client(by=by)
            opportunity = Opportunity.from_lead(self, by=by, client=client, value=value)
        else:
            self.find_or_make_contact(by=by, client=opportunity.client)
        for other in merging.merged_leads(self):
            other.find_or_make_contact(by=by, client=opportunity.client)
        self.opportunity, self.next_action, self.due_on = opportunity, "", None

    @transition(
        stage,
        source=[Stage.NEW, Stage.WORKING],
        target=Stage.DISQUALIFIED,
        permission="opportunities.move_lead",
        label="Disqualify",
        past="disqualified",
        asks=REASON,
    )
    def disqualify(self, *, by, reason):
        """Let the lead go, saying why."""
        self.next_action, self.due_on = "", None

    @transition(
        stage,
        source=Stage.DISQUALIFIED,
        target=Stage.WORKING,
        permission="opportunities.move_lead",
        label="Take up again",
        past="took up again",
        then="Confirm the seven facts",
        within=timedelta(days=3),
        asks=REASON,
    )
    def reopen(self, *, by, reason):
        """Work on a lead again that was let go."""
        firstresponse.note(self, "work", timezone.now())

    @transition(
        stage,
        source=[Stage.NEW, Stage.WORKING, Stage.DISQUALIFIED],
        target=Stage.MERGED,
        permission="opportunities.move_lead",
        label="Merge",
        past="merged",
        asks="opportunities.joining.MergeLeadForm",
    )
    def merge(self, *, by, into, reason=""):
        """Go on as another lead, which takes over what this one has and it lacks."""
        self.merged_into = merging.take_in_lead(into, self, by=by)
        self.next_action, self.due_on = "", None

    @transaction.atomic
    def confirm(self, kind, value, *, by):
        """Write down one of the seven facts, and who confirmed it."""
        fact, _ = self.facts.get_or_create(kind=kind, defaults={"value": value})
        fact.value, fact.confirmed_by, fact.confirmed_at = value, by, timezone.now()
        fact.save()
        tell(self, "confirm", "confirmed a fact of", by=by, facts={fact.get_kind_display(): value})
        return fact

    @transaction.atomic
    def unconfirm(self, kind, *, by, reason):
        """Take a confirmation back, saying why."""
        fact = self.facts.get(kind=kind)
        fact.confirmed_by = fact.confirmed_at = None
        fact.save()
        tell(
            self, "unconfirm", "took back a fact of", by=by, reason=reason, facts={fact.get_kind_display(): fact.value}
        )
        return fact

    def unconfirmed(self) -> list[str]:
        """Return the names of the facts that nobody has confirmed."""
        done = set(self.facts.filter(confirmed_at__isnull=False).values_list("kind", flat=True))
        return [label for kind, label in LeadFact.Kind.choices if kind not in done]

    def wrong_with_client(self, chosen, user, *, is_new=False) -> str:
        """Say why this person may not make an opportunity there: at the client chosen, a new one, or who is known."""
        if chosen is not None:
            return "" if chosen.is_open_to(user) else chosen.anothers
        named, people = self.named_client(), self.known_people()
        if is_new and named is not None and named.is_open_to(user):
            return f"{named} is a client already: choose it, or give the lead’s company another name."
        met = [*([named] if named is not None else []), *(person.client for person in people)]
        return next((client.anothers for client in met if not client.is_open_to(user)), "")

    def named_client(self) -> Client | None:
        """Return the client of the company's very name."""
        known = Client.objects.filter(name__iexact=self.company or self.name).select_related("owner").first()
        return known.standing if known else None

    def known_people(self, client=None) -> list[Contact]:
        """Return who is known by this lead's mail address: at any client, or at this one."""
        if not self.email:
            return []
        people = Contact.objects.here().alias(mail=Lower("email")).filter(mail=self.email.lower())
        people = people.filter(client=client) if client else people
        return list(people.select_related("client__owner").order_by("pk")[:10])

    def find_or_make_contact(self, *, by, client=None, role=None) -> Contact:
        """Return the person that this lead speaks for, with what they agreed to; make whoever is new.

        Without a `client` it is the one where the person is known, or the company that the lead names.
        """
        contact = next(iter(self.known_people(client)), None)
        if contact is None and client is None:
            role, client = role or Contact.Role.OWNER, self.named_client() or self.make_client(by=by)
            contact = next(iter(self.known_people(client)), None)
        if contact is None and not self.email:
            contact = client.contacts.here().filter(name__iexact=self.name).first()
        if contact is None and self.email:
            contact = self.welcome_back(client, by=by)
        if contact is None:
            fields = {"name": self.name, "email": self.email, "phone": self.phone}
            fields["decision_role"] = role or Contact.Role.INFLUENCER
            contact = begin(Contact(client=client, **fields), by=by, past="added")
        if self.consent:
            given = {**self.consent, "captured_at": datetime.fromisoformat(self.consent["captured_at"])}
            if not contact.consents.filter(**given).exists():
                begin(Consent(contact=contact, **given), by=by, past="wrote down the consent to")
                merging.opt_out(contact, contact, by=by)
        return contact

    def welcome_back(self, client, *, by) -> Contact | None:
        """Return who left this client and now wrote from their address there: an address is one person's."""
        left = client.contacts.filter(merged_into=None).alias(mail=Lower("email"))
        contact = left.filter(mail=self.email.lower()).first()
        return contact and edit(contact, by=by, reason=f"The lead {self} came from their address.", left_on=None)

    def make_client(self, *, by) -> Client:
        fields = {"website": self.website, "country": self.country, "owner": self.owner}
        return begin(Client(name=self.company or self.name, **fields), by=by, past="added")


class LeadFact(Kept):
    """One of the seven facts that qualify a lead: its value, who confirmed it and when."""

    belongs_to = "lead"

    class Kind(models.TextChoices):
        SOURCE = "source"
        SERVICE_FIT = "service_fit", "Service fit"
        URGENCY = "urgency"
        DECISION_OWNER = "decision_owner", "Decision owner"
        CONTACT_PATH = "contact_path", "Contact path"
        BUDGET_SIGNAL = "budget_signal", "Budget signal"
        NEXT_ACTION = "next_action", "Next action"

    lead = models.ForeignKey(Lead, models.PROTECT, related_name="facts")
    kind = models.CharField(max_length=16, choices=Kind)
    value = models.CharField(max_length=300)
    confirmed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, editable=False, related_name="+"
    )
    confirmed_at = models.DateTimeField(null=True, editable=False)

    class Meta(Kept.Meta):
        constraints = [models.UniqueConstraint(fields=["lead", "kind"], name="lead_fact_once")]

    def __str__(self):
        return f"{self.get_kind_display()}: {self.value}"
