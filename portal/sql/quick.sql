-- The wall is asked with every query of a client's page: what it asks is quick, for whoever is in their room as well.

-- As in guests.sql. A guest is asked about first, and is no preview.
create or replace function public.portal_client() returns bigint
language plpgsql stable security definer set search_path = public, pg_temp as $$
declare
  token constant text := current_setting('zarts.token', true);
  found_client constant bigint := (public.portal_live_session(token)).client_id;
begin
  if found_client is not null then
    return found_client;
  end if;
  return (select s.client_id from public.portal_seeing(token) s limit 1);
end
$$;

-- As in reading.sql. Who came by no link is told so by one look at an index.
create or replace function public.portal_link_publication() returns bigint
language plpgsql stable security definer set search_path = public, pg_temp as $$
declare
  token constant text := current_setting('zarts.token', true);
begin
  if not exists (select from public.portal_proposallink l where l.token_hash = public.portal_hash(token)) then
    return null;
  end if;
  return (select l.publication_id from public.portal_link_of(token) l
          where l.revoked_at is null and l.expires_at > clock_timestamp());
end
$$;

-- As in papers.sql, of the one publication that a paper is of, and not of every one of the client's.
drop policy own_client on public.portal_paper;
create policy own_client on public.portal_paper for select to zarts_portal using (
  exists (select from public.portal_publication p where p.id = publication_id)
);
