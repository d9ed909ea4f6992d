-- Leads: who asked, and what became of it.

-- Now in for_pages.sql.
create view reads.leads_admin as
select
  l.id, l.name, l.company, l.email, l.phone, l.website, l.country, l.words, l.stage, l.arrived_at, l.answered_at,
  l.source_id, s.name as source_name, s.campaign, l.owner_id, u.owner_name,
  l.team_id, t.name as team_name, l.next_action, l.due_on, l.opportunity_id, l.merged_into_id
from public.opportunities_lead l
left join public.opportunities_source s on s.id = l.source_id
left join reads.of_people u on u.id = l.owner_id
left join public.opportunities_team t on t.id = l.team_id;

create view reads.leads_proposal as
select
  l.id, l.name, l.company, l.stage, l.arrived_at, l.owner_id, l.team_id,
  d.opportunity_id, d.opportunity_name, d.opportunity_stage, d.client_id, d.client_name, d.value, d.currency,
  p.proposal_id, p.proposal_number, p.proposal_revision, p.proposal_title, p.proposal_stage,
  p.proposal_sent_at, p.proposal_valid_until, p.decide_on
from public.opportunities_lead l
join reads.of_deals d on d.opportunity_id = l.opportunity_id
join reads.of_offers p on p.proposal_id =
  (select max(x.id) from public.proposals_proposal x where x.opportunity_id = d.opportunity_id)
where l.merged_into_id is null;

create view reads.leads_approval as
select
  l.id, l.name, l.company, l.stage, l.arrived_at, l.owner_id, l.team_id,
  d.opportunity_id, d.opportunity_name, d.opportunity_stage, d.client_id, d.client_name, d.value, d.currency,
  a.approval_id, a.approval_aspect, a.approval_stage, a.approval_asked_at, a.approval_due_at, a.approval_decided_at
from public.opportunities_lead l
join reads.of_deals d on d.opportunity_id = l.opportunity_id
join reads.of_approvals a on a.approval_id =
  (select max(x.id) from public.proposals_approval x where x.opportunity_id = d.opportunity_id)
where l.merged_into_id is null;

create view reads.leads_contract as
select
  l.id, l.name, l.company, l.stage, l.arrived_at, l.owner_id, l.team_id,
  d.opportunity_id, d.opportunity_name, d.opportunity_stage, d.client_id, d.client_name, d.value, d.currency,
  k.contract_id, k.contract_number, k.contract_stage, k.sign_by, k.contract_signed_at, k.contract_active_at,
  k.payment_stage, k.payment_due_on
from public.opportunities_lead l
join reads.of_deals d on d.opportunity_id = l.opportunity_id
join reads.of_contracts k on k.contract_id =
  (select max(x.id) from public.proposals_contract x where x.opportunity_id = d.opportunity_id)
where l.merged_into_id is null;

create view reads.leads_portal with (security_barrier) as
select
  p.id, p.client_id, p.title, p.body ->> 'number' as number, p.body ->> 'intro' as words,
  (p.body ->> 'valid_until')::date as valid_until, p.published_at
from reads.shown p
where p.kind = 'proposal' and exists (select from public.opportunities_lead l where l.opportunity_id = p.opportunity_id)
order by p.id;
