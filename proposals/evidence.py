"""What rests on a piece of evidence: rows of proposals, and through them what was offered, signed and shown."""

from django.db import transaction
from django.db.models import CharField, Exists, F, OuterRef, Q, Value
from django.db.models.functions import Cast
from django.urls import reverse

from opportunities.models import Evidence
from opportunities.records import perform, tell
from opportunities.resting import Group, Resting, seen_by
from portal.models import Publication

from . import gates
from .models import Claim, Contract, Milestone, PriceLine, Proposal, ScopeItem, Summary

ROWS = {"Claims": Claim, "Scope": ScopeItem, "Timeline": Milestone, "Prices": PriceLine}
# Words about findings that name nothing of their own rest on everything that was found.
FINDINGS = (Summary.Kind.FINDING, Summary.Kind.REVENUE_PROOF, Summary.Kind.CAVEAT)


def proposals_on(evidence):
    """Return the proposals of which any row rests on one of these pieces of evidence."""
    under = [Exists(row.objects.filter(proposal=OuterRef("pk"), evidence__in=evidence)) for row in ROWS.values()]
    return Proposal.objects.filter(under[0] | under[1] | under[2] | under[3])


# -- The blast radius. -------------------------------------------------------------------------------------------------


def resting_on(evidence, opportunity, user) -> tuple[list[Group], list[tuple[str, int]]]:
    """Return what rests on these versions of evidence, by kind, and the rows and records that carry it further."""
    groups, carriers, proposals = rows_on(evidence, user)
    offers = Group("Proposals")
    for pk, (words, stage, seen) in sorted(proposals.items(), reverse=True):
        offers.take(Resting(words, stage, page("proposal", pk)), seen)
        carriers.append((Proposal.label(), pk))
    contracts = Group("Contracts")
    found = Contract.objects.filter(proposal__in=list(proposals)).annotate(seen=seen_by(user, Contract))
    for contract in found.order_by("-pk"):
        words = f"Contract {contract.number}"
        contracts.take(Resting(words, contract.get_stage_display(), contract.staff_url()), contract.seen)
        carriers.append((Contract.label(), contract.pk))
    summaries = summaries_on(evidence, opportunity, carriers, user)
    carriers += [(Summary.label(), pk) for pk in summaries.pks]
    return [*groups, offers, contracts, summaries.group], carriers


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
    """The words for clients that rest on evidence, and their ids."""

    def __init__(self):
        self.group, self.pks = Group("Words for the client"), []


def summaries_on(evidence, opportunity, carriers, user) -> Summaries:
    about = Q(record_type=Evidence.label(), record_id__in=list(evidence))
    about |= Q(record_type="opportunities.audit", record_id__in=list(evidence.audits))
    claims = [pk for label, pk in carriers if label == Claim.label()]
    about |= Q(record_type=Claim.label(), record_id__in=claims) | Q(record_type="", kind__in=FINDINGS)
    found = Summary.objects.filter(about, opportunity=opportunity).annotate(seen=seen_by(user, Summary))
    summaries = Summaries()
    for summary in found.order_by("-pk"):
        note = "" if summary.record_type else "names no proof of its own: read whether it says this"
        resting = Resting(summary.title, summary.get_stage_display(), summary.staff_url(), note)
        summaries.group.take(resting, summary.seen)
        summaries.pks.append(summary.pk)
    return summaries


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
    return [old for old in proposal.evidence() if hasattr(old, "corrected_by")]


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
        claim.evidence.set([newest.get(version.pk, version) for version in versions])
        facts = {
            str(
                claim
            ): f"rests on the newest version of {', '.join(str(newest[v.pk]) for v in versions if v.pk in newest)}"
        }
        tell(proposal, "row_changed", "changed a claim of", by=by, facts=facts)
        proposal.was_edited(by=by)
        changed += 1
    resume_if_cured(Proposal.objects.get(pk=proposal.pk))
    return changed


def resume_if_cured(proposal):
    """Go on with a proposal that paused by itself, once both its proof and its decision path stand again."""
    waits = proposal.stage == Proposal.Stage.PAUSED and proposal.paused_by_itself
    if waits and not (gates.proof_stands.lacks(proposal) or gates.decision_path_is_known.lacks(proposal)):
        perform(proposal.resume, by=None)


def newest_of(evidence):
    """Return the last version of a piece of evidence."""
    while newer := Evidence.objects.filter(corrects=evidence).first():
        evidence = newer
    return evidence
