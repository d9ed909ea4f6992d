-- The questions of a questionnaire that was asked stay as they were asked. The lock makes whoever asks it and whoever
-- changes it wait for each other.
create function zarts_keep_asked() returns trigger language plpgsql security definer set search_path = public, pg_temp as $$
declare
  asked timestamptz;
begin
  if tg_op <> 'INSERT' then
    select asked_at into asked from opportunities_questionnaire where id = old.questionnaire_id for share;
  end if;
  if tg_op <> 'DELETE' and asked is null then
    select asked_at into asked from opportunities_questionnaire where id = new.questionnaire_id for share;
  end if;
  if asked is not null then
    raise exception 'Questions that were asked are never changed or removed.'
      using errcode = 'insufficient_privilege', table = tg_table_name;
  end if;
  return case when tg_op = 'DELETE' then old else new end;
end $$;
