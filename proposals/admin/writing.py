"""What the pages of everything written share: who may write, and that an edit lapses what it changes."""

from opportunities.admin.base import RecordAdmin, RowInline


class WrittenAdmin(RecordAdmin):
    """A record that people write and others approve. It is edited only until it leaves us."""

    # The right to write it, which is also the right to begin one.
    right = ""

    def may(self, request, action, obj):
        if action == "view":
            return super().may(request, action, obj)
        if obj is not None and obj.stage not in obj.WRITABLE:
            return False
        return request.user.has_perm(self.right) and (obj is None or obj.within_reach(request.user, action))

    def has_add_permission(self, request):
        return request.user.has_perm(self.right)

    def before_birth(self, request, obj):
        obj.author = request.user
        obj.owner_id = obj.owner_id or request.user.pk
        obj.source = obj.source or f"Opportunity {obj.opportunity}"[:200]

    def save_model(self, request, obj, form, change):
        if change and form.changed_data:
            obj.note_editor(request.user, form.changed_data)
        super().save_model(request, obj, form, change)

    def save_formset(self, request, form, formset, change):
        super().save_formset(request, form, formset, change)
        if change and (formset.new_objects or formset.changed_objects or formset.deleted_objects):
            form.instance.was_edited(by=request.user)


class WrittenRows(RowInline):
    """Rows of a written record: whoever may write it may write them."""

    def right(self, request, action):
        return request.user.has_perm(f"proposals.write_{self.parent_model._meta.model_name}")

    def may(self, request, obj):
        return obj is None or (obj.stage in obj.WRITABLE and super().may(request, obj))

    def has_delete_permission(self, request, obj=None):
        return self.has_add_permission(request, obj)
