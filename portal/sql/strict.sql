-- The doors look closer: at names and roles, at what is agreed to, and at what a dead link tells.

-- Whether this can be read as a name or a role: it has a letter, and nothing that nobody sees or that turns the direction
-- of text. The view drops such marks; whoever comes past it is refused. pg_c_utf8 knows every script's letters.
create function public.portal_is_name(said text, longest int) returns boolean
language sql immutable set search_path = public, pg_temp as $$
  select said is not null and length(said) <= longest and said collate "pg_c_utf8" ~ '[[:alpha:]]'
    and said collate "C" !~ ('[\u0001-\u001f\u007f-\u009f\u00ad\u034f\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u115f\u1160'
      || '\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164\ue000-\uf8ff\ufe00-\ufe0f\ufeff\uffa0\ufff9-\ufffb'
      || '\U000110bd\U000110cd\U00013430-\U0001343f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U0010ffff]')
$$;

-- Where somebody came from, without what could be a key: no query, and nothing as long as a token.
create function public.portal_without_keys(source jsonb) returns jsonb
language sql immutable set search_path = public, pg_temp as $$
  select case when source ? 'referrer' then source || jsonb_build_object('referrer', regexp_replace(
    regexp_replace(source ->> 'referrer', '[?#].*$', ''), '[A-Za-z0-9_-]{32,}', '…', 'g')) else source end
$$;

-- As in inquire_checked.sql. A name is one, and where they came from is no key.
create or replace function public.portal_inquire(
  key uuid, name text, email text, phone text, company text, website text, message text,
  consent boolean, consent_version text, source jsonb, address text, doubtful boolean default false
) returns boolean language plpgsql security definer set search_path = public, pg_temp as $$
declare
  noted bigint;
  -- Control and direction marks, which the view drops.
  marks constant text := '[\u0001-\u001f\u007f-\u009f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]';
begin
  if key is null or not public.portal_is_name(name, 120) or consent is not true then
    raise exception 'an inquiry needs a key, a name, an address and consent' using errcode = '23514';
  elsif coalesce(email, '') !~ '^[^@ "<>]+@[^@ "<>]+\.[^@ "<>.]+$'
     or website like '% %' or nullif(website, '') not like '%.%' or website ~* '^(javascript|data):' then
    raise exception 'an inquiry names an address that can be one' using errcode = '23514';
  elsif length(name) > 120 or length(email) > 254 or length(phone) > 40 or length(company) > 160
     or length(website) > 300 or length(message) > 5000 or length(consent_version) > 40 or length(address) > 64
     or length(source::text) > 8000 then
    raise exception 'an inquiry is shorter' using errcode = '23514';
  elsif concat(name, email, phone, company, website, consent_version, address) ~ marks
     or replace(message, E'\n', '') ~ marks
     or exists (select from jsonb_each_text(source) named where named.key || named.value ~ marks) then
    raise exception 'an inquiry holds no control or direction marks' using errcode = '23514';
  end if;
  insert into public.portal_inquiry (
    key, name, email, phone, company, website, message, consent, consent_version, source, address, doubtful, at
  ) values (
    key, name, lower(email), coalesce(phone, ''), coalesce(company, ''), coalesce(website, ''), coalesce(message, ''),
    consent, coalesce(consent_version, ''), coalesce(public.portal_without_keys(source), '{}'), coalesce(address, ''), coalesce(doubtful, false),
    clock_timestamp()
  ) on conflict on constraint portal_inquiry_key_key do nothing returning id into noted;
  if noted is null then
    return false;
  end if;
  perform pg_notify('zarts_inbox', 'inquiry:' || noted);
  return true;
end
$$;

-- As in answers.sql. A link that is dead, or whose offer is, tells its title, its sender, its last day and its state alone.
create or replace function public.portal_link_state(token text, key text) returns table (
  state text, contact_name text, sender_name text, client text, title text, valid_until timestamptz, decide_by date,
  publication_id bigint, opened_at timestamptz, answer jsonb, asked jsonb,
  role text, deciders jsonb, chosen jsonb, leads_on boolean, same_offer boolean, reader text, read_before boolean
) language sql stable security definer set search_path = public, pg_temp as $$
  select public.portal_state_of(l, p), s.contact_name, l.sender_name, shown.body ->> 'client', p.title, l.expires_at,
    s.decide_by, shown.id, s.opened_at,
    (select jsonb_build_object('verb', a.verb, 'name', a.name, 'role', a.role, 'at', a.at, 'options', a.data -> 'options')
       from public.portal_clientaction a
      where a.publication_id = shown.id and a.verb in ('accepted', 'declined') limit 1),
    (select coalesce(jsonb_agg(jsonb_build_object(
              'id', a.id, 'verb', a.verb, 'name', a.name, 'words', a.words, 'at', a.at, 'about', a.data ->> 'title',
              'answer', found.answer) order by a.id), '[]')
       from public.portal_clientaction a
       cross join lateral (select public.portal_answer_to(a) as answer) found
      where a.client_id = s.client_id and a.verb in ('asked', 'objected')
        and (a.link_id in (select public.portal_links_behind(s))
             or (a.publication_id = shown.id and (a.contact_id = s.contact_id or found.answer is not null)))),
    s.role,
    (select coalesce(jsonb_agg(distinct d.contact_name), '[]') from public.portal_proposallink d
      where d.publication_id = shown.id and d.role = 'decides' and d.revoked_at is null),
    s.chosen, own.id <> l.id, own.publication_id = l.publication_id, r.name,
    exists (select from public.portal_reader o where o.link_id = s.id and o.name = '' and o.counted_at is not null)
  from (select 1) one
  left join public.portal_proposallink own on own.token_hash = public.portal_hash(token)
  left join public.portal_link_of(token) l on true
  left join public.portal_publication p on p.id = l.publication_id
  left join public.portal_proposallink s
    on s.id = l.id and l.revoked_at is null and p.withdrawn_at is null and l.expires_at > clock_timestamp()
  left join public.portal_publication shown on shown.id = s.publication_id
  left join public.portal_reader r on r.link_id = s.id and r.key_hash = public.portal_hash(key)
$$;

-- As in reading.sql. Who gives a name gives one.
create or replace function public.portal_open(
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
  elsif coalesce(name, '') <> '' and not public.portal_is_name(name, 120) then
    return 'refused';
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

-- As in reading.sql. Names are names, data is what it should be, and the words agreed to are those that were shown.
create or replace function public.portal_answer(
  token text, key text, verb text, name text, role text, words text, data jsonb, digest text, address text, agent text
) returns text language plpgsql security definer set search_path = public, pg_temp as $$
declare
  l public.portal_proposallink;
  p public.portal_publication;
  r public.portal_reader;
  state text;
  decides boolean := verb in ('accepted', 'declined');
begin
  data := coalesce(data, '{}');
  if verb is null or verb not in ('accepted', 'declined', 'asked', 'objected') or length(data::text) > 20000
     or jsonb_typeof(data) <> 'object' or jsonb_typeof(coalesce(data -> 'options', '[]')) <> 'array'
     or jsonb_typeof(coalesce(data -> 'about', '""')) <> 'string' or jsonb_typeof(coalesce(data -> 'title', '""')) <> 'string'
     or (verb = 'accepted' and not (public.portal_is_name(name, 200) and public.portal_is_name(role, 200)))
     or (coalesce(name, '') <> '' and not public.portal_is_name(name, 200))
     or (coalesce(role, '') <> '' and not public.portal_is_name(role, 200))
     or length(words) > 5000 or (verb <> 'accepted' and coalesce(btrim(words), '') = '') then
    return 'refused';
  end if;
  select * into l from public.portal_proposallink where id = (public.portal_link_of(token)).id for update;
  select * into p from public.portal_publication where id = l.publication_id for update;
  state := public.portal_state_of(l, p);
  if state = 'answered' and decides then
    return 'already';
  elsif state not in ('open', 'answered') then
    return state;
  -- An answer outlasts its link; what can be asked there does not.
  elsif l.revoked_at is not null or p.withdrawn_at is not null then
    return 'withdrawn';
  elsif l.expires_at <= clock_timestamp() then
    return 'expired';
  elsif decides and l.role <> 'decides' then
    return 'not_yours';
  elsif decides and digest is distinct from p.digest then
    return 'changed';
  -- What was published before the words were kept with it shows the first ones.
  elsif verb = 'accepted' and coalesce(data #>> '{consent,version}', '')
        <> coalesce(p.body #>> '{consent,version}', 'accept-2026-11') then
    return 'words';
  elsif not decides and exists (
    select from public.portal_clientaction a where a.link_id = l.id and a.verb = portal_answer.verb
       and a.words = left(portal_answer.words, 5000) and a.data - 'reader' = portal_answer.data - 'reader'
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
  -- Whoever named themselves at the cover is told of, whatever name they answer with.
  data := data - 'reader' || case when coalesce(r.name, '') = '' then '{}' else jsonb_build_object('reader', r.name) end;
  perform public.portal_note(
    p, l, null, verb, coalesce(nullif(btrim(name), ''), nullif(r.name, ''), l.contact_name), role, words, data,
    p.digest, address, agent);
  return verb;
end
$$;

-- As in signing.sql. Name and role are such, and too long ones are not cut.
create or replace function public.portal_sign(
  token text, publication bigint, name text, role text, consent_version text, digest text, address text, agent text
) returns text language plpgsql security definer set search_path = public, pg_temp as $$
declare
  s public.portal_session;
  g public.portal_guest;
  p public.portal_publication;
  state text;
begin
  s := public.portal_live_session(token);
  if s.id is null then
    return 'signed_out';
  end if;
  select * into g from public.portal_guest where id = s.guest_id;
  select * into p from public.portal_publication
   where id = publication and client_id = s.client_id and kind = 'contract' for update;
  state := public.portal_contract_state_of(p);
  if state in ('unknown', 'declined', 'withdrawn') then
    return state;
  elsif exists (select from public.portal_deeds_of(p) d where d.verb = 'signed' and d.contact_id = g.contact_id) then
    return 'already';
  elsif state <> 'open' then
    return state;
  elsif consent_version is distinct from p.body #>> '{consent,version}' then
    return 'words';
  elsif digest is distinct from p.digest then
    return 'changed';
  elsif not coalesce(p.body -> 'signers' @> jsonb_build_array(jsonb_build_object('contact_id', g.contact_id)), false) then
    return 'not_signer';
  elsif public.portal_waits_for_another(p, g.contact_id) then
    return 'waiting';
  elsif not (public.portal_is_name(name, 200) and public.portal_is_name(role, 200)) then
    return 'refused';
  end if;
  perform public.portal_note(p, null, g, 'signed', name, role, '', jsonb_build_object('consent', p.body -> 'consent'),
                             p.digest, address, agent);
  update public.portal_session set seen_at = clock_timestamp() where id = s.id;
  return 'signed';
end
$$;

-- As in papers.sql, for a network and not for each of its addresses.
create or replace function public.portal_may_look(address text) returns boolean
language plpgsql security definer set search_path = public, pg_temp as $$
declare
  asked_from text := public.portal_network(address);
begin
  perform pg_advisory_xact_lock(hashtextextended('zarts look ' || asked_from, 0));
  delete from public.portal_look where id in (
    select k.id from public.portal_look k where k.at < clock_timestamp() - interval '1 hour' for update skip locked
  );
  if (select count(*) from public.portal_look k where k.address = asked_from) >= 60 then
    return false;
  end if;
  insert into public.portal_look (address, at) values (asked_from, clock_timestamp());
  return true;
end
$$;
