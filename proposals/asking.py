"""Who is asked: what the rules that match need of a record, and who of them may answer."""

from dataclasses import dataclass
from typing import Any

from django.contrib.auth.models import Group
from django.db.models import Count

from opportunities.models import User
from opportunities.models.user import BY_ROLE

from .measures import Measured
from .policies import have_answered, is_asked, right_for

# Without a rule: so many working hours, a reminder after half of them, and so many days that it holds.
HOURS, REMIND_AFTER, VALID_DAYS = 16, 50, 60
# Who holds it sees to a question on which nobody can decide.
GIVE_ON = "proposals.reassign_approval"


@dataclass(frozen=True)
class Need:
    """One word that is needed: of which aspect, at which step, whose, and why."""

    aspect: str
    why: str
    step: int = 1
    rule: Any = None
    permission: str = ""
    group: Group | None = None
    person: Any = None

    def is_asked_by(self, approval) -> bool:
        """Whether an approval asks for exactly this, whoever decides on it by now."""
        mine = (self.aspect, self.rule and self.rule.pk, self.person and self.person.pk)
        return (approval.aspect, approval.rule_id, approval.person_id) == mine


def needs(record):
    """Yield what a record needs by every rule that matches it, aspect by aspect and step by step."""
    from .models import ApprovalRule

    rules = ApprovalRule.objects.filter(aspect__in=record.ASPECTS, is_used=True).order_by("step", "pk")
    rules = list(rules.select_related("group", "person", "service"))
    measured = Measured(record)
    for aspect in record.ASPECTS:
        of_aspect = [rule for rule in rules if rule.aspect == aspect]
        currencies = {rule.currency for rule in of_aspect if rule.names_an_amount}
        asking = [(rule, rule.why(measured, currencies)) for rule in of_aspect]
        for rule, why in asking:
            if why:
                yield from of_rule(rule, why, record)
        if not any(why for _, why in asking):
            yield Need(
                aspect, "No rule names who approves this: somebody who may is asked.", permission=right_for(aspect)
            )


def of_rule(rule, why, record):
    """Yield what one rule that matches needs. Whom it names and who cannot answer is stood in for: nothing is stuck."""
    need = {"aspect": rule.aspect, "step": rule.step, "rule": rule}
    # Whoever of everybody has answered is still one of those who were to.
    barred = barred_from(record, Need(why=why, **need))
    if rule.person:
        if could_decide(rule.person, record, barred):
            yield Need(why=why, person=rule.person, **need)
        else:
            instead = f"{why} {rule.person} cannot decide on it: somebody else who may is asked."
            yield Need(why=instead, person=rule.person, permission=right_for(rule.aspect), **need)
        return
    if rule.group:
        members = [user for user in members_of(rule.group) if could_decide(user, record, barred)]
        if not members:
            instead = f"{why} Nobody of {rule.group} can decide on it: somebody else who may is asked."
            yield Need(why=instead, permission=right_for(rule.aspect), **need)
        elif rule.everybody:
            yield from (Need(why=why, group=rule.group, person=member, **need) for member in members)
        else:
            yield Need(why=why, group=rule.group, **need)
        return
    yield Need(why=why, permission=rule.permission, **need)


def missing(record, live):
    """Yield what is needed and not asked yet. The next step is asked when all of the one before is given."""
    wanted = list(needs(record))
    for aspect in record.ASPECTS:
        for step in sorted({need.step for need in wanted if need.aspect == aspect}):
            of_step = [need for need in wanted if (need.aspect, need.step) == (aspect, step)]
            asked = [next((row for row in live if need.is_asked_by(row)), None) for need in of_step]
            yield from (need for need, row in zip(of_step, asked, strict=True) if row is None)
            if not all(row and row.stage == "approved" for row in asked):
                break


def is_needed(approval) -> bool:
    """Whether a rule that asks everybody still asks this of them: they may have left, or written in it, since."""
    if not (approval.person_id and approval.rule and approval.rule.everybody):
        return True
    return any(need.is_asked_by(approval) for need in of_rule(approval.rule, approval.why, approval.subject))


# -- People. -----------------------------------------------------------------------------------------------------------


def members_of(group):
    return User.objects.filter(is_active=True, is_staff=True, groups=group).order_by("pk")


def holders_of(permission):
    """Return the active staff who hold a right, by role or of their own."""
    return User.objects.with_perm(permission, backend=BY_ROLE).filter(is_staff=True).order_by("pk")


def barred_from(record, question) -> set[int]:
    """Return the ids of those who wrote a record, or whose word stands already for what a question asks of it.

    Two steps are two people, and so are two of everybody.
    """
    return record.hands | have_answered(record, question)


def barred_from_taking(record, question) -> set[int]:
    """Return the ids of those to whom a question does not go on: who is barred, and who is asked the same by name."""
    barred = barred_from(record, question)
    if question.rule and question.person:
        asked = record.approvals.filter(rule=question.rule, aspect=question.aspect, stage="pending")
        others = asked.exclude(person=question.person)
        barred |= {pk for row in others.values_list("owner", "person") for pk in row}
    return barred


def could_decide(user, record, barred) -> bool:
    """Whether somebody works here, has a record within their reach, and is not barred from a question about it."""
    works_here = user.is_active and user.is_staff
    return works_here and user.pk not in barred and record.within_reach(user, "change")


def people_for(question):
    """Return the people among whom one is looked for: question is a need, or an approval that asks for it."""
    if question.permission:
        return holders_of(question.permission)
    if question.group and not question.person:
        return members_of(question.group)
    return holders_of(right_for(question.aspect))


def approver(record, question, instead_of=None):
    """Return whom to ask: who may and did not write it, with the fewest open questions.

    Where nobody may, it stands with whoever can mend that, and says so: `nobody_because`.
    """
    from .models import Approval

    if isinstance(question, Need) and question.person and not question.permission:
        return question.person
    people = [user for user in people_for(question) if user != instead_of]
    waiting = Approval.objects.filter(stage="pending", owner__in=people).values_list("owner")
    load = dict(waiting.annotate(Count("pk")).order_by())
    people.sort(key=lambda user: (load.get(user.pk, 0), user.pk))
    barred = barred_from_taking(record, question)
    if found := next((user for user in people if could_decide(user, record, barred)), None):
        return found
    if instead_of is not None and could_decide(instead_of, record, barred):
        return instead_of
    return next(iter(menders(record)), instead_of or record.owner)


def menders(record) -> list:
    """Return who can see to it that somebody decides: whoever may give a question on; who did not write it first."""
    reach = [user for user in holders_of(GIVE_ON) if record.within_reach(user, "change")]
    return sorted(reach, key=lambda user: (user.pk in record.hands, user.pk))


def nobody_because(approval) -> str:
    """Say that nobody can decide on a question, and what mends that; nothing while it waits for somebody."""
    if approval.stage != "pending":
        return ""
    record, barred = approval.subject, barred_from(approval.subject, approval)
    if could_decide(approval.owner, record, barred) and is_asked(approval, approval.owner):
        return ""
    if not approval.goes_by_name and any(could_decide(user, record, barred) for user in people_for(approval)):
        return ""
    what = approval.get_aspect_display().lower()
    return (
        f"Nobody can decide on the {what} now: whoever may approve it wrote in it, decided at another step, answered "
        "it for themselves already, or does not reach it. Give somebody else the right to approve it, and then the "
        "question."
    )


def could_take(approval, user) -> bool:
    """Whether a question may go on to somebody: they could have been asked it, and are not barred from it."""
    barred = barred_from_taking(approval.subject, approval)
    return could_decide(user, approval.subject, barred) and people_for(approval).filter(pk=user.pk).exists()


def who_could_take(approval) -> list:
    """Return everybody to whom a question may go on."""
    record, barred = approval.subject, barred_from_taking(approval.subject, approval)
    return [user for user in people_for(approval).exclude(pk=approval.owner_id) if could_decide(user, record, barred)]
