"""The page on which a person takes out what they own: ask for it, see how far it is, download it."""

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, JsonResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_http_methods, require_safe

from opportunities import clock
from opportunities.importing.forms import plainly
from opportunities.models import User
from opportunities.records import Refused, tell
from zarts.desk.access import page_context, staff_page

from . import own
from .models import OwnTakeout

MINE, EVERYBODY = "mine", "everybody"
SHOWN = 10
MOST_PEOPLE = 500


class WhoseForm(forms.Form):
    """Whose records: one's own, or those of whom one who sees everything chooses."""

    whose = forms.ChoiceField(label="Whose records")

    def __init__(self, *args, user, **kwargs):
        super().__init__(*args, **kwargs)
        self.user = user
        if user.sees_all:
            people = User.objects.exclude(pk=user.pk).order_by("username")[:MOST_PEOPLE]
            others = [(str(person.pk), str(person)) for person in people]
            self.fields["whose"].choices = [(MINE, "Yours"), (EVERYBODY, "Everybody’s"), *others]
            plainly(self)
        else:
            del self.fields["whose"]

    @property
    def person(self):
        """Return whose records are meant; nobody's in particular: everybody's."""
        chosen = self.cleaned_data.get("whose", MINE)
        if chosen == MINE:
            return self.user
        return None if chosen == EVERYBODY else User.objects.get(pk=chosen)


@staff_page()
@require_http_methods(["GET", "HEAD", "POST"])
def takeouts(request):
    """Ask for a take-out, and see those that were asked for."""
    form = WhoseForm(request.POST if request.method == "POST" else None, user=request.user)
    if request.method == "POST" and form.is_valid():
        try:
            own.ask(request.user, form.person)
        except Refused as refusal:
            messages.warning(request, str(refusal))
        return redirect("own_takeouts")
    mine = list(OwnTakeout.objects.filter(user=request.user).select_related("whose").order_by("-pk")[:SHOWN])
    now = clock.now()
    for each in mine:
        each.is_there = each.state == OwnTakeout.State.READY and each.gone_at > now
    context = page_context(
        request,
        "Take out",
        form=form,
        mine=mine,
        running=next((each for each in mine if each.is_at_work), None),
        may_import=request.user.has_perm("opportunities.add_import"),
    )
    return TemplateResponse(request, "takeout/own.html", context, status=422 if form.errors else 200)


def theirs(request, pk) -> OwnTakeout:
    """Return what this person asked for. Of another's it is not said that it is there."""
    return get_object_or_404(OwnTakeout.objects.select_related("whose", "user"), pk=pk, user=request.user)


@staff_page()
@require_safe
def progress(request, pk):
    """Say how far it is, for the page that waits."""
    takeout = theirs(request, pk)
    return JsonResponse({"stage": takeout.state, "percent": takeout.percent, "words": takeout.progress})


@staff_page()
@require_safe
def download(request, pk):
    """Hand it out to whoever asked for it, as long as they may still see what is in it."""
    takeout = theirs(request, pk)
    if not own.may_take(request.user, takeout.whose):
        raise PermissionDenied("You may not see all of it any more. Ask for what you own.")
    if takeout.state != OwnTakeout.State.READY or takeout.gone_at <= clock.now():
        raise Http404("It is not ready yet, or its days are over. Ask for it again.")
    if request.method == "GET":
        tell(request.user, "takeout", "downloaded the take-out of", by=request.user, facts={"takeout": takeout.pk})
    answer = StreamingHttpResponse(own.zipped(takeout), content_type="application/zip")
    name = f"take-out {takeout.whose.username if takeout.whose else EVERYBODY} {takeout.ready_at:%Y-%m-%d}.zip"
    answer["Content-Disposition"] = content_disposition_header(True, name)
    answer["Cache-Control"] = "private, no-store"
    return answer
