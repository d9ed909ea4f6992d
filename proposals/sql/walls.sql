-- What is with the client stays as it was sent. Every function belongs to the owner.

create sequence proposals_number;
create sequence proposals_contract_number;

-- The rows of a proposal change only before it is sent. Words: where the proposal's id stands.
-- `for share` waits for a move that is under way, so a row cannot slip in beside `send`.
-- Now in erase.sql.
create function zarts_keep_rows() returns trigger language plpgsql as $$
declare
  before jsonb := case when tg_op <> 'INSERT' then to_jsonb(old) end;
  after jsonb := case when tg_op <> 'DELETE' then to_jsonb(new) end;
  proposal bigint;
  its_stage text;
begin
  for proposal in
    select distinct case when tg_argv[0] = 'claim_id'
      then (select c.proposal_id from proposals_claim c where c.id = (r ->> 'claim_id')::bigint)
      else (r ->> 'proposal_id')::bigint end
    from unnest(array[before, after]) r where r is not null
  loop
    select p.stage into its_stage from proposals_proposal p where p.id = proposal for share;
    if its_stage not in ('draft', 'in_review', 'approved', 'paused') then
      raise exception 'The proposal is %: its rows do not change any more. Make a new revision.', its_stage
        using errcode = 'check_violation', constraint = 'sent_rows_are_frozen', table = tg_table_name;
    end if;
  end loop;
  return case when tg_op = 'DELETE' then old else new end;
end $$;
create trigger sent_rows_are_frozen before insert or update or delete on proposals_scopeitem
  for each row execute function zarts_keep_rows('proposal_id');
create trigger sent_rows_are_frozen before insert or update or delete on proposals_milestone
  for each row execute function zarts_keep_rows('proposal_id');
create trigger sent_rows_are_frozen before insert or update or delete on proposals_priceline
  for each row execute function zarts_keep_rows('proposal_id');
create trigger sent_rows_are_frozen before insert or update or delete on proposals_claim
  for each row execute function zarts_keep_rows('proposal_id');
create trigger sent_rows_are_frozen before insert or update or delete on proposals_claim_evidence
  for each row execute function zarts_keep_rows('claim_id');

-- The content of a record is frozen from the moment it leaves us.
-- Words: the stages in which it may change, separated by commas, and then its columns.
-- Now in erase.sql.
create function zarts_keep_content() returns trigger language plpgsql as $$
declare
  named text;
begin
  if old.stage = any (string_to_array(tg_argv[0], ',')) then
    return new;
  end if;
  foreach named in array tg_argv[1:] loop
    if to_jsonb(old) -> named is distinct from to_jsonb(new) -> named then
      raise exception 'It is %: what it says does not change any more.', old.stage
        using errcode = 'check_violation', constraint = 'sent_content_is_frozen', table = tg_table_name;
    end if;
  end loop;
  return new;
end $$;
create trigger sent_content_is_frozen before update on proposals_proposal for each row execute function zarts_keep_content(
  'draft,in_review,approved,paused',
  'opportunity_id', 'number', 'revision', 'title', 'intro', 'currency', 'valid_until', 'decide_on', 'recipient_id', 'publication_id');
create trigger sent_content_is_frozen before update on proposals_contract for each row execute function zarts_keep_content(
  'draft,in_review,approved',
  'opportunity_id', 'proposal_id', 'number', 'signer_id', 'report_every', 'report_weekday', 'report_day', 'first_report_on',
  'payment_before_start', 'kickoff_on');
create trigger sent_content_is_frozen before update on proposals_summary for each row execute function zarts_keep_content(
  'draft,in_review,approved', 'opportunity_id', 'kind', 'title', 'words', 'record_type', 'record_id');
-- What was asked of an approver is never rewritten.
create trigger asked_content_is_frozen before update on proposals_approval for each row execute function zarts_keep_content(
  '', 'opportunity_id', 'proposal_id', 'contract_id', 'summary_id', 'aspect', 'permission', 'digest', 'content', 'asked_by_id');

-- The clauses of a contract change only before it is sent.
-- Now in erase.sql.
create function zarts_keep_clauses() returns trigger language plpgsql as $$
declare
  its_stage text;
begin
  select c.stage into its_stage from proposals_contract c
   where c.id = case when tg_op = 'INSERT' then new.contract_id else old.contract_id end for share;
  if its_stage not in ('draft', 'in_review', 'approved')
     or (tg_op = 'UPDATE' and new.contract_id <> old.contract_id) then
    raise exception 'The contract is %: its clauses do not change any more.', its_stage
      using errcode = 'check_violation', constraint = 'sent_clauses_are_frozen', table = tg_table_name;
  end if;
  return case when tg_op = 'DELETE' then old else new end;
end $$;
create trigger sent_clauses_are_frozen before insert or update or delete on proposals_contractclause
  for each row execute function zarts_keep_clauses();

-- A clause keeps its words: a change is a new version.
create function zarts_keep_clause() returns trigger language plpgsql as $$
begin
  if tg_op = 'UPDATE' and (new.key, new.version, new.title, new.text) is not distinct from (old.key, old.version, old.title, old.text) then
    return new;
  end if;
  raise exception 'A clause keeps its words: add a new version.'
    using errcode = 'check_violation', constraint = 'clause_keeps_its_words', table = tg_table_name;
end $$;
create trigger clause_keeps_its_words before update or delete on proposals_clause
  for each row execute function zarts_keep_clause();
-- And what the client chose, from their answer on.
create trigger answer_is_frozen before update on proposals_proposal for each row execute function zarts_keep_content(
  'draft,in_review,approved,paused,sent,viewed', 'chosen', 'answered_at', 'viewed_at');
