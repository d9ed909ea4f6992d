-- Messages: what was written to clients and came from them.

-- Now in for_pages.sql.
create view reads.messages_admin as
select
  m.id, m.channel, m.purpose, m.stage, m.subject, m.body, m.template, m.sent_to, m.sent_at, m.happened_at, m.trouble,
  m.contact_id, p.name as contact_name, m.client_id, c.name as client_name, m.opportunity_id, m.task_id, m.record_type,
  m.record_id, m.owner_id, u.owner_name,
  coalesce(o.team_id, c.team_id) as team_id, t.name as team_name
from public.opportunities_message m
join public.opportunities_client c on c.id = m.client_id
join public.opportunities_contact p on p.id = m.contact_id
left join public.opportunities_opportunity o on o.id = m.opportunity_id
left join reads.of_people u on u.id = m.owner_id
left join public.opportunities_team t on t.id = coalesce(o.team_id, c.team_id);

create view reads.messages_proposal as
select
  m.id, m.channel, m.stage, m.subject, m.contact_id, m.sent_at, m.owner_id, d.team_id,
  d.opportunity_id, d.opportunity_name, d.opportunity_stage, d.client_id, d.client_name, d.value, d.currency,
  p.proposal_id, p.proposal_number, p.proposal_revision, p.proposal_title, p.proposal_stage,
  p.proposal_sent_at, p.proposal_valid_until, p.decide_on
from public.opportunities_message m
join reads.of_offers p on p.proposal_id = m.record_id
join reads.of_deals d on d.opportunity_id = p.opportunity_id
where m.record_type = 'proposals.proposal';

create view reads.messages_approval as
select
  m.id, m.channel, m.stage, m.subject, m.contact_id, m.sent_at, m.owner_id, d.team_id,
  d.opportunity_id, d.opportunity_name, d.opportunity_stage, d.client_id, d.client_name, d.value, d.currency,
  a.approval_id, a.approval_aspect, a.approval_stage, a.approval_asked_at, a.approval_due_at, a.approval_decided_at
from public.opportunities_message m
join reads.of_approvals a on a.approval_id =
  (select max(x.id) from public.proposals_approval x where x.summary_id = m.record_id)
join reads.of_deals d on d.opportunity_id = a.opportunity_id
where m.record_type = 'proposals.summary';

create view reads.messages_contract as
select
  m.id, m.channel, m.stage, m.subject, m.contact_id, m.sent_at, m.owner_id, d.team_id,
  d.opportunity_id, d.opportunity_name, d.opportunity_stage, d.client_id, d.client_name, d.value, d.currency,
  k.contract_id, k.contract_number, k.contract_stage, k.sign_by, k.contract_signed_at, k.contract_active_at,
  k.payment_stage, k.payment_due_on
from public.opportunities_message m
join reads.of_contracts k on k.contract_id = m.record_id
join reads.of_deals d on d.opportunity_id = k.opportunity_id
where m.record_type = 'proposals.contract';

create view reads.messages_portal with (security_barrier) as
select
  p.id, p.client_id, p.kind, p.title, words.words, p.body -> 'from' ->> 'name' as said_by, p.published_at
from reads.shown p
cross join lateral (
  select case jsonb_typeof(p.body -> 'words') when 'string' then p.body ->> 'words' else (
    select string_agg(part, E'\n\n' order by place)
    from jsonb_array_elements_text(p.body -> 'words') with ordinality x (part, place)
  ) end as words
) words
where p.kind in ('answer', 'notice')
order by p.id;
