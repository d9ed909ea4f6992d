"""Why deals were won and lost, beside what was promised that delivery disputed, and what was broken."""

from django.db.models import Count, Exists, OuterRef, Q, Subquery

from opportunities.models import Closing, Event
from proposals.models import Proposal

from .models import Promise

DISPUTED = "promise.dispute"


def promises_of(opportunity) -> dict[str, list]:
    """Return what delivery disputed of a deal, and what was broken, each with its promise."""
    disputes = Event.objects.filter(verb=DISPUTED, record_type=Promise.label(), record_id=OuterRef("pk")).order_by("pk")
    rows = Promise.objects.filter(handoff__opportunity=opportunity).annotate(
        doubt=Subquery(disputes.values("reason")[:1])
    )
    rows = list(rows.filter(Q(doubt__isnull=False) | Q(stage=Promise.Stage.BROKEN)).order_by("pk")[:50])
    return {
        "disputed": [row for row in rows if row.doubt is not None],
        "broken": [row for row in rows if row.stage == Promise.Stage.BROKEN],
    }


def closings(user, *, outcome="", service=None, owner=None):
    """Return the newest ends of deals that somebody may see, each with how much of it was disputed and broken."""
    rows = Closing.objects.visible_to(user).select_related("opportunity__client", "opportunity__owner")
    if outcome:
        rows = rows.filter(outcome=outcome)
    if owner:
        rows = rows.filter(opportunity__owner=owner)
    if service:
        sold = Proposal.objects.filter(opportunity=OuterRef("opportunity"), service=service, changes=None)
        wanted = service.opportunities.through.objects.filter(opportunity=OuterRef("opportunity"), service=service)
        rows = rows.filter(Exists(sold) | Exists(wanted))
    promises = Promise.objects.filter(handoff__opportunity=OuterRef("opportunity")).order_by()
    doubted = Event.objects.filter(verb=DISPUTED, record_type=Promise.label(), record_id=OuterRef("pk"))
    return rows.annotate(
        disputed=many(promises.filter(Exists(doubted))),
        broken=many(promises.filter(stage=Promise.Stage.BROKEN)),
    ).order_by("-pk")


def many(promises):
    return Subquery(promises.values("handoff__opportunity").annotate(many=Count("pk")).values("many"))
