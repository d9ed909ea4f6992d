"""How we are doing, and why: the charts, the file of each, and who wants them by mail."""

import csv

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from handoff.models import Promise
from opportunities.models import Task
from opportunities.spreadsheets import Echo, safe
from zarts.desk import queue
from zarts.desk.access import page_context, staff_page
from zarts.desk.views.refused import refuse

from . import weekly
from .asked import CUTS, PERIODS, Asked
from .charts import Figures
from .models import Check, WeeklyMail

RIGHT = "opportunities.view_opportunity"
# What is counted as it is now: its words, the list of exactly those, and the right to see it.
NOW = (
    (
        "overdue",
        "overdue tasks",
        "admin:opportunities_task_changelist",
        "due=overdue&stage=open",
        "opportunities.view_task",
    ),
    (
        "disputed",
        "promises that delivery disputes",
        "admin:handoff_promise_changelist",
        "stage=disputed",
        "handoff.view_promise",
    ),
)


@staff_page(RIGHT)
@require_safe
def numbers(request):
    """Show the charts, each with its table and what changed since last week."""
    asked = Asked(request.user, request.GET.dict())
    figures, user = Figures(asked), request.user
    charts = figures.all()
    for chart in charts:
        chart.more = chart.more if chart.more and user.has_perm(chart.more[2]) else ()
    currencies = sorted({row["currency"] for row in figures.stands})
    currency = [("currency", "Currency", [(code, code) for code in currencies], asked.chosen.get("currency"))]
    now = queue.how_many(
        overdue=Task.objects.visible_to(user).overdue(),
        disputed=Promise.objects.visible_to(user).filter(stage="disputed"),
    )
    context = page_context(
        request,
        "Numbers",
        charts=charts,
        asked=asked,
        filters=asked.filters + (currency if len(currencies) > 1 or "currency" in asked.chosen else []),
        periods=[(words, asked.query(days=days), int(days) == asked.days) for days, words in PERIODS.items()],
        kept={name: asked.chosen[name] for name in ("days", *CUTS) if name in asked.chosen},
        now=[
            (now[name], words, f"{reverse(page)}?{narrow}" if user.has_perm(right) else "")
            for name, words, page, narrow, right in NOW
        ],
        idle=sum(figures.idle.values()),
        check=Check.objects.order_by("-pk").first(),
        by_mail=WeeklyMail.objects.filter(user=user, wanted=True).first(),
        query=asked.query(),
    )
    return TemplateResponse(request, "numbers/numbers.html", context)


@staff_page(RIGHT)
@require_safe
def file_of(request, name):
    """Return the table of one chart as a file."""
    asked = Asked(request.user, request.GET.dict())
    chart = next((chart for chart in Figures(asked).all() if chart.name == name), None)
    if chart is None:
        raise Http404("There is no such chart.")
    if asked.left_out:
        # A file does not say what it left out, and so has to be what was asked for.
        words = " ".join(words.replace(" This filter is left out.", "") for words in asked.left_out)
        return refuse(request, 400, "There is no such file", f"{words} Take the file from the page of numbers.")
    writer = csv.writer(Echo())
    lines: list[list] = [chart.file_heads, *([row.label, *(plain for _, plain in row.cells)] for row in chart.rows)]
    words = "\ufeff" + "".join(writer.writerow([safe(str(cell)) for cell in line]) for line in lines)
    heads = {"Content-Disposition": f'attachment; filename="{name}.csv"', "Cache-Control": "private, no-store"}
    return HttpResponse(words, content_type="text/csv; charset=utf-8", headers=heads)


@staff_page(RIGHT)
@require_POST
def by_mail(request):
    """Begin or end the mail of the week."""
    wanted = request.POST.get("wanted") == "1"
    weekly.choose(request.user, wanted)
    words = "You get the numbers each Monday." if wanted else "You get no mail of the week any more."
    messages.success(request, words)
    return redirect("numbers")
