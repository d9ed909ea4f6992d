"""What a guest asked, what we answered, and where they ask: on a page of their room."""

import json

from django.http import Http404
from django.shortcuts import redirect
from django.urls import reverse

from portal import visitor
from portal.forms import QuestionForm
from portal.models import Publication
from portal.pages import page
from portal.rights import call, rows

from .room import for_guest
from .sessions import guests_deed

# What a question can be about, and what it is called where one is chosen.
ABOUT = {"proposal": "The proposal", "contract": "The contract", "onboarding": "Getting live"}
REFUSED = {
    "refused": "Type your question first.",
    "nothing": "What this was about is not there any more. Choose something else, or write to the address below.",
    "too_many": "That is a lot of questions for a day. Let us talk instead: write to the address below.",
}


@for_guest
def questions(request, cursor, guest):
    """Show what was asked in this room and our answers, newest first, and the form to ask."""
    return questions_page(request, cursor, guest)


def questions_page(request, cursor, guest, status=200, form=None):
    asked = rows(cursor, "portal_questions")
    for question in asked:
        question["answer"] = json.loads(question["answer"] or "null")
        question["document"] = question["is_there"] and ABOUT.get(question["kind"])
    about = subjects()
    form = form or QuestionForm(about=about, initial={"about": request.GET.get("about", "")[:20]})
    return page(request, "room/questions", status=status, guest=guest, questions=asked, may_ask=bool(about), form=form)


def subjects() -> dict:
    """Return what a guest can ask about, the newest first: its title by its number."""
    shown = [one for one in Publication.objects.newest() if one.kind in ABOUT]
    return {str(one.pk): f"{ABOUT[one.kind]}: {one.title}" for one in shown}


@guests_deed
def ask(request, cursor, guest):
    """Ask something, as a signed-in guest. The database decides what it is about, and whether it counts."""
    form = QuestionForm(request.POST, about=subjects())
    if not form.is_valid():
        return questions_page(request, cursor, guest, status=422, form=form)
    typed = (form.cleaned_data.get("about"), form.cleaned_data["words"])
    who = (visitor.address(request), visitor.agent(request))
    outcome = call(cursor, "portal_ask", visitor.session_token(request), *typed, *who)
    if outcome == "unknown":
        raise Http404
    if outcome in REFUSED:
        form.add_error("words", REFUSED[outcome])
        return questions_page(request, cursor, guest, status=422, form=form)
    return redirect(reverse("questions") + "#asked")
