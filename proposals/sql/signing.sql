-- What a contract says about its signatures is what its signatures say. Every function belongs to the owner.

-- Who signs, and in which order, changes only before the contract is sent.
create function zarts_keep_signatories() returns trigger language plpgsql as $$
declare
  its_stage text;
begin
  select c.stage into its_stage from proposals_contract c
   where c.id = case when tg_op = 'INSERT' then new.contract_id else old.contract_id end for share;
  if its_stage not in ('draft', 'in_review', 'approved')
     or (tg_op = 'UPDATE' and new.contract_id <> old.contract_id) then
    raise exception 'The contract is %: who signs it does not change any more.', its_stage
      using errcode = 'check_violation', constraint = 'sent_signatories_are_frozen', table = tg_table_name;
  end if;
  return case when tg_op = 'DELETE' then old else new end;
end $$;

-- At commit: a contract is signed when everybody named has signed, in order, and not before; it is in force when we
-- have, too. Words: where the contract's id stands.
create function zarts_keep_signed() returns trigger language plpgsql
security definer set search_path = public, pg_temp as $$
declare
  row_of jsonb := case when tg_op = 'DELETE' then to_jsonb(old) else to_jsonb(new) end;
  c public.proposals_contract;
  named int; missing int; last_signed int; first_missing int;
begin
  select * into c from public.proposals_contract where id = (row_of ->> tg_argv[0])::bigint;
  if c.id is null or c.stage in ('declined', 'voided') then
    return null;
  end if;
  select count(*), count(*) filter (where g.id is null), max(s.position) filter (where g.id is not null),
         min(s.position) filter (where g.id is null)
    into named, missing, last_signed, first_missing
    from public.proposals_signatory s
    left join public.proposals_signature g
      on g.contract_id = s.contract_id and g.side = 'client' and g.contact_id = s.contact_id
   where s.contract_id = c.id;
  if exists (select from public.proposals_signature g where g.contract_id = c.id and g.side = 'client'
               and not exists (select from public.proposals_signatory s
                                where s.contract_id = c.id and s.contact_id = g.contact_id)) then
    raise exception 'Contract % holds the signature of somebody who is not to sign it.', c.number
      using errcode = 'check_violation', constraint = 'stage_as_signed', table = tg_table_name;
  elsif last_signed > first_missing then
    raise exception 'Contract % was signed out of order.', c.number
      using errcode = 'check_violation', constraint = 'stage_as_signed', table = tg_table_name;
  elsif c.stage in ('signed', 'active', 'ended') and (named = 0 or missing > 0) then
    raise exception 'Contract % says it is %, and % of % have not signed.', c.number, c.stage, missing, named
      using errcode = 'check_violation', constraint = 'stage_as_signed', table = tg_table_name;
  elsif c.stage not in ('signed', 'active', 'ended') and named > 0 and missing = 0 then
    raise exception 'Everybody has signed contract %, and it says it is %.', c.number, c.stage
      using errcode = 'check_violation', constraint = 'stage_as_signed', table = tg_table_name;
  elsif c.stage not in ('sent', 'signed', 'active', 'ended') and last_signed is not null then
    raise exception 'Contract % is %, and somebody has signed it.', c.number, c.stage
      using errcode = 'check_violation', constraint = 'stage_as_signed', table = tg_table_name;
  elsif (c.stage in ('active', 'ended')) <> exists (
      select from public.proposals_signature g where g.contract_id = c.id and g.side = 'agency') then
    raise exception 'Contract % is %, and our own signature says otherwise.', c.number, c.stage
      using errcode = 'check_violation', constraint = 'stage_as_signed', table = tg_table_name;
  end if;
  return null;
end $$;

-- At commit: money that is said to have moved is shown.
create function zarts_keep_shown() returns trigger language plpgsql
security definer set search_path = public, pg_temp as $$
begin
  if new.stage in ('part_paid', 'paid', 'refunded') and not exists (
      select from public.proposals_paymentproof p where p.payment_id = new.id and p.kind = new.stage) then
    raise exception 'Payment % is said to be %, and nothing shows it.', new.id, new.stage
      using errcode = 'check_violation', constraint = 'payment_is_shown', table = tg_table_name;
  end if;
  return null;
end $$;
