"""The roles: groups, and what each may do. `migrate` makes the groups agree with this page."""

from django.contrib.auth.models import Group, Permission

READ = "view_*"
ROLES = {
    "Growth ops": {
        "opportunities": [
            "view_*",
            "add_lead",
            "change_lead",
            "move_lead",
            "add_leadfact",
            "change_leadfact",
            "add_client",
            "change_client",
            "add_contact",
            "change_contact",
            "add_consent",
            "change_consent",
            "add_opportunity",
            "change_opportunity",
            "move_opportunity",
            "add_discovery",
            "change_discovery",
            "move_discovery",
            "add_audit",
            "change_audit",
            "move_audit",
            "verify_audit",
            "add_evidence",
            "add_task",
            "change_task",
            "move_task",
            "add_message",
            "change_message",
            "move_message",
            "add_objection",
            "change_objection",
            "move_objection",
            "add_unwrittenpromise",
            "change_unwrittenpromise",
            "move_unwrittenpromise",
            "add_note",
            "add_source",
            "move_winback",
            "add_confirmation",
            "move_confirmation",
            "add_savedview",
            "change_savedview",
            "add_import",
            "move_import",
            "add_importmap",
            "move_sequencerun",
            "move_inboundmail",
            "add_quietdate",
            "change_quietdate",
        ],
        "proposals": [
            "view_*",
            "write_proposal",
            "send_proposal",
            "write_summary",
            "write_contract",
            "record_payment",
            "add_block",
            "add_offertemplate",
        ],
        "handoff": ["view_*", "settle_promise", "move_outofscope"],
    },
    "Manager": {
        "opportunities": ["*"],
        "proposals": ["*"],
        "handoff": ["*"],
        "takeout": ["erase_person"],
    },
    "Delivery": {
        "opportunities": [
            "view_*",
            "add_task",
            "change_task",
            "move_task",
            "add_message",
            "change_message",
            "move_message",
            "add_note",
            "add_confirmation",
            "move_confirmation",
            "add_savedview",
            "change_savedview",
        ],
        "proposals": ["view_*", "write_summary", "publish_summary"],
        "handoff": ["*"],
    },
    "Administrator": {
        "opportunities": [
            "view_*",
            "*_user",
            "see_due_work",
            "*_team",
            "*_source",
            "*_questionnaire",
            "*_shelflife",
            "*_quietdate",
            "add_savedview",
            "change_savedview",
            "share_opportunity",
        ],
        "proposals": [
            "view_*",
            "*_service",
            "*_clause",
            "*_glossaryterm",
            "*_approvalrule",
            "*_block",
            "*_offertemplate",
        ],
        "handoff": ["view_*"],
        "portal": ["*_intaketoken"],
        "hooks": ["*"],
        "reads": ["*_token"],
        "retest": ["*_retestrun"],
        "takeout": ["erase_person"],
        "auth": ["view_group"],
    },
    "Auditor": {
        "opportunities": ["view_*"],
        "proposals": ["view_*"],
        "handoff": ["view_*"],
        "hooks": ["view_*"],
        "auth": ["view_group"],
    },
}
# Rights over people and the house are the administrators', whatever a "*" says.
HOUSE = ("user", "team", "heartbeat")
# What departs from what a client was promised is approved by managers, likewise.
MANAGERS = ("approve_cadence_change",)
# Words of the house that clients read: managers keep them, whatever a "*" says to delivery.
MANAGED = ("provider",)


def sync(using: str):
    """Make each role's group hold exactly what this page says."""
    everything = list(Permission.objects.using(using).select_related("content_type"))
    for role, apps in ROLES.items():
        group, _ = Group.objects.using(using).get_or_create(name=role)
        group.permissions.set([right for right in everything if belongs(right, role, apps)])


def belongs(right, role: str, apps: dict) -> bool:
    """Whether a role's page names this permission."""
    patterns = apps.get(right.content_type.app_label, [])
    writes = not right.codename.startswith("view_")
    if right.content_type.model in HOUSE and writes and role != "Administrator":
        return False
    if right.content_type.model in MANAGED and writes and role == "Delivery":
        return False
    if right.codename in MANAGERS and role != "Manager":
        return False
    return any(matches(right.codename, pattern) for pattern in patterns)


def matches(codename: str, pattern: str) -> bool:
    if pattern.startswith("*_"):
        return codename.endswith(pattern[1:])
    if pattern.endswith("*"):
        return codename.startswith(pattern[:-1])
    return codename == pattern
