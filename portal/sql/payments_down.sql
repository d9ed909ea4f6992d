drop function public.portal_payment(text, text, text, numeric, text, timestamptz, text, bigint, text, text);
drop index public.portal_publication_contract_number;
