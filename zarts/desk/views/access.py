"""A contact's access to the portal, and the portal as a client sees it."""

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_POST

from opportunities.models import Client, Contact, Opportunity
from opportunities.records import Refused
from portal.models import Publication
from proposals import publishing
from proposals.models import Proposal

from ..access import staff_page

CHANGE = "opportunities.change_contact"


def contact_of(request, pk):
    """Return a contact whom this person may change."""
    contact = get_object_or_404(Contact.objects.visible_to(request.user).select_related("client"), pk=pk)
    if not contact.within_reach(request.user, "change") or contact.merged_into_id:
        raise PermissionDenied(f"You may read this, but not change it: {contact}.")
    return contact


def done(request, pk, act, words):
    """Do something about a contact's access, and say what was done or why not."""
    contact = contact_of(request, pk)
    try:
        act(contact, by=request.user)
    except Refused as refusal:
        messages.warning(request, str(refusal))
    else:
        messages.success(request, words.format(contact))
    return redirect(contact.staff_url("portal-access"))


@staff_page(CHANGE)
@require_POST
def end_sessions(request, pk):
    """Sign a contact out everywhere."""
    return done(request, pk, publishing.end_sessions, "{} is signed out everywhere.")


@staff_page(CHANGE)
@require_POST
def take(request, pk):
    """Take a contact's access away."""
    return done(request, pk, publishing.take_access, "{} is out, and stays out until you give access again.")


@staff_page(CHANGE)
@require_POST
def give(request, pk):
    """Give a contact access again."""
    return done(request, pk, publishing.give_access, "{} may sign in again.")


@staff_page("opportunities.view_client")
@require_POST
def client(request, pk):
    """Show the portal as a client sees it."""
    record = get_object_or_404(Client.objects.visible_to(request.user), pk=pk)
    if record.merged_into_id:
        raise Http404
    return redirect(publishing.preview(record, record, by=request.user, past="looked at the portal as"))


@staff_page("opportunities.view_opportunity")
@require_POST
def opportunity(request, pk):
    """Show the portal as the client of a deal sees it."""
    deals = Opportunity.objects.visible_to(request.user).select_related("client")
    deal = get_object_or_404(deals, pk=pk)
    past = "looked at the portal as the client of"
    return redirect(publishing.preview(deal, deal.client, by=request.user, past=past))


@staff_page("proposals.view_proposal")
@require_POST
def proposal(request, pk):
    """Show a proposal that was sent as the client sees it in the portal."""
    seen = Proposal.objects.visible_to(request.user).select_related("opportunity__client")
    record = get_object_or_404(seen, pk=pk)
    # What was withdrawn is shown to nobody any more.
    if not Publication.objects.filter(pk=record.publication_id, withdrawn_at=None).exists():
        messages.warning(request, "The client sees nothing of it: it is not sent, or it was taken back.")
        return redirect(record.staff_url())
    shown = {"by": request.user, "past": "looked as the client at", "publication_id": record.publication_id}
    return redirect(publishing.preview(record, record.opportunity.client, **shown))
