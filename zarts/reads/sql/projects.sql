-- Projects: what delivery inherited.

create view reads.projects_admin as
select
  j.id, j.name, j.stage, j.kickoff_on, j.kickoff_time, j.client_id, c.name as client_name,
  j.opportunity_id, j.handoff_id,
  j.owner_id, u.owner_name, o.team_id,
  t.name as team_name, j.source, j.scope_state, j.client_safe, j.next_action, j.due_on
from public.handoff_project j
join public.opportunities_opportunity o on o.id = j.opportunity_id
join public.opportunities_client c on c.id = j.client_id
left join reads.of_people u on u.id = j.owner_id
left join public.opportunities_team t on t.id = o.team_id;

create view reads.projects_proposal as
select
  j.id, j.name, j.stage, j.kickoff_on, j.owner_id, d.team_id,
  d.opportunity_id, d.opportunity_name, d.opportunity_stage, d.client_id, d.client_name, d.value, d.currency,
  p.proposal_id, p.proposal_number, p.proposal_revision, p.proposal_title, p.proposal_stage,
  p.proposal_sent_at, p.proposal_valid_until, p.decide_on
from public.handoff_project j
join reads.of_deals d on d.opportunity_id = j.opportunity_id
join public.handoff_handoff h on h.id = j.handoff_id
join public.proposals_contract c on c.id = h.contract_id
join reads.of_offers p on p.proposal_id = c.proposal_id;

create view reads.projects_approval as
select
  j.id, j.name, j.stage, j.kickoff_on, j.owner_id, d.team_id,
  d.opportunity_id, d.opportunity_name, d.opportunity_stage, d.client_id, d.client_name, d.value, d.currency,
  a.approval_id, a.approval_aspect, a.approval_stage, a.approval_asked_at, a.approval_due_at, a.approval_decided_at
from public.handoff_project j
join reads.of_deals d on d.opportunity_id = j.opportunity_id
join public.handoff_handoff h on h.id = j.handoff_id
join reads.of_approvals a on a.approval_id =
  (select max(x.id) from public.proposals_approval x where x.contract_id = h.contract_id);

create view reads.projects_contract as
select
  j.id, j.name, j.stage, j.kickoff_on, j.owner_id, d.team_id,
  d.opportunity_id, d.opportunity_name, d.opportunity_stage, d.client_id, d.client_name, d.value, d.currency,
  k.contract_id, k.contract_number, k.contract_stage, k.sign_by, k.contract_signed_at, k.contract_active_at,
  k.payment_stage, k.payment_due_on
from public.handoff_project j
join reads.of_deals d on d.opportunity_id = j.opportunity_id
join public.handoff_handoff h on h.id = j.handoff_id
join reads.of_contracts k on k.contract_id = h.contract_id;

create view reads.projects_portal with (security_barrier) as
select
  p.id, p.client_id, p.title, (p.body ->> 'kickoff_on')::date as kickoff_on, p.body ->> 'kickoff_time' as kickoff_time,
  p.body ->> 'zone' as zone, p.body ->> 'owner' as lead_by, coalesce((p.body ->> 'open')::boolean, false) as is_open,
  (p.body ->> 'ended_on')::date as ended_on, (p.body -> 'reports' ->> 'next_on')::date as next_report_on, p.published_at
from reads.shown p
where p.kind = 'onboarding'
order by p.id;
