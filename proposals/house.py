"""What a new installation starts with: services, clauses and rules. An administrator changes them afterwards."""

from decimal import Decimal

from django.db import transaction

from opportunities import house as floor
from opportunities.records import begin

from .models import ApprovalRule, Aspect, Clause, Service


def row(kind, title, text) -> dict:
    return {"kind": kind, "title": title, "text": text}


SERVICES = [
    {
        "name": "Search and speed",
        "description": "More of the right people find the site, and it answers them quickly.",
        "price": Decimal("2400"),
        "cadence": "monthly",
        "scope": [
            row("included", "Technical mending", "We mend what slows the site down, page by page."),
            row("included", "Search pages", "We write and improve the pages that people look for."),
            row("excluded", "Advertising budget", "What you pay to advertising networks is your own."),
            row("dependency", "Access", "You give us access to the site and its numbers before the start."),
        ],
        "checklist": [
            {"title": "Grant access to the site", "who": "client", "days": -7},
            {"title": "Grant access to the numbers", "who": "client", "days": -7},
            {"title": "Check the first measurements", "who": "us", "days": -2},
            {"title": "Hold the kickoff call", "who": "us", "days": 0},
        ],
        "questions": ["Which pages bring customers today?", "Who may change the site?"],
    },
    {
        "name": "Paid search",
        "description": "Advertising that pays for itself, and a plain report of what it brought.",
        "price": Decimal("1800"),
        "cadence": "every_two_weeks",
        "scope": [
            row("included", "Campaigns", "We set up and run your campaigns."),
            row("excluded", "Advertising budget", "What you pay to advertising networks is your own."),
            row("integration", "Call tracking", "We connect calls to the campaigns that brought them."),
        ],
        "checklist": [
            {"title": "Grant access to the advertising account", "who": "client", "days": -7},
            {"title": "Confirm the monthly budget", "who": "client", "days": -5},
            {"title": "Hold the kickoff call", "who": "us", "days": 0},
        ],
        "questions": ["What may a new customer cost?", "Which campaigns run today?"],
    },
]
CLAUSES = {
    "1-scope": (
        "What we do",
        "We do what stands under “What you get”, and nothing that stands under “What is not included”. "
        "A change of either is agreed in writing.",
    ),
    "2-payment": (
        "Payment",
        "What is paid once is due when the contract is signed by both sides. "
        "What is paid monthly is due on the first day of each month.",
    ),
    "3-proof": (
        "Numbers",
        "Numbers that we measured are named with their provider and day. "
        "A projection is no guarantee, unless it is called one.",
    ),
    "4-reports": (
        "Reports",
        "We report on the days that stand under “Reports”, in words and with the numbers that this contract names.",
    ),
    "5-term": (
        "Term",
        "The contract runs from the day on which both sides have signed it. "
        "Either side may end it with thirty days' notice to the end of a month.",
    ),
    "6-confidence": ("Confidence", "What either side learns of the other's business stays between them."),
}


@transaction.atomic
def furnish() -> int:
    """Add what is missing, and change nothing that is there. Return how many were added."""
    added = floor.furnish()
    for fields in SERVICES:
        if not Service.objects.filter(name=fields["name"]).exists():
            begin(Service(**fields), by=None, past="came with the house:")
            added += 1
    for key, (title, text) in CLAUSES.items():
        if not Clause.objects.filter(key=key).exists():
            begin(Clause(key=key, title=title, text=text), by=None, past="came with the house:")
            added += 1
    for aspect in Aspect.values:
        if not ApprovalRule.objects.filter(aspect=aspect).exists():
            rule = ApprovalRule(aspect=aspect, permission=f"proposals.approve_{aspect}")
            begin(rule, by=None, past="came with the house:")
            added += 1
    return added
