-- The chain of events. Every function belongs to the owner.

-- One formula for the chain: everything that an event says, in a fixed order, after the hash before it.
create function zarts_event_hash(e opportunities_event) returns text language sql immutable as $$
  select encode(sha256(convert_to(jsonb_build_array(
    e.previous, e.diary_id, e.seq, extract(epoch from e.at)::text, e.verb, e.past, e.record_type, e.record_id, e.subject,
    e.actor_kind, e.actor_id, e.contact_id, e.actor_name, e.owner_id, e.stage_from, e.stage_to, e.next_action, e.reason,
    e.facts_id, e.facts_digest)::text, 'utf8')), 'hex')
$$;

create function zarts_facts_digest(f opportunities_facts) returns text language sql immutable as $$
  select encode(sha256(convert_to(f.salt::text || f.values::text, 'utf8')), 'hex')
$$;

-- On INSERT of an event: its place, its link to the one before, and the diary's new head.
-- Now in speed.sql.
create function zarts_chain_event() returns trigger language plpgsql security definer set search_path = public, pg_temp as $$
declare
  d opportunities_diary;
begin
  select * into strict d from opportunities_diary where id = new.diary_id for no key update;
  new.seq := d.length + 1;
  new.previous := d.head;
  new.xid := pg_current_xact_id()::text::bigint;
  new.facts_digest := coalesce((select zarts_facts_digest(f) from opportunities_facts f where f.id = new.facts_id), '');
  new.hash := zarts_event_hash(new);
  update opportunities_diary set length = new.seq, head = new.hash where id = d.id;
  return new;
end $$;
create trigger chain before insert on opportunities_event for each row execute function zarts_chain_event();

-- Now in last_told.sql.
create function zarts_empty_diary() returns trigger language plpgsql as $$
begin
  new.length := 0;
  new.head := '';
  return new;
end $$;
create trigger begin_empty before insert on opportunities_diary for each row execute function zarts_empty_diary();

-- Events and their facts are append-only for everybody, the owner's slips included.
create trigger append_only before update or delete on opportunities_event for each row execute function zarts_forbid();
create trigger append_only_whole before truncate on opportunities_event execute function zarts_forbid();
create trigger append_only before update or delete on opportunities_facts for each row execute function zarts_forbid();
create trigger append_only_whole before truncate on opportunities_facts execute function zarts_forbid();
create trigger append_only_whole before truncate on opportunities_diary execute function zarts_forbid();
create trigger append_only before delete on opportunities_diary for each row execute function zarts_forbid();
