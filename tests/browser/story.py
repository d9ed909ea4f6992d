"""What the people of the walk say and type. The numbers come from one file to the next, as in life."""

import json
from datetime import timedelta

from django.utils import timezone

LEADS = """Reference,Full name,Company,E-mail,Phone,Website,Country,Lead source,Created,Notes
H-17,Mia Torres,Harbor Dental,mia@harbor-dental.example,+1 555 0117,harbor-dental.example,USA,Referral,{day},\
We lose bookings on phones. Can you look?
"""
FACTS = {
    "Source": "Referred by Bright Smiles",
    "Service fit": "Search and speed",
    "Urgency": "Before the summer season",
    "Decision owner": "Mia Torres decides",
    "Contact path": "Mail first, phone second",
    "Budget signal": "Two to three thousand a month",
    "Next action": "Book the discovery call",
}
DISCOVERY = {
    "notes": "Four practices, one site. Bookings come from phones, and half of them stop at the form.",
    "pain_points": "The booking page takes too long, and nobody knows how many patients give up.",
    "lead_flow": "Search, then the practice page, then the booking form.",
    "provider_stack": "Google Analytics and Search Console; the site is on WordPress.",
    "decision_criteria": "Faster pages before June, and a number that shows it.",
    "decision_path": "Mia Torres decides; her partner reads along.",
}


def answers(discovery) -> dict:
    """Return an answer to each question that must be answered, by its field."""
    return {question.field: "Said on the phone." for question in discovery.questions if question.required}


SIZES = [("largest-contentful-paint", 6800), ("speed-index", 5400), ("total-blocking-time", 610)]


def a_file(folder, name, text):
    file = folder / name
    file.write_text(text)
    return str(file)


def leads(folder):
    """A list with one lead, as somebody's old system exports it."""
    return a_file(folder, "leads.csv", LEADS.format(day=timezone.localdate().isoformat()))


def lighthouse(folder):
    """A report that Lighthouse saved yesterday."""
    report = {
        "lighthouseVersion": "13.4.1",
        "fetchTime": (timezone.now() - timedelta(days=1)).isoformat(),
        "finalDisplayedUrl": "https://harbor-dental.example/book",
        "configSettings": {"formFactor": "mobile"},
        "categories": {"performance": {"title": "Performance", "score": 0.41}},
        "audits": {name: {"numericValue": value} for name, value in SIZES},
    }
    return a_file(folder, "report.json", json.dumps(report))
