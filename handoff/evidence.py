"""What delivery inherited that rests on evidence: promises of the rows that it proves, reports that measure them."""

from opportunities.resting import Group, Resting, seen_by
from proposals.models import Claim

from .models import Promise, Report


def resting_on(carriers, opportunity, user) -> tuple[list[Group], list[tuple[str, int]]]:
    """Return the promises and reports that rest on these rows of proposals, and the reports as carriers."""
    sold = set(carriers)
    promises, reports, further = Group("Promises"), Group("Reports"), []
    found = Promise.objects.filter(handoff__opportunity=opportunity, record_id__in=[pk for _, pk in sold])
    for promise in found.annotate(seen=seen_by(user, Promise)).order_by("pk"):
        if (promise.record_type, promise.record_id) in sold:
            promises.take(Resting(promise.title, promise.get_stage_display(), promise.staff_url()), promise.seen)
    claims = {pk for label, pk in sold if label == Claim.label()}
    written = Report.objects.filter(project__opportunity=opportunity).annotate(seen=seen_by(user, Report))
    for report in written.select_related("project").order_by("-pk"):
        if claims & {number.get("claim") for number in report.numbers}:
            reports.take(Resting(str(report), report.get_stage_display(), report.staff_url()), report.seen)
            further.append((Report.label(), report.pk))
    return [promises, reports], further
