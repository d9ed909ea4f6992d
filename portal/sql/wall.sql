-- What the portal's login may see, and what nobody may change.

create function public.portal_hash(token text) returns text
language sql stable set search_path = public, pg_temp as $$
  select encode(sha256(convert_to(token, 'UTF8')), 'hex')
$$;

-- clock_timestamp, not now(): a caller must not stretch a token's life by holding a transaction open.
-- Now in guests.sql.
create function public.portal_live_session(token text) returns public.portal_session
language sql stable security definer set search_path = public, pg_temp as $$
  select s.* from public.portal_session s join public.portal_guest g on g.id = s.guest_id
  where s.token_hash = public.portal_hash(token)
    and s.revoked_at is null and g.revoked_at is null and s.expires_at > clock_timestamp()
$$;

create function public.portal_state_of(link public.portal_proposallink, shown public.portal_publication) returns text
language sql stable security definer set search_path = public, pg_temp as $$
  select case
    when link.id is null then 'unknown'
    when link.revoked_at is not null and link.replaced_by_id is not null then 'replaced'
    when link.revoked_at is not null then 'withdrawn'
    when exists (select from public.portal_clientaction a
                 where a.publication_id = shown.id and a.verb in ('accepted', 'declined')) then 'answered'
    when shown.withdrawn_at is not null then 'withdrawn'
    when link.expires_at <= clock_timestamp() then 'expired'
    else 'open' end
$$;

-- The client of the session whose token this transaction holds.
-- Now in quick.sql.
create function public.portal_client() returns bigint
language sql stable security definer set search_path = public, pg_temp as $$
  select (public.portal_live_session(current_setting('zarts.token', true))).client_id
$$;

-- The publication of the link whose token this transaction holds, while the link may be read.
-- Now in quick.sql.
create function public.portal_link_publication() returns bigint
language sql stable security definer set search_path = public, pg_temp as $$
  select l.publication_id from public.portal_proposallink l
  where l.token_hash = public.portal_hash(current_setting('zarts.token', true))
    and l.revoked_at is null and l.expires_at > clock_timestamp()
$$;

alter table public.portal_publication enable row level security;
create policy staff on public.portal_publication to zarts_app using (true) with check (true);
-- The sub-selects are asked once a query, not once a row.
create policy own_client on public.portal_publication for select to zarts_portal using (
  withdrawn_at is null
  and (client_id = (select public.portal_client()) or id = (select public.portal_link_publication()))
);

-- A publication is frozen: it can be withdrawn once, and nothing else. Even its owner is held to it.
-- Now in erase.sql.
create function public.portal_frozen() returns trigger
language plpgsql set search_path = public, pg_temp as $$
begin
  if tg_op = 'UPDATE' and old.withdrawn_at is null and new.withdrawn_at is not null
     and to_jsonb(new) - 'withdrawn_at' - 'withdrawn_reason' = to_jsonb(old) - 'withdrawn_at' - 'withdrawn_reason'
  then
    return new;
  end if;
  raise exception 'a publication is frozen: it can only be withdrawn, once' using errcode = '23514';
end
$$;
create trigger frozen before update or delete on public.portal_publication
  for each row execute function public.portal_frozen();
create trigger frozen_whole before truncate on public.portal_publication
  for each statement execute function public.portal_frozen();
