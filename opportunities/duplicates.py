"""Which leads, clients and deals are the same as this one: by mail address, phone, domain, or a name near enough.

Nothing is decided here: whoever asks is shown what is alike and why. What lies beyond their reach is said only as
somebody else's, with whom to ask.
"""

from dataclasses import dataclass, field
from typing import Any

from django.db import connection
from django.db.models import Case, Value, When

from .alike import around, domain_of
from .models import Client, Lead, Opportunity, User

# The most that one reason finds; a domain of a thousand people says no more with the eleventh.
MOST = 10
# The more a reason says, the further up its finds stand.
WEIGHT = {"mail": 8, "phone": 4, "name": 3, "domain": 2, "near": 1}


@dataclass
class Alike:
    """One record that is alike, and why. `record` is None when it lies beyond the asker's reach."""

    kind: str
    pk: int
    reasons: list[str]
    owner: User
    record: Any = None
    opportunities: list = field(default_factory=list)

    # Whether nothing but a domain is the same.
    by_domain_only: bool = False

    @property
    def words(self) -> str:
        """Say why, or whom to ask."""
        if self.record is None:
            whose = "client" if self.kind == "client" else "lead"
            return f"Somebody else’s {whose}: ask {self.owner}."
        return " · ".join(self.reasons)


@dataclass(frozen=True)
class Values:
    """What is known of somebody who may be here already."""

    name: str = ""
    company: str = ""
    email: str = ""
    phone: str = ""
    website: str = ""

    @classmethod
    def of(cls, given) -> "Values":
        """Read them from a lead, or from whatever was typed so far."""
        read = given.get if isinstance(given, dict) else lambda name: getattr(given, name, "")
        return cls(**{name: str(read(name) or "")[:500] for name in cls.__dataclass_fields__})


# One look-up for each reason, each by its own index. A client is found through its people, too.
FINDS = """
with asked as (
  select lower(btrim(%(email)s)) as mail, zarts_phone_key(%(phone)s) as phone, zarts_name_key(%(company)s) as name,
    zarts_name_key(%(called)s) as called,
    array_remove(array[{website}, {email}], '') as domains
)
select 'lead', l.id, 'mail', l.email from asked, lateral (select id, email from opportunities_lead
  where lower(email) = asked.mail and asked.mail <> '' and id <> %(lead)s order by id desc limit %(most)s) l
union all
select 'lead', l.id, 'phone', l.phone from asked, lateral (select id, phone from opportunities_lead
  where phone_key = asked.phone and phone_key <> '' and id <> %(lead)s order by id desc limit %(most)s) l
union all
select 'lead', l.id, 'domain', l.domain_key from asked, lateral (select id, domain_key from opportunities_lead
  where domain_key = any (asked.domains) and domain_key <> '' and id <> %(lead)s order by id desc limit %(most)s) l
union all
select 'lead', l.id, 'name', l.company from asked, lateral (select id, company from opportunities_lead
  where name_key = asked.name and name_key <> '' and id <> %(lead)s order by id desc limit %(most)s) l
union all
select 'lead', l.id, 'near', l.company from asked, lateral (select n.id from ({near_lead}) n
  where n.id <> %(lead)s order by n.id desc limit %(most)s) n join opportunities_lead l on l.id = n.id
union all
select 'client', c.id, 'name', c.name from asked, lateral (select id, name from opportunities_client
  where name_key = asked.called and name_key <> '' and id <> %(client)s order by id desc limit %(most)s) c
union all
select 'client', c.id, 'near', c.name from asked, lateral (select n.id from ({near_client}) n
  where n.id <> %(client)s order by n.id desc limit %(most)s) n join opportunities_client c on c.id = n.id
union all
select 'client', c.id, 'domain', c.domain_key from asked, lateral (select id, domain_key from opportunities_client
  where domain_key = any (asked.domains) and domain_key <> '' and id <> %(client)s order by id desc limit %(most)s) c
union all
select 'client', p.client_id, 'mail', p.email from asked, lateral (select client_id, email from opportunities_contact
  where lower(email) = asked.mail and asked.mail <> '' and client_id <> %(client)s order by id desc limit %(most)s) p
union all
select 'client', p.client_id, 'phone', p.phone from asked, lateral (select client_id, phone from opportunities_contact
  where phone_key = asked.phone and phone_key <> '' and client_id <> %(client)s order by id desc limit %(most)s) p
union all
select 'client', p.client_id, 'domain', p.domain_key from asked, lateral (select client_id, domain_key
  from opportunities_contact where domain_key = any (asked.domains) and domain_key <> '' and client_id <> %(client)s
  order by id desc limit %(most)s) p
"""
NEAR = {
    "website": domain_of("%(website)s"),
    "email": domain_of("%(email)s"),
    "near_lead": around("opportunities_lead", "asked.name"),
    "near_client": around("opportunities_client", "asked.called"),
}
SAID = {
    "mail": "Same mail address: {}",
    "phone": "Same phone as {}",
    "domain": "Same domain: {}",
    "name": "Same company name: {}",
    "near": "Almost the same company name: {}",
}


def found(given, user) -> list[Alike]:
    """Return what is alike to a lead, a client, or the values of one (a dict), the surest first: leads and clients.

    A client brings its open opportunities along. At most four queries, whatever there is.
    """
    rows = finds(Values.of(given), given)
    reasons: dict[tuple, dict] = {}
    for kind, pk, reason, value in rows:
        reasons.setdefault((kind, pk), {}).setdefault(reason, SAID[reason].format(value))
    alike = []
    for kind, model in (("client", Client), ("lead", Lead)):
        pks = [pk for (of, pk) in reasons if of == kind]
        if not pks:
            continue
        within = model.reach(user)
        seen = Case(When(within, then=True), default=False) if within else Value(True)
        for record in model._base_manager.filter(pk__in=pks).select_related("owner").annotate(is_seen=seen):
            why = reasons[kind, record.pk]
            said = [why[reason] for reason in WEIGHT if reason in why]
            seen_one = record if record.is_seen else None
            alike.append(Alike(kind, record.pk, said, record.owner, seen_one, by_domain_only=[*why] == ["domain"]))
    weight = {key: sum(WEIGHT[reason] for reason in why) for key, why in reasons.items()}
    alike.sort(key=lambda one: (-weight[one.kind, one.pk], one.kind, -one.pk))
    with_their_deals(alike, user)
    return alike


def finds(values: Values, given=None) -> list[tuple]:
    """Return (kind, id, reason, the value that is the same) of everything alike."""
    clean = {name: getattr(values, name).replace("\0", "") for name in ("company", "email", "phone", "website")}
    own = {"lead": 0, "client": 0}
    if isinstance(given, (Lead, Client)) and given.pk:
        own[given._meta.model_name] = given.pk
    called = clean["company"] or values.name.replace("\0", "")
    if isinstance(given, Client):
        clean["company"] = called = given.name
    with connection.cursor() as cursor:
        cursor.execute(FINDS.format(**NEAR), {**clean, **own, "called": called, "most": MOST})
        return cursor.fetchall()


def with_their_deals(alike, user):
    """Hang on each client that may be seen the open opportunities that may be seen, the newest first."""
    clients = {one.pk: one for one in alike if one.kind == "client" and one.record}
    if clients:
        deals = Opportunity.objects.visible_to(user).filter(client__in=clients)
        for deal in deals.filter(stage__in=[*Opportunity.OPEN, "paused"]).order_by("-pk")[: MOST * 3]:
            clients[deal.client_id].opportunities.append(deal)
