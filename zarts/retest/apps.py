from django.apps import AppConfig


class Retest(AppConfig):
    name = "zarts.retest"
