"""The lists of what the search box finds are searched as the box is, each in its own kind."""

from django.apps import apps
from django.contrib import admin

from opportunities.admin.base import KeptAdmin
from opportunities.reads import AsWritten

from .finding import query_of, terms_of
from .models import Entry, Kind, model_of


class ByLines(KeptAdmin):
    """A list whose search is that of the box: words of the record, its deal and its client, each as a beginning."""

    def get_search_results(self, request, queryset, search_term):
        # What the list never shows, such as a second entry that was merged, is not found in it either.
        queryset, _ = super().get_search_results(request, queryset, "")
        terms = terms_of(search_term[:200])
        if not terms:
            return queryset, False
        found = Entry.objects.filter(kind=self.opts.model_name, search=AsWritten(query_of(terms)))
        return queryset.filter(pk__in=found.values("record_id")), False


for kind in Kind.values:
    model = apps.get_model(model_of(kind), kind)
    page = type(admin.site._registry[model])
    admin.site.unregister(model)
    admin.site.register(model, type(page.__name__, (ByLines, page), {}))
