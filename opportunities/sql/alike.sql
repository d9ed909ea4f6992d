-- By which names, phones and domains are two entries the same? Keys that compare equal, for one row or for a million.
-- Immutable, so that columns and indexes can rest on them. No extension is needed.

-- "The Müller & Sons GmbH" and "muller and sons" are one company: case, accents, punctuation and legal forms are left out.
create function zarts_name_key(name text) returns text language sql immutable strict parallel safe return
  replace(regexp_replace(regexp_replace(
    regexp_replace(
      regexp_replace(
        regexp_replace(
          replace(replace(replace(replace(replace(replace(
            lower(normalize(left(name, 400), nfkd)),
            'ß', 'ss'), 'æ', 'ae'), 'œ', 'oe'), 'ø', 'o'), 'ł', 'l'), 'đ', 'd'),
          '[\u0300-\u036f.''’`´]', '', 'g'),
        '[&+]', ' and ', 'g'),
      '[\u0001-\u002f\u003a-\u0040\u005b-\u0060\u007b-\u00bf\u00d7\u00f7\u2000-\u206f\u2e00-\u2e7f\u3000-\u303f\ufe00-\ufe0f\ufeff]+', ' ', 'g'),
    '^ *(the )?(.*[^ ]) *$', '\2'),
    '(( and)? (inc|incorporated|llc|llp|lp|pllc|ltd|limited|corp|corporation|co|company|plc|pty|gmbh|mbh|ag|kg|kgaa|ohg|gbr|ug|ev|eg|se|sa|sas|sarl|srl|sl|bv|nv|oy|oyj|ab|as|aps|kft|zrt|sro|sp|z|oo))+ *$', ''),
  ' ', '');

-- The last nine digits: they are the same with and without the country's code, the zero before a city, and an extension.
-- Now in speed.sql.
create function zarts_phone_key(phone text) returns text language sql immutable strict parallel safe return
  coalesce(right(substring(
    regexp_replace(
      regexp_replace(left(phone, 120), '\(0\)|\s*(ext|extension|x|durchwahl)\.?\s*\d{1,6}\s*$', '', 'gi'),
      '[^0-9]', '', 'g')
    from '^0*([1-9]\d{6,})$'), 9), '');

-- The domain of a website or a mail address. Those where everybody has an address or a page are nobody's.
create function zarts_domain_key(address text) returns text language sql immutable strict parallel safe return
  regexp_replace(
    coalesce(substring(lower(btrim(left(address, 500)))
      from '^(?:[a-z][a-z0-9+.-]*://)?(?:[^/@\s]*@)?(?:www\d?\.)?([^/:?#\s@]+\.[^/:?#\s@.]{2,})\.?(?:[:/?#].*)?$'), ''),
    '^((gmail|googlemail|icloud|me|mac|aol|aim|msn|passport|pm|protonmail|zoho|fastmail|hey|hushmail|mail|email|inbox|rocketmail|ymail|comcast|verizon|att|sbcglobal|bellsouth|cox|charter|earthlink|juno|btinternet|ntlworld|sky|talktalk|virginmedia|orange|wanadoo|free|laposte|sfr|neuf|libero|virgilio|tiscali|alice|tin|web|t-online|freenet|arcor|posteo|mailbox|bluewin|qq|163|126|sina|naver|daum|hanmail|rediffmail|yandex|rambler|bk|list|uol|bol|terra|facebook|instagram|linkedin|linktr|youtube|sites\.google|google)\.[a-z]{2,4}|((outlook|hotmail|live|yahoo|gmx|proton)\.[a-z]{2,4}(\.[a-z]{2})?))$',
    '');

-- A name and each way to leave one of its letters out. Two names that differ by one slip (a letter more, less, other or
-- swapped) have one of these in common, so that an index on them finds what is near. Numbers are no slip: shop 12 is
-- not shop 13; and a name of four letters is too short for one.
create function zarts_near(key text) returns text[] language sql immutable strict parallel safe return
  case when key = '' then '{}'::text[] when length(key) < 5 then array[key] else array(
    select left(key, 40)
    union
    select left(key, n - 1) || substr(left(key, 40), n + 1) from generate_series(1, least(length(key), 40)) n
    where substr(key, n, 1) !~ '[0-9]')
  end;

-- Every name that is one slip away from this one. Leads come by the million, and such an index would cost each of them
-- more than all the rest of it: they keep their plain key, and whoever asks looks up each of these.
create function zarts_slips(key text) returns text[] language sql immutable strict parallel safe return
  case when key = '' then '{}'::text[] when length(key) < 5 then array[key] else array(
    with place as (
      select n, substr(key, n, 1) as letter, substr(key, n + 1, 1) as following, left(key, n - 1) as head
      from generate_series(1, least(length(key), 40) + 1) n
    )
    select key
    union select head || substr(key, n + 1) from place where letter !~ '[0-9]'
    union select head || other || substr(key, n + 1) from place, regexp_split_to_table('abcdefghijklmnopqrstuvwxyz', '') other
      where letter !~ '[0-9]' and letter <> ''
    union select head || other || substr(key, n) from place, regexp_split_to_table('abcdefghijklmnopqrstuvwxyz', '') other
    union select head || following || letter || substr(key, n + 2) from place where letter || following !~ '[0-9]')
  end;

-- Whether two name keys differ by one slip at most. Overlapping neighbourhoods can be two slips apart: ask this as well.
-- Now in speed.sql.
create function zarts_one_slip(a text, b text) returns boolean language plpgsql immutable strict parallel safe as $$
declare
  i int := 1;
begin
  if a = b then
    return true;
  elsif length(a) < 5 or length(b) < 5 or abs(length(a) - length(b)) > 1
     or regexp_replace(a, '[^0-9]', '', 'g') <> regexp_replace(b, '[^0-9]', '', 'g') then
    return false;
  end if;
  while substr(a, i, 1) = substr(b, i, 1) loop
    i := i + 1;
  end loop;
  return substr(a, i + 1) = substr(b, i + 1) or substr(a, i + 1) = substr(b, i) or substr(a, i) = substr(b, i + 1)
    or (substr(a, i, 1) = substr(b, i + 1, 1) and substr(b, i, 1) = substr(a, i + 1, 1)
        and substr(a, i + 2) = substr(b, i + 2));
end $$;
