drop policy own_client on public.portal_paper;
create policy own_client on public.portal_paper for select to zarts_portal using (
  publication_id in (select p.id from public.portal_publication p)
);

create or replace function public.portal_link_publication() returns bigint
language sql stable security definer set search_path = public, pg_temp as $$
  select l.publication_id from public.portal_link_of(current_setting('zarts.token', true)) l
  where l.revoked_at is null and l.expires_at > clock_timestamp()
$$;

create or replace function public.portal_client() returns bigint
language sql stable security definer set search_path = public, pg_temp as $$
  select client_id from public.portal_seeing(current_setting('zarts.token', true)) limit 1
$$;
