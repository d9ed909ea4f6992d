-- Whoever wrote something, or ever edited it, does not answer for it too, whatever rights they have.
create or replace function zarts_keep_four_eyes() returns trigger language plpgsql as $$
begin
  if exists (
    select from (
      select author_id, editors from proposals_proposal where id = new.proposal_id
      union all select author_id, editors from proposals_contract where id = new.contract_id
      union all select author_id, editors from proposals_summary where id = new.summary_id
    ) hands where new.decided_by_id = author_id or new.decided_by_id = any(editors)
  ) then
    raise exception 'Whoever wrote it does not decide on it.'
      using errcode = 'insufficient_privilege', constraint = 'four_eyes', table = tg_table_name;
  end if;
  return new;
end $$;
