"""What an objection is about: a proposal of its deal, or a claim, a price or a row of the scope in one."""

from django.db.models import CharField, F, Q, Value
from django.db.models.functions import Cast
from django.utils.text import Truncator

from opportunities.models import Objection
from opportunities.records import Kept

from .models import Claim, PriceLine, Proposal, ScopeItem

KINDS: dict[str, type[Kept]] = {"Proposal": Proposal, "Claim": Claim, "Price": PriceLine, "Scope": ScopeItem}
TAKEN_BACK = (Proposal.Stage.SUPERSEDED, Proposal.Stage.WITHDRAWN)
# The most rows that one page offers to choose from.
MOST = 300


def found(conditions: dict):
    """Return (kind, id, words, proposal's id) of what meets the condition of its kind, in one query."""
    parts = []
    for kind, condition in conditions.items():
        model = KINDS[kind]
        words = Cast(F("text") if model is Claim else F("title"), CharField())
        of = F("pk") if model is Proposal else F("proposal")
        rows = model.objects.filter(condition).order_by()
        rows = rows.annotate(kind_of=Value(kind, output_field=CharField()), said=words, of=of)
        parts.append(rows.values_list("kind_of", "pk", "said", "of"))
    return parts[0].union(*parts[1:], all=True)


def choices(objection) -> list:
    """Return what an objection can be said to be about: nothing, or what its deal's proposals hold, one by one."""
    proposals = Proposal.objects.filter(opportunity=objection.opportunity_id).exclude(stage__in=TAKEN_BACK)
    offered = {each.pk: (str(each), [(key(each), "The whole proposal")]) for each in proposals.order_by("-pk")}
    rows = dict.fromkeys(["Claim", "Price", "Scope"], Q(proposal__in=list(offered)))
    for kind, pk, words, of in sorted(found(rows)[:MOST]):
        offered[of][1].append((f"{KINDS[kind].label()}:{pk}", f"{kind}: {short(words)}"))
    now = objection.record
    known = {value for _, group in offered.values() for value, _ in group}
    # It may stand in a revision that was taken back since.
    kept = [(key(now), f"As before: {short(now)}")] if now and key(now) not in known else []
    return [("", "Nothing in particular"), *kept, *offered.values()]


def key(record) -> str:
    return f"{record.label()}:{record.pk}"


def short(words) -> str:
    return Truncator(str(words)).chars(100)


def record_of(chosen: str):
    """Return the record that was chosen, or None when it is gone."""
    label, _, pk = chosen.partition(":")
    model = next(model for model in KINDS.values() if model.label() == label)
    return model._base_manager.filter(pk=pk).first()


def say_about(objections) -> None:
    """Tell each of these objections what it is `about`: the kind, the words and the record. One query for all."""
    pointed = {
        kind: Q(pk__in=[each.record_id for each in objections if each.record_type == model.label()])
        for kind, model in KINDS.items()
    }
    by_key = {}
    for kind, pk, words, of in found(pointed):
        model = KINDS[kind]
        record = model(pk=pk) if model is Proposal else model(pk=pk, proposal=Proposal(pk=of))
        by_key[f"{model.label()}:{pk}"] = {"kind": kind, "words": words, "url": record.staff_url()}
    for each in objections:
        each.about = by_key.get(f"{each.record_type}:{each.record_id}")


def objections_to(proposal) -> list:
    """Return the newest objections to a proposal or to any of its rows, each with what it is about."""
    points = Q(record_type=Proposal.label(), record_id=proposal.pk)
    for kind in ("Claim", "Price", "Scope"):
        rows = KINDS[kind].objects.filter(proposal=proposal).order_by().values("pk")
        points |= Q(record_type=KINDS[kind].label(), record_id__in=rows)
    raised = list(Objection.objects.filter(points, opportunity=proposal.opportunity_id).order_by("-pk")[:30])
    if raised:
        say_about(raised)
    return raised
