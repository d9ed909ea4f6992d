"""How a person gets their rights."""

from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.models import Permission

from .models import User


class RoleBackend(ModelBackend):
    """Sign in by name and password. Rights come by roles alone, so that a page asks for them once."""

    def get_user(self, user_id):
        """Return who is signed in, as they are at work; nobody once they may not sign in."""
        user = User.at_work().filter(pk=user_id).first()
        return user if user and self.user_can_authenticate(user) else None

    def _get_user_permissions(self, user_obj):
        return Permission.objects.none()
