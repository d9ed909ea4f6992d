"""What rests on a piece of evidence: rows of proposals, and through them what was offered, signed and shown."""

from functools import reduce
from operator import or_

from django.db import transaction
from django.db.models import CharField, Exists, F, OuterRef, Q, Subquery, Value
from django.db.models.functions import Cast
from django.urls import reverse
from django.utils.text import Truncator

from opportunities.followups import open_task
from opportunities.models import Evidence, Task
from opportunities.records import Opens, perform
from opportunities.resting import Group, Resting, seen_by
from portal.models import Publication

from . import gates
from .coverage import READ_WITH, evidence_falls_because, falls_because, proof_under
from .models import Claim, Clause, Contract, ContractClause, Milestone, PriceLine, Proposal, ScopeItem, Summary

ROWS = {"Claims": Claim, "Scope": ScopeItem, "Timeline": Milestone, "Prices": PriceLine}
# Words about findings that name nothing of their own rest on everything that was found.
FINDINGS = (Summary.Kind.FINDING, Summary.Kind.REVENUE_PROOF, Summary.Kind.CAVEAT)


def proposals_on(evidence):
    """Return the proposals of which any row rests on one of these pieces of evidence."""
    under = [Exists(row.objects.filter(proposal=OuterRef("pk"), evidence__in=evidence)) for row in ROWS.values()]
    return Proposal.objects.filter(under[0] | under[1] | under[2] | under[3])


# -- When it falls. ----------------------------------------------------------------------------------------------------

FELL = "Its proof fell: "


def shaken_by(audit):
    """Yield the proposals that a fall in this audit concerns, each with the pieces under it that fell by themselves.

    Those that are still written or approved pause. Those with the client, and those that they accepted and that no
    signed contract has replaced, are their owner's to decide on.
    """
    pieces = audit.evidence.select_related(*READ_WITH)
    gone = [one for one in pieces if one.standing in ("withdrawn", "replaced", "stale")]
    stages = [*Proposal.BEFORE_SENT, *Proposal.WITH_CLIENT, Proposal.Stage.ACCEPTED]
    found = proposals_on(audit.evidence.values("pk")).filter(stage__in=stages)
    signed = Contract.objects.filter(proposal=OuterRef("pk"), stage__in=["signed", "active", "ended"])
    accepted_change = Q(changes__isnull=False, stage=Proposal.Stage.ACCEPTED)
    for proposal in found.exclude(Exists(signed)).exclude(accepted_change).order_by("pk"):
        under = set(proposal.evidence().values_list("pk", flat=True)) if gone else set()
        yield proposal, [one for one in gone if one.pk in under]


def names(pieces) -> str:
    """Name what fell: “Bookings 41, version 1 and Largest Contentful Paint 6.8 s, version 2”."""
    return " and ".join(name_of(one) for one in pieces)


def name_of(fallen) -> str:
    if isinstance(fallen, Evidence):
        return f"{Truncator(str(fallen)).chars(80)}, version {fallen.version}"
    return f"the {fallen._meta.verbose_name} “{Truncator(str(fallen)).chars(80)}”"


def ask_whether_it_stands(record, fallen):
    """Open one task for each thing that fell: a piece falls once, an audit can fall again."""
    tasks = Task.objects.about(record)
    for one in fallen:
        words = f"{FELL}{name_of(one)}. Decide whether to withdraw"
        asked = tasks.filter(title__startswith=f"{FELL}{name_of(one)}.")
        if not (asked if isinstance(one, Evidence) else asked.unfinished()).exists():
            open_task(record, Opens("proposal_review", words, 1), by=None)


def shake_words(audit):
    """Send back the words in review whose proof fell in this audit, and ask about those that a client reads.

    Findings that name no proof of their own may say it all the same: their owner reads them again.
    """
    claims = Claim.objects.filter(evidence__audit=audit).values_list("pk", flat=True)
    under = {(audit.label(), audit.pk), *((Claim.label(), pk) for pk in claims)}
    under |= {(Evidence.label(), pk) for pk in audit.evidence.values_list("pk", flat=True)}
    stages = (Summary.Stage.IN_REVIEW, *Summary.SAFE)
    for words in Summary.objects.filter(opportunity=audit.opportunity, stage__in=stages).order_by("pk"):
        if words.kind in FINDINGS and not words.record_type:
            ask_whether_it_stands(words, [audit])
        elif (words.record_type, words.record_id) in under and (reason := falls_because(words.record)):
            if words.stage == Summary.Stage.PUBLISHED:
                ask_whether_it_stands(words, [words.record])
            else:
                perform(words.send_back, by=None, reason=f"{FELL}{reason}")


def fell_under(record) -> list[Evidence]:
    """Return the evidence under a proposal that does not count now. Words have no rows: their task says what fell."""
    if not isinstance(record, Proposal):
        return []
    under = dict.fromkeys(one for versions in proof_under(record).values() for one in versions)
    return [one for one in under if evidence_falls_because(one)]


# -- The blast radius. -------------------------------------------------------------------------------------------------


def resting_on(evidence, opportunity, user) -> tuple[list[Group], list[tuple[str, int]]]:
    """Return what rests on these versions of evidence, by kind, and the rows and records that carry it further."""
    groups, carriers, proposals = rows_on(evidence, user)
    offers = Group("Proposals")
    for pk, (words, stage, seen) in sorted(proposals.items(), reverse=True):
        offers.take(Resting(words, stage, page("proposal", pk)), seen)
        carriers.append((Proposal.label(), pk))
    contracts = contracts_on(Q(proposal__in=list(proposals)), carriers, user)
    summaries = summaries_on(evidence, opportunity, carriers, user)
    follow_words(summaries, opportunity, offers, carriers, user)
    return [*groups, offers, contracts, summaries.group], carriers


def follow_words(summaries, opportunity, offers, carriers, user):
    """Add the words for the client to the carriers, and the proposals on whose pages a client reads them."""
    carriers += [(Summary.label(), pk) for pk in summaries.pks]
    if not summaries.said:
        return
    read = [Q(body__findings__contains=[said]) for said in summaries.said]
    pages = Publication.objects.filter(reduce(or_, read), opportunity_id=opportunity.pk, kind="proposal")
    known = [pk for label, pk in carriers if label == Proposal.label()]
    found = opportunity.proposals.filter(publication_id__in=list(pages.values_list("pk", flat=True)))
    for proposal in found.exclude(pk__in=known).annotate(seen=seen_by(user, Proposal)).order_by("-pk"):
        note = "a finding that it shows rests on it"
        offers.take(Resting(str(proposal), proposal.get_stage_display(), proposal.staff_url(), note), proposal.seen)
        carriers.append((Proposal.label(), proposal.pk))


def rows_on(evidence, user):
    """Return the rows by kind, the rows as carriers, and the proposals that they stand in: one query."""
    found = None
    for title, model in ROWS.items():
        words = F("text") if model is Claim else F("title")
        rows = (
            model.objects.filter(evidence__in=list(evidence))
            .order_by()
            .annotate(
                of=Value(title, output_field=CharField()), words=Cast(words, CharField()), seen=seen_by(user, model)
            )
            .values_list(
                *("of", "pk", "words", "seen", "evidence"),
                *("proposal", "proposal__number", "proposal__revision", "proposal__title", "proposal__stage"),
            )
        )
        found = rows if found is None else found.union(rows, all=True)
    groups = {title: Group(title) for title in ROWS}
    carriers, proposals, labels = [], {}, dict(Proposal.Stage.choices)
    for of, pk, words, seen, version, proposal, number, revision, title, stage in sorted(found or []):
        name = f"{number}, revision {revision}" if revision > 1 else number
        note = f"in {name}" + says_version(evidence, version)
        groups[of].take(Resting(words, labels[stage], f"{page('proposal', proposal)}#{ANCHORS[of]}", note), seen)
        proposals[proposal] = (f"{name}: {title}", labels[stage], seen)
        if (carrier := (ROWS[of].label(), pk)) not in carriers:
            carriers.append(carrier)
    return list(groups.values()), carriers, proposals


ANCHORS = {"Claims": "claims-group", "Scope": "scope_items-group", "Timeline": "milestones-group"}
ANCHORS["Prices"] = "price_lines-group"


def page(kind, pk) -> str:
    return reverse(f"admin:proposals_{kind}_change", args=[pk])


def says_version(evidence, pk) -> str:
    """Say on which version something rests, where there are several: `evidence` names each one's version."""
    return f", on version {evidence[pk]}" if len(set(evidence.values())) > 1 and pk in evidence else ""


class Summaries:
    """The words for clients that rest on evidence, their ids, and each as a page says it."""

    def __init__(self):
        self.group, self.pks, self.said = Group("Words for the client"), [], []


def summaries_on(evidence, opportunity, carriers, user) -> Summaries:
    about = Q(record_type=Evidence.label(), record_id__in=list(evidence))
    about |= Q(record_type="opportunities.audit", record_id__in=list(evidence.audits))
    about |= Q(record_type="", kind__in=FINDINGS)
    return summaries_about(about | about_claims(carriers), opportunity, user)


def about_claims(carriers) -> Q:
    claims = [pk for label, pk in carriers if label == Claim.label()]
    return Q(record_type=Claim.label(), record_id__in=claims)


def summaries_about(about, opportunity, user) -> Summaries:
    found = Summary.objects.filter(about, opportunity=opportunity).annotate(seen=seen_by(user, Summary))
    summaries = Summaries()
    for summary in found.order_by("-pk"):
        note = "" if summary.record_type else "names no proof of its own: read whether it says this"
        resting = Resting(summary.title, summary.get_stage_display(), summary.staff_url(), note)
        summaries.group.take(resting, summary.seen)
        summaries.pks.append(summary.pk)
        summaries.said.append(summary.as_finding())
    return summaries


def resting_on_claim(claim, user) -> tuple[list[Group], list[tuple[str, int]]]:
    """Return what rests on a claim, in whichever revision of its proposal it stands, and what carries it further."""
    claims, offers, carriers, proposals = Group("Claims"), Group("Proposals"), [], []
    found = claim.in_every_revision().select_related("proposal").annotate(seen=seen_by(user, Claim))
    for each in found.order_by("-proposal__revision", "pk"):
        stage, offer = each.proposal.get_stage_display(), each.proposal
        if each.pk != claim.pk:
            where = f"in {offer.number}, revision {offer.revision}"
            claims.take(Resting(each.text, stage, rests_page("claim", each.pk), where), each.seen)
        offers.take(Resting(str(offer), stage, offer.staff_url()), each.seen)
        carriers += [(Claim.label(), each.pk), (Proposal.label(), offer.pk)]
        proposals.append(offer.pk)
    contracts = contracts_on(Q(proposal__in=proposals), carriers, user)
    summaries = summaries_about(about_claims(carriers), claim.proposal.opportunity, user)
    follow_words(summaries, claim.proposal.opportunity, offers, carriers, user)
    return [claims, offers, contracts, summaries.group], carriers


def resting_on_clause(clause, user) -> tuple[list[Group], list[tuple[str, int]]]:
    """Return the contracts that hold a clause, in whichever version, and what carries it further."""
    versions = dict(Clause.objects.filter(key=clause.key).values_list("pk", "version"))
    held = ContractClause.objects.filter(contract=OuterRef("pk"), clause__in=list(versions))
    carriers: list[tuple[str, int]] = []
    pinned = {"pinned": Subquery(held.values("clause")[:1]), "edited": Subquery(held.values("edited")[:1])}
    group = contracts_on(Q(Exists(held)), carriers, user, versions=versions, **pinned)
    return [group], carriers


def contracts_on(condition, carriers, user, versions=None, **also) -> Group:
    """Return the contracts that meet a condition, and add them to the carriers."""
    group = Group("Contracts")
    found = Contract.objects.filter(condition).annotate(seen=seen_by(user, Contract), **also)
    for contract in found.order_by("-pk"):
        note = f"version {versions[contract.pinned]}{', edited' * contract.edited}" if versions else ""
        resting = Resting(f"Contract {contract.number}", contract.get_stage_display(), contract.staff_url(), note)
        group.take(resting, contract.seen)
        carriers.append((Contract.label(), contract.pk))
    return group


def rests_page(kind, pk) -> str:
    return reverse(f"proposals_{kind}_rests", args=[pk])


def shown_of(carriers, urls) -> Group:
    """Return the pages that clients were shown of these records. `urls` has the page of each that may be seen."""
    refs = {f"{label}:{pk}": (label, pk) for label, pk in carriers}
    group = Group("Published pages")
    for shown in Publication.objects.filter(ref__in=list(refs)).defer("body").order_by("-published_at", "-pk"):
        url = urls.get(refs[shown.ref])
        stage = "Taken back" if shown.withdrawn_at else "Shown"
        words = f"{shown.get_kind_display()}: {shown.title}"
        group.take(Resting(words, stage, url or "", f"published {shown.published_at:%-d %b %Y}"), url is not None)
    return group


# -- Going on with newer versions. -------------------------------------------------------------------------------------


def outdated(proposal) -> list[Evidence]:
    """Return the versions under a proposal for which a newer one counts."""
    under = [old for versions in proof_under(proposal).values() for old in versions]
    return [old for old in dict.fromkeys(under) if hasattr(old, "corrected_by")]


@transaction.atomic
def take_newest(proposal, *, by) -> int:
    """Rest every row on the newest version of its evidence, and resume if that was what it waited for.

    What was approved with the old versions lapses, as after every change of a row. Return how many rows changed.
    """
    proposal.lock_to_write()
    newest = {old.pk: newest_of(old) for old in outdated(proposal)}
    changed = 0
    for model in (ScopeItem, Milestone, PriceLine):
        for row in model.objects.filter(proposal=proposal, evidence__in=list(newest)):
            proposal.change(row, by=by, evidence=newest[row.evidence_id])
            changed += 1
    for claim in Claim.objects.filter(proposal=proposal, evidence__in=list(newest)).distinct():
        versions = list(claim.evidence.all())
        proposal.change(claim, by=by, evidence=[newest.get(version.pk, version) for version in versions])
        changed += 1
    resume_if_cured(Proposal.objects.get(pk=proposal.pk))
    return changed


def resume_if_cured(proposal):
    """Go on with a proposal that paused by itself, once both its proof and its decision path stand again."""
    waits = proposal.stage == Proposal.Stage.PAUSED and proposal.paused_by_itself
    if waits and gates.holds_as_before(proposal) and gates.decision_path_is_known(proposal):
        perform(proposal.resume, by=None)


def newest_of(evidence):
    """Return the last version of a piece of evidence."""
    while newer := Evidence.objects.filter(corrects=evidence).first():
        evidence = newer
    return evidence
