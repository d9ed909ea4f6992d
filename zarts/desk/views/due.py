"""Due work, for administrators: is anything stuck?"""

from django.contrib import messages
from django.http import Http404
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.views.decorators.http import require_POST, require_safe

from opportunities import clock, outbox
from opportunities.admin.base import whole_number
from opportunities.models import Letter, Message
from opportunities.records import Refused, perform, tell
from proposals import inbox
from zarts.hooks import deliveries

from .. import pulse
from ..access import page_context, staff_page

SEE = "opportunities.see_due_work"


@staff_page(SEE)
@require_safe
def due(request):
    """Show how long the oldest due thing waits, who works, and which mails ask a person."""
    at = clock.now()
    standing = pulse.standing(at)
    messages_of = Message.objects.filter(stage__in=["uncertain", "failed"])
    letters_of = Letter.objects.filter(state__in=["uncertain", "failed"])
    waiting = pulse.waiting()
    context = page_context(
        request,
        "Due work",
        standing=standing,
        late=standing.seconds(at) > pulse.STILL_ALIVE.total_seconds(),
        alive=pulse.is_alive(at),
        processes=pulse.processes(at),
        mails=messages_of.select_related("contact__client", "owner", "opportunity", "task__run__sequence").order_by(
            "-id"
        )[: pulse.MOST],
        letters=letters_of.select_related("user").order_by("-id")[: pulse.MOST],
        signatures=inbox.untaken_contracts(pulse.MOST),
        webhooks=list(deliveries.in_trouble()[: pulse.MOST]),
        waiting=waiting,
        most=max((count for _, count in waiting), default=0),
    )
    for mail in context["mails"]:
        mail.stopped = outbox.stopped(mail)
    return TemplateResponse(request, "desk/due.html", context)


# What a person can say of a mail: of one to a client, the move; of one to ourselves, the states from which it follows.
SAYINGS = {
    "went": ("settle_sent", [Letter.State.UNCERTAIN], "It went"),
    "send": ("settle_unsent", [Letter.State.UNCERTAIN], "It is sent now"),
    "retry": ("retry", [Letter.State.FAILED], "It is tried again"),
}


@staff_page(SEE)
@require_POST
def settle(request, kind, pk):
    """Write down what somebody found out about a mail, or try one again that failed."""
    if request.POST.get("say") not in SAYINGS or kind not in ("message", "letter"):
        raise Http404("There is nothing like that to say of a mail.")
    move, before, done = SAYINGS[request.POST["say"]]
    try:
        subject = settle_message(request, pk, move) if kind == "message" else settle_letter(request, pk, before)
    except Refused as refusal:
        messages.warning(request, str(refusal))
    else:
        if getattr(subject, "stage", "") == Message.Stage.HELD:
            messages.warning(request, f"It is kept back: {subject}. {subject.trouble}")
        else:
            messages.success(request, f"{done}: {subject}.")
    return redirect("due_work")


def settle_message(request, pk, move):
    message = Message.objects.filter(pk=pk).first()
    if message is None:
        raise Http404("No such mail.")
    perform(getattr(message, move), by=request.user, seen=request.POST.get("turn", ""))
    return Message.objects.get(pk=pk)  # it may have been kept back at once


def settle_letter(request, pk, before):
    letter = Letter.objects.filter(pk=pk).first()
    if letter is None:
        raise Http404("No such mail.")
    went = request.POST["say"] == "went"
    now = {"state": Letter.State.SENT, "sent_at": clock.now()} if went else {"state": Letter.State.QUEUED}
    rows = Letter.objects.filter(pk=pk, state__in=before)
    if turn := whole_number(request.POST.get("turn")):
        rows = rows.filter(attempt=turn)  # what somebody says of one attempt is not said of the next
    if not rows.update(**now, go_at=clock.now(), trouble=""):
        raise Refused([f"“{letter}” was settled meanwhile."])
    tell(request.user, "letter", "settled a mail to one of us as", by=request.user, facts={"letter": letter, **now})
    return letter
