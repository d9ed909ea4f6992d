"""The client's onboarding page: what is left to do until they are live, theirs to tick off and to grant, and ours."""

from django.http import Http404
from django.shortcuts import redirect
from django.urls import reverse

from portal import visitor
from portal.forms import NO_SECRET, GrantForm
from portal.models import Publication
from portal.pages import page
from portal.rights import call, rows

from .room import for_guest
from .sessions import guests_deed

# What the doors say of a line that was not taken, where the page itself does not say it.
NOT_TAKEN = ("gone", "closed", "too_many")
# What stands beside an access until somebody of ours has read that it is granted.
SAID = "You say it is granted, we are checking it"
REFUSED = {"no_name": ("name", NO_SECRET["name"]), "no_address": ("to", NO_SECRET["to"])}


@for_guest
def onboarding(request, cursor, guest):
    """Show what is left to do until the client is live, theirs and ours."""
    return onboarding_page(request, cursor, guest)


def onboarding_page(request, cursor, guest, status=200, wrong=None):
    """`wrong` is the form of one access, with what is wrong in it."""
    found = [one for one in Publication.objects.newest() if one.kind == "onboarding"]
    deeds = {(deed["verb"], deed["ref"], deed["line"]): deed for deed in rows(cursor, "portal_list_deeds")}
    for project in found:
        put_together(project, deeds, guest, wrong)
    return page(request, "room/onboarding", status=status, guest=guest, projects=found, wrong=wrong)


def put_together(project, deeds, guest, wrong):
    """Put on a page what the client did a moment ago, and the form of each access that they can grant."""
    body = project.body
    items, accesses = body.get("items") or [], body.get("accesses") or []
    for item in items:
        if deed := deeds.get(("ticked", project.ref, item.get("id"))):
            item |= {"untaken": not item.get("done")} if deed["written_off"] else {"done": True, "again": ""}
        item["tickable"] = body.get("open") and item.get("who") == "you" and not item.get("done") and "id" in item
    for access in accesses:
        if deed := deeds.get(("granted", project.ref, access.get("id"))):
            access |= {"untaken": access.get("asks")} if deed["written_off"] else {"asks": False, "state": SAID}
        access["form"] = body.get("open") and access.get("asks") and form_of(access, guest, wrong)
    project.done, project.count = sum(bool(item.get("done")) for item in items), len(items)
    project.yours = grouped(item for item in items if item.get("who") == "you")
    project.ours = grouped(item for item in items if item.get("who") != "you")
    project.asked = [access for access in accesses if access["form"]]
    project.settled = [access for access in accesses if not access["form"]]


def form_of(access, guest, wrong):
    if wrong is not None and wrong.access == access["id"]:
        return wrong
    return GrantForm(access=access["id"], initial={"name": guest["name"]})


def grouped(items) -> list:
    """Return the items under their headings, in the order in which each comes first; what is open before the rest."""
    groups: dict[str, list] = {}
    for item in items:
        groups.setdefault(item.get("group") or "", []).append(item)
    return [(name, sorted(lines, key=lambda item: bool(item.get("done")))) for name, lines in groups.items()]


@guests_deed
def tick(request, cursor, guest, pk, line):
    """Tick off an item of the list. The database decides whether it is theirs, and counts it once."""
    return answered(request, guest, line, call(cursor, "portal_tick", *told(request), pk, line, *who(request)), "item")


@guests_deed
def grant(request, cursor, guest, pk, line):
    """Say that an access is granted: who did it, and which address of ours they let in."""
    form = GrantForm(request.POST, access=line)
    if not form.is_valid():
        return onboarding_page(request, cursor, guest, status=422, wrong=form)
    typed = (form.cleaned_data["name"], form.cleaned_data["to"])
    outcome = call(cursor, "portal_grant", *told(request), pk, line, *typed, *who(request))
    if outcome in REFUSED:
        form.add_error(*REFUSED[outcome])
        return onboarding_page(request, cursor, guest, status=422, wrong=form)
    return answered(request, guest, line, outcome, "access")


def told(request):
    return (visitor.session_token(request),)


def who(request):
    return visitor.address(request), visitor.agent(request)


def answered(request, guest, line, outcome, part):
    """Lead back to the line, or say why nothing was done about it."""
    if outcome in ("unknown", "signed_out"):
        raise Http404
    if outcome in NOT_TAKEN:
        return page(request, "room/not_ticked", status=409, guest=guest, outcome=outcome)
    return redirect(f"{reverse('onboarding')}#{part}-{line}")
