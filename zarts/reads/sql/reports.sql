-- Reports: what is owed, and what was published.

-- Now in for_pages.sql.
create view reads.reports_admin as
select
  r.id, r.period_from, r.period_to, r.stage, r.project_id, j.name as project_name, j.client_id, j.opportunity_id,
  r.numbers,
  r.next_steps, r.published_at, r.breach, r.breach_reason, r.owed_by_id, r.owner_id,
  u.owner_name, o.team_id, t.name as team_name,
  r.source, r.scope_state, r.client_safe, r.next_action, r.due_on
from public.handoff_report r
join public.handoff_project j on j.id = r.project_id
join public.opportunities_opportunity o on o.id = j.opportunity_id
left join reads.of_people u on u.id = r.owner_id
left join public.opportunities_team t on t.id = o.team_id;

create view reads.reports_proposal as
select
  r.id, r.period_from, r.period_to, r.stage, r.due_on, r.owner_id, d.team_id,
  d.opportunity_id, d.opportunity_name, d.opportunity_stage, d.client_id, d.client_name, d.value, d.currency,
  p.proposal_id, p.proposal_number, p.proposal_revision, p.proposal_title, p.proposal_stage,
  p.proposal_sent_at, p.proposal_valid_until, p.decide_on
from public.handoff_report r
join public.handoff_project j on j.id = r.project_id
join reads.of_deals d on d.opportunity_id = j.opportunity_id
join public.handoff_handoff h on h.id = j.handoff_id
join public.proposals_contract c on c.id = h.contract_id
join reads.of_offers p on p.proposal_id = c.proposal_id;

create view reads.reports_approval as
select
  r.id, r.period_from, r.period_to, r.stage, r.due_on, r.owner_id, d.team_id,
  d.opportunity_id, d.opportunity_name, d.opportunity_stage, d.client_id, d.client_name, d.value, d.currency,
  a.approval_id, a.approval_aspect, a.approval_stage, a.approval_asked_at, a.approval_due_at, a.approval_decided_at
from public.handoff_report r
join public.handoff_project j on j.id = r.project_id
join reads.of_deals d on d.opportunity_id = j.opportunity_id
join reads.of_approvals a on a.approval_id =
  (select max(x.id) from public.proposals_approval x where x.summary_id = r.summary_id);

create view reads.reports_contract as
select
  r.id, r.period_from, r.period_to, r.stage, r.due_on, r.owner_id, d.team_id,
  d.opportunity_id, d.opportunity_name, d.opportunity_stage, d.client_id, d.client_name, d.value, d.currency,
  k.contract_id, k.contract_number, k.contract_stage, k.sign_by, k.contract_signed_at, k.contract_active_at,
  k.payment_stage, k.payment_due_on
from public.handoff_report r
join public.handoff_project j on j.id = r.project_id
join reads.of_deals d on d.opportunity_id = j.opportunity_id
join public.handoff_handoff h on h.id = j.handoff_id
join reads.of_contracts k on k.contract_id = h.contract_id;

create view reads.reports_portal with (security_barrier) as
select
  p.id, p.client_id, p.title, p.body ->> 'client' as client_name, (p.body ->> 'from_day')::date as period_from,
  (p.body ->> 'to_day')::date as period_to, (
    select string_agg(part, E'\n\n' order by place)
    from jsonb_array_elements_text(p.body -> 'words') with ordinality x (part, place)
  ) as words,
  p.body -> 'numbers' as numbers, p.body -> 'next' as next_steps, (p.body ->> 'next_report_on')::date as next_report_on,
  p.published_at
from reads.shown p
where p.kind = 'report'
order by p.id;
