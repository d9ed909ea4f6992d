"""The lists of what the search box finds are searched as the box is, each in its own kind."""

from functools import reduce
from operator import and_, or_

from django.apps import apps
from django.contrib import admin
from django.contrib.postgres.search import SearchVectorField
from django.db.models import F, Func, Q

import zarts.desk.admin  # noqa: F401 what it registers anew is put over too
from opportunities.admin.base import KeptAdmin
from opportunities.reads import AsWritten

from .finding import LETTERS, every_term, held_by, query_of, terms_of
from .models import Kind, model_of

# Lists that are too long to be read through: one column of their own has an index of its words (migration 0004).
INDEXED = {"opportunities.task"}


class ByLines(KeptAdmin):
    """A list whose search is that of the box: words of the record, its deal and its client, each as a beginning."""

    def get_search_results(self, request, queryset, search_term):
        # What the list never shows, such as a second entry that was merged, is not found in it either.
        queryset, _ = super().get_search_results(request, queryset, "")
        held = held_by(self.opts.model_name, search_term)
        return queryset.filter(held.where()) if held else queryset, False


class ByAbove(KeptAdmin):
    """A list that is searched by what its deal, or else its client, holds, and by columns of its own."""

    def get_search_results(self, request, queryset, search_term):
        held = held_by(self.above.split("__")[-1], search_term)
        if held is None:
            return queryset, False
        own = None
        if self.opts.label_lower in INDEXED:
            [column] = self.search_fields
            words = Func(F(column), function="zarts_search_words", output_field=SearchVectorField())
            queryset = queryset.alias(own_words=words)
            own = Q(own_words=AsWritten(query_of(held.terms)))
        elif self.search_fields:
            words = search_term[:LETTERS].split()
            own = reduce(and_, (reduce(or_, self.standing(word)) for word in words))
        return held.narrow(queryset, f"{self.above}_id", own), False

    def standing(self, word):
        """Return the conditions that a word stands somewhere in a column of its own."""
        return [Q(**{f"{name}__icontains": word}) for name in self.search_fields]


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
            held = held_by(kind, search_term)
            if held is None:
                return queryset, False
            ids = held.newest(self.MOST)
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
for model, page in list(admin.site._registry.items()):
    if getattr(page, "above", "") and not isinstance(page, ByLines):
        put_over(ByAbove, model)
