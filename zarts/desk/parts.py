"""The parts of an opportunity's page: what each app knows about it, read in one query."""

from dataclasses import dataclass, field

from django.contrib import admin
from django.db.models import CharField, F, Value
from django.db.models.functions import Cast, Concat, Left

# The newest of each kind that are shown; the list of the kind has the rest.
MOST = 5


@dataclass
class Part:
    """One kind of record on the opportunity's page: the newest few, and the way to add one."""

    anchor: str
    title: str
    label: str
    words: tuple
    empty: str
    through: str = "opportunity"
    rows: list = field(default_factory=list)
    add_url: str = ""
    more: bool = False

    @property
    def shown(self):
        return Left(Concat(*self.words, Value(""), output_field=CharField()), 160)


def parts() -> list[Part]:
    """Return the parts in the order of the path, empty."""
    proposal = (F("number"), Value(", revision "), Cast("revision", CharField()), Value(": "), F("title"))
    return [
        Part(
            "discovery",
            "Discovery",
            "opportunities.discovery",
            (Value("What we heard"),),
            "Opens with “Start discovery”.",
        ),
        Part("audit", "Audits", "opportunities.audit", (F("name"),), "Opens with “Start audit”."),
        Part("proposals", "Proposals", "proposals.proposal", proposal, "Write one when the audit is verified."),
        Part("summaries", "Words for the client", "proposals.summary", (F("title"),), "None written yet."),
        Part(
            "contract",
            "Contracts",
            "proposals.contract",
            (Value("Contract "), F("number")),
            "Opens when a proposal is accepted.",
        ),
        Part(
            "handoff", "Handoffs", "handoff.handoff", (Value("What delivery inherits"),), "Opens when the deal is won."
        ),
        Part("project", "Projects", "handoff.project", (F("name"),), "Opens when the deal is won."),
        Part("tasks", "Tasks", "opportunities.task", (F("title"),), "Nothing is promised to anybody."),
        Part("people", "People", "opportunities.contact", (F("name"),), "Nobody is known here.", through="client"),
        Part("objections", "Objections", "opportunities.objection", (F("words"),), "No doubt was voiced."),
        Part("said", "Said aloud", "opportunities.unwrittenpromise", (F("words"),), "Nothing was promised aloud."),
        Part("messages", "Messages", "opportunities.message", (F("subject"),), "No mail, call or meeting yet."),
    ]


def parts_of(opportunity, request) -> list[Part]:
    """Return what this person may view of an opportunity's records, each with its stage and its page."""
    pages = {model._meta.label_lower: page for model, page in admin.site._registry.items()}
    shown = [part for part in parts() if part.label in pages and pages[part.label].has_view_permission(request)]
    rows = None
    for number, part in enumerate(shown):
        model, key = pages[part.label].model, opportunity.client_id if part.through == "client" else opportunity.pk
        staged = hasattr(model, "steps")
        found = (
            model._base_manager.filter(**{part.through: key})
            .order_by("-pk")
            .annotate(
                part=Value(number),
                shown=part.shown,
                now=Cast("stage" if staged else "decision_role", CharField()),
            )
            .values_list("part", "pk", "shown", "now")[: MOST + 1]
        )
        rows = found if rows is None else rows.union(found, all=True)
    for number, pk, words, now in sorted(rows or [], key=lambda row: (row[0], -row[1])):
        part, page = shown[number], pages[shown[number].label]
        if len(part.rows) == MOST:
            part.more = True
            continue
        name = "stage" if hasattr(page.model, "steps") else "decision_role"
        labels = dict(page.model._meta.get_field(name).flatchoices)
        part.rows.append(
            {"url": page.row_url(page.model(pk=pk)), "words": words, "stage": now, "label": labels.get(now, now)}
        )
    for part in shown:
        page = pages[part.label]
        if page.has_add_permission(request):
            key = opportunity.client_id if part.through == "client" else opportunity.pk
            part.add_url = f"{page.add_url()}?{part.through}={key}"
    return shown
