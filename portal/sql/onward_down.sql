drop function public.portal_request_sign_in(text, text, text, text);
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
