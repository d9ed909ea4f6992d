"""How a person gets their rights."""

from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.models import Permission
from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import OuterRef

from .models import User


class RoleBackend(ModelBackend):
    """Sign in by name and password. Rights come by roles alone, so that a page asks for them once."""

    def get_user(self, user_id):
        """Return who is signed in, read together with the numbers of their roles; nobody once they may not sign in."""
        roles = User.groups.through.objects.filter(user=OuterRef("pk")).values("group")
        user = User.objects.annotate(group_ids=ArraySubquery(roles)).filter(pk=user_id).first()
        return user if user and self.user_can_authenticate(user) else None

    def _get_user_permissions(self, user_obj):
        return Permission.objects.none()
