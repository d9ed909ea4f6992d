-- Rows of a file go only while the file is looked at: each look reads them anew. After that they say what came in.
-- Once a statement, however many rows go. The lock makes whoever deletes them and whoever moves the import wait.
create function zarts_keep_staged() returns trigger language plpgsql security definer set search_path = public, pg_temp as $$
begin
  perform from opportunities_import where id in (select of_id from gone) order by id for share;
  if exists (select from opportunities_import where id in (select of_id from gone) and stage <> 'mapped') then
    raise exception 'Rows of a file are removed only while it is being checked.'
      using errcode = 'insufficient_privilege', table = tg_table_name;
  end if;
  return null;
end $$;
