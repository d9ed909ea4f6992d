from django.urls import path

from . import own_views

urlpatterns = [
    path("", own_views.takeouts, name="own_takeouts"),
    path("<int:pk>/progress/", own_views.progress, name="own_takeout_progress"),
    path("<int:pk>/take-out.zip", own_views.download, name="own_takeout_download"),
]
