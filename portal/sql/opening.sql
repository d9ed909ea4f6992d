-- Whoever is to sign a contract has it in front of them: noted once for each of them, while it is open.
create function public.portal_open_contract(token text, publication bigint, address text, agent text) returns text
language plpgsql security definer set search_path = public, pg_temp as $$
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
  elsif not coalesce(p.body -> 'signers' @> jsonb_build_array(jsonb_build_object('contact_id', g.contact_id)), false) then
    return 'not_signer';
  elsif exists (
    select from public.portal_clientaction a join public.portal_publication q on q.id = a.publication_id
     where q.kind = 'contract' and q.client_id = p.client_id and q.ref = p.ref and a.verb = 'opened'
       and a.contact_id = g.contact_id and a.digest = p.digest) then
    return 'already';
  end if;
  perform public.portal_note(p, null, g, 'opened', g.name, '', '', '{}', p.digest, address, agent);
  return 'opened';
end
$$;
