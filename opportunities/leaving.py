"""What somebody still owed when they left goes on with somebody who is here: nobody reads what is told to who left."""

from contextlib import suppress

from . import clock, followups, notices, policies
from .models import Audit, Message, SequenceRun, Task, User, WinBack
from .models.task import said
from .records import Refused, edit

UNSENT = (Message.Stage.DRAFT, Message.Stage.QUEUED, Message.Stage.HELD, Message.Stage.FAILED)


def works_here(user) -> bool:
    return user.is_active and user.is_staff


def heir(owed, left):
    """Return who takes over what somebody owed: whoever has its deal or lead, else the least busy of the same role.

    What is to be verified goes to whoever may. Nobody when nobody is left.
    """
    verifies = isinstance(owed, Task) and owed.record_type == Audit.label()
    if verifies and (verifier := User.who_may(policies.may_verify_audit, owed.record)):
        return verifier
    above = owed.parent.owner
    if above.pk != left.pk and works_here(above):
        return above
    able = User.who_may_own(Task).exclude(pk=left.pk).values("pk")
    roles = [*left.groups.order_by("name").values_list("name", flat=True), "Manager", ""]
    people = (User.by_load(role, team=left.team).filter(pk__in=able).first() for role in roles)
    return next((person for person in people if person), None)


def take_over(record, facts, owed):
    """Give whoever took a record over, as these facts of an edit say, what its last owner still owed of it."""
    if "owner" not in facts:
        return
    before = int(facts["owner"][0].rpartition("#")[2].rstrip(")"))
    for rows in owed:
        for each in rows.filter(owner=before).order_by("pk"):
            edit(each, by=None, reason=f"{record.owner} has taken {record} over.", owner=record.owner)


def hand_on(user):
    """Give everything that somebody who left still owes to somebody else, and tell each."""
    owed = Task.objects.unfinished().filter(owner=user)
    # The questions of the apps above go on by rules of their own.
    questions = owed.knowing_questions().filter(is_question=True).exclude(record_type=Audit.label())
    for task in owed.exclude(pk__in=questions.values("pk")).order_by("diary_id", "pk"):
        give(task, user)
    for kind in (WinBack, SequenceRun):
        for other in kind.objects.exclude(stage__in=kind.CLOSED).filter(owner=user).order_by("pk"):
            if person := heir(other, user):
                edit(other, by=None, reason=f"{user} has left.", owner=person)


def give(task, left):
    """Give a task of somebody who left to somebody who is here, with the mail that they would have signed."""
    person = heir(task, left)
    if person is None:
        return
    task = edit(task, by=None, reason=f"{left} has left.", owner=person)
    sign_anew(task)
    words = f"{left} has left, it is yours now: {task.title}, due {said(task.due_at, person.time_zone)}"
    key = f"left:{task.pk}:{clock.now().timestamp()}"
    notices.tell(person, "due", words, task.staff_url(), key=key, about=task)


def sign_anew(task):
    """Have the mail of a follow-up that has not gone yet go under the name of whoever has it now."""
    for message in task.messages.filter(stage__in=UNSENT):
        words = {}
        with suppress(Refused):  # words that cannot be filled any more stay as they were
            words = followups.mail_of(task) if task.template_id else {}
        edit(message, by=None, reason=f"{task.owner} has its follow-up now.", owner=task.owner, **words)
