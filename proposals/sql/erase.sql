-- What is with the client stays as it was sent, but for the words that a privacy erase takes away.

create or replace function zarts_keep_rows() returns trigger language plpgsql as $$
declare
  before jsonb := case when tg_op <> 'INSERT' then to_jsonb(old) end;
  after jsonb := case when tg_op <> 'DELETE' then to_jsonb(new) end;
  proposal bigint;
  its_stage text;
begin
  if public.zarts_is_erasing() then
    return case when tg_op = 'DELETE' then old else new end;
  end if;
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

create or replace function zarts_keep_content() returns trigger language plpgsql as $$
declare
  named text;
begin
  if public.zarts_is_erasing() then
    return new;
  end if;
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

create or replace function zarts_keep_clauses() returns trigger language plpgsql as $$
declare
  its_stage text;
begin
  if public.zarts_is_erasing() then
    return case when tg_op = 'DELETE' then old else new end;
  end if;
  select c.stage into its_stage from proposals_contract c
   where c.id = case when tg_op = 'INSERT' then new.contract_id else old.contract_id end for share;
  if its_stage not in ('draft', 'in_review', 'approved')
     or (tg_op = 'UPDATE' and new.contract_id <> old.contract_id) then
    raise exception 'The contract is %: its clauses do not change any more.', its_stage
      using errcode = 'check_violation', constraint = 'sent_clauses_are_frozen', table = tg_table_name;
  end if;
  return case when tg_op = 'DELETE' then old else new end;
end $$;
