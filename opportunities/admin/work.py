"""Tasks, messages, objections, promises said aloud, closings, and the diary itself."""

from django.contrib import admin
from django.db.models import Q
from django.utils.text import capfirst

from ..models import Closing, Event, Message, Objection, Opportunity, Task, UnwrittenPromise
from .base import ReadOnlyAdmin, RecordAdmin


@admin.register(Task)
class TaskAdmin(RecordAdmin):
    list_display = ["title", "kind", "stage", "owner", "due_at"]
    list_filter = ["stage", "kind", "owner"]
    list_select_related = ["owner"]
    search_fields = ["title"]
    in_place = ("title", "due_at", "owner")
    fieldsets = [
        (None, {"fields": ["title", "kind", "opportunity", "lead", "owner", "due_at"]}),
        ("Mail to the client when it falls due", {"fields": ["contact", "subject", "words"]}),
    ]

    def get_changeform_initial_data(self, request):
        return {"owner": request.user.pk, **super().get_changeform_initial_data(request)}

    def get_readonly_fields(self, request, obj=None):
        return [*super().get_readonly_fields(request, obj), *(["opportunity", "lead"] if obj else [])]


@admin.register(Message)
class MessageAdmin(RecordAdmin):
    list_display = ["subject", "contact", "channel", "stage", "owner", "sent_at"]
    list_filter = ["stage", "channel"]
    list_select_related = ["contact", "owner", "client", "opportunity"]
    search_fields = ["subject"]
    fields = ["opportunity", "contact", "channel", "subject", "body"]

    def get_readonly_fields(self, request, obj=None):
        return [*super().get_readonly_fields(request, obj), *(["opportunity", "contact"] if obj else [])]

    def before_birth(self, request, obj):
        obj.client, obj.owner = obj.contact.client, request.user

    def has_change_permission(self, request, obj=None):
        return super().has_change_permission(request, obj) and (obj is None or obj.stage == Message.Stage.DRAFT)


@admin.register(Objection)
class ObjectionAdmin(RecordAdmin):
    list_display = ["words", "kind", "opportunity", "stage", "owner"]
    list_filter = ["stage", "kind"]
    list_select_related = ["opportunity", "owner"]
    fields = ["opportunity", "kind", "words", "owner"]
    panels = ("admin/panels/objection_about.html",)

    def get_readonly_fields(self, request, obj=None):
        return [*super().get_readonly_fields(request, obj), *(["opportunity"] if obj else [])]


@admin.register(UnwrittenPromise)
class UnwrittenPromiseAdmin(RecordAdmin):
    list_display = ["words", "said_by", "opportunity", "stage", "owner"]
    list_filter = ["stage"]
    list_select_related = ["opportunity", "owner"]
    fields = ["opportunity", "words", "said_by", "owner"]

    def get_readonly_fields(self, request, obj=None):
        # An open one stands in the way of winning: it is settled, not carried off to another deal.
        closed = ["words"] if obj and obj.stage in obj.CLOSED else []
        return [*super().get_readonly_fields(request, obj), *closed, *(["opportunity"] if obj else [])]


class MovesOnly(RecordAdmin):
    """Born by a move of something else; changed by moves only."""

    def has_add_permission(self, request):
        return False

    def has_change_permission(self, request, obj=None):
        return False


@admin.register(Closing)
class ClosingAdmin(MovesOnly):
    list_display = ["opportunity", "outcome", "reason", "competitor", "reactivate_from", "reactivate_to"]
    list_filter = ["outcome", "reason"]
    list_select_related = ["opportunity"]
    fields = [
        "opportunity",
        "outcome",
        "reason",
        "words",
        "competitor",
        "reactivate_from",
        "reactivate_to",
        "must_change",
    ]


@admin.register(Event)
class EventAdmin(ReadOnlyAdmin):
    """The diary, for whoever may read all of it; the others read it on their records' pages."""

    change_form_template = "admin/change_form.html"
    list_display = ["at", "who", "did", "subject", "stage_before", "stage_after", "reason"]
    list_filter = ["actor_kind"]
    fields = ["at", "who", "did", "subject", "stage_before", "stage_after", "next_action", "reason", "hash"]
    readonly_fields = ["who", "did", "stage_before", "stage_after"]

    @admin.display(description="who")
    def who(self, event):
        return event.actor_name

    @admin.display(description="did what")
    def did(self, event):
        return capfirst(event.past)

    @admin.display(description="stage before")
    def stage_before(self, event):
        return stage_words(event.stage_from)

    @admin.display(description="stage after")
    def stage_after(self, event):
        return stage_words(event.stage_to)

    def get_queryset(self, request):
        rows = Event.objects.select_related("diary")
        if request.user.sees_all:
            return rows
        mine = Opportunity.objects.visible_to(request.user).values("diary")
        return rows.filter(Q(diary__in=mine))

    def has_view_permission(self, request, obj=None):
        return request.user.has_perm("opportunities.view_event")

    def about(self, request, record):
        return {}


def stage_words(stage) -> str:
    """Say a stage of the diary as people write it."""
    return stage.replace("_", " ").capitalize()
