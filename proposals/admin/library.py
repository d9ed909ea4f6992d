"""The house's words: the clauses of its contracts, each in versions, and the words that clients should not meet."""

from django import forms
from django.contrib import admin, messages
from django.contrib.admin import display
from django.core.exceptions import PermissionDenied
from django.db.models import Count, OuterRef, Subquery, Value
from django.db.models.functions import Coalesce
from django.shortcuts import redirect
from django.template.response import TemplateResponse

from opportunities import difference
from opportunities.admin.base import KeptAdmin
from opportunities.forms import WordsField, say_plainly
from opportunities.records import Refused
from opportunities.words import plain_words

from ..models import Clause, ContractClause, GlossaryTerm


class ReviseForm(forms.Form):
    """The words of the next version."""

    title = WordsField(max_length=160, widget=forms.TextInput, validators=[plain_words])
    text = WordsField(label="Words of the clause", rows=12, validators=[plain_words])

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            say_plainly(field)


def contracts_with(**clause):
    """Return, as a part of the query for a clause, how many contracts hold such a one."""
    rows = ContractClause.objects.filter(**clause).order_by().annotate(all=Value(1)).values("all")
    return Coalesce(Subquery(rows.annotate(n=Count("contract", distinct=True)).values("n")), 0)


@admin.register(Clause)
class ClauseAdmin(KeptAdmin):
    """A clause keeps its words: a change is a new version, and a contract keeps the one that it pins."""

    list_display = ["title", "key", "version", "is_standard", "contracts", "earlier"]
    search_fields = ["title", "key"]
    fields = ["key", "title", "text", "is_standard"]
    panels = ("proposals/clause.html", "proposals/clause_rests.html")
    empty_words = "No clauses yet. Add the first: every new contract begins with those that are in every contract."

    def get_queryset(self, request):
        rows = super().get_queryset(request)
        pinned, ever = contracts_with(clause=OuterRef("pk")), contracts_with(clause__key=OuterRef("key"))
        return rows.annotate(pinned=pinned, pinned_ever=ever)

    def filter_rows(self, request, rows):
        """List the newest version of each clause; the earlier ones stand on its page."""
        filters, rows = super().filter_rows(request, rows)
        return filters, rows.filter(pk__in=Clause.objects.newest().values("pk"))

    @display(description="Contracts that pin it")
    def contracts(self, clause):
        return clause.pinned

    @display(description="That pin an earlier one")
    def earlier(self, clause):
        return clause.pinned_ever - clause.pinned

    def get_readonly_fields(self, request, obj=None):
        if obj is None:
            return []
        newest = not Clause.objects.filter(key=obj.key, version__gt=obj.version).exists()
        return ["key", "title", "text", *([] if newest else ["is_standard"])]

    def pages(self):
        return [*super().pages(), ("<int:pk>/revise/", self.revise_view, "revise")]

    def about(self, request, record):
        versions = list(self.get_queryset(request).filter(key=record.key).order_by("-version"))
        earlier = [*versions[1:], None]
        rows = [
            {
                "version": version,
                "changes": difference.changes(before.text, version.text) if before else [],
                "titled": before.title if before and before.title != version.title else "",
            }
            for version, before in zip(versions, earlier, strict=True)
        ]
        return super().about(request, record) | {
            "versions": rows,
            "newest": versions[0],
            "may_revise": self.has_change_permission(request, record) and versions[0].pk == record.pk,
        }

    def revise_view(self, request, pk):
        """Show the words to change (GET), and make them the next version (POST)."""
        clause = self.get_object_or_404(request, pk)
        if not self.has_change_permission(request, clause):
            raise PermissionDenied("Only whoever may change clauses revises one.")
        given = {"title": clause.title, "text": clause.text}
        form = ReviseForm(request.POST if request.method == "POST" else None, initial=given)
        status = 200
        if form.is_bound:
            status = 422
            if form.is_valid():
                try:
                    new = clause.revise(by=request.user, **form.cleaned_data)
                except Refused as refusal:
                    form.add_error(None, str(refusal))
                    status = 409
                else:
                    messages.success(request, f"Revised: {new}. Contracts that pin an earlier version keep it.")
                    return redirect(new.staff_url())
        context = {**self.admin_site.each_context(request), "opts": self.opts, "record": clause, "form": form}
        context |= {"title": f"Revise: {clause}", "button": "Save as the next version", "back": clause.staff_url()}
        return TemplateResponse(request, "admin/small_form.html", context, status=status)


@admin.register(GlossaryTerm)
class GlossaryTermAdmin(KeptAdmin):
    """Whoever manages keeps the list of words that clients should not meet."""

    list_display = ["term", "why", "suggestion", "blocking", "is_used"]
    search_fields = ["term", "why", "suggestion"]
    fields = ["term", "why", "suggestion", "blocking", "is_used"]
    empty_words = "No words yet. Until the first is kept, the list that came with the house counts."
