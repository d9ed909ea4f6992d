"""Several tasks at once, from the list or from today."""

from django.contrib import messages
from django.http import HttpResponseRedirect
from django.template.response import TemplateResponse
from django.views.decorators.http import require_POST

from opportunities import clock, once
from opportunities.admin.base import whole_number

from .. import chores
from ..access import page_context, staff_page


@staff_page("opportunities.change_task")
@require_POST
def several(request):
    """Do something to the picked tasks: each on its own, and each refusal with its reason."""
    return once.saved(request, lambda: answer(request))


def answer(request):
    do, back = request.POST.get("do", ""), came_from(request)
    picked = {pk for pk in map(whole_number, request.POST.getlist("pick")) if pk}
    if do not in chores.FORMS:
        return sent_back(request, back, "Choose what to do with the picked tasks.")
    if not picked:
        return sent_back(request, back, "Pick some tasks first: tick their boxes.")
    if len(picked) > chores.MOST:
        return sent_back(request, back, f"These are {len(picked)} tasks. Pick at most {chores.MOST} at once.")
    # The bar below the list only says what: how is asked next, where it has to be.
    asked = "sure" in request.POST or do == "finish"
    form = chores.FORMS[do](request.POST if asked else None, now=clock.now())
    if not form.is_valid():
        context = page_context(request, form.title, form=form, do=do, picked=sorted(picked), back=back)
        context["subject"] = chores.tasks(len(picked))
        context |= chores.named(request.user, picked)
        return TemplateResponse(request, "desk/several_tasks.html", context, status=409 if asked else 200)
    found = chores.change(request.user, picked, do, form)
    tell = messages.success if found.done else messages.warning
    tell(request, found.said)
    if found.left_out:
        messages.warning(request, found.left_out)
    return HttpResponseRedirect(back)


def sent_back(request, back, words):
    messages.warning(request, words)
    return HttpResponseRedirect(back)


def came_from(request) -> str:
    """Return the page to go back to: the one that asked, when it is ours, or today."""
    back = request.POST.get("back", "")
    return back if back.startswith("/admin/") and "//" not in back and "\\" not in back else "/admin/today/"
