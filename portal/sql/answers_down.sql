drop function public.portal_ask(text, bigint, text, text, text);
drop function public.portal_questions();
-- As it was in reading.sql.
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
    (select coalesce(jsonb_agg(jsonb_build_object('verb', a.verb, 'name', a.name, 'words', a.words, 'at', a.at,
                                                  'about', a.data ->> 'title') order by a.id), '[]')
       from public.portal_clientaction a where a.link_id = l.id and a.verb in ('asked', 'objected')),
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
drop function public.portal_links_behind(public.portal_proposallink);
drop function public.portal_answer_to(public.portal_clientaction);
