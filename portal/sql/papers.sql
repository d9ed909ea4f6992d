-- The PDF of a publication: never changed, and read by whoever may read the publication itself.

-- Now in erase.sql.
create function public.portal_paper_stays() returns trigger
language plpgsql set search_path = public, pg_temp as $$
begin
  raise exception 'a paper is never changed' using errcode = '23514';
end
$$;
create trigger stays before update or delete on public.portal_paper
  for each row execute function public.portal_paper_stays();
create trigger stays_whole before truncate on public.portal_paper
  for each statement execute function public.portal_paper_stays();

alter table public.portal_paper enable row level security;
create policy staff on public.portal_paper to zarts_app using (true) with check (true);
-- The publication's own policy answers in the sub-select: what may not be read there has no paper here.
create policy own_client on public.portal_paper for select to zarts_portal using (
  publication_id in (select p.id from public.portal_publication p)
);

-- Whether an address may have one more file looked at: so many an hour. It is counted here, so that the answer costs
-- nothing to whoever asks too often.
-- Now in strict.sql.
create function public.portal_may_look(address text) returns boolean
language plpgsql security definer set search_path = public, pg_temp as $$
declare
  asked_from text := left(coalesce(address, ''), 64);
begin
  perform pg_advisory_xact_lock(hashtextextended('zarts look ' || asked_from, 0));
  delete from public.portal_look where id in (
    select k.id from public.portal_look k where k.at < clock_timestamp() - interval '1 hour' for update skip locked
  );
  if (select count(*) from public.portal_look k where k.address = asked_from) >= 60 then
    return false;
  end if;
  insert into public.portal_look (address, at) values (asked_from, clock_timestamp());
  return true;
end
$$;

-- What stands on a paper with exactly these bytes, for whoever holds it. Nothing of its client, its words or its state.
create function public.portal_paper_known(file_hash text) returns table (
  kind text, paper text, number text, revision text, at timestamptz
) language sql stable security definer set search_path = public, pg_temp as $$
  select p.kind, w.kind, p.body ->> 'number', p.body ->> 'revision',
    case when w.kind = 'sealed' then w.made_at else p.published_at end
  from public.portal_paper w join public.portal_publication p on p.id = w.publication_id
  where w.sha256 = file_hash order by w.id limit 1
$$;
