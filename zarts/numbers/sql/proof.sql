-- What no trigger can count by itself, because a rule of the product decides it: how much of an open proposal is proved,
-- and which open deals nothing is promised for. Triggers mark, in the transaction of the change, what has to be looked at
-- again; the clock looks, by the product's own rule, and the database takes the difference to what it counted last.
-- And: every counter that the page reads is compared with the records each night.

create function numbers_touch(what text, ids bigint[]) returns void language sql security definer
set search_path = public, pg_temp as $$
  insert into numbers_touched (kind, record) select distinct what, id from unnest(ids) id where id is not null
$$;

-- The proposals that rest on these versions of evidence.
create function numbers_resting(versions bigint[]) returns bigint[] language sql stable
set search_path = public, pg_temp as $$
  select array(
    select proposal_id from proposals_scopeitem where evidence_id = any(versions)
    union select proposal_id from proposals_milestone where evidence_id = any(versions)
    union select proposal_id from proposals_priceline where evidence_id = any(versions)
    union select c.proposal_id from proposals_claim_evidence e join proposals_claim c on c.id = e.claim_id
      where e.evidence_id = any(versions))
$$;

-- A row of a proposal was written, changed or taken out.
create function numbers_of_rows() returns trigger language plpgsql security definer set search_path = public, pg_temp as $$
begin
  perform numbers_touch('offer', array(select proposal_id from changed_rows));
  return null;
end $$;
do $$
declare
  rows text;
begin
  foreach rows in array array['proposals_scopeitem', 'proposals_milestone', 'proposals_priceline', 'proposals_claim'] loop
    execute format('create trigger numbers_new after insert on %I referencing new table as changed_rows
      for each statement execute function numbers_of_rows()', rows);
    execute format('create trigger numbers_changed after update on %I referencing new table as changed_rows
      for each statement execute function numbers_of_rows()', rows);
    execute format('create trigger numbers_gone after delete on %I referencing old table as changed_rows
      for each statement execute function numbers_of_rows()', rows);
  end loop;
end $$;

-- What a claim rests on.
create function numbers_of_proof() returns trigger language plpgsql security definer set search_path = public, pg_temp as $$
begin
  perform numbers_touch('offer', array(select c.proposal_id from changed_rows r join proposals_claim c on c.id = r.claim_id));
  return null;
end $$;
create trigger numbers_new after insert on proposals_claim_evidence referencing new table as changed_rows
  for each statement execute function numbers_of_proof();
create trigger numbers_gone after delete on proposals_claim_evidence referencing old table as changed_rows
  for each statement execute function numbers_of_proof();

-- A proposal is open until it is accepted, declined, replaced, withdrawn or over.
create function numbers_of_offers() returns trigger language plpgsql security definer set search_path = public, pg_temp as $$
begin
  perform numbers_touch('offer', array(select a.id from after_rows a join before_rows b using (id)
    where (a.stage, a.opportunity_id, a.service_id) is distinct from (b.stage, b.opportunity_id, b.service_id)));
  return null;
end $$;
create trigger numbers_changed after update on proposals_proposal
  referencing old table as before_rows new table as after_rows for each statement execute function numbers_of_offers();

-- Evidence falls: a newer version stands in for it, somebody withdrew it, or its audit is verified no more. What ages
-- takes its audit along: that goes stale when the first of its evidence does.
create function numbers_of_corrections() returns trigger language plpgsql security definer set search_path = public, pg_temp as $$
begin
  perform numbers_touch('offer', numbers_resting(array(select corrects_id from changed_rows where corrects_id is not null)));
  return null;
end $$;
create trigger numbers_new after insert on opportunities_evidence referencing new table as changed_rows
  for each statement execute function numbers_of_corrections();
create function numbers_of_withdrawals() returns trigger language plpgsql security definer set search_path = public, pg_temp as $$
begin
  perform numbers_touch('offer', numbers_resting(array(select evidence_id from changed_rows)));
  return null;
end $$;
create trigger numbers_new after insert on opportunities_evidencewithdrawal referencing new table as changed_rows
  for each statement execute function numbers_of_withdrawals();
create function numbers_of_audits() returns trigger language plpgsql security definer set search_path = public, pg_temp as $$
begin
  perform numbers_touch('offer', numbers_resting(array(select e.id from after_rows a join before_rows b using (id)
    join opportunities_evidence e on e.audit_id = a.id where a.stage <> b.stage)));
  return null;
end $$;
create trigger numbers_changed after update on opportunities_audit
  referencing old table as before_rows new table as after_rows for each statement execute function numbers_of_audits();

-- A task is nobody's promise any more, or one where none was. `unattended.py` says what counts as one.
create function numbers_of_promises() returns trigger language plpgsql security definer set search_path = public, pg_temp as $$
begin
  if tg_op = 'INSERT' then
    perform numbers_touch('deal', array(select a.opportunity_id from after_rows a
      join numbers_idle i on i.opportunity = a.opportunity_id));
  else
    perform numbers_touch('deal', array(
      select x.deal from after_rows a join before_rows b using (id)
      cross join lateral (values (a.opportunity_id), (b.opportunity_id)) x(deal)
      where (a.stage, a.opportunity_id, a.paused_because = '') is distinct from (b.stage, b.opportunity_id, b.paused_because = '')));
  end if;
  return null;
end $$;
create trigger numbers_promised after insert on opportunities_task referencing new table as after_rows
  for each statement execute function numbers_of_promises();
create trigger numbers_promise_changed after update on opportunities_task
  referencing old table as before_rows new table as after_rows for each statement execute function numbers_of_promises();
-- A deal is new, or open again, or over.
create function numbers_of_openings() returns trigger language plpgsql security definer set search_path = public, pg_temp as $$
begin
  if tg_op = 'INSERT' then
    perform numbers_touch('deal', array(select id from after_rows));
  else
    perform numbers_touch('deal', array(select a.id from after_rows a join before_rows b using (id) where a.stage <> b.stage));
  end if;
  return null;
end $$;
create trigger numbers_opened after insert on opportunities_opportunity referencing new table as after_rows
  for each statement execute function numbers_of_openings();
create trigger numbers_open_changed after update on opportunities_opportunity
  referencing old table as before_rows new table as after_rows for each statement execute function numbers_of_openings();

-- Whose a deal is or what it is about changed: what is counted under it goes along.
create function numbers_of_standings() returns trigger language plpgsql security definer set search_path = public, pg_temp as $$
declare
  deals bigint[] := array(select a.opportunity from after_rows a join before_rows b using (opportunity)
    where (a.owner_id, a.team_id, a.service, a.source) <> (b.owner_id, b.team_id, b.service, b.source));
begin
  perform numbers_touch('offer', array(select p.id from proposals_proposal p join numbers_offer o on o.offer = p.id
    where p.opportunity_id = any(deals)));
  perform numbers_touch('deal', array(select opportunity from numbers_idle where opportunity = any(deals)));
  return null;
end $$;
create trigger numbers_given after update on numbers_standing
  referencing old table as before_rows new table as after_rows for each statement execute function numbers_of_standings();

-- Each deal remembers how often it was re-valued and moved to another month while it was open: the diary's facts of it
-- can be erased, and the counters are compared with this.
create function numbers_tally() returns trigger language plpgsql as $$
begin
  if old.place < 5 and new.place < 5 then
    new.moved := old.moved + (old.month <> new.month)::int;
    new.revalued := old.revalued + ((old.value, old.weighted, old.currency) <> (new.value, new.weighted, new.currency))::int;
  end if;
  return new;
end $$;
create trigger numbers_tally before update on numbers_standing for each row execute function numbers_tally();

-- Hand out what has to be looked at again. One process at a time, until its transaction ends.
create function numbers_take_touched(most int) returns table (kind text, record bigint) language plpgsql security definer
set search_path = public, pg_temp as $$
begin
  if pg_try_advisory_xact_lock(20261130) then
    return query with taken as (
      delete from numbers_touched where id in (select id from numbers_touched order by id limit most)
      returning numbers_touched.kind, numbers_touched.record
    ) select distinct t.kind::text, t.record from taken t;
  end if;
end $$;

-- Take what was found in these proposals, under their deals' owners and their own service: so many rows that need proof, so many that have it. At night `untouched` leaves
-- out what changed meanwhile and will be looked at anyway. Returns how many were counted otherwise before.
create function numbers_count_offers(looked bigint[], in_all int[], proven int[], untouched boolean) returns bigint
language plpgsql security definer set search_path = public, pg_temp set timezone = 'UTC' as $$
declare
  changed bigint;
begin
  perform pg_advisory_xact_lock(20261130);
  with pair as materialized (
    select s.offer, w.owner_id wo, w.team_id wt, w.service ws, w.source wr, w.promised wn, w.proved wp,
      d.owner_id, d.team_id, coalesce(p.service_id, d.service) service, d.source, s.promised, s.proved
    from unnest(looked, in_all, proven) as s(offer, promised, proved)
    join proposals_proposal p on p.id = s.offer join numbers_deal d on d.opportunity = p.opportunity_id
    left join numbers_offer w on w.offer = s.offer
    where (w.offer is not null or s.promised > 0)
      and (w.owner_id, w.team_id, w.service, w.source, w.promised, w.proved)
        is distinct from (d.owner_id, d.team_id, coalesce(p.service_id, d.service), d.source, s.promised, s.proved)
      and not (untouched and exists (select from numbers_touched t where t.kind = 'offer' and t.record = s.offer))
  ), line as (
    select wo owner_id, wt team_id, ws service, wr source, -wn promised, -wp proved from pair where wn is not null
    union all select owner_id, team_id, service, source, promised, proved from pair
  ), summed as (
    select owner_id, team_id, service, source, key, sum(n) n
    from line cross join lateral (values ('promised', promised), ('proved', proved)) x(key, n) group by 1, 2, 3, 4, 5 having sum(n) <> 0
  ), added as (
    insert into numbers_delta (day, kind, key, more, owner_id, team_id, service, source, currency, n, value, weighted)
    select day, kind, key, '', owner_id, team_id, service, source, '', n, 0, 0
    from summed cross join (values ('proof', date '1970-01-01'), ('proofday', current_date)) k(kind, day)
  ), kept as (
    insert into numbers_offer as o (offer, owner_id, team_id, service, source, currency, promised, proved)
    select offer, owner_id, team_id, service, source, '', p.promised, p.proved from pair p
    on conflict (offer) do update set owner_id = excluded.owner_id, team_id = excluded.team_id, service = excluded.service,
      source = excluded.source, promised = excluded.promised, proved = excluded.proved
  )
  select count(*) into changed from pair;
  delete from numbers_offer o where o.offer = any(looked) and o.promised = 0;
  return changed;
end $$;

-- Take which of the deals that were looked at nothing is promised for. Returns how many were known otherwise before.
create function numbers_count_idle(looked bigint[], idle bigint[], untouched boolean) returns bigint
language plpgsql security definer set search_path = public, pg_temp as $$
declare
  gone bigint;
  come bigint;
begin
  perform pg_advisory_xact_lock(20261130);
  delete from numbers_idle i where i.opportunity = any(looked) and i.opportunity <> all(idle)
    and not (untouched and exists (select from numbers_touched t where t.kind = 'deal' and t.record = i.opportunity));
  get diagnostics gone = row_count;
  insert into numbers_idle as i (opportunity, owner_id, team_id, service, source, currency)
    select d.opportunity, d.owner_id, d.team_id, d.service, d.source, d.currency from numbers_deal d
    where d.opportunity = any(idle)
      and not (untouched and exists (select from numbers_touched t where t.kind = 'deal' and t.record = d.opportunity))
    on conflict (opportunity) do update set owner_id = excluded.owner_id, team_id = excluded.team_id,
      service = excluded.service, source = excluded.source, currency = excluded.currency
      where (i.owner_id, i.team_id, i.service, i.source, i.currency)
        is distinct from (excluded.owner_id, excluded.team_id, excluded.service, excluded.source, excluded.currency);
  get diagnostics come = row_count;
  return gone + come;
end $$;

-- Each step of a deal along its path, from its diary: an edit and a pause are none.
create view numbers_step as
  select opportunity, id, at, before, stage,
    array_position(array['qualified','discovery','audit','proposal','contract','won','handed_off','lost'], stage::text) - 1 as went_to,
    lead(at) over (partition by opportunity order by id) as until
  from (
    select record_id as opportunity, id, at, stage_to as stage, lag(stage_to) over (partition by record_id order by id) as before
    from opportunities_event where record_type = 'opportunities.opportunity' and stage_to not in ('', 'paused')
  ) x where before is distinct from stage;

-- Each task that was done: when, and whether that was in time.
create view numbers_finished as
  select t.id, e.at, case when e.at <= t.due_at then 'kept' else 'late' end as key, t.owner_id::bigint as owner_id,
    coalesce(u.team_id, 0)::bigint as team_id, coalesce(d.service, 0) as service, coalesce(d.source, 0) as source
  from opportunities_task t join opportunities_user u on u.id = t.owner_id
  join lateral (select at from opportunities_event where record_type = 'opportunities.task' and record_id = t.id
    and stage_to = 'done' order by id limit 1) e on true
  left join numbers_standing d on d.opportunity = t.opportunity_id
  where t.stage = 'done';

-- What the counters must say, counted from the records and their diaries.
drop view numbers_drift, numbers_true;
create view numbers_true as
  with step as materialized (select * from numbers_step)
  select 'standing' kind, place::text key, month more, owner_id, team_id, service, source, currency, count(*) n, sum(value) value, sum(weighted) weighted
    from numbers_deal group by 2, 3, 4, 5, 6, 7, 8
  union all select 'reason', reason, outcome, 0, 0, 0, 0, '', count(*), 0, 0 from opportunities_closing group by 2, 3
  union all select f.kind, f.key, f.more, f.owner_id, f.team_id, 0, f.source, '', sum(f.n), 0, 0
    from opportunities_lead l, numbers_of_lead(l) f group by 1, 2, 3, 4, 5, 7
  union all select 'approval', aspect, numbers_minutes(decided_at - asked_at), 0, 0, 0, 0, '', count(*), 0, 0
    from proposals_approval where decided_at is not null group by 2, 3
  union all select 'task', key, '', 0, 0, 0, 0, '', count(*), 0, 0 from numbers_finished group by 2
  union all select 'reached', went_to::text, '', 0, 0, 0, 0, '', count(*), 0, 0 from step group by 2
  union all select 'stage', went_to::text, '', 0, 0, 0, 0, '', count(*), 0, 0 from step where until is not null and went_to < 5 group by 2
  union all select 'change', key, '', 0, 0, 0, 0, '', count(*), 0, 0
    from step cross join lateral (select case when before is null then 'new' when stage in ('won', 'lost') then stage
      when before = 'lost' then 'reopened' end as key) k where key is not null group by 2
  union all select 'change', key, '', 0, 0, 0, 0, '', sum(many), 0, 0
    from numbers_standing cross join lateral (values ('moved', moved), ('revalued', revalued)) k(key, many) group by 2
  -- All that ever changed what open deals come to is what they come to now.
  union all select 'change', 'worth', '', owner_id, team_id, service, source, currency, 0, 0, sum(weighted)
    from numbers_deal where place < 5 group by 4, 5, 6, 7, 8
  -- How a proposal stands was counted by the clock, which looks at each of them anew before this.
  union all select kind, key, '', owner_id, team_id, service, source, '', sum(many), 0, 0
    from numbers_offer cross join lateral (values ('promised', promised), ('proved', proved)) k(key, many)
    cross join (values ('proof'), ('proofday')) p(kind) group by 1, 2, 4, 5, 6, 7;

-- Where the counters are off. What the records still say of each owner, service and source is compared for each; the rest in sum.
create view numbers_drift as
  with counted as (
    select kind, key, case when kind in ('standing', 'reason', 'first', 'approval') then more else '' end more,
      case when each then owner_id else 0 end owner_id, case when each then team_id else 0 end team_id,
      case when each then service else 0 end service, case when each then source else 0 end source,
      case when kind = 'standing' then currency else '' end currency,
      sum(n) n, sum(case when kind = 'standing' then value else 0 end) value, sum(case when kind = 'standing' then weighted else 0 end) weighted
    from numbers_sum cross join lateral (select kind in ('standing', 'first', 'proof', 'proofday') as each) e group by 1, 2, 3, 4, 5, 6, 7, 8
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
    select case when kind in ('standing', 'proof') then date '1970-01-01' else current_date end, kind,
      case key when 'worth' then 'revalued' else key end, more, owner_id, team_id, service, source, currency, n, value, weighted
    from off
  )
  select coalesce(counters, count(*)) into counters from off;
end $$;

-- Tell the history anew from the diary. Nobody knows any more what a deal was worth then, or how often that changed: what
-- open deals come to is told as one sum of today. The clock counts proposals and deals without a task after this.
create or replace function numbers_tell_history() returns void language plpgsql security definer
set search_path = public, pg_temp set timezone = 'UTC' as $$
begin
  perform pg_advisory_xact_lock(20261130);
  lock table numbers_delta, numbers_counter, numbers_standing in exclusive mode;
  delete from numbers_delta;
  delete from numbers_counter;
  delete from numbers_standing;
  delete from numbers_offer;
  delete from numbers_idle;
  delete from numbers_touched;
  perform numbers_count(array(select id from opportunities_opportunity));
  delete from numbers_delta where kind <> 'standing';
  with step as materialized (
    select s.*, d.owner_id, d.team_id, d.service, d.source, d.currency, d.place, d.value, d.weighted
    from numbers_step s join numbers_deal d using (opportunity)
  ), since as (
    update numbers_standing w set since = s.at from (select opportunity, at from step where until is null) s
    where s.opportunity = w.opportunity
  )
  insert into numbers_delta (day, kind, key, more, owner_id, team_id, service, source, currency, n, value, weighted)
    select at::date, 'change', 'new', '', owner_id, team_id, service, source, currency, 1, value, 0 from step where before is null
    union all select at::date, 'change', case when stage in ('won', 'lost') then stage else 'reopened' end, '',
      owner_id, team_id, service, source, currency, 1, value, 0
      from step where before is not null and (stage in ('won', 'lost') or before = 'lost')
    union all select until::date, 'stage', went_to::text, numbers_minutes(until - at), owner_id, team_id, service, source, '', 1, 0, 0
      from step where until is not null and went_to < 5
    union all select at::date, 'reached', went_to::text, '', owner_id, team_id, service, source, '', 1, 0, 0 from step
    -- What open deals are worth came at no time that anybody knows. The page says so for a week.
    union all select current_date, 'change', 'told', '', owner_id, team_id, service, source, currency, 0, 0, sum(case when place < 5 then weighted else 0 end)
      from numbers_deal group by 5, 6, 7, 8, 9;
  insert into numbers_delta (day, kind, key, more, owner_id, team_id, service, source, currency, n, value, weighted)
    select coalesce(e.at, now())::date, 'reason', c.reason, c.outcome, d.owner_id, d.team_id, d.service, d.source, d.currency, 1, d.value, 0
      from opportunities_closing c join numbers_deal d on d.opportunity = c.opportunity_id
      left join lateral (select at from opportunities_event where record_type = 'opportunities.closing' and record_id = c.id order by id limit 1) e on true
    union all select f.day, f.kind, f.key, f.more, f.owner_id, f.team_id, 0, f.source, '', f.n, 0, 0 from opportunities_lead l, numbers_of_lead(l) f
    union all select a.decided_at::date, 'approval', a.aspect, numbers_minutes(a.decided_at - a.asked_at), d.owner_id, d.team_id, d.service,
      d.source, '', 1, 0, 0 from proposals_approval a join numbers_deal d on d.opportunity = a.opportunity_id where a.decided_at is not null
    union all select at::date, 'task', key, '', owner_id, team_id, service, source, '', 1, 0, 0 from numbers_finished;
  perform numbers_touch_all();
end $$;

-- Mark every open proposal and deal, so that the clock looks at each.
create function numbers_touch_all() returns void language sql security definer set search_path = public, pg_temp as $$
  insert into numbers_touched (kind, record)
  select 'offer', id from proposals_proposal where stage not in ('accepted', 'declined', 'expired', 'superseded', 'withdrawn')
  union all select 'deal', o.id from opportunities_opportunity o where place < 5
    and not exists (select from opportunities_task t where t.opportunity_id = o.id and t.stage = 'open')
$$;

-- What open proposals promise is told as promised since each was begun, and as proved as it is now.
create function numbers_tell_proof() returns void language plpgsql security definer
set search_path = public, pg_temp set timezone = 'UTC' as $$
begin
  perform pg_advisory_xact_lock(20261130);
  lock table numbers_delta, numbers_counter in exclusive mode;
  delete from numbers_delta where kind = 'proofday';
  delete from numbers_counter where kind = 'proofday';
  insert into numbers_delta (day, kind, key, more, owner_id, team_id, service, source, currency, n, value, weighted)
    select coalesce(e.at, now())::date, 'proofday', key, '', o.owner_id, team_id, service, source, '', sum(n), 0, 0
    from numbers_offer o cross join lateral (values ('promised', promised), ('proved', proved)) k(key, n)
    left join lateral (select at from opportunities_event where record_type = 'proposals.proposal' and record_id = o.offer
      order by id limit 1) e on true
    group by 1, 3, 5, 6, 7, 8;
end $$;

revoke all on function numbers_touch(text, bigint[]), numbers_touch_all(), numbers_take_touched(int), numbers_tell_proof(),
  numbers_count_offers(bigint[], int[], int[], boolean), numbers_count_idle(bigint[], bigint[], boolean) from public;
-- What was counted so far counted an edit as a step, and kept no tally: it is told anew.
select numbers_tell_history();
