"""The mail of the day: what each of us owes, when their own day begins."""

import logging
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.utils.formats import date_format

from opportunities import clock, notices
from opportunities.models import Notice, Task, User

from . import queue

log = logging.getLogger("zarts.digest")
BATCH = 100
# The most lines of each part; the page behind it has the rest.
MOST = 20
# So many notices are told by one mail; the list of notices has them all.
MANY = 500


def send() -> int:
    """Write the mail of the day of everybody whose hour has come and who has none of today yet. Return how many."""
    at, written = clock.now(), 0
    for user in due(at)[:BATCH]:
        try:
            written += write(user, at)
        except Exception:
            log.exception("The mail of the day of user %s could not be written.", user.pk)
    return written


def due(at) -> list:
    """Return who is owed today's: it is their hour or later where they are, and this day was not seen to."""
    people = User.who_work_here().exclude(digest_at=None).exclude(email="")
    # Whoever was seen to less than a day ago is looked at no sooner than their tomorrow.
    people = people.filter(Q(digest_on=None) | Q(digest_on__lt=at.date() + timedelta(days=1)))
    return [user for user in people if is_due(user, at)]


def zone_of(user):
    """Return where somebody is. A time zone that there is not, as a file can bring it, must keep nobody waiting."""
    try:
        return ZoneInfo(user.time_zone)
    except (ValueError, OSError, ZoneInfoNotFoundError):
        return UTC


def is_due(user, at) -> bool:
    here = at.astimezone(zone_of(user))
    return here.time() >= user.digest_at and (user.digest_on is None or user.digest_on < here.date())


@transaction.atomic
def write(user, at) -> bool:
    """Write one person's mail of the day, once. False when another worker does, or there is nothing to say."""
    user = User.objects.select_for_update(skip_locked=True, of=("self",)).filter(pk=user.pk).first()
    if user is None or not is_due(user, at):
        return False
    day = at.astimezone(zone_of(user)).date()
    User.objects.filter(pk=user.pk).update(digest_on=day)
    words = body(user, at, day)
    if not words:
        return False
    notices.write(user, f"Your day, {date_format(day, 'l j F')}", words, key=f"digest:{user.pk}:{day}", go_at=at)
    return True


def body(user, at, day) -> str:
    """Return what somebody owes today, what waits, and what they are told here; nothing when there is none."""
    zone = zone_of(user)
    tonight = datetime.combine(day + timedelta(days=1), time(), zone)
    tasks = Task.objects.filter(owner=user).select_related("opportunity__client", "lead")
    owed = list(tasks.open().filter(due_at__lt=tonight).order_by("due_at", "pk")[: MOST + 1])
    waits = list(tasks.filter(stage=Task.Stage.PAUSED, waits_for_deal=False).order_by("due_at", "pk")[: MOST + 1])
    asked = list(queue.waiting_for(user)[: MOST + 1]) if user.has_perm("proposals.view_approval") else []
    told = list(Notice.objects.filter(user=user, in_digest=True).order_by("-pk")[:MANY])
    # Exactly these: one that is committed meanwhile waits for tomorrow's.
    Notice.objects.filter(pk__in=[notice.pk for notice in told]).update(in_digest=False)
    parts = [
        part("Overdue", [task for task in owed if task.due_at < at], lambda task: line_of(task, zone)),
        part("Due today", [task for task in owed if task.due_at >= at], lambda task: line_of(task, zone)),
        part("Waiting for your approval", asked, lambda asked: f"{asked.get_aspect_display()}: {asked.opportunity}"),
        part("Waits", waits, lambda task: f"{task}: {task.paused_because}"),
        part("Told", told, str),
    ]
    if not any(parts):
        return ""
    return "\n\n".join(
        [
            *filter(None, parts),
            f"All of it, with what to do:\n{settings.SITE_URL}/admin/today/",
            f"Times are in {zone}. {notices.WHY}{settings.SITE_URL}{notices.CHOOSE}",
        ]
    )


def part(title, rows, say) -> str:
    """Return one part of the mail, or nothing."""
    if not rows:
        return ""
    more = ["  and more"] if len(rows) > MOST else []
    return "\n".join([title, *(f"- {' '.join(say(row).split())}" for row in rows[:MOST]), *more])


def line_of(task, zone) -> str:
    """Return a task with when it is due, and of whom."""
    about = task.opportunity.client if task.opportunity else task.lead
    return f"{task}, {about}, {date_format(task.due_at.astimezone(zone), 'D j M H:i')}"
