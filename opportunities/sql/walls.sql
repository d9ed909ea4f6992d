-- The floor in the database. Every function belongs to the owner, who is nobody's login but `migrate`'s.

-- A record is born in its first stage, and moves along the edges of its state machine.
-- Words: the first stage, then each edge as 'before>after'.
create function zarts_keep_stage() returns trigger language plpgsql as $$
begin
  if tg_op = 'INSERT' then
    if new.stage <> tg_argv[0] then
      raise exception 'A row of % begins as "%", not as "%".', tg_table_name, tg_argv[0], new.stage
        using errcode = 'check_violation', constraint = 'stage_edge', table = tg_table_name;
    end if;
  elsif new.stage is distinct from old.stage and not (old.stage || '>' || new.stage) = any (tg_argv[1:]) then
    raise exception 'A row of % does not go from "%" to "%".', tg_table_name, old.stage, new.stage
      using errcode = 'check_violation', constraint = 'stage_edge', table = tg_table_name;
  end if;
  return new;
end $$;

-- At commit: whoever changed a stage, or made a record, told the diary in the same transaction.
create function zarts_keep_told() returns trigger language plpgsql security definer set search_path = public, pg_temp as $$
begin
  if not exists (
    select from opportunities_event e
    where e.record_type = tg_argv[0] and e.record_id = new.id and e.stage_to = new.stage
      and e.stage_from = (case when tg_op = 'INSERT' then '' else old.stage end)
      and e.xid = pg_current_xact_id()::text::bigint
  ) then
    raise exception 'Row % of % is now "%", and no event says so.', new.id, tg_table_name, new.stage
      using errcode = 'check_violation', constraint = 'stage_told', table = tg_table_name;
  end if;
  return null;
end $$;

-- A row that is never changed, by anybody.
-- Now in erase.sql.
create function zarts_forbid() returns trigger language plpgsql as $$
begin
  raise exception 'Rows of % are never changed or removed.', tg_table_name
    using errcode = 'insufficient_privilege', table = tg_table_name;
end $$;

-- The team of a record is the team that its owner had when they took it.
create function zarts_keep_team() returns trigger language plpgsql as $$
begin
  if tg_op = 'INSERT' or new.owner_id is distinct from old.owner_id then
    new.team_id := (select team_id from opportunities_user where id = new.owner_id);
  end if;
  return new;
end $$;
