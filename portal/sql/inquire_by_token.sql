-- The door of programs: the public form's door, behind a token, and once for each of the program's own keys.
-- The same key with the same words adds nothing and is answered as before; with other words it is refused.
create function public.portal_inquire_by_token(
  token text, given_key text, name text, email text, phone text, company text, website text, message text,
  consent boolean, consent_version text, source jsonb, address text
) returns text language plpgsql security definer set search_path = public, pg_temp as $$
declare
  mine public.portal_intaketoken;
  inquiry_key uuid;
  content text;
  known public.portal_inquiry;
  -- A program that runs wild, or a token that leaked, fills no inbox.
  an_hour constant int := 300;
begin
  select * into mine from public.portal_intaketoken t where t.token_hash = public.portal_hash(token) and t.revoked_at is null;
  if mine.id is null then
    return 'closed';
  end if;
  if coalesce(btrim(given_key), '') = '' or length(given_key) > 200 then
    raise exception 'a program names each inquiry by a key' using errcode = '23514';
  elsif length(consent_version) > 20 then
    raise exception 'a consent names its version whole' using errcode = '23514';
  end if;
  -- Once a minute is often enough to know whether it is in use, and keeps its posts from waiting for each other.
  if mine.last_used_at is null or mine.last_used_at < clock_timestamp() - interval '1 minute' then
    update public.portal_intaketoken t set last_used_at = clock_timestamp()
    where t.id in (select id from public.portal_intaketoken where id = mine.id for update skip locked);
  end if;
  -- One program's keys are not another's.
  inquiry_key := encode(substr(sha256(convert_to(mine.id || ':' || given_key, 'utf8')), 1, 16), 'hex')::uuid;
  content := encode(sha256(convert_to(jsonb_build_array(
    name, lower(email), coalesce(phone, ''), coalesce(company, ''), coalesce(website, ''), coalesce(message, ''),
    consent, coalesce(consent_version, ''), coalesce(source, '{}'))::text, 'utf8')), 'hex');
  select * into known from public.portal_inquiry i where i.key = inquiry_key;
  if known.id is null then
    if (select count(*) >= an_hour from (
      select from public.portal_inquiry i
      where i.token_id = mine.id and i.at > clock_timestamp() - interval '1 hour' limit an_hour) lately) then
      return 'many';
    elsif public.portal_inquire(
      inquiry_key, name, email, phone, company, website, message, consent, consent_version, source, address
    ) then
      update public.portal_inquiry i set token_id = mine.id, content_digest = content where i.key = inquiry_key;
      return 'new';
    end if;
    -- Another request with this key was quicker.
    select * into known from public.portal_inquiry i where i.key = inquiry_key;
  end if;
  return case when known.token_id = mine.id and known.content_digest = content then 'before' else 'other' end;
end
$$;
