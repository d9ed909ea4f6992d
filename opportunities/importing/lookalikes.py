"""Whom the leads of a file may be the same as: leads and clients that are here, for the reasons of `duplicates`.

Each row is looked up by itself, by one index after the other until something is found: nobody has counted yet how many
rows there are, so a join is planned for one.
"""

from ..alike import MOST_AROUND, around, domain_of
from ..models import Client, Lead
from . import matching

DOMAINS = {"site": domain_of("r.said->>'website'"), "domain": domain_of("r.said->>'email'")}
# The first of the reasons for which a lead may be one that is here, and the first for which it may be a client.
LOOKED_UP = """
with asked as materialized (
  select r.id, lower(r.said->>'email') as mail, zarts_phone_key(r.said->>'phone') as phone,
    zarts_name_key(r.said->>'company') as name,
    zarts_name_key(coalesce(nullif(r.said->>'company', ''), r.said->>'name')) as called,
    {site} as site, {domain} as domain
  from opportunities_importrow r where r.of_id = %(of)s and r.id > %(above)s and r.verdict = 'new'
), found as materialized (
  select a.id, coalesce({lead_reasons}) as lead, coalesce({client_reasons}) as client
  from asked a
), best as (
  select id, lead[1] as lead, lead[2] as reason, ({whys})[lead[2]] as why, client[1] as client,
    ({whys})[client[2]] as client_why
  from found where lead is not null or client is not null
), said as (
  select b.id, b.lead, {joins} as joins, concat_ws(' · ',
    b.why || case when {mine} then left(l.name, 120) else 'a lead of ' || {lead_owner} end,
    b.client_why || case when {my_client} then 'the client ' || left(c.name, 120)
      else 'a client of ' || {client_owner} end) as words
  from best b left join opportunities_lead l on l.id = b.lead left join opportunities_client c on c.id = b.client
)
update opportunities_importrow r set
  verdict = case when s.joins then 'joined' else 'new' end,
  record_id = case when s.joins then s.lead else r.record_id end,
  reason = left(s.words, 400)
from said s where r.id = s.id
"""
SAYS = "Same mail address", "Same phone", "Same domain", "Same company", "Almost the same company", "Same domain"
WHYS = f"array{[f'{words} as ' for words in SAYS]}"
# The domain of a mail address may be that of a thousand people: it joins nobody.
JOINING = 5
# {number of the reason: the query for whoever is alike}
LEADS = {
    1: "select id from opportunities_lead where lower(email) = a.mail and a.mail <> '' limit {most}",
    2: "select id from opportunities_lead where phone_key = a.phone and phone_key <> '' limit {most}",
    3: "select id from opportunities_lead where domain_key = a.site and domain_key <> '' limit {most}",
    4: "select id from opportunities_lead where name_key = a.name and name_key <> '' limit {most}",
    5: "{near_lead}",
    6: "select id from opportunities_lead where domain_key = a.domain and domain_key <> '' limit {most}",
}
CLIENTS = {
    1: "select client_id as id from opportunities_contact where lower(email) = a.mail and a.mail <> '' limit {most}",
    2: "select client_id as id from opportunities_contact where phone_key = a.phone and phone_key <> '' limit {most}",
    4: "select id from opportunities_client where name_key = a.called and name_key <> '' limit {most}",
    3: "(select id from opportunities_client where domain_key in (a.site, a.domain) and domain_key <> '' limit {most})"
    " union all (select client_id from opportunities_contact where domain_key in (a.site, a.domain)"
    " and domain_key <> '' limit {most})",
    5: "{near_client}",
}
# Two rows of one file that are one person: it is said and no more.
SAME_PERSON = """
with keyed as materialized (
  select r.id, r.line, lower(r.said->>'email') as mail, zarts_phone_key(r.said->>'phone') as phone
  from opportunities_importrow r where r.of_id = %(of)s and r.id > %(above)s and r.verdict in ('new', 'joined')
), met as (
  select id, line, case when mail <> '' then first_value(line) over (partition by mail order by id) end as by_mail,
    case when phone <> '' then first_value(line) over (partition by phone order by id) end as by_phone
  from keyed
)
update opportunities_importrow r set reason = left(concat_ws(' · ',
  case when m.by_mail < m.line then 'Same mail address as line ' || m.by_mail
    else 'Same phone as line ' || m.by_phone end, nullif(r.reason, '')), 400)
from met m where r.id = m.id and (m.by_mail < m.line or m.by_phone < m.line)
"""

# Whose a deal may be, where no client of the name is here. Deals are many, and the clients that they name are few.
DEALS = """
with keyed as (
  select r.id, zarts_name_key(r.said->>'client') as called, zarts_phone_key(r.said->>'phone') as phone,
    {site} as site, {domain} as domain
  from opportunities_importrow r
  where r.of_id = %(of)s and r.id > %(above)s and r.verdict in ('new', 'joined') and r.client_id is null
), asked as materialized (
  select array_agg(id) as ids, called, phone, site, domain from keyed group by called, phone, site, domain
), found as materialized (
  select a.ids, coalesce({client_reasons}) as client from asked a
), best as (
  select unnest(ids) as id, client[1] as client, ({whys})[client[2]] as why from found where client is not null
)
update opportunities_importrow r set reason = left(concat_ws(' · ', nullif(r.reason, ''),
  b.why || case when {my_client} then 'the client ' || left(c.name, 120)
    else 'a client of ' || {client_owner} end), 400)
from best b join opportunities_client c on c.id = b.client
where r.id = b.id
"""


def of_deals(cursor, record, rows):
    """Say of each deal at a new client which client that may be after all."""
    my_client, clients = matching.within(Client, Client.reach(record.owner), "c.id", "c")
    near = {"near_client": around("opportunities_client", "a.called"), "most": MOST_AROUND}
    # By mail address and by name it would be there already.
    asked = {why: CLIENTS[why] for why in (2, 3, 5)}
    owner = matching.OWNER.format("c")
    words = {"client_reasons": ", ".join(reasons(asked, near)), "whys": WHYS, "client_owner": owner}
    cursor.execute(DEALS.format(my_client=my_client, **words, **DOMAINS), rows | clients)


def settle(cursor, record, rows):
    """Say of each new row whom it may be the same as, and join it to an open lead if that was chosen."""
    mine, more = matching.within(Lead, Lead.reach(record.owner), "l.id", "m")
    my_client, clients = matching.within(Client, Client.reach(record.owner), "c.id", "c")
    near = {"near_lead": around("opportunities_lead", "a.name"), "most": MOST_AROUND}
    near["near_client"] = around("opportunities_client", "a.called")
    joins = f"l.stage in ('new', 'working') and b.reason <= {JOINING} and {mine}"
    looked_up = LOOKED_UP.format(
        lead_reasons=", ".join(reasons(LEADS, near)),
        client_reasons=", ".join(reasons(CLIENTS, near)),
        whys=WHYS,
        joins=joins if record.choices.get("alike") == "join" else "false",
        mine=mine,
        my_client=my_client,
        lead_owner=matching.OWNER.format("l"),
        client_owner=matching.OWNER.format("c"),
        **DOMAINS,
    )
    cursor.execute(looked_up, rows | more | clients)
    cursor.execute(SAME_PERSON, rows)


def reasons(queries: dict, words: dict) -> list[str]:
    """Return the expressions that find the newest of those who are alike, with the number of the reason."""
    return [
        f"(select array[max(h.id), {why}] from ({query.format(**words)}) h having count(*) > 0)"
        for why, query in queries.items()
    ]
