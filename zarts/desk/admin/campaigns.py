"""Campaigns over many lost deals. Their page stands here: it chooses by service, which the floor does not know."""

import csv
from datetime import date

from django import forms
from django.contrib import admin
from django.http import JsonResponse, StreamingHttpResponse
from django.utils.decorators import method_decorator
from django.utils.text import capfirst
from django.views.decorators.http import require_safe
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget, UnfoldAdminSelectWidget, UnfoldAdminSingleDateWidget

from opportunities import campaigns
from opportunities.admin.base import RecordAdmin, whole_number
from opportunities.models import Campaign, CampaignEntry, Closing, MessageTemplate
from opportunities.records import edit
from opportunities.spreadsheets import Echo, safe
from opportunities.stale import SeenForm
from proposals.models import Service
from zarts.desk.templatetags.zarts_desk import day

# So many lost deals a page of a preview shows.
PAGE = 50
# So many are judged at once for a file.
AT_ONCE = 500
HEADS = ["Deal", "Client", "Lost by", "Written to", "Left out because"]


class CampaignForm(SeenForm):
    """What a campaign is called and says, and which lost deals it is about."""

    reasons = forms.MultipleChoiceField(
        choices=Closing.Reason.choices,
        required=False,
        label="Lost by",
        help_text="None chosen: whatever lost them.",
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
    )
    service = forms.ModelChoiceField(
        Service.objects.order_by("name"),
        required=False,
        empty_label="Any",
        label="About the service",
        widget=UnfoldAdminSelectWidget,
    )
    from_day = forms.DateField(required=False, label="Window ends on or after", widget=UnfoldAdminSingleDateWidget)
    to_day = forms.DateField(required=False, label="Window begins on or before", widget=UnfoldAdminSingleDateWidget)

    class Meta:
        model = Campaign
        fields = ["name", "template", "owner"]

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        said = self.instance.chosen
        for name, key in (("reasons", "reasons"), ("service", "service"), ("from_day", "from"), ("to_day", "to")):
            self.fields[name].initial = said.get(key)
        if "template" in self.fields:
            self.fields["template"].queryset = MessageTemplate.objects.filter(stage="in_use", purpose="marketing")

    def clean(self):
        data = super().clean()
        first, last = data.get("from_day"), data.get("to_day")
        if first and last and last < first:
            self.add_error("to_day", "Choose the first day, or one after it.")
        return data

    @property
    def chosen(self) -> dict:
        """Return which lost deals are chosen, as a campaign keeps it."""
        data = self.cleaned_data
        said = {
            "reasons": data["reasons"],
            "service": data["service"] and data["service"].pk,
            "from": data["from_day"] and data["from_day"].isoformat(),
            "to": data["to_day"] and data["to_day"].isoformat(),
        }
        return {key: value for key, value in said.items() if value}


@admin.register(Campaign)
class CampaignAdmin(RecordAdmin):
    form = CampaignForm
    list_display = ["name", "stage", "owner", "template"]
    list_filter = ["stage"]
    list_select_related = ["owner", "template"]
    search_fields = ["name"]
    fieldsets = [
        (None, {"fields": ["name", "template", "owner"]}),
        ("Which lost deals", {"fields": ["reasons", "service", "from_day", "to_day"]}),
    ]
    panels = ("desk/panels/campaign.html",)
    empty_words = "No campaigns yet. Write a marketing template first, then choose the lost deals it goes to."

    def has_change_permission(self, request, obj=None):
        return super().has_change_permission(request, obj) and (obj is None or obj.stage == Campaign.Stage.DRAFT)

    def get_fieldsets(self, request, obj=None):
        """What was chosen is read from the panel once it runs. Whose a new one is says itself."""
        if obj is None and not request.user.sees_all:
            return [(None, {"fields": ["name", "template"]}), *self.fieldsets[1:]]
        return self.fieldsets if self.has_change_permission(request, obj) else self.fieldsets[:1]

    def get_readonly_fields(self, request, obj=None):
        """Only whoever sees all lets somebody else have one: it reaches as far as its owner."""
        own = super().get_readonly_fields(request, obj)
        return own if request.user.sees_all else [*own, "owner"]

    def before_birth(self, request, obj):
        if not request.user.sees_all:
            obj.owner = request.user

    def get_changeform_initial_data(self, request):
        return {"owner": request.user.pk, **super().get_changeform_initial_data(request)}

    def save_model(self, request, obj, form, change):
        if not change:
            obj.chosen = form.chosen
            super().save_model(request, obj, form, change)
            return
        changed = {name: form.cleaned_data[name] for name in form.changed_data if name in ("name", "template", "owner")}
        edit(obj, by=request.user, **changed, chosen=form.chosen)

    def about(self, request, campaign):
        return super().about(request, campaign) | {
            "progress": None if campaign.stage == Campaign.Stage.DRAFT else campaigns.progress(campaign),
            "chosen_words": chosen_words(campaign),
            **self.rows(request, campaign),
        }

    def rows(self, request, campaign) -> dict:
        """Return one page of the deals of a campaign: as they would be taken, or as they were."""
        after = whole_number(request.GET.get("after")) or 0
        if campaign.stage == Campaign.Stage.DRAFT:
            if after:
                (verdicts, more), foreseen = campaigns.judged(campaign, request.user, PAGE, after), None
            else:
                verdicts, foreseen = campaigns.foresee(campaign, request.user)
                more = len(verdicts) > PAGE
            older = verdicts[PAGE - 1].win_back.pk if more else None
            return {"verdicts": verdicts[:PAGE], "foreseen": foreseen, "older": older, "paged": bool(after)}
        entries = seen(campaign, request.user).filter(pk__gt=after)[: PAGE + 1]
        found = list(entries)
        return {
            "entries": found[:PAGE],
            "older": found[PAGE - 1].pk if len(found) > PAGE else None,
            "paged": bool(after),
        }

    def pages(self):
        return [
            *super().pages(),
            ("<int:pk>/deals.csv", self.csv_view, "csv"),
            ("<int:pk>/progress/", self.progress_view, "progress"),
        ]

    @method_decorator(require_safe)
    def progress_view(self, request, pk):
        """Say how far a campaign has come, for whoever looks at its page."""
        campaign = self.get_object_or_404(request, pk)
        found = campaigns.progress(campaign)
        return JsonResponse({"stage": campaign.stage, "rows": found.rows(), "all": found.all})

    @method_decorator(require_safe)
    def csv_view(self, request, pk):
        """Hand out who is written to and who is left out, and why."""
        campaign = self.get_object_or_404(request, pk)
        writer = csv.writer(Echo())

        def lines():
            yield "\ufeff" + writer.writerow(HEADS)
            for row in every_row(campaign, request.user):
                yield writer.writerow([safe(cell) for cell in row])

        headers = {"Content-Disposition": 'attachment; filename="campaign.csv"', "Cache-Control": "private, no-store"}
        return StreamingHttpResponse(lines(), content_type="text/csv; charset=utf-8", headers=headers)


def seen(campaign, user):
    """Return the entries of a campaign whose deals this person may see."""
    rows = CampaignEntry.objects.filter(campaign=campaign)
    if not user.sees_all:
        rows = rows.filter(win_back__in=campaigns.WinBack.objects.visible_to(user).values("pk"))
    about = ("win_back__opportunity__client", "win_back__closing", "contact", "task")
    return rows.select_related(*about).prefetch_related("task__messages").order_by("pk")


def every_row(campaign, user):
    """Yield a line for each deal of a campaign, some at a time."""
    draft, after = campaign.stage == Campaign.Stage.DRAFT, 0
    while draft and (verdicts := campaigns.judged(campaign, user, AT_ONCE, after)[0]):
        after = verdicts[-1].win_back.pk
        for verdict in verdicts:
            yield cells(verdict.win_back, verdict.contact, verdict.why_not)
    while not draft and (entries := list(seen(campaign, user).filter(pk__gt=after)[:AT_ONCE])):
        after = entries[-1].pk
        for entry in entries:
            yield cells(entry.win_back, entry.contact, entry.left_out_because)


def cells(win_back, contact, why_not) -> list[str]:
    deal = win_back.opportunity
    return [str(deal), str(deal.client), win_back.closing.get_reason_display(), str(contact or ""), why_not]


def chosen_words(campaign) -> list[tuple[str, str]]:
    """Say which lost deals were chosen."""
    said, names = campaign.chosen, dict(Closing.Reason.choices)
    service = Service.objects.filter(pk=said.get("service") or 0).first()
    return [
        ("Lost by", ", ".join(names.get(reason, reason) for reason in said.get("reasons", [])) or "Anything"),
        ("About", str(service) if service else "Any service"),
        ("Window", window_words(said.get("from"), said.get("to"))),
    ]


def window_words(first, last) -> str:
    """Say from which day to which, as they are kept ("2026-11-28"), either of them left open."""
    said = [f"{word} {day(date.fromisoformat(value))}" for word, value in (("from", first), ("to", last)) if value]
    return capfirst(" ".join(said)) or "Any day"
