-- For whoever sees some of a client's deals only: a row for each deal that has such a thing, with the newest of it. What
-- they are shown is the newest of the deals that are theirs. No login but the application's reads these.

create view reads.clients_proposal_each as
select
  c.id, c.name, c.owner_id, c.team_id,
  d.opportunity_id, d.opportunity_name, d.opportunity_stage, d.client_id, d.client_name, d.value, d.currency,
  p.proposal_id, p.proposal_number, p.proposal_revision, p.proposal_title, p.proposal_stage,
  p.proposal_sent_at, p.proposal_valid_until, p.decide_on
from public.opportunities_client c
join reads.of_deals d on d.client_id = c.id
join reads.of_offers p on p.proposal_id =
  (select max(x.id) from public.proposals_proposal x where x.opportunity_id = d.opportunity_id)
where c.merged_into_id is null;

create view reads.clients_approval_each as
select
  c.id, c.name, c.owner_id, c.team_id,
  d.opportunity_id, d.opportunity_name, d.opportunity_stage, d.client_id, d.client_name, d.value, d.currency,
  a.approval_id, a.approval_aspect, a.approval_stage, a.approval_asked_at, a.approval_due_at, a.approval_decided_at
from public.opportunities_client c
join reads.of_deals d on d.client_id = c.id
join reads.of_approvals a on a.approval_id =
  (select max(x.id) from public.proposals_approval x where x.opportunity_id = d.opportunity_id)
where c.merged_into_id is null;

create view reads.clients_contract_each as
select
  c.id, c.name, c.owner_id, c.team_id,
  d.opportunity_id, d.opportunity_name, d.opportunity_stage, d.client_id, d.client_name, d.value, d.currency,
  k.contract_id, k.contract_number, k.contract_stage, k.sign_by, k.contract_signed_at, k.contract_active_at,
  k.payment_stage, k.payment_due_on
from public.opportunities_client c
join reads.of_deals d on d.client_id = c.id
join reads.of_contracts k on k.contract_id =
  (select max(x.id) from public.proposals_contract x where x.opportunity_id = d.opportunity_id)
where c.merged_into_id is null;
