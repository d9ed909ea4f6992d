"""How a client's guest comes in and goes out."""

from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from portal import passkeys, visitor
from portal.forms import CodeForm, SignInForm
from portal.onward import onward, with_next
from portal.pages import page
from portal.rights import call, portal_rights, rows
from portal.tokens import new_token, token_hash


@require_http_methods(["GET", "HEAD", "POST"])
def ask(request):
    """Ask for a sign-in link. For anybody; the answer is the same whether we know the address or not."""
    form = SignInForm(request.POST if request.method == "POST" else None)
    leads_to = onward(request)
    if request.method != "POST":
        return page(request, "sign_in/ask", form=form, next=leads_to)
    if not form.is_valid():
        return page(request, "sign_in/ask", status=422, form=form, next=leads_to)
    # Only its hash is kept. The code of the mail lets in the browser that holds it, and no other.
    nonce = new_token()
    with portal_rights(None, write=True) as cursor:
        values = form.cleaned_data["email"], visitor.address(request), token_hash(nonce), leads_to
        call(cursor, "portal_request_sign_in", *values)
    response = redirect(with_next(reverse("sign-in-code"), leads_to))
    visitor.set_cookie(response, visitor.ASKED, nonce, lasts=visitor.HALF_AN_HOUR)
    return response


@require_http_methods(["GET", "HEAD", "POST"])
def code(request):
    """Come in by the code of the mail, in the browser that asked for it. For anybody; every refusal is the same."""
    form = CodeForm(request.POST if request.method == "POST" else None)
    leads_to = onward(request)
    if request.method != "POST":
        return page(request, "sign_in/code", form=form, next=leads_to)
    if not form.is_valid():
        return page(request, "sign_in/code", status=422, form=form, next=leads_to)
    nonce, session = visitor.kept(request, visitor.ASKED), new_token()
    # Typed in one transaction and compared in another: what was tried is counted, whatever becomes of the rest.
    with portal_rights(None, write=True) as cursor:
        call(cursor, "portal_try_code", nonce, form.cleaned_data["code"])
    with portal_rights(None, write=True) as cursor:
        values = nonce, token_hash(session), visitor.address(request), visitor.agent(request)
        client = call(cursor, "portal_enter_by_code", *values)
    if client is None:
        form.add_error("code", CodeForm.REFUSED)
        return page(request, "sign_in/code", status=422, form=form, next=leads_to)
    return let_in(request, session)


@require_http_methods(["GET", "HEAD", "POST"])
def enter(request, token):
    """Come in by a mailed link. For whoever holds its token; only the button uses it up."""
    if request.method != "POST":
        return page(request, "sign_in/enter", token=token, next=onward(request))
    session = new_token()
    with portal_rights(None, write=True) as cursor:
        values = token, token_hash(session), visitor.address(request), visitor.agent(request)
        client = call(cursor, "portal_sign_in", *values)
    if client is None:
        return page(request, "sign_in/used", status=410, next=onward(request))
    return let_in(request, session)


@require_safe
def challenge(request):
    """Give a browser what its passkey signs. For anybody; it names nobody."""
    return HttpResponse(passkeys.options_to_enter(), "application/json")


@require_POST
def passkey(request):
    """Come in by a passkey. For anybody; every refusal is the same."""
    session, client = new_token(), None
    if asked := passkeys.presented(request.POST.get("credential", "")):
        credential, name, signed = asked
        with portal_rights(None, write=True) as cursor:
            known = rows(cursor, "portal_passkey_key", name)
            count = passkeys.new_count(credential, signed, *known[0].values()) if known else None
            if count is not None:
                values = name, count, signed.decode(), token_hash(session)
                client = call(
                    cursor, "portal_enter_by_passkey", *values, visitor.address(request), visitor.agent(request)
                )
    if client is None:
        return page(request, "sign_in/ask", status=422, form=SignInForm(), passkey_refused=True, next=onward(request))
    return let_in(request, session)


def let_in(request, session):
    """Lead to the page that they came for, else to the room, with the session's cookie alone."""
    response = redirect(onward(request) or "room")
    visitor.set_cookie(response, visitor.GUEST, session)
    for name in (visitor.ASKED, visitor.PREVIEW):
        visitor.forget_cookie(response, name)
    return response


@require_POST
def leave(request):
    """Sign out. For anybody; a session that is not there ends likewise."""
    with portal_rights(visitor.session_token(request), write=True) as cursor:
        call(cursor, "portal_sign_out")
    response = redirect("sign-in")
    visitor.forget_cookie(response, visitor.GUEST)
    return response
