-- A diary knows when its newest line was written, so that a deal in which nothing happens is found without reading lines.
-- The same link of the chain as before (chain.sql), and one column more in the update that it makes anyway.
-- Now in speed.sql.
create or replace function zarts_chain_event() returns trigger language plpgsql security definer set search_path = public, pg_temp as $$
declare
  d opportunities_diary;
begin
  select * into strict d from opportunities_diary where id = new.diary_id for no key update;
  new.seq := d.length + 1;
  new.previous := d.head;
  new.xid := pg_current_xact_id()::text::bigint;
  new.facts_digest := coalesce((select zarts_facts_digest(f) from opportunities_facts f where f.id = new.facts_id), '');
  new.hash := zarts_event_hash(new);
  update opportunities_diary set length = new.seq, head = new.hash, last_at = greatest(last_at, new.at) where id = d.id;
  return new;
end $$;

create or replace function zarts_empty_diary() returns trigger language plpgsql as $$
begin
  new.length := 0;
  new.head := '';
  new.last_at := null;
  return new;
end $$;
