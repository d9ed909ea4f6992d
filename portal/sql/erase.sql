-- Publications and papers stay as they were made, but for the words that a privacy erase takes away.

create or replace function public.portal_frozen() returns trigger
language plpgsql set search_path = public, pg_temp as $$
begin
  if public.zarts_is_erasing() then
    return case when tg_op = 'DELETE' then old else new end;
  end if;
  if tg_op = 'UPDATE' and old.withdrawn_at is null and (
    (new.withdrawn_at is not null
     and to_jsonb(new) - 'withdrawn_at' - 'withdrawn_reason' = to_jsonb(old) - 'withdrawn_at' - 'withdrawn_reason')
    or (old.kind = 'contract' and to_jsonb(new) - 'open_until' = to_jsonb(old) - 'open_until'))
  then
    return new;
  end if;
  raise exception 'a publication is frozen: it can only be withdrawn, once' using errcode = '23514';
end
$$;

create or replace function public.portal_paper_stays() returns trigger
language plpgsql set search_path = public, pg_temp as $$
begin
  if tg_level = 'ROW' and public.zarts_is_erasing() then
    return case when tg_op = 'DELETE' then old else new end;
  end if;
  raise exception 'a paper is never changed' using errcode = '23514';
end
$$;
