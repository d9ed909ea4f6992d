drop function public.portal_parts;
drop function public.portal_signers;
