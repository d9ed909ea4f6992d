"""What the demo agency writes more than once: templates, a sequence that runs, a campaign, and mail that came in."""

from datetime import date

from opportunities import incoming, sequences
from opportunities.models import Campaign, Consent, MessageTemplate, Opportunity, QuietDate, Sequence, SequenceStep
from opportunities.records import begin

from .clock import real_now

TEMPLATES = [
    (
        "Ask for the numbers",
        "transactional",
        "The numbers that we need",
        "Hello {contact.first_name},\n\nbefore we measure, we need to see your own numbers: visits, inquiries, orders. "
        "Whoever looks after your website can give us access in five minutes.\n\n{owner.name}",
    ),
    (
        "A word after a while",
        "transactional",
        "Are we still on the right track?",
        "Hello {contact.first_name},\n\nI have not heard from you for some days. "
        "Is there a question that stands in the way? Answer this mail, or say when I may call.\n\n{owner.name}",
    ),
    (
        "Shall we talk again?",
        "marketing",
        "Shall we talk again?",
        "Hello {contact.first_name},\n\nwhen we last spoke, the time was not right for {client.name}. "
        "What has changed since? Half an hour on the phone tells us both whether it is now.\n\n{owner.name}",
    ),
]
STRANGER = b"""From: Petra Vogel <petra@vogel-moebel.example>
To: hello@zarts.example
Subject: Your talk in Hamburg
Message-ID: <1@vogel-moebel.example>

Good morning,

I heard you speak about honest numbers. We make tables, and nobody finds us. May I call?

Petra Vogel
"""


def tell(clock, people):
    """Write it down as the house would have, and let it run a little."""
    clock.begin_again()
    clock.to(-20, hour=9)
    templates = write_templates(people["priya"])
    year = real_now().year
    quiet = QuietDate(words="Between the years", first_on=date(year, 12, 24), last_on=date(year + 1, 1, 1))
    begin(quiet, by=people["priya"])
    sequence = write_sequence(templates, people["priya"])
    clock.to(-2, hour=10)
    deal = Opportunity.objects.get(client__name="Casa Lingua")
    sequences.start(sequence, deal, deal.decision_owner, by=deal.owner)
    lost = Opportunity.objects.filter(stage="lost").order_by("pk").first()
    agreed = {"purpose": "marketing", "text_version": "2026-01", "source": "Said when they declined"}
    begin(Consent(contact=lost.decision_owner, **agreed), by=lost.owner)
    chosen = {"reasons": ["price", "timing"]}
    begin(Campaign(name="Try again", template=templates[2], owner=people["priya"], chosen=chosen), by=people["priya"])
    clock.to(-1, hour=15)
    incoming.take(STRANGER, via="imap")


def write_templates(director) -> list:
    written = []
    for name, purpose, subject, body in TEMPLATES:
        template = begin(MessageTemplate(name=name, purpose=purpose), by=director)
        template.revise(subject, body, by=director)
        written.append(template)
    return written


def write_sequence(templates, director):
    """Ask for the numbers, call, and ask once more."""
    sequence = begin(Sequence(name="Until we have the numbers"), by=director)
    steps = [(1, 2, "mail", templates[0], ""), (2, 3, "call", None, "Call and ask"), (3, 4, "mail", templates[1], "")]
    for position, days, channel, template, title in steps:
        step = SequenceStep(position=position, wait_days=days, channel=channel, template=template, title=title)
        step.sequence = sequence
        step.save()
    return sequence
