"""Templates: their words with the fields, a mail as it will be read, and every earlier version."""

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.shortcuts import redirect
from django.template.response import TemplateResponse

from .. import difference, filling, once
from ..composing import SAID, preview
from ..forms import UNPRINTABLE, WordsField, say_plainly
from ..models import Consent, Message, MessageTemplate, Opportunity
from ..records import Refused, begin, edit, lock
from .base import Lookup, RecordAdmin, came_from, whole_number

# So many earlier versions are shown on the page.
MOST = 30


class TemplateForm(forms.Form):
    """What a template says. `shown_with` is the deal for which it is shown; it changes nothing."""

    name = forms.CharField(label="Name", max_length=80, help_text="Only we read it.")
    purpose = forms.ChoiceField(label="What is it for?", choices=Consent.Purpose, initial=Consent.Purpose.TRANSACTIONAL)
    subject = forms.CharField(label="Subject", max_length=200)
    body = WordsField(label="Words", rows=14)
    # The number of the version that the page was opened with: nobody writes over a newer one unseen.
    seen = forms.IntegerField(required=False, widget=forms.HiddenInput)
    shown_with = forms.ModelChoiceField(Opportunity.objects.none(), label="Show it for", required=False)

    def __init__(self, data=None, *, user, site, template=None, **kwargs):
        super().__init__(data, **kwargs)
        self.template = template
        place = self.fields["shown_with"]
        place.queryset = Opportunity.objects.visible_to(user).select_related("client", "decision_owner__client")
        place.widget = Lookup(Message._meta.get_field("opportunity"), site)
        place.widget.choices = place.choices
        for each in self.fields.values():
            say_plainly(each)
        self.fields["purpose"].help_text = " ".join(SAID.values())

    def clean_name(self):
        name = " ".join(UNPRINTABLE.sub("", self.cleaned_data["name"]).split())
        same = MessageTemplate.objects.filter(name__iexact=name)
        if same.exclude(pk=self.template and self.template.pk).exists():
            raise forms.ValidationError("Choose another name: a template has this one.")
        return name

    def clean_subject(self):
        subject = " ".join(UNPRINTABLE.sub("", self.cleaned_data["subject"]).split())
        return without_faults(subject)

    def clean_body(self):
        return without_faults(self.cleaned_data["body"])

    def clean(self):
        data = super().clean()
        last = self.template.current if self.template else None
        words = (data.get("subject"), data.get("body"))
        if last and data.get("seen") and last.number > data["seen"] and words != (last.subject, last.body):
            raise forms.ValidationError(
                f"{last.author} wrote version {last.number} meanwhile. It stands below: put together what you want to "
                "keep, then save again."
            )
        return data

    @transaction.atomic
    def save(self, *, by) -> MessageTemplate:
        """Make the template, or change it; other words are its next version. Raises `Refused` with what is wrong."""
        data, template = self.cleaned_data, self.template
        if template is None:
            template = begin(MessageTemplate(name=data["name"], purpose=data["purpose"]), by=by)
        else:
            template = edit(lock(template), by=by, name=data["name"], purpose=data["purpose"])
        template.revise(data["subject"], data["body"], by=by)
        return template

    def refuse(self, refusal):
        """Say each reason at the field whose words it quotes."""
        subject = self.cleaned_data.get("subject", "")
        for reason in refusal.reasons:
            quoted = reason.partition("“")[2].partition("”")[0]
            self.add_error("subject" if quoted and quoted.casefold() in subject.casefold() else "body", reason)


def without_faults(words):
    if faults := filling.faults_in(words):
        raise forms.ValidationError(faults)
    return words


@admin.register(MessageTemplate)
class MessageTemplateAdmin(RecordAdmin):
    list_display = ["name", "purpose", "stage"]
    list_filter = ["purpose", "stage"]
    search_fields = ["name"]
    fields = ["name", "purpose"]
    empty_words = "No templates yet. Write the first mail that is sent more than once."

    def changeform_view(self, request, object_id=None, form_url="", extra_context=None):
        template = self.get_object_or_404(request, object_id) if object_id else None
        may = self.has_change_permission(request, template) if template else self.has_add_permission(request)
        if not may and (template is None or request.method == "POST"):
            raise PermissionDenied("You may read templates, but not write them.")
        if request.method != "POST":
            return self.shown(request, template, self.form_for(request, template), may)
        form = self.form_for(request, template, request.POST)

        def answer():
            if form.is_valid() and request.POST.get("do") != "preview":
                try:
                    saved = form.save(by=request.user)
                except Refused as refusal:
                    form.refuse(refusal)
                else:
                    messages.success(request, f"Saved: {saved}, version {saved.current.number}.")
                    deal = form.cleaned_data["shown_with"]
                    return redirect(f"{saved.staff_url()}?with={deal.pk}" if deal else saved.staff_url())
            return self.shown(request, template, form, may)

        return answer() if template else once.saved(request, answer)

    def form_for(self, request, template, data=None):
        about = {"user": request.user, "site": self.admin_site, "template": template}
        if data is not None:
            return TemplateForm(data, **about)
        last = template.current if template else None
        initial = {"shown_with": self.shown_with(request)}
        if template:
            initial |= {"name": template.name, "purpose": template.purpose}
        if last:
            initial |= {"subject": last.subject, "body": last.body, "seen": last.number}
        return TemplateForm(initial=initial, **about)

    def shown_with(self, request):
        """Return the deal for which a template is shown: the one that is asked for, else the newest of this person."""
        deals = Opportunity.objects.visible_to(request.user).exclude(decision_owner=None)
        deals = deals.select_related("client", "decision_owner__client")
        asked = whole_number(request.GET.get("with"))
        return (deals.filter(pk=asked).first() if asked else None) or deals.order_by("-pk").first()

    def shown(self, request, template, form, may):
        words = {name: form[name].value() or "" for name in ("purpose", "subject", "body")}
        deal = form.cleaned_data.get("shown_with") if form.is_bound else form.initial["shown_with"]
        deal = deal or self.shown_with(request)
        versions = list(template.versions.select_related("author").order_by("-number")[: MOST + 1]) if template else []
        older = next((one for one in versions if one.number == whole_number(request.GET.get("compare"))), None)
        written = words["subject"].strip() and words["body"].strip()
        context = {
            **self.admin_site.each_context(request),
            "title": str(template or "A new template"),
            "opts": self.opts,
            "original": template,
            "form": form,
            "may_change": may,
            "words": words,
            "said": SAID.get(words["purpose"], ""),
            "seen": self.seen(request.user, words, deal) if written else None,
            "seen_says": "For this reader something would be empty: the mail would wait.",
            "seen_nothing": "Write a subject and words: here you see the mail as its reader will.",
            "shown_with": deal,
            "versions": versions[:MOST],
            "more_versions": len(versions) > MOST,
            "compared": older,
            "changes": self.changes(older, versions) if older else [],
            "fields": [(name, field.description) for name, field in filling.FIELDS.items()],
            "open_fields": True,
            "back": came_from(request, template) if template else "",
            "media": form.media,
        }
        if template:
            context |= self.about(request, template)
        status = 422 if form.is_bound and form.errors else 200
        return TemplateResponse(request, "admin/template.html", context, status=status)

    def seen(self, user, words, deal):
        """Return the mail as the one who decides on a deal would read it."""
        contact = getattr(deal, "decision_owner", None)
        if contact is None:
            return None
        facts = filling.Facts(contact, user, deal)
        subject, body, lacks = filling.fill_known(words["subject"], words["body"], facts)
        about = {"client": deal.client, "opportunity": deal, "contact": contact, "owner": user}
        message = Message(purpose=words["purpose"], subject=" ".join(subject.split()), body=body, **about)
        return preview(message, lacks)

    def changes(self, older, versions):
        newest = versions[0]
        pairs = (("Subject", older.subject, newest.subject), ("Words", older.body, newest.body))
        return [(label, difference.changes(before, after)) for label, before, after in pairs]
