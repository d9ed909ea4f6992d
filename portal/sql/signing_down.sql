drop function public.portal_contract(bigint);
drop function public.portal_decline_contract(text, bigint, text, text, text, text);
drop function public.portal_waits_for_another(public.portal_publication, bigint);
drop function public.portal_contract_state_of(public.portal_publication);
drop function public.portal_deeds_of(public.portal_publication);
