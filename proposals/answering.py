"""What clients ask and object to at the portal: where it is filed, and our answer below it.

An answer is a summary of its kind about the message or the objection: written beside the question, read for internal
words, approved, and shown. One is in force for each question.
"""

from django.urls import reverse
from django.utils.http import urlencode
from django.utils.text import Truncator

from opportunities import incoming
from opportunities.models import Contact, Message, Objection, Task
from opportunities.panels import may_change
from opportunities.records import edit, perform
from portal.models import ClientAction, Publication

from . import publishing
from .models import Summary

ANSWERED = "Answered where they asked."
WRITE = "proposals.write_summary"
MOST = 20


def owe(record, words, *, owner, opportunity):
    """Open the task to answer what was just filed."""
    incoming.owe(words, record, type(record).objects.filter(pk=record.pk), owner=owner, opportunity=opportunity)


def question_of(record):
    """Return the question that a record is, or answers, or is the task to answer; None where there is none."""
    if isinstance(record, Task):
        kinds = (Message.label(), Objection.label(), Summary.label())
        record = record.record if record.record_type in kinds else None
    if isinstance(record, Summary):
        record = record.record if record.kind == Summary.Kind.ANSWER else None
    return record if getattr(record, "portal_action_id", None) else None


def asked_in(summary):
    """Return what the client did that an answer answers, with the page of its record; None for other words."""
    question = question_of(summary)
    if question is None:
        return None
    return {"action": ClientAction.objects.get(pk=question.portal_action_id), "url": question.staff_url()}


def begun(summary):
    """Return the answer that somebody is writing to the same question already, or None."""
    if question_of(summary) is None:
        return None
    same = Summary.objects.filter(kind=summary.kind, record_type=summary.record_type, record_id=summary.record_id)
    return same.filter(stage__in=Summary.WRITABLE).order_by("-pk").first()


def questions(opportunity) -> list:
    """Return what the client of a deal asked and objected to at the portal, the newest first."""
    asked = [
        *opportunity.messages.exclude(portal_action_id=None).order_by("-pk")[:MOST],
        *opportunity.objections.exclude(portal_action_id=None).order_by("-pk")[:MOST],
    ]
    return sorted(asked, key=lambda each: -each.portal_action_id)


def key(question) -> str:
    return f"{question.label()}:{question.pk}"


def words_of(question) -> str:
    """Return what they asked, in their words."""
    return question.body if isinstance(question, Message) else question.words


def title_for(question) -> str:
    """Return how an answer is headed, until somebody heads it otherwise."""
    action = ClientAction.objects.select_related("publication").get(pk=question.portal_action_id)
    what = "What you said" if action.verb == ClientAction.Verb.OBJECTED else "Your question"
    about = action.data.get("title") or action.publication.title
    return f"{what} about “{Truncator(about).chars(100)}”"


# -- The button. -------------------------------------------------------------------------------------------------------


def say_where(questions, user):
    """Tell each of these questions the page on which it is answered, and what the button to it says. One query."""
    for each in questions:
        each.answer_at = None
    asked = {key(each): each for each in questions if each.portal_action_id}
    if not asked:
        return
    rows = Summary.objects.filter(kind=Summary.Kind.ANSWER, record_id__in=[each.pk for each in asked.values()])
    found: dict = {}
    for answer in rows.exclude(stage__in=["withdrawn", "superseded"]).order_by("pk"):
        # What is being written goes before what stands there.
        about, is_written = f"{answer.record_type}:{answer.record_id}", answer.stage in Summary.WRITABLE
        if about not in found or is_written:
            found[about] = answer
    for about, each in asked.items():
        each.answer_at = button(each, found.get(about), user)


def button(question, answer, user):
    """Return the button to the answer of a question: its words and its address; None where nobody may write one."""
    if answer is not None:
        words = "Go on with the answer" if answer.stage in Summary.WRITABLE else "Read our answer"
        return {"words": words, "url": answer.staff_url(), "is_new": False}
    if not may_change(question.opportunity, user, WRITE):
        return None
    asked = urlencode({"opportunity": question.opportunity_id, "kind": Summary.Kind.ANSWER, "about": key(question)})
    url = f"{reverse('admin:proposals_summary_add')}?{asked}"
    return {"words": "Answer where they asked", "url": url, "is_new": True}


def say_where_of_tasks(tasks, user):
    """The same of tasks to answer: each leads to the answer of its question. At most three queries."""
    wanted: dict = {model: [] for model in (Message, Objection)}
    for task in tasks:
        task.answer_at = None
        for model, pks in wanted.items():
            if task.record_type == model.label():
                pks.append(task.record_id)
    found = [
        question
        for model, pks in wanted.items()
        if pks
        for question in model.objects.filter(pk__in=pks).exclude(portal_action_id=None).select_related("opportunity")
    ]
    say_where(found, user)
    by_key = {key(each): each for each in found}
    for task in tasks:
        if question := by_key.get(f"{task.record_type}:{task.record_id}"):
            task.answer_at = question.answer_at


# -- What follows from an answer. --------------------------------------------------------------------------------------


def show(summary):
    """Show an answer below its question, in place of an earlier one; mail it to whoever asked, and owe it no more."""
    question = question_of(summary)
    earlier = Summary.objects.filter(kind=summary.kind, stage=Summary.Stage.PUBLISHED)
    earlier = earlier.filter(record_type=summary.record_type, record_id=summary.record_id).exclude(pk=summary.pk)
    for each in earlier.order_by("pk"):
        perform(each.supersede, by=None)
    action = ClientAction.objects.select_related("link").get(pk=question.portal_action_id)
    publishing.publish_answer(summary, action)
    contact = Contact.objects.get(pk=action.contact_id)
    if contact.email and not contact.left_on:
        publishing.mail_answer(summary, action, contact)
    if isinstance(question, Objection) and question.stage == Objection.Stage.RAISED:
        perform(question.reply, by=None, answer=ANSWERED)
    for task in Task.objects.about(question).unfinished():
        perform(task.finish, by=None, outcome=ANSWERED)


def take_back(summary, reason):
    """Take an answer off the pages of the client. The question stands there unanswered again."""
    for publication in Publication.objects.filter(ref=publishing.ref(summary), withdrawn_at=None):
        publication.withdraw(reason)
    publishing.hold_answer(summary, asked_in(summary)["action"])
    for task in Task.objects.about(summary).open():
        edit(task, by=None, title=f"Answer again, or tell them why not: {summary.title}"[:200])
