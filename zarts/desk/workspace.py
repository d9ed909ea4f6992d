"""An opportunity's own page: which parts it has, in the order of the path, and what each shows."""

from collections.abc import Callable
from dataclasses import dataclass

from django.urls import reverse

from handoff import panels as handoff
from opportunities import panels as floor
from opportunities import reads
from opportunities.admin.base import whole_number
from opportunities.admin.sharing import may_share
from opportunities.inplace import NEW, right_to
from opportunities.models import Opportunity
from proposals import panels as proposals

from .checklist import rows_of

Stage = Opportunity.Stage


def close_ready(opportunity, user) -> dict:
    """What the guide and the house ask of a deal, and how each line is answered."""
    return {"checklist": rows_of(opportunity, user)}


@dataclass(frozen=True)
class Tab:
    """One part of the page. Only the open one asks the database: `panel` takes the opportunity and the person."""

    name: str
    label: str
    panel: Callable
    permission: str
    # Whether it takes the whole width, without the story beside it.
    wide: bool = False

    @property
    def template(self) -> str:
        return f"desk/panels/{self.name}.html"


TABS = (
    Tab("discovery", "Discovery", floor.discovery, "opportunities.view_discovery"),
    Tab("audit", "Audit", floor.audit, "opportunities.view_audit"),
    Tab("proposals", "Proposals", proposals.proposals, "proposals.view_proposal"),
    Tab("contract", "Contract", proposals.contract, "proposals.view_contract"),
    Tab("handoff", "Handoff", handoff.handoff, "handoff.view_handoff"),
    Tab("checklist", "Checklist", close_ready, "opportunities.view_opportunity", wide=True),
    Tab("people", "People", floor.people, "opportunities.view_contact"),
    Tab("objections", "Objections", proposals.objections, "opportunities.view_objection"),
    Tab("tasks", "Tasks", proposals.tasks, "opportunities.view_task"),
    Tab("messages", "Messages", proposals.messages, "opportunities.view_message"),
)
# What is worked on at each stage: the part that is open when the address names none.
FIRST = {
    Stage.AUDIT: "audit",
    Stage.PROPOSAL: "proposals",
    Stage.CONTRACT: "contract",
    Stage.WON: "handoff",
    Stage.HANDED_OFF: "handoff",
}
# The quick actions: the form's name, its words, and the key that opens it. A mail has a page of its own.
ADD = (
    ("note", "Note", "n"),
    ("task", "Task", ""),
    ("talk", "Call or meeting", ""),
    ("message", "Message", ""),
    ("objection", "Objection", ""),
    ("promise", "Said aloud", ""),
    ("contact", "Person", ""),
)


def context(opportunity, request) -> dict:
    """Return what the page shows of an opportunity to this person."""
    user, asked = request.user, request.GET
    tabs = [tab for tab in TABS if user.has_perm(tab.permission)]
    tab = chosen(opportunity, tabs, asked.get("tab", ""))
    story, narrowed = None, {"kind": asked.get("kind", ""), "who": asked.get("who", "")}
    if not (tab and tab.wide):
        story = reads.story(opportunity, before=whole_number(asked.get("before")), **narrowed)
    return {
        "tabs": tabs,
        "tab": tab,
        "panel": tab.panel(opportunity, user) if tab else {},
        "story": story,
        "story_kinds": [(kind, label) for kind, (label, _) in reads.KINDS.items()],
        "adds": adds(opportunity, user),
        "services": list(opportunity.services.all()[:9]),
        "weighted": opportunity.weighted,
        "can_add": floor.may_change(opportunity, user),
        "may_share": may_share(user, opportunity),
        "can_change": floor.may_change(opportunity, user, "opportunities.change_opportunity"),
    }


def adds(opportunity, user) -> list[dict]:
    """Return what this person may add here, each with the page that does it."""
    found = []
    for name, label, key in ADD:
        if user.has_perm(right_to(NEW[name]) if name in NEW else "opportunities.add_message"):
            page, args = ("new", [opportunity.pk, name]) if name in NEW else ("write", [opportunity.pk])
            url = reverse(f"admin:opportunities_opportunity_{page}", args=args)
            found.append({"label": label, "key": key, "url": url, "is_small": name in NEW})
    return found


def chosen(opportunity, tabs, name):
    """Return the part that the address names, else the one that is worked on at this stage."""
    stage = opportunity.paused_from if opportunity.stage == Stage.PAUSED else opportunity.stage
    for wanted in (name, FIRST.get(stage, "")):
        for tab in tabs:
            if tab.name == wanted:
                return tab
    return tabs[0] if tabs else None
