"""Lighthouse's report, saved as JSON: formats 6 to 13."""

from django.utils import timezone

from .base import BadFile, Found, Importer, key_of, load_json, number, page_link, part, plain, when

VERSIONS = range(6, 14)
# The metrics that an agency quotes: Lighthouse's name, ours, and the unit with what to divide by. A version that
# has no such metric leaves it out.
METRICS = [
    ("largest-contentful-paint", "Largest Contentful Paint", "s", 1000),
    ("first-contentful-paint", "First Contentful Paint", "s", 1000),
    ("speed-index", "Speed Index", "s", 1000),
    ("interactive", "Time to Interactive", "s", 1000),
    ("total-blocking-time", "Total Blocking Time", "ms", 1),
    ("interaction-to-next-paint", "Interaction to Next Paint", "ms", 1),
    ("cumulative-layout-shift", "Cumulative Layout Shift", "", 1),
    ("server-response-time", "Server response time", "ms", 1),
    ("total-byte-weight", "Page weight", "KiB", 1024),
]


class Lighthouse(Importer):
    name = "Lighthouse report"
    reads = "a Lighthouse report saved as JSON (versions 6 to 13)"

    def recognises(self, head, name):
        return b'"lighthouseVersion"' in head and b'"lighthouseResult"' not in head

    def rows(self, raw, captured_at=None):
        return read(load_json(raw, "the Lighthouse report"))


def read(report) -> Found:
    """Return the evidence that a report holds: the category scores, and the metrics that are quoted."""
    if not isinstance(report, dict) or not isinstance(report.get("lighthouseVersion"), str):
        raise BadFile("The file is JSON, but no Lighthouse report: it names no lighthouseVersion.")
    version = plain(report["lighthouseVersion"], 20)
    first = version.split(".")[0]
    if not (first.isascii() and first.isdigit() and int(first) in VERSIONS):
        raise BadFile(f"This report is of Lighthouse {version}; versions 6 to 13 can be read. Run one of those.")
    audits, categories, captured = report.get("audits"), report.get("categories"), when(report.get("fetchTime"))
    if not isinstance(audits, dict) or not isinstance(categories, dict) or captured is None:
        raise BadFile(f"This report of Lighthouse {version} lacks its audits, categories or time. Export it again.")
    if captured > timezone.now():
        raise BadFile("This report says that it was made in the future. Check the clock of the machine that made it.")
    trouble = part(report, "runtimeError").get("code")
    if trouble and trouble != "NO_ERROR":
        raise BadFile(
            f"Lighthouse could not load the page ({plain(trouble, 60)}). Run it again, and bring that report."
        )

    page, device = page_of(report), device_of(report)
    subject = plain(f"{page}, {device}" if page else device)
    shared = {
        "kind": "lab",
        "provider": "Lighthouse",
        "subject": subject,
        "captured_at": captured,
        "confidence": "medium",
        "link": page_link(page),
        "raw_note": f"Measured on {plain(page) or 'a page that the report does not name'}.",
        "provider_caveat": f"One lab run of Lighthouse {version} ({device}); field data of real visitors may differ.",
    }
    rows = []
    for name, category in categories.items():
        score = number(category.get("score")) if isinstance(category, dict) else None
        if score is not None and 0 <= score <= 1:
            title = plain(category.get("title") or name, 80)
            row = {"metric": f"{title} score", "value": number(score * 100), "unit": "of 100"}
            rows.append({**shared, **row, "key": key_of("lighthouse", subject, "score", plain(name))})
    for name, metric, unit, divisor in METRICS:
        value = measured(audits, name)
        if value is not None and value >= 0:
            row = {"metric": metric, "value": number(value / divisor), "unit": unit}
            rows.append({**shared, **row, "key": key_of("lighthouse", subject, name)})
    if not rows:
        raise BadFile(
            f"This report of Lighthouse {version} holds no scores and no metrics. Run it with the default categories."
        )
    return Found(rows)


def page_of(report) -> str:
    """Return the page that was measured: finalDisplayedUrl since version 10, finalUrl before."""
    names = ("finalDisplayedUrl", "finalUrl", "mainDocumentUrl", "requestedUrl")
    return next((report[name] for name in names if isinstance(report.get(name), str) and report[name]), "")[:2000]


def device_of(report) -> str:
    """Return the device that was played: formFactor since version 7, emulatedFormFactor in 6."""
    settings = part(report, "configSettings")
    device = settings.get("formFactor") or settings.get("emulatedFormFactor")
    return plain(device, 40) if isinstance(device, str) and device != "none" else "unknown device"


def measured(audits, name):
    """Return the number of a metric, wherever this version keeps it."""
    value = number(part(audits, name).get("numericValue"))
    if value is None and name == "server-response-time":
        # Since version 13 it is told by another audit.
        told = part(audits, "document-latency-insight", "details", "debugData")
        value = number(told.get("serverResponseTime"))
    return value
