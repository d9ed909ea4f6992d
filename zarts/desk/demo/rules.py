"""What the demo agency asks of its deals beyond the guide, and the line of the guide that it takes lightly."""

from opportunities.models import Checkpoint, Confirmation
from opportunities.records import begin, perform

from ..checklist import BY_KEY

WHO_PAYS = "Does whoever pays the invoices know of the order?"
LIGHTLY = "Two of our partners sell for us under their own service names, which stand in no list of ours."


def write(director):
    """Write the agency's rules down, as a director does before the first deal."""
    begin(Checkpoint(sentence=WHO_PAYS, due_from="contract"), by=director)
    attached = Checkpoint.of_guide(BY_KEY["B4"], by=director)
    perform(attached.make_advisory, by=director, reason=LIGHTLY)


def confirm(opportunity, words, *, by):
    Confirmation.give(opportunity, Checkpoint.objects.get(sentence=WHO_PAYS), by=by, words=words)
