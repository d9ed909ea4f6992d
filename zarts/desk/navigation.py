"""The sidebar: what each person may view, in the order of the path, and the desk's own style and script."""

from functools import cache

from django.apps import apps
from django.conf import settings
from django.templatetags.static import static
from django.urls import reverse

# Group, then each page: its words, its sign, its address, and the right that shows it ("" for any role).
PAGES = [
    (
        "",
        [
            ("Today", "today", "today", ""),
            ("Pipeline", "view_kanban", "pipeline", "opportunities.view_opportunity"),
            ("Approvals", "approval_delegation", "approvals", "proposals.view_approval"),
            ("Numbers", "bar_chart", "numbers", "opportunities.view_opportunity"),
        ],
    ),
    (
        "Deals",
        [
            ("Leads", "person_search", "opportunities.lead", ""),
            ("Opportunities", "conversion_path", "opportunities.opportunity", ""),
            ("Clients", "storefront", "opportunities.client", ""),
            ("Contacts", "contacts", "opportunities.contact", ""),
            ("Sources", "campaign", "opportunities.source", ""),
            ("Imports", "upload_file", "opportunities.import", ""),
        ],
    ),
    (
        "Proof",
        [
            ("Discoveries", "hearing", "opportunities.discovery", ""),
            ("Audits", "query_stats", "opportunities.audit", ""),
            ("Evidence", "fact_check", "opportunities.evidence", ""),
        ],
    ),
    (
        "Promise",
        [
            ("Proposals", "contract_edit", "proposals.proposal", ""),
            ("Summaries", "chat", "proposals.summary", ""),
            ("Contracts", "contract", "proposals.contract", ""),
        ],
    ),
    (
        "Delivery",
        [
            ("Handoffs", "handshake", "handoff.handoff", ""),
            ("Projects", "rocket_launch", "handoff.project", ""),
            ("Reports", "monitoring", "handoff.report", ""),
            ("Report calendar", "calendar_month", "report_calendar", "handoff.view_report"),
            ("Reliability", "verified", "report_reliability", "handoff.view_report"),
            ("Claims", "scoreboard", "claims", "handoff.view_promise"),
            ("Won and lost", "balance", "won_and_lost", "opportunities.view_closing"),
            ("Providers", "hub", "handoff.provider", "handoff.change_provider"),
        ],
    ),
    (
        "House",
        [
            ("Tasks", "task_alt", "opportunities.task", ""),
            ("Messages", "mail", "opportunities.message", ""),
            ("Mail that came in", "inbox", "opportunities.inboundmail", ""),
            ("Templates", "draft", "opportunities.messagetemplate", ""),
            ("Sequences", "linear_scale", "opportunities.sequence", ""),
            ("Win-backs", "replay", "opportunities.winback", ""),
            ("Campaigns", "groups_3", "opportunities.campaign", ""),
            ("Quiet dates", "do_not_disturb_on", "opportunities.quietdate", ""),
            ("Services and prices", "sell", "proposals.service", ""),
            ("Words to use again", "text_snippet", "proposals.block", ""),
            ("Proposal templates", "note_stack", "proposals.offertemplate", ""),
            ("Clauses", "gavel", "proposals.clause", ""),
            ("Words of ours", "dictionary", "proposals.glossaryterm", ""),
            ("Approval rules", "rule", "proposals.approvalrule", ""),
            ("Standing in", "swap_horiz", "proposals.delegation", ""),
            ("Checkpoints", "checklist", "opportunities.checkpoint", ""),
            ("Due work", "schedule_send", "due_work", "opportunities.see_due_work"),
            ("Caught mail", "mark_email_unread", "mail", ""),
            ("Shelf lives", "hourglass", "opportunities.shelflife", ""),
            ("Users", "badge", "opportunities.user", ""),
            ("Teams", "groups", "opportunities.team", ""),
            ("Roles", "admin_panel_settings", "auth.group", ""),
            ("Intake tokens", "vpn_key", "intake_tokens", "portal.view_intaketoken"),
            ("Webhooks", "webhook", "hooks.endpoint", ""),
            ("Data catalogue", "database", "catalogue", ""),
            ("Tokens", "key", "tokens", ""),
            ("Take out", "file_save", "own_takeouts", ""),
            ("Retests", "rule_settings", "retests", "retest.view_retestrun"),
            ("Diary", "history", "opportunities.event", ""),
        ],
    ),
]


def name_lists():
    """Call each list what the menu calls it, on its page and above every record of it."""
    for _, pages in PAGES:
        for words, _, address, _ in pages:
            if "." in address:
                apps.get_model(address)._meta.verbose_name_plural = words[0].lower() + words[1:]


# What the theme asks each line and group for, fifty times a page: to find nothing takes longer than to read that.
NONE_OF_THESE = {"badge": None, "link_callback": None, "collapsible": False}


@cache
def leads_to(address) -> str:
    """Return where a page is. Each page of staff asks for fifty, and they never move."""
    return reverse(address)


def sidebar(request) -> list:
    """Return the groups of the sidebar with the pages that this person may view."""
    groups = []
    for title, pages in PAGES:
        items = [item for item in (entry(request.user, *page) for page in pages) if item]
        if items:
            groups.append({"title": title, "items": items, "separator": bool(title)} | NONE_OF_THESE)
    return groups


def entry(user, words, sign, address, right):
    """Return one line of the sidebar, or None when this person may not view it."""
    if "." in address:
        app, model = address.split(".")
        right, address = f"{app}.view_{model}", f"admin:{app}_{model}_changelist"
    if right and not user.has_perm(right):
        return None
    if address == "mail" and not settings.CAUGHT_MAIL_DIR:
        return None  # the page of caught mail is only there where something catches
    return {"title": words, "icon": sign, "link": leads_to(address)} | NONE_OF_THESE


def account(request) -> list:
    """Return what a person's own menu leads to, beside their password and the way out."""
    return [{"title": "Take out what I own", "link": reverse("own_takeouts")}]


def favicon(request) -> str:
    return static("favicon.svg")


def staff_css(request) -> str:
    return static("zarts/staff.css")


def staff_js(request) -> str:
    return static("zarts/staff.js")
