"""The PDF that a client got, for whoever may see the record it was made of."""

from django.http import Http404
from django.utils.decorators import method_decorator
from django.views.decorators.http import require_safe

from opportunities.admin.base import RecordAdmin
from portal.papers import download

from .. import publishing
from .writing import WrittenAdmin


class PaperPages(RecordAdmin):
    """A published record's page, with the address of its newest paper."""

    def pages(self):
        return [*super().pages(), ("<int:pk>/paper.pdf", self.paper_view, "paper")]

    @method_decorator(require_safe)
    def paper_view(self, request, pk):
        """Hand out what the client has: the newest that was published, also when it was withdrawn since."""
        paper = publishing.newest_paper(self.get_object_or_404(request, pk))
        if paper is None:
            raise Http404("Nothing of it was published yet.")
        return download(paper, paper.publication)

    def about(self, request, record):
        return super().about(request, record) | {"paper": publishing.newest_paper(record)}


class PublishedAdmin(PaperPages, WrittenAdmin):
    """A written record that is published."""
