"""Every address of the public surface, and nothing else."""

from django.urls import path, re_path

from .tokens import TOKEN
from .views import (
    again,
    home,
    intake,
    link,
    onboarding,
    papers,
    payments,
    preview,
    questions,
    refused,
    room,
    sessions,
    sign_in,
    stop,
    verify,
)

LINK = rf"^p/(?P<token>{TOKEN})"

urlpatterns = [
    path("", home.home, name="home"),
    path("privacy", home.privacy, name="privacy"),
    path("intake/leads", intake.leads, name="intake"),
    path("intake/thanks", intake.thanks, name="thanks"),
    re_path(rf"{LINK}/\Z", link.show, name="link"),
    re_path(rf"{LINK}/open\Z", link.open_it, name="link-open"),
    re_path(rf"{LINK}/read\Z", link.read, name="link-read"),
    re_path(rf"{LINK}/choose\Z", link.choose, name="link-choose"),
    re_path(rf"{LINK}/accept\Z", link.accept, name="link-accept"),
    re_path(rf"{LINK}/decline\Z", link.decline, name="link-decline"),
    re_path(rf"{LINK}/ask\Z", link.ask, name="link-ask"),
    re_path(rf"{LINK}/proposal\.pdf\Z", papers.by_link, name="link-paper"),
    re_path(rf"^stop/(?P<token>{TOKEN})/\Z", stop.stop, name="stop"),
    path("portal/", room.home, name="room"),
    path("portal/sign-in", sign_in.ask, name="sign-in"),
    re_path(rf"^portal/enter/(?P<token>{TOKEN})\Z", sign_in.enter, name="enter"),
    path("portal/sign-in/code", sign_in.code, name="sign-in-code"),
    path("portal/sign-in/challenge", sign_in.challenge, name="sign-in-challenge"),
    path("portal/sign-in/passkey", sign_in.passkey, name="sign-in-passkey"),
    path("portal/sign-out", sign_in.leave, name="sign-out"),
    path("portal/sessions/", sessions.sessions, name="sessions"),
    path("portal/sessions/end-others", sessions.end_others, name="sessions-end-others"),
    path("portal/sessions/<int:pk>/end", sessions.end, name="session-end"),
    path("portal/seen", sessions.seen, name="seen"),
    path("portal/rooms", sessions.switch, name="switch"),
    path("portal/passkeys/options", sessions.passkey_options, name="passkey-options"),
    path("portal/passkeys/add", sessions.add_passkey, name="passkey-add"),
    path("portal/passkeys/<int:pk>/remove", sessions.remove_passkey, name="passkey-remove"),
    re_path(rf"^portal/preview/(?P<token>{TOKEN})\Z", preview.enter, name="preview"),
    path("portal/preview/leave", preview.leave, name="preview-leave"),
    path("portal/proposals/<int:pk>/", room.proposal, name="proposal"),
    path("portal/proposals/<int:pk>/link", again.link_again, name="proposal-link"),
    path("portal/contracts/<int:pk>/", room.contract, name="contract"),
    path("portal/proposals/<int:pk>/proposal.pdf", papers.proposal, name="proposal-paper"),
    path("portal/contracts/<int:pk>/contract.pdf", papers.contract, name="contract-paper"),
    path("portal/reports/<int:pk>/report.pdf", papers.report, name="report-paper"),
    path("portal/contracts/<int:pk>/open", room.open_it, name="contract-open"),
    path("portal/contracts/<int:pk>/sign", room.sign, name="contract-sign"),
    path("portal/contracts/<int:pk>/decline", room.decline, name="contract-decline"),
    path("portal/reports/", room.reports, name="reports"),
    path("portal/reports/<int:pk>/", room.report, name="report"),
    path("portal/onboarding/", onboarding.onboarding, name="onboarding"),
    path("portal/onboarding/<int:pk>/items/<int:line>/tick", onboarding.tick, name="tick"),
    path("portal/onboarding/<int:pk>/accesses/<int:line>/grant", onboarding.grant, name="grant"),
    path("portal/questions/", questions.questions, name="questions"),
    path("portal/questions/ask", questions.ask, name="ask"),
    path("portal/history/", room.history, name="history"),
    path("verify", verify.verify, name="verify"),
    path("hooks/payments", payments.payments_hook, name="payments"),
    path("brand.css", home.brand, name="brand"),
    path("healthz", home.healthz, name="healthz"),
    path("readyz", home.readyz, name="readyz"),
]

handler400 = refused.bad_request
handler403 = refused.forbidden
handler404 = refused.not_found
handler500 = refused.failed
