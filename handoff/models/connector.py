"""Accesses: how we come to the client's numbers, who holds each access, and since when it works."""

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models
from django.utils import timezone
from django.utils.formats import date_format

from opportunities.models import Contact
from opportunities.records import REASON, Opens, Record, edit, stage_field, transition
from opportunities.repeating import zone_of
from opportunities.walls import settled

from .. import gates, secrecy
from .project import Project, is_wanted
from .provider import Provider

CONNECT = "handoff.move_connector"
WHAT = ("project_id", "provider_id", "account")
SAID = ("said_at", "said_by", "said_name", "said_to")


class Connector(Record):
    """Access to a provider of the client's. Where the secret is kept stands here, never the secret.

    requested → granted → verified. A granted or verified one can break and be granted again; any can be
    revoked, and a revoked one asked for again. Before we look, the client says in the portal that it is granted.
    """

    belongs_to = "project"

    class Stage(models.TextChoices):
        REQUESTED = "requested"
        GRANTED = "granted"
        VERIFIED = "verified"
        BROKEN = "broken"
        REVOKED = "revoked"

    CLOSED = (Stage.VERIFIED, Stage.REVOKED)
    WAITS = (Stage.REQUESTED, Stage.BROKEN)
    LET_IN = (Stage.GRANTED, Stage.VERIFIED)
    # What people type about it, and what never holds a secret.
    TYPED = ("account", "access_holder", "secret_kept_at", "said_name", "said_to")

    project = models.ForeignKey(Project, models.PROTECT, related_name="connectors")
    provider = models.ForeignKey(Provider, models.PROTECT, related_name="connectors")
    account = models.CharField(
        "which account", max_length=80, blank=True, help_text="Clients do not read this. Needed for “Another account”."
    )
    holder_contact = models.ForeignKey(
        Contact, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="who at the client holds it"
    )
    holder_user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name="who of us holds it",
    )
    # As it was written before people could be named here.
    access_holder = models.CharField("who held it", max_length=160, blank=True, editable=False)
    secret_kept_at = models.CharField(
        "where the secret is kept",
        max_length=160,
        blank=True,
        help_text="The vault and the entry. Never the secret itself.",
    )
    # What the client said in the portal: that it is granted, by whom, and to which address of ours.
    said_at = models.DateTimeField(null=True, editable=False)
    said_by = models.ForeignKey(Contact, models.PROTECT, null=True, editable=False, related_name="+")
    said_name = models.CharField("who let us in", max_length=80, blank=True, editable=False)
    said_to = models.CharField("which address was let in", max_length=120, blank=True, editable=False)
    did_not_work = models.BooleanField("we could not get in", default=False, editable=False)
    granted_at = models.DateTimeField(null=True, editable=False)
    granted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, editable=False, related_name="+"
    )
    verified_at = models.DateTimeField(null=True, editable=False)
    verified_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, editable=False, related_name="+"
    )
    stage = stage_field(Stage, Stage.REQUESTED)

    class Meta(Record.Meta):
        permissions = [("move_connector", "Can grant, verify and revoke accesses")]
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(
                fields=["project", "provider", "account"],
                name="connector_once_an_account",
                violation_error_message="This access stands on the project already. Name another account, or ask again "
                "for the one that was revoked.",
            ),
            models.CheckConstraint(
                name="connector_has_one_holder",
                condition=models.Q(holder_contact=None) | models.Q(holder_user=None),
                violation_error_message="Choose one who holds it: somebody at the client, or one of us.",
            ),
            models.CheckConstraint(
                name="connector_holds_no_secret",
                condition=~models.Q(account__iregex=secrecy.SECRET)
                & ~models.Q(access_holder__iregex=secrecy.SECRET)
                & ~models.Q(secret_kept_at__iregex=secrecy.SECRET)
                & ~models.Q(said_name__iregex=secrecy.SECRET)
                & ~models.Q(said_to__iregex=secrecy.SECRET),
                violation_error_message=secrecy.SENTENCE,
            ),
        ]
        triggers = [
            # Who and when are written by a move alone.
            settled(
                "who_and_when_stay",
                *("granted_at", "granted_by_id", "verified_at", "verified_by_id"),
                once="OLD.stage = NEW.stage",
            ),
            # What was granted is what is verified: another account is another access.
            settled("what_is_granted_stays", *WHAT, once="OLD.stage IN ('granted', 'verified', 'broken')"),
            settled(
                "said_stays",
                *("said_at", "said_by_id", "said_name", "said_to"),
                once="OLD.said_at IS NOT NULL AND NEW.said_at IS NOT NULL",
            ),
        ]

    def __str__(self):
        return f"{self.provider}: {self.account}" if self.account else str(self.provider)

    def clean(self):
        is_wanted(self)
        if self.provider_id and self.provider.names_account and not self.account:
            raise ValidationError({"account": "Say which account it is. Clients do not read this."})
        for name in self.TYPED:
            if secrecy.looks_secret(getattr(self, name)):
                raise ValidationError({name if self._meta.get_field(name).editable else "account": secrecy.SENTENCE})
        if secrecy.is_no_place(self.secret_kept_at):
            raise ValidationError({"secret_kept_at": secrecy.SENTENCE})
        if self.stage in self.LET_IN and not self.holder:
            raise ValidationError({"holder_contact": "Name who holds it now, or revoke the access."})
        if self.holder_contact_id and self.holder_user_id:
            raise ValidationError({"holder_user": "Choose one: somebody at the client, or one of us."})
        theirs = self.project.opportunity.client_id if self.project_id else None
        if self.holder_contact_id and theirs and self.holder_contact.client_id != theirs:
            raise ValidationError({"holder_contact": "Choose somebody who works at this client."})

    @property
    def owner(self):
        """Whoever leads the onboarding sees to it: its tasks and its alarms are theirs."""
        return self.project.owner

    @property
    def owner_id(self):
        return self.project.owner_id

    @property
    def holder(self):
        """Return who holds the access: a person, or what was written before one could be named."""
        return self.holder_contact or self.holder_user or self.access_holder

    @property
    def holder_left(self) -> bool:
        """Whether whoever holds it works there no more: then nobody can say that it will go on working."""
        if self.holder_contact:
            return self.holder_contact.left_on is not None
        return self.holder_user is not None and not self.holder_user.is_active

    @property
    def waits_for_client(self) -> bool:
        return self.stage in self.WAITS and self.said_at is None

    @property
    def said(self) -> str:
        """Say what the client said, by the client's own clock."""
        if self.said_at is None:
            return ""
        at = self.said_at.astimezone(zone_of(self.project.opportunity.client.time_zone))
        to = f" to {self.said_to}" if self.said_to else ""
        return f"The client says it is granted, {date_format(at, 'j M H:i T')}: {self.said_name}{to}."

    @property
    def trouble(self) -> str:
        """Say what is wrong with it, in the words that staff read wherever it stands."""
        if self.stage == self.Stage.REVOKED:
            return ""
        if self.holder_left:
            return f"Its holder left: {self.holder}. Name a new one."
        return "It stopped working." if self.stage == self.Stage.BROKEN else ""

    def hear_that_it_is_granted(self, *, by, name, to, at):
        """Keep that the client says so, once. Return the connector, or nothing when they said it before."""
        secrecy.refuse(name, to)
        return edit(
            self,
            by=by,
            past="says that we were let in to",
            **{"said_at": at, "said_by": by, "said_name": name, "said_to": to, "did_not_work": False},
        )

    @transition(
        stage,
        source=[Stage.REQUESTED, Stage.BROKEN],
        target=Stage.GRANTED,
        gates=[gates.its_project_goes_on],
        permission=CONNECT,
        label="Access was granted",
        past="got access to",
        asks="handoff.forms.GrantForm",
    )
    def grant(self, *, by, holder, secret_kept_at):
        """The client let us in. `holder` is a contact of theirs or one of us."""
        secrecy.refuse(place=secret_kept_at)
        self.holder_contact, self.holder_user = (holder, None) if isinstance(holder, Contact) else (None, holder)
        self.secret_kept_at, self.did_not_work = secret_kept_at, False
        self.granted_at, self.granted_by = timezone.now(), by
        self.verified_at = self.verified_by = None

    @transition(
        stage,
        source=Stage.GRANTED,
        target=Stage.VERIFIED,
        gates=[gates.somebody_holds_it],
        permission=CONNECT,
        label="It works",
        past="verified",
    )
    def verify(self, *, by):
        """We read the first data through it."""
        self.verified_at, self.verified_by = timezone.now(), by

    @transition(
        stage,
        source=[Stage.GRANTED, Stage.VERIFIED],
        target=Stage.BROKEN,
        gates=[gates.its_project_goes_on],
        permission=CONNECT,
        label="It stopped working",
        past="lost access to",
        asks=REASON,
        opens=Opens("onboarding_handoff", "Mend the broken access", 1),
    )
    def fail(self, *, by, reason):
        """No data comes through it any more: the client is asked to let us in again."""
        secrecy.refuse(reason)
        self.forget_what_was_said()
        self.verified_at = self.verified_by = None

    @transition(
        stage,
        source=Stage.REQUESTED,
        target=Stage.REQUESTED,
        gates=[gates.client_said_so],
        permission=CONNECT,
        label="We cannot get in",
        past="could not get in to",
        asks=REASON,
    )
    @transition(
        stage,
        source=Stage.BROKEN,
        target=Stage.BROKEN,
        gates=[gates.client_said_so],
        permission=CONNECT,
        label="We cannot get in",
        past="could not get in to",
        asks=REASON,
    )
    def ask_anew(self, *, by, reason):
        """What the client granted lets nobody in: they are asked to try once more."""
        secrecy.refuse(reason)
        self.forget_what_was_said()
        self.did_not_work = True

    @transition(
        stage,
        source=[Stage.REQUESTED, Stage.GRANTED, Stage.VERIFIED, Stage.BROKEN],
        target=Stage.REVOKED,
        permission=CONNECT,
        label="Revoke",
        past="revoked",
        asks=REASON,
    )
    def revoke(self, *, by, reason):
        """Give it back: we do not need it, or may not have it."""
        secrecy.refuse(reason)

    @transition(
        stage,
        source=Stage.REVOKED,
        target=Stage.REQUESTED,
        gates=[gates.its_project_goes_on],
        permission=CONNECT,
        label="Ask again",
        past="asked again for",
    )
    def request(self, *, by):
        """Ask the client once more."""
        self.forget_what_was_said()
        self.granted_at = self.granted_by = self.verified_at = self.verified_by = None

    def forget_what_was_said(self):
        """Let the client say anew that it is granted. What they said before stands in the diary."""
        self.said_at = self.said_by = None
        self.said_name, self.said_to, self.did_not_work = "", "", False
