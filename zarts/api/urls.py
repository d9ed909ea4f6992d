"""The addresses of the write API, its description and its page."""

from django.urls import include, path

from . import leads, messages, payments, views  # noqa: F401 - each declares its calls
from .operations import api


def calls():
    """Yield the addresses of the calls, each guarded as all are."""
    for pattern in api.urls[0]:
        if pattern.name != "api-root":
            pattern.callback = views.called_by_programs(pattern.callback)
            yield pattern


urlpatterns = [
    path("admin/api/", views.manual, name="api_manual"),
    path("api/openapi.json", views.describe, name="api_openapi"),
    path("api/", include(list(calls()))),
    path("api/", views.missing, name="api_root"),
    path("api/<path:rest>", views.missing, name="api_missing"),
]
