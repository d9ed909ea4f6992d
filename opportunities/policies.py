"""Who may move a record, where holding a permission is not the whole answer."""

from .records import holds, policy


@policy("ZartsAlgo does this by itself")
def by_itself(record, user):
    return False


@policy("ZartsAlgo does this when delivery accepts the handoff")
def delivery_takes_over(opportunity, user):
    return False


@policy("ZartsAlgo does this when a file is brought in")
def the_importer(record, user):
    return False


@policy("The client, from the portal")
def only_the_client(record, user):
    return False


@policy("Nobody, when it is a line of the guide: those stay in use, advisory or not. Of our own, managers")
def may_retire_checkpoint(checkpoint, user):
    return not checkpoint.guide and holds(user, "opportunities.move_checkpoint", checkpoint)


@policy("Whoever may send messages, and administrators")
def may_settle(message, user):
    return holds(user, "opportunities.move_message", message) or user.has_perm("opportunities.see_due_work")


@policy("Whoever may verify audits, but not the one who collected this one")
def may_verify_audit(audit, user):
    if audit.collected_by_id == user.pk or audit.evidence.current().filter(collected_by=user).exists():
        return False
    return holds(user, "opportunities.verify_audit", audit)
