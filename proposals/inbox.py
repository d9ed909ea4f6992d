"""What clients and strangers did at the portal becomes moves here.

Each row is claimed, answered and marked as handled in one transaction. A refusal is written into its outcome and
becomes a task for the owner; one row that cannot be read never keeps the others from being read.
"""

import logging
import traceback
from datetime import timedelta
from functools import partial
from typing import Any

from django.conf import settings
from django.core.exceptions import ObjectDoesNotExist, PermissionDenied, ValidationError
from django.core.mail import get_connection
from django.db import InterfaceError, OperationalError, connection, transaction
from django.db.models import CharField, Exists, F, Max, OuterRef, Value
from django.db.models.functions import Cast, Concat
from django.utils import timezone

from opportunities import letters, notices, optout
from opportunities.followups import end_of_day, open_task
from opportunities.models import Contact, Lead, Message, Notice, Objection, Opportunity, Source, Task, User
from opportunities.money import money
from opportunities.outbox import is_no_answer, is_reached
from opportunities.records import Opens, Refused, announce, begin, begin_or_find, lock, perform, tell
from portal import payments
from portal.consent import ACCEPTANCES, INQUIRIES, SIGNATURES
from portal.models import ClientAction, Guest, Inquiry, PaymentNotice, Publication, SignInLink, SignInRequest, Stop
from portal.onward import publication_of, with_next
from portal.words import without_links

from . import answering, publishing
from .models import Claim, Contract, Milestone, Payment, PriceLine, Proposal, ScopeItem, Signature
from .pointing import KINDS

BATCH = 100
# A refusal that is about the record, in words that staff can read.
REFUSALS = (Refused, PermissionDenied, ValidationError, ObjectDoesNotExist)
ANSWER = "Answer the inquiry"
DOUBT = "Sent very quickly: look whether a person wrote it"

log = logging.getLogger("zarts.inbox")


def read() -> dict:
    """Handle everything that waits, oldest first. Return the counts."""
    return {
        # First of all: what was stopped is not sent in the same round.
        "stops": each(Stop, take_stop),
        "inquiries": each(Inquiry, take_inquiry),
        "sign_ins": mail_sign_ins(),
        "actions": each(ClientAction, take_action),
        "payments": each(PaymentNotice, take_payment),
    }


def each(model, take) -> int:
    """Hand the unhandled rows to `take`, each claimed in a transaction of its own. Return how many were handled."""
    handled, beyond = 0, 0
    while handled < BATCH:
        try:
            with transaction.atomic():
                row = model.objects.unhandled().filter(pk__gt=beyond).select_for_update(skip_locked=True).first()
                if row is None:
                    break
                beyond = row.pk
                changes = take(row)
                if changes is not None:
                    model.objects.filter(pk=row.pk).update(handled_at=timezone.now(), **changes)
                    handled += 1
        except Exception as trouble:
            # It stays unhandled and is tried again in the next round; those behind it are read now.
            log.error("Could not handle %s %s. %s", model._meta.model_name, beyond, without_words(trouble))
            if not beyond:
                break
    return handled


# -- What clients answered. --------------------------------------------------------------------------------------------


def take_action(action) -> dict:
    """Make the move that a client's action asks for. Return its outcome."""
    outcome, taken = outcome_of(action)
    if not taken and action.verb not in READING:
        ask_the_owner(action, outcome)
    return {"outcome": outcome, "written_off": not taken}


def outcome_of(action) -> tuple[str, bool]:
    """Make the move, or none of it. Return what came of it in words, and whether it was made.

    What the database refuses is refused for good, at commit too; only one that is away or too busy is asked again.
    """
    try:
        with transaction.atomic():
            outcome = ANSWERS[action.verb](action)
            check_now()
            return outcome, True
    except REFUSALS as refusal:
        return f"Refused: {words_of(refusal)}", False
    except Exception as trouble:
        if passes(trouble):
            raise
        log.error("Action %s could not be taken. %s", action.pk, without_words(trouble))
        return "It could not be taken. The log says where it failed.", False


def check_now():
    """Have the database ask at once what it would ask at commit: a refusal there would take the writing off with it."""
    with connection.cursor() as cursor:
        cursor.execute("set constraints all immediate; set constraints all deferred")


def passes(trouble) -> bool:
    """Whether the database was away or too busy, so that the same can go well another time."""
    # The class of states that stand for a limit which the same words would meet again.
    limit = str(getattr(trouble.__cause__, "sqlstate", "") or "").startswith("54")
    return isinstance(trouble, OperationalError | InterfaceError) and not limit


def without_words(trouble) -> str:
    """Say what failed and where. Its message may hold what somebody typed: that goes into no log."""
    names = getattr(getattr(trouble.__cause__, "diag", None), "constraint_name", None) or ""
    where = "".join(traceback.format_tb(trouble.__traceback__))
    return f"{type(trouble).__name__} {names}\n{where}"


def words_of(refusal) -> str:
    return " ".join(refusal.messages) if isinstance(refusal, ValidationError) else str(refusal)


def ask_the_owner(action, reason):
    """Open a task about an answer that could not be taken as it came."""
    did = "asked for their link again" if action.verb == ClientAction.Verb.WANTS_LINK else action.verb
    words = f"{without_links(action.name)} {did} at the portal, and it was not taken. {reason}"
    open_for_owner(action, words, key=f"action:{action.pk}")


def open_for_owner(row, words, *, key):
    """Open a task for the owner of the deal that something in the inbox belongs to, and tell them."""
    opportunity = Opportunity.objects.filter(pk=row.opportunity_id).first()
    if opportunity is None:
        log.error("%s %s belongs to no opportunity: %s", row._meta.model_name, row.pk, words)
        return
    task = begin(
        Task(
            opportunity=opportunity,
            title=words[:200],
            owner=opportunity.owner,
            due_at=end_of_day(timezone.localdate() + timedelta(days=1)),
        ),
        by=None,
        past="promised",
    )
    notices.tell(opportunity.owner, Notice.Kind.ANSWER, words, task.staff_url(), key=key, about=task)


def contact_of(action) -> Contact:
    return Contact.objects.get(pk=action.contact_id, client_id=action.client_id)


def record_of(action, model):
    """Return the record that the client read, as long as it is still what they read."""
    label, _, pk = action.publication.ref.partition(":")
    if label != model.label():
        raise Refused([f"This was about something else: {action.publication}."])
    return model.objects.get(pk=int(pk), opportunity__client=action.client_id)


def read_proposal(action) -> Proposal:
    proposal = record_of(action, Proposal)
    if proposal.publication_id != action.publication_id:
        raise Refused(["A newer version stands in for what they read."])
    return proposal


# What tells of attention and asks for nothing: nobody need see to it when it comes too late.
READING = (ClientAction.Verb.OPENED, ClientAction.Verb.ENGAGED, ClientAction.Verb.CHOSE)


def passed_on(action) -> dict:
    """Return as a fact who read, where it was not the contact that the link went to."""
    return {"name": action.name} if action.name != action.link.contact_name else {}


def opened(action) -> str:
    """The first person who opens it marks it as viewed. Each further one is told in its diary."""
    if action.publication.kind == "contract":
        tell(record_of(action, Contract), "open", "opened", by=contact_of(action))
        return "Told."
    proposal, contact = read_proposal(action), contact_of(action)
    if proposal.stage == Proposal.Stage.SENT:
        perform(proposal.mark_viewed, by=contact, **passed_on(action))
        return "Marked as viewed."
    tell(proposal, "open", "opened", by=contact, facts=passed_on(action))
    return "Told."


def engaged(action) -> str:
    proposal = viewed(action)
    announce(proposal, "engage", "read", by=contact_of(action), facts=passed_on(action))
    return "Told."


def chose(action) -> str:
    """Tell which options they would take, as they stand now. Nothing is agreed to by it."""
    proposal = viewed(action)
    lines = proposal.price_lines.filter(optional=True, pk__in=action.data.get("options") or [])
    titles = list(lines.values_list("title", flat=True))
    facts = {"options": titles or "none", **passed_on(action)}
    tell(proposal, "choose", "would choose from", by=contact_of(action), facts=facts)
    return "Told."


def viewed(action) -> Proposal:
    """Return the proposal, marked as viewed: whoever answers has read it."""
    proposal = read_proposal(action)
    if proposal.stage == Proposal.Stage.SENT:
        proposal = perform(proposal.mark_viewed, by=contact_of(action))
    return proposal


def accepted(action) -> str:
    agreed = shown_to_agree(action, ACCEPTANCES)
    perform(
        viewed(action).accept,
        by=contact_of(action),
        name=action.name,
        role=action.role,
        options=[option for option in action.data.get("options") or [] if isinstance(option, int)],
        consent=agreed,
        digest=action.digest,
        address=action.address,
        **how_it_came(action),
    )
    return "Accepted."


def how_it_came(action) -> dict:
    """Return as facts through whose link an acceptance came, in which colleague's browser, and whether it was late."""
    facts, asked_by = {"link": str(action.link)}, action.link.decide_by
    if reader := action.data.get("reader"):
        facts["reader"] = reader
    if asked_by and publishing.agency_day(action.at) > asked_by:
        facts["late"] = f"after {publishing.spoken(asked_by)}, by which we asked for the decision"
    return facts


def shown_to_agree(action, versions) -> dict:
    """Return the words that they agreed to, of all that we ever showed: to others nobody agreed."""
    agreed = action.data.get("consent")
    agreed = agreed if isinstance(agreed, dict) else {}
    version = str(agreed.get("version", ""))
    if versions.get(version) is None or versions[version] != agreed.get("text"):
        raise Refused([f"They agreed to words that we never showed: {version[:40]}."])
    return agreed


def declined(action) -> str:
    if action.publication.kind == "contract":
        contract = read_contract(action)
        perform(contract.decline, by=contact_of(action), reason=action.words)
    else:
        perform(viewed(action).decline, by=contact_of(action), reason=action.words, **passed_on(action))
    return "Declined; the reason is kept as an objection."


def asked(action) -> str:
    """File the question, and have the owner answer it. A question ends the follow-up that waited for a word."""
    contact = contact_of(action)
    about, deal = asked_about(action)
    for task in Task.objects.about(about).filter(stage__in=["open", "paused"], contact=contact):
        perform(task.finish, by=None, outcome="The client wrote first.")
    owner = getattr(about, "owner", None) or deal.owner
    row = action.data.get("title")
    message = Message(
        client=contact.client,
        opportunity=deal,
        contact=contact,
        owner=owner,
        template="question",
        subject=f"Question about {getattr(about, 'number', '') or action.publication.title}"[:200],
        body=f"About “{row}”:\n\n{action.words}" if row else action.words,
        record_type=about.label(),
        record_id=about.pk,
        portal_action_id=action.pk,
    )
    message = perform(begin(message, by=contact, past="wrote").receive, by=None)
    answering.owe(message, f"Answer {contact}: {short(action.words)}: {about}", owner=owner, opportunity=deal)
    return "Filed, and a task to answer it was opened."


def asked_about(action):
    """Return the record that a question is about, and its deal. A guest may ask about whatever they can read."""
    if action.link_id:
        proposal = viewed(action)
        return proposal, proposal.opportunity
    deal = Opportunity.objects.get(pk=action.opportunity_id, client=action.client_id)
    return publishing.record_shown(action.publication), deal


# What an objection can be about, by the word that stands in its key.
ROWS = {"scope": ScopeItem, "timeline": Milestone, "price": PriceLine, "claim": Claim}


def objected(action) -> str:
    """Keep the doubt, with the line that it is about, and have the owner answer it."""
    proposal, contact = viewed(action), contact_of(action)
    kind, _, pk = (action.data.get("about") or "").partition("-")
    row: Any = ROWS[kind].objects.filter(pk=int(pk), proposal=proposal).first() if kind in ROWS else None
    about: Any = row if isinstance(row, tuple(KINDS.values())) else proposal
    words = f"About “{row}”: {action.words}" if row is not None and about is proposal else action.words
    objection = Objection(
        opportunity=proposal.opportunity,
        kind={"price": "price", "timeline": "timing", "claim": "proof", "scope": "scope"}.get(kind, "other"),
        words=words,
        raised_by=contact,
        owner=proposal.owner,
        record_type=about.label(),
        record_id=about.pk,
        portal_action_id=action.pk,
    )
    begin(objection, by=contact, past="raised", facts=passed_on(action))
    todo = f"Answer the objection of {contact}: {short(words)}: {proposal}"
    answering.owe(objection, todo, owner=proposal.owner, opportunity=proposal.opportunity)
    return "Kept as an objection, and a task to answer it was opened."


def wants_link(action) -> str:
    publishing.send_link_again(read_proposal(action), contact_of(action))
    return "Mailed."


def read_contract(action) -> Contract:
    contract = record_of(action, Contract)
    if contract.publication_id != action.publication_id:
        raise Refused(["A newer version stands in for what they read."])
    return contract


def signed(action) -> str:
    contract, agreed = read_contract(action), shown_to_agree(action, SIGNATURES)
    perform(
        contract.sign,
        by=contact_of(action),
        name=action.name,
        role=action.role,
        consent=agreed,
        digest=action.digest,
        address=action.address,
        at=action.at,
    )
    return "Signed."


def ticked(action) -> str:
    """Do an item of an onboarding list in the name of whoever ticked it off."""
    return shown_at(action).hear_tick(action, contact_of(action))


def granted(action) -> str:
    """Keep that they say that they let us in. Somebody of ours looks whether it works."""
    return shown_at(action).hear_grant(action, contact_of(action))


def shown_at(action):
    """Return the record whose page they acted on. What became of their deed is its own to say."""
    record = publishing.record_shown(action.publication)
    if record.opportunity.client_id != action.client_id:
        raise Refused(["This was about another client's page."])
    return record


def short(words) -> str:
    return " ".join(words.split())[:80]


ANSWERS = {
    "opened": opened,
    "engaged": engaged,
    "chose": chose,
    "accepted": accepted,
    "declined": declined,
    "asked": asked,
    "objected": objected,
    "signed": signed,
    "wants_link": wants_link,
    "ticked": ticked,
    "granted": granted,
}


def untaken():
    """Return the signatures given at the portal that no contract has, though it still waits for them.

    Each was looked at and refused, or its row was written off by hand. What nobody has read yet is no trouble.
    """
    its_ref = Concat(Value(f"{Contract.label()}:"), Cast("pk", CharField()))
    waiting = Contract.objects.filter(stage=Contract.Stage.SENT).annotate(its_ref=its_ref)
    taken = Signature.objects.filter(contact_id=OuterRef("contact_id"), side=Signature.Side.CLIENT).annotate(
        its_ref=Concat(Value(f"{Contract.label()}:"), Cast("contract_id", CharField()))
    )
    return ClientAction.objects.filter(
        ~Exists(taken.filter(its_ref=OuterRef("publication__ref"))),
        verb=ClientAction.Verb.SIGNED,
        handled_at__isnull=False,
        publication__ref__in=waiting.values("its_ref"),
    ).order_by("pk")


def untaken_contracts(most) -> list:
    """Return such signatures for a page, each with its contract."""
    rows = list(untaken().select_related("publication")[:most])
    pks = [int(row.publication.ref.rpartition(":")[2]) for row in rows]
    contracts = Contract.objects.select_related("proposal").in_bulk(pks)
    return [{"row": row, "contract": contracts[pk]} for row, pk in zip(rows, pks, strict=True)]


def mend_signatures() -> int:
    """Take the signatures that were given and not taken, as far as they can be taken by now. Return how many were.

    No contract is signed at the portal and pending here without anybody knowing: what still cannot be taken has its
    task, and stands on the page of due work.
    """
    return sum(take_again(pk) for pk in untaken().values_list("pk", flat=True)[:BATCH])


@transaction.atomic
def take_again(pk) -> bool:
    row = untaken().filter(pk=pk).select_for_update(skip_locked=True, of=("self",)).first()
    if row is None:
        return False
    outcome, taken = outcome_of(row)
    if outcome != row.outcome:
        changes = {"outcome": outcome, "handled_at": timezone.now(), "written_off": not taken}
        ClientAction.objects.filter(pk=pk).update(**changes)
        if not taken:
            ask_the_owner(row, outcome)
    return taken


# -- What was paid. ----------------------------------------------------------------------------------------------------


def take_payment(notice) -> dict | None:
    """Make the move that a payment provider's notice asks for. One contract's notices are taken in their order."""
    earlier = PaymentNotice.objects.unhandled().filter(contract=notice.contract, pk__lt=notice.pk)
    if earlier.exists():
        return None
    try:
        with transaction.atomic():
            return {"outcome": paid(notice), "taken": True}
    except CameLate as late:
        tell_of_payment(notice, str(late))
        return {"outcome": str(late)}
    except REFUSALS as refusal:
        reason = words_of(refusal)
    words = f"{said_of(notice)}, and it was not taken. {reason}"
    open_for_owner(notice, words, key=f"payment:{notice.pk}")
    return {"outcome": reason}


class CameLate(Exception):
    """Something happened before what was taken last, and is heard of only now."""


def said_of(notice) -> str:
    amount = money(notice.amount, notice.currency)
    return f"The payment provider says of {notice.contract}: {notice.get_kind_display().lower()}, {amount}"


def paid(notice) -> str:
    """Move the payment as a notice says, or raise. Money that does not fit is a person's to look at."""
    if not payments.is_signed(notice.stamp, notice.signature, notice.body.encode()):
        raise Refused(["No secret that we know made its signature: find out who wrote it."])
    said = payments.read(notice.body.encode())
    written = (notice.event_id, notice.contract, notice.kind, notice.amount, notice.currency, notice.occurred_at)
    if written != (said.event, said.contract, said.kind, said.amount, said.currency, said.occurred_at):
        raise Refused(["What is written down is not what was signed: find out who wrote it."])
    payment = lock(Payment.objects.get(contract__number=notice.contract))
    if payment.contract.opportunity_id != notice.opportunity_id:
        raise Refused(["It belongs to another deal."])
    last = PaymentNotice.objects.filter(contract=notice.contract, taken=True).order_by("-occurred_at").first()
    if last and notice.occurred_at < last.occurred_at:
        raise CameLate(f"{said_of(notice)}. It happened before what we heard last, so nothing changed.")
    if notice.currency != payment.currency:
        raise Refused([f"The contract is in {payment.currency}."])
    shown = {
        "reference": notice.event_id,
        "happened_on": timezone.localdate(notice.occurred_at, timezone.get_default_timezone()),
        "notice_id": notice.pk,
    }
    open_amount, what = payment.amount - payment.paid, money(notice.amount, notice.currency)
    if notice.kind == "paid":
        if notice.amount != open_amount:
            raise Refused([f"{money(open_amount, payment.currency)} is open, not {what}."])
        perform(payment.pay, by=None, **shown)
    elif notice.kind == "part_paid":
        perform(payment.pay_part, by=None, paid=notice.amount, **shown)
    else:
        if notice.amount != payment.paid:
            raise Refused([f"{money(payment.paid, payment.currency)} came in, not {what}."])
        perform(payment.refund, by=None, reason="The payment provider says so.", **shown)
    tell_of_payment(notice, f"{said_of(notice)}.")
    return "Taken."


def tell_of_payment(notice, words):
    payment = Payment.objects.select_related("contract__owner").get(contract__number=notice.contract)
    about = {"key": f"payment:{notice.pk}", "about": payment}
    notices.tell(payment.contract.owner, Notice.Kind.ANSWER, words, payment.staff_url(), **about)


# -- What somebody stopped by one click. -------------------------------------------------------------------------------


def take_stop(stop) -> dict:
    """Take back what they agreed to for this kind of mail. It can be pressed again, and then finds nothing more."""
    link = stop.link
    contact = Contact.objects.get(pk=link.contact_id)
    taken = optout.stop(contact, link.email, purpose=link.purpose, at=stop.at, mailed_at=link.made_at)
    return {"outcome": "Taken back." if taken else "Written down: they had agreed to nothing that still counted."}


# -- What strangers sent. ----------------------------------------------------------------------------------------------


def take_inquiry(inquiry) -> dict | None:
    """Make a lead of an inquiry, with the consent that came with it. It waits while nobody is there to own it."""
    owner = User.by_load("Growth ops").first()
    if owner is None:
        log.error("Inquiry %s waits: nobody in growth ops is active.", inquiry.pk)
        return None
    through = f"Program {inquiry.token}" if inquiry.token else "Public form"
    consent = {
        "purpose": "transactional",
        "text_version": inquiry.consent_version,
        "source": through[:200],
        "captured_at": inquiry.at.isoformat(),
    }
    website = inquiry.website and (inquiry.website if "://" in inquiry.website else f"https://{inquiry.website}")
    doubt = {"next_action": DOUBT} if inquiry.doubtful else {}
    lead = Lead(
        name=inquiry.name,
        company=inquiry.company,
        email=inquiry.email,
        phone=inquiry.phone,
        website=website[:200],
        words=inquiry.message,
        source=source_of(inquiry),
        owner=owner,
        # Words that we never showed were agreed to by nobody: the diary keeps what was said of them.
        consent=consent if inquiry.consent and inquiry.consent_version in INQUIRIES else {},
        arrived_at=inquiry.at,
        **doubt,
    )
    facts = {"came_from": inquiry.source, "consent": consent}
    past = f"came in through the {'program ' + inquiry.token.name[:40] if inquiry.token else 'public form'}:"
    todo = "Look whether a person wrote this inquiry" if doubt else ANSWER
    bring_in(lead, todo, by=None, past=past, facts=facts, reason=DOUBT if doubt else "")
    return {"lead_id": lead.pk}


def bring_in(lead, todo=ANSWER, *, by, **told) -> Lead:
    """Take up a lead that came in from outside, and promise that somebody sees to it by tomorrow."""
    lead.due_on = lead.due_on or timezone.localdate() + timedelta(days=1)
    begin(lead, by=by, **told)
    open_task(lead, Opens("follow_up", todo, 1), by=by)
    return lead


def source_of(inquiry) -> Source:
    """Return where an inquiry came from: the campaign of its link, else the program that sent it, else the form."""
    if campaign := Source.of_link(inquiry.source):
        return campaign
    if inquiry.token:
        return a_source(inquiry.token.source_name, Source.Kind.OTHER)
    return a_source("Public form", Source.Kind.FORM)


def a_source(name, kind) -> Source:
    same = Source.objects.filter(name__iexact=name)
    return same.first() or begin_or_find(Source(name=name, kind=kind), same, by=None)


# -- Who wants to sign in. ---------------------------------------------------------------------------------------------


def mail_sign_ins() -> int:
    """Mail what was asked for. While the mail server takes nothing, each request waits as it is."""
    if not SignInRequest.objects.unhandled().exists():
        return 0
    connection = get_connection()
    if not is_reached(connection):
        return 0
    try:
        return each(SignInRequest, partial(take_sign_in, connection=connection))
    finally:
        connection.close()


def take_sign_in(request, connection=None) -> dict:
    """Mail a single-use link and its code to whoever has this address, once. Whoever is unknown hears nothing.

    It is handled once the server took the mail: one that gives no answer is asked again in the next round.
    """
    connection = connection or get_connection()
    # A person may be a guest of several clients: they come in where the page is that they came for, else where they
    # were last.
    there = Guest.objects.filter(email=request.email.lower(), revoked_at=None).annotate(last=Max("sessions__seen_at"))
    theirs = Publication.objects.filter(pk=publication_of(request.leads_to)).values("client_id")
    there = there.annotate(has_it=Exists(theirs.filter(client_id=OuterRef("client_id"))))
    guest = there.order_by("-has_it", F("last").desc(nulls_last=True), "-pk").first()
    if guest is None:
        return {}
    token, code = SignInLink.answer(request, guest)
    way_in = with_next(f"{settings.PORTAL_URL}/portal/enter/{token}", request.leads_to)
    words = (
        f"Hello {without_links(guest.name)},\n\nHere is your link to sign in. It works once, for 15 minutes:\n"
        f"{way_in}\n\n"
        f"{the_code(code) if request.nonce_hash else ''}"
        "You get this mail because somebody typed your address on our sign-in page. If it was not you, do nothing, "
        "and give the code to nobody."
    )
    try:
        connection.open()
        letters.mail("Your link to sign in", words, None, [guest.email], connection=connection).send()
    except OSError as trouble:
        connection.close()
        if is_no_answer(trouble):
            raise
        log.warning("The mail server refused the sign-in link of guest %s: %s", guest.pk, trouble)
    return {}


def the_code(code) -> str:
    return (
        "Do you read this on another device? Then type this code on the page where you asked for it:\n"
        f"{code[:3]} {code[3:]}\n\n"
    )
