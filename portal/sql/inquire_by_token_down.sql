drop function if exists public.portal_inquire_by_token;
