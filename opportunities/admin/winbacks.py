"""Second tries at lost deals, one by one: why it was lost, what must have changed, and a letter."""

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.shortcuts import redirect

from .. import clock, conditions, filling, secondtries
from ..forms import WordsField, say_plainly
from ..models import Contact, MessageTemplate, WinBack
from ..records import Refused, holds
from .work import MovesOnly

MOVE = "opportunities.move_winback"


class LetterForm(forms.Form):
    """A letter about a second try: to whom, and in which words."""

    contact = forms.ModelChoiceField(Contact.objects.none(), label="To", empty_label=None)
    template = forms.ModelChoiceField(
        MessageTemplate.objects.filter(stage="in_use", purpose=secondtries.PURPOSE),
        required=False,
        empty_label="None: in my own words",
    )
    subject = forms.CharField(max_length=200, required=False)
    words = WordsField(rows=6, required=False)
    marks = ""

    def __init__(self, *args, people, **kwargs):
        super().__init__(*args, **kwargs)
        field = self.fields["contact"]
        field.queryset = Contact.objects.filter(pk__in=[contact.pk for contact in people])
        field.choices = [(contact.pk, f"{contact}, {contact.email}") for contact in people]
        for each in self.fields.values():
            say_plainly(each)

    def clean(self):
        data = super().clean()
        if not self.errors and not data["template"]:
            for name in ("subject", "words"):
                if not data[name].strip():
                    self.add_error(name, "Write it, or choose a template.")
        return data


@admin.register(WinBack)
class WinBackAdmin(MovesOnly):
    list_display = ["opportunity", "client", "reason", "must_change", "stage", "opens_on", "ends_on", "owner"]
    list_filter = ["stage", "owner"]
    list_select_related = ["opportunity__client", "owner", "closing"]
    fields = ["opportunity", "closing", "owner"]
    in_place = ("changed",)
    panels = ("admin/panels/winback.html",)
    empty_words = "No win-backs yet. A deal that is lost plans one inside its reactivation window."

    @admin.display(description="client")
    def client(self, win_back):
        return win_back.opportunity.client

    @admin.display(description="lost by")
    def reason(self, win_back):
        return win_back.closing.get_reason_display()

    @admin.display(description="must have changed")
    def must_change(self, win_back):
        return win_back.closing.must_change or None

    def may_work(self, request, win_back) -> bool:
        return holds(request.user, MOVE, win_back)

    def fields_view(self, request, pk):
        """What has changed is said by whoever works on it, as long as it is open."""
        win_back = self.get_object_or_404(request, pk)
        if not self.may_work(request, win_back) or not win_back.is_open:
            raise PermissionDenied("Whoever works on a win-back says what has changed, while it is open.")
        data = request.POST if request.method == "POST" else None
        form = self.small_form(request, win_back, ["changed"], data)
        if form.is_valid() and form.keep(by=request.user):
            messages.success(request, f"Saved: {win_back}.")
            return redirect(win_back.staff_url())
        return self.ask(request, win_back, form, "What has changed?", "Save")

    def get_readonly_fields(self, request, obj=None):
        return [name for name in super().get_readonly_fields(request, obj) if name != "changed"]

    def about(self, request, win_back):
        deal, at = win_back.opportunity, clock.now()
        people = secondtries.people(win_back)
        contact = people[0] if people else None
        waits = conditions.waits(contact, secondtries.PURPOSE, opportunity=deal, at=at) if contact else []
        return super().about(request, win_back) | {
            "closing": win_back.closing,
            "doubts": deal.objections.order_by("pk"),
            "contact": contact,
            "waits": waits,
            "letters": secondtries.letters(win_back)[:10],
            "days_left": (win_back.ends_on - clock.today()).days if win_back.ends_on else None,
            "may_work": self.may_work(request, win_back) and win_back.is_open,
        }

    def pages(self):
        return [*super().pages(), ("<int:pk>/write/", self.write_view, "write")]

    def write_view(self, request, pk):
        """Write to somebody of the client (POST): it goes as soon as the four conditions let it."""
        win_back = self.get_object_or_404(request, pk)
        if not self.may_work(request, win_back):
            raise PermissionDenied("Whoever works on a win-back writes to the client.")
        people = secondtries.people(win_back)
        form = LetterForm(request.POST if request.method == "POST" else None, people=people)
        if form.is_valid():
            try:
                self.take(win_back, form.cleaned_data, request.user)
            except Refused as refusal:
                for reason in refusal.reasons:
                    form.add_error(None, reason)
            else:
                messages.success(request, "The letter goes as soon as it may. It stands among the tasks until then.")
                return redirect(win_back.staff_url())
        return self.ask(request, win_back, form, "Write to them", "Send when it may go")

    def take(self, win_back, data, user):
        if version := data["template"] and data["template"].current:
            # What is empty for them is said now, not when it falls due.
            whom = {"contact": data["contact"], "owner": win_back.owner, "opportunity": win_back.opportunity}
            filling.fill(version, record=win_back, **whom)
        secondtries.write(win_back, data.pop("contact"), by=user, **data)
