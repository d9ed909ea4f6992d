-- Whoever wrote something, or edited it last, does not answer for it too, whatever rights they have.
create function zarts_keep_four_eyes() returns trigger language plpgsql as $$
begin
  if exists (
    select from (
      select author_id, last_editor_id from proposals_proposal where id = new.proposal_id
      union all select author_id, last_editor_id from proposals_contract where id = new.contract_id
      union all select author_id, last_editor_id from proposals_summary where id = new.summary_id
    ) hands where new.decided_by_id in (author_id, last_editor_id)
  ) then
    raise exception 'Whoever wrote it does not decide on it.'
      using errcode = 'insufficient_privilege', constraint = 'four_eyes', table = tg_table_name;
  end if;
  return new;
end $$;
