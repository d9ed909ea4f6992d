"""The mail of the week: each Monday, to whoever chose it, what changed in one sentence a chart."""

import logging
from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from opportunities import clock, notices
from opportunities.models import User
from opportunities.outbox import AGAIN

from .asked import Asked
from .charts import Figures
from .models import WeeklyMail

log = logging.getLogger("zarts.numbers")
BATCH, HOUR = 100, 7
NO_RIGHT = "You could not read the numbers last Monday, so there was no mail. The next one comes if you can by then."
NOT_WRITTEN = "Last Monday’s mail could not be written. The next one comes on Monday."


def monday_of(at):
    """Return the Monday whose mail is due, in the agency's time zone: from seven in the morning on."""
    here = timezone.localtime(at, timezone.get_default_timezone()) - timedelta(hours=HOUR)
    return here.date() - timedelta(days=here.weekday())


def choose(user, wanted: bool):
    """Begin or end somebody's mail of the week. The first one comes next Monday."""
    fields = {"wanted": wanted, "sent_on": monday_of(clock.now()), "left_out": "", "tries": 0, "again_at": None}
    WeeklyMail.objects.update_or_create(user=user, defaults=fields)


def send() -> int:
    """Write the mail of everybody who has none of this Monday yet. Return how many."""
    at, written = clock.now(), 0
    monday = monday_of(at)
    due = WeeklyMail.objects.filter(Q(sent_on=None) | Q(sent_on__lt=monday), wanted=True)
    due = due.filter(Q(again_at=None) | Q(again_at__lte=at), user__in=User.who_work_here()).exclude(user__email="")
    for pk in due.order_by("pk").values_list("pk", flat=True)[:BATCH]:
        try:
            written += write(pk, monday)
        except Exception:
            log.exception("The mail of the week %s could not be written.", pk)
            put_off(pk, monday, at)
    return written


@transaction.atomic
def write(pk, monday) -> bool:
    """Write one person's mail, once. False when another worker does, or when they may not read the numbers any more."""
    row = WeeklyMail.objects.select_for_update(skip_locked=True).filter(pk=pk, wanted=True).first()
    if row is None or (row.sent_on and row.sent_on >= monday):
        return False
    user = User.objects.get(pk=row.user_id)
    if not user.has_perm("opportunities.view_opportunity"):
        see_to(row, monday, NO_RIGHT)
        return False
    notices.write(user, "The numbers of the week", body(user), key=f"numbers:{user.pk}:{monday}")
    see_to(row, monday)
    return True


def see_to(row, monday, left_out=""):
    """Write down that this Monday was seen to, and why there is no mail where there is none."""
    row.sent_on, row.left_out, row.tries, row.again_at = monday, left_out, 0, None
    row.save()


@transaction.atomic
def put_off(pk, monday, at):
    """Try again when other mail is tried again; after the last time, next Monday."""
    row = WeeklyMail.objects.select_for_update(skip_locked=True).filter(pk=pk).first()
    if row is None or (row.sent_on and row.sent_on >= monday):
        return
    if row.tries == len(AGAIN):
        see_to(row, monday, NOT_WRITTEN)
        return
    row.again_at = at + timedelta(minutes=AGAIN[row.tries])
    row.tries += 1
    row.save()


def body(user) -> str:
    asked = Asked(user, {})
    charts = Figures(asked).all()
    page = f"{settings.SITE_URL}/admin/numbers/"
    said = [f"{chart.title}\n{chart.changed}" for chart in charts]
    return "\n\n".join(
        [asked.whose, *said, f"All of it, with the tables:\n{page}", f"You chose this mail. End it here:\n{page}#mail"]
    )
