"""What must be true of a lead, an opportunity, a discovery or an audit before it may move."""

from django.utils import timezone

from . import clock, filling
from .records import Lack, gate

# The gates of an opportunity read what the apps above hang on it ("proposals", "contracts", "handoffs")
# by the names of the relations, so that nothing here imports them.


@gate("Confirm the seven facts of this lead.")
def seven_facts_are_confirmed(lead):
    for label in lead.unconfirmed():
        yield Lack(f"Confirm the {label.lower()}.", lead.staff_url("facts"))


@gate("Write the five parts of discovery.")
def five_parts_are_written(discovery):
    for part in discovery.PARTS:
        if not getattr(discovery, part).strip():
            name = discovery._meta.get_field(part).verbose_name
            yield Lack(f"Write the {name}.", discovery.staff_url(f"id_{part}"))


@gate("Answer every question that must be answered.")
def required_questions_are_answered(discovery):
    for question in discovery.unanswered():
        if question.required:
            yield Lack(f"Answer “{question}”", discovery.staff_url(f"id_{question.field}"))


@gate("Complete discovery.")
def discovery_is_complete(opportunity):
    discovery = opportunity.discoveries.order_by("-id").first()
    if discovery is None:
        yield Lack("Begin a discovery for this opportunity.", opportunity.staff_url("discovery"))
    elif discovery.stage != "complete":
        missing = [*five_parts_are_written.lacks(discovery), *required_questions_are_answered.lacks(discovery)]
        yield from missing or [Lack("Complete discovery: all five parts are written.", discovery.move_url("complete"))]


@gate("Verify an audit, with every piece of evidence inside its shelf life.")
def audit_is_verified_and_fresh(opportunity):
    audits = list(opportunity.audits.exclude(stage="withdrawn").order_by("-id"))
    verified = [audit for audit in audits if audit.stage == "verified"]
    if not verified:
        yield Lack("Verify an audit of this opportunity.", opportunity.staff_url("audit"))
    for audit in verified:
        yield from evidence_is_fresh.lacks(audit)


@gate("Add evidence to the audit.", mend="evidence-group")
def has_evidence(audit):
    return audit.evidence.current().exists()


@gate("Every piece of evidence is inside its shelf life.")
def evidence_is_fresh(audit):
    for evidence in audit.evidence.aged():
        until = timezone.localdate(evidence.fresh_until).isoformat()
        yield Lack(f"Measure {evidence.metric} again: it counted until {until}.", audit.staff_url("evidence-group"))


@gate("Have the client accept a proposal.")
def proposal_is_accepted(opportunity):
    # A change order is no offer of the deal: it changes a contract that there is already.
    offers = opportunity.proposals.filter(changes=None)
    if not offers.filter(stage="accepted").exists():
        newest = offers.order_by("-id").first()
        url = newest.staff_url() if newest else opportunity.staff_url("proposals")
        yield Lack("Have the client accept a proposal.", url)


@gate("Get the contract signed by both sides.")
def contract_is_active(opportunity):
    if not opportunity.contracts.filter(stage="active").exists():
        newest = opportunity.contracts.order_by("-id").first()
        url = newest.staff_url() if newest else opportunity.staff_url("contract")
        yield Lack("Get the contract signed by both sides.", url)


@gate("Let stand what was signed.")
def signed_contract_stands(opportunity):
    for contract in opportunity.contracts.filter(stage="active"):
        yield from contract.fallen_since_signed()


@gate("Settle every unwritten promise.")
def no_unwritten_promise_is_open(opportunity):
    for promise in opportunity.unwritten_promises.filter(stage="noted"):
        yield Lack(f"Settle what was said aloud: “{promise}”.", promise.staff_url())


@gate("Have delivery accept the handoff.")
def handoff_is_accepted(opportunity):
    return opportunity.handoffs.filter(stage__in=["accepted", "closed"]).exists()


@gate("Meet the checkpoints of the house.")
def own_checkpoints_are_met(opportunity):
    from . import checkpoints  # it imports the models, which import this module

    yield from checkpoints.lacks(opportunity)


@gate("It is no mail, and nobody gets it: what was talked is filed.")
def is_mail(message):
    return message.channel == "mail"


@gate("The link in it was closed. Send what it was about again.")
def its_link_is_open(message):
    return message.LINK not in message.body or bool(message.secret_link)


@gate("Write words for what stands in braces.")
def no_field_is_left(message):
    for name in filling.names_in(f"{message.subject}\n{message.body}"):
        if name in filling.FIELDS:
            yield Lack(f"Write words for {{{name}}}: it was empty when this was written.", message.staff_url())


@gate("Mend what it waits for.")
def it_waits_for_nothing(message):
    """Of a held one only: it would be held again. A new one is asked when it goes."""
    from . import outbox  # it knows the models, which know the gates

    if message.stage == "held":
        yield from (Lack(wait.words, wait.url) for wait in outbox.waits(message, clock.now()))


@gate("Rename it first: its owner has another view of that name.", mend="id_name")
def name_is_free(view):
    return not view.name_is_taken


@gate("Say which column holds what a row needs.", mend="columns")
def columns_are_mapped(file):
    from .importing.columns import FIELDS  # it knows the models, which know the gates

    if wanted := FIELDS[file.kind].lacking(file.columns):
        yield Lack(wanted, file.staff_url("columns"))


@gate("No row of this file comes in: mend the refused ones, or choose what becomes of them.", mend="rows")
def rows_come_in(file):
    return file.coming > 0


@gate("Only a deal that came from a file was won before it was here.")
def came_from_a_file(opportunity):
    return bool(opportunity.external_ref)


@gate("Choose a marketing template that is in use and has words: who was lost agreed to nothing else.")
def campaign_can_be_written(campaign):
    template = campaign.template
    return template.purpose == "marketing" and template.is_open and template.current is not None
