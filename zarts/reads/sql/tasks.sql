-- Tasks: what was promised to be done, by whom and until when.

-- Now in for_pages.sql.
create view reads.tasks_admin as
select
  k.id, k.kind, k.title, k.stage, k.due_at, k.time_zone, k.owner_id,
  u.owner_name,
  coalesce(o.team_id, l.team_id) as team_id, t.name as team_name, k.opportunity_id, k.lead_id, k.contact_id,
  k.promised_to_id,
  k.record_type, k.record_id, k.repeats, k.paused_because, k.outcome
from public.opportunities_task k
left join public.opportunities_opportunity o on o.id = k.opportunity_id
left join public.opportunities_lead l on l.id = k.lead_id
left join reads.of_people u on u.id = k.owner_id
left join public.opportunities_team t on t.id = coalesce(o.team_id, l.team_id);

create view reads.tasks_proposal as
select
  w.id, w.kind, w.title, w.stage, w.due_at, w.owner_id, d.team_id,
  d.opportunity_id, d.opportunity_name, d.opportunity_stage, d.client_id, d.client_name, d.value, d.currency,
  p.proposal_id, p.proposal_number, p.proposal_revision, p.proposal_title, p.proposal_stage,
  p.proposal_sent_at, p.proposal_valid_until, p.decide_on
from public.opportunities_task w
join reads.of_offers p on p.proposal_id = w.record_id
join reads.of_deals d on d.opportunity_id = p.opportunity_id
where w.record_type = 'proposals.proposal';

create view reads.tasks_approval as
select
  w.id, w.kind, w.title, w.stage, w.due_at, w.owner_id, d.team_id,
  d.opportunity_id, d.opportunity_name, d.opportunity_stage, d.client_id, d.client_name, d.value, d.currency,
  a.approval_id, a.approval_aspect, a.approval_stage, a.approval_asked_at, a.approval_due_at, a.approval_decided_at
from public.opportunities_task w
join reads.of_approvals a on a.approval_id = w.record_id
join reads.of_deals d on d.opportunity_id = a.opportunity_id
where w.record_type = 'proposals.approval';

create view reads.tasks_contract as
select
  w.id, w.kind, w.title, w.stage, w.due_at, w.owner_id, d.team_id,
  d.opportunity_id, d.opportunity_name, d.opportunity_stage, d.client_id, d.client_name, d.value, d.currency,
  k.contract_id, k.contract_number, k.contract_stage, k.sign_by, k.contract_signed_at, k.contract_active_at,
  k.payment_stage, k.payment_due_on
from public.opportunities_task w
join reads.of_contracts k on k.contract_id = w.record_id
join reads.of_deals d on d.opportunity_id = k.opportunity_id
where w.record_type = 'proposals.contract';

create view reads.tasks_portal with (security_barrier) as
select
  i.id, p.client_id, entry ->> 'title' as title, entry ->> 'group' as part, entry ->> 'who' as done_by,
  (entry ->> 'due_on')::date as due_on, coalesce((entry ->> 'done')::boolean, false) as is_done, p.published_at
from public.handoff_checklistitem i
join reads.shown p on p.kind = 'onboarding' and p.ref = 'handoff.project:' || i.project_id
cross join lateral jsonb_array_elements(p.body -> 'items') entry
where (entry ->> 'id')::bigint = i.id
order by i.id;
