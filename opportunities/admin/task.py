"""Tasks: their page, what is asked when one is put off or given to somebody, and several at once."""

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.shortcuts import redirect
from django.utils import timezone

from .. import clock
from ..lists.actions import TASKS
from ..models import Event, Task
from ..models.task import said
from ..panels import standing_of
from ..records import Refused
from ..task_forms import GiveForm, SnoozeForm, TaskFields
from .base import RecordAdmin, came_from


@admin.register(Task)
class TaskAdmin(RecordAdmin):
    list_display = ["title", "kind", "stage", "owner", "due_at"]
    list_filter = ["stage", "kind", "owner"]
    list_select_related = ["owner"]
    search_fields = ["title"]
    empty_words = "No tasks yet. They come with the moves of a deal, or are added by hand."
    in_place = ("title", "due_at", "owner")
    in_place_form = TaskFields
    many = TASKS
    panels = ("admin/panels/task.html",)
    born = "promised"
    nothing = {"repeats": "Never", "template": "None: I write it myself"}
    fieldsets = [
        (None, {"fields": ["title", "kind", "opportunity", "lead", "promised_to", "owner", "due_at"]}),
        ("Again and again", {"fields": ["repeats", "repeats_until"]}),
        ("Mail to the client when it falls due", {"fields": ["contact", "template", "subject", "words", "not_after"]}),
    ]

    def get_changeform_initial_data(self, request):
        return {"owner": request.user.pk, **super().get_changeform_initial_data(request)}

    def get_readonly_fields(self, request, obj=None):
        return [*super().get_readonly_fields(request, obj), *(["opportunity", "lead"] if obj else [])]

    def formfield_for_dbfield(self, db_field, request, **kwargs):
        field = super().formfield_for_dbfield(db_field, request, **kwargs)
        if field is not None and db_field.name == "template":
            field.help_text = "Its words are filled in when the mail goes. Leave it empty to write your own."
            field.queryset = field.queryset.filter(stage="in_use")
        return field

    def about(self, request, record):
        about = super().about(request, record)
        may = record.is_open and self.has_change_permission(request, record)
        zone = record.zone
        about["task"] = {
            "may_change": may,
            "zone": zone.key,
            "elsewhere": record.due_at.astimezone(zone).utcoffset() != timezone.localtime(record.due_at).utcoffset(),
            "due_there": said(record.due_at, zone.key),
            "follower": Task.objects.filter(follows=record).first() if record.repeats else None,
            "waits_since": waits_since(record),
            "mail": mail_of(record),
        }
        return about

    def before_birth(self, request, obj):
        obj.time_zone = request.user.time_zone
        if obj.template:
            obj.purpose = obj.template.purpose

    def save_model(self, request, obj, form, change):
        super().save_model(request, obj, form, change) if not change else self.keep(request, obj, form)
        if not change and obj.owner != request.user:
            obj.tell_its_owner(request.user)

    def set_fields(self, record, *, by, **changes):
        return record.change(by=by, **changes)

    def keep(self, request, obj, form):
        changes = {name: form.cleaned_data[name] for name in form.changed_data if name in self.own_fields()}
        if template := changes.get("template"):
            changes["purpose"] = template.purpose
        obj.change(by=request.user, **changes)

    # -- When, and whose. ----------------------------------------------------------------------------------------------

    def pages(self):
        own = [("<int:pk>/snooze/", self.snooze_view, "snooze"), ("<int:pk>/give/", self.give_view, "give")]
        return [*super().pages(), *own]

    def snooze_view(self, request, pk):
        """Ask until when and why (GET), and put the task off (POST)."""
        task = self.task_of(request, pk)
        form = SnoozeForm(request.POST if request.method == "POST" else None, now=clock.now())
        return self.do(request, task, form, "Put off", "Put off")

    def give_view(self, request, pk):
        """Ask who takes the task over (GET), and give it to them (POST)."""
        task = self.task_of(request, pk)
        form = GiveForm(request.POST if request.method == "POST" else None)
        return self.do(request, task, form, "Give to somebody else", "Give")

    def task_of(self, request, pk):
        task = self.get_object_or_404(request, pk)
        if not self.has_change_permission(request, task):
            raise PermissionDenied(f"You may read this, but not change it: {task}.")
        return task

    def do(self, request, task, form, title, button):
        if form.is_valid():
            try:
                form.apply(task, request.user)
            except Refused as refusal:
                form.add_error(None, refusal.reasons)
            else:
                messages.success(request, f"{form.done}: {task}.")
                return redirect(came_from(request, task))
        return self.ask(request, task, form, title, button)


def mail_of(task):
    """Return the mail of a follow-up where it has not gone yet, with what became of it in words, or None."""
    message = task.messages.select_related("contact").first() if task.is_touch else None
    if message is not None:
        message.standing = standing_of(message)
    return message if message is not None and message.standing else None


def waits_since(task):
    """Return when a task that waits was paused, as its diary says."""
    if task.stage != Task.Stage.PAUSED:
        return None
    told = Event.objects.filter(record_type=task.label(), record_id=task.pk, verb="task.pause")
    return told.order_by("-pk").values_list("at", flat=True).first()
