-- Clients: who they are, and the newest of what was agreed with them.

create view reads.clients_admin as
select
  c.id, c.name, c.website, c.industry, c.country, c.time_zone, c.owner_id,
  u.owner_name, c.team_id, t.name as team_name,
  c.merged_into_id
from public.opportunities_client c
left join reads.of_people u on u.id = c.owner_id
left join public.opportunities_team t on t.id = c.team_id;

-- Now in clients_from_either.sql.
create view reads.clients_proposal as
select
  c.id, c.name, c.owner_id, c.team_id,
  d.opportunity_id, d.opportunity_name, d.opportunity_stage, d.client_id, d.client_name, d.value, d.currency,
  p.proposal_id, p.proposal_number, p.proposal_revision, p.proposal_title, p.proposal_stage,
  p.proposal_sent_at, p.proposal_valid_until, p.decide_on
from public.opportunities_client c
join reads.of_deals d on d.opportunity_id = (
  select max(o.id) from public.opportunities_opportunity o
  where o.client_id = c.id and exists (select from public.proposals_proposal x where x.opportunity_id = o.id)
)
join reads.of_offers p on p.proposal_id =
  (select max(x.id) from public.proposals_proposal x where x.opportunity_id = d.opportunity_id)
where c.merged_into_id is null;

-- Now in clients_from_either.sql.
create view reads.clients_approval as
select
  c.id, c.name, c.owner_id, c.team_id,
  d.opportunity_id, d.opportunity_name, d.opportunity_stage, d.client_id, d.client_name, d.value, d.currency,
  a.approval_id, a.approval_aspect, a.approval_stage, a.approval_asked_at, a.approval_due_at, a.approval_decided_at
from public.opportunities_client c
join reads.of_deals d on d.opportunity_id = (
  select max(o.id) from public.opportunities_opportunity o
  where o.client_id = c.id and exists (select from public.proposals_approval x where x.opportunity_id = o.id)
)
join reads.of_approvals a on a.approval_id =
  (select max(x.id) from public.proposals_approval x where x.opportunity_id = d.opportunity_id)
where c.merged_into_id is null;

-- Now in clients_from_either.sql.
create view reads.clients_contract as
select
  c.id, c.name, c.owner_id, c.team_id,
  d.opportunity_id, d.opportunity_name, d.opportunity_stage, d.client_id, d.client_name, d.value, d.currency,
  k.contract_id, k.contract_number, k.contract_stage, k.sign_by, k.contract_signed_at, k.contract_active_at,
  k.payment_stage, k.payment_due_on
from public.opportunities_client c
join reads.of_deals d on d.opportunity_id = (
  select max(o.id) from public.opportunities_opportunity o
  where o.client_id = c.id and exists (select from public.proposals_contract x where x.opportunity_id = o.id)
)
join reads.of_contracts k on k.contract_id =
  (select max(x.id) from public.proposals_contract x where x.opportunity_id = d.opportunity_id)
where c.merged_into_id is null;

create view reads.clients_portal with (security_barrier) as
select
  p.id, p.client_id, p.body ->> 'about' as title, place.name as place, p.body -> 'next' ->> 'what' as next_step,
  p.body -> 'next' ->> 'who' as next_by, coalesce((p.body ->> 'over')::boolean, false) as is_over, p.published_at
from reads.shown p
left join lateral (
  select step ->> 'name' as name from jsonb_array_elements(p.body -> 'path') step where step ->> 'state' = 'now' limit 1
) place on true
where p.kind = 'status'
order by p.id;
