"""Every address of the public surface, and nothing else."""

from django.urls import path, re_path

from .tokens import TOKEN
from .views import home, intake, link, payments, refused, room, sign_in, stop

LINK = rf"^p/(?P<token>{TOKEN})"

urlpatterns = [
    path("", home.home, name="home"),
    path("privacy", home.privacy, name="privacy"),
    path("intake/leads", intake.leads, name="intake"),
    path("intake/thanks", intake.thanks, name="thanks"),
    re_path(rf"{LINK}/\Z", link.show, name="link"),
    re_path(rf"{LINK}/open\Z", link.open_it, name="link-open"),
    re_path(rf"{LINK}/accept\Z", link.accept, name="link-accept"),
    re_path(rf"{LINK}/decline\Z", link.decline, name="link-decline"),
    re_path(rf"{LINK}/ask\Z", link.ask, name="link-ask"),
    re_path(rf"^stop/(?P<token>{TOKEN})/\Z", stop.stop, name="stop"),
    path("portal/", room.home, name="room"),
    path("portal/sign-in", sign_in.ask, name="sign-in"),
    re_path(rf"^portal/enter/(?P<token>{TOKEN})\Z", sign_in.enter, name="enter"),
    path("portal/sign-out", sign_in.leave, name="sign-out"),
    path("portal/proposals/<int:pk>/", room.proposal, name="proposal"),
    path("portal/contracts/<int:pk>/", room.contract, name="contract"),
    path("portal/contracts/<int:pk>/sign", room.sign, name="contract-sign"),
    path("portal/contracts/<int:pk>/decline", room.decline, name="contract-decline"),
    path("portal/reports/", room.reports, name="reports"),
    path("portal/reports/<int:pk>/", room.report, name="report"),
    path("portal/onboarding/", room.onboarding, name="onboarding"),
    path("portal/history/", room.history, name="history"),
    path("hooks/payments", payments.payments_hook, name="payments"),
    path("healthz", home.healthz, name="healthz"),
    path("readyz", home.readyz, name="readyz"),
]

handler400 = refused.bad_request
handler403 = refused.forbidden
handler404 = refused.not_found
handler500 = refused.failed
