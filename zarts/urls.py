"""The addresses of the staff surface."""

from django.contrib import admin
from django.urls import include, path

from opportunities.admin.base import Picker
from portal.views.home import brand

from .desk.views import (
    access,
    approvals,
    calendar,
    checklist,
    chores,
    due,
    handover,
    health,
    hooks,
    kept,
    mail,
    notices,
    outputs,
    pipeline,
    pointing,
    refused,
    reports,
    rests,
    revisions,
    seen,
    today,
    tokens,
)

urlpatterns = [
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("brand.css", brand, name="brand"),  # the preview of a client's page is in the agency's colour, too
    path("hooks/mail/<slug:provider>/", hooks.mail, name="mail_hook"),
    path("calendar/<str:token>.ics", calendar.feed, name="calendar_feed"),
    path("", today.home, name="start"),
    path("admin/", today.home, name="home"),
    path("admin/today/", today.today, name="today"),
    path("admin/today/several/", chores.several, name="tasks_several"),
    path("admin/pipeline/", pipeline.pipeline, name="pipeline"),
    path("admin/pipeline/move/", pipeline.move, name="pipeline_move"),
    path("admin/pipeline/several/", pipeline.change_several, name="pipeline_several"),
    path("admin/pipeline/save/", pipeline.save_view, name="pipeline_save"),
    path("admin/pipeline/open-with/", pipeline.open_with, name="pipeline_open_with"),
    path("admin/approvals/", approvals.approvals, name="approvals"),
    path("admin/approvals/pace/", approvals.pace, name="approvals_pace"),
    path("admin/approvals/<int:pk>/", approvals.approval, name="approval"),
    path("admin/approvals/<int:pk>/alike/", approvals.alike, name="approvals_alike"),
    path("admin/opportunities/opportunity/<int:pk>/checklist/", checklist.checklist, name="checklist"),
    path("admin/opportunities/opportunity/<int:pk>/checklist/confirm/", checklist.confirm, name="checklist_confirm"),
    path("admin/opportunities/opportunity/<int:pk>/outputs/", outputs.outputs, name="outputs"),
    path("admin/opportunities/opportunity/<int:pk>/outputs.csv", outputs.one_csv, name="outputs_csv"),
    path("admin/opportunities/opportunity/outputs.csv", outputs.list_csv, name="outputs_list_csv"),
    path("admin/opportunities/opportunity/<int:pk>/seen/", seen.seen, name="seen"),
    path(
        "admin/opportunities/opportunity/<int:pk>/inherits/",
        handover.inherits,
        name="opportunities_opportunity_inherits",
    ),
    path("admin/handoffs/<int:pk>/", handover.handover, name="handoff_handoff_handover"),
    path("admin/handoffs/<int:pk>/handover.pdf", handover.paper, name="handoff_handoff_paper"),
    path("admin/claims/", kept.claims, name="claims"),
    path("admin/won-and-lost/", kept.won_and_lost, name="won_and_lost"),
    path("admin/numbers/", include("zarts.numbers.urls")),
    path("admin/mail/", mail.mail, name="mail"),
    path("admin/notices/", notices.mine, name="notices"),
    path("admin/notices/unread/", notices.unread, name="notices_unread"),
    path("admin/notices/read/", notices.read_all, name="notices_read"),
    path("admin/notices/<int:pk>/open/", notices.open_one, name="notice_open"),
    path("admin/my/notices/", notices.choose, name="notice_choices"),
    path("admin/my/calendar/", calendar.mine, name="my_calendar"),
    path("admin/reports/calendar/", reports.calendar, name="report_calendar"),
    path("admin/reports/reliability/", reports.reliability, name="report_reliability"),
    path("admin/due/", due.due, name="due_work"),
    path("admin/due/<slug:kind>/<int:pk>/", due.settle, name="due_settle"),
    path("admin/opportunities/evidence/<int:pk>/rests/", rests.of_evidence, name="opportunities_evidence_rests"),
    path("admin/opportunities/audit/<int:pk>/rests/", rests.of_audit, name="opportunities_audit_rests"),
    path("admin/proposals/claim/<int:pk>/rests/", rests.of_claim, name="proposals_claim_rests"),
    path("admin/proposals/clause/<int:pk>/rests/", rests.of_clause, name="proposals_clause_rests"),
    path("admin/proposals/proposal/<int:pk>/difference/", revisions.compare, name="proposals_proposal_difference"),
    path("admin/proposals/proposal/<int:pk>/copy/", revisions.copy, name="proposals_proposal_copy"),
    path("admin/opportunities/contact/<int:pk>/end-sessions/", access.end_sessions, name="opportunities_contact_end"),
    path("admin/opportunities/contact/<int:pk>/take-access/", access.take, name="opportunities_contact_take"),
    path("admin/opportunities/contact/<int:pk>/give-access/", access.give, name="opportunities_contact_give"),
    path("admin/opportunities/client/<int:pk>/portal/", access.client, name="opportunities_client_portal"),
    path(
        "admin/opportunities/opportunity/<int:pk>/portal/", access.opportunity, name="opportunities_opportunity_portal"
    ),
    path("admin/proposals/proposal/<int:pk>/portal/", access.proposal, name="proposals_proposal_portal"),
    path("admin/opportunities/objection/<int:pk>/about/", pointing.of_objection, name="opportunities_objection_about"),
    path("", include("zarts.retest.urls")),
    path("", include("zarts.takeout.urls")),
    path("admin/intake-tokens/", tokens.tokens, name="intake_tokens"),
    path("admin/intake-tokens/<int:pk>/revoke/", tokens.revoke, name="intake_token_revoke"),
    path("", include("zarts.hooks.urls")),
    path("", include("zarts.reads.urls")),
    path("", include("zarts.api.urls")),
    path("admin/take-out/", include("zarts.takeout.own_urls")),
    path("admin/autocomplete/", admin.site.admin_view(Picker.as_view(admin_site=admin.site)), name="pick"),
    # The theme's own search counts and scans whole tables: each list has a search of its own.
    path("admin/search/", refused.missing),
    path("admin/find/", include("zarts.search.urls")),
    path("admin/", admin.site.urls),
]
handler400 = refused.unclear
handler403 = refused.denied
handler404 = refused.missing
handler500 = refused.broken
