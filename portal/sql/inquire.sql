-- The public form's door takes an inquiry's doubt along. Takes the place of the one in doors.sql.

drop function public.portal_inquire;

-- Now in strict.sql.
create function public.portal_inquire(
  key uuid, name text, email text, phone text, company text, website text, message text,
  consent boolean, consent_version text, source jsonb, address text, doubtful boolean default false
) returns boolean language plpgsql security definer set search_path = public, pg_temp as $$
declare
  noted bigint;
begin
  if key is null or coalesce(btrim(name), '') = '' or coalesce(btrim(email), '') = '' or consent is not true
     or length(source::text) > 8000 then
    raise exception 'an inquiry needs a key, a name, an address and consent' using errcode = '23514';
  end if;
  insert into public.portal_inquiry (
    key, name, email, phone, company, website, message, consent, consent_version, source, address, doubtful, at
  ) values (
    key, left(name, 120), lower(left(email, 254)), left(coalesce(phone, ''), 40), left(coalesce(company, ''), 160),
    left(coalesce(website, ''), 300), left(coalesce(message, ''), 5000), consent, left(coalesce(consent_version, ''), 40),
    coalesce(source, '{}'), left(coalesce(address, ''), 64), coalesce(doubtful, false), clock_timestamp()
  ) on conflict on constraint portal_inquiry_key_key do nothing returning id into noted;
  if noted is null then
    return false;
  end if;
  perform pg_notify('zarts_inbox', 'inquiry:' || noted);
  return true;
end
$$;
