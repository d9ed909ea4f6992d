-- What became of what was sold: how reports came, how claims came out, and what delivery disputed. How a claim came out is
-- a rule of the product; how a report came is counted under whoever answered for it, and goes along with its deal and its
-- client. Both are marked in the transaction of the change and counted by the clock. A dispute is counted as it happens.

-- Each report that came, and each that is late or did not come for days, as the records have it.
create view numbers_report as
  select r.id as report, j.client_id as client, r.due_on as day, case when r.breach = '' then 'on_time' else r.breach end as key,
    coalesce(r.owed_by_id, r.owner_id)::bigint as owner_id, d.team_id, coalesce(p.service_id, 0)::bigint as service, d.source
  from handoff_report r join handoff_project j on j.id = r.project_id join numbers_deal d on d.opportunity = j.opportunity_id
  join handoff_handoff h on h.id = j.handoff_id join proposals_contract k on k.id = h.contract_id
  join proposals_proposal p on p.id = k.proposal_id
  where r.breach <> '' or r.stage = 'published';

-- The claims that were promised of these projects.
create function numbers_claims_of(projects bigint[]) returns bigint[] language sql stable set search_path = public, pg_temp as $$
  select array(select p.id from handoff_project j join handoff_promise p on p.handoff_id = j.handoff_id
    where j.id = any(projects) and p.kind = 'claim')
$$;

create function numbers_of_reports() returns trigger language plpgsql security definer set search_path = public, pg_temp as $$
begin
  if tg_op = 'INSERT' then
    perform numbers_touch('report', array(select id from after_rows where breach <> '' or stage = 'published'));
    perform numbers_touch('claim', numbers_claims_of(array(select project_id from after_rows where stage = 'published')));
  else
    perform numbers_touch('report', array(select a.id from after_rows a join before_rows b using (id)
      where (a.stage = 'published', a.breach, a.due_on, a.owner_id, a.owed_by_id, a.project_id)
        is distinct from (b.stage = 'published', b.breach, b.due_on, b.owner_id, b.owed_by_id, b.project_id)));
    perform numbers_touch('claim', numbers_claims_of(array(select a.project_id from after_rows a join before_rows b using (id)
      where a.stage = 'published' and b.stage <> 'published')));
  end if;
  return null;
end $$;
create trigger numbers_new after insert on handoff_report
  referencing new table as after_rows for each statement execute function numbers_of_reports();
create trigger numbers_changed after update on handoff_report
  referencing old table as before_rows new table as after_rows for each statement execute function numbers_of_reports();

-- Two clients became one.
create function numbers_of_projects() returns trigger language plpgsql security definer set search_path = public, pg_temp as $$
begin
  perform numbers_touch('report', array(select r.id from after_rows a join before_rows b using (id)
    join handoff_report r on r.project_id = a.id where a.client_id <> b.client_id));
  return null;
end $$;
create trigger numbers_changed after update on handoff_project
  referencing old table as before_rows new table as after_rows for each statement execute function numbers_of_projects();

-- A dispute, and how it was settled, under the deal's owner of that day.
create function numbers_of_sold() returns trigger language plpgsql security definer
set search_path = public, pg_temp set timezone = 'UTC' as $$
begin
  if tg_op = 'INSERT' then
    perform numbers_touch('claim', array(select id from after_rows where kind = 'claim'));
  else
    perform numbers_touch('claim', array(select a.id from after_rows a join before_rows b using (id)
      where a.kind = 'claim' and a.outcome <> b.outcome));
    insert into numbers_delta (day, kind, key, more, owner_id, team_id, service, source, currency, n, value, weighted)
      select current_date, 'dispute', case a.stage when 'disputed' then a.stage else a.outcome end, '',
        d.owner_id, d.team_id, d.service, d.source, '', count(*), 0, 0
      from after_rows a join before_rows b using (id) join handoff_handoff h on h.id = a.handoff_id
      join numbers_deal d on d.opportunity = h.opportunity_id
      where (a.stage = 'disputed') <> (b.stage = 'disputed') group by 3, 5, 6, 7, 8;
  end if;
  return null;
end $$;
create trigger numbers_new after insert on handoff_promise
  referencing new table as after_rows for each statement execute function numbers_of_sold();
create trigger numbers_changed after update on handoff_promise
  referencing old table as before_rows new table as after_rows for each statement execute function numbers_of_sold();

-- Each dispute and each settlement, from the diaries. That a disputed promise is to be reworded is an edit, and neither.
create view numbers_disputed as
  select e.at, case e.stage_to when 'disputed' then 'disputed' else p.outcome end as key, h.opportunity_id as opportunity
  from opportunities_event e join handoff_promise p on p.id = e.record_id join handoff_handoff h on h.id = p.handoff_id
  where e.record_type = 'handoff.promise' and e.verb in ('promise.dispute', 'promise.settle');

-- Whose a deal is or what it is about changed: what is counted under it goes along.
create or replace function numbers_of_standings() returns trigger language plpgsql security definer
set search_path = public, pg_temp as $$
declare
  deals bigint[] := array(select a.opportunity from after_rows a join before_rows b using (opportunity)
    where (a.owner_id, a.team_id, a.service, a.source) <> (b.owner_id, b.team_id, b.service, b.source));
begin
  perform numbers_touch('offer', array(select p.id from proposals_proposal p join numbers_offer o on o.offer = p.id
    where p.opportunity_id = any(deals)));
  perform numbers_touch('deal', array(select opportunity from numbers_idle where opportunity = any(deals)));
  perform numbers_touch('report', array(select c.report from handoff_project j join handoff_report r on r.project_id = j.id
    join numbers_countedreport c on c.report = r.id where j.opportunity_id = any(deals)));
  perform numbers_touch('claim', array(select c.promise from handoff_handoff h join handoff_promise p on p.handoff_id = h.id
    join numbers_countedclaim c on c.promise = p.id where h.opportunity_id = any(deals)));
  return null;
end $$;

-- Count these reports as they are now. At night `untouched` leaves out what changed meanwhile and will be looked at anyway.
-- Returns how many were counted otherwise before.
create function numbers_count_reports(looked bigint[], untouched boolean) returns bigint
language plpgsql security definer set search_path = public, pg_temp set timezone = 'UTC' as $$
declare
  changed bigint;
begin
  perform pg_advisory_xact_lock(20261130);
  with pair as materialized (
    select s.report, w.client wc, w.day wd, w.key wk, w.owner_id wo, w.team_id wt, w.service ws, w.source wr,
      d.client, d.day, d.key, d.owner_id, d.team_id, d.service, d.source
    from unnest(looked) as s(report)
    left join numbers_countedreport w on w.report = s.report left join numbers_report d on d.report = s.report
    where (w.client, w.day, w.key, w.owner_id, w.team_id, w.service, w.source)
        is distinct from (d.client, d.day, d.key, d.owner_id, d.team_id, d.service, d.source)
      and not (untouched and exists (select from numbers_touched t where t.kind = 'report' and t.record = s.report))
  ), line as (
    select wd as day, wk as key, wo owner_id, wt team_id, ws service, wr source, -1 as n from pair where wk is not null
    union all select day, key, owner_id, team_id, service, source, 1 from pair where key is not null
  ), added as (
    insert into numbers_delta (day, kind, key, more, owner_id, team_id, service, source, currency, n, value, weighted)
    select day, 'report', key, '', owner_id, team_id, service, source, '', sum(n), 0, 0
    from line group by 1, 3, 5, 6, 7, 8 having sum(n) <> 0
  ), gone as (
    delete from numbers_countedreport w using pair p where w.report = p.report and p.key is null
  ), kept as (
    insert into numbers_countedreport (report, client, day, key, owner_id, team_id, service, source, currency)
    select report, client, day, key, owner_id, team_id, service, source, '' from pair where key is not null
    on conflict (report) do update set client = excluded.client, day = excluded.day, key = excluded.key,
      owner_id = excluded.owner_id, team_id = excluded.team_id, service = excluded.service, source = excluded.source
  )
  select count(*) into changed from pair;
  return changed;
end $$;

-- Take how these claims came out, by their promises: met, over, short, or unknown while no report says; empty is no claim
-- that is owed. Under their deals' owners and the service of their proposals. Returns how many were counted otherwise before.
create function numbers_count_claims(looked bigint[], keys text[], untouched boolean) returns bigint
language plpgsql security definer set search_path = public, pg_temp set timezone = 'UTC' as $$
declare
  changed bigint;
begin
  perform pg_advisory_xact_lock(20261130);
  with pair as materialized (
    select s.promise, w.key wk, w.owner_id wo, w.team_id wt, w.service ws, w.source wr,
      nullif(s.key, '') as key, d.owner_id, d.team_id, coalesce(o.service_id, 0)::bigint service, d.source
    from unnest(looked, keys) as s(promise, key)
    join handoff_promise p on p.id = s.promise join handoff_handoff h on h.id = p.handoff_id
    join numbers_deal d on d.opportunity = h.opportunity_id left join numbers_countedclaim w on w.promise = s.promise
    left join proposals_claim c on c.id = p.record_id left join proposals_proposal o on o.id = c.proposal_id
    where (w.promise is not null or s.key <> '')
      and (w.key, w.owner_id, w.team_id, w.service, w.source)
        is distinct from (nullif(s.key, ''), d.owner_id, d.team_id, coalesce(o.service_id, 0)::bigint, d.source)
      and not (untouched and exists (select from numbers_touched t where t.kind = 'claim' and t.record = s.promise))
  ), line as (
    select wk as key, wo owner_id, wt team_id, ws service, wr source, -1 as n from pair where wk is not null
    union all select key, owner_id, team_id, service, source, 1 from pair where key is not null
  ), added as (
    insert into numbers_delta (day, kind, key, more, owner_id, team_id, service, source, currency, n, value, weighted)
    select k.day, k.kind, key, '', owner_id, team_id, service, source, '', sum(n), 0, 0
    from line cross join (values ('claim', date '1970-01-01'), ('claimday', current_date)) k(kind, day)
    group by 1, 2, 3, 5, 6, 7, 8 having sum(n) <> 0
  ), gone as (
    delete from numbers_countedclaim w using pair p where w.promise = p.promise and p.key is null
  ), kept as (
    insert into numbers_countedclaim (promise, key, owner_id, team_id, service, source, currency)
    select promise, key, owner_id, team_id, service, source, '' from pair where key is not null
    on conflict (promise) do update set key = excluded.key,
      owner_id = excluded.owner_id, team_id = excluded.team_id, service = excluded.service, source = excluded.source
  )
  select count(*) into changed from pair;
  return changed;
end $$;

-- What the counters must say, counted from the records and their diaries.
drop view numbers_drift;
alter view numbers_true rename to numbers_true_sold;
create view numbers_true as
  select * from numbers_true_sold
  -- These the clock counted, which looks at each of them anew before this.
  union all select 'report', key, day::text, owner_id, team_id, service, source, '', count(*), 0, 0
    from numbers_countedreport group by 2, 3, 4, 5, 6, 7
  union all select kind, key, '', owner_id, team_id, service, source, '', count(*), 0, 0
    from numbers_countedclaim cross join (values ('claim'), ('claimday')) k(kind) group by 1, 2, 4, 5, 6, 7
  union all select 'dispute', key, '', 0, 0, 0, 0, '', count(*), 0, 0 from numbers_disputed group by 2;

-- Where the counters are off. What the records still say of each owner, service and source is compared for each, and of
-- reports for each day; the rest in sum.
create view numbers_drift as
  with counted as (
    select kind, key, case when kind in ('standing', 'reason', 'first', 'approval') then more
      when kind = 'report' then day::text else '' end more,
      case when each then owner_id else 0 end owner_id, case when each then team_id else 0 end team_id,
      case when each then service else 0 end service, case when each then source else 0 end source,
      case when kind = 'standing' then currency else '' end currency,
      sum(n) n, sum(case when kind = 'standing' then value else 0 end) value, sum(case when kind = 'standing' then weighted else 0 end) weighted
    from numbers_sum cross join lateral (
      select kind in ('standing', 'first', 'proof', 'proofday', 'report', 'claim', 'claimday') as each) e
    group by 1, 2, 3, 4, 5, 6, 7, 8
    union all
    select kind, 'worth', '', owner_id, team_id, service, source, currency, 0, 0, sum(weighted)
    from numbers_sum where kind = 'change' group by 1, 4, 5, 6, 7, 8
  )
  select kind, key, more, owner_id, team_id, service, source, currency, coalesce(t.n, 0) - coalesce(c.n, 0) n,
    coalesce(t.value, 0) - coalesce(c.value, 0) value, coalesce(t.weighted, 0) - coalesce(c.weighted, 0) weighted
  from numbers_true t full join counted c using (kind, key, more, owner_id, team_id, service, source, currency)
  where (coalesce(t.n, 0), coalesce(t.value, 0), coalesce(t.weighted, 0))
    is distinct from (coalesce(c.n, 0), coalesce(c.value, 0), coalesce(c.weighted, 0));

-- Mend what is off. Returns how many counters were, and in how many deals something was missed.
create or replace function numbers_mend(out counters bigint, out deals bigint) language plpgsql security definer
set search_path = public, pg_temp set timezone = 'UTC' as $$
declare
  missed bigint[];
begin
  missed := array(select opportunity from numbers_deal d left join numbers_standing w using (opportunity)
    where (w.owner_id, w.team_id, w.service, w.source, w.currency, w.place, w.month, w.value, w.weighted)
      is distinct from (d.owner_id, d.team_id, d.service, d.source, d.currency, d.place::smallint, d.month, d.value, d.weighted));
  deals := cardinality(missed);
  if deals > 0 then
    select count(*) into counters from numbers_drift;
    perform numbers_count(missed);
  end if;
  -- One statement sees one state of everything, so that what moves meanwhile is no drift.
  with off as materialized (
    select * from numbers_drift
  ), added as (
    insert into numbers_delta (day, kind, key, more, owner_id, team_id, service, source, currency, n, value, weighted)
    select case when kind in ('standing', 'proof', 'claim') then date '1970-01-01' when kind = 'report' then more::date
      else current_date end, kind, case key when 'worth' then 'revalued' else key end,
      case when kind = 'report' then '' else more end, owner_id, team_id, service, source, currency, n, value, weighted
    from off
  )
  select coalesce(counters, count(*)) into counters from off;
end $$;

-- The history is told with what is told below.
alter function numbers_tell_history() rename to numbers_tell_selling;
create function numbers_tell_history() returns void language plpgsql security definer
set search_path = public, pg_temp set timezone = 'UTC' as $$
begin
  perform pg_advisory_xact_lock(20261130);
  lock table numbers_delta, numbers_counter, numbers_standing in exclusive mode;
  delete from numbers_countedreport;
  delete from numbers_countedclaim;
  perform numbers_tell_selling();
  perform numbers_tell_disputes();
  perform numbers_count_each_report();
end $$;

create function numbers_count_each_report() returns bigint language sql security definer set search_path = public, pg_temp as $$
  select numbers_count_reports(array(select report from numbers_report), false)
$$;

create function numbers_tell_disputes() returns void language sql security definer
set search_path = public, pg_temp set timezone = 'UTC' as $$
  insert into numbers_delta (day, kind, key, more, owner_id, team_id, service, source, currency, n, value, weighted)
  select x.at::date, 'dispute', x.key, '', d.owner_id, d.team_id, d.service, d.source, '', count(*), 0, 0
  from numbers_disputed x join numbers_deal d using (opportunity) group by 1, 3, 5, 6, 7, 8
$$;

-- Mark every open proposal and deal and every claim that was promised, so that the clock looks at each.
create or replace function numbers_touch_all() returns void language sql security definer set search_path = public, pg_temp as $$
  insert into numbers_touched (kind, record)
  select 'offer', id from proposals_proposal where stage not in ('accepted', 'declined', 'expired', 'superseded', 'withdrawn')
  union all select 'claim', id from handoff_promise where kind = 'claim'
  union all select 'deal', o.id from opportunities_opportunity o where place < 5
    and not exists (select from opportunities_task t where t.opportunity_id = o.id and t.stage = 'open')
$$;

-- What open proposals promise is told as promised since each was begun, and as proved as it is now; how a claim came out,
-- since the last report of its project was published.
alter function numbers_tell_proof() rename to numbers_tell_proved;
create function numbers_tell_proof() returns void language plpgsql security definer
set search_path = public, pg_temp set timezone = 'UTC' as $$
begin
  perform pg_advisory_xact_lock(20261130);
  lock table numbers_delta, numbers_counter in exclusive mode;
  perform numbers_tell_proved();
  delete from numbers_delta where kind = 'claimday';
  delete from numbers_counter where kind = 'claimday';
  insert into numbers_delta (day, kind, key, more, owner_id, team_id, service, source, currency, n, value, weighted)
    select coalesce(r.at, now())::date, 'claimday', c.key, '', c.owner_id, c.team_id, c.service, c.source, '', count(*), 0, 0
    from numbers_countedclaim c join handoff_promise p on p.id = c.promise
    left join lateral (select max(r.published_at) at from handoff_project j join handoff_report r on r.project_id = j.id
      where j.handoff_id = p.handoff_id and r.stage = 'published') r on true
    group by 1, 3, 5, 6, 7, 8;
end $$;

revoke all on function numbers_count_reports(bigint[], boolean), numbers_count_claims(bigint[], text[], boolean),
  numbers_claims_of(bigint[]), numbers_count_each_report(), numbers_tell_disputes(), numbers_tell_history(), numbers_tell_proof()
  from public;
-- What there is by now.
insert into numbers_touched (kind, record) select 'claim', id from handoff_promise where kind = 'claim';
select numbers_count_each_report(), numbers_tell_disputes();
