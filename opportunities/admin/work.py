"""Messages, objections, promises said aloud, closings, and the diary itself."""

from copy import copy

from django.contrib import admin
from django.db import transaction
from django.db.models import Q
from django.utils.text import capfirst

from ..composing import preview
from ..lists.actions import MANY
from ..models import Closing, Event, Message, Objection, Opportunity, UnwrittenPromise
from ..panels import standing_of
from ..records import perform
from .base import ReadOnlyAdmin, RecordAdmin, whole_number
from .composing import may_write, of_draft, sent_meanwhile


@admin.register(Message)
class MessageAdmin(RecordAdmin):
    list_display = ["subject", "contact", "channel", "stage", "owner", "sent_at"]
    list_filter = ["stage", "channel"]
    list_select_related = ["contact__client", "owner", "client", "opportunity"]
    search_fields = ["subject"]
    fields = ["opportunity", "contact", "channel", "subject", "body"]
    panels = ("admin/panels/message.html",)
    empty_words = "No messages yet. Write a mail on the page of an opportunity."

    def pages(self):
        return [*super().pages(), ("<int:pk>/write/", lambda *args, **kwargs: of_draft(self, *args, **kwargs), "write")]

    def changeform_view(self, request, object_id=None, form_url="", extra_context=None):
        """Whoever saves an old page of a draft that was sent meanwhile sees what they typed."""
        message = self.get_object(request, object_id) if object_id and request.method == "POST" else None
        if message is not None and message.stage != Message.Stage.DRAFT and self.wrote(request, message):
            return sent_meanwhile(request, message)
        return super().changeform_view(request, object_id, form_url, extra_context)

    def wrote(self, request, message) -> bool:
        """Whether this person could write in it while it was a draft."""
        return super().has_change_permission(request, message)

    def get_readonly_fields(self, request, obj=None):
        """What it is stays what it is: notes of a call are no mail, and a mail becomes no call."""
        return [*super().get_readonly_fields(request, obj), *(["opportunity", "contact", "channel"] if obj else [])]

    def get_fieldsets(self, request, obj=None):
        """What was written is read above the form, as its reader gets it; the form is for a draft."""
        if obj is not None and obj.stage != Message.Stage.DRAFT:
            return []
        return super().get_fieldsets(request, obj)

    def filter_rows(self, request, rows):
        """Let an address ask for the messages of one deal, too: its page shows the newest only."""
        filters, rows = super().filter_rows(request, rows)
        deals = Opportunity.objects.visible_to(request.user)
        asked = whole_number(request.GET.get("opportunity"))
        if asked and (deal := deals.filter(pk=asked).first()):
            rows = rows.filter(opportunity=deal)
            chosen = {"label": "Opportunity", "choices": [(str(deal.pk), str(deal))], "chosen": str(deal.pk)}
            filters.append({"name": "opportunity", **chosen})
        return filters, rows

    def about(self, request, record):
        mails = record.channel == Message.Channel.MAIL and record.stage != Message.Stage.RECEIVED
        may = may_write(request.user, record)
        return super().about(request, record) | {
            "seen": preview(record_as_sent(record)) if mails else None,
            "standing": standing_of(record) if mails else "",
            "version": record.template_version,
            "answers": record.in_reply_to
            and Message.objects.visible_to(request.user).filter(message_id=record.in_reply_to).first(),
            "may_go_on": may and mails and record.stage == Message.Stage.DRAFT,
            "may_rewrite": may
            and record.opportunity_id
            and record.stage in (Message.Stage.FAILED, Message.Stage.HELD)
            and Message.LINK not in record.body,
        }

    def before_birth(self, request, obj):
        obj.client, obj.owner = obj.contact.client, request.user

    @transaction.atomic
    def save_model(self, request, obj, form, change):
        """A call or a meeting took place: it is filed at once, with all that follows. It is never sent."""
        super().save_model(request, obj, form, change)
        if obj.channel != Message.Channel.MAIL:
            perform(obj.receive, by=None)

    def has_change_permission(self, request, obj=None):
        return super().has_change_permission(request, obj) and (obj is None or obj.stage == Message.Stage.DRAFT)


def record_as_sent(message):
    """Return a copy of a message for its preview: it shows the address to which it went, and no secret link."""
    shown = copy(message)
    shown.secret_link = message.LINK
    return shown


@admin.register(Objection)
class ObjectionAdmin(RecordAdmin):
    list_display = ["words", "kind", "opportunity", "stage", "owner"]
    many = MANY
    list_filter = ["stage", "kind"]
    list_select_related = ["opportunity", "owner"]
    fields = ["opportunity", "kind", "words", "owner"]
    panels = ("admin/panels/objection_about.html",)

    def get_readonly_fields(self, request, obj=None):
        return [*super().get_readonly_fields(request, obj), *(["opportunity"] if obj else [])]


@admin.register(UnwrittenPromise)
class UnwrittenPromiseAdmin(RecordAdmin):
    list_display = ["words", "said_by", "opportunity", "stage", "owner"]
    many = MANY
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
    offers_its_fields = False
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
