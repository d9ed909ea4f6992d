"""What delivery found in what was sold: words that are too short, work that nobody sold, what did not hold."""

from decimal import Decimal

from handoff import changeorders
from opportunities.models import Evidence
from opportunities.records import perform
from proposals.models import PriceLine, Proposal, ScopeItem


def word_anew(story, promise, **changes):
    """Sales words a disputed promise anew, and asks for the approvals."""
    change = changeorders.reword(promise, by=story.ops)
    row = type(promise.record).objects.get(proposal=change)
    change.change(row, by=story.ops, **changes)
    perform(change.submit, by=story.ops)


def sell_more(story):
    """The client asks for letters for the second hall: a change order, approved, accepted and taken over."""
    about, text = "Letters for the second hall", "The same three letters, in the voice of the new team."
    row = ScopeItem(kind="included", title=about, text=text)
    proof = list(Evidence.objects.filter(audit=story.audit).order_by("id")[:1])
    change = changeorders.order(story.handoff, about, by=story.ops, row=row, evidence=proof)
    inner = {"internal_cost": Decimal(320), "pricing_assumption": "The letters are there; they need new names."}
    price = PriceLine(title=about, recurring="once", unit_price=Decimal(650), **inner)
    change.add(price, by=story.ops, evidence=proof)
    perform(change.submit, by=story.ops)
    story.later(1)
    story.say_yes(Proposal.objects.get(pk=change.pk))
    perform(Proposal.objects.get(pk=change.pk).send, by=story.ops, contact=story.opportunity.decision_owner)
    story.later(1)
    change = Proposal.objects.get(pk=change.pk)
    story.visitor.open(change)
    story.visitor.answer(change, "accepted")
    for promise in story.handoff.promises.filter(stage="offered"):
        perform(promise.accept, by=story.delivery)


def look_back(story):
    """One promise is kept, one assumption did not hold, and a task asks for what was excluded."""
    promises = story.handoff.promises
    report = story.project.reports.filter(stage="published").first()
    shown = "The five pages are up since the first month."
    perform(promises.get(title="A small new site").keep, by=story.delivery, shown=shown, report=report)
    reason = "The practice opens on Saturdays now: the map and the pages said otherwise for two weeks."
    shown = "The sign at the door, on a photograph of his assistant."
    perform(promises.get(title="Hours stay the same").give_up, by=story.delivery, reason=reason, shown=shown)
    story.promise("Write medical advice about sore necks", 4, kind="other")
