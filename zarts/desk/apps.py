from django.apps import AppConfig
from django.contrib.admin import apps as admin
from django.db.models.signals import post_migrate, pre_migrate


class StaffAdminConfig(admin.AdminConfig):
    """Django's admin, with our site as the one that every app registers its pages with."""

    default, default_site = False, "zarts.desk.site.StaffSite"


class DeskConfig(AppConfig):
    """The last app: its step after `migrate` sees every table and every permission."""

    name = "zarts.desk"
    label = "desk"
    default = True

    def ready(self):
        from . import navigation

        navigation.name_lists()
        pre_migrate.connect(before_migrate, sender=self)
        post_migrate.connect(after_migrate, sender=self)


def before_migrate(using, **kwargs):
    from . import logins

    logins.make(using)


def after_migrate(using, **kwargs):
    from . import logins, roles

    roles.sync(using)
    logins.grant(using)
