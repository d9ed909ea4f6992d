drop function public.portal_paper_known(text);
drop function public.portal_may_look(text);
drop policy own_client on public.portal_paper;
drop policy staff on public.portal_paper;
drop trigger stays on public.portal_paper;
drop trigger stays_whole on public.portal_paper;
drop function public.portal_paper_stays();
