"""The page on which one mail is written: about a deal, to a contact, or a draft that goes on."""

from functools import partial

from django.apps import apps
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.shortcuts import redirect
from django.template.response import TemplateResponse

from .. import clock, filling, once
from ..composing import SAID, LetterForm, TryAgainForm
from ..models import Contact, Message, MessageTemplate, Opportunity
from ..records import Kept, Refused
from ..typed import show_typed
from .base import came_from, whole_number


def may_write(user, about) -> bool:
    return user.has_perm("opportunities.add_message") and about.within_reach(user, "change")


def of_opportunity(page, request, pk):
    """Write a mail about this opportunity."""
    opportunity = page.get_object_or_404(request, pk)
    return compose(page, request, opportunity, client=opportunity.client, opportunity=opportunity)


def of_contact(page, request, pk):
    """Write a mail to this contact."""
    contact = page.get_object_or_404(request, pk)
    deal = Opportunity.objects.visible_to(request.user).filter(client=contact.client).order_by("-pk").first()
    initial = {"contact": contact.pk, "opportunity": deal and deal.pk}
    return compose(page, request, contact, client=contact.client, initial=initial)


def of_draft(page, request, pk):
    """Go on with a draft."""
    message = page.get_object_or_404(request, pk)
    if message.stage != Message.Stage.DRAFT:
        if request.user.has_perm("opportunities.change_message") and message.within_reach(request.user, "change"):
            # A second press brings the words that were sent: nothing of them is lost.
            if request.method == "POST" and request.POST.get("body", "").split() != message.body.split():
                return sent_meanwhile(request, message)
            messages.warning(request, f"{message} is {message.get_stage_display().lower()} already.")
            return redirect(message.staff_url())
        raise PermissionDenied("You may read this, but not write in it.")
    about = {"client": message.client, "opportunity": message.opportunity, "draft": message}
    initial = {name: getattr(message, name) for name in ("purpose", "subject", "body")}
    if message.go_at and message.go_at > clock.now():
        initial["go_at"] = message.go_at
    template = message.template_version and message.template_version.template_id
    initial |= {"contact": message.contact_id, "template": template}
    return compose(page, request, message, record=message.record, initial=initial, **about)


def sent_meanwhile(request, message):
    """Say that a draft was sent while somebody wrote in it, and show their words."""
    words = (
        f"{message} is {message.get_stage_display().lower()} already, with the words that it had then. Nothing of this "
        "was saved: here is what you typed. Copy what you still want to say, and write another mail."
    )
    return show_typed(request, 409, "It was sent meanwhile", words)


def compose(page, request, about, *, client, opportunity=None, draft=None, record=None, initial=None):
    """Write a mail, for whoever may write one about this."""
    if not may_write(request.user, about):
        raise PermissionDenied(f"You may read this, but not write mail about it: {about}.")
    if record is None and opportunity is not None:
        record = spoken_of(request, opportunity)
    of = {"client": client, "user": request.user, "opportunity": opportunity, "record": record, "draft": draft}
    if initial is None:
        initial = first_words(request, opportunity)
    return on_paper(page, request, about, partial(LetterForm, initial=initial, **of), draft)


def of_win_back(page, request, win_back):
    """Write to the client of a lost deal. Whoever works on the second try may."""
    deal = win_back.opportunity
    first = TryAgainForm(win_back=win_back, user=request.user).people().filter(pk=deal.decision_owner_id).first()
    form = partial(TryAgainForm, win_back=win_back, user=request.user, initial={"contact": first})
    return on_paper(page, request, win_back, form)


def on_paper(page, request, about, form_of, draft=None):
    """Show the form of a letter with the mail as it will be read; keep it, or send it."""

    def answer():
        if request.method != "POST":
            return shown(page, request, about, form_of())
        form, does = form_of(request.POST), request.POST.get("do", "preview")
        if does == "use":
            form.use_template()
        elif does in ("save", "send") and form.is_valid() and (kept := done(request, form, does)):
            return redirect(came_from(request, kept) if does == "send" else kept.staff_url())
        return shown(page, request, about, form)

    return once.saved(request, answer) if draft is None else answer()


def done(request, form, does):
    """Keep it or send it. Return the message, or None when something is in the way."""
    keeps = does == "save" and form.keeps_drafts
    try:
        kept = form.save(by=request.user) if keeps else form.send(by=request.user)
    except Refused as refusal:
        form.lacks = refusal.lacks
        return None
    if kept is not None:
        messages.success(request, form.done(kept))
    return kept


def shown(page, request, about, form):
    seen = None
    if form.is_bound and form.is_valid():
        with transaction.atomic():
            stopping = form.lacks
            seen = form.seen(by=request.user)
            seen.lacks = seen.lacks or stopping
    context = {
        **page.admin_site.each_context(request),
        "title": "Write a mail",
        "opts": page.opts,
        "record": about,
        "form": form,
        "seen": seen,
        "about": form.record if form.record != about else None,
        "fields": [(name, field.description) for name, field in filling.FIELDS.items()],
        "purposes": SAID,
        "back": came_from(request, about),
        "is_new": form.draft is None,
    }
    wrong = form.is_bound and (form.errors or (seen and seen.lacks and request.POST.get("do") == "send"))
    return TemplateResponse(request, "admin/letter.html", context, status=422 if wrong else 200)


def first_words(request, opportunity) -> dict:
    """Return what the form begins with: whom the address names, and the words of a mail that is written anew."""
    asked = request.GET
    initial = {"contact": whole_number(asked.get("contact")) or opportunity.decision_owner_id}
    if template := MessageTemplate.objects.filter(pk=whole_number(asked.get("template")) or 0).first():
        initial["template"] = template.pk
    again = opportunity.messages.filter(pk=whole_number(asked.get("again")) or 0, channel="mail").first()
    if again is not None:
        initial |= {"contact": again.contact_id, "purpose": again.purpose}
        initial |= {"subject": again.subject, "body": again.body.replace(Message.LINK, "")}
    return initial


def spoken_of(request, opportunity):
    """Return the record of this deal that the address names ("proposals.proposal:7"), if this person may see it."""
    kind, _, pk = request.GET.get("about", "").partition(":")
    try:
        model = apps.get_model(kind)
    except (LookupError, ValueError):
        return None
    if not (issubclass(model, Kept) and whole_number(pk)):
        return None
    if not request.user.has_perm(f"{model._meta.app_label}.view_{model._meta.model_name}"):
        return None
    if not any(field.name == "opportunity" for field in model._meta.concrete_fields) or model is Contact:
        return None
    return model._base_manager.filter(model.reach(request.user), pk=whole_number(pk), opportunity=opportunity).first()
