"""The PDF of what a client may read, for whoever may read its page."""

from django.http import Http404
from django.shortcuts import redirect
from django.views.decorators.http import require_safe

from portal import visitor
from portal.models import Paper, Publication
from portal.papers import download
from portal.rights import portal_rights

from .link import state_of
from .room import for_guest, newest


@require_safe
def by_link(request, token):
    """Hand out a proposal where its page is open in this browser; anywhere else its page says why not."""
    with portal_rights(token) as cursor:
        link = state_of(cursor, token, visitor.reading_key(request, token))
        publication = Publication.objects.shown().filter(pk=link["publication_id"]).first()
        if publication is None or link["state"] not in ("open", "answered") or link["reader"] is None:
            return redirect("link", token)
        return paper_of(publication)


@for_guest
def proposal(request, cursor, guest, pk):
    """Hand out a proposal of the client's."""
    return newest_paper("proposal", pk)


@for_guest
def contract(request, cursor, guest, pk):
    """Hand out a contract of the client's; once both sides signed it, its sealed copy."""
    return newest_paper("contract", pk)


@for_guest
def report(request, cursor, guest, pk):
    """Hand out a report of the client's."""
    return newest_paper("report", pk)


def newest_paper(kind, pk):
    publication = newest(kind, pk)
    if publication.pk != pk:
        return redirect(f"{kind}-paper", publication.pk)
    return paper_of(publication)


def paper_of(publication):
    paper = Paper.objects.of(publication.pk)
    if paper is None:
        raise Http404
    return download(paper, publication)
