-- What a privacy erase needs of the floor: a way past the walls that only the owner's own function opens, for the
-- transaction in which it works, and what of the chain it left behind.

-- The transactions that erase at this moment. Only the owner's function writes it, and takes its row out at its end.
create table opportunities_erasing (xid bigint primary key);

-- Whether a wall lets this statement pass: it is one of the erasing function itself, which runs as the owner.
create function zarts_is_erasing() returns boolean language plpgsql stable as $$
begin
  return current_user = (select t.tableowner from pg_catalog.pg_tables t
                         where t.schemaname = 'public' and t.tablename = 'opportunities_event')
    and exists (select from public.opportunities_erasing e where e.xid = pg_current_xact_id_if_assigned()::text::bigint);
end $$;

create or replace function zarts_forbid() returns trigger language plpgsql as $$
begin
  if tg_level = 'ROW' and public.zarts_is_erasing() then
    return case when tg_op = 'DELETE' then old else new end;
  end if;
  raise exception 'Rows of % are never changed or removed.', tg_table_name
    using errcode = 'insufficient_privilege', table = tg_table_name;
end $$;

create or replace function zarts_keep_settled() returns trigger language plpgsql as $$
begin
  if public.zarts_is_erasing() then
    return new;
  end if;
  raise exception 'Row % of % is settled: this does not change any more.', old.id, tg_table_name
    using errcode = 'insufficient_privilege', table = tg_table_name;
end $$;

-- What an erase left of an event never changes either.
create trigger append_only before update or delete on opportunities_blanked for each row execute function zarts_forbid();
create trigger append_only_whole before truncate on opportunities_blanked execute function zarts_forbid();

-- The proof of one erase: a digest of all that it left. It stands in the facts of the event that tells of the erase, so
-- that the chain covers it.
create function zarts_blanked_proof(erasing bigint) returns text language sql stable as $$
  select encode(sha256(convert_to(coalesce(string_agg(
    b.event_id || ':' || b.left_hash || ':' || b.left_facts, ',' order by b.event_id), ''), 'utf8')), 'hex')
  from opportunities_blanked b where b.told_by_id = erasing
$$;
