"""Which other systems hear of the demo agency: its books, at the demo's own receiver, and one that is given up."""

from django.conf import settings

from opportunities import clock
from opportunities.models import Event
from opportunities.records import begin, perform
from zarts.hooks.models import Delivery, Endpoint

KINDS = ["opportunity.win", "opportunity.lose", "contract.*", "payment.*", "project.go_live", "report.publish"]
LATEST = 12
MOVED = "The sheet moved to the new bookkeeping in September."


def connect(administrator):
    """Connect the books, and let them hear of what happened last as soon as somebody listens."""
    fields = {"owner": administrator, "kinds": KINDS}
    books = begin(
        Endpoint(name="Bookkeeping", url=f"{settings.SITE_URL}/hooks/demo/", **fields), by=administrator, past="added"
    )
    old = begin(
        Endpoint(name="Old sales sheet", url="https://hooks.sheets.example/zarts", **fields),
        by=administrator,
        past="added",
    )
    perform(old.pause, by=administrator, reason=MOVED)
    at, records = clock.now(), [kind.removesuffix(".*") for kind in KINDS if kind.endswith(".*")]
    kinds = [verb for verb in Event.objects.values_list("verb", flat=True).distinct() if verb.split(".")[0] in records]
    events = Event.objects.filter(verb__in=[*KINDS, *kinds]).order_by("-pk")[:LATEST]
    Delivery.objects.bulk_create(
        Delivery(endpoint=books, event=event, diary_id=event.diary_id, verb=event.verb, happened_at=event.at, go_at=at)
        for event in reversed(events)
    )
