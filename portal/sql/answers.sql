-- What was asked and what we answered; and a question that a guest asks. Each door checks for itself: the caller may be
-- hostile.

-- Our answer in force to a question, or nothing.
create function public.portal_answer_to(asked public.portal_clientaction) returns jsonb
language sql stable security definer set search_path = public, pg_temp as $$
  select jsonb_build_object('words', p.body ->> 'words', 'name', p.body #>> '{from,name}', 'at', p.published_at)
  from public.portal_publication p
  where p.question_id = asked.id and p.client_id = asked.client_id and p.kind = 'answer' and p.withdrawn_at is null
$$;

-- A link, and those of the same person that lead on to it: what they asked there stays theirs.
create function public.portal_links_behind(l public.portal_proposallink) returns setof bigint
language sql stable security definer set search_path = public, pg_temp as $$
  with recursive behind (id) as (
    select l.id
    union
    select o.id from behind join public.portal_proposallink o
      on o.replaced_by_id = behind.id and o.client_id = l.client_id and o.contact_id = l.contact_id
  )
  select id from behind
$$;

-- As in reading.sql. A question is its asker's until it is answered; then whoever has a link of that proposal reads both.
-- Now in strict.sql.
create or replace function public.portal_link_state(token text, key text) returns table (
  state text, contact_name text, sender_name text, client text, title text, valid_until timestamptz, decide_by date,
  publication_id bigint, opened_at timestamptz, answer jsonb, asked jsonb,
  role text, deciders jsonb, chosen jsonb, leads_on boolean, same_offer boolean, reader text, read_before boolean
) language sql stable security definer set search_path = public, pg_temp as $$
  select public.portal_state_of(l, p), l.contact_name, l.sender_name, p.body ->> 'client', p.title, l.expires_at,
    l.decide_by, p.id, l.opened_at,
    (select jsonb_build_object('verb', a.verb, 'name', a.name, 'role', a.role, 'at', a.at, 'options', a.data -> 'options')
       from public.portal_clientaction a
      where a.publication_id = p.id and a.verb in ('accepted', 'declined') limit 1),
    (select coalesce(jsonb_agg(jsonb_build_object(
              'id', a.id, 'verb', a.verb, 'name', a.name, 'words', a.words, 'at', a.at, 'about', a.data ->> 'title',
              'answer', found.answer) order by a.id), '[]')
       from public.portal_clientaction a
       cross join lateral (select public.portal_answer_to(a) as answer) found
      where a.client_id = l.client_id and a.verb in ('asked', 'objected')
        and (a.link_id in (select public.portal_links_behind(l))
             or (a.publication_id = p.id and (a.contact_id = l.contact_id or found.answer is not null)))),
    l.role,
    (select coalesce(jsonb_agg(distinct d.contact_name), '[]') from public.portal_proposallink d
      where d.publication_id = p.id and d.role = 'decides' and d.revoked_at is null),
    l.chosen, own.id <> l.id, own.publication_id = l.publication_id, r.name,
    exists (select from public.portal_reader o where o.link_id = l.id and o.name = '' and o.counted_at is not null)
  from (select 1) one
  left join public.portal_proposallink own on own.token_hash = public.portal_hash(token)
  left join public.portal_link_of(token) l on true
  left join public.portal_publication p on p.id = l.publication_id
  left join public.portal_reader r on r.link_id = l.id and r.key_hash = public.portal_hash(key)
$$;

-- The questions of a guest's room, newest first: their own, and those of others there that are answered.
-- Now in withdrawn.sql.
create function public.portal_questions() returns table (
  id bigint, verb text, name text, words text, about text, at timestamptz, title text, kind text, publication_id bigint,
  is_there boolean, sender text, answer jsonb
) language sql stable security definer set search_path = public, pg_temp as $$
  select a.id, a.verb, a.name, a.words, a.data ->> 'title', a.at, p.title, p.kind, p.id, p.withdrawn_at is null,
    coalesce(p.body #>> '{from,name}', p.body ->> 'owner', ''), found.answer
  from public.portal_seeing(current_setting('zarts.token', true)) s
  left join public.portal_guest g on g.id = s.guest_id
  join public.portal_clientaction a on a.client_id = s.client_id and a.verb in ('asked', 'objected')
  left join public.portal_publication p on p.id = a.publication_id
  cross join lateral (select public.portal_answer_to(a) as answer) found
  where a.contact_id = g.contact_id or found.answer is not null
  order by a.id desc limit 200
$$;

-- Ask about an offer, a contract or the work, as a signed-in guest; without a number about whichever was shown last. The
-- guest is locked first, so that a question that is sent twice is one.
create function public.portal_ask(
  token text, publication bigint, words text, address text, agent text
) returns text language plpgsql security definer set search_path = public, pg_temp as $$
declare
  s public.portal_session;
  g public.portal_guest;
  chosen public.portal_publication;
  p public.portal_publication;
  -- Marks that nobody sees and that turn the direction of text are no words.
  said text := btrim(translate(words, U&'\200B\200E\200F\061C\202A\202B\202C\202D\202E\2066\2067\2068\2069\FEFF', ''),
                     E' \t\r\n');
begin
  s := public.portal_live_session(token);
  if s.id is null then
    return 'signed_out';
  elsif coalesce(said, '') = '' or length(said) > 5000 then
    return 'refused';
  end if;
  select * into g from public.portal_guest where id = s.guest_id for no key update;
  select * into chosen from public.portal_publication q where q.id = publication and q.client_id = s.client_id;
  if publication is not null and chosen.id is null then
    return 'unknown';
  end if;
  -- What took its place since counts, too.
  select * into p from public.portal_publication q
   where q.client_id = s.client_id and q.withdrawn_at is null and q.kind in ('proposal', 'contract', 'onboarding')
     and (chosen.id is null or (q.kind = chosen.kind and q.ref = chosen.ref))
   order by q.published_at desc, q.id desc limit 1;
  if p.id is null then
    return 'nothing';
  elsif exists (
    select from public.portal_clientaction a join public.portal_publication q on q.id = a.publication_id
     where a.guest_id = g.id and a.verb = 'asked' and a.words = said and q.kind = p.kind and q.ref = p.ref
       and a.at > clock_timestamp() - interval '10 minutes') then
    return 'asked';  -- pressed twice: it is here already
  elsif (select count(*) from public.portal_clientaction a
          where a.guest_id = g.id and a.verb = 'asked' and a.at > clock_timestamp() - interval '1 day') >= 20 then
    return 'too_many';
  end if;
  perform public.portal_note(p, null, g, 'asked', g.name, '', said, '{}', p.digest, address, agent);
  update public.portal_session set seen_at = clock_timestamp() where id = s.id;
  return 'asked';
end
$$;
