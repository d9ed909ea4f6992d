"""The lists of what the search box finds are searched as the box is, each in its own kind."""

from django.apps import apps
from django.contrib import admin

from opportunities.admin.base import KeptAdmin

from .finding import every_term, holding, terms_of
from .models import Kind, model_of


class ByLines(KeptAdmin):
    """A list whose search is that of the box: words of the record, its deal and its client, each as a beginning."""

    def get_search_results(self, request, queryset, search_term):
        # What the list never shows, such as a second entry that was merged, is not found in it either.
        queryset, _ = super().get_search_results(request, queryset, "")
        found = holding(self.opts.model_name, search_term)
        return queryset if found is None else queryset.filter(pk__in=found.values("record_id")), False


class ByTheirWords(KeptAdmin):
    """A list of a handful: what each says of itself is read here, for no column has it."""

    # That there is a search; the columns are not asked.
    search_fields = ("pk",)

    def get_search_results(self, request, queryset, search_term):
        terms = terms_of(search_term[:200])
        said = {row.pk: every_term(self.words_of(row)) for row in queryset} if terms else {}
        found = [pk for pk, has in said.items() if all(any(word.startswith(term) for word in has) for term in terms)]
        return queryset.filter(pk__in=found) if terms else queryset, False

    def words_of(self, row) -> str:
        return getattr(row, "sentence", "") or row.get_kind_display()


class OfRecords(KeptAdmin):
    """The diary: what happened to clients, leads and deals that are called so, the newest so many of each."""

    search_fields = ("subject",)
    MOST = 100

    def get_search_results(self, request, queryset, search_term):
        diaries: set = set()
        for kind in ("client", "lead", "opportunity"):
            lines = holding(kind, search_term)
            if lines is None:
                return queryset, False
            ids = list(lines.order_by("-pk").values_list("record_id", flat=True)[: self.MOST])
            records = apps.get_model(model_of(kind), kind)._base_manager
            diaries |= set(records.filter(pk__in=ids).values_list("diary_id", flat=True))
        return queryset.filter(diary_id__in=diaries), False


def put_over(page, model):
    """Let a model's list be searched by this."""
    own = type(admin.site._registry[model])
    admin.site.unregister(model)
    admin.site.register(model, type(own.__name__, (page, own), {}))


put_over(ByTheirWords, apps.get_model("proposals.ApprovalRule"))
put_over(ByTheirWords, apps.get_model("opportunities.ShelfLife"))
put_over(OfRecords, apps.get_model("opportunities.Event"))
for kind in Kind.values:
    put_over(ByLines, apps.get_model(model_of(kind), kind))
