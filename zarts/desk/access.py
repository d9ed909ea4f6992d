"""Who may see which staff page. Each view of the desk says it in its first line."""

from functools import wraps

from django.contrib import admin
from django.core.exceptions import PermissionDenied


def staff_page(permission: str = ""):
    """Let in staff who hold this permission; without one, staff who have any role.

    Whoever is not signed in is asked to. Which records they then see is the view's own question: `visible_to`.
    """

    def mark(view):
        @wraps(view)
        def guarded(request, *args, **kwargs):
            user = request.user
            if not (user.has_perm(permission) if permission else user.is_superuser or user.get_all_permissions()):
                raise PermissionDenied("Your role does not include this page. An administrator can change that.")
            return view(request, *args, **kwargs)

        page = admin.site.admin_view(guarded)
        page.permission = permission or "any role"
        return page

    return mark


def page_context(request, title: str, **context) -> dict:
    """Return what a page of the desk shows, with the sidebar and the head that all staff pages have."""
    return {**admin.site.each_context(request), "title": title, **context}


def looks_ahead(request) -> bool:
    """Whether a browser fetches a page before anybody asked for it."""
    said = f"{request.headers.get('Sec-Purpose', '')} {request.headers.get('Purpose', '')}"
    return "prefetch" in said or "prerender" in said
