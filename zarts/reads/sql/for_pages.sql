-- What the product's own pages read as well: the same columns as before, and at the end those that a page shows
-- besides. Whatever stands beside a row is joined so that a question which does not ask for it does not look it up.

create or replace view reads.leads_admin as
select
  l.id, l.name, l.company, l.email, l.phone, l.website, l.country, l.words, l.stage, l.arrived_at, l.answered_at,
  l.source_id, s.name as source_name, s.campaign, l.owner_id, u.owner_name,
  l.team_id, t.name as team_name, l.next_action, l.due_on, l.opportunity_id, l.merged_into_id,
  l.external_ref
from public.opportunities_lead l
left join public.opportunities_source s on s.id = l.source_id
left join reads.of_people u on u.id = l.owner_id
left join public.opportunities_team t on t.id = l.team_id;

create or replace view reads.tasks_admin as
select
  k.id, k.kind, k.title, k.stage, k.due_at, k.time_zone, k.owner_id,
  u.owner_name,
  coalesce(o.team_id, l.team_id) as team_id, t.name as team_name, k.opportunity_id, k.lead_id, k.contact_id,
  k.promised_to_id,
  k.record_type, k.record_id, k.repeats, k.paused_because, k.outcome,
  o.name as opportunity_name, c.name as client_name,
  case when l.company <> '' then l.name || ', ' || l.company else l.name end as lead_name,
  k.waits_for, k.waits_for_deal, k.mended_at,
  k.contact_id is not null and (k.words <> '' or k.template_id is not null) as is_touch, k.told_at
from public.opportunities_task k
left join public.opportunities_opportunity o on o.id = k.opportunity_id
left join public.opportunities_client c on c.id = o.client_id
left join public.opportunities_lead l on l.id = k.lead_id
left join reads.of_people u on u.id = k.owner_id
left join public.opportunities_team t on t.id = coalesce(o.team_id, l.team_id);

create or replace view reads.reports_admin as
select
  r.id, r.period_from, r.period_to, r.stage, r.project_id, j.name as project_name, j.client_id, j.opportunity_id,
  r.numbers,
  r.next_steps, r.published_at, r.breach, r.breach_reason, r.owed_by_id, r.owner_id,
  u.owner_name, o.team_id, t.name as team_name,
  r.source, r.scope_state, r.client_safe, r.next_action, r.due_on,
  c.name as client_name, j.stage as project_stage, p.service_id, d.time_zone, d.country
from public.handoff_report r
left join public.handoff_project j on j.id = r.project_id
left join public.opportunities_opportunity o on o.id = j.opportunity_id
left join public.opportunities_client c on c.id = j.client_id
left join public.handoff_reportingcadence d on d.id = r.cadence_id
left join public.handoff_handoff h on h.id = j.handoff_id
left join public.proposals_contract k on k.id = h.contract_id
left join public.proposals_proposal p on p.id = k.proposal_id
left join reads.of_people u on u.id = r.owner_id
left join public.opportunities_team t on t.id = o.team_id;

create or replace view reads.messages_admin as
select
  m.id, m.channel, m.purpose, m.stage, m.subject, m.body, m.template, m.sent_to, m.sent_at, m.happened_at, m.trouble,
  m.contact_id, p.name as contact_name, m.client_id, c.name as client_name, m.opportunity_id, m.task_id, m.record_type,
  m.record_id, m.owner_id, u.owner_name,
  coalesce(o.team_id, c.team_id) as team_id, t.name as team_name
from public.opportunities_message m
left join public.opportunities_client c on c.id = m.client_id
left join public.opportunities_contact p on p.id = m.contact_id
left join public.opportunities_opportunity o on o.id = m.opportunity_id
left join reads.of_people u on u.id = m.owner_id
left join public.opportunities_team t on t.id = coalesce(o.team_id, c.team_id);
