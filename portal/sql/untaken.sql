-- What a guest hands us is no secret, and what we could not take of theirs says so on their pages.

-- Line by line as in portal/secrecy.py, which forms and moves ask.
create function public.portal_looks_secret(words text) returns boolean
language sql immutable set search_path = public, pg_temp as $$
  select coalesce(words, '') ~* array_to_string(array[
    $look$(?<![a-z0-9])(?:(?:pass(?:word|wd|phrase|code)?|pwd|pw|pin|kennwort|passwort|secret|token)|(?:api|access|private|client)[ _-]?(?:key|secret))\s*(?:=|:|->|→)\s*\S$look$,
    $look$(?<![a-z0-9])(?:password|passphrase|passcode|pin|token|secret)\s+is\s+(?!in |kept |at |with |stored |held )\S$look$,
    $look$(?<![a-z0-9])(?:(?:pass(?:word|wd|phrase|code)?|pwd|pw|pin|kennwort|passwort|secret|token)|login|logon)\s+(?=[^\s/-]*[0-9])[^\s/-]{4,}(?!\S)$look$,
    $look$(?<![a-z0-9])(?:pw|pwd|passwd)\s+(?!in |is |kept |at |with |stored |held |for |of |manager|safe|vault)\S$look$,
    $look$(?<![a-z0-9])(?:login|logon|user(?:name)?)(?:\s*:\s*|\s+)\S+\s*[/|,;: ]\s*(?=[^\s/-]*[a-z])(?=[^\s/-]*[0-9])[^\s/-]{6,}(?!\S)$look$,
    $look$[a-z][a-z0-9+.-]*://[^\s/@:]*:[^\s/@]+@$look$,
    $look$[?&](?:key|token|sig|signature|secret|password|pwd|auth|code|access_token|api_key)=\S$look$,
    $look$(?<![a-z0-9])(?:sk|pk|rk|whsec|xox[abeoprs]|gh[oprsu]|github_pat|glpat|hf|npm|shpat|shpss|sg|ya29)[-_.][a-z0-9_-]*[0-9][a-z0-9_-]{6,}$look$,
    $look$(?<![a-z0-9])(?:akia|asia)[a-z0-9]{12,}$look$,
    $look$(?<![a-z0-9])(?:aiza|eyj)[a-z0-9_-]{20,}$look$,
    $look$-----begin $look$,
    $look$[a-z0-9]-[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$look$,
    $look$^(?!(?:.|\n)*(?:1password|bitwarden|lastpass|dashlane|keeper)[^0-9]{0,40}[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})(?:(?:.|\n)*\s)?(?!https://(?:[a-z0-9-]+\.)*(?:1password\.(?:com|ca|eu)|bitwarden\.(?:com|eu)|lastpass\.(?:com|eu)|dashlane\.com|keepersecurity\.(?:com|eu|ca|jp))/|(?:onepassword|bitwarden|lastpass|dashlane|keeper)://)\S*[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$look$,
    $look$(?<!\S)(?!https://(?:[a-z0-9-]+\.)*(?:1password\.(?:com|ca|eu)|bitwarden\.(?:com|eu)|lastpass\.(?:com|eu)|dashlane\.com|keepersecurity\.(?:com|eu|ca|jp))/|(?:onepassword|bitwarden|lastpass|dashlane|keeper)://)\S*(?=[a-z+=]*[0-9])(?=[0-9+=]*[a-z])[a-z0-9+=]{20,}$look$,
    $look$(?<!\S)(?!\S*://)(?=\S*[a-z])(?=\S*[0-9])(?=\S*[!$^*#])\S{8,}$look$
  ], '|')
$$;

-- As in onboarding.sql. What looks like a secret is no name and no address, and is kept nowhere.
create or replace function public.portal_grant(
  token text, publication bigint, access bigint, who text, let_in text, address text, agent text
) returns text language plpgsql security definer set search_path = public, pg_temp as $$
declare
  s public.portal_session;
  g public.portal_guest;
  p public.portal_publication;
  line jsonb;
  name text := btrim(who);
  mail text := btrim(let_in);
begin
  s := public.portal_live_session(token);
  if s.id is null then
    return 'signed_out';
  end if;
  select * into g from public.portal_guest where id = s.guest_id for no key update;
  p := public.portal_list_of(s, publication);
  if p.id is null then
    return 'unknown';
  end if;
  select e into line from jsonb_array_elements(p.body -> 'accesses') e where e ->> 'id' = access::text;
  if line is null then
    return public.portal_line_missing(p, 'accesses', access);
  elsif not coalesce((line ->> 'asks')::boolean, false) or public.portal_line_waits(p, 'granted', 'access', access) then
    return 'granted';
  elsif not coalesce((p.body ->> 'open')::boolean, false) then
    return 'closed';
  elsif coalesce(name, '') = '' or length(name) > 80 or name ~ '[0-9:=@/\\<>[:cntrl:]]'
        or public.portal_looks_secret(name) then
    return 'no_name';
  elsif coalesce(mail, '') = '' or length(mail) > 120 or mail !~ '^[^@ "<>:=[:cntrl:]]+@[^@ "<>:=[:cntrl:]]+\.[^@ "<>.:=[:cntrl:]]+$'
        or mail ~* '(?=[a-z]*[0-9])(?=[0-9]*[a-z])[a-z0-9]{20,}' or public.portal_looks_secret(mail) then
    return 'no_address';
  elsif public.portal_did_much(g) then
    return 'too_many';
  end if;
  perform public.portal_note(p, null, g, 'granted', g.name, '', '',
    jsonb_build_object('access', access, 'title', line ->> 'provider', 'name', name, 'to', mail), p.digest, address, agent);
  update public.portal_session set seen_at = clock_timestamp() where id = s.id;
  return 'granted';
end
$$;

-- As in onboarding.sql, and the last deed on a line that we read and could not take.
drop function public.portal_list_deeds();
create function public.portal_list_deeds() returns table (
  verb text, ref text, line bigint, name text, at timestamptz, written_off boolean
) language sql stable security definer set search_path = public, pg_temp as $$
  select verb, ref, line, name, at, written_off from (
    select distinct on (a.verb, p.ref, found.line)
      a.verb, p.ref, found.line, a.name, a.at, a.written_off, a.handled_at
    from public.portal_seeing(current_setting('zarts.token', true)) s
    join public.portal_clientaction a on a.client_id = s.client_id and a.verb in ('ticked', 'granted')
    join public.portal_publication p on p.id = a.publication_id
    cross join lateral (select (coalesce(a.data ->> 'item', a.data ->> 'access'))::bigint as line) found
    order by a.verb, p.ref, found.line, a.id desc) last
  where handled_at is null or written_off
$$;

-- As in withdrawn.sql, with what we could not take.
drop function public.portal_my_actions();
create function public.portal_my_actions() returns table (
  verb text, name text, role text, words text, at timestamptz, title text, kind text, ref text, publication_id bigint,
  contact_id bigint, options jsonb, withdrawn_at timestamptz, written_off boolean
) language sql stable security definer set search_path = public, pg_temp as $$
  select a.verb, a.name, a.role, case when a.contact_id = g.contact_id then a.words else '' end, a.at,
         case when p.withdrawn_at is null then p.title else '' end, p.kind, p.ref, p.id, a.contact_id,
         a.data -> 'options', p.withdrawn_at, a.written_off
  from public.portal_seeing(current_setting('zarts.token', true)) s
  left join public.portal_guest g on g.id = s.guest_id
  join public.portal_clientaction a on a.client_id = s.client_id
  left join public.portal_publication p on p.id = a.publication_id
  order by a.id desc limit 200
$$;
