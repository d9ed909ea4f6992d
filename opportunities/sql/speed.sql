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
