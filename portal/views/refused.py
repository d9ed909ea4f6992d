"""What a person sees when we cannot show what they asked for."""

from django.http import HttpResponse

from portal.pages import page


def bad_request(request, exception=None):
    return page(request, "refused/bad_request", status=400)


def forbidden(request, exception=None):
    return page(request, "refused/forbidden", status=403)


def csrf(request, reason=""):
    """Say that a form came without its cookie, and how to send it again."""
    return page(request, "refused/csrf", status=403)


def not_found(request, exception=None):
    token_page = request.path.startswith(("/p/", "/stop/", "/portal/enter/", "/portal/preview/"))
    return page(request, "refused/not_found", status=404, token_page=token_page)


def failed(request):
    try:
        return page(request, "refused/failed", status=500)
    except Exception:
        return HttpResponse("Something broke on our side. Please try again in a minute.", "text/plain", status=500)
