-- Audits: what was measured, and what of it a client may read.

create view reads.audits_admin as
select
  b.id, b.name, b.stage, b.counts_until, b.raw_notes, b.collected_by_id, b.opportunity_id, o.client_id,
  c.name as client_name,
  b.owner_id, u.owner_name, o.team_id,
  t.name as team_name, b.source, b.scope_state, b.client_safe, b.next_action, b.due_on
from public.opportunities_audit b
join public.opportunities_opportunity o on o.id = b.opportunity_id
join public.opportunities_client c on c.id = o.client_id
left join reads.of_people u on u.id = b.owner_id
left join public.opportunities_team t on t.id = o.team_id;

create view reads.audits_proposal as
select
  b.id, b.name, b.stage, b.counts_until, b.owner_id, d.team_id,
  d.opportunity_id, d.opportunity_name, d.opportunity_stage, d.client_id, d.client_name, d.value, d.currency,
  p.proposal_id, p.proposal_number, p.proposal_revision, p.proposal_title, p.proposal_stage,
  p.proposal_sent_at, p.proposal_valid_until, p.decide_on
from public.opportunities_audit b
join reads.of_deals d on d.opportunity_id = b.opportunity_id
join reads.of_offers p on p.proposal_id =
  (select max(x.id) from public.proposals_proposal x where x.opportunity_id = d.opportunity_id);

create view reads.audits_approval as
select
  b.id, b.name, b.stage, b.counts_until, b.owner_id, d.team_id,
  d.opportunity_id, d.opportunity_name, d.opportunity_stage, d.client_id, d.client_name, d.value, d.currency,
  a.approval_id, a.approval_aspect, a.approval_stage, a.approval_asked_at, a.approval_due_at, a.approval_decided_at
from public.opportunities_audit b
join reads.of_deals d on d.opportunity_id = b.opportunity_id
join reads.of_approvals a on a.approval_id =
  (select max(x.id) from public.proposals_approval x where x.opportunity_id = d.opportunity_id);

create view reads.audits_contract as
select
  b.id, b.name, b.stage, b.counts_until, b.owner_id, d.team_id,
  d.opportunity_id, d.opportunity_name, d.opportunity_stage, d.client_id, d.client_name, d.value, d.currency,
  k.contract_id, k.contract_number, k.contract_stage, k.sign_by, k.contract_signed_at, k.contract_active_at,
  k.payment_stage, k.payment_due_on
from public.opportunities_audit b
join reads.of_deals d on d.opportunity_id = b.opportunity_id
join reads.of_contracts k on k.contract_id =
  (select max(x.id) from public.proposals_contract x where x.opportunity_id = d.opportunity_id);

create view reads.audits_portal with (security_barrier) as
select
  s.id, o.client_id, s.title, s.words, found.published_at
from public.proposals_summary s
join public.opportunities_opportunity o on o.id = s.opportunity_id
-- Approved is not read yet: it counts where an offer that the client has says exactly this.
join lateral (
  select max(p.published_at) as published_at
  from public.proposals_proposal offer
  join public.portal_publication p on p.id = offer.publication_id
  where offer.opportunity_id = s.opportunity_id and p.withdrawn_at is null
    and p.body -> 'findings' @> jsonb_build_array(jsonb_build_object('title', s.title, 'text', s.words))
) found on found.published_at is not null
where s.stage = 'published' and s.kind in ('finding', 'revenue_proof')
order by s.id;
