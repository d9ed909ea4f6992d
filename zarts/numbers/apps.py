from django.apps import AppConfig


class Numbers(AppConfig):
    name = "zarts.numbers"
    label = "numbers"
