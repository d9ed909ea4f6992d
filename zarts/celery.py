"""The background: one app, told by the settings; each app's jobs stand in its tasks.py."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "zarts.settings")

app = Celery("zarts")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
