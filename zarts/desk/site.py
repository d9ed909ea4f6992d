"""The admin's site: the theme's, without what no page of ours asks for."""

from functools import partial

from django.utils.functional import SimpleLazyObject
from unfold.sites import UnfoldAdminSite


class StaffSite(UnfoldAdminSite):
    def get_app_list(self, request, app_label=None):
        """Return what Django lists of every app, made when somebody reads it: our sidebar names its pages itself."""
        return SimpleLazyObject(partial(super().get_app_list, request, app_label))
