-- What was approved on a condition is carried on to what it became within it, and to nothing else. The functions
-- belong to the owner. `approvals.lapse_changed` and `measures.py` say the same in Python.

-- The pricing without what may change under a condition.
create function zarts_fixed(said jsonb, free text[]) returns jsonb language sql immutable as $$
  select (said - free) || jsonb_build_object('prices', (
    select coalesce(jsonb_agg(r - free order by n), '[]') from jsonb_array_elements(said -> 'prices') with ordinality e(r, n)))
$$;

-- `said` is the JSON of which the fingerprint is taken: ["pricing", {…}]. Returns the fingerprint.
create function zarts_carry_on(which bigint, said text) returns text language plpgsql
security definer set search_path = public, pg_temp as $$
declare
  given public.proposals_approval;
  offer public.proposals_proposal;
  now_said jsonb := said::jsonb -> 1;
  free text[];
  print text := encode(sha256(convert_to(said, 'UTF8')), 'hex');
begin
  select * into given from proposals_approval where id = which for update;
  select * into offer from proposals_proposal where id = given.proposal_id for share;
  free := case given.condition ->> 'measure'
    when 'discount' then array['discount']
    when 'first_year' then array['discount', 'unit_price', 'quantity']
    when 'margin' then array['discount', 'unit_price', 'quantity', 'internal_cost'] end;
  if (given.stage = 'approved' and offer.stage in ('draft', 'in_review', 'approved', 'paused')
      and given.decided_by_id <> offer.author_id and given.decided_by_id <> all (offer.editors)
      and said::jsonb ->> 0 = given.aspect
      and zarts_fixed(given.content, free) = zarts_fixed(now_said, free)
      and zarts_keeps_within(now_said, given.condition ->> 'measure', (given.condition ->> 'number')::numeric)) is not true
  then
    raise exception 'It does not stand for this: it is asked again.'
      using errcode = 'check_violation', constraint = 'approval_is_carried_within_its_condition', table = 'proposals_approval';
  end if;
  update proposals_approval set bound = print where id = which;
  return print;
end $$;

-- Nobody but that function says what an approval stands for since.
create function zarts_keep_bound() returns trigger language plpgsql as $$
begin
  if current_user <> (select pg_get_userbyid(p.proowner) from pg_proc p
                      where p.oid = 'public.zarts_carry_on(bigint, text)'::regprocedure) then
    raise exception 'What an approval stands for is carried on by its condition alone.'
      using errcode = 'check_violation', constraint = 'bound_is_settled', table = tg_table_name;
  end if;
  return new;
end $$;
create trigger bound_is_settled before update on proposals_approval for each row
  when (old.bound is distinct from new.bound) execute function zarts_keep_bound();
create trigger bound_is_new before insert on proposals_approval for each row
  when (new.bound <> '') execute function zarts_keep_bound();

-- Whoever wrote something stays among those who did, and once it has left us nobody joins them. Words: the stages in
-- which it is written.
create function zarts_keep_hands() returns trigger language plpgsql as $$
begin
  if not old.editors <@ new.editors or not old.stage = any (string_to_array(tg_argv[0], ',')) then
    raise exception 'It is %, and those who wrote it stay those who did.', old.stage
      using errcode = 'check_violation', constraint = 'hands_stay', table = tg_table_name;
  end if;
  return new;
end $$;
create trigger hands_stay before update on proposals_proposal for each row
  when (old.editors is distinct from new.editors) execute function zarts_keep_hands('draft,in_review,approved,paused');
create trigger hands_stay before update on proposals_contract for each row
  when (old.editors is distinct from new.editors) execute function zarts_keep_hands('draft,in_review,approved');
create trigger hands_stay before update on proposals_summary for each row
  when (old.editors is distinct from new.editors) execute function zarts_keep_hands('draft,in_review,approved');

-- What it is sold as is part of what a client was sent, too.
drop trigger sent_content_is_frozen on proposals_proposal;
create trigger sent_content_is_frozen before update on proposals_proposal for each row execute function zarts_keep_content(
  'draft,in_review,approved,paused',
  'opportunity_id', 'service_id', 'number', 'revision', 'title', 'intro', 'currency', 'discount', 'report_every',
  'valid_until', 'decide_on', 'recipient_id', 'publication_id');
