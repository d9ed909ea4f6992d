drop function public.portal_list_deeds();
drop function public.portal_grant(text, bigint, bigint, text, text, text, text);
drop function public.portal_tick(text, bigint, bigint, text, text);
drop function public.portal_did_much(public.portal_guest);
drop function public.portal_line_waits(public.portal_publication, text, text, bigint);
drop function public.portal_line_missing(public.portal_publication, text, bigint);
drop function public.portal_list_of(public.portal_session, bigint);
