-- One half of a name key, behind its length and its numbers. Two names that differ by one slip (a letter more, less, other
-- or swapped with its neighbour) share their first half or their last, measured by either's length; and numbers are no
-- slip. So two plain indexes find whatever is near: `long` is the length of the name that is looked for.
create function zarts_first_half(key text, long int) returns text language sql immutable parallel safe return
  long::text || ' ' || translate(key, translate(key, '0123456789', ''), '') || ' ' || left(key, (long - 1) / 2);
create function zarts_last_half(key text, long int) returns text language sql immutable parallel safe return
  long::text || ' ' || translate(key, translate(key, '0123456789', ''), '') || ' ' || right(key, (long - 1) / 2);

-- Whether two name keys differ by one slip at most. The same answers as before (alike.sql), in a few steps instead of one
-- for each letter: names that share a half are many.
create or replace function zarts_one_slip(a text, b text) returns boolean language plpgsql immutable strict parallel safe as $$
declare
  i int := 0;
  high int := least(length(a), length(b));
  middle int;
begin
  if a = b then
    return true;
  elsif high < 5 or abs(length(a) - length(b)) > 1 then
    return false;
  end if;
  -- How many letters they have in common before the first that differs.
  while i < high loop
    middle := (i + high + 1) / 2;
    if left(a, middle) = left(b, middle) then
      i := middle;
    else
      high := middle - 1;
    end if;
  end loop;
  return (substr(a, i + 2) = substr(b, i + 2) or substr(a, i + 2) = substr(b, i + 1) or substr(a, i + 1) = substr(b, i + 2)
      or (substr(a, i + 1, 1) = substr(b, i + 2, 1) and substr(b, i + 1, 1) = substr(a, i + 2, 1)
          and substr(a, i + 3) = substr(b, i + 3)))
    and regexp_replace(a, '[^0-9]', '', 'g') = regexp_replace(b, '[^0-9]', '', 'g');
end $$;

-- The same link of the chain as before (last_told.sql). It reads only the columns that it needs, and looks for particulars
-- only where there are some.
create or replace function zarts_chain_event() returns trigger language plpgsql security definer set search_path = public, pg_temp as $$
declare
  d record;
begin
  select id, length, head into strict d from opportunities_diary where id = new.diary_id for no key update;
  new.seq := d.length + 1;
  new.previous := d.head;
  new.xid := pg_current_xact_id()::text::bigint;
  new.facts_digest := '';
  if new.facts_id is not null then
    new.facts_digest := coalesce((select zarts_facts_digest(f) from opportunities_facts f where f.id = new.facts_id), '');
  end if;
  new.hash := zarts_event_hash(new);
  update opportunities_diary set length = new.seq, head = new.hash, last_at = greatest(last_at, new.at) where id = d.id;
  return new;
end $$;

-- The same phone as before (alike.sql), without looking for an extension where no letter can begin one.
create or replace function zarts_phone_key(phone text) returns text language plpgsql immutable strict parallel safe as $$
declare
  digits text := left(phone, 120);
begin
  if digits = '' then
    return '';
  elsif translate(digits, '(xXwW', '') <> digits then
    digits := regexp_replace(digits, '\(0\)|\s*(ext|extension|x|durchwahl)\.?\s*\d{1,6}\s*$', '', 'gi');
  end if;
  digits := ltrim(translate(digits, translate(digits, '0123456789', ''), ''), '0');
  return case when length(digits) < 7 then '' else right(digits, 9) end;
end $$;
