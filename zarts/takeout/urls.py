"""What is taken along and what is erased: addresses beside the pages of their records."""

from django.urls import path

from .views import client, erase

urlpatterns = [
    path("admin/opportunities/contact/<int:pk>/erase/", erase.contact, name="opportunities_contact_erase"),
    path("admin/opportunities/client/<int:pk>/erase/", erase.client, name="opportunities_client_erase"),
    path("admin/opportunities/client/<int:pk>/take-out/", client.client, name="opportunities_client_takeout"),
]
