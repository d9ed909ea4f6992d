"""The addresses of webhooks beside the pages of their records."""

from django.urls import path

from . import views

urlpatterns = [
    path("admin/hooks/deliveries/<int:pk>/", views.delivery, name="hook_delivery"),
    path("hooks/demo/", views.demo, name="hook_demo"),
]
