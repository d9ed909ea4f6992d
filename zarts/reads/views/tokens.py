"""The tokens of staff and of services: made here, shown once, and revoked here."""

from datetime import timedelta

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST

from opportunities import notices, reads
from opportunities.admin.base import whole_number
from opportunities.forms import say_plainly
from opportunities.models import Notice, User
from opportunities.records import tell
from zarts.desk.access import page_context, staff_page
from zarts.desk.views.tokens import close

from ..catalogue import NAMES, SOURCES
from ..models import Token

# What a token may write, in words, and the rights of which its person, or whoever answers for it, needs one.
WRITES = {
    "leads": ("New leads", ("opportunities.add_lead",)),
    "messages": ("Messages and notes", ("opportunities.add_message", "opportunities.add_note")),
    "payments": ("What was paid", ("proposals.record_payment",)),
}
DAYS = [("30", "30 days"), ("90", "90 days"), ("365", "A year")]


class TokenForm(forms.Form):
    name = forms.CharField(
        label="Which program uses it?",
        max_length=80,
        error_messages={"required": "Name the program, such as “Weekly figures”."},
    )
    sources = forms.MultipleChoiceField(
        label="What may it read?",
        choices=[("*", "Everything"), *((source.name, source.title) for source in SOURCES.values())],
        widget=forms.CheckboxSelectMultiple,
        required=False,
    )
    kinds = forms.MultipleChoiceField(
        label="In which views?",
        choices=[("*", "All of them"), *NAMES.items()],
        widget=forms.CheckboxSelectMultiple,
        required=False,
    )
    writes = forms.MultipleChoiceField(label="What may it write?", widget=forms.CheckboxSelectMultiple, required=False)
    days = forms.ChoiceField(label="How long does it work?", choices=DAYS, initial="90")
    reads_for = forms.ChoiceField(
        label="Whose eyes does it have?",
        choices=[
            ("me", "Mine: it reads what I may see, and writes what I may write"),
            ("service", "A service’s: it reads and writes all that is chosen"),
        ],
        initial="me",
        widget=forms.RadioSelect,
        error_messages={"required": "Choose whose eyes it has."},
    )
    owner = forms.ModelChoiceField(
        User.objects.none(), label="Who answers for the service?", required=False, empty_label="I do"
    )

    def __init__(self, *args, user, **kwargs):
        super().__init__(*args, **kwargs)
        self.user = user
        self.fields["owner"].queryset = User.who_work_here()
        may_make_services = user.has_perm("reads.add_token")
        # Who makes one of a service chooses who answers for it: what it writes is theirs, and they have to be able to.
        offered = [name for name in WRITES if may_make_services or may_write(user, name)]
        self.fields["writes"].choices = [(name, WRITES[name][0]) for name in offered]
        if not may_make_services:
            del self.fields["reads_for"], self.fields["owner"]
        if not offered:
            del self.fields["writes"]
        for field in self.fields.values():
            say_plainly(field)

    def clean(self):
        data = super().clean()
        sources, kinds, writes = (data.get(name) for name in ("sources", "kinds", "writes"))
        if not self.errors and not (sources or kinds or writes):
            self.add_error("sources", "Choose what it may read.")
        if kinds and not sources and "sources" not in self.errors:
            self.add_error("sources", "Choose what it may read.")
        if sources and not kinds and "kinds" not in self.errors:
            self.add_error("kinds", "Choose at least one view.")
        for name in writes or ():
            if not may_write(self.answers, name):
                field = "owner" if self.is_service else "writes"
                what = WRITES[name][0].lower()
                self.add_error(field, f"{self.answers} may not write {what}. Choose somebody who may, or leave it out.")
        return data

    @property
    def is_service(self) -> bool:
        return self.cleaned_data.get("reads_for") == "service"

    @property
    def answers(self) -> User:
        """Return who answers for what it does."""
        return (self.is_service and self.cleaned_data.get("owner")) or self.user

    def scopes(self) -> list[str]:
        sources, kinds = (
            ["*"] if "*" in self.cleaned_data[name] else self.cleaned_data[name] for name in ("sources", "kinds")
        )
        reads = [f"read:{source}.{kind}" for source in sources for kind in kinds]
        return reads + [f"write:{name}" for name in self.cleaned_data.get("writes", ())]

    def made(self):
        """Make the token; return its row and itself."""
        return Token.mint(
            name=self.cleaned_data["name"],
            owner=self.answers,
            # Who names somebody else waits for their word.
            agreed_at=timezone.now() if self.answers == self.user else None,
            is_service=self.is_service,
            scopes=self.scopes(),
            expires_at=timezone.now() + timedelta(days=int(self.cleaned_data["days"])),
            created_by=str(self.user)[:200],
        )


def may_write(user, name) -> bool:
    return any(user.has_perm(right) for right in WRITES[name][1])


def seen_by(user):
    """Return the tokens that somebody sees: their own, or all."""
    every = Token.objects.select_related("owner")
    return every if user.has_perm("reads.view_token") else every.filter(owner=user)


@staff_page()
@require_http_methods(["GET", "HEAD", "POST"])
def tokens(request):
    """List the tokens, and make one. It is shown in the answer to the request that made it, and never again."""
    token = ""
    form = TokenForm(request.POST if request.method == "POST" else None, user=request.user)
    if form.is_valid():
        with transaction.atomic():
            row, token = form.made()
            facts = {"token": row, "scopes": ", ".join(row.scopes), "for": row.owner}
            tell(request.user, "token", "made a token as", by=request.user, facts=facts)
            if row.asks_for_a_word:
                words = f"{request.user} asks you to answer for {row}: what it writes here is yours to answer for."
                notices.tell(row.owner, Notice.Kind.APPROVAL, words, reverse("tokens"), key=f"token:{row.pk}")
        form = TokenForm(user=request.user)
    revoked = "revoked" in request.GET
    rows = seen_by(request.user).filter(revoked_at__isnull=not revoked)
    page = reads.page_of(rows, whole_number(request.GET.get("before")))
    context = page_context(
        request,
        "Tokens",
        form=form,
        token=token,
        page=page,
        tokens=page.rows,
        revoked=revoked,
    )
    return TemplateResponse(request, "reads/tokens.html", context, status=422 if form.errors else 200)


@staff_page()
@require_POST
def revoke(request, pk):
    """Close a token for good: one's own, or any where one keeps those of all."""
    token = get_object_or_404(seen_by(request.user), pk=pk)
    if token.owner_id != request.user.pk and not request.user.has_perm("reads.change_token"):
        raise PermissionDenied("An administrator revokes the tokens of others.")
    close(request, token, "revoked a token as")
    return redirect("tokens")


@staff_page()
@require_POST
@transaction.atomic
def answer(request, pk):
    """Say that one answers for a service which writes. Somebody else named one for it."""
    mine = Token.objects.select_for_update(of=("self",)).filter(owner=request.user)
    token = get_object_or_404(mine, pk=pk)
    if token.asks_for_a_word:
        token.agreed_at = timezone.now()
        token.save(update_fields=["agreed_at"])
        tell(request.user, "token", "agreed to answer for a token as", by=request.user, facts={"token": token})
        messages.success(request, f"You answer for {token}. From now on it writes within its scopes.")
    else:
        messages.warning(request, f"{token} does not wait for your word.")
    return redirect("tokens")
