drop function public.portal_answer;
drop function public.portal_choose;
drop function public.portal_read;
drop function public.portal_open;
drop function public.portal_count;
drop function public.portal_new_reader;
drop function public.portal_note_once;
drop function public.portal_fetched;
drop function public.portal_link_state;
create or replace function public.portal_link_publication() returns bigint
language sql stable security definer set search_path = public, pg_temp as $$
  select l.publication_id from public.portal_proposallink l
  where l.token_hash = public.portal_hash(current_setting('zarts.token', true))
    and l.revoked_at is null and l.expires_at > clock_timestamp()
$$;
drop function public.portal_link_of;
