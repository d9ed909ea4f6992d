"""Sequences of follow-ups, their steps, where they run, and how one is started from a deal's page."""

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Count, Q
from django.shortcuts import redirect
from django.template.response import TemplateResponse

from .. import once, sequences
from ..forms import offer_people, say_plainly
from ..models import Contact, MessageTemplate, Sequence, SequenceRun, SequenceStep
from ..records import Refused
from .base import ReadOnlyAdmin, RecordAdmin, RowInline, came_from

MOST = 30
START = "opportunities.move_sequencerun"


class StepRows(RowInline):
    """The steps, in the order of their numbers; Alt and an arrow key move one."""

    model = SequenceStep
    fields = ["position", "wait_days", "channel", "template", "title"]
    verbose_name_plural = "steps"

    def has_delete_permission(self, request, obj=None):
        return self.has_change_permission(request, obj)

    def formfield_for_dbfield(self, db_field, request, **kwargs):
        field = super().formfield_for_dbfield(db_field, request, **kwargs)
        if db_field.name == "position":
            field.required, field.initial, field.help_text = False, None, "Empty: the last."
        return field

    def formfield_for_foreignkey(self, db_field, request, **kwargs):
        """Offer the templates that are in use, and those that a step of this very sequence has already."""
        here = request.resolver_match.kwargs.get("object_id") if request.resolver_match else None
        used = Q(pk__in=SequenceStep.objects.filter(sequence=here).values("template")) if here else Q()
        kwargs["queryset"] = MessageTemplate.objects.filter(Q(stage=MessageTemplate.Stage.IN_USE) | used)
        return super().formfield_for_foreignkey(db_field, request, **kwargs)


@admin.register(Sequence)
class SequenceAdmin(RecordAdmin):
    list_display = ["name", "purpose", "starts_with", "stage"]
    list_filter = ["purpose", "stage"]
    search_fields = ["name"]
    fields = ["name", "purpose", "starts_with"]
    nothing = {"starts_with": "Never"}
    inlines = [StepRows]
    panels = ("admin/panels/sequence.html",)
    empty_words = "No sequences yet. Write a template first, then say after how many days it is sent."

    def get_inlines(self, request, obj):
        """Whoever only reads it has its steps above, in words."""
        return self.inlines if obj is None or self.has_change_permission(request, obj) else []

    def formfield_for_dbfield(self, db_field, request, **kwargs):
        field = super().formfield_for_dbfield(db_field, request, **kwargs)
        if db_field.name == "starts_with":
            field.help_text = "Never: somebody starts it."
        return field

    def about(self, request, record):
        runs = SequenceRun.objects.visible_to(request.user).filter(sequence=record, stage=SequenceRun.Stage.RUNNING)
        running = list(runs.select_related("contact", "opportunity").order_by("-pk")[: MOST + 1])
        plan = sequences.shown(record)
        return super().about(request, record) | {
            "plan": plan,
            "running": running[:MOST],
            "more_running": len(running) > MOST,
            "endings": sequences.endings(record),
            "may_change": self.has_change_permission(request, record),
        }

    def save_formset(self, request, form, formset, change):
        """A step without a number becomes the last."""
        rows = [row for row in formset.forms if row.has_changed() or row.instance.pk]
        last = max((row.instance.position or 0 for row in rows), default=0)
        for row in rows:
            if row.instance.position is None:
                row.instance.position = last = last + 1
        super().save_formset(request, form, formset, change)


@admin.register(SequenceRun)
class SequenceRunAdmin(ReadOnlyAdmin, RecordAdmin):
    list_display = ["sequence", "contact", "opportunity", "stage", "ended", "owner"]
    list_filter = ["stage", "ended"]
    list_select_related = ["sequence", "contact", "opportunity", "owner"]
    fields = ["sequence", "contact", "opportunity", "owner"]
    panels = ("admin/panels/sequence_run.html",)
    empty_words = "No sequence runs. Start one on the page of an opportunity, at People."

    def about(self, request, record):
        return super().about(request, record) | {"path": sequences.path_of(record)}


# -- Starting one from the page of a deal. -----------------------------------------------------------------------------


class StartForm(forms.Form):
    """Which sequence, and for whom. What it will send is shown before it starts."""

    sequence = forms.ModelChoiceField(Sequence.objects.none(), empty_label=None)
    contact = forms.ModelChoiceField(Contact.objects.none(), label="For whom?", empty_label=None)

    def __init__(self, *args, opportunity, **kwargs):
        super().__init__(*args, **kwargs)
        in_use = Sequence.objects.filter(stage=Sequence.Stage.IN_USE).annotate(steps_in_plan=Count("rows"))
        self.fields["sequence"].queryset = in_use.filter(steps_in_plan__gt=0)
        offer_people(self.fields["contact"], Contact.objects.here().filter(client=opportunity.client_id))
        for field in self.fields.values():
            say_plainly(field)


def start_view(page, request, pk):
    """Choose a sequence and a contact, read what it will send, and start it."""
    opportunity = page.get_object_or_404(request, pk)
    if not (request.user.has_perm(START) and opportunity.within_reach(request.user, "change")):
        raise PermissionDenied("Whoever may stop sequences of this opportunity starts them.")
    sent = request.POST if request.method == "POST" else None
    initial = {"contact": request.GET.get("contact", "") or opportunity.decision_owner_id}
    form, lacks, plan, status = StartForm(sent, initial=initial, opportunity=opportunity), [], [], 200

    def answer():
        nonlocal lacks, plan, status
        if sent is not None and not form.is_valid():
            status = 422
        elif sent is not None:
            sequence, contact = form.cleaned_data["sequence"], form.cleaned_data["contact"]
            seen = f"{sequence.pk} {contact.pk}"
            lacks = sequences.why_not(sequence, opportunity, contact)
            if "start" in sent and sent.get("seen") == seen and not lacks:
                try:
                    run = sequences.start(sequence, opportunity, contact, by=request.user)
                except Refused as refusal:
                    lacks = refusal.lacks
                else:
                    messages.success(request, f"Started: {run}.")
                    return redirect(came_from(request, opportunity))
            status = 409 if lacks else 200
            plan = [] if lacks else sequences.foreseen(sequence, opportunity, contact, owner=opportunity.owner)
            form.seen = seen
        context = {
            **page.admin_site.each_context(request),
            "title": "Start a sequence",
            "opts": page.opts,
            "record": opportunity,
            "form": form,
            "lacks": lacks,
            "plan": plan,
            "is_any": form.fields["sequence"].queryset.exists(),
            "back": came_from(request, opportunity),
        }
        return TemplateResponse(request, "admin/start_sequence.html", context, status=status)

    return once.saved(request, answer)
