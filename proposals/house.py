"""What a new installation starts with: services, clauses and rules. An administrator changes them afterwards."""

from dataclasses import asdict
from datetime import date
from decimal import Decimal

from django.contrib.auth.models import Group
from django.db import transaction

from opportunities import house as floor
from opportunities.models import Question, Questionnaire
from opportunities.records import begin

from .asking import right_for
from .glossary import TERMS
from .models import ApprovalRule, Aspect, BookPrice, Clause, GlossaryTerm, Service, UsualScope, UsualStep


def row(kind, title, text) -> dict:
    return {"kind": kind, "title": title, "text": text}


SERVICES = [
    {
        "name": "Search and speed",
        "description": "More of the right people find the site, and it answers them quickly.",
        "price": Decimal("2400"),
        "steps": [("Measure and plan", 0, 1, "We"), ("Mend the slowest pages", 1, 4, "We")],
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
        "questionnaire": "Search and speed",
    },
    {
        "name": "Paid search",
        "description": "Advertising that pays for itself, and a plain report of what it brought.",
        "price": Decimal("1800"),
        "steps": [("Set up campaigns and call tracking", 0, 2, "We"), ("Run and improve", 2, 10, "We")],
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
        "questionnaire": "Paid search",
    },
]
# What discovery asks: (part, question, what a good answer says, whether discovery waits for it).
ALWAYS = "Every deal"
QUESTIONNAIRES = {
    ALWAYS: [
        ("notes", "What made them look for help now?", "An event, a number or a day; not only a wish.", True),
        ("notes", "What did they try before, and what came of it?", "", False),
        ("lead_flow", "How many inquiries come in a month, and how many become customers?", "Two numbers.", False),
        ("lead_flow", "Who answers an inquiry, and how fast?", "", False),
        ("provider_stack", "Who can give us access to their site and numbers?", "A name, and what they hold.", True),
        ("decision_criteria", "By what will they see that it worked?", "A number that they look at already.", False),
        ("decision_criteria", "What would make them say no?", "", False),
        ("decision_path", "Who signs, and who must agree before?", "Names and their parts in it.", True),
        ("decision_path", "By which day do they want to decide, and why then?", "", False),
    ],
    "Search and speed": [
        ("lead_flow", "Which pages bring customers today?", "The three or four that matter.", False),
        ("provider_stack", "Who may change the site?", "A person or a firm, and how long a change takes.", True),
        ("provider_stack", "What is the site built with, and where does it run?", "", False),
    ],
    "Paid search": [
        ("lead_flow", "Which campaigns run today, and what do they bring?", "", False),
        ("provider_stack", "Whose is the advertising account?", "The client's own, or an agency's.", True),
        ("decision_criteria", "What may a new customer cost?", "A number, and how they came to it.", True),
    ],
}
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
        "We report on the days that stand under “How you will know”, in words and with numbers that were measured.",
    ),
    "5-term": (
        "Term",
        "The contract runs from the day on which both sides have signed it. "
        "Either side may end it with thirty days' notice to the end of a month.",
    ),
    "6-confidence": ("Confidence", "What either side learns of the other's business stays between them."),
}
# What asks a manager, when everybody else has said yes.
ASKS_A_MANAGER: list[tuple[str, dict]] = [
    ("pricing", {"min_discount": Decimal(15)}),
    ("claims", {"sensitive_claim": True}),
    ("contract", {"edited_clause": True}),
]


@transaction.atomic
def furnish() -> int:
    """Add what is missing, and change nothing that is there. Return how many were added."""
    added = floor.furnish()
    for name, questions in QUESTIONNAIRES.items():
        if not Questionnaire.objects.filter(name=name).exists():
            made = begin(Questionnaire(name=name, for_every_deal=name == ALWAYS), by=None, past="came with the house:")
            for position, (part, words, help_text, required) in enumerate(questions, 1):
                fields = {"part": part, "words": words, "help": help_text, "required": required}
                Question.objects.create(questionnaire=made, position=position, **fields)
            added += 1
    for fields in SERVICES:
        if not Service.objects.filter(name=fields["name"]).exists():
            furnish_service(**fields)
            added += 1
    for key, (title, text) in CLAUSES.items():
        if not Clause.objects.filter(key=key).exists():
            begin(Clause(key=key, title=title, text=text), by=None, past="came with the house:")
            added += 1
    known = {term.term.casefold() for term in GlossaryTerm.objects.all()}
    for term in TERMS:
        if term.term.casefold() not in known:
            begin(GlossaryTerm(**asdict(term)), by=None, past="came with the house:")
            added += 1
    for aspect in Aspect.values:
        if not ApprovalRule.objects.filter(aspect=aspect).exists():
            rule = ApprovalRule(aspect=aspect, permission=right_for(aspect))
            begin(rule, by=None, past="came with the house:")
            added += 1
    return added + furnish_rules()


def furnish_rules() -> int:
    """Add the rules that ask a manager for more than the usual, where nobody wrote or took out one of the kind."""
    managers, added = Group.objects.filter(name="Manager").first(), 0
    for aspect, when in ASKS_A_MANAGER if managers else ():
        kind = {f"{name}__isnull": False} if (name := next(iter(when))) == "min_discount" else {name: True}
        if not ApprovalRule.objects.filter(aspect=aspect, **kind).exists():
            rule = ApprovalRule(aspect=aspect, group=managers, step=2, **when)
            begin(rule, by=None, past="came with the house:")
            added += 1
    return added


def furnish_service(name, *, questionnaire, price, scope, steps, **fields):
    """Add a service with its usual rows and its price."""
    asks = Questionnaire.objects.filter(name=questionnaire, is_current=True).first()
    service = begin(Service(name=name, questionnaire=asks, **fields), by=None, past="came with the house:")
    for position, said in enumerate(scope):
        UsualScope.objects.create(service=service, position=position, **said)
    for position, (title, start, weeks, who) in enumerate(steps):
        step = {"title": title, "start_week": start, "weeks": weeks, "who": who}
        UsualStep.objects.create(service=service, position=position, **step)
    BookPrice.objects.create(service=service, title=name, unit_price=price, valid_from=date(2020, 1, 1))
