"""The staff pages of onboarding: the list, what blocks, the accesses, and the providers that the house knows."""

from django.contrib import admin
from django.db.models import Q

from opportunities.admin.base import KeptAdmin, RecordAdmin, whole_number
from opportunities.lists.actions import MANY
from opportunities.models import Contact
from proposals.models import Summary

from .models import ChecklistItem, Connector, LaunchBlocker, Provider


class OfProject(RecordAdmin):
    """A row of a project. It is added to a project within reach, and stays there."""

    def has_add_permission(self, request):
        return request.user.has_perm(f"handoff.add_{self.opts.model_name}")

    def get_readonly_fields(self, request, obj=None):
        return [*super().get_readonly_fields(request, obj), *(["project"] if obj else [])]

    def get_changeform_initial_data(self, request):
        return {"owner": request.user.pk, **super().get_changeform_initial_data(request)}


@admin.register(ChecklistItem)
class ChecklistItemAdmin(OfProject):
    list_display = ["title", "project", "who", "stage", "owner", "due_on"]
    many = MANY
    list_filter = ["stage", "who", "owner"]
    list_select_related = ["project", "owner"]
    search_fields = ["title"]
    fields = ["project", "title", "group", "who", "owner", "offset_days", "due_on"]
    panels = ("admin/panels/out_of_scope.html",)

    def get_fields(self, request, obj=None):
        """What is added is ours to do: the client's are the house's list, in approved words."""
        theirs = obj is not None and obj.who == ChecklistItem.Who.CLIENT
        return [name for name in self.fields if name != "who" or theirs]

    def get_readonly_fields(self, request, obj=None):
        # The words of an item that clients read are the house's approved ones.
        approved = obj is not None and obj.client_safe == "approved"
        return [*super().get_readonly_fields(request, obj), *(["title", "group", "who"] if approved else [])]


@admin.register(LaunchBlocker)
class LaunchBlockerAdmin(OfProject):
    list_display = ["words", "project", "severity", "age", "stage", "owner", "due_on"]
    many = MANY
    list_filter = ["stage", "severity", "owner"]
    list_select_related = ["project", "owner"]
    fields = ["project", "words", "severity", "owner", "due_on", "summary"]
    panels = ("admin/panels/blocker_words.html",)
    empty_words = "Nothing blocks anybody. Note here what stands between a client and going live."

    def formfield_for_foreignkey(self, db_field, request, **kwargs):
        """Offer the words that were written of what blocks this very deal."""
        if db_field.name == "summary":
            pk = whole_number(str(request.resolver_match.kwargs.get("object_id") or ""))
            here = Q(opportunity__projects__blockers=pk) if pk else Q(pk=None)
            kwargs["queryset"] = Summary.objects.filter(here, kind=Summary.Kind.BLOCKER).distinct()
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    @admin.display(description="In the way for")
    def age(self, blocker):
        return f"{blocker.age} day{'' if blocker.age == 1 else 's'}"

    def about(self, request, record):
        may = request.user.has_perm("proposals.write_summary") and record.within_reach(request.user, "change")
        return super().about(request, record) | {"may_write": may and record.is_open}


@admin.register(Connector)
class ConnectorAdmin(OfProject):
    list_display = ["provider", "account", "project", "holder", "stage"]
    list_filter = ["stage", "provider"]
    list_select_related = ["project", "provider", "holder_contact", "holder_user"]
    search_fields = ["provider__name", "account"]
    fields = ["project", "provider", "account", "holder_contact", "holder_user", "secret_kept_at"]
    panels = ("admin/panels/access.html",)
    empty_words = "No access yet. Winning a deal asks for those that discovery named."

    @admin.display(description="Who holds it")
    def holder(self, connector):
        return str(connector.holder) or None

    def get_fields(self, request, obj=None):
        # Whoever asks for one has no holder yet.
        return self.fields if obj else ["project", "provider", "account"]

    def get_readonly_fields(self, request, obj=None):
        # What was granted is what works: another account is another access.
        given = obj is not None and obj.stage in (*obj.LET_IN, obj.Stage.BROKEN)
        return [*super().get_readonly_fields(request, obj), *(["provider", "account"] if given else [])]

    def formfield_for_foreignkey(self, db_field, request, **kwargs):
        """Offer the providers that can be chosen, and as holders the people who work at this client."""
        pk = whole_number(str(request.resolver_match.kwargs.get("object_id") or ""))
        now = Connector.objects.filter(pk=pk)
        if db_field.name == "provider":
            kwargs["queryset"] = Provider.objects.filter(Q(is_offered=True) | Q(pk__in=now.values("provider")))
        if db_field.name == "holder_contact":
            # By the client first: of all contacts there are too many to go through.
            theirs = Contact.objects.filter(client__opportunities__projects__connectors=pk).order_by().values("pk")
            people = theirs.visible_to(request.user).reachable()
            kwargs["queryset"] = Contact.objects.filter(
                pk__in=people.union(theirs.filter(pk__in=now.values("holder_contact")))
            )
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def get_autocomplete_fields(self, request):
        # The people of one client are few: they are a plain list.
        return [name for name in super().get_autocomplete_fields(request) if name != "holder_contact"]


@admin.register(Provider)
class ProviderAdmin(KeptAdmin):
    """Managers keep with whom clients have accounts, and the words that clients read of it."""

    list_display = ["name", "called", "is_offered"]
    list_filter = ["is_offered"]
    search_fields = ["name", "called"]
    fields = ["name", "how", "called", "is_offered", "names_account"]
    empty_words = "No provider yet. `manage.py furnish` adds the usual ones."
