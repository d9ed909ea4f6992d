"""The pages of a file on its way in: upload it, say what its columns hold, look at what would come in, bring it in."""

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import Http404, HttpResponseNotAllowed, JsonResponse, StreamingHttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils.decorators import method_decorator
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_POST, require_safe

from .. import reads
from ..importing import refused, upload, ways
from ..importing.files import BadFile
from ..importing.forms import ChoicesForm, ColumnsForm, UploadForm
from ..importing.kinds import model_of
from ..models import Import, ImportRow
from ..records import Refused, edit, lock, perform
from .base import RecordAdmin, whole_number

SHOWN = 50
VERDICTS = ImportRow.Verdict
# In these it can be said anew what the columns hold.
MAPPABLE = (Import.Stage.UPLOADED, Import.Stage.CHECKED, Import.Stage.FAILED, Import.Stage.LEFT)


def labels(record) -> list[tuple[str, str]]:
    """Return what the verdicts are called: a deal that is joined comes in, at a client that is here."""
    deals = {"joined": "At clients that are here"} if record.kind == Import.Kind.OPPORTUNITIES else {}
    return [(value, deals.get(value, label)) for value, label in VERDICTS.choices]


@admin.register(Import)
class ImportAdmin(RecordAdmin):
    list_display = ["file_name", "kind", "stage", "row_count", "owner", "uploaded_at"]
    search_fields = ["file_name"]
    list_filter = ["kind", "stage"]
    list_select_related = ["owner"]
    adds = ("Import", "a file")
    empty_words = "No file was brought in yet. Begin with a list of leads, clients or opportunities: CSV or Excel."

    def has_change_permission(self, request, obj=None):
        return False  # by its own forms only

    def may_bring(self, request, record) -> bool:
        return request.user.has_perm("opportunities.move_import") and record.within_reach(request.user, "change")

    def pages(self):
        return [
            *super().pages(),
            ("<int:pk>/columns/", self.columns_view, "columns"),
            ("<int:pk>/choices/", self.choices_view, "choices"),
            ("<int:pk>/progress/", self.progress_view, "progress"),
            ("<int:pk>/refused/", self.refused_view, "refused"),
        ]

    # -- Upload. -------------------------------------------------------------------------------------------------------

    def add_view(self, request, form_url="", extra_context=None):
        """Take a file and its companions."""
        if not self.has_add_permission(request):
            raise PermissionDenied("Your role does not bring files in. An administrator can change that.")
        form = UploadForm(request.POST or None, request.FILES or None)
        if request.method == "POST" and form.is_valid():
            given = form.cleaned_data
            files = [(file.name, file.chunks()) for file in (given["file"], *given["companions"])]
            where = {"system": given["system"], "sheet": given["sheet"]}
            try:
                if words := ways.refusal_of(given["kind"], request.user):
                    raise BadFile(words)
                with transaction.atomic():
                    record = upload.upload(given["kind"], files, owner=request.user, by=request.user, **where)
                    if not record.row_count:
                        raise BadFile("The file names its columns and has no rows. Export it again, with its rows.")
            except BadFile as trouble:
                form.add_error("file", str(trouble))
            else:
                self.say_if_known(request, record)
                return redirect(record.staff_url())
        return self.page(request, "admin/import_upload.html", "Import a file", form=form)

    def say_if_known(self, request, record):
        same = Import.objects.visible_to(request.user).filter(digest=record.digest, stage=Import.Stage.DONE)
        if before := same.exclude(pk=record.pk).order_by("-pk").first():
            messages.warning(
                request, f"The same file came in on {before.uploaded_at:%-d %B %Y}: its rows will be known."
            )

    # -- The file. -----------------------------------------------------------------------------------------------------

    def change_view(self, request, object_id, form_url="", extra_context=None):
        """Show where the file is on its way, and the one thing to do next."""
        if request.method not in ("GET", "HEAD"):
            return HttpResponseNotAllowed(["GET"])
        return self.show(request, self.get_object_or_404(request, object_id))

    def show(self, request, record, *, form=None, status=200):
        may = self.may_bring(request, record)
        columns = form if isinstance(form, ColumnsForm) else None
        form = None if columns else form
        if columns is None and may and record.stage in MAPPABLE:
            columns = ColumnsForm(record=record)
        if form is None and may and record.stage == Import.Stage.CHECKED:
            form = ChoicesForm(record=record, user=request.user)
            form = form if form.fields else None  # a file may leave nothing open
        verdict = request.GET.get("rows", "")
        if verdict not in VERDICTS.values:
            verdict = next((one for one in ("refused", *VERDICTS.values) if record.counts.get(one)), "new")
        after = whole_number(request.GET.get("after")) or 0
        rows = []
        if record.counts:
            found = record.lines_of_file.filter(verdict=verdict, id__gt=after).order_by("id")
            rows = list(found.defer("raw")[: SHOWN + 1])
            self.link(request, record, rows)
        moves = {move.name: move for move in record.moves_for(request.user)}
        return self.page(
            request,
            "admin/import_file.html",
            str(record),
            status=status,
            record=record,
            may=may,
            form=form,
            columns=columns,
            moves=moves,
            made=", ".join(f"{count:,} {what}" for what, count in record.made.items() if count),
            verdicts=[(one, label, record.counts.get(one, 0)) for one, label in labels(record)],
            verdict=verdict,
            rows=rows[:SHOWN],
            older=rows[SHOWN - 1].pk if len(rows) > SHOWN else None,
            came=record.stage in (Import.Stage.DONE, Import.Stage.RUNNING),
            timeline=reads.timeline(record, whole_number(request.GET.get("before"))),
        )

    def link(self, request, record, rows):
        """Lead from each row to what it became, or was already, where this person may see that."""
        for row in rows:
            row.of, row.link = record, ""  # read once
        came = [row for row in rows if row.came_url]
        if came:
            model = model_of(record)
            seen = model.objects.visible_to(request.user).filter(pk__in=[row.record_id for row in came])
            pks = set(seen.values_list("pk", flat=True))
            for row in came:
                row.link = row.came_url if row.record_id in pks else ""

    def page(self, request, template, title, *, status=200, **context):
        context = {**self.admin_site.each_context(request), "title": title, "opts": self.opts, **context}
        return TemplateResponse(request, template, context, status=status)

    @method_decorator(require_POST)
    def columns_view(self, request, pk):
        """Take what the columns hold, keep it as a map if it has a name, and have the file checked."""
        record = self.theirs(request, pk, *MAPPABLE)
        form = ColumnsForm(request.POST, record=record)
        if not form.is_valid():
            return self.show(request, record, form=form, status=422)
        if form.sheet and form.sheet != record.sheet:
            return self.other_sheet(request, record, form)
        with transaction.atomic():
            record = self.still(record, *MAPPABLE)
            system = form.cleaned_data["system"] or record.system
            record = edit(record, by=request.user, columns=form.columns, choices=form.choices, system=system)
            if form.cleaned_data["save_as"] and request.user.has_perm("opportunities.add_importmap"):
                upload.save_map(record, form.cleaned_data["save_as"], by=request.user)
            return self.have_checked(request, record)

    def other_sheet(self, request, record, form):
        try:
            with transaction.atomic():
                record = edit(self.still(record, *MAPPABLE), by=request.user, sheet=form.sheet)
                upload.look(record)
                if record.stage != Import.Stage.UPLOADED:
                    # What was said of the rows of the other sheet holds no more.
                    perform(record.check_again, by=request.user)
        except (BadFile, Refused) as trouble:
            form.add_error("sheet", " ".join(getattr(trouble, "reasons", [str(trouble)])))
            return self.show(request, self.get_object_or_404(request, record.pk), form=form, status=422)
        return redirect(record.staff_url("columns"))

    @method_decorator(require_POST)
    def choices_view(self, request, pk):
        """Take what was chosen where the file leaves it open, and have the file checked again."""
        record = self.theirs(request, pk, Import.Stage.CHECKED)
        form = ChoicesForm(request.POST, record=record, user=request.user)
        if not form.is_valid():
            return self.show(request, record, form=form, status=422)
        with transaction.atomic():
            record = self.still(record, Import.Stage.CHECKED)
            record = edit(record, by=request.user, choices=form.choices)
            return self.have_checked(request, record)

    def have_checked(self, request, record):
        move = record.map_columns if record.stage == Import.Stage.UPLOADED else record.check_again
        try:
            perform(move, by=request.user)
        except Refused as refusal:
            messages.error(request, " ".join(refusal.reasons))
        return redirect(record.staff_url())

    def theirs(self, request, pk, *stages):
        record = self.get_object_or_404(request, pk)
        if not self.may_bring(request, record):
            raise PermissionDenied("Whoever may bring files in, and brought this one, decides about it.")
        self.refuse_other(record, stages)
        return record

    def still(self, record, *stages):
        """Return it locked: in another tab it may have gone on since, and its rows are judged by what it says now."""
        record = lock(record)
        self.refuse_other(record, stages)
        return record

    def refuse_other(self, record, stages):
        if record.stage not in stages:
            raise Http404(f"{record} is {record.get_stage_display().lower()} now.")

    @method_decorator(require_safe)
    def progress_view(self, request, pk):
        """Say how far it came, for the page that waits."""
        record = self.get_object_or_404(request, pk)
        words = f"{record.progress:,} of {record.row_count:,} rows"
        return JsonResponse({"stage": record.stage, "percent": record.percent, "words": words})

    @method_decorator(require_safe)
    def refused_view(self, request, pk):
        """Hand out the refused rows as a file, each with its reason."""
        record = self.get_object_or_404(request, pk)
        answer = StreamingHttpResponse(refused.lines(record), content_type="text/csv; charset=utf-8")
        answer["Content-Disposition"] = content_disposition_header(True, refused.name_of(record))
        return answer
