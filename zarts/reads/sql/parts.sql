-- What stands beside a row in many views: its deal, an offer, an approval, a contract, what a client is shown. No
-- login reads these themselves.

create schema reads;

create view reads.of_deals as
select
  o.id as opportunity_id, o.name as opportunity_name, o.stage as opportunity_stage, o.owner_id, o.team_id,
  o.client_id, c.name as client_name, o.value, o.currency
from public.opportunities_opportunity o
join public.opportunities_client c on c.id = o.client_id;

create view reads.of_people as
select id, coalesce(nullif(trim(concat_ws(' ', first_name, last_name)), ''), username) as owner_name
from public.opportunities_user;

create view reads.of_offers as
select
  id as proposal_id, opportunity_id, number as proposal_number, revision as proposal_revision, title as proposal_title,
  stage as proposal_stage, sent_at as proposal_sent_at, valid_until as proposal_valid_until, decide_on
from public.proposals_proposal;

create view reads.of_approvals as
select
  id as approval_id, opportunity_id, proposal_id, contract_id, summary_id, aspect as approval_aspect,
  stage as approval_stage, asked_at as approval_asked_at, due as approval_due_at, decided_at as approval_decided_at
from public.proposals_approval;

create view reads.of_contracts as
select
  c.id as contract_id, c.opportunity_id, c.proposal_id, c.number as contract_number, c.stage as contract_stage,
  c.sign_by, c.signed_at as contract_signed_at, c.active_at as contract_active_at, y.stage as payment_stage,
  y.due_on as payment_due_on
from public.proposals_contract c
left join public.proposals_payment y on y.contract_id = c.id;

-- As the portal's own pages have it: the newest of each record that was not taken back.
create view reads.shown as
select p.id, p.client_id, p.opportunity_id, p.kind, p.ref, p.title, p.body, p.published_at
from public.portal_publication p
where p.withdrawn_at is null and not exists (
  select from public.portal_publication n
  where n.kind = p.kind and n.ref = p.ref and n.withdrawn_at is null
    and (n.published_at, n.id) > (p.published_at, p.id)
);

create index reads_shown on public.portal_publication (kind, id) where withdrawn_at is null;
