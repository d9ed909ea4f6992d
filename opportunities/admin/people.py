"""Users, teams and roles. A user's rights are the administrators' business, and every change is in the user's diary."""

from django.contrib import admin
from django.contrib.admin.utils import unquote
from django.contrib.auth.admin import GroupAdmin as StockGroupAdmin
from django.contrib.auth.admin import UserAdmin as StockUserAdmin
from django.contrib.auth.models import Group
from django.db import transaction
from django.db.models import Prefetch
from django.utils.html import format_html, format_html_join
from django.utils.text import capfirst
from unfold.admin import ModelAdmin
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

from ..models import Team, User
from ..records import tell
from ..stale import SeenFields
from .base import KeptAdmin

admin.site.unregister(Group)
RIGHTS = ["is_active", "is_staff", "team", "reach_of", "groups"]


class UserForm(SeenFields, UserChangeForm):
    """Somebody who works here, as administrators see them."""


@admin.register(User)
class UserAdmin(KeptAdmin, StockUserAdmin):
    form, add_form, change_password_form = UserForm, UserCreationForm, AdminPasswordChangeForm
    add_form_template = KeptAdmin.change_form_template
    list_display = ["username", "get_full_name", "email", "team", "reach_of", "is_active"]
    offers_its_fields = False
    list_filter = ["team", "reach_of"]
    list_select_related = ["team"]
    search_fields = ["username", "first_name", "last_name", "email"]
    ordering = ["-pk"]
    filter_horizontal = ()
    readonly_fields = ["last_login", "date_joined"]
    fieldsets = [
        (None, {"fields": ["username", "password"]}),
        ("Person", {"fields": ["first_name", "last_name", "email", "title", "time_zone"]}),
        ("Rights", {"fields": RIGHTS}),
        ("Dates", {"fields": ["last_login", "date_joined"]}),
    ]
    add_fieldsets = [
        (
            None,
            {"fields": ["username", "first_name", "last_name", "email", "usable_password", "password1", "password2"]},
        ),
        ("Rights", {"fields": ["is_staff", "team", "reach_of"]}),
    ]

    @admin.display(description="Name")
    def get_full_name(self, user):
        return user.get_full_name()

    def get_queryset(self, request):
        return User.objects.select_related("team")

    def has_change_permission(self, request, obj=None):
        """Only somebody above all roles changes somebody above all roles: a new password is a way in."""
        may = super().has_change_permission(request, obj)
        return may and (obj is None or request.user.is_superuser or not obj.is_superuser)

    def get_readonly_fields(self, request, obj=None):
        """Nobody widens their own rights, nor locks themselves out."""
        own = super().get_readonly_fields(request, obj)
        return [*own, *RIGHTS] if obj == request.user and not request.user.is_superuser else own

    @transaction.atomic
    def user_change_password(self, request, id, form_url=""):
        response = super().user_change_password(request, id, form_url)
        if request.method == "POST" and response.status_code == 302:
            tell(self.get_object(request, unquote(id)), "password", "set a new password for", by=request.user)
        return response

    def save_related(self, request, form, formsets, change):
        before = sorted(form.instance.groups.values_list("name", flat=True))
        super().save_related(request, form, formsets, change)
        after = sorted(form.instance.groups.values_list("name", flat=True))
        if before != after:
            tell(form.instance, "roles", "changed the roles of", by=request.user, facts={"roles": [before, after]})


@admin.register(Team)
class TeamAdmin(KeptAdmin):
    list_display = ["name"]
    search_fields = ["name"]


@admin.register(Group)
class RoleAdmin(StockGroupAdmin, ModelAdmin):
    """Roles are written in zarts/desk/roles.py: here they can be read."""

    # A handful, all on one page.
    search_fields, sortable_by = [], []
    list_display = ["name"]
    fieldsets = [(None, {"fields": ["name", "people", "rights"]})]
    readonly_fields = ["people", "rights"]
    USUAL = {"view": "see", "add": "add", "change": "change"}

    @admin.display(description="Who has it")
    def people(self, role):
        links = ((user.staff_url(), user) for user in role.holders)
        return format_html_join(", ", '<a class="z-link" href="{}">{}</a>', links) or "Nobody yet."

    @admin.display(description="What it may do")
    def rights(self, role):
        """Return its rights in words, one line for each kind of record: "Clients: see, change"."""
        found: dict = {}
        for right in role.permissions.all():
            kind = right.content_type.model_class()
            usual = self.USUAL.get(right.codename.removesuffix(f"_{right.content_type.model}"))
            name = capfirst(kind._meta.verbose_name_plural if kind else right.content_type.name)
            words = found.setdefault(name, [])
            words.insert(0 if usual == "see" else len(words), usual or right.name.removeprefix("Can "))
        rows = ((name, ", ".join(words)) for name, words in sorted(found.items()))
        return format_html('<ul class="z-rights">{}</ul>', format_html_join("", "<li><b>{}</b> {}</li>", rows))

    def get_queryset(self, request):
        # Each right is shown with what it is of. The theme asks for what it shows three times.
        holders = Prefetch("user_set", User.who_work_here(), to_attr="holders")
        return super().get_queryset(request).prefetch_related("permissions__content_type", holders)

    def has_add_permission(self, request):
        return False

    def has_change_permission(self, request, obj=None):
        return False

    def has_delete_permission(self, request, obj=None):
        return False
