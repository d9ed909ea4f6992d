from django.urls import path

from . import views

urlpatterns = [
    path("admin/retests/", views.retests, name="retests"),
    path("admin/retests/<int:pk>/", views.retest, name="retest"),
    path("admin/retests/<int:pk>/stop/", views.stop, name="retest_stop"),
    path("admin/retests/<int:pk>/progress/", views.progress, name="retest_progress"),
    path("admin/retests/pictures/<int:pk>.jpg", views.picture, name="retest_picture"),
]
