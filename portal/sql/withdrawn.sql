-- What was withdrawn is read nowhere: of what people did about it, there stays who, what and when, and when it was taken
-- back.

drop function public.portal_my_actions();
drop function public.portal_questions();

-- As in guests.sql.
-- Now in untaken.sql.
create function public.portal_my_actions() returns table (
  verb text, name text, role text, words text, at timestamptz, title text, kind text, ref text, publication_id bigint,
  contact_id bigint, options jsonb, withdrawn_at timestamptz
) language sql stable security definer set search_path = public, pg_temp as $$
  select a.verb, a.name, a.role, case when a.contact_id = g.contact_id then a.words else '' end, a.at,
         case when p.withdrawn_at is null then p.title else '' end, p.kind, p.ref, p.id, a.contact_id,
         a.data -> 'options', p.withdrawn_at
  from public.portal_seeing(current_setting('zarts.token', true)) s
  left join public.portal_guest g on g.id = s.guest_id
  join public.portal_clientaction a on a.client_id = s.client_id
  left join public.portal_publication p on p.id = a.publication_id
  order by a.id desc limit 200
$$;

-- As in answers.sql. The line that was asked about is of the same words.
create function public.portal_questions() returns table (
  id bigint, verb text, name text, words text, about text, at timestamptz, title text, kind text, publication_id bigint,
  is_there boolean, sender text, answer jsonb, withdrawn_at timestamptz
) language sql stable security definer set search_path = public, pg_temp as $$
  select a.id, a.verb, a.name, a.words, case when p.withdrawn_at is null then a.data ->> 'title' end, a.at,
    case when p.withdrawn_at is null then p.title else '' end, p.kind, p.id, p.withdrawn_at is null,
    case when p.withdrawn_at is null then coalesce(p.body #>> '{from,name}', p.body ->> 'owner', '') else '' end,
    found.answer, p.withdrawn_at
  from public.portal_seeing(current_setting('zarts.token', true)) s
  left join public.portal_guest g on g.id = s.guest_id
  join public.portal_clientaction a on a.client_id = s.client_id and a.verb in ('asked', 'objected')
  left join public.portal_publication p on p.id = a.publication_id
  cross join lateral (select public.portal_answer_to(a) as answer) found
  where a.contact_id = g.contact_id or found.answer is not null
  order by a.id desc limit 200
$$;
