-- The way out of one kind of mail. Whoever holds the token of a mail may stop its kind, and do nothing else.

create function public.portal_stop_state(token text) returns table (
  state text, purpose text, shown text, stopped_at timestamptz
) language sql stable security definer set search_path = public, pg_temp as $$
  select case when l.id is null then 'unknown' when l.used_at is null then 'open' else 'stopped' end, l.purpose,
    left(l.email, 1) || '…' || substring(l.email from '@[^@]*$'), l.used_at
  from (select 1) one left join public.portal_stoplink l on l.token_hash = public.portal_hash(token)
$$;

-- It is noted once, until the agency has read it. After that it counts anew, with the time of the newest press: they may
-- have agreed again meanwhile, and whoever presses it wants it to stop.
create function public.portal_stop(token text, address text, agent text) returns text
language plpgsql security definer set search_path = public, pg_temp as $$
declare
  l public.portal_stoplink;
  noted bigint;
begin
  select * into l from public.portal_stoplink where token_hash = public.portal_hash(token) for update;
  if not found then
    return 'unknown';
  end if;
  update public.portal_stop s set at = clock_timestamp() where s.link_id = l.id and s.handled_at is null;
  if not found and (select count(*) from public.portal_stop s
                    where s.link_id = l.id and s.at > clock_timestamp() - interval '1 day') < 20 then
    insert into public.portal_stop (link_id, address, user_agent, at, outcome)
    values (l.id, left(coalesce(address, ''), 64), left(coalesce(agent, ''), 400), clock_timestamp(), '')
    returning id into noted;
    perform pg_notify('zarts_inbox', 'stop:' || noted);
  end if;
  if l.used_at is not null then
    return 'already';
  end if;
  update public.portal_stoplink set used_at = clock_timestamp() where id = l.id;
  return 'stopped';
end
$$;
