"""Adding somebody who may be here already: who is alike is said as one types, and looked at before it is saved."""

from hashlib import sha256

from django import forms
from django.core.exceptions import PermissionDenied
from django.template.response import TemplateResponse
from django.utils.decorators import method_decorator
from django.views.decorators.http import require_POST

from ..duplicates import Values, found
from ..records import begin
from ..stale import SeenForm
from .base import KeptAdmin


class LookedForm(SeenForm):
    """Somebody as they are typed in. Whoever is like somebody who is here already is looked at before it is saved."""

    look = staticmethod(lambda typed: [])
    alike: list = []
    signature = ""

    def clean(self):
        data = super().clean()
        if self.instance.pk is None and not self.errors:
            self.alike = self.look(data)
            self.signature = signature(self.alike)
            if self.alike and self.data.get("anyway") != self.signature:
                raise forms.ValidationError(
                    "Somebody like this is here already. Open what is alike, or save it all the same."
                )
        return data


class LooksAround(KeptAdmin):
    """The page of a kind of record that is compared with what is here: `alike/` says who is like what is typed."""

    form = LookedForm
    # What is compared with.
    alike_kinds: tuple = ("client", "lead")

    def pages(self):
        return [*super().pages(), ("alike/", self.alike_view, "alike")]

    def look(self, request, typed) -> list:
        """Return who is like what was typed."""
        return [one for one in found(typed, request.user) if one.kind in self.alike_kinds]

    def get_form(self, request, obj=None, **kwargs):
        form = super().get_form(request, obj, **kwargs)
        form.look = staticmethod(lambda typed: self.look(request, typed))
        return form

    def render_change_form(self, request, context, *args, add=False, **kwargs):
        if add:
            form = context["adminform"].form
            asks = f"admin:{self.opts.app_label}_{self.opts.model_name}_alike"
            context |= {"asks_alike": asks, "alike": form.alike, "signature": form.signature}
        return super().render_change_form(request, context, *args, add=add, **kwargs)

    def save_model(self, request, obj, form, change):
        if change or not form.alike:
            return super().save_model(request, obj, form, change)
        beside = [f"{one.record or one.kind.capitalize()}: {one.words}" for one in form.alike]
        begin(obj, by=request.user, past="added, with like ones here,", facts={"like": beside})

    @method_decorator(require_POST)
    def alike_view(self, request):
        """Say who is like what is being typed, which no address and so no log holds. For whoever may add one."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        typed = {name: request.POST.get(name, "")[:500] for name in Values.__dataclass_fields__}
        return TemplateResponse(request, "desk/parts/alike.html", {"alike": self.look(request, typed)})


def signature(alike) -> str:
    """Return a word for exactly these: whoever saves all the same has looked at them."""
    return sha256(repr(sorted((one.kind, one.pk) for one in alike)).encode()).hexdigest()[:16] if alike else ""
