-- What a guest does on the onboarding page: tick off what is theirs to do, and say that an access is granted. Each door
-- checks for itself: the caller may be hostile.

-- The page in force of the list that was read, locked: two people there do one thing once.
create function public.portal_list_of(s public.portal_session, publication bigint) returns public.portal_publication
language plpgsql security definer set search_path = public, pg_temp as $$
declare
  p public.portal_publication;
begin
  select q.* into p from public.portal_publication chosen
    join public.portal_publication q on q.client_id = chosen.client_id and q.kind = chosen.kind and q.ref = chosen.ref
   where chosen.id = publication and chosen.client_id = s.client_id and chosen.kind = 'onboarding'
     and q.withdrawn_at is null
   order by q.published_at desc, q.id desc limit 1 for no key update of q;
  return p;
end
$$;

-- Why a line of a list cannot be done: it was on the list before, or it never was on one of this client's.
create function public.portal_line_missing(p public.portal_publication, part text, line bigint) returns text
language sql stable security definer set search_path = public, pg_temp as $$
  select case when exists (
    select from public.portal_publication q, jsonb_array_elements(q.body -> part) e
     where q.client_id = p.client_id and q.kind = p.kind and q.ref = p.ref and e ->> 'id' = line::text
  ) then 'gone' else 'unknown' end
$$;

-- Whether somebody there did it and we have not read it yet.
create function public.portal_line_waits(p public.portal_publication, deed text, part text, line bigint) returns boolean
language sql stable security definer set search_path = public, pg_temp as $$
  select exists (
    select from public.portal_clientaction a join public.portal_publication q on q.id = a.publication_id
     where a.client_id = p.client_id and a.verb = deed and a.handled_at is null and q.ref = p.ref
       and a.data ->> part = line::text)
$$;

create function public.portal_did_much(g public.portal_guest) returns boolean
language sql stable security definer set search_path = public, pg_temp as $$
  select count(*) >= 100 from public.portal_clientaction a
   where a.guest_id = g.id and a.verb in ('ticked', 'granted') and a.at > clock_timestamp() - interval '1 day'
$$;

-- Tick off an item, in the guest's own name. Ticked twice it is ticked once.
create function public.portal_tick(
  token text, publication bigint, item bigint, address text, agent text
) returns text language plpgsql security definer set search_path = public, pg_temp as $$
declare
  s public.portal_session;
  g public.portal_guest;
  p public.portal_publication;
  line jsonb;
begin
  s := public.portal_live_session(token);
  if s.id is null then
    return 'signed_out';
  end if;
  select * into g from public.portal_guest where id = s.guest_id for no key update;
  p := public.portal_list_of(s, publication);
  if p.id is null then
    return 'unknown';
  end if;
  select e into line from jsonb_array_elements(p.body -> 'items') e where e ->> 'id' = item::text;
  if line is null then
    return public.portal_line_missing(p, 'items', item);
  elsif line ->> 'who' is distinct from 'you' then
    return 'unknown';
  elsif coalesce((line ->> 'done')::boolean, false) or public.portal_line_waits(p, 'ticked', 'item', item) then
    return 'ticked';
  elsif not coalesce((p.body ->> 'open')::boolean, false) then
    return 'closed';
  elsif public.portal_did_much(g) then
    return 'too_many';
  end if;
  perform public.portal_note(p, null, g, 'ticked', g.name, '', '',
    jsonb_build_object('item', item, 'title', line ->> 'title'), p.digest, address, agent);
  update public.portal_session set seen_at = clock_timestamp() where id = s.id;
  return 'ticked';
end
$$;

-- Say that we were let in: who did it, and which address of ours. What is no name and no address is not kept.
-- Now in untaken.sql.
create function public.portal_grant(
  token text, publication bigint, access bigint, who text, let_in text, address text, agent text
) returns text language plpgsql security definer set search_path = public, pg_temp as $$
declare
  s public.portal_session;
  g public.portal_guest;
  p public.portal_publication;
  line jsonb;
  name text := btrim(who);
  mail text := btrim(let_in);
begin
  s := public.portal_live_session(token);
  if s.id is null then
    return 'signed_out';
  end if;
  select * into g from public.portal_guest where id = s.guest_id for no key update;
  p := public.portal_list_of(s, publication);
  if p.id is null then
    return 'unknown';
  end if;
  select e into line from jsonb_array_elements(p.body -> 'accesses') e where e ->> 'id' = access::text;
  if line is null then
    return public.portal_line_missing(p, 'accesses', access);
  elsif not coalesce((line ->> 'asks')::boolean, false) or public.portal_line_waits(p, 'granted', 'access', access) then
    return 'granted';
  elsif not coalesce((p.body ->> 'open')::boolean, false) then
    return 'closed';
  elsif coalesce(name, '') = '' or length(name) > 80 or name ~ '[0-9:=@/\\<>[:cntrl:]]' then
    return 'no_name';
  elsif coalesce(mail, '') = '' or length(mail) > 120 or mail !~ '^[^@ "<>:=[:cntrl:]]+@[^@ "<>:=[:cntrl:]]+\.[^@ "<>.:=[:cntrl:]]+$'
        or mail ~* '(?=[a-z]*[0-9])(?=[0-9]*[a-z])[a-z0-9]{20,}' then
    return 'no_address';
  elsif public.portal_did_much(g) then
    return 'too_many';
  end if;
  perform public.portal_note(p, null, g, 'granted', g.name, '', '',
    jsonb_build_object('access', access, 'title', line ->> 'provider', 'name', name, 'to', mail), p.digest, address, agent);
  update public.portal_session set seen_at = clock_timestamp() where id = s.id;
  return 'granted';
end
$$;

-- What was done on the lists of a room and was not read by us yet: their pages show it as done meanwhile.
-- Now in untaken.sql.
create function public.portal_list_deeds() returns table (verb text, ref text, line bigint, name text, at timestamptz)
language sql stable security definer set search_path = public, pg_temp as $$
  select a.verb, p.ref, (coalesce(a.data ->> 'item', a.data ->> 'access'))::bigint, a.name, a.at
  from public.portal_seeing(current_setting('zarts.token', true)) s
  join public.portal_clientaction a on a.client_id = s.client_id and a.verb in ('ticked', 'granted')
  join public.portal_publication p on p.id = a.publication_id
  where a.handled_at is null
$$;
