drop function public.portal_open_contract(text, bigint, text, text);
