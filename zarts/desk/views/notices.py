"""What one person was told, and how they want to be told."""

from django import forms
from django.contrib import messages
from django.db.models import Case, OuterRef, Subquery, When
from django.http import Http404, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from opportunities import clock, notices, reads
from opportunities.admin.base import whole_number
from opportunities.forms import say_plainly
from opportunities.models import Notice, NoticeChoice, Task, User
from opportunities.records import edit
from proposals.models import Approval

from ..access import looks_ahead, page_context, staff_page


@staff_page()
@require_safe
def mine(request):
    """List what this person was told, the newest first."""
    rows = Notice.objects.filter(user=request.user).annotate(settled=settled())
    page = reads.page_of(rows, whole_number(request.GET.get("before")))
    for notice in page.rows:
        notice.settled = SETTLED.get(notice.settled, "")
    context = page_context(request, "Notices", page=page, unread=notices.unread(request.user))
    return TemplateResponse(request, "desk/notices.html", context)


# How a list says that there is nothing left to do.
ENDS = ((Approval.Stage, Approval.CLOSED), (Task.Stage, Task.CLOSED))
SETTLED = {str(stage): kind(stage).label for kind, stages in ENDS for stage in stages}


def settled():
    """Return what became, since somebody was told of it, of the question or the task that a notice is about."""
    asked = Approval.objects.filter(pk=OuterRef("record_id"), stage__in=Approval.CLOSED)
    # That it was decided is what a later notice tells.
    asked = asked.exclude(decided_at__lte=OuterRef("at"))
    owed = Task.objects.filter(pk=OuterRef("record_id"), stage__in=Task.CLOSED)
    return Case(
        When(record_type=Approval.label(), then=Subquery(asked.values("stage"))),
        When(record_type=Task.label(), then=Subquery(owed.values("stage"))),
    )


@staff_page()
@require_safe
def unread(request):
    """Say how many this person has not opened: the bell asks."""
    answer = JsonResponse({"unread": notices.unread(request.user)})
    answer["Cache-Control"] = "no-store"
    return answer


def read(rows):
    """Mark notices as read. The mail of the day need not say them again."""
    rows.filter(read_at=None).update(read_at=clock.now(), in_digest=False)


@staff_page()
@require_safe
def open_one(request, pk):
    """Go where a notice leads. It is read with that: a browser that looks ahead for nobody is sent away."""
    if looks_ahead(request):
        return HttpResponse(status=503)
    notice = Notice.objects.filter(user=request.user, pk=pk).first()
    if notice is None:
        raise Http404("No such notice, or it is not yours.")
    read(Notice.objects.filter(pk=pk))
    return redirect(notice.url if notice.url.startswith("/admin/") else "notices")


@staff_page()
@require_POST
def read_all(request):
    """Mark everything as read that this person was told so far."""
    read(Notice.objects.filter(user=request.user))
    messages.success(request, "All notices are marked as read.")
    return redirect("notices")


class ChoicesForm(forms.Form):
    """How somebody wants to be told of each kind of thing, and when their mail of the day comes."""

    digest_at = forms.TimeField(
        label="Mail of the day at",
        required=False,
        widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M"),
    )

    def __init__(self, *args, user, **kwargs):
        super().__init__(*args, **kwargs)
        now = notices.choices_of(user)
        kinds = {
            kind: forms.ChoiceField(label=label, choices=NoticeChoice.How.choices, initial=now[kind])
            for kind, label in Notice.Kind.choices
        }
        self.fields: dict = {**kinds, **self.fields}
        self.fields["digest_at"].initial = user.digest_at
        zone = f"Your time zone is {user.time_zone}."
        self.fields["digest_at"].help_text = f"{zone} Leave it empty for none: what waits for it is told here only."
        for field in self.fields.values():
            say_plainly(field)


@staff_page()
@require_http_methods(["GET", "HEAD", "POST"])
def choose(request):
    """Let this person choose how they are told of what."""
    form = ChoicesForm(request.POST if request.method == "POST" else None, user=request.user)
    if form.is_valid():
        chosen = dict(form.cleaned_data)
        edit(User.objects.get(pk=request.user.pk), by=request.user, digest_at=chosen.pop("digest_at"))
        NoticeChoice.objects.bulk_create(
            [NoticeChoice(user=request.user, kind=kind, how=how) for kind, how in chosen.items()],
            update_conflicts=True,
            unique_fields=["user", "kind"],
            update_fields=["how"],
        )
        messages.success(request, "Saved: how you are told.")
        return redirect("notice_choices")
    context = page_context(request, "How I am told", form=form)
    return TemplateResponse(request, "desk/notice_choices.html", context, status=422 if form.errors else 200)
