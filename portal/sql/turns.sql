-- Whose turn it is. Each door checks for itself: the caller may be hostile.

-- The part that whoever looks has in each offer of their room, by their newest link that nobody closed, and who decides.
create function public.portal_parts() returns table (
  publication_id bigint, role text, is_open boolean, deciders jsonb
) language sql stable security definer set search_path = public, pg_temp as $$
  select p.id, coalesce(mine.role, ''), coalesce(mine.is_open, false),
    (select coalesce(jsonb_agg(distinct d.contact_name), '[]') from public.portal_proposallink d
      where d.publication_id = p.id and d.role = 'decides' and d.revoked_at is null)
  from public.portal_seeing(current_setting('zarts.token', true)) s
  left join public.portal_guest g on g.id = s.guest_id
  join public.portal_publication p on p.client_id = s.client_id and p.kind = 'proposal' and p.withdrawn_at is null
  left join lateral (
    select l.role, l.expires_at > clock_timestamp() as is_open from public.portal_proposallink l
     where l.publication_id = p.id and l.client_id = s.client_id and l.contact_id = g.contact_id and l.revoked_at is null
     order by l.id desc limit 1) mine on true
$$;

-- As whom we know those who signed for the client of whoever looks: what they typed is beside it.
create function public.portal_signers() returns table (contact_id bigint, name text)
language sql stable security definer set search_path = public, pg_temp as $$
  select distinct on (g.contact_id) g.contact_id, g.name
  from public.portal_seeing(current_setting('zarts.token', true)) s
  join public.portal_guest g on g.client_id = s.client_id
  where exists (select from public.portal_clientaction a
                 where a.client_id = s.client_id and a.contact_id = g.contact_id and a.verb = 'signed')
  order by g.contact_id, g.id desc
$$;

-- As in signing.sql. Why somebody does not sign is read by those who were to sign beside them.
create or replace function public.portal_contract(publication bigint) returns table (
  state text, title text, sender text, open_until timestamptz, deeds jsonb
) language sql stable security definer set search_path = public, pg_temp as $$
  select public.portal_contract_state_of(p), p.title, p.body #>> '{from,name}', p.open_until,
    (select coalesce(jsonb_agg(jsonb_build_object('verb', d.verb, 'name', d.name, 'role', d.role, 'at', d.at,
                                                  'contact_id', d.contact_id, 'words', case
                                                    when p.body -> 'signers' @> jsonb_build_array(
                                                      jsonb_build_object('contact_id', g.contact_id)) then d.words
                                                    else '' end) order by d.id), '[]')
       from public.portal_deeds_of(p) d)
  from public.portal_seeing(current_setting('zarts.token', true)) s
  left join public.portal_guest g on g.id = s.guest_id
  join public.portal_publication p on p.client_id = s.client_id
  where p.id = publication and p.kind = 'contract'
$$;

-- As in guests.sql. Wrong codes are counted where they were asked for.
create or replace function public.portal_try_code(nonce text, code text) returns void
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
  -- Whoever asks for a new code again and again gets no more than ten wrong tries a day at one address, and all networks
  -- together fifty. Where the person came in before, what others tried elsewhere shuts nobody out.
  perform pg_advisory_xact_lock(hashtextextended('zarts sign-in ' || r.email, 0));
  is_dead := r.tries >= 5 or (
    select coalesce(sum(q.tries) filter (where q.network = r.network), 0) >= 10
        or (coalesce(sum(q.tries), 0) >= 50 and not exists (
              select from public.portal_session s
               where s.email = r.email and public.portal_network(s.address) = r.network))
    from public.portal_signinrequest q where q.email = r.email and q.at > clock_timestamp() - interval '1 day');
  update public.portal_signinrequest q set
    tries = least(q.tries + 1, 99),
    tried_hash = case when is_dead then '' else public.portal_hash(r.nonce_hash || ':' || coalesce(code, '')) end,
    tried_in = pg_current_xact_id()::text::bigint
  where q.id = r.id;
end
$$;

-- A guest asks that their link to an offer comes again, as long as it is open. Five an hour are noted; the rest is silence,
-- as with a sign-in. The guest is locked first, so that a press that is sent twice is one.
create function public.portal_ask_for_link(token text, publication bigint, address text, agent text) returns text
language plpgsql security definer set search_path = public, pg_temp as $$
declare
  s public.portal_session;
  g public.portal_guest;
  p public.portal_publication;
begin
  s := public.portal_live_session(token);
  if s.id is null then
    return 'signed_out';
  end if;
  select * into g from public.portal_guest where id = s.guest_id for no key update;
  select * into p from public.portal_publication q
   where q.id = publication and q.client_id = s.client_id and q.kind = 'proposal' and q.withdrawn_at is null;
  if p.id is null then
    return 'unknown';
  elsif not exists (
    select from public.portal_proposallink l
     where l.publication_id = p.id and l.client_id = s.client_id and l.contact_id = g.contact_id
       and l.revoked_at is null and l.expires_at > clock_timestamp()) then
    return 'none';
  elsif exists (select from public.portal_clientaction a where a.guest_id = g.id and a.publication_id = p.id
                 and a.verb = 'wants_link' and (a.handled_at is null or a.at > clock_timestamp() - interval '1 minute'))
     or (select count(*) from public.portal_clientaction a where a.guest_id = g.id and a.verb = 'wants_link'
          and a.at > clock_timestamp() - interval '1 hour') >= 5 then
    return 'wants_link';
  end if;
  perform public.portal_note(p, null, g, 'wants_link', g.name, '', '', '{}', p.digest, address, agent);
  update public.portal_session set seen_at = clock_timestamp() where id = s.id;
  return 'wants_link';
end
$$;
