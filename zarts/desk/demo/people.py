"""Who works at the demo agency."""

import secrets

from django.conf import settings
from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import Group
from django.db import transaction

from opportunities.models import Team, User
from opportunities.records import begin

PEOPLE = [
    # user name, first and last name, job title, role, team, sees, time zone
    ("ada", "Ada", "Okafor", "Growth lead", "Growth ops", "East", "own", "Europe/London"),
    ("cem", "Cem", "Aydin", "Growth lead", "Growth ops", "West", "own", "America/New_York"),
    ("ben", "Ben", "Hartmann", "Head of East", "Manager", "East", "team", "Europe/Berlin"),
    ("mia", "Mia", "Lindqvist", "Head of West", "Manager", "West", "team", "America/Chicago"),
    ("priya", "Priya", "Raman", "Managing director", "Manager", None, "all", "Europe/London"),
    ("dora", "Dora", "Nwosu", "Delivery lead", "Delivery", "East", "own", "Europe/London"),
    ("jon", "Jon", "Park", "Delivery lead", "Delivery", "West", "own", "America/Los_Angeles"),
    ("eve", "Eve", "Castillo", "Office and systems", "Administrator", None, "all", "Europe/Madrid"),
    ("ann", "Ann", "Fischer", "Auditor", "Auditor", None, "all", "Europe/Vienna"),
]


def password() -> str:
    """Return the demo's one password: made up once, and kept where the demo keeps its data."""
    file = settings.DATA_DIR / "demo-password"
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch(mode=0o600)
        file.write_text(f"harbor-{secrets.token_hex(4)}-lights")
    return file.read_text()


@transaction.atomic
def hire() -> dict:
    """Add whoever is missing. Return the people by user name."""
    hashed = make_password(password())
    for name, first, last, title, role, team, sees, zone in PEOPLE:
        if User.objects.filter(username=name).exists():
            continue
        user = User(username=name, first_name=first, last_name=last, title=title, reach_of=sees, time_zone=zone)
        user.email, user.password, user.is_staff = f"{name}@zarts.example", hashed, True
        user.team = team and (Team.objects.filter(name=team).first() or begin(Team(name=team), by=None, past="added"))
        begin(user, by=None, past="added")
        user.groups.add(Group.objects.get(name=role))
    return {user.username: user for user in User.objects.filter(username__in=[row[0] for row in PEOPLE])}
