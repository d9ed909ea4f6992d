from django.apps import AppConfig


class Hooks(AppConfig):
    name = "zarts.hooks"
