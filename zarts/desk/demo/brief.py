"""What the demo knows of a client: who they are, what they said, what was measured, and what we offered."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Person:
    name: str
    title: str
    email: str
    phone: str = ""


@dataclass(frozen=True)
class Measured:
    """One piece of evidence. The note and the caveat are internal."""

    metric: str
    value: str
    unit: str
    provider: str
    note: str = ""
    caveat: str = ""
    confidence: str = "high"


@dataclass(frozen=True)
class Offer:
    """One proposal: rows are pairs of a title and a text."""

    title: str
    intro: str
    included: list
    excluded: tuple
    assumption: tuple
    dependency: tuple
    steps: list  # title, starts after week, weeks, who
    once: tuple  # title, price, our cost, what the price assumes
    monthly: tuple
    optional: tuple  # title, price a month
    finding: str  # a claim on the first measurement
    projection: tuple  # text, from, to, how: a claim on the second one
    summary: tuple  # title and words that a client may read
    service: str = "Search and speed"
    better: str = ""  # which way is better of the projection, where its numbers do not tell


@dataclass(frozen=True)
class Client:
    name: str
    industry: str
    country: str
    zone: str
    website: str
    person: Person
    words: str
    source: str
    urgency: str = ""
    budget: str = ""
    value: int = 0
    currency: str = "USD"
    second: tuple = ()  # another person and their part in the decision
    books: Person | None = None  # who keeps their books, from outside and for others, too
    discovery: dict = field(default_factory=dict)
    measured: list = field(default_factory=list)
    offer: Offer | None = None


def talk(notes, pains, flow, stack, criteria, path="") -> dict:
    """Return what a discovery wrote down."""
    return {
        "notes": notes,
        "pain_points": pains,
        "lead_flow": flow,
        "provider_stack": stack,
        "decision_criteria": criteria,
        "decision_path": path,
    }


def answers(client) -> dict:
    """Return what a client answered to the questions that the house comes with; nothing where the talk broke off."""
    who, heard = client.person, client.discovery
    first = {"What made them look for help now?": f"{who.name.split()[0]} said: “{client.words}”"}
    if not all(heard.values()):
        return first
    signs = f"{who.name}, {who.title.lower()}, signs."
    if client.second:
        signs += f" {client.second[0].name}, {client.second[0].title.lower()}, is asked before."
    return first | {
        "Who can give us access to their site and numbers?": f"{who.name} holds the accounts, and invites us by mail.",
        "Who signs, and who must agree before?": signs,
        "By which day do they want to decide, and why then?": client.urgency,
        "Who may change the site?": "Whoever keeps it for them; a change takes two or three days.",
        "Whose is the advertising account?": "Their own.",
        "What may a new customer cost?": f"They have no number yet. What they can spend: {client.budget.lower()}.",
    }
