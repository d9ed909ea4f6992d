"""How a person gets their rights."""

from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.models import Permission

from .models import User


class RoleBackend(ModelBackend):
    """Sign in by name and password. Rights come by roles alone, so that a page asks for them once."""

    def get_user(self, user_id):
        """Return who is signed in, as they are at work; nobody once they may not sign in."""
        user = User.read_at_work(user_id)
        if user is None or not self.user_can_authenticate(user):
            return None
        if not user.is_superuser:
            user._group_perm_cache = set(user.rights)  # where Django keeps them, and would read them a second time
        return user

    def _get_user_permissions(self, user_obj):
        return Permission.objects.none()
