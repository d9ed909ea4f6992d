"""The pages of webhooks: the list, each with how it does and what it was told, and one delivery as it was sent."""

from django.contrib import admin, messages
from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import PermissionDenied
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils import formats, timezone
from django.utils.decorators import method_decorator
from django.views.decorators.http import require_http_methods, require_safe

from opportunities import clock, reads
from opportunities.admin.base import RecordAdmin, whole_number
from opportunities.records import Refused

from . import deliveries, kinds, signing
from .forms import KindsField, SinceForm
from .models import Delivery, Endpoint

# A GET of what is done by POST leads back to the page of the endpoint: somebody reloads, or signed in again.
BOTH = require_http_methods(["GET", "HEAD", "POST"])
LATEST = 5
# More of what waits is not counted.
COUNTED = 1000


@admin.register(Endpoint)
class EndpointAdmin(RecordAdmin):
    list_display = ["name", "url", "stage", "health", "owner"]
    offers_its_fields = False
    list_select_related = ["owner"]
    list_filter = ["stage"]
    search_fields = ["name", "url"]
    fields = ["name", "url", "owner", "everything", "kinds", "with_reason", "with_names"]
    panels = ("hooks/endpoint.html",)
    empty_words = "No webhooks yet. Add the address of the first system that is to hear what happens here."

    @admin.display(description="How it does")
    def health(self, endpoint):
        return health(endpoint)

    def get_readonly_fields(self, request, obj=None):
        """An endpoint that was ended keeps what it was."""
        own = super().get_readonly_fields(request, obj)
        return [*self.fields, *own] if obj is not None and not obj.is_open else own

    def formfield_for_dbfield(self, db_field, request, **kwargs):
        if isinstance(db_field, ArrayField):
            return KindsField(label="Events", help_text="Open a kind of record, and choose what is told of it.")
        field = super().formfield_for_dbfield(db_field, request, **kwargs)
        if db_field.name == "owner":
            field.initial = request.user.pk
        if db_field.name == "everything":
            field.help_text = "Then it does not matter what is chosen below."
        return field

    # -- The page. -----------------------------------------------------------------------------------------------------

    def about(self, request, record):
        at, rows = clock.now(), record.deliveries.select_related("event").order_by("-pk")
        waiting = len(rows.filter(state=Delivery.State.WAITING).values_list("pk")[: COUNTED + 1])
        return super().about(request, record) | {
            "health": health(record),
            "waiting": f"more than {COUNTED:,}" if waiting > COUNTED else waiting,
            "latest": list(rows[:LATEST]),
            "failed": failed_last(record) if record.failing_since else None,
            "told_of": [kinds.words().get(kind, kind) for kind in record.kinds],
            "both_until": record.before_until if record.before_until and at < record.before_until else None,
            "may_change": self.has_change_permission(request, record),
            "since_form": SinceForm(auto_id="since_%s"),
        }

    def pages(self):
        return [
            *super().pages(),
            ("<int:pk>/log/", self.log_view, "log"),
            ("<int:pk>/test/", self.test_view, "test"),
            ("<int:pk>/secret/", self.secret_view, "secret"),
            ("<int:pk>/again/", self.again_view, "again"),
        ]

    @method_decorator(require_safe)
    def log_view(self, request, pk):
        """List what an endpoint was told, the newest first."""
        endpoint = self.get_object_or_404(request, pk)
        state = request.GET.get("state", "")
        rows = endpoint.deliveries.select_related("event")
        rows = rows.filter(state=state) if state in Delivery.State.values else rows
        page = reads.page_of(rows, whole_number(request.GET.get("before")))
        context = {**self.around(request, endpoint), "title": f"Log of {endpoint}", "page": page, "state": state}
        return TemplateResponse(request, "hooks/log.html", context | {"states": Delivery.State.choices})

    def around(self, request, endpoint) -> dict:
        may = self.has_change_permission(request, endpoint)
        return {**self.admin_site.each_context(request), "endpoint": endpoint, "may_change": may}

    # -- What is done there. -------------------------------------------------------------------------------------------

    def to_change(self, request, pk):
        """Return an endpoint that something is to be done with, by who may."""
        endpoint = self.get_object_or_404(request, pk)
        if not self.has_change_permission(request, endpoint):
            raise PermissionDenied(f"An administrator does this with webhooks. You may read it: {endpoint}.")
        return endpoint

    @method_decorator(BOTH)
    def test_view(self, request, pk):
        """Send a test, and show what becomes of it."""
        endpoint = self.to_change(request, pk)
        if request.method != "POST":
            return redirect(endpoint.staff_url())
        test = say(request, lambda: deliveries.try_out(endpoint, by=request.user), "The test is on its way.")
        return redirect("hook_delivery", test.pk) if test else redirect(endpoint.staff_url())

    @method_decorator(BOTH)
    def secret_view(self, request, pk):
        """Show the secret once, make a new one, or end the former: whichever was pressed."""
        endpoint = self.to_change(request, pk)
        if request.method != "POST":
            return redirect(endpoint.staff_url())
        if request.POST.get("do") == "end":
            say(request, lambda: signing.end_old(endpoint, by=request.user), "The former secret signs no more.")
            return redirect(endpoint.staff_url("secret"))
        make = signing.rotate if request.POST.get("do") == "rotate" else signing.show
        try:
            secret = make(endpoint, by=request.user)
        except Refused as refusal:
            messages.warning(request, str(refusal))
            return redirect(endpoint.staff_url("secret"))
        hours = int(signing.BOTH_FOR.total_seconds() // 3600) if make is signing.rotate else 0
        more = {"title": f"Secret of {endpoint}", "secret": secret, "hours": hours}
        return TemplateResponse(request, "hooks/secret.html", {**self.around(request, endpoint), **more})

    @method_decorator(BOTH)
    def again_view(self, request, pk):
        """Send everything again since a moment."""
        endpoint = self.to_change(request, pk)
        if request.method != "POST":
            return redirect(endpoint.staff_url())
        form = SinceForm(request.POST, auto_id="since_%s")
        if form.is_valid():
            since = form.cleaned_data["since"]
            try:
                count = deliveries.send_again(endpoint, by=request.user, since=since)
            except Refused as refusal:
                form.add_error("since", str(refusal))
            else:
                words = "1 event goes" if count == 1 else f"{count:,} events go"
                messages.success(request, f"{words} again to {endpoint}, the oldest first.")
                return redirect("admin:hooks_endpoint_log", pk)
        context = {**self.around(request, endpoint), "title": "Send again", "since_form": form}
        return TemplateResponse(request, "hooks/again.html", context, status=422)


def failed_last(endpoint):
    """Return what an endpoint last did not take: of what waits, that was tried stands last, for it is tried later."""
    waiting = endpoint.deliveries.filter(state=Delivery.State.WAITING).order_by("-go_at", "-pk")[:LATEST]
    given_up = endpoint.deliveries.filter(state=Delivery.State.GIVEN_UP).order_by("-pk")[:1]
    return next((row for row in (*waiting, *given_up) if row.trouble), None)


def health(endpoint) -> str:
    """Say in a few words how an endpoint does."""
    if endpoint.failing_since and endpoint.is_open:
        return f"Failing since {said(endpoint.failing_since)}"
    if endpoint.last_ok_at:
        return f"Took the last one {said(endpoint.last_ok_at)}"
    return "Nothing sent yet"


def said(at) -> str:
    return formats.date_format(timezone.localtime(at), "DATETIME_FORMAT")


def say(request, do, done):
    """Do something, and say that it was done or why not."""
    try:
        result = do()
    except Refused as refusal:
        messages.warning(request, str(refusal))
        return None
    messages.success(request, done)
    return result
