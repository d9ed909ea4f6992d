"""Doing one thing to many rows: written down first, then row by row, each in a transaction of its own.

A worker that dies leaves whole rows behind it, and the next one goes on. Several may be at one change: each takes the
rows that nobody else has.
"""

import logging
import time
from datetime import date, datetime, timedelta

from django.apps import apps
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Count, Exists, OuterRef, Q
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from ..models import BulkChange, BulkRow, User
from ..records import Refused, holds, lock, plain
from ..repeating import zone_of
from ..turns import LONG_ENOUGH
from .actions import as_asked_by, count_of
from .columns import label_of

log = logging.getLogger("zarts.lists")
State = BulkRow.State
# So many are taken at once; so few are done while the person waits.
MOST, AT_ONCE = 10_000, 200
BATCH = 50
# So long the few are left to whoever waits for them: two at once would each tell of half.
ALONE = timedelta(minutes=1)
# So long what was done can be read; an undo is over long before.
KEPT = timedelta(days=30)
UNDO = "undo"


def page_of(key: str):
    """Return the page of a kind of record, "opportunities.task"; nothing when there is none."""
    try:
        return admin.site._registry.get(apps.get_model(key))
    except (LookupError, ValueError):
        return None


# -- Writing down what is to be done. ----------------------------------------------------------------------------------


@transaction.atomic
def begin(user, key, do, answers, words, pks, back="", at=None) -> BulkChange:
    """Write down what is to be done to these rows. From here on it is done, whoever leaves the page."""
    about = {"user": user, "list": key, "do": do, "answers": answers, "at": at or timezone.now()}
    change = BulkChange.objects.create(**about, words=words[:300], total=len(pks), back=back[:2000])
    BulkRow.objects.bulk_create([BulkRow(change=change, record_id=pk) for pk in pks], batch_size=1000)
    return change


@transaction.atomic
def begin_undo(change, user) -> BulkChange:
    """Write down that what a change did is to be set back, where it still stands. Refuses what is too late."""
    change = BulkChange.objects.select_for_update().get(pk=change.pk)
    if undos_of([change]).exists():
        raise Refused(["This was undone already."])
    if not (change.may_be_undone and change.rows.filter(can_go_back()).exists()):
        raise Refused(["This cannot be undone any more. Change each by itself."])
    rows = list(change.rows.filter(can_go_back()).order_by("pk"))
    undo = BulkChange.objects.create(
        user=user,
        list=change.list,
        do=UNDO,
        words=f"Undo: {change.words}"[:300],
        undoes=change,
        total=len(rows),
        back=change.back,
    )
    copies = [BulkRow(change=undo, record_id=row.record_id, changed=row.changed) for row in rows]
    BulkRow.objects.bulk_create(copies, batch_size=1000)
    return undo


def undos_of(changes):
    """Return what undid these changes, or is at it; not what found nothing to set back."""
    set_back = BulkRow.objects.filter(change=OuterRef("pk"), state=State.DONE)
    return BulkChange.objects.filter(Q(ended_at=None) | Q(Exists(set_back)), undoes__in=changes)


def can_go_back():
    return Q(state=State.DONE) & ~Q(changed={})


def that_can_go_back(changes) -> set[int]:
    """Return which of these changes set something that can be set back, as far as their rows go."""
    return set(BulkRow.objects.filter(can_go_back(), change__in=changes).values_list("change", flat=True).distinct())


# -- Doing it. ---------------------------------------------------------------------------------------------------------


def work() -> int:
    """Go on with what is not finished, for a few seconds. Return how many rows were dealt with."""
    until, done = time.monotonic() + LONG_ENOUGH, 0
    begun = BulkChange.objects.filter(ended_at=None).exclude(total__lte=AT_ONCE, at__gt=timezone.now() - ALONE)
    for change in begun.order_by("pk")[:BATCH]:
        try:
            done += go_on(change, until)
        except Exception:
            log.exception("“%s” (%s) could not go on.", change, change.pk)
    return done


def go_on(change, until=None) -> int:
    """Deal with the rows of a change that wait, in order, until the clock says so. Return with how many."""
    user, page, done = change.user, page_of(change.list), 0
    with timezone.override(zone_of(user.time_zone)):
        form = form_of(change, page)
        waiting = change.rows.filter(state=State.WAITING).order_by("pk")
        last = 0
        while batch := list(waiting.filter(pk__gt=last).values_list("pk", flat=True)[:BATCH]):
            for pk in batch:
                if until and time.monotonic() > until:
                    return done
                done += take(pk, change, page, form, user)
            last = batch[-1]
        with transaction.atomic():
            kept = BulkChange.objects.select_for_update().get(pk=change.pk)
            if kept.ended_at is None and not waiting.exists():
                kept.ended_at = timezone.now()
                kept.save(update_fields=["ended_at"])
    return done


def form_of(change, page):
    """Return the form with what was answered; nothing for an undo."""
    if change.do == UNDO:
        return None
    # "Tomorrow" is the day after it was asked, however late the worker comes.
    form = page.many[change.do](change.answers, page=page, now=change.at)
    # Who takes it over may have left since; a day may have passed. Then each row says so.
    return form if form.is_valid() else form.errors


@transaction.atomic
def take(pk, change, page, form, user) -> bool:
    """Deal with one row, unless somebody else is at it or was quicker."""
    mine = BulkRow.objects.filter(pk=pk, state=State.WAITING)
    if (row := mine.first()) is None:
        return False
    rows = page.model._base_manager.select_related(*(page.model.lineage() or [None]))
    seen = Q() if is_taken_back(row, form) else page.model.reach(user)
    record = rows.filter(seen, pk=row.record_id).first()
    # Its diary before the row, as an erase has them, who takes what it is called out of the row.
    record = record and lock(record)
    if (row := mine.select_for_update(skip_locked=True).first()) is None:
        return False
    if record is None:
        row.state = State.GONE
    else:
        row.subject = str(record)[:200]
        try:
            with transaction.atomic():
                row.state = settle(row, change, record, page, form, user)
        except Refused as refusal:
            row.state, row.reason = State.REFUSED, " ".join(refusal.reasons)[:500]
        except PermissionDenied:
            row.state, row.reason = State.REFUSED, "You may read it, but not change it."
    row.save()
    return True


def is_taken_back(row, form) -> bool:
    """Whether this undoes that somebody gave a record away: they need not see it any more to take it back."""
    return form is None and "owner" in row.changed


def settle(row, change, record, page, form, user) -> str:
    """Change one record that is locked, and keep what it was before. Raises Refused or PermissionDenied."""
    if form is None:
        return set_back(row, change, record, page, user)
    if not (user.is_active and may(page, record, user, form)):
        raise PermissionDenied
    if isinstance(form, dict):
        raise Refused([words for each in form.values() for words in each])
    before = {name: kept(record, name) for name in form.sets}
    if not form.change(page, record, user):
        return State.SAME
    now = page.model._base_manager.get(pk=record.pk)
    changed = {name: [value, kept(now, name)] for name, value in before.items()}
    row.changed = {name: pair for name, pair in changed.items() if pair[0] != pair[1]}
    return State.DONE


def may(page, record, user, form) -> bool:
    """Whether this person may do it to this record: what its own page says of changes, or their right to move it."""
    right = getattr(form, "right", "change")
    if right == "change":
        return page.has_change_permission(as_asked_by(user), record)
    return holds(user, f"{page.opts.app_label}.{right}_{page.opts.model_name}", record)


def set_back(row, change, record, page, user) -> str:
    """Set what a change did back to what was before it, where nobody changed it since.

    It needs the right to change such records, and their reach too, but for what this person gave away by it.
    """
    seen = None if is_taken_back(row, None) else record
    if not (user.is_active and page.has_change_permission(as_asked_by(user), seen)):
        raise PermissionDenied
    if not row.changed:
        raise Refused(["What it said before was erased."])
    page.many[change.undoes.do].refuse_what_is_over(record)
    for name, (_, after) in row.changed.items():
        if kept(record, name) != after:
            raise Refused([f"“{label_of(page, name)}” was changed since."])
    page.set_fields(record, by=user, **{name: as_it_was(record, name, pair[0]) for name, pair in row.changed.items()})
    return State.DONE


def kept(record, name):
    """Return a value as it is kept beside a row: of somebody their number, of a day and a time how it is written."""
    field = record._meta.get_field(name)
    value = getattr(record, field.attname)
    return value.isoformat() if isinstance(value, (date, datetime)) else plain(value)


def as_it_was(record, name, value):
    field = record._meta.get_field(name)
    if field.related_model is User:
        person = User.who_may_own(type(record)).filter(pk=value).first()
        if person is None:
            gone = User.objects.filter(pk=value).first()
            raise Refused([f"{gone} cannot have it any more."])
        return person
    return parse_datetime(value) if value and name.endswith("_at") else field.to_python(value)


def forget() -> int:
    """Remove what was done long ago, with its rows, so many changes at a time: the diaries of the records have it."""
    old = BulkChange.objects.filter(ended_at__lt=timezone.now() - KEPT).order_by("-pk")
    # What undid another points to it: it is the younger one, and goes first.
    pks = list(old.filter(undone_by=None).values_list("pk", flat=True)[:BATCH])
    BulkRow.objects.filter(change__in=pks).delete()
    return BulkChange.objects.filter(pk__in=pks).delete()[0]


# -- How far it has come. ----------------------------------------------------------------------------------------------


def counts(change) -> dict[str, int]:
    """Return how many rows came out how."""
    return counts_of([change])[change.pk]


def counts_of(changes) -> dict[int, dict[str, int]]:
    """Return for each of these changes how many of its rows came out how."""
    found = {change.pk: dict.fromkeys(State.values, 0) for change in changes}
    rows = BulkRow.objects.filter(change__in=found).order_by()
    for pk, state, count in rows.values_list("change", "state").annotate(n=Count("pk")):
        found[pk][state] = count
    return found


def said(change, page, found) -> str:
    """Say what was done, in one sentence."""
    done, same = found[State.DONE], found[State.SAME]
    if not done:
        return f"{count_of(page, same)} had it so already." if same else "Nothing was changed."
    if change.do == UNDO:
        return f"{count_of(page, done)} set back."
    form = form_of(change, page)
    return form.said(page, done) if hasattr(form, "said") else f"{count_of(page, done)} changed."
