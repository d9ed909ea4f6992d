"""The answer of the PageSpeed Insights API, version 5: a Lighthouse report, and what real visitors met."""

from django.utils import timezone

from . import lighthouse
from .base import BadFile, Importer, key_of, load_json, number, page_link, part, plain, when

# The 75th percentile of the visits of 28 days: Google's name, ours, and the unit with what to divide by.
METRICS = [
    ("LARGEST_CONTENTFUL_PAINT_MS", "Largest Contentful Paint of real visits", "s", 1000),
    ("FIRST_CONTENTFUL_PAINT_MS", "First Contentful Paint of real visits", "s", 1000),
    ("INTERACTION_TO_NEXT_PAINT", "Interaction to Next Paint of real visits", "ms", 1),
    ("CUMULATIVE_LAYOUT_SHIFT_SCORE", "Cumulative Layout Shift of real visits", "", 100),
    ("EXPERIMENTAL_TIME_TO_FIRST_BYTE", "Server response time of real visits", "ms", 1),
]
CAVEAT = (
    "Three of four visits in Chrome within 28 days were at least this good. "
    "Visitors with other browsers are not counted."
)


class PageSpeed(Importer):
    name = "PageSpeed Insights answer"
    reads = "an answer of the PageSpeed Insights API saved as JSON"

    def recognises(self, head, name):
        return b'"lighthouseResult"' in head or b'"pagespeedonline#' in head

    def rows(self, raw, captured_at=None):
        answer = load_json(raw, "the answer of PageSpeed Insights")
        report = answer.get("lighthouseResult") if isinstance(answer, dict) else None
        if not isinstance(report, dict):
            raise BadFile("This answer of PageSpeed Insights holds no lighthouseResult. Ask for it again.")
        found = lighthouse.read(report)
        measured_at = when(answer.get("analysisUTCTimestamp")) or found.rows[0]["captured_at"]
        if measured_at > timezone.now():
            raise BadFile("This answer says that it was made in the future. Check the clock of the machine.")
        device = lighthouse.device_of(report)
        visits = [part(answer, "loadingExperience"), part(answer, "originLoadingExperience")]
        rows = {row["key"]: row for visited in visits for row in of_visits(visited, device, measured_at)}
        if not rows:
            found.notes.append("Google knows too few visits of this page to say what real visitors meet.")
        found.rows += rows.values()
        return found


def of_visits(visited, device, measured_at):
    """Yield what real visitors met on a page, or on the whole site where the page alone has too few visits."""
    place = plain(visited.get("id") or visited.get("initial_url") or "the page")
    subject = plain(f"{place}, {device}")
    for name, metric, unit, divisor in METRICS:
        value = number(part(visited, "metrics", name).get("percentile"))
        if value is not None and value >= 0:
            yield {
                "kind": "analytics",
                "provider": "Chrome UX Report",
                "subject": subject,
                "captured_at": measured_at,
                "confidence": "high",
                "link": page_link(visited.get("id")),
                "raw_note": "The whole site: the page alone has too few visits."
                if visited.get("origin_fallback")
                else "",
                "provider_caveat": CAVEAT,
                "metric": metric,
                "value": number(value / divisor),
                "unit": unit,
                "key": key_of("crux", subject, name),
            }
