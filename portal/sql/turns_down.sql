drop function public.portal_parts;
