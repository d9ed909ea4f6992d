"""All reports that are owed, in a calendar; and how reliably they came."""

from calendar import Calendar, day_name
from dataclasses import dataclass, field
from datetime import date, timedelta
from urllib.parse import urlencode

from django import forms
from django.contrib import admin
from django.db.models import Case, F, Value, When
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from handoff import owing
from handoff.models import Project, Report, ReportingCadence
from opportunities.admin.base import Lookup, whole_number
from opportunities.conditions import holidays_of
from opportunities.lists import order
from opportunities.models import Client
from zarts.numbers import reliability as kept
from zarts.reads import rows as reads

from .. import taking
from ..access import page_context, staff_page

RIGHT = "handoff.view_report"
# How far back the reliability is told of; the months that a calendar shows.
PERIODS = (30, 90, 365)
FIRST, LAST = date(2000, 1, 1), date(2100, 12, 1)
SHOWN = 100
# What the calendar shows of each report.
SHOWN_OF_EACH = ("due_on", "stage", "breach", "client_name", "owner_name", "time_zone", "country")
# What stands for a report that its cadence will owe, and that does not exist yet.
PLANNED = "Planned"
LATEST = order.Sort("Due", "due_on", order.read_day, down=True)
# What a file says of a report that was owed.
OF_A_REPORT = {
    "Client": lambda it: it.project.client,
    "Service": lambda it: it.project.handoff.contract.proposal.service,
    "Answers for it": lambda it: it.owed_by or it.owner,
    "Due": lambda it: it.due_on,
    "Time zone": lambda it: it.cadence.time_zone,
    "So": lambda it: kept.KINDS[it.kind],
    "Published": lambda it: it.published_at,
    "Why it is late": lambda it: it.breach_reason,
}


@dataclass
class Day:
    """One day of the calendar: what is due on it, and where nobody works."""

    on: date
    outside: bool
    is_today: bool
    reports: list = field(default_factory=list)
    off: list = field(default_factory=list)


@staff_page(RIGHT)
@require_safe
def calendar(request):
    """Show a month of reports: as a grid, and on a phone as a list."""
    today = timezone.localdate()
    month, chosen = month_of(request, today), chosen_of(request)
    weeks = Calendar().monthdatescalendar(month.year, month.month)
    rows = list(reports_due(request.user, chosen, weeks[0][0], weeks[-1][-1]))
    days = {day: Day(day, day.month != month.month, day == today) for week in weeks for day in week}
    too_far = weeks[0][0] > today + owing.AHEAD
    # What is cut already is not made longer.
    rows += [] if too_far or len(rows) >= owing.MOST else planned(request.user, chosen, weeks[0][0], weeks[-1][-1])
    for report in rows:
        report.state = owing.state_of(report)
        report.said = owing.said_of(report) if report.pk else PLANNED
        report.url = report.staff_url() if report.pk else report.cadence.staff_url()
        days[report.due_on].reports.append(report)
    mark_holidays(days, {report.country for report in rows})
    context = page_context(
        request,
        "Calendar of reports",
        month=month,
        today=today,
        weeks=[[days[day] for day in week] for week in weeks],
        names=list(day_name),
        count=sum(report.due_on.month == month.month for report in rows),
        is_cut=len(rows) >= owing.MOST,
        too_far=too_far,
        before=address(request, month=f"{month - timedelta(days=1):%Y-%m}") if month > FIRST else "",
        after=address(request, month=f"{month + timedelta(days=31):%Y-%m}") if month < LAST else "",
        now=address(request, month=""),
        mine=address(request, owner="" if chosen.get("owner") == request.user.pk else str(request.user.pk)),
        is_mine=chosen.get("owner") == request.user.pk,
        filters=filters_of(request, chosen),
        client=ClientForm(request.user, chosen),
        kept={"month": request.GET.get("month", "")} if request.GET.get("month") else {},
    )
    return TemplateResponse(request, "desk/report_calendar.html", context)


def reports_due(user, chosen, first, last):
    """Return the reports that are due between two days, with what the calendar shows of each."""
    rows = reads.reports.visible_to(user).filter(**{f"{name}_id": pk for name, pk in chosen.items()})
    rows = rows.filter(due_on__gte=first, due_on__lte=last)
    return rows.only(*SHOWN_OF_EACH).order_by("due_on", "pk")[: owing.MOST]


def planned(user, chosen, first, last) -> list:
    """Return the reports that do not exist yet, as the calendar shows the others."""
    found = owing.planned(user, chosen, first, last)
    for report in found:
        report.client_name, report.owner_name = report.project.client.name, str(report.owner)
        report.time_zone, report.country = report.cadence.time_zone, report.cadence.country
    return found


@staff_page(RIGHT)
@require_safe
def reliability(request):
    """Show how many reports came in time, late or not for days: by client, by service, by owner."""
    rows, days, chosen, show = owed(request)
    filters = filters_of(request, chosen)
    tables = kept.lines(rows, {name: dict(choices) for name, _, choices, _ in filters})
    groups = [(name, name.capitalize(), lines_of(request, name, lines)) for name, lines in tables.items()]
    newest = rows.filter(key=show).order_by("-day", "-report").values("report")[:SHOWN] if show else []
    listed = Report.objects.filter(pk__in=newest).select_related(*owing.ALONG, "owed_by").order_by("-due_on", "-pk")
    context = page_context(
        request,
        "Reliability of reports",
        days=days,
        periods=[(period, address(request, days=str(period), show="")) for period in PERIODS],
        groups=groups,
        filters=filters,
        client=ClientForm(request.user, chosen),
        kept={"days": str(days)},
        show=kept.KINDS.get(show, ""),
        listed=list(listed) if show else [],
        most=SHOWN,
        take=taking.address("report_reliability", {"days": days, **chosen, "show": show}),
    )
    return TemplateResponse(request, "desk/report_reliability.html", context)


@staff_page(RIGHT)
@require_safe
def export_owed(request):
    """Give the reports behind these numbers as a file, the newest first: of one kind where the address names it."""
    counted, days, chosen, show = owed(request)
    asked = {"days": days, **chosen, "show": show}
    rows = Report.objects.filter(pk__in=(counted.filter(key=show) if show else counted).values("report"))
    rows = rows.annotate(kind=Case(When(breach="", then=Value("on_time")), default=F("breach")))
    batches = order.through(rows.select_related(*owing.ALONG, "owed_by"), LATEST, False)
    return taking.hand_out(
        request,
        "report_reliability",
        "Reliability of reports",
        asked,
        OF_A_REPORT,
        batches,
        times=("Published",),
        rows=rows,
    )


def owed(request) -> tuple:
    """Return what is counted of the reports that an address names, its days, what it is narrowed to, and one kind."""
    today = timezone.localdate()
    days = next((days for days in PERIODS if request.GET.get("days") == str(days)), 90)
    chosen, show = chosen_of(request), request.GET.get("show", "")
    counted = kept.counted(request.user, today - timedelta(days=days - 1), today, chosen)
    return counted, days, chosen, show if show in kept.KINDS else ""


def lines_of(request, name, lines) -> list:
    """Return each line of a table with the address of the reports behind each of its numbers."""
    kinds = (("on_time", "In time"), ("late", "Late"), ("missed", "Missed"))
    return [
        (
            line,
            [
                (words, getattr(line, kind), f"{address(request, show=kind, **{name: str(line.pk or '')})}#reports")
                for kind, words in kinds
            ],
        )
        for line in lines
    ]


# -- What the address says. --------------------------------------------------------------------------------------------


def month_of(request, today) -> date:
    """Return the first day of the month that an address names; of this month where it names none."""
    try:
        month = date.fromisoformat(f"{request.GET.get('month', '')}-01")
    except ValueError:
        return today.replace(day=1)
    return min(max(month, FIRST), LAST)


def chosen_of(request) -> dict:
    names = ("owner", "client", "service")
    return {name: number for name in names if (number := whole_number(request.GET.get(name)))}


class AnyClient(Lookup):
    """A client, or none: it stands beside lists whose first choice is to take any."""

    def build_attrs(self, base_attrs, extra_attrs=None):
        return super().build_attrs(base_attrs, extra_attrs) | {"data-placeholder": "Any"}


class ClientForm(forms.Form):
    """The client that the reports are of, looked up as one types."""

    client = forms.ModelChoiceField(Client.objects.none(), required=False)

    def __init__(self, user, chosen):
        super().__init__({"client": chosen.get("client")}, auto_id="of-%s")
        field = self.fields["client"]
        field.widget = AnyClient(Project._meta.get_field("client"), admin.site)
        field.queryset = Client.objects.visible_to(user)


def filters_of(request, chosen) -> list:
    return [(name, label, rows, chosen.get(name)) for name, label, rows in owing.choices(request.user)]


def address(request, **changes) -> str:
    """Return the address of this page with some of it changed."""
    names = ("month", "days", "owner", "client", "service", "show")
    said = {name: changes.get(name, request.GET.get(name, "")[:20]) for name in names}
    query = urlencode({name: value for name, value in said.items() if value})
    page = reverse(request.resolver_match.view_name)
    return f"{page}?{query}" if query else page


def mark_holidays(days, countries):
    """Write on each day where it is a public holiday, of the countries whose reports are shown."""
    names = dict(ReportingCadence._meta.get_field("country").flatchoices)
    for code, name in sorted((code, names.get(code, code)) for code in countries):
        for year in {day.year for day in days}:
            for day, words in holidays_of(code, year).items():
                if day in days:
                    days[day].off.append((name, words))
