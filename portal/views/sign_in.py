"""How a client's guest comes in and goes out."""

from django.shortcuts import redirect
from django.views.decorators.http import require_http_methods, require_POST

from portal import visitor
from portal.forms import SignInForm
from portal.pages import page
from portal.rights import call, portal_rights
from portal.tokens import new_token, token_hash


@require_http_methods(["GET", "HEAD", "POST"])
def ask(request):
    """Ask for a sign-in link. For anybody; the answer is the same whether we know the address or not."""
    form = SignInForm(request.POST if request.method == "POST" else None)
    if request.method != "POST":
        return page(request, "sign_in/ask", form=form)
    if not form.is_valid():
        return page(request, "sign_in/ask", status=422, form=form)
    with portal_rights(None, write=True) as cursor:
        call(cursor, "portal_request_sign_in", form.cleaned_data["email"], visitor.address(request))
    return page(request, "sign_in/sent")


@require_http_methods(["GET", "HEAD", "POST"])
def enter(request, token):
    """Come in by a mailed link. For whoever holds its token; only the button uses it up."""
    if request.method != "POST":
        return page(request, "sign_in/enter", token=token)
    session = new_token()
    with portal_rights(None, write=True) as cursor:
        client = call(cursor, "portal_sign_in", token, token_hash(session))
    if client is None:
        return page(request, "sign_in/used", status=410)
    response = redirect("room")
    visitor.set_cookie(response, "zarts_portal", session)
    return response


@require_POST
def leave(request):
    """Sign out. For anybody; a session that is not there ends likewise."""
    with portal_rights(visitor.session_token(request), write=True) as cursor:
        call(cursor, "portal_sign_out")
    response = redirect("sign-in")
    visitor.forget_cookie(response, "zarts_portal")
    return response
