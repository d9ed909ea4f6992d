-- The days of reports are what the contract began them with, or what the newest approved change says. See
-- `CadenceChange` in models/cadencechange.py.
create function zarts_keep_days() returns trigger language plpgsql as $$
begin
  if not exists (
    select from (
      select * from handoff_cadencechange
      where cadence_id = old.id and kind = 'terms' and stage = 'approved' order by decided_at desc, id desc limit 1
    ) newest
    where (
      newest.frequency, newest.weekday, newest.day, newest.on_last_working_day, newest.skips_days_off, newest.country,
      newest.time_zone, newest.first_due_on
    ) is not distinct from (
      new.frequency, new.weekday, new.day, new.on_last_working_day, new.skips_days_off, new.country, new.time_zone,
      new.first_due_on
    )
  ) then
    raise exception 'The days of reports change by an approved change only.'
      using errcode = 'insufficient_privilege', table = tg_table_name;
  end if;
  return new;
end $$;
