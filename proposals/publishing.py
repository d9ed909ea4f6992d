"""What a client may see, field by field, and the only door by which it leaves.

Nothing leaves whose approvals are not given to exactly what it says now. A new field stays inside until it is
named here.
"""

import json
from dataclasses import dataclass
from datetime import datetime, time, timedelta

from django.apps import apps
from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder
from django.db import transaction
from django.utils import timezone
from django.utils.text import Truncator, capfirst

from opportunities import filling, letters, outbox
from opportunities.followups import open_task
from opportunities.models import Message
from opportunities.records import Lack, Opens, Refused, begin, lock, perform, tell
from portal import consent
from portal.models import Guest, Paper, Passkey, Preview, ProposalLink, Publication, Session
from portal.models.publication import digest_of
from portal.papers import filename
from portal.words import without_links

from . import approvals, coverage, lint, papers, totals

# Why a mail waits whose link leads nowhere any more.
CLOSED = "The link in it was closed."
# So many sessions of somebody's are listed at most.
MOST = 20

# -- The door. ---------------------------------------------------------------------------------------------------------


def publish(kind, ref, client_id, opportunity_id, title, body, approved_by, question=None) -> Publication:
    """Freeze approved words for one client. What is shown already is not published twice.

    `question` is what the client asked, where the words answer it.
    """
    body = plain_body(body)
    newest = Publication.objects.filter(kind=kind, ref=ref, withdrawn_at=None).order_by("-published_at", "-id").first()
    if newest and newest.client_id == client_id and newest.digest == digest_of(kind, ref, title, body):
        return newest
    return Publication.publish(
        kind=kind,
        ref=ref,
        client_id=client_id,
        opportunity_id=opportunity_id,
        title=title,
        body=body,
        approved_by=approved_by[:200],
        question=question,
    )


def plain_body(body):
    """Return a body as JSON gives it back, so that its digest is the digest of what is stored."""
    return json.loads(json.dumps(body, cls=DjangoJSONEncoder))


def publish_record(record, kind, title, body) -> Publication:
    """Freeze a record whose every approval matches what it says now."""
    if lacks := list(approvals.lacks(record)):
        raise Refused(lacks)
    opportunity = record.opportunity
    publication = publish(kind, ref(record), opportunity.client_id, opportunity.pk, title, body, approvers(record))
    # Of what both sides signed there is the sealed copy alone.
    if not body.get("countersigned"):
        papers.keep(publication)
    return publication


def ref(record) -> str:
    return f"{record.label()}:{record.pk}"


def newest_paper(record):
    """Return the paper of what was published last of a record, withdrawn or not; nothing before that."""
    found = Paper.objects.filter(publication__ref=ref(record)).select_related("publication").defer("bytes")
    return found.order_by("-publication__published_at", "-publication_id", "-kind").first()


def approvers(record) -> str:
    """Name who approved what, for the publication to carry."""
    given = record.approvals.filter(stage="approved").select_related("decided_by").order_by("pk")
    return ", ".join(f"{approval.decided_by} ({approval.get_aspect_display().lower()})" for approval in given)


def withdraw(record, reason, replaced_by=(), heard=False):
    """Take everything of a record back from the client, and close its links or lead them on.

    `heard` says that it is their own answer by which it is taken back.
    """
    for publication in Publication.objects.filter(ref=ref(record), withdrawn_at=None):
        publication.withdraw(reason)
        if not heard:
            refuse_if_answered(publication)
    revoke_links(record, replaced_by)


def revoke_links(record, replaced_by=()):
    """Close the links to a record; lead each to the one that takes its place: its contact's, else the first."""
    hold_links_of(Message.objects.filter(record_type=record.label(), record_id=record.pk))
    newer = {link.contact_id: link for link in replaced_by}
    for link in ProposalLink.objects.filter(publication__ref=ref(record), revoked_at=None).select_for_update(
        of=("self",)
    ):
        refuse_if_answered(link.publication)
        link.revoke(newer.get(link.contact_id) or next(iter(replaced_by), None))


def hold_links_of(messages):
    """Keep no closed link in a mail that has not gone, and hold the mail."""
    for message in messages.exclude(secret_link=""):
        if message.stage == Message.Stage.QUEUED:
            perform(message.hold, by=None, reason=CLOSED)
        elif message.stage == Message.Stage.HELD:
            outbox.leave_to_a_person(message, CLOSED)
        Message.objects.filter(pk=message.pk).update(secret_link="")


def refuse_if_answered(publication):
    """Stop when the client answered a moment ago and nobody has read it yet: their answer came first."""
    if publication.actions.filter(verb__in=["accepted", "declined", "signed"], handled_at=None).exists():
        raise Refused(["The client has just answered. Reload the page and read their answer first."])


# -- Proposals. --------------------------------------------------------------------------------------------------------


def send_proposal(proposal, *, by, recipients, words="", template=None, expires_on=None):
    """Publish a proposal, and mail each recipient (contact, role) a link of their own. Who decides comes first."""
    publication = publish_record(proposal, "proposal", proposal.title, proposal_body(proposal))
    proposal.publication_id = publication.pk
    for summary in () if proposal.is_change_order else findings(proposal.opportunity):
        if summary.stage == "approved":
            perform(summary.publish, by=None)
    said = {"words": words, "template": template, "expires_on": expires_on}
    links = [mail_link(proposal, contact, role, by=by, **said) for contact, role in recipients]
    proposal.replace_earlier(links)
    return links


def mail_link(proposal, contact, role, *, by, words="", template=None, expires_on=None) -> ProposalLink:
    """Mint one contact's link to what is published of a proposal, and queue the mail that carries it.

    The words of the mail are typed, or a template's for this very contact. Links that they had lead to the new one.
    """
    if contact.client_id != proposal.opportunity.client_id or not contact.email or contact.left_on:
        raise Refused(["Choose a contact of this client who has a mail address and works there."])
    name = called(proposal)
    subject = f"Our {name}: {proposal.title}"
    words = words or f"Here is our {name} for {proposal.opportunity.client}."
    if template is not None:
        about = {"contact": contact, "owner": proposal.owner, "opportunity": proposal.opportunity, "record": proposal}
        subject, words = filling.fill(template.current, **about)
    refuse_unsafe(proposal, words)
    last_day = min(expires_on or proposal.valid_until, proposal.valid_until)
    earlier = ProposalLink.objects.filter(publication=proposal.publication_id, contact_id=contact.pk, revoked_at=None)
    earlier = list(earlier.select_for_update())
    link, token = ProposalLink.mint(
        publication=Publication.objects.get(pk=proposal.publication_id),
        contact_id=contact.pk,
        contact_name=contact.name,
        sender_name=str(by or proposal.owner),
        role=role,
        expires_at=end_of(last_day),
        decide_by=proposal.decide_on,
    )
    for one in earlier:
        one.revoke(link)
    admit(contact)
    # A change order is accepted where it is read: nothing is signed after it.
    todo = TODO["reads" if role == "signs" and proposal.is_change_order else role]
    mail(
        proposal,
        contact,
        by=by,
        subject=subject,
        template="proposal",
        words=words,
        link=f"{todo}\n{Message.LINK}\n\nIt is open until {spoken(last_day)}.",
        secret_link=f"{settings.PORTAL_URL}/p/{token}/",
        greets=template is None,
    )
    return link


# What the mail asks of whoever gets it.
TODO = {
    "decides": "Read it, ask and answer here:",
    "signs": "Read it and ask here. When it is accepted, you get the contract to sign:",
    "reads": "Read it and ask here:",
}


def called(proposal) -> str:
    """Return what a client calls it."""
    return "change order" if proposal.is_change_order else "proposal"


def close_link(proposal, link, reason):
    """Close one recipient's link for good. What they mailed or answered with it stays."""
    links = ProposalLink.objects.filter(publication=proposal.publication_id).select_for_update()
    link = links.filter(pk=link.pk).first()
    if link is None:
        raise Refused(["Choose another: this is not one of this proposal's links."])
    refuse_if_answered(link.publication)
    link.revoke()
    about = {"record_type": proposal.label(), "record_id": proposal.pk, "contact": link.contact_id}
    hold_links_of(Message.objects.filter(**about))


def close_links_of(contact, why, *, by=None):
    """Close every link of somebody who left, moved or lost access, and hold what would go to them.

    What they answered before counts: an answer locks the link as this does, and came first.
    """
    theirs = ProposalLink.objects.filter(contact_id=contact.pk, revoked_at=None).order_by("pk")
    for link in theirs.select_for_update(of=("self",)):
        link.revoke()
        proposal = record_shown(link.publication)
        facts = {"link": str(link), "role": link.get_role_display()}
        tell(proposal, "close_link", "closed a link to", by=by, reason=f"{capfirst(why)}.", facts=facts)
        if link.role == ProposalLink.Role.DECIDES and proposal.stage in proposal.WITH_CLIENT:
            open_task(proposal, Opens("follow_up", f"Send it to somebody else: {why}", 1), by=None)
    mails = Message.objects.filter(contact=contact)
    hold_links_of(mails)
    for message in mails.filter(stage=Message.Stage.QUEUED):
        perform(message.hold, by=None, reason=f"{capfirst(why)}.")


def agreed_to(version) -> dict:
    return {"version": version, "text": consent.ACCEPTANCES[version]}


def proposal_body(proposal) -> dict:
    """Return what the client reads of a proposal."""
    opportunity = proposal.opportunity
    changes = proposal.changes
    return {
        # Only a change order names the contract that it changes: other offers stay what they were.
        **({"changes": {"ref": ref(changes), "number": changes.number}} if changes else {}),
        "client": opportunity.client.name,
        "number": proposal.number,
        "revision": proposal.revision,
        "from": sender(proposal.owner),
        "intro": proposal.intro,
        "valid_until": proposal.valid_until,
        "decide_by": proposal.decide_on,
        "currency": proposal.currency,
        "findings": [] if changes else [summary.as_finding() for summary in findings(opportunity)],
        **offer_body(proposal, proposal.price_lines.all()),
        "claims": [claim_body(claim) for claim in proposal.claims.all()],
        "reporting": reporting_body(proposal),
        "consent": agreed_to(consent.CHANGE_VERSION if changes else consent.ACCEPT_VERSION),
    }


def read_by_client(proposal) -> tuple[str, dict]:
    """Return title and body of what the client reads: what was published, or what would be published now."""
    if proposal.publication_id:
        sent = Publication.objects.get(pk=proposal.publication_id)
        return sent.title, sent.body
    return proposal.title, plain_body(proposal_body(proposal))


def offer_body(proposal, lines) -> dict:
    """Return scope, timeline, prices and totals: the same in a proposal and in its contract."""
    lines = list(lines)
    paid = (line for line in lines if not line.optional or line.pk in proposal.chosen)
    firm = totals.of(paid, proposal.currency, proposal.discount)
    scope = {kind: [] for kind in ("included", "excluded", "optional", "assumption", "dependency", "integration")}
    for row in proposal.scope_items.all():
        scope[row.kind].append({"id": row.pk, "title": row.title, "text": row.text})
    return {
        "scope": scope,
        "timeline": [
            {
                "id": row.pk,
                "title": row.title,
                "text": row.text,
                "start_week": row.start_week,
                "weeks": row.weeks,
                "who": row.who,
                "after": row.depends_on.title if row.depends_on else "",
            }
            for row in proposal.milestones.select_related("depends_on")
        ],
        "prices": [
            {
                "id": line.pk,
                "title": line.title,
                "recurring": line.recurring,
                "quantity": line.quantity,
                "unit_price": line.unit_price,
                "discount": line.discount,
                "tax": line.tax,
                "total": line.total,
                # What was chosen is not an option any more.
                "optional": line.optional and line.pk not in proposal.chosen,
            }
            for line in lines
        ],
        "discount": proposal.discount,
        "totals": {"once": firm.once, "monthly": firm.monthly, "first_year": firm.first_year},
    }


def sold_body(proposal) -> dict:
    """Return what a contract holds of an offer: what the client chose is included, and nothing is optional any more."""
    lines = list(proposal.sold_lines())
    body = offer_body(proposal, lines)
    texts = {row["title"].casefold(): row["text"] for row in body["scope"].pop("optional")}
    # A choice is a price line; the row of the scope that bears its title says what it is.
    chosen = [line.title for line in lines if line.optional]
    body["scope"]["included"] += [{"title": title, "text": texts.get(title.casefold(), "")} for title in chosen]
    return body


def claim_body(claim) -> dict:
    return {
        "id": claim.pk,
        "text": claim.text,
        "kind": claim.kind,
        "proof": [
            {
                **{name: getattr(evidence, name) for name in coverage.PUBLISHED},
                "value": evidence.value.normalize() if evidence.value else evidence.value,
                "captured_on": timezone.localdate(evidence.captured_at),
            }
            for evidence in claim.evidence.order_by("metric", "id")
        ],
    }


def findings(opportunity):
    """Return the approved words about what we found, whose approval still matches them and whose proof counts."""
    summaries = opportunity.summaries.filter(kind__in=["finding", "revenue_proof"], stage__in=["approved", "published"])
    fitting = (summary for summary in summaries.order_by("id") if not coverage.falls_because(summary.record))
    return [summary for summary in fitting if not list(approvals.lacks(summary))]


def reporting_body(proposal) -> dict:
    if not proposal.report_every:
        return {}
    return {"words": f"You get a report: {proposal.get_report_every_display().lower()}.", "first_on": None}


# -- Contracts. --------------------------------------------------------------------------------------------------------

CONSENT = {"version": consent.SIGN_VERSION, "text": consent.SIGN}


def send_contract(contract, *, by, words=""):
    """Publish a contract, and mail whoever signs first where to sign it."""
    refuse_unsafe(contract, words)
    publish_contract(contract)
    keep_open(contract)
    ask_to_sign(contract, by=by, words=words or "Here is the contract of the proposal that you accepted.")


def ask_to_sign(contract, *, by, words, contact=None, template="contract", subject="The contract to sign"):
    """Mail whoever signs next where to sign, and until when."""
    contact = contact or contract.whose_turn
    admit(contact)
    until = f"\n\nIt can be signed until {spoken(contract.sign_by)}." if contract.sign_by else ""
    where = f"{settings.PORTAL_URL}/portal/contracts/{contract.publication_id}/"
    link = f"Read and sign it here, with the address that this mail came to:\n{where}{until}"
    subject = f"{subject}: {contract.number}"
    mail(contract, contact, by=by, subject=subject, template=template, words=words, link=link)


def left_to_sign(contract, today) -> str:
    """Say how long a contract can still be signed."""
    days = (contract.sign_by - today).days
    near = {0: "Today is the last day.", 1: "Tomorrow is the last day."}
    return near.get(days, f"There are {days} days left.")


def prolong_contract(contract, *, by):
    """Let the contract's page be open until the new day, and say so to whoever signs next."""
    hold_back(contract, "The contract was prolonged.", ["contract_run_out"])
    keep_open(contract)
    ask_to_sign(contract, by=by, words="You have more time to sign our contract.")


def keep_open(contract):
    """Let a contract be signed at the portal until the agency's midnight after its last day."""
    for publication in Publication.objects.filter(ref=ref(contract), kind="contract", withdrawn_at=None):
        publication.keep_open(end_of(contract.sign_by))


def mail_signatories(contract, signatories, **mailed):
    """Mail some of those who sign what happened, each who is still there."""
    for signatory in signatories.select_related("contact"):
        to = signatory.contact
        if to.email and not to.left_on:
            mail(contract, to, by=None, **mailed)


def tell_that_it_was_declined(contract, who, reason):
    """Mail the others who were to sign that nobody signs it now, and why: whoever declined was told so."""
    name, said = without_links(who), without_links(reason)
    words = f"{name} declined the contract “{contract.proposal.title}”, so it is not signed now. The reason: “{said}”"
    mail_signatories(
        contract,
        contract.signatories.exclude(contact=who),
        subject=f"The contract was declined: {contract.number}",
        template="contract_declined",
        words=words,
        link=f"You need not do anything. We get in touch with {name} about it.",
    )


def tell_that_it_was_withdrawn(contract):
    """Mail everybody who was to sign that nobody does now. Why stays with us."""
    tell_whoever_signs(
        contract,
        words=f"We have withdrawn the contract “{contract.proposal.title}”, so it is not signed now.",
        of_theirs="Your signature has no effect any more.",
        subject=f"The contract was withdrawn: {contract.number}",
        template="contract_voided",
        link="You need not do anything. If you have a question, answer this mail.",
    )


def tell_that_its_time_is_over(contract):
    """Mail everybody who was to sign that the day to sign by has passed."""
    until = f"The contract “{contract.proposal.title}” could be signed until {spoken(contract.sign_by)}."
    tell_whoever_signs(
        contract,
        words=f"{until} That day has passed, so nobody can sign it now.",
        of_theirs="Your signature stays.",
        subject=f"No longer open to sign: {contract.number}",
        template="contract_run_out",
        link="You need not do anything. If it is to be signed after all, answer this mail.",
    )


def tell_whoever_signs(contract, *, words, of_theirs, **mailed):
    """Mail everybody who was to sign what became of it, and whoever has signed what becomes of their signature."""
    signed = contract.signatures.filter(side="client").values("contact")
    mail_signatories(contract, contract.signatories.filter(contact__in=signed), words=f"{words} {of_theirs}", **mailed)
    mail_signatories(contract, contract.signatories.exclude(contact__in=signed), words=words, **mailed)


def tell_that_somebody_signed(contract, who):
    """Mail those who signed before who has signed now, and who signs next."""
    name, following = without_links(who), without_links(contract.whose_turn or settings.AGENCY_NAME)
    before = contract.signatures.filter(side="client").exclude(contact=who)
    mail_signatories(
        contract,
        contract.signatories.filter(contact__in=before.values("contact")),
        subject=f"{name} has signed: {contract.number}",
        template="contract_signed",
        words=f"{name} has signed the contract “{contract.proposal.title}”. {following} signs next.",
        link="You need not do anything. You get the sealed copy when everybody has signed.",
    )


# A larger file is fetched: mail servers turn it away.
ATTACHED = 5 * 1024 * 1024


def mail_sealed(contract):
    """Mail everybody who signed for the client where the sealed copy is, and the file itself where it is small."""
    attached = " The sealed copy is attached." if sealed_copy(ref(contract)) else ""
    mail_signatories(
        contract,
        contract.signatories.all(),
        subject=f"Signed by everybody: {contract.number}",
        template="contract_sealed",
        words=f"Everybody has signed the contract “{contract.proposal.title}”. It is in force.{attached}",
        link=(
            "You find the sealed copy here, whenever you need it:\n"
            f"{settings.PORTAL_URL}/portal/contracts/{contract.publication_id}/\n\n"
            f"Whether a copy is unchanged, anybody can ask at {settings.PORTAL_URL}/verify"
        ),
    )


def sealed_copy(of_ref):
    """Return the sealed copy of a contract, where there is one that a mail can carry."""
    sealed = Paper.objects.filter(kind=Paper.Kind.SEALED, publication__ref=of_ref).select_related("publication")
    paper = sealed.first()
    return paper if paper and len(paper.bytes) < ATTACHED else None


@letters.encloses("contract_sealed")
def enclose_the_sealed_copy(message) -> list:
    paper = sealed_copy(f"{message.record_type}:{message.record_id}")
    return [(filename(paper, paper.publication), bytes(paper.bytes), "application/pdf")] if paper else []


# The mails that ask for a signature.
ASKING = ("contract", "contract_reminder")


def hold_back(contract, why, templates=ASKING):
    """Keep mails from going that are not true any more: those that ask for a signature, unless others are named."""
    about_it = Message.objects.filter(record_type=contract.label(), record_id=contract.pk)
    for message in about_it.filter(template__in=templates):
        if message.stage == Message.Stage.QUEUED:
            perform(message.hold, by=None, reason=why)
        elif message.stage == Message.Stage.HELD and message.waits_for:
            outbox.leave_to_a_person(message, why)


def publish_contract(contract, countersigned=None):
    """Freeze a contract for the client, and again with its sealed copy when it is countersigned."""
    body = contract_body(contract) | {"countersigned": countersigned}
    publication = publish_record(contract, "contract", contract.proposal.title, body)
    if countersigned:
        papers.keep_sealed(contract, publication)
    contract.publication_id = publication.pk


def contract_body(contract) -> dict:
    """Return what the client reads and signs."""
    proposal = contract.proposal
    client = contract.opportunity.client
    return {
        "client": client.name,
        "number": contract.number,
        "from": sender(contract.owner),
        "parties": [client.name, settings.AGENCY_NAME],
        "currency": proposal.currency,
        **sold_body(proposal),
        "reporting": {
            "words": f"A report: {contract.get_report_every_display().lower()}, {report_day(contract)}.",
            "first_on": contract.first_report_on,
            # Its day may be a day off, like that of every other.
            "first_may_move": moves_off_days_off(contract),
        },
        "clauses": [
            {"title": row.clause.title, "text": row.text} for row in contract.contract_clauses.select_related("clause")
        ],
        "signers": [
            {"contact_id": row.contact.pk, "name": row.contact.name, "role": row.contact.title}
            for row in contract.signatories.select_related("contact")
        ],
        "consent": CONSENT,
    }


def was_published(contract, digest) -> bool:
    """Whether a client was shown exactly this of a contract, and what we keep of it still says so."""
    shown = Publication.objects.filter(kind="contract", ref=ref(contract), digest=digest).first()
    return shown is not None and digest_of(shown.kind, shown.ref, shown.title, shown.body) == digest


def report_day(contract) -> str:
    """Say on which day reports come, and what becomes of one whose day is a day off."""
    moves = ", or on the next working day where you are" if moves_off_days_off(contract) else ""
    return f"{day_of_report(contract)}{moves}"


def moves_off_days_off(contract) -> bool:
    return contract.report_skips_days_off and not contract.report_on_last_working_day


def day_of_report(contract) -> str:
    if contract.report_every in ("weekly", "every_two_weeks"):
        return f"on {contract.get_report_weekday_display()}"
    if contract.report_on_last_working_day:
        return "on the last working day of the month"
    return f"on day {contract.report_day} of the month"


# -- Answers. ----------------------------------------------------------------------------------------------------------


def publish_answer(summary, action) -> Publication:
    """Show approved words below the question that they answer."""
    if lacks := list(approvals.lacks(summary)):
        raise Refused(lacks)
    opportunity, by = summary.opportunity, approvers(summary)
    where = (ref(summary), opportunity.client_id, opportunity.pk)
    return publish("answer", *where, summary.title, answer_body(summary), by, question=action)


def answer_body(summary) -> dict:
    """Return what the client reads of an answer."""
    return {"words": summary.words, "from": {"name": str(summary.owner)}}


def mail_answer(summary, action, contact):
    """Mail whoever asked our answer, with a link of their own to where it stands."""
    who = "You" if action.name == contact.name else without_links(action.name)
    did = "said" if action.verb == "objected" else "asked"
    words = f"{who} {did}: {quoted(action.words)}\n\n{summary.owner} answers:\n\n{summary.words.strip()}"
    said = {"by": None, "subject": f"Our answer: {summary.title}", "template": "answer", "purpose": "transactional"}
    if link := link_to_answer(action):
        offer, token = link
        address = f"{settings.PORTAL_URL}/p/{token}/"
        stands = f"It stands below the question:\n{Message.LINK}"
        return mail(offer, contact, words=words, link=stands, secret_link=address, **said)
    if Guest.objects.filter(client_id=action.client_id, contact_id=contact.pk, revoked_at=None).exists():
        stands = f"It stands below the question:\n{settings.PORTAL_URL}/portal/questions/"
    else:
        stands = "If you want to know more, answer this mail."
    return mail(summary, contact, words=words, link=stands, **said)


def quoted(words) -> str:
    """Return a client's words for a mail of ours: short, with no link and no field of a template in it."""
    return f"“{Truncator(without_links(words).replace('{', '(').replace('}', ')')).chars(300)}”"


def link_to_answer(action):
    """Mint a link for whoever asked by one, as long as theirs is open; return the offer with the token, or nothing.

    Theirs cannot be read again. It leads on to the new one, with the same role and choices, until the same day.
    """
    link = action.link
    while link and link.replaced_by_id and link.replaced_by.contact_id == link.contact_id:
        link = link.replaced_by
    link = link and ProposalLink.objects.select_for_update().get(pk=link.pk)
    if link is None or link.revoked_at or link.expires_at <= timezone.now() or link.publication.withdrawn_at:
        return None
    return record_shown(link.publication), mint_again(link)


def mint_again(link) -> str:
    """Make a link that takes the place of one that is open: its token cannot be read again. Return the new token."""
    kept = ("publication", "contact_id", "contact_name", "sender_name", "role", "expires_at", "decide_by", "chosen")
    newer, token = ProposalLink.mint(**{name: getattr(link, name) for name in kept})
    link.revoke(newer)
    return token


def send_link_again(proposal, contact):
    """Mail somebody who asked for it at the portal their own link again, as long as theirs is open."""
    links = ProposalLink.objects.filter(publication=proposal.publication_id, contact_id=contact.pk, revoked_at=None)
    link = links.filter(expires_at__gt=timezone.now()).select_for_update(of=("self",)).order_by("-pk").first()
    if link is None or not contact.email or contact.left_on:
        raise Refused([f"{contact} has no open link any more."])
    last_day = agency_day(link.expires_at - timedelta(seconds=1))
    mail(
        proposal,
        contact,
        by=None,
        subject=f"Our proposal again: {proposal.title}",
        template="proposal",
        words="You asked for your link to our proposal again. The one before leads here, too.",
        link=f"{TODO[link.role]}\n{Message.LINK}\n\nIt is open until {spoken(last_day)}.",
        secret_link=f"{settings.PORTAL_URL}/p/{mint_again(link)}/",
    )


def record_shown(publication):
    """Return the record that a publication was made of."""
    label, _, pk = publication.ref.partition(":")
    return apps.get_model(label)._base_manager.get(pk=int(pk))


def hold_answer(summary, action):
    """Keep the mail of an answer that was taken back from going. A short one's words stand in other mails as well."""
    mails = Message.objects.filter(opportunity=summary.opportunity, template="answer", contact=action.contact_id)
    mails = mails.filter(body__contains=f": {quoted(action.words)}\n\n")
    mails = mails.filter(body__contains=f" answers:\n\n{summary.words.strip()}\n\n")
    for message in mails.filter(stage=Message.Stage.QUEUED):
        perform(message.hold, by=None, reason="The answer in it was taken back.")


# -- Status. -----------------------------------------------------------------------------------------------------------

PATH = ("First talk", "Audit", "Proposal", "Contract", "Getting started", "Live")
PLACE = {"qualified": 0, "discovery": 0, "audit": 1, "proposal": 2, "contract": 3, "won": 4, "handed_off": 4}
NEXT = {
    "qualified": "We talk about what you need",
    "discovery": "We talk about what you need",
    "audit": "We measure where you stand",
    "won": "We get everything ready to start",
    "handed_off": "We get everything ready to start",
    "paused": "We wait, as we agreed",
    "lost": "Nothing is open between us",
}
# While there is an offer or a contract, what comes next is what its own stage says.
WRITE, PREPARE = "We write our proposal", "We prepare the contract"
NEXT_OF_PROPOSAL = {
    "accepted": PREPARE,
    "declined": "We talk about what you told us",
    "expired": "We talk about whether you want a new proposal",
}
NEXT_OF_CONTRACT = {"signed": "We sign the contract, too", "active": NEXT["won"]}


def what_comes_next(opportunity) -> str:
    """Say what we do next. The newest contract knows, else the newest offer, else the deal."""
    if opportunity.stage not in ("proposal", "contract"):
        return NEXT[opportunity.stage]
    contract = opportunity.contracts.order_by("-id").values_list("stage", flat=True).first()
    if opportunity.stage == "contract" or contract in NEXT_OF_CONTRACT:
        return NEXT_OF_CONTRACT.get(contract, PREPARE)
    offers = opportunity.proposals.filter(changes=None).exclude(stage__in=["superseded", "withdrawn"]).order_by("-id")
    return NEXT_OF_PROPOSAL.get(offers.values_list("stage", flat=True).first(), WRITE)


def publish_status(opportunity, *, live=None, ended=None, owner=None, needs=(), report_on=None):
    """Show the client where we are, what comes next and who owns it. Only where somebody there can sign in.

    `live` is the day on which the work went live, once it has, and `ended` the day on which it was over;
    `report_on` is the day of the report that comes next.
    """
    if not Guest.objects.filter(client_id=opportunity.client_id, revoked_at=None).exists():
        return None
    body = status_body(opportunity, live=live, ended=ended, owner=owner, needs=needs, report_on=report_on)
    words = "The house's own words"
    return publish("status", ref(opportunity), opportunity.client_id, opportunity.pk, "Where we are", body, words)


def status_body(opportunity, *, live=None, ended=None, owner=None, needs=(), report_on=None) -> dict:
    stage = opportunity.paused_from if opportunity.stage == "paused" else opportunity.stage
    now = len(PATH) - 1 if live else PLACE.get(stage, -1)
    states = ["done" if place < now else "now" if place == now else "next" for place in range(len(PATH))]
    asked = [*needs, *needs_of(opportunity)]
    report_on = report_on if live and not asked and not ended else None
    reports = "Your next report" if report_on else "Your reports, as agreed"
    what = asked[0]["what"] if asked else reports if live else what_comes_next(opportunity)
    days = days_of(opportunity, now, live)
    path = [{"name": name, "state": state, "on": day} for name, state, day in zip(PATH, states, days, strict=True)]
    who = "You" if asked else str(owner or opportunity.owner)
    if ended:
        # The part that it was in is done only where the work was live: else it was left.
        path = [*path[:now], *({**path[now], "state": "done", "on": None} for _ in [live] if live)]
        path.append({"name": "Ended", "state": "now", "on": ended})
        what, who = (what, who) if asked else ("Your project has ended", "")
    return {
        "path": path,
        "next": {"what": what, "on": report_on, "who": who},
        "needs": asked,
        "about": about(opportunity),
        "over": opportunity.stage == "lost" or bool(ended and not asked),
    }


def about(opportunity) -> str:
    """Return what a client would call this deal: the approved title of the newest offer that they may read."""
    offers = Publication.objects.filter(kind__in=["proposal", "contract"], opportunity_id=opportunity.pk)
    # A change order is about a part of it.
    newest = offers.filter(withdrawn_at=None).exclude(body__has_key="changes").order_by("-published_at", "-id").first()
    return newest.title if newest else ""


def days_of(opportunity, now, live=None) -> list:
    """Return the day on which each part of the path was done, and since when we are at the present one."""
    begun: dict[int, object] = {len(PATH) - 1: live} if live else {}
    moves = opportunity.diary.events.filter(record_type=opportunity.label(), record_id=opportunity.pk)
    for event in moves.exclude(stage_to="").order_by("pk"):
        if event.stage_to in PLACE:
            begun.setdefault(PLACE[event.stage_to], timezone.localdate(event.at))
    return [begun.get(place if place == now else place + 1) if place <= now else None for place in range(len(PATH))]


def needs_of(opportunity) -> list[dict]:
    """Return what waits for the client."""
    waiting = opportunity.proposals.filter(stage__in=["sent", "viewed"]).order_by("id")
    needs = [
        {"what": f"Read and answer our {called(one)}", "url_kind": "proposal", "id": one.publication_id}
        for one in waiting
    ]
    unsigned = opportunity.contracts.filter(stage="sent").exclude(sign_by__lt=agency_day()).order_by("id")
    return needs + [
        {"what": "Read and sign the contract", "url_kind": "contract", "id": one.publication_id} for one in unsigned
    ]


# -- What all of them share. -------------------------------------------------------------------------------------------


def sender(user) -> dict:
    return {"name": str(user), "role": user.title, "email": user.email}


def agency_day(at=None):
    """Return the day that it is at the agency, whoever asks from wherever."""
    return timezone.localdate(at, timezone.get_default_timezone())


def end_of(day):
    """Return the agency's midnight after a day, whoever asks: by its days the clock lets things expire."""
    return timezone.make_aware(datetime.combine(day + timedelta(days=1), time()), timezone.get_default_timezone())


def spoken(day) -> str:
    return f"{day:%A} {day.day} {day:%B %Y}"


def admit(contact):
    """Let a contact sign in to the client's portal. Access that was taken away stays away, under a new address too."""
    email, known = contact.email.strip().lower(), {"contact_id": contact.pk, "name": contact.name}
    known["client_name"] = contact.client.name
    closed = taken_from(contact)
    guest, is_new = Guest.objects.get_or_create(client_id=contact.client_id, email=email, defaults={**known, **closed})
    if is_new:
        return guest
    if guest.contact_id != contact.pk:
        if guest.taken_by:
            return guest
        # The address is somebody else's now: what let in whoever had it before lets nobody in.
        end_sessions_of(email)
        Passkey.objects.filter(email=email, revoked_at=None).update(revoked_at=timezone.now())
        known |= {"revoked_at": None, **closed}
    if any(getattr(guest, name) != value for name, value in known.items()):
        Guest.objects.filter(pk=guest.pk).update(**known)
    return guest


def taken_from(contact) -> dict:
    """Return what keeps a contact out whose access somebody of ours took away; nothing for anybody else."""
    taken = Guest.objects.filter(client_id=contact.client_id, contact_id=contact.pk).exclude(taken_by="").first()
    return {"taken_by": taken.taken_by, "revoked_at": taken.revoked_at} if taken else {}


def keep_out(contact):
    """Take away the ways in that are a contact's no longer: all when they left, those by an old address otherwise."""
    gone = Guest.objects.filter(contact_id=contact.pk, revoked_at=None)
    if not contact.left_on:
        gone = gone.exclude(email=contact.email.strip().lower())
    revoke(gone)


def revoke(guests, **changes):
    """Close these ways in at once, with the sessions that are in their rooms."""
    pks = list(guests.values_list("pk", flat=True))
    Session.objects.filter(guest__in=pks, revoked_at=None).update(revoked_at=timezone.now())
    Guest.objects.filter(pk__in=pks).update(revoked_at=timezone.now(), **changes)


def let_back_in(contact):
    """Give somebody who came back their way in again, unless somebody of ours took it away."""
    mine = Guest.objects.filter(contact_id=contact.pk, email=contact.email.strip().lower())
    mine.filter(taken_by="").update(revoked_at=None)


# -- What staff do about somebody's access. ----------------------------------------------------------------------------


@dataclass
class Access:
    """A contact's access to the portal as their page shows it."""

    guest: Guest | None
    sessions: list
    passkeys: int

    @property
    def is_open(self) -> bool:
        return bool(self.guest and not self.guest.revoked_at)

    @property
    def is_closed(self) -> bool:
        return bool(self.guest and self.guest.revoked_at)


def access_of(contact) -> Access:
    """Return a contact's present access, and what is signed in by it."""
    mine = Guest.objects.filter(client_id=contact.client_id, contact_id=contact.pk)
    by_address = mine.filter(email=contact.email.strip().lower()).first()
    guest = by_address or mine.order_by("-pk").first()
    if guest is None or guest.revoked_at:
        return Access(guest, [], 0)
    sessions = live_sessions(guest.email).order_by("-seen_at", "-pk")[:MOST]
    return Access(guest, list(sessions), Passkey.objects.filter(email=guest.email, revoked_at=None).count())


def live_sessions(email):
    return Session.objects.filter(email=email, revoked_at=None, expires_at__gt=timezone.now(), guest__revoked_at=None)


def end_sessions_of(email) -> int:
    return live_sessions(email).update(revoked_at=timezone.now())


@transaction.atomic
def end_sessions(contact, *, by) -> int:
    """End every session of a contact's: they have to sign in again. Return how many there were."""
    contact = lock(contact)
    guest = access_of(contact).guest
    ended = end_sessions_of(guest.email) if guest and not guest.revoked_at else 0
    if not ended:
        raise Refused([f"{contact} is signed in nowhere."])
    tell(contact, "sessions", "ended the portal sessions of", by=by, facts={"ended": ended})
    return ended


@transaction.atomic
def take_access(contact, *, by):
    """Take a contact's access to the portal away, at once, until somebody of ours gives it again."""
    contact = lock(contact)
    mine = Guest.objects.filter(client_id=contact.client_id, contact_id=contact.pk)
    if not mine.filter(revoked_at=None).exists():
        raise Refused([f"{contact} has no access that could be taken away."])
    for email in mine.values_list("email", flat=True):
        # Whoever is a guest of others keeps their keys for them.
        if not Guest.objects.filter(email=email, revoked_at=None).exclude(client_id=contact.client_id).exists():
            Passkey.objects.filter(email=email, revoked_at=None).update(revoked_at=timezone.now())
    revoke(mine, taken_by=str(by)[:200])
    close_links_of(contact, f"the access of {contact} was taken away", by=by)
    tell(contact, "access", "took the portal access away from", by=by)


@transaction.atomic
def give_access(contact, *, by):
    """Give a contact whose access is closed their way in again, by the address that they have now."""
    contact = lock(contact)
    if contact.left_on or contact.merged_into_id or not contact.email:
        raise Refused([f"Only somebody who works there and has a mail address gets access: look at {contact}."])
    if not access_of(contact).is_closed:
        raise Refused([f"Nobody took the access of {contact} away."])
    Guest.objects.filter(client_id=contact.client_id, contact_id=contact.pk).update(taken_by="")
    guest = admit(contact)
    Guest.objects.filter(pk=guest.pk).update(revoked_at=None)
    tell(contact, "access", "gave portal access again to", by=by)


@transaction.atomic
def preview(record, client, *, by, past, publication_id=None) -> str:
    """Let somebody of ours look at the portal as a client, and write down who did. Return the way in."""
    token = Preview.mint(
        client_id=client.pk, client_name=client.name, made_by=str(by)[:200], publication_id=publication_id
    )
    tell(record, "preview", past, by=by)
    return f"{settings.PORTAL_URL}/portal/preview/{token}"


# -- Mail. -------------------------------------------------------------------------------------------------------------


def marks_on_mail(record, words) -> list:
    """Return what a client must not read in the words that somebody typed for the mail about a record."""
    opportunity = record.opportunity
    return lint.read_mailed(words, opportunity.client, opportunity) if words else []


def refuse_unsafe(record, words):
    """Refuse words of a mail that a client must not read, whichever way they came here."""
    if marks := marks_on_mail(record, words):
        raise Refused([Lack(mark.sentence, record.move_url("send")) for mark in marks])


def mail(record, contact, *, by, subject, template, words, link, secret_link="", greets=True, purpose="contractual"):
    """Queue the mail about a record that goes to one contact. Only they get to see a secret link in it.

    `greets`: a greeting is put before the words. Those of a template bring their own.
    """
    opportunity = record.opportunity
    greeting = f"Hello {without_links(contact.name)},\n\n" if greets else ""
    body = f"{greeting}{words.strip()}\n\n{link}\n\n{record.owner}\n{settings.AGENCY_NAME}\n\n"
    message = Message(
        client=opportunity.client,
        opportunity=opportunity,
        contact=contact,
        owner=record.owner,
        purpose=purpose,
        template=template,
        subject=subject[:200],
        body=f"{body}You get this mail because we are working with {opportunity.client} on it.",
        secret_link=secret_link,
        record_type=record.label(),
        record_id=record.pk,
    )
    return perform(begin(message, by=by, past="wrote").queue, by=None)
