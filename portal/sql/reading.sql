-- Who reads by a link, for how long, and what they choose. Takes the place of three doors of doors.sql.

drop function public.portal_link_state;
drop function public.portal_open;
drop function public.portal_answer;

-- The link that a token leads to: its own, or the newest that stands in for it and went to the same person.
create function public.portal_link_of(token text) returns public.portal_proposallink
language sql stable security definer set search_path = public, pg_temp as $$
  with recursive way (id, next, client_id, contact_id, steps) as (
    select l.id, l.replaced_by_id, l.client_id, l.contact_id, 0
      from public.portal_proposallink l where l.token_hash = public.portal_hash(token)
    union all
    select n.id, n.replaced_by_id, n.client_id, n.contact_id, way.steps + 1
      from way join public.portal_proposallink n
        on n.id = way.next and n.client_id = way.client_id and n.contact_id = way.contact_id
     where way.steps < 100
  )
  select l.* from way join public.portal_proposallink l on l.id = way.id order by way.steps desc limit 1
$$;

-- As in wall.sql, along the way that a replaced link leads on.
-- Now in quick.sql.
create or replace function public.portal_link_publication() returns bigint
language sql stable security definer set search_path = public, pg_temp as $$
  select l.publication_id from public.portal_link_of(current_setting('zarts.token', true)) l
  where l.revoked_at is null and l.expires_at > clock_timestamp()
$$;

-- Now in strict.sql.
create function public.portal_link_state(token text, key text) returns table (
  state text, contact_name text, sender_name text, client text, title text, valid_until timestamptz, decide_by date,
  publication_id bigint, opened_at timestamptz, answer jsonb, asked jsonb,
  role text, deciders jsonb, chosen jsonb, leads_on boolean, same_offer boolean, reader text, read_before boolean
) language sql stable security definer set search_path = public, pg_temp as $$
  select public.portal_state_of(l, p), l.contact_name, l.sender_name, p.body ->> 'client', p.title, l.expires_at,
    l.decide_by, p.id, l.opened_at,
    (select jsonb_build_object('verb', a.verb, 'name', a.name, 'role', a.role, 'at', a.at, 'options', a.data -> 'options')
       from public.portal_clientaction a
      where a.publication_id = p.id and a.verb in ('accepted', 'declined') limit 1),
    (select coalesce(jsonb_agg(jsonb_build_object('verb', a.verb, 'name', a.name, 'words', a.words, 'at', a.at,
                                                  'about', a.data ->> 'title') order by a.id), '[]')
       from public.portal_clientaction a where a.link_id = l.id and a.verb in ('asked', 'objected')),
    l.role,
    (select coalesce(jsonb_agg(distinct d.contact_name), '[]') from public.portal_proposallink d
      where d.publication_id = p.id and d.role = 'decides' and d.revoked_at is null),
    l.chosen, own.id <> l.id, own.publication_id = l.publication_id, r.name,
    exists (select from public.portal_reader o where o.link_id = l.id and o.name = '' and o.counted_at is not null)
  from (select 1) one
  left join public.portal_proposallink own on own.token_hash = public.portal_hash(token)
  left join public.portal_link_of(token) l on true
  left join public.portal_publication p on p.id = l.publication_id
  left join public.portal_reader r on r.link_id = l.id and r.key_hash = public.portal_hash(key)
$$;

-- Somebody or something asked for the page. It means nothing, and nothing rests on it: mail scanners do it.
create function public.portal_fetched(token text) returns void
language sql security definer set search_path = public, pg_temp as $$
  update public.portal_proposallink
     set fetched_at = coalesce(fetched_at, clock_timestamp()), fetches = least(fetches + 1, 1000000)
   where id = (public.portal_link_of(token)).id and revoked_at is null
$$;

-- Note that a person reads, once for each that is known by name. The link is locked by whoever calls.
create function public.portal_note_once(
  shown public.portal_publication, of_link public.portal_proposallink, verb text, name text, data jsonb,
  address text, agent text
) returns void language plpgsql set search_path = public, pg_temp as $$
begin
  if not exists (select from public.portal_clientaction a where a.link_id = of_link.id and a.verb = portal_note_once.verb
                    and a.name = portal_note_once.name) then
    perform public.portal_note(shown, of_link, null, verb, name, '', '', data, shown.digest, address, agent);
  end if;
end
$$;

-- Know a browser at a link by its key from now on. Nothing, where it is known already.
create function public.portal_new_reader(
  of_link public.portal_proposallink, key text, stamp text, name text, address text, agent text
) returns public.portal_reader language sql set search_path = public, pg_temp as $$
  insert into public.portal_reader (link_id, key_hash, stamp_hash, name, opened_at, seen_at, seconds, address, user_agent)
  values (of_link.id, public.portal_hash(key), coalesce(public.portal_hash(stamp), ''), left(coalesce(name, ''), 120),
          clock_timestamp(), clock_timestamp(), '{}', left(coalesce(address, ''), 64), left(coalesce(agent, ''), 400))
  on conflict (link_id, key_hash) do nothing returning *
$$;

-- A person is there: count it as opened, and as engaged where they did more than open it. That they are engaged is
-- told but where they answer: that says it.
create function public.portal_count(
  shown public.portal_publication, of_link public.portal_proposallink, by_reader public.portal_reader,
  engaged boolean, answers boolean, address text, agent text
) returns void language plpgsql set search_path = public, pg_temp as $$
declare
  who text := coalesce(nullif(by_reader.name, ''), of_link.contact_name);
begin
  update public.portal_reader
     set counted_at = coalesce(counted_at, clock_timestamp()),
         engaged_at = case when engaged then coalesce(engaged_at, clock_timestamp()) else engaged_at end
   where id = by_reader.id;
  update public.portal_proposallink
     set opened_at = coalesce(opened_at, clock_timestamp()),
         engaged_at = case when engaged then coalesce(engaged_at, clock_timestamp()) else engaged_at end
   where id = of_link.id;
  perform public.portal_note_once(shown, of_link, 'opened', who, '{}', address, agent);
  if engaged and not answers then
    perform public.portal_note_once(shown, of_link, 'engaged', who, '{}', address, agent);
  end if;
end
$$;

-- Know a browser by its key from now on. `quick` came faster than a person reads: it is shown, and not counted. What
-- brings a stamp for the second time is a machine that repeats what it saw.
-- Now in strict.sql.
create function public.portal_open(
  token text, key text, name text, stamp text, quick boolean, address text, agent text
) returns text language plpgsql security definer set search_path = public, pg_temp as $$
declare
  l public.portal_proposallink;
  p public.portal_publication;
  r public.portal_reader;
  state text;
begin
  select * into l from public.portal_proposallink where id = (public.portal_link_of(token)).id for update;
  select * into p from public.portal_publication where id = l.publication_id;
  state := public.portal_state_of(l, p);
  if state not in ('open', 'answered') or coalesce(length(key), 0) < 20 then
    return state;
  end if;
  select * into r from public.portal_reader o where o.key_hash = public.portal_hash(key) and o.link_id = l.id;
  if not found then
    if (select count(*) from public.portal_reader o where o.link_id = l.id) >= 500 then
      return 'too_many';
    end if;
    quick := coalesce(quick, true) or exists (
      select from public.portal_reader o where o.link_id = l.id and o.stamp_hash = public.portal_hash(stamp));
    r := public.portal_new_reader(l, key, stamp, name, address, agent);
    if r.id is null then
      return 'refused';
    end if;
    if not quick and state = 'open' then
      perform public.portal_count(p, l, r, false, false, address, agent);
    end if;
  end if;
  return state;
end
$$;

-- How long each part of the page was in sight since the last time. Nobody reads longer than the time that passed.
create function public.portal_read(token text, key text, seconds jsonb, address text, agent text) returns text
language plpgsql security definer set search_path = public, pg_temp as $$
declare
  l public.portal_proposallink;
  p public.portal_publication;
  r public.portal_reader;
  claimed int;
  passed double precision;
  enough constant int := 10;
begin
  if jsonb_typeof(seconds) is distinct from 'object' or length(seconds::text) > 600 or exists (
    select from jsonb_each(seconds) s
     where s.key !~ '^[a-z]{1,16}$' or jsonb_typeof(s.value) <> 'number' or s.value::text !~ '^[0-9]{1,2}$') then
    return 'refused';
  end if;
  select * into l from public.portal_proposallink where id = (public.portal_link_of(token)).id for update;
  select * into r from public.portal_reader o where o.key_hash = public.portal_hash(key) and o.link_id = l.id;
  if r.id is null then
    return 'unknown';
  end if;
  select * into p from public.portal_publication where id = l.publication_id;
  if public.portal_state_of(l, p) not in ('open', 'answered') then
    return public.portal_state_of(l, p);
  end if;
  select coalesce(sum(s.value::int), 0) into claimed from jsonb_each_text(seconds) s;
  passed := least(extract(epoch from clock_timestamp() - r.seen_at), 120);
  if claimed > passed + 2 or claimed = 0 then
    return 'refused';
  end if;
  update public.portal_reader o
     set seen_at = clock_timestamp(), seconds = o.seconds || (
       select jsonb_object_agg(s.key, least(coalesce((o.seconds ->> s.key)::int, 0) + s.value::int, 86400))
         from jsonb_each_text(portal_read.seconds) s)
   where o.id = r.id and (select count(*) from jsonb_object_keys(o.seconds || portal_read.seconds)) <= 20
  returning * into r;
  if r.id is null then
    return 'refused';
  end if;
  if (select sum(s.value::int) from jsonb_each_text(r.seconds) s) >= enough then
    perform public.portal_count(p, l, r, true, false, address, agent);
  end if;
  return 'read';
end
$$;

-- Keep what the client would take. Only what the offer leaves open can be chosen.
create function public.portal_choose(token text, key text, options jsonb, address text, agent text) returns text
language plpgsql security definer set search_path = public, pg_temp as $$
declare
  l public.portal_proposallink;
  p public.portal_publication;
  r public.portal_reader;
  kept jsonb;
  state text;
begin
  if jsonb_typeof(options) is distinct from 'array' or length(options::text) > 2000 then
    return 'refused';
  end if;
  select * into l from public.portal_proposallink where id = (public.portal_link_of(token)).id for update;
  select * into p from public.portal_publication where id = l.publication_id;
  state := public.portal_state_of(l, p);
  select * into r from public.portal_reader o where o.key_hash = public.portal_hash(key) and o.link_id = l.id;
  if state <> 'open' then
    return state;
  elsif r.id is null then
    return 'unknown';
  end if;
  select coalesce(jsonb_agg(line -> 'id' order by line -> 'id'), '[]') into kept
    from jsonb_array_elements(coalesce(p.body -> 'prices', '[]')) line
   where (line -> 'optional')::text = 'true' and options @> jsonb_build_array(line -> 'id');
  if kept = l.chosen then
    return 'chose';
  end if;
  update public.portal_proposallink set chosen = kept where id = l.id;
  -- A machine that presses everything at once has read nothing.
  if r.counted_at is not null and clock_timestamp() - r.opened_at > interval '3 seconds' then
    perform public.portal_count(p, l, r, true, false, address, agent);
    if (select count(*) from public.portal_clientaction a where a.link_id = l.id and a.verb = 'chose') < 50 then
      perform public.portal_note(p, l, null, 'chose', coalesce(nullif(r.name, ''), l.contact_name), '', '',
                                 jsonb_build_object('options', kept), p.digest, address, agent);
    end if;
  end if;
  return 'chose';
end
$$;

-- Accept, decline, ask or object. The link is locked first and its publication second, so that of two answers,
-- or of an answer and a withdrawal, one wins and the other is told.
-- Now in strict.sql.
create function public.portal_answer(
  token text, key text, verb text, name text, role text, words text, data jsonb, digest text, address text, agent text
) returns text language plpgsql security definer set search_path = public, pg_temp as $$
declare
  l public.portal_proposallink;
  p public.portal_publication;
  r public.portal_reader;
  state text;
  decides boolean := verb in ('accepted', 'declined');
begin
  if verb is null or verb not in ('accepted', 'declined', 'asked', 'objected') or length(data::text) > 20000
     or (verb = 'accepted' and coalesce(btrim(name), '') = '')
     or (verb <> 'accepted' and coalesce(btrim(words), '') = '') then
    return 'refused';
  end if;
  select * into l from public.portal_proposallink where id = (public.portal_link_of(token)).id for update;
  select * into p from public.portal_publication where id = l.publication_id for update;
  state := public.portal_state_of(l, p);
  if state = 'answered' and decides then
    return 'already';
  elsif state not in ('open', 'answered') then
    return state;
  elsif decides and l.role <> 'decides' then
    return 'not_yours';
  elsif decides and digest is distinct from p.digest then
    return 'changed';
  elsif not decides and exists (
    select from public.portal_clientaction a where a.link_id = l.id and a.verb = portal_answer.verb
       and a.words = left(portal_answer.words, 5000) and a.data = coalesce(portal_answer.data, '{}')
       and a.at > clock_timestamp() - interval '10 minutes') then
    return verb;  -- pressed twice: it is here already
  elsif not decides and (select count(*) from public.portal_clientaction a
                         where a.link_id = l.id and a.verb in ('asked', 'objected')) >= 50 then
    return 'too_many';
  end if;
  select * into r from public.portal_reader o where o.key_hash = public.portal_hash(key) and o.link_id = l.id;
  if r.id is null and coalesce(length(key), 0) >= 20 then
    r := public.portal_new_reader(l, key, null, '', address, agent);
  end if;
  -- Whoever answers has read it.
  perform public.portal_count(p, l, r, true, true, address, agent);
  if decides then
    update public.portal_proposallink set answered_at = clock_timestamp() where id = l.id;
  end if;
  perform public.portal_note(
    p, l, null, verb, coalesce(nullif(btrim(name), ''), nullif(r.name, ''), l.contact_name), role, words, data,
    p.digest, address, agent);
  return verb;
end
$$;
