drop function public.portal_stop(text, text, text);
drop function public.portal_stop_state(text);
