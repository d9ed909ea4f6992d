"""What I owe, now."""

from urllib.parse import urlencode

from django.http import HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from opportunities.lists import many
from opportunities.models import Task

from .. import today as owed
from ..access import page_context, staff_page
from .lists import change_many


@staff_page()
@require_safe
def home(request):
    """Lead to what is owed today."""
    return HttpResponseRedirect(reverse("today"))


@staff_page()
@require_safe
def today(request):
    """Show what this person owes now; a manager may look at the whole team."""
    user = request.user
    query = whose(request)
    team = bool(query)
    deals, tasks = user.has_perm("opportunities.view_opportunity"), user.has_perm("opportunities.view_task")
    asked = owed.approvals(user) if user.has_perm("proposals.view_approval") else owed.Rows()
    open_tasks, tonight = owed.tasks(user, team, asked) if tasks else owed.Rows(), owed.end_of_today()
    due = [task for task in open_tasks if task.due_at <= tonight]
    context = page_context(
        request,
        "Today",
        team=team,
        may_see_team=user.sees_team or user.sees_all,
        # The last task that was read is due: those that were not read may be, too.
        more_due=open_tasks.more and due == open_tasks,
        may_finish=user.has_perm("opportunities.move_task"),
        many=many.page_of(Task.label()).many_for(request),
        views={"many_url": reverse("today_several"), "asked": urlencode(query)},
        overdue=[task for task in due if owed.is_overdue(task)],
        due=[task for task in due if not owed.is_overdue(task)],
        coming=[task for task in open_tasks if task.due_at > tonight][:5],
        late_reports=owed.late_reports(user, team) if user.has_perm("handoff.write_report") else [],
        approvals=asked,
        answers=owed.answers(user, team) if deals else [],
        paused=owed.paused(user, team) if deals else [],
        waiting=owed.waiting_tasks(user, team) if tasks else [],
        adrift=owed.adrift(user, team) if deals else [],
        leads=owed.unanswered(user, team) if user.has_perm("opportunities.view_lead") else [],
        unmatched=owed.unmatched_mail(user),
        may_add_lead=user.has_perm("opportunities.add_lead"),
    )
    names = ("overdue", "due", "late_reports", "approvals", "answers", "paused", "waiting", "adrift", "leads")
    context["all_done"] = not any(context[name] for name in names)
    return TemplateResponse(request, "desk/today.html", context)


def whose(request) -> dict:
    """Return what the address of a day says when it is the team's; nothing when it is one's own."""
    may_see_team = request.user.sees_team or request.user.sees_all
    return {"whose": "team"} if may_see_team and request.GET.get("whose") == "team" else {}


@staff_page("opportunities.change_task")
@require_http_methods(["GET", "HEAD", "POST"])
def change_several(request):
    """Do something to the picked tasks, as on every list, and come back to the day. It has no more than it shows."""
    page, query = many.page_of(Task.label()), whose(request)
    send_to = reverse("today_several", query=query)
    return change_many(request, page, Task.objects.none(), reverse("today", query=query), send_to, [])
