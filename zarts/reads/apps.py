from django.apps import AppConfig


class Reads(AppConfig):
    name = "zarts.reads"
