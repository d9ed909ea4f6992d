"""The composer: the one page on which a proposal is written, and what it shows while others write there too."""

from collections.abc import Callable
from contextlib import contextmanager
from functools import partial
from urllib.parse import parse_qs, urlsplit

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.http import Http404, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.template.loader import render_to_string
from django.template.response import TemplateResponse
from django.urls import get_urlconf, reverse, set_urlconf
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.views.decorators.clickjacking import xframe_options_sameorigin
from django.views.decorators.http import require_safe

from opportunities import once
from opportunities.admin.asking import ask
from opportunities.admin.base import whole_number
from opportunities.records import Refused
from portal import offer
from portal.consent import accepted_by
from portal.forms import AcceptForm, AskForm, DeclineForm
from portal.pages import agency

from .. import composing, coverage, publishing
from .papers import PublishedAdmin

SCRIPT = "composer.js"
# A page that is shown inside one of ours: it loads what it looks like, and sends nothing.
INSIDE = (
    "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'none'; base-uri 'none'; "
    "frame-ancestors 'self'"
)
# It leads nowhere: a preview has no link.
NO_TOKEN = "0" * 43
# What changes around the rows with every save.
AROUND = ("held", "top", "moves", "rows", "where", "approvals")


class Composer(PublishedAdmin):
    """The pages on which a proposal is written."""

    def pages(self):
        return [
            *super().pages(),
            ("<int:pk>/preview/", self.preview_view, "preview"),
            ("<int:pk>/now/", self.now_view, "now"),
            ("<int:pk>/insert/<slug:name>/", self.insert_view, "insert"),
            ("<int:pk>/keep/", self.keep_view, "keep"),
        ]

    def changeform_view(self, request, object_id=None, form_url="", extra_context=None):
        if object_id is None:
            return super().changeform_view(request, object_id, form_url, extra_context)
        proposal = self.get_object_or_404(request, object_id)
        if request.method != "POST":
            return self.shown(request, proposal)
        if not self.has_change_permission(request, proposal):
            if is_by_script(request):
                return JsonResponse({"said": f"Not saved. {over(proposal)} Copy your words.", "over": True}, status=403)
            raise PermissionDenied(f"You may read this, but not write in it: {proposal}.")
        return self.written(request, proposal)

    # -- The page. -----------------------------------------------------------------------------------------------------

    def shown(self, request, proposal, *, form=None, name="", clash=None, status=200):
        """Show the page, with the form of the part that is being written."""
        context = self.around(request, proposal)
        context |= self.admin_site.each_context(request) | self.about(request, proposal)
        asked = name or request.GET.get("open", "")
        if context["may_write"] and not clash and composing.is_part(asked):
            form = form or self.part_form(proposal, asked)
        context |= {"opts": self.opts, "open": self.opened(proposal, asked, form), "clash": clash, "clash_at": asked}
        return TemplateResponse(request, "proposals/composer.html", context, status=status)

    def part_form(self, proposal, name):
        """Return the form of a part of the page, or None when there is no such row any more."""
        row = None if name in composing.HEAD or name.startswith("new-") else composing.find(proposal, name)
        if row is None and composing.NAME.fullmatch(name):
            return None
        return composing.form_of(proposal, name, row=row)

    def opened(self, proposal, name, form):
        """Return the part that is open, with what it said when it was shown."""
        if form is None:
            return None
        row = form.instance
        is_new = name.startswith("new-")
        mark = "" if is_new else form.data.get("seen") or composing.seen(row, name)
        return {"name": name, "form": form, "seen": mark, "is_new": is_new, "keeps": keeps_words(name)}

    def around(self, request, proposal) -> dict:
        """Return what the page shows of the proposal as it is now. Every row is read along with it."""
        composing.read(proposal)
        may_write = self.has_change_permission(request, proposal)
        taken = composing.taken_out(proposal) if may_write else []
        told = composing.lately(proposal)
        badges = coverage.badges_of_all(proposal)
        return {
            "record": proposal,
            "title": str(proposal),
            "may_write": may_write,
            "over": "" if may_write else over(proposal),
            "may_keep_block": may_write and request.user.has_perm("proposals.add_block"),
            "may_keep_template": request.user.has_perm("proposals.add_offertemplate"),
            "sums": composing.sums_of(proposal),
            "head": [self.head(proposal, name) for name in composing.HEAD],
            "groups": grouped(
                {
                    "section": section,
                    "rows": [
                        (composing.key_of(row), row, badges.get(row)) for row in composing.rows_in(proposal, section)
                    ],
                    "no_price": no_price(proposal) if section.name == "pricing" else "",
                    "taken": [each for each in taken if each["section"] == section.name],
                }
                for section in composing.SECTIONS
            ),
            "at": composing.newest(told),
            "writers": composing.who_writes(told, request.user),
            "writes": reverse("admin:proposals_proposal_change", args=[proposal.pk]),
            "lead": proposal.lead if proposal.lead and proposal.lead.within_reach(request.user, "view") else None,
            "messages_sent": proposal.opportunity.messages.filter(
                record_type=proposal.label(), record_id=proposal.pk
            ).order_by("-pk")[:5],
        }

    def head(self, proposal, name) -> dict:
        label, names = composing.HEAD[name]
        fields = [
            {"name": each, "label": proposal._meta.get_field(each).verbose_name, "value": getattr(proposal, each)}
            for each in names
        ]
        return {"name": name, "label": label, "fields": fields}

    # -- Writing. ------------------------------------------------------------------------------------------------------

    def written(self, request, proposal):
        """Do what was asked with one part of the page, and show it or lead back to it."""
        does, _, rest = request.POST.get("do", "save").partition(":")
        acts: dict[str, Callable] = {
            "save": self.save,
            "keep": self.save,
            "shut": self.shut,
            "up": partial(self.move, by=-1),
            "down": partial(self.move, by=1),
            "place": self.move,
            "remove": self.remove,
            "back": self.put_back,
        }
        if does not in acts:
            raise Http404
        act = acts[does]
        try:
            again = partial(self.done_already, request, proposal) if is_by_script(request) else None
            return once.saved(request, lambda: act(request, proposal, rest), again)
        except Refused as refusal:
            return self.refused(request, proposal, refusal)
        except composing.Clash as clash:
            return self.clashed(request, proposal, clash)

    def save(self, request, proposal, rest):
        name = request.POST.get("row", "")
        if not composing.is_part(name):
            raise Http404
        form, row = composing.save(proposal, name, request.POST, by=request.user)
        if form.errors:
            return self.wrong(request, proposal, name, form)
        if not request.POST.get("stays_open") and proposal.writing_id == request.user.pk:
            proposal.stop_writing(by=request.user)
        said = saved_now()
        if request.POST.get("do") == "keep" and keeps_words(name) and request.user.has_perm("proposals.add_block"):
            said = composing.keep_block(proposal, row, by=request.user)
        return self.done(request, proposal, said, row, name)

    def shut(self, request, proposal, rest):
        """Take it that whoever had rows open has shut them, or left: what they changed is asked about now."""
        proposal.stop_writing(by=request.user)
        return self.done(request, proposal, saved_now(), None, "rows")

    def move(self, request, proposal, rest, by=None):
        """Put a row one place up or down, or where it was dropped."""
        name, _, to = rest.partition(":")
        row = self.row_or_refuse(proposal, name)
        here = [each.pk for each in row.beside()].index(row.pk)
        proposal.place(row, whole_number(to) or 0 if by is None else max(0, here + by), by=request.user)
        return self.done(request, proposal, saved_now(), row, name)

    def remove(self, request, proposal, rest):
        row = self.row_or_refuse(proposal, rest)
        section = composing.section_of(row)
        proposal.remove(row, by=request.user)
        return self.done(request, proposal, f"Taken out: {row}", None, section.name)

    def put_back(self, request, proposal, rest):
        row = composing.put_back(proposal, whole_number(rest) or 0, by=request.user)
        return self.done(request, proposal, f"Back again: {row}", row, composing.key_of(row))

    def row_or_refuse(self, proposal, name):
        if row := composing.find(proposal, name):
            return row
        raise Refused(["Somebody took this row out meanwhile. Reload the page."])

    def done(self, request, proposal, said, row, name):
        """Say what was done: to the script with all that changed, else by leading back to the place."""
        key = name if row is None or name in composing.HEAD else composing.key_of(row)
        if not is_by_script(request):
            messages.success(request, f"{said}.")
            return redirect(f"{proposal.staff_url()}#{key}")
        fresh = self.again(request, proposal)
        # As the database keeps it: 500 that was typed is 500.00 there.
        kept = fresh if name in composing.HEAD else composing.find(fresh, key)
        mark = composing.seen(kept, name) if kept is not None else ""
        return self.told(request, fresh, said, key, mark)

    def done_already(self, request, proposal, led_to):
        """Say to the script once more what its first save did, whose answer was lost on the way."""
        where = urlsplit(led_to)
        mark = parse_qs(where.query).get("seen", [""])[0]
        return self.told(request, self.again(request, proposal), saved_now(), where.fragment, mark)

    def told(self, request, fresh, said, key, mark):
        """Answer the script with all that changed, and with what the row said when it was saved."""
        answer = JsonResponse({"said": said, "key": key, "seen": mark, **self.parts(request, fresh)})
        answer.led_to = f"{fresh.staff_url()}?seen={mark}#{key}"
        return answer

    def wrong(self, request, proposal, name, form):
        """Show what is wrong at its field, with all that was typed."""
        if is_by_script(request):
            html = self.part(request, "form", proposal, open=self.opened(proposal, name, form))
            return JsonResponse({"said": "Not saved: look at the marked fields.", "form": html}, status=422)
        return self.shown(request, self.again(request, proposal), form=form, name=name, status=422)

    def clashed(self, request, proposal, clash):
        """Show both versions: what was typed here, and what somebody else wrote meanwhile."""
        name = request.POST.get("row", "")
        mark = composing.seen(clash.row, name) if clash.row else ""
        theirs = {"clash": clash, "clash_at": name, "clash_seen": mark}
        if clash.row is None:
            section = clash.form.auto_id.partition("-%s")[0]
            theirs["clash_new"] = section
        if is_by_script(request):
            html = self.part(request, "clash", proposal, **theirs)
            return JsonResponse({"said": "Not saved: somebody else wrote here.", "clash": html}, status=409)
        answer = self.shown(request, self.again(request, proposal), name=name, clash=clash, status=409)
        answer.context_data |= theirs
        return answer

    def refused(self, request, proposal, refusal):
        if is_by_script(request):
            return JsonResponse({"said": str(refusal), "stopped": True}, status=409)
        messages.error(request, str(refusal))
        return redirect(proposal.staff_url())

    def again(self, request, proposal):
        """Read the proposal again, without what this request has read of it before."""
        request.__dict__.pop("_records", None)
        return self.get_queryset(request).get(pk=proposal.pk)

    # -- What follows a save, somebody else's too. ---------------------------------------------------------------------

    def parts(self, request, proposal) -> dict:
        """Return what stands around the open forms, as it is now."""
        context = self.around(request, proposal)
        context |= self.about(request, proposal)
        parts = {name: render_to_string(f"proposals/parts/{name}.html", context, request) for name in AROUND}
        told = {name: context[name] for name in ("at", "over", "writers")}
        return {"parts": parts, "stage": proposal.stage, **told}

    def part(self, request, name, proposal, **context):
        context = {
            "record": proposal,
            "may_write": True,
            "may_keep_block": request.user.has_perm("proposals.add_block"),
            "writes": proposal.staff_url(),
            **context,
        }
        return render_to_string(f"proposals/parts/{name}.html", context, request)

    @method_decorator(require_safe)
    def now_view(self, request, pk):
        """Say who else writes here, and what has changed since the page last knew; or give the form of one part."""
        proposal = self.get_object_or_404(request, pk)
        if name := request.GET.get("open"):
            if not self.has_change_permission(request, proposal):
                raise PermissionDenied(f"You may read this, but not write in it: {proposal}.")
            form = self.part_form(proposal, name) if composing.is_part(name) else None
            if form is None:
                raise Http404
            return HttpResponse(self.part(request, "form", proposal, open=self.opened(proposal, name, form)))
        told = composing.lately(proposal)
        at = composing.newest(told)
        if at == whole_number(request.GET.get("since")):
            return JsonResponse({"at": at, "writers": composing.who_writes(told, request.user)})
        return JsonResponse(self.parts(request, proposal))

    # -- The client's page. --------------------------------------------------------------------------------------------

    @method_decorator(require_safe)
    @method_decorator(xframe_options_sameorigin)
    def preview_view(self, request, pk):
        """Show what the client reads: what was sent, or what would be sent now. It has no link and takes no answer."""
        proposal = self.get_object_or_404(request, pk)
        title, body = publishing.read_by_client(proposal)
        with addresses_of("portal.urls"):
            page = render_to_string(
                "proposals/preview.html",
                {
                    "agency": agency(),
                    "preview": True,
                    "is_out": proposal.publication_id is not None,
                    "portal": settings.PORTAL_URL,
                    "token": NO_TOKEN,
                    "publication": {"title": title},
                    "link": {
                        "sender_name": str(proposal.owner),
                        "decide_by": proposal.decide_on,
                        "valid_until": proposal.valid_until,
                        "asked": [],
                    },
                    "jumps": offer.jumps(body, last=[("questions", "Questions"), ("accept", "Accept")]),
                    **offer.shown_offer(body),
                    **{
                        "accept": AcceptForm(words=accepted_by(body)["text"]),
                        "decline": DeclineForm(),
                        "ask": AskForm(about=offer.about(body)),
                    },
                },
            )
        return HttpResponse(page, headers={"Content-Security-Policy": INSIDE})

    # -- Words to use again, and templates. ----------------------------------------------------------------------------

    def insert_view(self, request, pk, name):
        """Choose from the words to use again and from the book of the service (GET), and put them in (POST)."""
        proposal = self.get_object_or_404(request, pk)
        if name != "words" and name not in composing.BY_NAME:
            raise Http404
        if not self.has_change_permission(request, proposal):
            raise PermissionDenied(f"You may read this, but not write in it: {proposal}.")
        groups = composing.choices_for(proposal, name)
        form, lacks = composing.ChooseForm(request.POST or None, groups=groups), []
        if request.method == "POST" and form.is_valid():
            try:
                composing.put_in(proposal, name, form.cleaned_data["picks"], by=request.user)
            except Refused as refusal:
                lacks = refusal.lacks
            except ValidationError as trouble:
                form.add_error("picks", trouble.messages)
            else:
                messages.success(request, "Put in.")
                return redirect(f"{proposal.staff_url()}#{name}")
        context = {
            **self.admin_site.each_context(request),
            "title": "Put in words to use again" if name != "pricing" else "Put in prices of the book",
            "opts": self.opts,
            "record": proposal,
            "form": form,
            "groups": groups,
            "lacks": lacks,
            "back": f"{proposal.staff_url()}#{name}",
            "no_price": composing.no_price_because(proposal) if name == "pricing" else "",
        }
        status = 409 if lacks else 422 if request.method == "POST" else 200
        return TemplateResponse(request, "proposals/insert.html", context, status=status)

    def keep_view(self, request, pk):
        """Keep the rows of a proposal as a template for others."""
        proposal = self.get_object_or_404(request, pk)
        if not request.user.has_perm("proposals.add_offertemplate"):
            raise PermissionDenied("Your role does not include keeping templates.")
        with transaction.atomic():
            return ask(
                self,
                request,
                proposal,
                composing.KeepForm,
                label="Keep as a template",
                intro="Its rows, opening words and currency are kept, without the evidence. Later changes here leave "
                "the template as it is.",
                act=partial(composing.keep_template, proposal, by=request.user),
            )


@contextmanager
def addresses_of(urlconf):
    """Let what is rendered meanwhile lead to the addresses of another surface."""
    before = get_urlconf()
    set_urlconf(urlconf)
    try:
        yield
    finally:
        set_urlconf(before)


def no_price(proposal) -> str:
    """Say that the book had nothing to begin with, while a proposal has no price."""
    return "" if proposal.price_lines.all() else composing.no_price_because(proposal)


def over(proposal) -> str:
    """Say why somebody who reads a proposal does not write in it."""
    if proposal.stage in proposal.WRITABLE:
        return "You may read this, but not write in it."
    return "It does not change any more. A change is a new revision."


def saved_now() -> str:
    return f"Saved {timezone.localtime():%H:%M}"


def is_by_script(request) -> bool:
    return request.headers.get("X-Requested-With") == SCRIPT


def keeps_words(name) -> bool:
    """Whether a part is words that can be kept to be used again."""
    return name == "words" or name.startswith("scope_items-")


def grouped(sections) -> list:
    """Gather the sections under the names by which links from elsewhere find them."""
    groups = {}
    for each in sections:
        groups.setdefault(each["section"].rows, []).append(each)
    return list(groups.items())
