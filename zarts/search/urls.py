"""The addresses of the search box."""

from django.urls import path

from . import views

urlpatterns = [
    path("", views.find, name="find"),
    path("now/", views.now, name="find_now"),
    path("opened/", views.opened, name="find_opened"),
    path("pin/", views.pin, name="find_pin"),
]
