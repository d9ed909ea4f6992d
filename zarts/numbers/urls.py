"""The addresses of the numbers, under /admin/numbers/."""

from django.urls import path

from . import views

urlpatterns = [
    path("", views.numbers, name="numbers"),
    path("mail/", views.by_mail, name="numbers_mail"),
    path("<slug:name>.csv", views.file_of, name="numbers_csv"),
]
