"""Makers of templates and sequences."""

from datetime import timedelta

from django.utils import timezone

from opportunities.models import Consent, MessageTemplate, Sequence, SequenceStep, Task
from opportunities.records import begin, edit, perform


def another_day():
    """Return a weekday, as `works_on` has it, on which it is today nowhere: not here, not where a contact lives."""
    return str((timezone.localdate() + timedelta(days=3)).isoweekday())


def a_template(by, name="How did it go?", purpose="transactional"):
    template = begin(MessageTemplate(name=name, purpose=purpose), by=by)
    template.revise(f"{name} (subject)", "Good morning. One short question.", by=by)
    return template


def a_sequence(by, *, name="Three letters", purpose="transactional", starts_with="", days=(3, 4, 7), steps=None):
    """A sequence of mails, each so many days after the one before; or of the steps that are given."""
    sequence = begin(Sequence(name=name, purpose=purpose, starts_with=starts_with), by=by)
    if steps is None:
        template = a_template(by, name=f"{name}: the letter", purpose=purpose)
        steps = [{"wait_days": wait, "template": template} for wait in days]
    for position, fields in enumerate(steps, 1):
        SequenceStep.objects.create(sequence=sequence, position=position, **fields)
    return sequence


def a_call(title="Call them", wait_days=2):
    return {"channel": "call", "title": title, "wait_days": wait_days}


def agree(contact, by, purpose="marketing", **fields):
    """Have a contact agree to a kind of mail."""
    given = {"text_version": "2026-01", "source": "Said on the phone", **fields}
    return begin(Consent(contact=contact, purpose=purpose, **given), by=by)


def let_fall_due(run):
    """Let the open step of a run be due now. Return its task."""
    task = run.tasks.get(stage=Task.Stage.OPEN)
    return edit(task, by=None, due_at=timezone.now() - timedelta(minutes=1))


def done(task, by=None):
    return perform(task.finish, by=by)


def to_clients(catcher):
    """Return the mail that a server got for clients: of what happened to it, our own people hear too."""
    return [envelope for envelope in catcher.got if not envelope.rcpt_tos[0].endswith("@zarts.example")]
