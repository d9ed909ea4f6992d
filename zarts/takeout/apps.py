from django.apps import AppConfig


class Takeout(AppConfig):
    name = "zarts.takeout"
