"""The programs that read the house's data: one of a service, one of somebody's own, and one that was taken away."""

from datetime import timedelta

from django.utils import timezone

from opportunities.records import tell as tell_of
from zarts.reads.models import Token

# Name, whose, for a service or not, what for, made so many days ago, and for so many days.
PROGRAMS = [
    ("Board figures", "eve", True, ["read:*.admin", "read:*.contract"], 40, 365),
    ("Client status page", "eve", True, ["read:*.portal"], 80, 90),
    ("My sheet of leads", "ada", False, ["read:leads.*"], 6, 90),
]
GONE = ("Trial of a dashboard", "eve", True, ["read:*.*"], 60, 90)


def tell(people):
    """Make the tokens. Nobody knows them: whoever tries one out makes their own."""
    for program in PROGRAMS:
        make(people, *program)
    eve = people["eve"]
    trial = make(people, *GONE)
    trial.revoke(str(eve))
    tell_of(eve, "token", "revoked a token as", by=eve, facts={"token": trial})


def make(people, name, whose, is_service, scopes, ago, days):
    owner, made = people[whose], timezone.now() - timedelta(days=ago)
    fields = {"is_service": is_service, "scopes": scopes, "created_at": made, "created_by": str(owner)}
    row, _ = Token.mint(name=name, owner=owner, expires_at=made + timedelta(days=days), **fields)
    tell_of(owner, "token", "made a token as", by=owner, facts={"token": row, "scopes": ", ".join(scopes)})
    return row
