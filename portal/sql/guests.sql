-- How a guest comes in, goes over to another client's room, and ends what is open elsewhere; and how the agency looks at
-- the portal as a client. A session is a person's (a mail address); its guest and client are whose room they are in.

update public.portal_session s set email = g.email from public.portal_guest g where g.id = s.guest_id and s.email = '';

do $$
begin
  if to_regclass('public.opportunities_client') is not null then
    update public.portal_guest g set client_name = c.name from public.opportunities_client c where c.id = g.client_id;
  end if;
end
$$;

create or replace function public.portal_live_session(token text) returns public.portal_session
language sql stable security definer set search_path = public, pg_temp as $$
  select s.* from public.portal_session s join public.portal_guest g on g.id = s.guest_id
  where s.token_hash = public.portal_hash(token) and g.email = s.email and g.client_id = s.client_id
    and s.revoked_at is null and g.revoked_at is null and s.expires_at > clock_timestamp()
$$;

-- Who looks: a guest, or somebody of the agency as a client. What only shows asks here; what writes asks for a session.
create function public.portal_seeing(token text) returns table (client_id bigint, guest_id bigint, preview_id bigint)
language sql stable security definer set search_path = public, pg_temp as $$
  select s.client_id, s.guest_id, null::bigint from public.portal_live_session(token) s where s.id is not null
  union all
  select p.client_id, null, p.id from public.portal_preview p
  where p.token_hash = public.portal_hash(token) and p.ends_at > clock_timestamp()
$$;

-- Now in quick.sql.
create or replace function public.portal_client() returns bigint
language sql stable security definer set search_path = public, pg_temp as $$
  select client_id from public.portal_seeing(current_setting('zarts.token', true)) limit 1
$$;

-- A guest that was let in before clients had names here takes the name from what was published.
create function public.portal_client_name(client bigint, known text) returns text
language sql stable security definer set search_path = public, pg_temp as $$
  select coalesce(nullif(known, ''), (
    select p.body ->> 'client' from public.portal_publication p
    where p.client_id = client and p.body ->> 'client' <> '' order by p.id desc limit 1), '')
$$;

drop function public.portal_session();
create function public.portal_session() returns table (
  name text, client_id bigint, contact_id bigint, email text, client text, rooms bigint, preview boolean
) language sql stable security definer set search_path = public, pg_temp as $$
  select coalesce(g.name, v.client_name), s.client_id, g.contact_id, coalesce(g.email, ''),
    public.portal_client_name(s.client_id, coalesce(g.client_name, v.client_name)),
    (select count(*) from public.portal_guest o where o.email = g.email and o.revoked_at is null), v.id is not null
  from public.portal_seeing(current_setting('zarts.token', true)) s
  left join public.portal_guest g on g.id = s.guest_id
  left join public.portal_preview v on v.id = s.preview_id
$$;

-- Now in untaken.sql.
create or replace function public.portal_my_actions() returns table (
  verb text, name text, role text, words text, at timestamptz, title text, kind text, ref text, publication_id bigint,
  contact_id bigint, options jsonb
) language sql stable security definer set search_path = public, pg_temp as $$
  select a.verb, a.name, a.role, case when a.contact_id = g.contact_id then a.words else '' end, a.at,
         p.title, p.kind, p.ref, p.id, a.contact_id, a.data -> 'options'
  from public.portal_seeing(current_setting('zarts.token', true)) s
  left join public.portal_guest g on g.id = s.guest_id
  join public.portal_clientaction a on a.client_id = s.client_id
  left join public.portal_publication p on p.id = a.publication_id
  order by a.id desc limit 200
$$;

-- -- Coming in. -------------------------------------------------------------------------------------------------------

-- What one household or office has: an IPv4 address, or the /64 of an IPv6 address.
create function public.portal_network(address text) returns text
language plpgsql immutable set search_path = public, pg_temp as $$
declare
  found inet;
begin
  if not pg_input_is_valid(coalesce(address, ''), 'inet') then
    return left(coalesce(address, ''), 64);
  end if;
  found := host(address::inet)::inet;
  if found <<= '::ffff:0:0/96'::inet then
    return substring(host(found) from '[0-9.]+$');
  elsif family(found) = 6 then
    return network(set_masklen(found, 64))::text;
  end if;
  return host(found);
end
$$;

-- Let a person in: to the room that was asked for, else to the one they were in last.
create function public.portal_come_in(
  mail text, wanted bigint, session_hash text, address text, agent text
) returns bigint language plpgsql set search_path = public, pg_temp as $$
declare
  g public.portal_guest;
begin
  select o.* into g from public.portal_guest o where o.email = mail and o.revoked_at is null
  order by o.id is not distinct from wanted desc,
    (select max(s.seen_at) from public.portal_session s where s.guest_id = o.id) desc nulls last, o.id desc
  limit 1;
  if not found then
    return null;
  end if;
  insert into public.portal_session (
    guest_id, client_id, email, token_hash, address, user_agent, created_at, seen_at, expires_at
  ) values (
    g.id, g.client_id, g.email, session_hash, left(coalesce(address, ''), 64), left(coalesce(agent, ''), 400),
    clock_timestamp(), clock_timestamp(), clock_timestamp() + interval '14 days'
  );
  return g.client_id;
end
$$;

-- Always the same silence: the caller cannot learn which addresses are known, nor when a limit is reached.
drop function public.portal_request_sign_in(text, text);
-- Now in onward.sql.
create function public.portal_request_sign_in(email text, address text, nonce_hash text default '') returns void
language plpgsql security definer set search_path = public, pg_temp as $$
declare
  asked_by text := lower(btrim(coalesce(email, '')));
  asked_from text := left(coalesce(address, ''), 64);
  near text := public.portal_network(left(address, 64));
  lately constant timestamptz := clock_timestamp() - interval '1 hour';
  noted bigint;
begin
  if asked_by !~ '^[^@[:space:]]+@[^@[:space:]]+$' or length(asked_by) > 254 or nonce_hash !~ '^([0-9a-f]{64})?$' then
    return;
  end if;
  perform pg_advisory_xact_lock(hashtextextended('zarts sign-in ' || asked_by, 0));
  if (select count(*) from public.portal_signinrequest r where r.email = asked_by and r.at > lately) >= 5
     or (select count(*) from public.portal_signinrequest r where r.network = near and r.at > lately) >= 100 then
    return;
  end if;
  insert into public.portal_signinrequest (email, address, network, nonce_hash, at)
  values (asked_by, asked_from, near, coalesce(portal_request_sign_in.nonce_hash, ''), clock_timestamp())
  returning id into noted;
  perform pg_notify('zarts_inbox', 'sign_in:' || noted);
end
$$;

drop function public.portal_sign_in(text, text);
create function public.portal_sign_in(
  token text, session_hash text, address text default '', agent text default ''
) returns bigint language plpgsql security definer set search_path = public, pg_temp as $$
declare
  k public.portal_signinlink;
  client bigint;
begin
  if session_hash is null or session_hash !~ '^[0-9a-f]{64}$' then
    return null;
  end if;
  select l.* into k from public.portal_signinlink l
   where l.token_hash = public.portal_hash(token) and l.used_at is null and l.expires_at > clock_timestamp()
   for update;
  if not found then
    return null;
  end if;
  client := public.portal_come_in(
    (select g.email from public.portal_guest g where g.id = k.guest_id), k.guest_id, session_hash, address, agent);
  if client is not null then
    update public.portal_signinlink l set used_at = clock_timestamp() where l.id = k.id;
  end if;
  return client;
end
$$;

-- A code is typed in one transaction and compared in another. So a caller who takes a transaction back has not tried
-- anything yet, and who has tried has used one of the five up.
-- Now in turns.sql.
create function public.portal_try_code(nonce text, code text) returns void
language plpgsql security definer set search_path = public, pg_temp as $$
declare
  r public.portal_signinrequest;
  is_dead boolean;
begin
  select q.* into r from public.portal_signinrequest q
   where q.nonce_hash = public.portal_hash(nonce) and q.nonce_hash <> '' order by q.id desc limit 1 for update;
  if not found then
    return;
  end if;
  -- Whoever asks for a new code again and again gets no more than ten wrong tries a day at one address.
  perform pg_advisory_xact_lock(hashtextextended('zarts sign-in ' || r.email, 0));
  is_dead := r.tries >= 5 or (
    select coalesce(sum(q.tries), 0) >= 10 from public.portal_signinrequest q
    where q.email = r.email and q.at > clock_timestamp() - interval '1 day');
  update public.portal_signinrequest q set
    tries = least(q.tries + 1, 99),
    tried_hash = case when is_dead then '' else public.portal_hash(r.nonce_hash || ':' || coalesce(code, '')) end,
    tried_in = pg_current_xact_id()::text::bigint
  where q.id = r.id;
end
$$;

create function public.portal_enter_by_code(
  nonce text, session_hash text, address text, agent text
) returns bigint language plpgsql security definer set search_path = public, pg_temp as $$
declare
  r public.portal_signinrequest;
  k public.portal_signinlink;
  client bigint;
begin
  if session_hash is null or session_hash !~ '^[0-9a-f]{64}$' then
    return null;
  end if;
  select q.* into r from public.portal_signinrequest q
   where q.nonce_hash = public.portal_hash(nonce) and q.nonce_hash <> '' order by q.id desc limit 1 for update;
  if not found or r.tried_hash = '' or r.tried_in = pg_current_xact_id()::text::bigint then
    return null;
  end if;
  update public.portal_signinrequest q set tried_hash = '' where q.id = r.id;
  select l.* into k from public.portal_signinlink l
   where l.request_id = r.id and l.code_hash = r.tried_hash and l.used_at is null and l.expires_at > clock_timestamp()
   for update;
  if not found then
    return null;
  end if;
  client := public.portal_come_in(
    (select g.email from public.portal_guest g where g.id = k.guest_id), k.guest_id, session_hash, address, agent);
  if client is not null then
    update public.portal_signinlink l set used_at = clock_timestamp() where l.id = k.id;
    -- Only what was wrong counts against the day.
    update public.portal_signinrequest q set tries = q.tries - 1 where q.id = r.id;
  end if;
  return client;
end
$$;

-- -- Rooms and sessions: what a signed-in person may see and end of their own. -----------------------------------------

create function public.portal_rooms() returns table (client_id bigint, client text, here boolean)
language sql stable security definer set search_path = public, pg_temp as $$
  select g.client_id, public.portal_client_name(g.client_id, g.client_name), g.id = s.guest_id
  from public.portal_live_session(current_setting('zarts.token', true)) s
  join public.portal_guest g on g.email = s.email and g.revoked_at is null
  order by 2, 1
$$;

create function public.portal_switch(client bigint) returns boolean
language plpgsql security definer set search_path = public, pg_temp as $$
declare
  s public.portal_session;
  g public.portal_guest;
begin
  s := public.portal_live_session(current_setting('zarts.token', true));
  select o.* into g from public.portal_guest o
   where o.email = s.email and o.client_id = client and o.revoked_at is null;
  if s.id is null or g.id is null then
    return false;
  end if;
  update public.portal_session o set guest_id = g.id, client_id = g.client_id, seen_at = clock_timestamp()
   where o.id = s.id;
  return true;
end
$$;

create function public.portal_sessions() returns table (
  id bigint, user_agent text, address text, created_at timestamptz, seen_at timestamptz, here boolean
) language sql stable security definer set search_path = public, pg_temp as $$
  select o.id, o.user_agent, o.address, o.created_at, o.seen_at, o.id = s.id
  from public.portal_live_session(current_setting('zarts.token', true)) s
  join public.portal_session o on o.email = s.email
  join public.portal_guest g on g.id = o.guest_id
  where o.revoked_at is null and o.expires_at > clock_timestamp() and g.revoked_at is null
  order by o.id = s.id desc, o.seen_at desc, o.id desc limit 100
$$;

-- End one session of one's own, or without a number all but this one. Return how many ended.
create function public.portal_end_sessions(which bigint default null) returns bigint
language sql security definer set search_path = public, pg_temp as $$
  with mine as (select * from public.portal_live_session(current_setting('zarts.token', true))),
  ended as (
    update public.portal_session o set revoked_at = clock_timestamp() from mine
    where o.email = mine.email and o.revoked_at is null
      and case when which is null then o.id <> mine.id else o.id = which end
    returning o.id
  ),
  noted as (
    update public.portal_session o set seen_at = clock_timestamp() from mine
    where o.id = mine.id and which is distinct from mine.id
  )
  select count(*) from ended
$$;

create function public.portal_seen() returns void
language sql security definer set search_path = public, pg_temp as $$
  update public.portal_session o set seen_at = clock_timestamp()
  from public.portal_live_session(current_setting('zarts.token', true)) s
  where o.id = s.id and o.seen_at < clock_timestamp() - interval '1 minute'
$$;

-- -- Passkeys. The portal's process checks the signatures, with a key that it gets for one credential at a time. --------

create function public.portal_passkeys() returns table (
  id bigint, name text, credential text, created_at timestamptz, used_at timestamptz
) language sql stable security definer set search_path = public, pg_temp as $$
  select k.id, k.name, k.credential, k.created_at, k.used_at
  from public.portal_live_session(current_setting('zarts.token', true)) s
  join public.portal_passkey k on k.email = s.email and k.revoked_at is null
  order by k.id
$$;

create function public.portal_add_passkey(
  credential text, public_key bytea, sign_count bigint, name text, challenge text
) returns text language plpgsql security definer set search_path = public, pg_temp as $$
declare
  s public.portal_session;
begin
  s := public.portal_live_session(current_setting('zarts.token', true));
  if s.id is null then
    return 'signed_out';
  elsif coalesce(credential, '') !~ '^[A-Za-z0-9_-]+$' or length(credential) not between 16 and 1400
     or coalesce(length(public_key), 0) not between 16 and 4000
     or coalesce(sign_count, -1) < 0 or length(coalesce(challenge, '')) < 32 then
    return 'refused';
  elsif (select count(*) from public.portal_passkey k where k.email = s.email and k.revoked_at is null) >= 10 then
    return 'too_many';
  end if;
  insert into public.portal_usedchallenge (digest, at) values (public.portal_hash(challenge), clock_timestamp())
  on conflict do nothing;
  if not found then
    return 'used';
  end if;
  insert into public.portal_passkey (email, name, credential, public_key, sign_count, created_at)
  values (s.email, left(coalesce(nullif(btrim(name), ''), 'Passkey'), 80), credential, public_key, sign_count,
          clock_timestamp())
  on conflict do nothing;
  return case when found then 'added' else 'known' end;
end
$$;

create function public.portal_remove_passkey(which bigint) returns boolean
language plpgsql security definer set search_path = public, pg_temp as $$
declare
  s public.portal_session;
begin
  s := public.portal_live_session(current_setting('zarts.token', true));
  update public.portal_passkey k set revoked_at = clock_timestamp()
   where k.id = which and k.email = s.email and k.revoked_at is null;
  return found;
end
$$;

create function public.portal_passkey_key(credential text) returns table (public_key bytea, sign_count bigint)
language sql stable security definer set search_path = public, pg_temp as $$
  select k.public_key, k.sign_count from public.portal_passkey k
  where k.credential = portal_passkey_key.credential and k.revoked_at is null
$$;

-- The device's count must have grown, unless it keeps none: a copy of a key would fall behind.
create function public.portal_enter_by_passkey(
  credential text, sign_count bigint, challenge text, session_hash text, address text, agent text
) returns bigint language plpgsql security definer set search_path = public, pg_temp as $$
declare
  k public.portal_passkey;
  client bigint;
begin
  if session_hash is null or session_hash !~ '^[0-9a-f]{64}$' or length(coalesce(challenge, '')) < 32 then
    return null;
  end if;
  select o.* into k from public.portal_passkey o
   where o.credential = portal_enter_by_passkey.credential and o.revoked_at is null for update;
  if not found or not coalesce(sign_count > k.sign_count or (sign_count = 0 and k.sign_count = 0), false) then
    return null;
  end if;
  insert into public.portal_usedchallenge (digest, at) values (public.portal_hash(challenge), clock_timestamp())
  on conflict do nothing;
  if not found then
    return null;
  end if;
  client := public.portal_come_in(k.email, null, session_hash, address, agent);
  if client is not null then
    update public.portal_passkey o set sign_count = portal_enter_by_passkey.sign_count, used_at = clock_timestamp()
     where o.id = k.id;
  end if;
  return client;
end
$$;

-- -- Preview as client. --------------------------------------------------------------------------------------------------

create function public.portal_enter_preview(entry text, preview_hash text) returns table (
  client_id bigint, kind text, publication_id bigint
) language plpgsql security definer set search_path = public, pg_temp as $$
#variable_conflict use_column
declare
  v public.portal_preview;
begin
  if preview_hash is null or preview_hash !~ '^[0-9a-f]{64}$' then
    return;
  end if;
  update public.portal_preview o
     set token_hash = preview_hash, ends_at = clock_timestamp() + interval '30 minutes'
   where o.entry_hash = public.portal_hash(entry) and o.token_hash is null and o.enter_until > clock_timestamp()
  returning o.* into v;
  if v.id is not null then
    return query select v.client_id, p.kind::text, p.id from (select 1) one
      left join public.portal_publication p on p.id = v.publication_id and p.client_id = v.client_id;
  end if;
end
$$;

create function public.portal_end_preview() returns void
language sql security definer set search_path = public, pg_temp as $$
  update public.portal_preview set ends_at = clock_timestamp()
  where token_hash = public.portal_hash(current_setting('zarts.token', true)) and ends_at > clock_timestamp()
$$;
