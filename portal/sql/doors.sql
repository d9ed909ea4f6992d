-- The doors by which the portal's login writes. Each checks for itself: the caller may be hostile.

-- Write down what a client did and wake whoever reads the inbox.
create function public.portal_note(
  shown public.portal_publication, of_link public.portal_proposallink, by_guest public.portal_guest,
  verb text, name text, role text, words text, data jsonb, digest text, address text, agent text
) returns void language plpgsql set search_path = public, pg_temp as $$
declare
  noted bigint;
begin
  insert into public.portal_clientaction (
    client_id, opportunity_id, publication_id, link_id, guest_id, contact_id,
    verb, name, role, words, data, digest, address, user_agent, at, outcome
  ) values (
    shown.client_id, shown.opportunity_id, shown.id, of_link.id, by_guest.id,
    coalesce(of_link.contact_id, by_guest.contact_id),
    verb, left(coalesce(name, ''), 200), left(coalesce(role, ''), 200), left(coalesce(words, ''), 5000),
    coalesce(data, '{}'), coalesce(digest, ''), left(coalesce(address, ''), 64), left(coalesce(agent, ''), 400),
    clock_timestamp(), ''
  ) returning id into noted;
  perform pg_notify('zarts_inbox', 'action:' || noted);
end
$$;

-- Now in strict.sql.
create function public.portal_link_state(token text) returns table (
  state text, contact_name text, sender_name text, client text, title text, valid_until timestamptz, decide_by date,
  publication_id bigint, opened_at timestamptz, answer jsonb, asked jsonb
) language sql stable security definer set search_path = public, pg_temp as $$
  select public.portal_state_of(l, p), l.contact_name, l.sender_name, p.body ->> 'client', p.title, l.expires_at,
    l.decide_by, p.id, l.opened_at,
    (select jsonb_build_object('verb', a.verb, 'name', a.name, 'role', a.role, 'at', a.at, 'options', a.data -> 'options')
       from public.portal_clientaction a
      where a.publication_id = p.id and a.verb in ('accepted', 'declined') limit 1),
    (select coalesce(jsonb_agg(jsonb_build_object('words', a.words, 'at', a.at) order by a.id), '[]')
       from public.portal_clientaction a where a.link_id = l.id and a.verb = 'asked')
  from (select 1) one
  left join public.portal_proposallink l on l.token_hash = public.portal_hash(token)
  left join public.portal_publication p on p.id = l.publication_id
$$;

-- Now in strict.sql.
create function public.portal_open(token text, address text, agent text) returns text
language plpgsql security definer set search_path = public, pg_temp as $$
declare
  l public.portal_proposallink;
  p public.portal_publication;
  state text;
begin
  select * into l from public.portal_proposallink where token_hash = public.portal_hash(token) for update;
  select * into p from public.portal_publication where id = l.publication_id;
  state := public.portal_state_of(l, p);
  if state = 'open' and l.opened_at is null then
    update public.portal_proposallink set opened_at = clock_timestamp() where id = l.id;
    perform public.portal_note(p, l, null, 'opened', l.contact_name, '', '', '{}', p.digest, address, agent);
  end if;
  return state;
end
$$;

-- Accept, decline or ask. The link is locked first and its publication second, so that of two answers,
-- or of an answer and a withdrawal, one wins and the other is told.
-- Now in strict.sql.
create function public.portal_answer(
  token text, verb text, name text, role text, words text, data jsonb, digest text, address text, agent text
) returns text language plpgsql security definer set search_path = public, pg_temp as $$
declare
  l public.portal_proposallink;
  p public.portal_publication;
  state text;
begin
  if verb is null or verb not in ('accepted', 'declined', 'asked') or length(data::text) > 20000
     or (verb = 'accepted' and coalesce(btrim(name), '') = '')
     or (verb in ('declined', 'asked') and coalesce(btrim(words), '') = '') then
    return 'refused';
  end if;
  select * into l from public.portal_proposallink where token_hash = public.portal_hash(token) for update;
  select * into p from public.portal_publication where id = l.publication_id for update;
  state := public.portal_state_of(l, p);
  if state = 'answered' and verb <> 'asked' then
    return 'already';
  elsif state not in ('open', 'answered') then
    return state;
  elsif verb <> 'asked' and digest is distinct from p.digest then
    return 'changed';
  elsif verb = 'asked' and (select count(*) from public.portal_clientaction a
                            where a.link_id = l.id and a.verb = 'asked') >= 50 then
    return 'too_many';
  end if;
  if l.opened_at is null then
    update public.portal_proposallink set opened_at = clock_timestamp() where id = l.id;
    perform public.portal_note(p, l, null, 'opened', l.contact_name, '', '', '{}', p.digest, address, agent);
  end if;
  if verb <> 'asked' then
    update public.portal_proposallink set answered_at = clock_timestamp() where id = l.id;
  end if;
  perform public.portal_note(p, l, null, verb, coalesce(nullif(btrim(name), ''), l.contact_name), role, words, data,
                             p.digest, address, agent);
  return verb;
end
$$;

-- Now in strict.sql.
create function public.portal_sign(
  token text, publication bigint, name text, role text, consent_version text, digest text, address text, agent text
) returns text language plpgsql security definer set search_path = public, pg_temp as $$
declare
  s public.portal_session;
  g public.portal_guest;
  p public.portal_publication;
begin
  s := public.portal_live_session(token);
  if s.id is null then
    return 'signed_out';
  end if;
  select * into g from public.portal_guest where id = s.guest_id;
  select * into p from public.portal_publication
   where id = publication and client_id = s.client_id and kind = 'contract' for update;
  if not found then
    return 'unknown';
  elsif p.withdrawn_at is not null then
    return 'withdrawn';
  elsif exists (select from public.portal_clientaction a
                where a.publication_id = p.id and a.guest_id = g.id and a.verb = 'signed') then
    return 'already';
  elsif exists (select from public.portal_publication q
                where q.client_id = p.client_id and q.kind = p.kind and q.ref = p.ref and q.withdrawn_at is null
                  and (q.published_at, q.id) > (p.published_at, p.id)) then
    return 'replaced';
  elsif digest is distinct from p.digest or consent_version is distinct from p.body #>> '{consent,version}' then
    return 'changed';
  elsif coalesce(jsonb_typeof(p.body -> 'countersigned'), 'null') <> 'null' then
    return 'closed';
  elsif not coalesce(p.body -> 'signers' @> jsonb_build_array(jsonb_build_object('contact_id', g.contact_id)), false) then
    return 'not_signer';
  elsif coalesce(btrim(name), '') = '' then
    return 'refused';
  end if;
  perform public.portal_note(p, null, g, 'signed', name, role, '', jsonb_build_object('consent', p.body -> 'consent'),
                             p.digest, address, agent);
  update public.portal_session set seen_at = clock_timestamp() where id = s.id;
  return 'signed';
end
$$;

-- Always the same silence: the caller cannot learn which addresses are known, nor when the limit is reached.
-- Now in onward.sql.
create function public.portal_request_sign_in(email text, address text) returns void
language plpgsql security definer set search_path = public, pg_temp as $$
declare
  asked_by text := lower(btrim(coalesce(email, '')));
  asked_from text := left(coalesce(address, ''), 64);
  noted bigint;
begin
  if asked_by !~ '^[^@[:space:]]+@[^@[:space:]]+$' or length(asked_by) > 254 then
    return;
  end if;
  perform pg_advisory_xact_lock(hashtextextended('zarts sign-in ' || asked_by, 0));
  if (select count(*) from public.portal_signinrequest r
      where r.email = asked_by and r.at > clock_timestamp() - interval '1 hour') >= 5
     or (select count(*) from public.portal_signinrequest r
         where r.address = asked_from and r.at > clock_timestamp() - interval '1 hour') >= 100 then
    return;
  end if;
  insert into public.portal_signinrequest (email, address, at) values (asked_by, asked_from, clock_timestamp())
  returning id into noted;
  perform pg_notify('zarts_inbox', 'sign_in:' || noted);
end
$$;

-- Now in guests.sql.
create function public.portal_sign_in(token text, session_hash text) returns bigint
language plpgsql security definer set search_path = public, pg_temp as $$
declare
  g public.portal_guest;
begin
  if session_hash is null or session_hash !~ '^[0-9a-f]{64}$' then
    return null;
  end if;
  select g2.* into g from public.portal_signinlink k join public.portal_guest g2 on g2.id = k.guest_id
   where k.token_hash = public.portal_hash(token) and k.used_at is null and k.expires_at > clock_timestamp()
     and g2.revoked_at is null
   for update of k;
  if not found then
    return null;
  end if;
  update public.portal_signinlink k set used_at = clock_timestamp()
   where k.token_hash = public.portal_hash(token);
  insert into public.portal_session (guest_id, client_id, token_hash, created_at, seen_at, expires_at)
  values (g.id, g.client_id, session_hash, clock_timestamp(), clock_timestamp(), clock_timestamp() + interval '14 days');
  return g.client_id;
end
$$;

create function public.portal_sign_out() returns void
language sql security definer set search_path = public, pg_temp as $$
  update public.portal_session set revoked_at = clock_timestamp()
   where token_hash = public.portal_hash(current_setting('zarts.token', true)) and revoked_at is null
$$;

-- Now in guests.sql.
create function public.portal_session() returns table (name text, client_id bigint, contact_id bigint)
language sql stable security definer set search_path = public, pg_temp as $$
  select g.name, g.client_id, g.contact_id
  from public.portal_live_session(current_setting('zarts.token', true)) s
  join public.portal_guest g on g.id = s.guest_id
$$;

-- What this client's people did. Another's words stay with whoever wrote them.
-- Now in untaken.sql.
create function public.portal_my_actions() returns table (
  verb text, name text, role text, words text, at timestamptz, title text, kind text, ref text, publication_id bigint,
  contact_id bigint, options jsonb
) language sql stable security definer set search_path = public, pg_temp as $$
  select a.verb, a.name, a.role, case when a.contact_id = g.contact_id then a.words else '' end, a.at,
         p.title, p.kind, p.ref, p.id, a.contact_id, a.data -> 'options'
  from public.portal_live_session(current_setting('zarts.token', true)) s
  join public.portal_guest g on g.id = s.guest_id
  join public.portal_clientaction a on a.client_id = s.client_id
  left join public.portal_publication p on p.id = a.publication_id
  order by a.id desc limit 200
$$;

-- Now in strict.sql.
create function public.portal_inquire(
  key uuid, name text, email text, phone text, company text, website text, message text,
  consent boolean, consent_version text, source jsonb, address text
) returns boolean language plpgsql security definer set search_path = public, pg_temp as $$
declare
  noted bigint;
begin
  if key is null or coalesce(btrim(name), '') = '' or coalesce(btrim(email), '') = '' or consent is not true
     or length(source::text) > 8000 then
    raise exception 'an inquiry needs a key, a name, an address and consent' using errcode = '23514';
  end if;
  insert into public.portal_inquiry (
    key, name, email, phone, company, website, message, consent, consent_version, source, address, at
  ) values (
    key, left(name, 120), lower(left(email, 254)), left(coalesce(phone, ''), 40), left(coalesce(company, ''), 160),
    left(coalesce(website, ''), 300), left(coalesce(message, ''), 5000), consent, left(coalesce(consent_version, ''), 40),
    coalesce(source, '{}'), left(coalesce(address, ''), 64), clock_timestamp()
  ) on conflict on constraint portal_inquiry_key_key do nothing returning id into noted;
  if noted is null then
    return false;
  end if;
  perform pg_notify('zarts_inbox', 'inquiry:' || noted);
  return true;
end
$$;
