drop function public.portal_ask_for_link;

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

create or replace function public.portal_contract(publication bigint) returns table (
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

drop function public.portal_parts;
drop function public.portal_signers;
