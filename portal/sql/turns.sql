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
