-- The public form's door checks what the view checks: the caller may be hostile. Takes the place of the one in inquire.sql.

-- Now in strict.sql.
create or replace function public.portal_inquire(
  key uuid, name text, email text, phone text, company text, website text, message text,
  consent boolean, consent_version text, source jsonb, address text, doubtful boolean default false
) returns boolean language plpgsql security definer set search_path = public, pg_temp as $$
declare
  noted bigint;
  -- Control and direction marks, which the view drops.
  marks constant text := '[\u0001-\u001f\u007f-\u009f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]';
begin
  if key is null or coalesce(btrim(name), '') = '' or consent is not true then
    raise exception 'an inquiry needs a key, a name, an address and consent' using errcode = '23514';
  elsif coalesce(email, '') !~ '^[^@ "<>]+@[^@ "<>]+\.[^@ "<>.]+$'
     or website like '% %' or nullif(website, '') not like '%.%' or website ~* '^(javascript|data):' then
    raise exception 'an inquiry names an address that can be one' using errcode = '23514';
  elsif length(name) > 120 or length(email) > 254 or length(phone) > 40 or length(company) > 160
     or length(website) > 300 or length(message) > 5000 or length(consent_version) > 40 or length(address) > 64
     or length(source::text) > 8000 then
    raise exception 'an inquiry is shorter' using errcode = '23514';
  elsif concat(name, email, phone, company, website, consent_version, address) ~ marks
     or replace(message, E'\n', '') ~ marks
     or exists (select from jsonb_each_text(source) named where named.key || named.value ~ marks) then
    raise exception 'an inquiry holds no control or direction marks' using errcode = '23514';
  end if;
  insert into public.portal_inquiry (
    key, name, email, phone, company, website, message, consent, consent_version, source, address, doubtful, at
  ) values (
    key, name, lower(email), coalesce(phone, ''), coalesce(company, ''), coalesce(website, ''), coalesce(message, ''),
    consent, coalesce(consent_version, ''), coalesce(source, '{}'), coalesce(address, ''), coalesce(doubtful, false),
    clock_timestamp()
  ) on conflict on constraint portal_inquiry_key_key do nothing returning id into noted;
  if noted is null then
    return false;
  end if;
  perform pg_notify('zarts_inbox', 'inquiry:' || noted);
  return true;
end
$$;
