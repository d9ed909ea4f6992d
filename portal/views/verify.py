"""Where anybody can ask whether a file is ours and unchanged. It tells nothing that the file does not say itself."""

from django.views.decorators.http import require_http_methods

from portal import seals, visitor
from portal.forms import LookForm
from portal.pages import page
from portal.rights import call, portal_rights, rows


@require_http_methods(["GET", "HEAD", "POST"])
def verify(request):
    """Ask for a file, or say what it is. For anybody; a file is looked at and not kept."""
    if request.method != "POST":
        return page(request, "verify", form=LookForm())
    with portal_rights(None, write=True) as cursor:
        may = call(cursor, "portal_may_look", visitor.address(request))
    if not may:
        return page(request, "verify", status=429, form=LookForm(), too_often=True)
    form = LookForm(request.POST, request.FILES)
    if not form.is_valid():
        return page(request, "verify", status=422, form=form)
    file = form.cleaned_data["file"].read()
    with portal_rights(None) as cursor:
        known = next(iter(rows(cursor, "portal_paper_known", seals.digest(file))), None)
    return page(request, "verify", form=LookForm(), verdict=seals.verdict(file, known))
