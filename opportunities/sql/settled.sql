-- Columns that do not change any more. Which, and since when, is the trigger's own condition. See `settled` in walls.py.
-- Now in erase.sql.
create function zarts_keep_settled() returns trigger language plpgsql as $$
begin
  raise exception 'Row % of % is settled: this does not change any more.', old.id, tg_table_name
    using errcode = 'insufficient_privilege', table = tg_table_name;
end $$;
