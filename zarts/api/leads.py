"""Leads: somebody whom another system knows, and who may need us."""

from django import forms
from django.conf import settings
from django.db import IntegrityError
from django.utils import timezone
from ninja import Schema
from pydantic import Field

from opportunities.admin.leads import has_passed
from opportunities.duplicates import found
from opportunities.forms import say_plainly, still_to_come
from opportunities.models import Lead, Source, User
from proposals.inbox import a_source, bring_in

from .once import Made, once
from .operations import Keyed, Numbered, reads, writes
from .problems import Refusal, judged, missing, wrong
from .words import Body, Day, Line, Moment, Now, Text, iso

SCOPE = "write:leads"


class NewLead(Body):
    """Somebody who may need us."""

    name: Line = Field(description="The name of the person.", min_length=1, max_length=120)
    company: Line = Field("", description="The company that they are from.", max_length=160)
    email: Line = Field("", description="Their mail address.", max_length=254)
    phone: Line = Field("", description="Their phone number.", max_length=40)
    website: Line = Field("", description="The address of their website.", max_length=200)
    country: Line = Field("", description="Their country.", max_length=60)
    words: Text = Field("", description="What they said, in their words.", max_length=20_000)
    source: Line = Field(
        "", description="The name of a source that is known here. Without it, it is the program’s own.", max_length=120
    )
    reference: Line = Field("", description="Its number in your system. It comes in once.", max_length=120)
    owner: Line = Field(
        "",
        description="The mail address of the member of staff whose it becomes. Without it, we choose.",
        max_length=254,
    )
    next_action: Line = Field("", description="What happens next, in words.", max_length=200)
    due_on: Day | None = Field(None, description="The day by which that is owed. Without it, tomorrow.")
    arrived_at: Moment | None = Field(None, description="When they asked. Without it, now.")


class SameOne(Schema):
    """Somebody who may be the same."""

    kind: str = Field(description="What it is: lead or client.")
    id: int | None = Field(description="Its number; null where it is beyond what you may see.")
    words: str = Field(description="What is the same, or whom to ask.")


class LeadNow(Now):
    """A lead as it stands now. What is known of the person stands in the prepared read of leads."""

    id: int = Field(description="Its number.")
    reference: str = Field(description="Its number in your system.")
    stage: str = Field(description="How far it has come: new, working, qualified, disqualified or merged.")
    owner: str = Field(description="Who looks after it.")
    source: str | None = Field(description="Where it came from.")
    next_action: str = Field(description="What happens next.")
    due_on: str | None = Field(description="The day by which that is owed.")
    answered_at: str | None = Field(description="When they first heard from us.")
    opportunity: int | None = Field(description="The opportunity that it became.")
    merged_into: int | None = Field(description="The lead that it goes on as, where it was somebody’s second entry.")

    @staticmethod
    def resolve_reference(lead):
        return lead.external_ref

    @staticmethod
    def resolve_owner(lead):
        return str(lead.owner)

    @staticmethod
    def resolve_source(lead):
        return lead.source and str(lead.source)

    @staticmethod
    def resolve_due_on(lead):
        return iso(lead.due_on)

    @staticmethod
    def resolve_answered_at(lead):
        return iso(lead.answered_at)

    @staticmethod
    def resolve_opportunity(lead):
        return lead.opportunity_id

    @staticmethod
    def resolve_merged_into(lead):
        return lead.merged_into_id


class LeadMade(LeadNow):
    """A lead that came in, and who may be the same."""

    alike: list[SameOne] = Field(description="Who is here already and may be the same, the surest first.")


class LeadForm(forms.ModelForm):
    """Judges what was sent as the page of a lead does."""

    class Meta:
        model = Lead
        fields = ("name", "company", "email", "phone", "website", "country", "words", "next_action", "due_on")

    website = forms.URLField(required=False, max_length=200, assume_scheme="https")
    arrived_at = forms.DateTimeField(required=False, validators=[has_passed])

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["due_on"].validators.append(still_to_come)
        for field in self.fields.values():
            say_plainly(field)


@writes("/leads", SCOPE, LeadMade, "lead_new", "Bring in a lead")
def bring(request, key: Keyed, sent: NewLead):
    """A lead comes in as one from the public form does: somebody owns it, and is asked to answer it by tomorrow."""
    caller = request.auth
    caller.needs("opportunities.add_lead")
    return once(request, caller, key, lambda: make(caller, sent))


def make(caller, sent: NewLead) -> Made:
    form = LeadForm(sent.model_dump(exclude_defaults=True))
    judged(form)
    if sent.reference and (known := Lead.objects.filter(external_ref=sent.reference).first()):
        raise here_already(sent, known)
    lead = form.save(commit=False)
    lead.external_ref, lead.owner, lead.source = sent.reference, owner_of(caller, sent), source_of(caller, sent)
    lead.next_action = sent.next_action or Lead._meta.get_field("next_action").default
    lead.arrived_at = form.cleaned_data["arrived_at"] or timezone.now()
    same = [
        SameOne(kind=one.kind, id=one.pk if one.record else None, words=one.words) for one in found(lead, caller.eyes)
    ]
    try:
        bring_in(lead, by=caller.by, past="brought in", facts={"reference": sent.reference} if sent.reference else None)
    except IntegrityError as trouble:
        if getattr(trouble.__cause__.diag, "constraint_name", "") == "lead_reference_once":
            raise here_already(sent, None) from None
        raise
    lead.alike = same
    return Made(LeadMade.from_orm(lead), f"{settings.SITE_URL}/api/leads/{lead.pk}")


def here_already(sent, known) -> Refusal:
    which = f" It is number {known.pk}." if known else ""
    return Refusal(409, f"A lead with the reference “{sent.reference}” is here already.{which}")


def owner_of(caller, sent) -> User:
    """Return whose it becomes: who was named, who called, or whoever of growth ops has the least to do."""
    able = User.who_may_own(Lead)
    if sent.owner:
        named = able.filter(email__iexact=sent.owner).first()
        if named is None:
            raise wrong(owner="Name the mail address of somebody who works on leads here, or leave this out.")
        return named
    if caller.by and able.filter(pk=caller.by.pk).exists():
        return caller.by
    return User.by_load("Growth ops").first() or caller.answers


def source_of(caller, sent) -> Source:
    if not sent.source:
        return a_source(caller.token.name, Source.Kind.OTHER)
    known = Source.objects.filter(name__iexact=sent.source).first()
    if known is None:
        raise wrong(source="Name a source that stands under Sources, or leave this out.")
    return known


@reads("/leads/{number}", SCOPE, LeadNow, "lead", "See how a lead stands")
def see(request, number: Numbered):
    """How far a lead has come, and what happens next."""
    request.auth.needs("opportunities.view_lead")
    leads = Lead.objects.visible_to(request.auth.eyes).select_related("owner", "source")
    if (lead := leads.filter(pk=number).first()) is None:
        raise missing("lead with this number")
    return LeadNow.from_orm(lead)
