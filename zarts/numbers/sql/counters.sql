-- Counters are kept by the database, in the transaction of what they count. Writers only add deltas; the clock adds them up.

create view numbers_sum as
  select id, day, kind, key, more, owner_id, team_id, service, source, currency, n, value, weighted from numbers_counter
  union all
  select -id, day, kind, key, more, owner_id, team_id, service, source, currency, n, value, weighted from numbers_delta;
comment on view numbers_sum is 'Everything that is counted: what is added up, and what is not yet.';

-- A length of time as its counter has it: in minutes, the upper end of ten minutes, an hour, a day or a week.
create function numbers_minutes(took interval) returns text language sql immutable as $$
  select (case when m <= 120 then ceil(m / 10) * 10 when m <= 2880 then ceil(m / 60) * 60
    when m <= 86400 then ceil(m / 1440) * 1440 else ceil(m / 10080) * 10080 end)::bigint::text
  from (select greatest(extract(epoch from took) / 60, 1) as m) x
$$;

-- Each deal as the records have it. One that has several services or leads counts under the first of them.
create view numbers_deal as
  select o.id as opportunity, o.owner_id::bigint as owner_id, coalesce(o.team_id, 0)::bigint as team_id,
    coalesce((select min(s.service_id) from proposals_service_opportunities s where s.opportunity_id = o.id), 0)::bigint as service,
    coalesce((select l.source_id from opportunities_lead l where l.opportunity_id = o.id order by l.id limit 1), 0)::bigint as source,
    o.currency, o.place, coalesce(to_char(o.decision_on, 'YYYY-MM'), '') as month,
    coalesce(o.value, 0)::numeric(24, 4) as value,
    round(coalesce(o.value, 0) * o.probability / 100, 4)::numeric(24, 4) as weighted
  from opportunities_opportunity o;

-- Count these deals anew: what is different from how they were counted last becomes deltas.
create function numbers_count(deals bigint[]) returns bigint language plpgsql security definer
set search_path = public, pg_temp set timezone = 'UTC' as $$
declare
  moved bigint;
begin
  -- Two moves of one deal wait here for each other, and each then sees what the other left. A move has its deal's row
  -- already; whatever else counts a deal comes by the same row, so that none holds what another waits for.
  perform 1 from opportunities_opportunity where id = any(deals) order by id for no key update;
  insert into numbers_standing (opportunity, owner_id, team_id, service, source, currency, month, value, weighted)
    select distinct d, 0, 0, 0, 0, '', '', 0, 0 from unnest(deals) d where d is not null order by d on conflict do nothing;
  with pair as materialized (
    select w.opportunity, w.owner_id wo, w.team_id wt, w.service ws, w.source wr, w.currency wc, w.place wp, w.month wm,
      w.value wv, w.weighted ww, w.since,
      d.owner_id, d.team_id, d.service, d.source, d.currency, d.place, d.month, d.value, d.weighted,
      coalesce(w.place < 5, false) was_open, d.place < 5 is_open
    from numbers_standing w join numbers_deal d on d.opportunity = w.opportunity
    where w.opportunity = any(deals)
      and (w.owner_id, w.team_id, w.service, w.source, w.currency, w.place, w.month, w.value, w.weighted)
        is distinct from (d.owner_id, d.team_id, d.service, d.source, d.currency, d.place::smallint, d.month, d.value, d.weighted)
  ), line as (
    -- How it stands: out with what was, in with what is.
    select 'standing' kind, wp::text key, wm more, wo owner_id, wt team_id, ws service, wr source, wc currency, -1 n, -wv value, -ww weighted
      from pair where wp is not null
    union all select 'standing', place::text, month, owner_id, team_id, service, source, currency, 1, value, weighted from pair
    -- What that was.
    union all select 'change', 'new', '', owner_id, team_id, service, source, currency, 1, value, weighted
      from pair where wp is null and is_open
    union all select 'change', case when place = 7 then 'lost' else 'won' end, '', owner_id, team_id, service, source, currency, 1, value, 0
      from pair where not is_open and (wp is null or was_open or (wp = 7) <> (place = 7))
    union all select 'change', case when place = 7 then 'lost' else 'won' end, '', wo, wt, ws, wr, wc, 0, 0, -ww
      from pair where was_open and not is_open
    union all select 'change', 'reopened', '', owner_id, team_id, service, source, currency, 1, value, weighted
      from pair where wp is not null and not was_open and is_open
    union all select 'change', 'moved', '', owner_id, team_id, service, source, currency, 1, 0, 0
      from pair where was_open and is_open and wm <> month
    union all select 'change', 'given', '', wo, wt, ws, wr, wc, -1, -wv, -ww
      from pair where was_open and is_open and (wo, wt, ws, wr) <> (owner_id, team_id, service, source)
    union all select 'change', 'given', '', owner_id, team_id, service, source, wc, 1, wv, ww
      from pair where was_open and is_open and (wo, wt, ws, wr) <> (owner_id, team_id, service, source)
    union all select 'change', 'revalued', '', owner_id, team_id, service, source, wc, 0, -wv, -ww
      from pair where was_open and is_open and (wv, ww, wc) <> (value, weighted, currency)
    union all select 'change', 'revalued', '', owner_id, team_id, service, source, currency, 1, value, weighted
      from pair where was_open and is_open and (wv, ww, wc) <> (value, weighted, currency)
    -- How long it stood where it was.
    union all select 'stage', wp::text, numbers_minutes(statement_timestamp() - since), wo, wt, ws, wr, '', 1, 0, 0
      from pair where was_open and wp <> place
    union all select 'reached', place::text, '', owner_id, team_id, service, source, '', 1, 0, 0
      from pair where wp is distinct from place
  ), added as (
    insert into numbers_delta (day, kind, key, more, owner_id, team_id, service, source, currency, n, value, weighted)
    select case kind when 'standing' then date '1970-01-01' else current_date end, kind, key, more, owner_id, team_id, service,
      source, currency, sum(n), sum(value), sum(weighted)
    from line group by kind, key, more, owner_id, team_id, service, source, currency
  )
  update numbers_standing w set owner_id = p.owner_id, team_id = p.team_id, service = p.service, source = p.source,
    currency = p.currency, place = p.place, month = p.month, value = p.value, weighted = p.weighted,
    since = case when p.wp is distinct from p.place then statement_timestamp() else w.since end
  from pair p where p.opportunity = w.opportunity;
  get diagnostics moved = row_count;
  return moved;
end $$;

create function numbers_of_deals() returns trigger language plpgsql security definer
set search_path = public, pg_temp set timezone = 'UTC' as $$
begin
  perform numbers_count(array(select id from after_rows));
  return null;
end $$;
create trigger numbers_new after insert on opportunities_opportunity
  referencing new table as after_rows for each statement execute function numbers_of_deals();
create trigger numbers_changed after update on opportunities_opportunity
  referencing new table as after_rows for each statement execute function numbers_of_deals();

create function numbers_of_services() returns trigger language plpgsql security definer
set search_path = public, pg_temp set timezone = 'UTC' as $$
begin
  perform numbers_count(array(select opportunity_id from after_rows));
  return null;
end $$;
create trigger numbers_new after insert on proposals_service_opportunities
  referencing new table as after_rows for each statement execute function numbers_of_services();
create trigger numbers_gone after delete on proposals_service_opportunities
  referencing old table as after_rows for each statement execute function numbers_of_services();

-- A lead says where its deal came from, and how soon it was answered.
create function numbers_of_leads() returns trigger language plpgsql security definer
set search_path = public, pg_temp set timezone = 'UTC' as $$
begin
  if tg_op = 'INSERT' then
    perform numbers_count(array(select opportunity_id from after_rows where opportunity_id is not null));
    insert into numbers_delta (day, kind, key, more, owner_id, team_id, service, source, currency, n, value, weighted)
      select f.day, f.kind, f.key, f.more, f.owner_id, f.team_id, 0, f.source, '', sum(f.n), 0, 0
      from after_rows a, numbers_of_lead(a) f group by 1, 2, 3, 4, 5, 6, 8;
  else
    perform numbers_count(array(
      select x.id from before_rows b join after_rows a using (id)
      cross join lateral (values (b.opportunity_id), (a.opportunity_id)) x(id)
      where (b.opportunity_id, b.source_id) is distinct from (a.opportunity_id, a.source_id) and x.id is not null));
    insert into numbers_delta (day, kind, key, more, owner_id, team_id, service, source, currency, n, value, weighted)
      select day, kind, key, more, owner_id, team_id, 0, source, '', sum(n), 0, 0 from (
        select f.*  from after_rows a, numbers_of_lead(a) f
        union all
        select f.day, f.kind, f.key, f.more, f.owner_id, f.team_id, f.source, -f.n from before_rows b, numbers_of_lead(b) f
      ) x group by 1, 2, 3, 4, 5, 6, 8 having sum(n) <> 0;
  end if;
  return null;
end $$;

-- What a lead counts for: its first answer, under whose it is now.
create function numbers_of_lead(l opportunities_lead)
returns table (day date, kind text, key text, more text, owner_id bigint, team_id bigint, source bigint, n bigint)
language sql stable as $$
  select l.answered_at::date, 'first', '', numbers_minutes(l.answered_at - l.arrived_at), l.owner_id::bigint,
    coalesce(l.team_id, 0)::bigint, coalesce(l.source_id, 0)::bigint, 1::bigint
  where l.answered_at is not null and l.external_ref = ''
$$;
create trigger numbers_new after insert on opportunities_lead
  referencing new table as after_rows for each statement execute function numbers_of_leads();
create trigger numbers_changed after update on opportunities_lead
  referencing old table as before_rows new table as after_rows for each statement execute function numbers_of_leads();

-- Why a deal ended: a closing is written once and stays.
create function numbers_of_closings() returns trigger language plpgsql security definer
set search_path = public, pg_temp set timezone = 'UTC' as $$
begin
  insert into numbers_delta (day, kind, key, more, owner_id, team_id, service, source, currency, n, value, weighted)
    select current_date, 'reason', a.reason, a.outcome, d.owner_id, d.team_id, d.service, d.source, d.currency, count(*), sum(d.value), 0
    from after_rows a join numbers_deal d on d.opportunity = a.opportunity_id group by 2, 3, 4, 5, 6, 7, 8, 9;
  return null;
end $$;
create trigger numbers_new after insert on opportunities_closing
  referencing new table as after_rows for each statement execute function numbers_of_closings();

-- How long a question waited for its answer: under the deal's owner, to whom it mattered.
create function numbers_of_approvals() returns trigger language plpgsql security definer
set search_path = public, pg_temp set timezone = 'UTC' as $$
begin
  insert into numbers_delta (day, kind, key, more, owner_id, team_id, service, source, currency, n, value, weighted)
    select a.decided_at::date, 'approval', a.aspect, numbers_minutes(a.decided_at - a.asked_at), d.owner_id, d.team_id, d.service,
      d.source, '', count(*), 0, 0
    from after_rows a join before_rows b using (id) join numbers_deal d on d.opportunity = a.opportunity_id
    where a.decided_at is not null and b.decided_at is null group by 1, 3, 4, 5, 6, 7, 8;
  return null;
end $$;
create trigger numbers_changed after update on proposals_approval
  referencing old table as before_rows new table as after_rows for each statement execute function numbers_of_approvals();

-- Whether what was promised was done in time.
create function numbers_of_tasks() returns trigger language plpgsql security definer
set search_path = public, pg_temp set timezone = 'UTC' as $$
begin
  insert into numbers_delta (day, kind, key, more, owner_id, team_id, service, source, currency, n, value, weighted)
    select current_date, 'task', case when statement_timestamp() <= a.due_at then 'kept' else 'late' end, '', a.owner_id,
      coalesce(u.team_id, 0), coalesce(d.service, 0), coalesce(d.source, 0), '', count(*), 0, 0
    from after_rows a join before_rows b using (id) join opportunities_user u on u.id = a.owner_id
    left join numbers_standing d on d.opportunity = a.opportunity_id
    where a.stage = 'done' and b.stage <> 'done' group by 3, 5, 6, 7, 8;
  return null;
end $$;
create trigger numbers_changed after update on opportunities_task
  referencing old table as before_rows new table as after_rows for each statement execute function numbers_of_tasks();

-- Add up what was written since. One at a time; whoever counts meanwhile waits for nobody.
create function numbers_add_up(most int) returns bigint language plpgsql security definer
set search_path = public, pg_temp set timezone = 'UTC' as $$
declare
  many bigint;
begin
  if not pg_try_advisory_xact_lock(20261128) then
    return 0;
  end if;
  with taken as (
    delete from numbers_delta where id in (select id from numbers_delta order by id limit most) returning *
  ), summed as (
    select day, kind, key, more, owner_id, team_id, service, source, currency, sum(n) n, sum(value) value, sum(weighted) weighted, count(*) many
    from taken group by 1, 2, 3, 4, 5, 6, 7, 8, 9
  ), kept as (
    insert into numbers_counter as c (day, kind, key, more, owner_id, team_id, service, source, currency, n, value, weighted)
    select day, kind, key, more, owner_id, team_id, service, source, currency, n, value, weighted from summed
    on conflict on constraint numbers_counter_once do update
      set n = c.n + excluded.n, value = c.value + excluded.value, weighted = c.weighted + excluded.weighted
  )
  select coalesce(sum(s.many), 0) into many from summed s;
  return many;
end $$;

-- What the counters must say, counted from the records alone.
create view numbers_true as
  select 'standing' kind, place::text key, month more, owner_id, team_id, service, source, currency, count(*) n, sum(value) value, sum(weighted) weighted
    from numbers_deal group by 2, 3, 4, 5, 6, 7, 8
  union all select 'reason', reason, outcome, 0, 0, 0, 0, '', count(*), 0, 0 from opportunities_closing group by 2, 3
  union all select 'first', '', '', 0, 0, 0, 0, '', count(*), 0, 0 from opportunities_lead where answered_at is not null and external_ref = ''
  union all select 'approval', aspect, '', 0, 0, 0, 0, '', count(*), 0, 0 from proposals_approval where decided_at is not null group by 2;

-- Where the counters are off. Standing is compared for each owner, service, source and currency; what happened, in sum.
create view numbers_drift as
  with counted as (
    select kind, key, case when kind in ('standing', 'reason') then more else '' end more,
      case kind when 'standing' then owner_id else 0 end owner_id, case kind when 'standing' then team_id else 0 end team_id,
      case kind when 'standing' then service else 0 end service, case kind when 'standing' then source else 0 end source,
      case kind when 'standing' then currency else '' end currency,
      sum(n) n, sum(case kind when 'standing' then value else 0 end) value, sum(weighted) weighted
    from numbers_sum where kind in ('standing', 'reason', 'first', 'approval') group by 1, 2, 3, 4, 5, 6, 7, 8
  )
  select kind, key, more, owner_id, team_id, service, source, currency, coalesce(t.n, 0) - coalesce(c.n, 0) n,
    coalesce(t.value, 0) - coalesce(c.value, 0) value, coalesce(t.weighted, 0) - coalesce(c.weighted, 0) weighted
  from numbers_true t full join counted c using (kind, key, more, owner_id, team_id, service, source, currency)
  where (coalesce(t.n, 0), coalesce(t.value, 0), coalesce(t.weighted, 0))
    is distinct from (coalesce(c.n, 0), coalesce(c.value, 0), coalesce(c.weighted, 0));

-- Mend what is off. Returns how many counters were, and in how many deals something was missed.
create function numbers_mend(out counters bigint, out deals bigint) language plpgsql security definer
set search_path = public, pg_temp set timezone = 'UTC' as $$
begin
  -- One statement sees one state of everything, so that what moves meanwhile is no drift.
  select count(*) into counters from numbers_drift;
  select count(*) into deals from numbers_deal d left join numbers_standing w using (opportunity)
    where (w.owner_id, w.team_id, w.service, w.source, w.currency, w.place, w.month, w.value, w.weighted)
      is distinct from (d.owner_id, d.team_id, d.service, d.source, d.currency, d.place::smallint, d.month, d.value, d.weighted);
  if deals > 0 then
    perform numbers_count(array(select opportunity from numbers_deal d left join numbers_standing w using (opportunity)
      where (w.owner_id, w.team_id, w.service, w.source, w.currency, w.place, w.month, w.value, w.weighted)
        is distinct from (d.owner_id, d.team_id, d.service, d.source, d.currency, d.place::smallint, d.month, d.value, d.weighted)));
  end if;
  insert into numbers_delta (day, kind, key, more, owner_id, team_id, service, source, currency, n, value, weighted)
    select case kind when 'standing' then date '1970-01-01' else current_date end, kind, key,
      more, owner_id, team_id, service, source, currency, n, value, weighted from numbers_drift;
end $$;

-- Tell the history anew from the diary: for what happened before there were counters, and for a story told in hindsight.
-- What a deal was worth then is not known; it is taken as what it is worth now.
create function numbers_tell_history() returns void language plpgsql security definer
set search_path = public, pg_temp set timezone = 'UTC' as $$
begin
  lock table numbers_delta, numbers_counter, numbers_standing in exclusive mode;
  delete from numbers_delta;
  delete from numbers_counter;
  delete from numbers_standing;
  perform numbers_count(array(select id from opportunities_opportunity));
  delete from numbers_delta where kind <> 'standing';
  with step as materialized (
    select e.record_id, e.id, e.at, e.stage_from, e.stage_to, d.*,
      array_position(array['qualified','discovery','audit','proposal','contract','won','handed_off','lost'], e.stage_to) - 1 as went_to,
      row_number() over w as nth, lead(e.at) over w as until,
      lead(e.stage_to) over w as next_stage
    from opportunities_event e join numbers_deal d on d.opportunity = e.record_id
    where e.record_type = 'opportunities.opportunity' and e.stage_to <> '' and e.stage_from is distinct from e.stage_to
      and e.stage_to <> 'paused' and (e.stage_from <> 'paused' or e.stage_to = 'lost')
    window w as (partition by e.record_id order by e.id)
  ), since as (
    update numbers_standing w set since = s.at from (select distinct on (record_id) record_id, at from step order by record_id, id desc) s
    where s.record_id = w.opportunity
  )
  insert into numbers_delta (day, kind, key, more, owner_id, team_id, service, source, currency, n, value, weighted)
    select at::date, 'change', 'new', '', owner_id, team_id, service, source, currency, 1, value, case when place < 5 then weighted else 0 end
      from step where nth = 1
    union all select at::date, 'change', case when stage_to = 'lost' then 'lost' when stage_from = 'lost' then 'reopened' else 'won' end, '',
      owner_id, team_id, service, source, currency, 1, value, 0
      from step where stage_to in ('won', 'lost') or stage_from = 'lost'
    union all select until::date, 'stage', went_to::text, numbers_minutes(until - at), owner_id, team_id, service, source, '', 1, 0, 0
      from step where until is not null and went_to < 5
    union all select at::date, 'reached', went_to::text, '', owner_id, team_id, service, source, '', 1, 0, 0 from step;
  insert into numbers_delta (day, kind, key, more, owner_id, team_id, service, source, currency, n, value, weighted)
    select coalesce(e.at, now())::date, 'reason', c.reason, c.outcome, d.owner_id, d.team_id, d.service, d.source, d.currency, 1, d.value, 0
      from opportunities_closing c join numbers_deal d on d.opportunity = c.opportunity_id
      left join lateral (select at from opportunities_event where record_type = 'opportunities.closing' and record_id = c.id order by id limit 1) e on true
    union all select f.day, f.kind, f.key, f.more, f.owner_id, f.team_id, 0, f.source, '', f.n, 0, 0 from opportunities_lead l, numbers_of_lead(l) f
    union all select a.decided_at::date, 'approval', a.aspect, numbers_minutes(a.decided_at - a.asked_at), d.owner_id, d.team_id, d.service,
      d.source, '', 1, 0, 0 from proposals_approval a join numbers_deal d on d.opportunity = a.opportunity_id where a.decided_at is not null
    union all select e.at::date, 'task', case when e.at <= t.due_at then 'kept' else 'late' end, '', t.owner_id, coalesce(u.team_id, 0),
      coalesce(d.service, 0), coalesce(d.source, 0), '', 1, 0, 0
      from opportunities_task t join opportunities_user u on u.id = t.owner_id left join numbers_standing d on d.opportunity = t.opportunity_id
      join lateral (select at from opportunities_event where record_type = 'opportunities.task' and record_id = t.id and stage_to = 'done' order by id desc limit 1) e on true
      where t.stage = 'done';
end $$;
revoke all on function numbers_mend(), numbers_tell_history(), numbers_add_up(int), numbers_count(bigint[]) from public;
select numbers_tell_history();
