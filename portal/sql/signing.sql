-- Signing in order, declining, and until when. Each door checks for itself: the caller may be hostile.

-- A publication is frozen: it can be withdrawn once, and until when a contract is open can change. Nothing else.
-- Now in erase.sql.
create or replace function public.portal_frozen() returns trigger
language plpgsql set search_path = public, pg_temp as $$
begin
  if tg_op = 'UPDATE' and old.withdrawn_at is null and (
    (new.withdrawn_at is not null
     and to_jsonb(new) - 'withdrawn_at' - 'withdrawn_reason' = to_jsonb(old) - 'withdrawn_at' - 'withdrawn_reason')
    or (old.kind = 'contract' and to_jsonb(new) - 'open_until' = to_jsonb(old) - 'open_until'))
  then
    return new;
  end if;
  raise exception 'a publication is frozen: it can only be withdrawn, once' using errcode = '23514';
end
$$;

-- What the client's people did about a contract, whichever of its publications they saw.
create function public.portal_deeds_of(p public.portal_publication) returns setof public.portal_clientaction
language sql stable security definer set search_path = public, pg_temp as $$
  select a.* from public.portal_clientaction a
  join public.portal_publication q on q.id = a.publication_id
  where q.kind = 'contract' and q.client_id = p.client_id and q.ref = p.ref and a.verb in ('signed', 'declined')
$$;

create function public.portal_contract_state_of(p public.portal_publication) returns text
language sql stable security definer set search_path = public, pg_temp as $$
  select case
    when p.id is null then 'unknown'
    when exists (select from public.portal_deeds_of(p) d where d.verb = 'declined') then 'declined'
    when p.withdrawn_at is not null then 'withdrawn'
    when exists (select from public.portal_publication q
                 where q.client_id = p.client_id and q.kind = p.kind and q.ref = p.ref and q.withdrawn_at is null
                   and (q.published_at, q.id) > (p.published_at, p.id)) then 'replaced'
    when coalesce(jsonb_typeof(p.body -> 'countersigned'), 'null') <> 'null' then 'closed'
    when p.open_until <= clock_timestamp() then 'expired'
    else 'open' end
$$;

-- Whether a signatory who stands before this one has not signed yet.
create function public.portal_waits_for_another(p public.portal_publication, contact bigint) returns boolean
language sql stable security definer set search_path = public, pg_temp as $$
  select exists (
    select from jsonb_array_elements(p.body -> 'signers') with ordinality s(who, place)
    where s.place < (select min(m.place) from jsonb_array_elements(p.body -> 'signers') with ordinality m(who, place)
                     where m.who ->> 'contact_id' = contact::text)
      and not exists (select from public.portal_deeds_of(p) d
                      where d.verb = 'signed' and d.contact_id::text = s.who ->> 'contact_id'))
$$;

-- The publication is locked first: of two signatures, or of a signature and a withdrawal, one comes first, and the other
-- is judged by what that one left.
-- Now in strict.sql.
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
  elsif coalesce(btrim(name), '') = '' then
    return 'refused';
  end if;
  perform public.portal_note(p, null, g, 'signed', name, role, '', jsonb_build_object('consent', p.body -> 'consent'),
                             p.digest, address, agent);
  update public.portal_session set seen_at = clock_timestamp() where id = s.id;
  return 'signed';
end
$$;

-- Whoever is to sign and has not may say no, and why. From then on nobody signs it.
create function public.portal_decline_contract(
  token text, publication bigint, words text, digest text, address text, agent text
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
  if state <> 'open' then
    return state;
  elsif exists (select from public.portal_deeds_of(p) d where d.verb = 'signed' and d.contact_id = g.contact_id) then
    return 'already';
  elsif digest is distinct from p.digest then
    return 'changed';
  elsif not coalesce(p.body -> 'signers' @> jsonb_build_array(jsonb_build_object('contact_id', g.contact_id)), false) then
    return 'not_signer';
  elsif coalesce(btrim(words), '') = '' then
    return 'refused';
  end if;
  perform public.portal_note(p, null, g, 'declined', g.name, '', words, '{}', p.digest, address, agent);
  update public.portal_session set seen_at = clock_timestamp() where id = s.id;
  return 'declined';
end
$$;

-- How a contract of the session's client stands, be it withdrawn, and who of them signed or declined it.
-- Now in turns.sql.
create function public.portal_contract(publication bigint) returns table (
  state text, title text, sender text, open_until timestamptz, deeds jsonb
) language sql stable security definer set search_path = public, pg_temp as $$
  select public.portal_contract_state_of(p), p.title, p.body #>> '{from,name}', p.open_until,
    (select coalesce(jsonb_agg(jsonb_build_object('verb', d.verb, 'name', d.name, 'role', d.role, 'at', d.at,
                                                  'contact_id', d.contact_id) order by d.id), '[]')
       from public.portal_deeds_of(p) d)
  from public.portal_seeing(current_setting('zarts.token', true)) s
  join public.portal_publication p on p.client_id = s.client_id
  where p.id = publication and p.kind = 'contract'
$$;
