"""The page on which client words are written, beside what is internal."""

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import Http404
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils.decorators import method_decorator
from django.views.decorators.http import require_POST

from opportunities import once
from opportunities.admin.base import whole_number
from opportunities.forms import UNPRINTABLE
from opportunities.models import Event, Opportunity
from opportunities.records import HolderOf, begin, who_may

from .. import answering, lint
from ..models import Summary
from ..wording import SummaryForm, as_typed, beside, checked, closed_to, take
from .writing import WrittenAdmin

# So many letters of words can be begun by the address that leads to the editor.
PREFILLED = 2000
GONE = "These words cannot be changed any more: they are {stage}. What you typed is still here: copy what you need."


@admin.register(Summary)
class SummaryAdmin(WrittenAdmin):
    right = "proposals.write_summary"
    list_display = ["title", "kind", "opportunity", "stage", "owner", "due_on"]
    list_filter = ["stage", "kind", "owner"]
    list_select_related = ["opportunity__client", "owner"]
    search_fields = ["title"]
    fields = ["title", "words", "kind", "opportunity", "owner", "next_action", "due_on"]
    empty_words = "No client words yet. Write the first about a finding of an audit."

    def pages(self):
        return [*super().pages(), ("lint/", self.lint_view, "lint")]

    # -- The editor. ---------------------------------------------------------------------------------------------------

    def changeform_view(self, request, object_id=None, form_url="", extra_context=None):
        if object_id is None:
            if not self.has_add_permission(request):
                raise PermissionDenied("Whoever writes words for clients adds them.")
            summary = self.unborn(request)
            if request.method == "GET" and (begun := answering.begun(summary)):
                return redirect(begun.staff_url())
            return once.saved(request, lambda: self.written(request, summary))
        summary = self.get_object_or_404(request, object_id)
        return self.written(request, summary)

    def unborn(self, request) -> Summary:
        """Return what a new one begins with: the deal, the kind and the record that the address names."""
        asked, said = request.GET, request.POST.get("opportunity")
        pk = whole_number(said) or whole_number(asked.get("opportunity")) or 0
        deal = Opportunity.objects.visible_to(request.user).select_related("client").filter(pk=pk).first()
        kind = asked.get("kind", "")
        summary = Summary(kind=kind if kind in Summary.Kind.values else "", opportunity=deal)
        # What the page that led here knows already.
        said = {name: UNPRINTABLE.sub("", asked.get(name, "")) for name in ("title", "words")}
        summary.title, summary.words = said["title"][:160], said["words"][:PREFILLED]
        if deal:
            self.be_about(summary, asked.get("about", ""))
        if (question := answering.question_of(summary)) and question.opportunity_id == deal.pk:
            summary.title = answering.title_for(question)
        elif kind == Summary.Kind.ANSWER:
            summary.record_type, summary.record_id = "", None
        return summary

    def be_about(self, summary, said):
        """Let a new one be about the record that is named, where something internal is written about such."""
        label, _, number = said.partition(":")
        if whole_number(number) and label in lint.ABOUT:
            summary.record_type, summary.record_id = label, int(number)

    def written(self, request, summary):
        """Show the editor; check what was typed, or save it. Where something is wrong, nothing is lost."""
        if request.method != "POST":
            return self.shown(request, summary)
        if summary.pk and not self.has_change_permission(request, summary):
            within = request.user.has_perm(self.right) and summary.within_reach(request.user, "change")
            if not within:
                raise PermissionDenied(f"You may read this, but not write in it: {summary}.")
            return self.shown(request, summary, gone=True, status=409)
        data = request.POST
        if "check" in data or "take" in data:
            data = take(data, summary) if "take" in data else data
            return self.shown(request, summary, data=data, only_checked=True)
        internal = self.internal_of(summary)
        form = self.form_of(request, summary, internal, data)
        if not form.is_valid():
            return self.shown(request, summary, form=form, internal=internal, status=422)
        with transaction.atomic():
            if summary.pk is None:
                return self.born_of(request, form)
            is_saved = form.save(by=request.user)
        if is_saved and data.get("then") == "submit":
            return self.submitted(request, summary)
        if is_saved:
            return self.stay_with(request, self.model.objects.get(pk=summary.pk), "Saved")
        summary = self.get_queryset(request).get(pk=summary.pk)
        return self.shown(request, summary, form=form, internal=internal, status=409)

    def born_of(self, request, form):
        summary = form.fill(Summary(next_action="Write the words and submit them for review"))
        summary.next_action = summary.next_action or "Write the words and submit them for review"
        self.before_birth(request, summary)
        self.refuse_reader(request, summary.opportunity)
        begin(summary, by=request.user, past=self.born)
        return self.stay_with(request, summary, "Added")

    def submitted(self, request, summary):
        """Submit what was just saved. Where it is refused, what was typed stays saved."""
        return self.move_view(request, summary.pk, "submit")

    def internal_of(self, summary) -> list:
        return lint.internal_of(summary.opportunity) if summary.opportunity_or_none else []

    def form_of(self, request, summary, internal, data=None):
        is_answer = summary.opportunity_or_none and summary.kind == Summary.Kind.ANSWER
        questions = answering.questions(summary.opportunity) if is_answer else ()
        asked = {"internal": internal, "questions": questions}
        return SummaryForm(data, summary=summary, user=request.user, admin_site=self.admin_site, **asked)

    def shown(
        self, request, summary, *, form=None, internal=None, data=None, only_checked=False, gone=False, status=200
    ):
        internal = self.internal_of(summary) if internal is None else internal
        may = summary.pk is None or self.has_change_permission(request, summary)
        if form is None and may:
            form = self.form_of(request, summary, internal, data)
        typed = request.POST if gone else form.data if form is not None and form.is_bound else None
        said = {name: getattr(summary, name) for name in ("title", "words")}
        if typed is not None:
            said = as_typed(typed)
        with summary.while_asked():
            marked = checked(summary, internal=internal, **said)
            about = self.about(request, summary) if summary.pk else {"title": "Words for a client", "panels": ()}
        near, others = beside(summary, internal)
        context = {
            **self.admin_site.each_context(request),
            **about,
            "opts": self.opts,
            "record": summary if summary.pk else None,
            "deal": summary.opportunity_or_none,
            "moves_with_form": {"submit": "write"} if may and summary.pk and summary.stage == "draft" else {},
            "form": form,
            "only_checked": only_checked,
            "gone": GONE.format(stage=summary.get_stage_display().lower()) if gone else "",
            "typed": said if gone else None,
            "question": answering.asked_in(summary),
            "is_notice": summary.kind == Summary.Kind.NOTICE and summary.opportunity_or_none,
            "near": near,
            "closed_to_them": closed_to(request.user, internal),
            "others": others,
            "checked": marked,
            "wrong": bool(form is not None and form.is_bound and not only_checked and form.errors),
        }
        return TemplateResponse(request, "proposals/summary_editor.html", context, status=status)

    def about(self, request, record):
        passed = Event.objects.filter(record_type=record.label(), record_id=record.pk, verb="summary.submit")
        passed = passed.exclude(reason="").filter(facts__values__has_key="overridden").select_related("facts")
        return super().about(request, record) | {
            "approvals": record.approvals.select_related("owner", "decided_by", "opportunity"),
            "who_approves": who_may(HolderOf("proposals.approve_summary")),
            "passed": list(passed.order_by("-pk")[:10]),
        }

    # -- Lint as one types. --------------------------------------------------------------------------------------------

    @method_decorator(require_POST)
    def lint_view(self, request):
        """Answer with the marks on words that are being typed. Nothing is kept of them."""
        if not request.user.has_perm(self.right):
            raise PermissionDenied("Whoever writes words for clients has them checked.")
        deals = Opportunity.objects.visible_to(request.user).select_related("client")
        deal = deals.filter(pk=whole_number(request.POST.get("deal")) or 0).first()
        if deal is None:
            raise Http404
        summary = Summary(opportunity=deal)
        self.be_about(summary, request.POST.get("about", ""))
        found = checked(summary, **as_typed(request.POST))
        return TemplateResponse(request, "proposals/marks.html", {"checked": found})
