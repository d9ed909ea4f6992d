-- What a payment provider says. The portal's process has checked the signature; the bytes and the signature are kept, and
-- the agency checks them again: whoever only holds this login cannot make a payment up.

create index portal_publication_contract_number on public.portal_publication ((body ->> 'number'), id)
  where kind = 'contract';

create function public.portal_payment(
  event text, contract text, kind text, amount numeric, currency text, occurred_at timestamptz,
  body text, stamp bigint, signature text, address text
) returns text language plpgsql security definer set search_path = public, pg_temp as $$
declare
  p public.portal_publication;
  kept text;
  noted bigint;
begin
  if coalesce(event, '') = '' or length(event) > 120 or coalesce(octet_length(body), 0) not between 1 and 65536
     or kind is null or kind not in ('part_paid', 'paid', 'refunded')
     or amount is null or not (amount > 0 and amount < 10000000000)
     or coalesce(currency, '') !~ '^[A-Z]{3}$' or occurred_at is null or occurred_at > clock_timestamp() + interval '5 minutes'
     or coalesce(signature, '') !~ '^[0-9a-f]{64}$' then
    return 'refused';
  elsif stamp is null or abs(extract(epoch from clock_timestamp()) - stamp) > 300 then
    return 'late';
  end if;
  select * into p from public.portal_publication q
   where q.kind = 'contract' and q.body ->> 'number' = contract order by q.id desc limit 1;
  if not found then
    return 'unknown';
  end if;
  insert into public.portal_paymentnotice (
    event_id, client_id, opportunity_id, contract, kind, amount, currency, occurred_at, body, stamp, signature, address,
    at, taken, outcome
  ) values (
    event, p.client_id, p.opportunity_id, left(contract, 40), kind, amount, currency, occurred_at, body, stamp, signature,
    left(coalesce(address, ''), 64), clock_timestamp(), false, ''
  ) on conflict on constraint portal_paymentnotice_event_id_key do nothing returning id into noted;
  if noted is null then
    select n.body into kept from public.portal_paymentnotice n where n.event_id = event;
    return case when kept = body then 'before' else 'other' end;
  end if;
  perform pg_notify('zarts_inbox', 'payment:' || noted);
  return 'new';
end
$$;
