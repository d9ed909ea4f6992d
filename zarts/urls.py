"""The addresses of the staff surface."""

from django.contrib import admin
from django.urls import path

from .desk.views import approvals, health, mail, pipeline, refused, today, tokens

urlpatterns = [
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("", today.home, name="start"),
    path("admin/", today.home, name="home"),
    path("admin/today/", today.today, name="today"),
    path("admin/pipeline/", pipeline.pipeline, name="pipeline"),
    path("admin/pipeline/move/", pipeline.move, name="pipeline_move"),
    path("admin/approvals/", approvals.approvals, name="approvals"),
    path("admin/approvals/<int:pk>/", approvals.approval, name="approval"),
    path("admin/mail/", mail.mail, name="mail"),
    path("admin/intake-tokens/", tokens.tokens, name="intake_tokens"),
    path("admin/intake-tokens/<int:pk>/revoke/", tokens.revoke, name="intake_token_revoke"),
    # The theme's own search counts and scans whole tables: each list has a search of its own.
    path("admin/search/", refused.missing),
    path("admin/", admin.site.urls),
]
handler400 = refused.unclear
handler403 = refused.denied
handler404 = refused.missing
handler500 = refused.broken
