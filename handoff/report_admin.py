"""The page on which a report is written: its numbers, its notes, its words, and what still stands before the client."""

import csv

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Exists, OuterRef, Q
from django.http import HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse

from opportunities import spreadsheets
from opportunities.admin.base import KeptAdmin
from opportunities.records import begin, lock, perform
from proposals.admin.papers import PaperPages

from . import owing, publishing, writing
from .forms import ReportNoteForm
from .models import Report, ReportNote

GONE = "It is {stage}: its numbers and words stay as they are. What you typed stands below; copy what you need."
# What is typed for the client, by the beginning of its name.
THEIRS = ("value_", "more_", "next_steps")


@admin.register(Report)
class ReportAdmin(PaperPages):
    list_display = ["project", "period_from", "period_to", "due_on", "stage", "breach", "owner"]
    list_more = ("published_at",)
    list_filter = ["stage", "breach", "owner"]
    list_select_related = [
        "project__client",
        "project__opportunity",
        "project__handoff__contract",
        "cadence",
        "owner",
        "owed_by",
        "summary",
        "approved_by",
    ]
    empty_words = "No report is owed. A project that is inherited schedules its first ones."

    def has_add_permission(self, request):
        return False

    def pages(self):
        return [
            *super().pages(),
            ("<int:pk>/numbers/", self.numbers_view, "numbers"),
            ("<int:pk>/note/", self.note_view, "note"),
        ]

    # -- The writer. ---------------------------------------------------------------------------------------------------

    def changeform_view(self, request, object_id=None, form_url="", extra_context=None):
        if object_id is None:
            raise PermissionDenied("Reports are scheduled by their cadence.")
        report = self.get_object_or_404(request, object_id)
        if request.method != "POST":
            return self.shown(request, report)
        self.refuse_readers(request, report)
        with transaction.atomic():
            form = writing.report_form(lock(report), request.POST)
            typed = {name: words for name, words in request.POST.items() if name.startswith(THEIRS) and words}
            if not form.writes and (typed or not report.is_open):
                return self.shown(request, report, typed=typed, status=409)
            if not form.is_valid():
                return self.shown(request, report, form=form, status=409 if form.newer else 422)
            if typed and report.stage == Report.Stage.SCHEDULED:
                perform(report.start, by=request.user)
            form.keep(by=request.user)
        if request.POST.get("then") == "submit":
            return self.move_view(request, report.pk, "submit")
        messages.success(request, f"Saved: {report}.")
        return redirect(report.staff_url())

    def refuse_readers(self, request, report):
        if not self.has_change_permission(request, report):
            raise PermissionDenied(f"You may read this, but not write in it: {report}.")

    def shown(self, request, report, *, form=None, note=None, typed=None, file=None, status=200):
        """Show the writer, with what was typed or read from a file where that was not written."""
        may = self.has_change_permission(request, report)
        if typed is not None or form is None:
            form = writing.report_form(report) if may and report.is_open else None
        writes = bool(form and form.writes)
        history = form.history if form else report.history()
        to, without = report.readers
        about = self.about(request, report)
        at = report.cadence.staff_url("id_recipients")
        context = {
            **self.admin_site.each_context(request),
            **about,
            "opts": self.opts,
            "client": report.project.client,
            "form": form,
            "writes": writes,
            "rows": form.rows if writes else writing.number_rows(report.numbers, history),
            "moves_with_form": {"submit": "write"} if writes and report.stage == Report.Stage.DRAFTING else {},
            "wrong": bool(form and form.is_bound and form.errors and not form.newer),
            "gone": GONE.format(stage=report.get_stage_display().lower()) if typed is not None else "",
            "typed": typed,
            "file": file,
            "gates": writing.gate_list(report),
            "readers": to,
            "without": [publishing.mend_reader(contact, why, at) for contact, why in without],
            "recipients_url": at,
            "notes": report.notes.select_related("author").order_by("-pk"),
            "note": (note or ReportNoteForm()) if self.may_note(request, report) else None,
            "words_url": writing.words_url(report) if writes else "",
            "may_write_words": request.user.has_perm("proposals.write_summary"),
            "breached": report.is_late or bool(report.breach),
            "notices": report.notices.order_by("-pk"),
            "notice_url": writing.notice_url(report) if may and report.is_open else "",
            "earlier": report.earlier().last(),
        }
        return TemplateResponse(request, "handoff/report.html", context, status=status)

    # -- Numbers from a file. ------------------------------------------------------------------------------------------

    def numbers_view(self, request, pk):
        """Hand out the list to fill in (GET). Read a file and show what it says; write it once it was seen (POST)."""
        report = self.get_object_or_404(request, pk)
        if request.method != "POST":
            return list_to_fill_in(report)
        self.refuse_readers(request, report)
        if report.stage not in writing.WRITABLE:
            messages.warning(
                request, f"{report} is {report.get_stage_display().lower()}: its numbers stay as they are."
            )
            return self.shown(request, report, status=409)
        if token := request.POST.get("token"):
            with transaction.atomic():
                report = lock(report)
                trouble = writing.take_file(report, token, by=request.user)
                if not trouble and report.stage == Report.Stage.SCHEDULED:
                    perform(report.start, by=request.user)
            if trouble:
                return self.shown(request, report, file=writing.ReadFile(trouble=trouble), status=409)
            messages.success(request, f"Taken over: the numbers of {report}.")
            return redirect(report.staff_url("numbers"))
        file = writing.read_file(report, request.FILES.get("file"))
        return self.shown(request, report, file=file, status=200 if file.may_be_taken else 422)

    # -- Notes. --------------------------------------------------------------------------------------------------------

    def may_note(self, request, report) -> bool:
        return request.user.has_perm("handoff.add_reportnote") and report.within_reach(request.user, "change")

    def note_view(self, request, pk):
        """Add a note for ourselves."""
        report = self.get_object_or_404(request, pk)
        if not self.may_note(request, report):
            raise PermissionDenied(f"You may read this, but not add to it: {report}.")
        note = ReportNoteForm(request.POST if request.method == "POST" else None)
        if not note.is_valid():
            return self.shown(request, report, note=note, status=422 if note.is_bound else 200)
        begin(ReportNote(report=report, author=request.user, words=note.cleaned_data["words"]), by=request.user)
        messages.success(request, "Noted, for us alone.")
        return redirect(report.staff_url("notes"))


# So many broken promises of reports stand on their project's page; the list of reports has them all.
MOST_BREACHES = 12


def breaches_of(project) -> list:
    """Return the reports of a project that came late, were missed, or have not come on their day, newest first."""
    zones = {cadence.time_zone for cadence in project.its("cadences")}
    broken = ~Q(breach="") | Q(stage__in=Report.UNPUBLISHED) & owing.is_past(zones=zones)
    told = Exists(Report.with_notice().filter(record_id=OuterRef("pk")))
    rows = project.reports.filter(broken).annotate(told=told).select_related("owner", "owed_by").order_by("-due_on")
    return list(rows[:MOST_BREACHES])


def list_to_fill_in(report) -> HttpResponse:
    """Return the numbers of a report as a file, which comes back with the values."""
    response = HttpResponse(content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="report-{report.pk}-numbers.csv"'
    rows = csv.writer(response)
    twins = writing.has_twins(report)
    rows.writerow(["metric", "value", "unit", *(["promised"] if twins else [])])
    for number in report.numbers:
        said = [str(number.get(name) or "") for name in ("metric", "value", "unit")]
        rows.writerow(
            [spreadsheets.safe(words) for words in (*said, *([writing.telling(number, "promised")] if twins else []))]
        )
    return response


@admin.register(ReportNote)
class ReportNoteAdmin(KeptAdmin):
    """A note is added and read, never changed."""

    list_display = ["words", "report", "author", "at"]
    list_select_related = ["report__project", "report__cadence", "author"]
    fields = ["report", "words"]

    def has_change_permission(self, request, obj=None):
        return False

    def before_birth(self, request, obj):
        obj.author = request.user
