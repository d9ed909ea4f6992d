drop function public.portal_without_keys;
drop function public.portal_is_name;
