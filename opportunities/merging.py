"""Two entries for one and the same become one. Both keep their history: the one that goes on shows it as its own.

Each thing that comes along says in its event where it came from, so that a merge can be explained years later.
"""

from django.core.exceptions import PermissionDenied
from django.db import connection, transaction
from django.db.models.functions import Lower

from .records import Opens, Refused, edit, holds, lock, perform, plain, tell

# What an entry takes over from the other where it says nothing itself.
LEAD_FIELDS = ("company", "email", "phone", "website", "country", "source")
CLIENT_FIELDS = ("website", "industry", "country")
CONTACT_FIELDS = ("phone", "title")

STORY = """
with recursive story as (
  select id, diary_id from {table} where {column} = %s
  union
  select other.id, other.diary_id from {table} other join story on other.merged_into_id = story.id
)
select diary_id from story
"""


def diaries_of(*rows) -> list[int]:
    """Return the diaries of rows, each named as (model, column, value), and of all that was ever merged into them."""
    stories = [f"({STORY.format(table=model._meta.db_table, column=column)})" for model, column, _ in rows]
    with connection.cursor() as cursor:
        cursor.execute(" union all ".join(stories), [value for _, _, value in rows])
        return [diary_id for (diary_id,) in cursor.fetchall()]


# -- Leads. ------------------------------------------------------------------------------------------------------------


def merged_leads(lead) -> list:
    """Return the leads that were merged into this one, directly or by way of another."""
    model = type(lead)
    return list(model.objects.filter(diary_id__in=diaries_of((model, "id", lead.pk))).exclude(pk=lead.pk))


def take_in_lead(kept, gone, *, by):
    """Give the lead that goes on what the other has and it lacks. Called by the move `merge`, which locks both."""
    kept = lock(kept)
    if kept.pk == gone.pk:
        raise Refused(["Choose another lead: this is the same one."])
    if kept.merged_into_id:
        raise Refused([f"Choose {kept.merged_into} instead: {kept} was merged into it."])
    if by is not None and not holds(by, "opportunities.move_lead", kept):
        raise PermissionDenied(f"You may not change {kept}: ask {kept.owner} to merge the two.")
    if kept.stage == kept.Stage.DISQUALIFIED and gone.is_open:
        kept = perform(kept.reopen, by=by, reason=f"{gone}, who is the same, is here anew.")
    kept = edit(
        kept, by=by, reason=f"From {gone}, who is the same.", **lacking(kept, gone, LEAD_FIELDS), **words(kept, gone)
    )
    tell(kept, "take_in", "took in", by=by, facts={"lead": gone, **take_facts(kept, gone)})
    if kept.opportunity:
        bring_to_the_deal(kept, gone, by=by)
    for task in open_tasks(gone).exclude(record_type=gone.label(), record_id=gone.pk):
        edit(task, by=by, lead=kept, diary=kept.diary)
    if kept.is_open and not open_tasks(kept).exists():
        from . import followups  # it imports the models

        followups.open_task(kept, Opens("follow_up", "Look at what came with the merged lead", 2), by=by)
    return kept


def bring_to_the_deal(kept, gone, *, by):
    """Make whoever comes along known at the client of the deal that the lead became, with what they agreed to."""
    client = kept.opportunity.client
    if wrong := kept.wrong_with_client(client, by):
        raise Refused([wrong])
    for lead in (gone, *merged_leads(gone)):
        lead.find_or_make_contact(by=by, client=client)


def lacking(kept, gone, names) -> dict:
    """Return what the one says and the other does not."""
    return {name: getattr(gone, name) for name in names if not getattr(kept, name) and getattr(gone, name)}


def words(kept, gone) -> dict:
    """Return the words, the consent and the first answer that come along."""
    more = {}
    if gone.words.strip() and gone.words.strip() not in kept.words:
        more["words"] = f"{kept.words}\n\n{gone.name}: {gone.words}".strip()
    same_person = gone.email.lower() == (kept.email or gone.email).lower()
    if gone.consent and not kept.consent and same_person and not kept.opportunity_id:
        more["consent"] = gone.consent
    if gone.answered_at and (kept.answered_at is None or gone.answered_at < kept.answered_at):
        more |= {"answered_at": max(gone.answered_at, kept.arrived_at), "answered_how": gone.answered_how}
    return more


def take_facts(kept, gone) -> dict:
    """Take over the facts that only the other lead has, with who confirmed them; say where the two differ."""
    told, mine = {}, {fact.kind: fact for fact in kept.facts.all()}
    for fact in gone.facts.select_related("confirmed_by"):
        own = mine.get(fact.kind)
        if own is None:
            own = fact.__class__(lead=kept, kind=fact.kind)
        elif own.confirmed_at or not fact.confirmed_at:
            if own.value != fact.value:
                told[f"{fact.get_kind_display()}, as it stays and as it was there"] = [own.value, fact.value]
            continue
        told[fact.get_kind_display()] = [own.value, fact.value]
        own.value, own.confirmed_by, own.confirmed_at = fact.value, fact.confirmed_by, fact.confirmed_at
        own.save()
    return told


def open_tasks(lead):
    return lead.tasks.filter(stage__in=["open", "paused"])


# -- Clients. ----------------------------------------------------------------------------------------------------------


@transaction.atomic
def merge_clients(gone, kept, *, by, reason=""):
    """Make one client of two: everything of the one moves to the other. Return the client that goes on.

    Apps above may refuse it, as a reaction to the edit that says so.
    """
    gone, kept = lock(gone, kept), lock(kept)
    if gone.pk == kept.pk:
        raise Refused(["Choose another client: this is the same one."])
    if gone.merged_into_id:
        raise Refused([f"{gone} was merged already, into {gone.merged_into}. Reload the page."])
    if kept.merged_into_id:
        raise Refused([f"Choose {kept.merged_into} instead: {kept} was merged into it."])
    for client in (gone, kept):
        if by is not None and not holds(by, "opportunities.change_client", client):
            raise PermissionDenied(f"You may not change {client}: ask {client.owner} to merge the two.")
    gone = edit(gone, by=by, reason=reason, merged_into=kept)
    why = f"{gone} is the same client as {kept}."
    people = [move_person(contact, kept, by=by, why=why) for contact in gone.contacts.filter(merged_into=None)]
    deals = [edit(deal, by=by, reason=why, client=kept) for deal in gone.opportunities.order_by("pk")]
    messages = list(gone.messages.order_by("pk").values_list("pk", flat=True))
    gone.messages.update(client=kept)
    kept = edit(kept, by=by, reason=f"From {gone}, which is the same.", **lacking(kept, gone, CLIENT_FIELDS))
    came = {"client": gone, "people": people, "opportunities": deals, "messages": messages}
    tell(
        kept,
        "take_in",
        "took in",
        by=by,
        reason=reason,
        facts={name: plain(value) for name, value in came.items() if value},
    )
    return kept


def move_person(contact, kept, *, by, why):
    """Move a person to the client that goes on. Whoever is known there by the same address is one and the same."""
    twin = None
    if contact.email:
        there = kept.contacts.filter(merged_into=None).alias(mail=Lower("email"))
        twin = there.filter(mail=contact.email.lower()).first()
    if twin is None:
        return edit(contact, by=by, reason=why, client=kept)
    more = lacking(twin, contact, CONTACT_FIELDS)
    if twin.decision_role == twin.Role.INFLUENCER:  # as everybody is of whom nothing else is known
        more["decision_role"] = contact.decision_role
    if contact.left_on is None:
        more["left_on"] = None
    twin = edit(twin, by=by, reason=why, **more)
    for consent in contact.consents.filter(withdrawn_at=None):
        edit(consent, by=by, reason=why, contact=twin)
    opt_out(twin, contact, twin, by=by)
    model = contact.client.opportunities.model
    for deal in model.objects.filter(decision_owner=contact):
        edit(deal, by=by, reason=why, decision_owner=twin)
    objection = model._meta.get_field("objections").related_model
    for doubt in objection.objects.filter(raised_by=contact).order_by("pk"):
        edit(doubt, by=by, reason=why, raised_by=twin)
    task = model._meta.get_field("tasks").related_model
    for waiting in task.objects.filter(contact=contact, stage__in=["open", "paused"]):
        edit(waiting, by=by, reason=why, contact=twin)
    for run in contact.sequence_runs.filter(stage="running").order_by("pk"):
        edit(run, by=by, reason=why, contact=twin)
    for unsent in contact.messages.filter(stage__in=["draft", "queued", "held", "failed", "uncertain"]):
        edit(unsent, by=by, reason=why, contact=twin)
    edit(contact, by=by, reason=why, merged_into=twin)
    return twin


def opt_out(contact, *entries, by):
    """Take back what a person gave before they withdrew it at any of their entries: the address is the same."""
    kept = contact.consents.model.objects
    withdrawn = kept.filter(contact__in=entries).exclude(withdrawn_at=None).select_related("contact__client")
    for last in withdrawn.order_by("withdrawn_at"):
        for given in contact.consents.valid().filter(purpose=last.purpose, captured_at__lt=last.withdrawn_at):
            where = f"{last.contact} withdrew it at {last.contact.client}."
            given.withdraw(by=by, reason=where, at=last.withdrawn_at)
