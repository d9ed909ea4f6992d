"""Who else may see or change a single opportunity: people and roles, by grants that add to the plain scope."""

from django import forms
from django.contrib import messages
from django.contrib.auth.models import Group
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from guardian.shortcuts import assign_perm, remove_perm

from ..models import OpportunityGroupPermission, OpportunityUserPermission, User
from ..records import lock, tell

RIGHT = "opportunities.share_opportunity"
MAY = {"view": "See it", "change": "See and change it"}


class ShareForm(forms.Form):
    person = forms.ModelChoiceField(
        User.objects.filter(is_active=True, is_staff=True).order_by("first_name", "username"),
        required=False,
        empty_label="Nobody",
    )
    role = forms.ModelChoiceField(Group.objects.order_by("name"), required=False, empty_label="None")
    may = forms.ChoiceField(label="They may", choices=list(MAY.items()))

    def clean(self):
        data = super().clean()
        if not self.errors and bool(data.get("person")) == bool(data.get("role")):
            self.add_error("person", "Choose a person or a role, one of the two.")
        return data


def may_share(user, opportunity) -> bool:
    return user.has_perm(RIGHT) and opportunity.within_reach(user, "change")


def share_view(page, request, pk):
    """Show with whom an opportunity is shared; share it (POST), or take that back (POST with `take`)."""
    opportunity = page.get_object_or_404(request, pk)
    if not may_share(request.user, opportunity):
        raise PermissionDenied("Managers and administrators share opportunities.")
    form = ShareForm(request.POST if request.method == "POST" and "take" not in request.POST else None)
    if "take" in request.POST:
        held = next((held for held in shared_with(opportunity) if held["key"] == request.POST["take"]), None)
        if held:
            take_back(opportunity, held["who"], by=request.user)
            messages.success(request, f"No longer shared with {held['who']}.")
        return redirect(request.path)
    if form.is_valid():
        who = form.cleaned_data["person"] or form.cleaned_data["role"]
        share(opportunity, who, form.cleaned_data["may"], by=request.user)
        messages.success(request, f"Shared with {who}.")
        return redirect(request.path)
    context = {
        **page.admin_site.each_context(request),
        "title": f"Share {opportunity}",
        "record": opportunity,
        "form": form,
        "shared": shared_with(opportunity),
    }
    return TemplateResponse(request, "admin/share.html", context)


def shared_with(opportunity) -> list[dict]:
    """Return everybody who holds a grant: who, what they may, and a key to take it back by."""
    held: dict = {}
    for kind, model in (("user", OpportunityUserPermission), ("group", OpportunityGroupPermission)):
        for grant in model.objects.filter(content_object=opportunity).select_related(kind, "permission").order_by("pk"):
            who = getattr(grant, kind)
            held.setdefault((kind, who.pk), (who, set()))[1].add(grant.permission.codename.split("_")[0])
    return [
        {"key": f"{kind}-{pk}", "who": who, "may": MAY["change" if "change" in rights else "view"]}
        for (kind, pk), (who, rights) in held.items()
    ]


@transaction.atomic
def share(opportunity, who, may, *, by):
    """Let a person or a role see this opportunity, or see and change it; instead of what they were let before."""
    lock(opportunity)
    assign_perm("view_opportunity", who, opportunity)
    if may == "change":
        assign_perm("change_opportunity", who, opportunity)
    else:
        remove_perm("change_opportunity", who, opportunity)
    tell(opportunity, "share", "shared", by=by, facts={"with": who, "may": MAY[may].lower()})


@transaction.atomic
def take_back(opportunity, who, *, by):
    """End what a person or a role was let."""
    lock(opportunity)
    for right in ("view_opportunity", "change_opportunity"):
        remove_perm(right, who, opportunity)
    tell(opportunity, "unshare", "took back the sharing of", by=by, facts={"with": who})
