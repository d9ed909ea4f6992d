"""The addresses of the prepared reads, their catalogue and their tokens."""

from django.urls import path

from .views import catalogue, rows, tokens

urlpatterns = [
    path("reads/openapi.json", rows.describe, name="reads_openapi"),
    path("reads/<slug:source>/<str:view>", rows.rows, name="reads_rows"),
    path("reads/", rows.missing, name="reads_root"),
    path("reads/<path:rest>", rows.missing, name="reads_missing"),
    path("admin/catalogue/", catalogue.catalogue, name="catalogue"),
    path("admin/catalogue/<slug:source>/<slug:kind>/", catalogue.one, name="catalogue_view"),
    path("admin/tokens/", tokens.tokens, name="tokens"),
    path("admin/tokens/<int:pk>/revoke/", tokens.revoke, name="token_revoke"),
    path("admin/tokens/<int:pk>/answer/", tokens.answer, name="token_answer"),
]
