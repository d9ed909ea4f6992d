"""The keys of programs that send inquiries: made here, shown once, and revoked here."""

from django import forms
from django.conf import settings
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import F
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.views.decorators.http import require_http_methods, require_POST

from opportunities.forms import say_plainly
from opportunities.records import tell
from portal.models import IntakeToken

from ..access import page_context, staff_page

MOST = 100


class TokenForm(forms.Form):
    name = forms.CharField(
        label="Which program uses it?",
        max_length=80,
        error_messages={"required": "Name the program, such as “Website”."},
    )
    source_name = forms.CharField(
        label="Source of its leads",
        max_length=120,
        error_messages={"required": "Name the source that its leads get."},
        help_text="Leads whose link names a campaign get that one instead.",
    )

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            say_plainly(field)


@staff_page("portal.view_intaketoken")
@require_http_methods(["GET", "HEAD", "POST"])
def tokens(request):
    """List the tokens, and make one. It is shown in the answer to the request that made it, and never again."""
    form, token = TokenForm(request.POST if request.method == "POST" else None), ""
    if request.method == "POST":
        if not request.user.has_perm("portal.add_intaketoken"):
            raise PermissionDenied("An administrator makes the tokens.")
        if form.is_valid():
            row, token = IntakeToken.mint(**form.cleaned_data, created_by=str(request.user)[:200])
            tell(request.user, "token", "made an intake token as", by=request.user, facts={"token": row})
            form = TokenForm()
    context = page_context(
        request,
        "Intake tokens",
        form=form,
        token=token,
        tokens=IntakeToken.objects.order_by(F("revoked_at").asc(nulls_first=True), "-pk")[:MOST],
        may_make=request.user.has_perm("portal.add_intaketoken"),
        address=f"{settings.PORTAL_URL}/intake/leads",
    )
    return TemplateResponse(request, "desk/tokens.html", context, status=422 if form.errors else 200)


@staff_page("portal.change_intaketoken")
@require_POST
def revoke(request, pk):
    """Close a token for good."""
    close(request, get_object_or_404(IntakeToken, pk=pk), "revoked an intake token as")
    return redirect("intake_tokens")


def close(request, token, past):
    """Revoke a token of any kind in the name of who asks, and say what came of it."""
    if token.revoke(str(request.user)[:200]):
        tell(request.user, "token", past, by=request.user, facts={"token": token})
        messages.success(request, f"Revoked: {token}. Whatever uses it is refused from now on.")
    else:
        messages.warning(request, f"{token} is revoked already.")
