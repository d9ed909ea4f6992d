-- Whatever writes events, one or many at once, writes what endpoints are owed of them in the same statement.
create function zarts_owe_hooks() returns trigger language plpgsql security definer set search_path = public, pg_temp as $$
begin
  if exists (select from hooks_endpoint where stage <> 'ended') then
    insert into hooks_delivery (endpoint_id, event_id, diary_id, verb, happened_at, state, go_at, attempts)
    select p.id, e.id, e.diary_id, e.verb, e.at, 'waiting', e.at, 0
    from told e join hooks_endpoint p on p.stage <> 'ended'
      and (p.everything or e.verb = any (p.kinds) or split_part(e.verb, '.', 1) || '.*' = any (p.kinds))
    where split_part(e.record_type, '.', 1) in ('opportunities', 'proposals', 'handoff')
      and e.record_type <> all (array['opportunities.user', 'opportunities.team', 'opportunities.savedview'])
    order by e.id, p.id;
  end if;
  return null;
end $$;
create trigger owe_hooks after insert on opportunities_event referencing new table as told
  for each statement execute function zarts_owe_hooks();
