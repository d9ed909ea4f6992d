-- A privacy erase. One function of the owner's takes a person's data away wherever it stands, past the walls, and writes
-- the event that tells of it; docs/privacy.md says what goes and what stays. Which columns it looks at stands in the two
-- lists below; tests/takeout/erase_columns.py knows every column of text that there is.

-- Whether somebody else has this name, mail address or phone now: then it says nothing about whoever is erased.
create or replace function zarts_erase_anothers(word text, people bigint[], at_clients bigint[]) returns boolean
language sql stable as $$
  -- Each by its own index.
  select exists (
    select from (
      select id, client_id from opportunities_contact where name = word
      union all select id, client_id from opportunities_contact where lower(email) = lower(word)
      union all select id, client_id from opportunities_contact
        where word !~ '[[:alpha:]]' and phone_key = zarts_phone_key(word) and not phone_key = '') c
    where c.id <> all(people) and (at_clients is null or c.client_id = any(at_clients)))
$$;

-- The words that a person is known by: those of their entries, and those that they had there before. What was typed in
-- by a slip, and is somebody else's, is none of theirs; nor is a phone that a colleague has, too.
create or replace function zarts_erase_names(people bigint[], leads bigint[]) returns text[]
language sql stable as $$
  with said (word, before) as (
    select btrim(unnest(array[c.name, c.email])), false from opportunities_contact c where c.id = any(people)
    union select btrim(unnest(array[l.name, l.email])), false from opportunities_lead l where l.id = any(leads)
    union select btrim(unnest(array[g.name, g.email])), false from portal_guest g where g.contact_id = any(people)
    union select btrim(s.name), false from proposals_signature s where s.contact_id = any(people)
    union select btrim(c.phone), zarts_erase_anothers(btrim(c.phone), people, array[c.client_id])
      from opportunities_contact c where c.id = any(people)
    union select btrim(l.phone), true from opportunities_lead l where l.id = any(leads)
    union select btrim(f.values -> field ->> 0), true
      from opportunities_event e join opportunities_facts f on f.id = e.facts_id
      cross join unnest(array['name', 'email', 'phone']) field
      where e.verb in ('contact.edit', 'lead.edit') and jsonb_typeof(f.values -> field) = 'array'
        and ((e.record_type = 'opportunities.contact' and e.record_id = any(people))
          or (e.record_type = 'opportunities.lead' and e.record_id = any(leads)))
  )
  select coalesce(array_agg(distinct word), '{}') from said
  where length(word) > 1 and not (before and zarts_erase_anothers(word, people, null))
$$;

-- A word, letter by letter: in any case, with its accents or without, whichever apostrophe or hyphen was typed. A name of
-- one word begins with a capital letter, so that "Will" is found and "will" is not.
create or replace function zarts_erase_letters(word text, capital boolean) returns text language plpgsql immutable as $$
declare
  found text := '';
  one text;
  alike text;
begin
  foreach one in array regexp_split_to_array(regexp_replace(word, '[[:space:]]+', ' ', 'g'), '') loop
    if one = ' ' then
      found := found || '[[:space:]]+';
    elsif one in ('''', '’', '‘', 'ʼ', '`', '´') then
      found := found || '[''’‘ʼ`´]';
    elsif one in ('-', '‐', '‑', '–') then
      found := found || '[-‐‑–]';
    elsif one ~ '[[:alpha:]]' then
      select coalesce(min(alikes), lower(one)) into alike from unnest(array[
        'aàáâãäåāăą', 'cçćĉċč', 'dďđ', 'eèéêëēĕėęě', 'gğĝġģ', 'iìíîïĩīĭį', 'lĺļľł', 'nñńņň', 'oòóôõöøōŏő', 'rŕŗř',
        'sśŝşšș', 'tţťț', 'uùúûüũūŭůűų', 'yýÿŷ', 'zźżž']) alikes where position(lower(one) in alikes) > 0;
      found := found || '[' || case when capital and found = '' then '' else alike end || upper(alike) || ']';
    elsif one ~ '[[:alnum:]]' then
      found := found || one;
    else
      found := found || '\' || one;
    end if;
  end loop;
  return found;
end $$;

-- What finds these words, however they are spaced and whatever stands between the digits of a phone; and parts of a
-- name that somebody chose, in any case. Chinese and Japanese stand without spaces between the words.
create or replace function zarts_erase_pattern(words text[], parts text[]) returns text language sql immutable as $$
  select string_agg(case when ascii(word) < 11904 then '(?<![[:alnum:]])' else '' end || case
      when word !~ '[[:alpha:]]' and length(regexp_replace(word, '[^0-9]', '', 'g')) > 5
        -- With its country's number or without, as phones are compared elsewhere: by their last nine digits.
        then '[+(]{0,2}(?:[0-9]{1,4}[^0-9[:alpha:]]{0,3})?[(]?0?' || regexp_replace(
          right(regexp_replace(word, '[^0-9]', '', 'g'), 9), '([0-9])(?=[0-9])', '\1[^0-9[:alpha:]]{0,3}', 'g')
      else zarts_erase_letters(word, word !~ '[[:space:][:digit:]@.:]' and word <> all(parts)) end
    || case when ascii(right(word, 1)) < 11904 then '(?![[:alnum:]])' else '' end, '|' order by length(word) desc, word)
  from (select normalize(unnest(words || parts), NFC) as word) said
$$;

create or replace function zarts_erase_json(v jsonb, pattern text) returns jsonb language plpgsql immutable as $$
begin
  return case jsonb_typeof(v)
    when 'string' then to_jsonb(regexp_replace(v #>> '{}', pattern, '[erased]', 'g'))
    when 'array' then coalesce((select jsonb_agg(zarts_erase_json(one, pattern) order by place)
                                from jsonb_array_elements(v) with ordinality as x (one, place)), '[]')
    when 'object' then coalesce((
      -- A key is a name of ours, unless it is one of a file's columns or says an address.
      select jsonb_object_agg(case when key ~ '[ @]' then regexp_replace(key, pattern, '[erased]', 'g') else key end,
                              zarts_erase_json(one, pattern))
      from jsonb_each(v) as x (key, one)), '{}')
    else v end;
end $$;

-- Rows that are the person's own, and what is left of them. $1 people, $2 clients, $3 deals, $4 leads, $5 diaries,
-- $6 mail addresses that nobody else has, $7 the pattern, $8 whether the whole client goes, $9 notes that somebody
-- chose, $10 the publications of no signed contract, $11 the pattern of what can be nobody else.
create or replace function zarts_erase_own() returns table (place text, rows_of text, sets text) language sql immutable as $$
  values
  ('opportunities_message', 'contact_id = any($1) or ($8 and client_id = any($2))',
    'subject = ''[erased]'', body = ''[erased]'', secret_link = '''', sent_to = '''', touch_day = null, in_reply_to = '''', provider_id = '''', trouble = '''''),
  ('opportunities_inboundmail', 'from_address = any($6) or message_id in (select m.id from opportunities_message m where m.contact_id = any($1) or ($8 and m.client_id = any($2))) or lead_id = any($4)',
    'from_address = '''', from_name = '''', to_addresses = '''', subject = ''[erased]'', words = '''', raw = '''', mail_id = '''', trouble = '''''),
  ('opportunities_lead', 'id = any($4)',
    'name = ''Erased person'', email = '''', phone = '''', words = '''', consent = ''{}'', company = case when $8 then '''' else company end, website = case when $8 then '''' else website end, external_ref = case when $8 or external_ref ~ $7 then '''' else external_ref end'),
  ('opportunities_leadfact', 'lead_id = any($4) and kind in (''contact_path'', ''decision_owner'')', 'value = ''[erased]'''),
  ('opportunities_note', '($8 or id = any($9)) and (opportunity_id = any($3) or lead_id = any($4))', 'words = ''[erased]'''),
  ('opportunities_consent', 'contact_id = any($1)', 'source = ''[erased]'''),
  -- What a field said before would come back by an undo: where it named them, nothing can be set back.
  ('opportunities_bulkrow', 'changed::text ~ $11 or (changed::text ~ $7 and ((record_id = any($3) and change_id in (select b.id from opportunities_bulkchange b where b.list = ''opportunities.opportunity'')) or (record_id = any($4) and change_id in (select b.id from opportunities_bulkchange b where b.list = ''opportunities.lead''))))', 'changed = ''{}'''),
  ('hooks_attempt', 'delivery_id in (select d.id from hooks_delivery d where d.event_id in (select e.id from opportunities_event e where e.diary_id = any($5)))',
    'answer = '''''),
  ('hooks_delivery', 'event_id in (select e.id from opportunities_event e where e.diary_id = any($5)) and body <> ''''', 'body = '''', trouble = '''''),
  ('portal_proposallink', 'contact_id = any($1)', 'contact_name = ''[erased]'', revoked_at = coalesce(revoked_at, now())'),
  ('portal_reader', 'link_id in (select l.id from portal_proposallink l where l.contact_id = any($1))',
    'name = '''', address = '''', user_agent = '''', seconds = ''{}'''),
  -- What made a contract stays as long as the contract does.
  ('portal_clientaction', 'contact_id = any($1) and (verb not in (''signed'', ''accepted'') or publication_id = any($10))',
    'name = ''erased '' || id, role = '''', words = '''', data = ''{}'', address = '''', user_agent = '''''),
  ('portal_stop', 'link_id in (select l.id from portal_stoplink l where l.contact_id = any($1))', 'address = '''', user_agent = '''''),
  ('portal_stoplink', 'contact_id = any($1)', 'email = '''''),
  ('portal_session', 'guest_id in (select g.id from portal_guest g where g.contact_id = any($1)) or email = any($6)',
    'email = '''', address = '''', user_agent = '''', revoked_at = coalesce(revoked_at, now())'),
  ('portal_signinlink', 'guest_id in (select g.id from portal_guest g where g.contact_id = any($1))', 'expires_at = least(expires_at, now())'),
  ('portal_signinrequest', 'email = any($6)',
    'email = '''', address = '''', network = '''', nonce_hash = '''', tried_hash = '''', handled_at = coalesce(handled_at, now())'),
  ('portal_passkey', 'email = any($6)',
    'email = '''', name = '''', credential = ''erased-'' || id, public_key = '''', revoked_at = coalesce(revoked_at, now())'),
  ('portal_inquiry', 'lower(email) = any($6) or lead_id = any($4)',
    'name = ''[erased]'', email = '''', phone = '''', company = case when $8 then '''' else company end, website = case when $8 then '''' else website end, message = '''', source = ''{}'', address = '''', content_digest = '''''),
  ('portal_guest', 'contact_id = any($1)',
    'name = ''[erased]'', email = ''erased-'' || id || ''@erased.invalid'', client_name = case when $8 then '''' else client_name end, revoked_at = coalesce(revoked_at, now())'),
  ('portal_preview', '$8 and client_id = any($2)', 'client_name = '''''),
  -- Rows of lists that were changed together hold the name that they had then.
  ('opportunities_bulkrow', 'record_id = any($1) and change_id in (select b.id from opportunities_bulkchange b where b.list = ''opportunities.contact'')', 'subject = ''[erased]'''),
  ('opportunities_bulkrow', 'record_id = any($4) and change_id in (select b.id from opportunities_bulkchange b where b.list = ''opportunities.lead'')', 'subject = ''[erased]'''),
  ('opportunities_contact', 'id = any($1)',
    'erased_at = coalesce(erased_at, now()), name = ''Erased person '' || id, email = '''', phone = '''', title = '''', country = '''', time_zone = ''UTC'', works_from = ''09:00'', works_to = ''17:00'', works_on = ''12345'', mail_failed_at = null, mail_trouble = '''', left_on = coalesce(left_on, current_date)'),
  ('opportunities_client', '$8 and id = any($2)', 'erased_at = coalesce(erased_at, now()), name = ''Erased client '' || id, website = '''', industry = '''', country = ''''')
$$;

-- Rows that may name them, and the columns in which: the words are taken out, the rest stays. Beside the parameters
-- up to $8, $9 are the proposals and $10 the contracts that nobody signed, $11 the publications of no signed contract,
-- $12 the rows of files that hold them. What is of the whole house (`wide`) is looked through for what can only be them:
-- an address, a phone, a name of several words. What the house says to everybody is left alone.
create or replace function zarts_erase_named() returns table (place text, rows_of text, columns text[], wide boolean) language sql immutable as $$
  values
  ('opportunities_opportunity', 'id = any($3)', '{name,source,next_action,close_risk}'::text[], false),
  ('opportunities_lead', 'opportunity_id = any($3) or id = any($4)', '{name,company,email,phone,website,words,next_action}', false),
  ('opportunities_leadfact', 'lead_id in (select l.id from opportunities_lead l where l.opportunity_id = any($3) or l.id = any($4))', '{value}', false),
  ('opportunities_discovery', 'opportunity_id = any($3)', '{source,next_action,notes,pain_points,lead_flow,provider_stack,decision_criteria,decision_path}', false),
  ('opportunities_answer', 'discovery_id in (select d.id from opportunities_discovery d where d.opportunity_id = any($3))', '{words}', false),
  ('opportunities_audit', 'opportunity_id = any($3)', '{source,next_action,name,raw_notes}', false),
  ('opportunities_evidence', 'audit_id in (select a.id from opportunities_audit a where a.opportunity_id = any($3))', '{metric,provider,link,raw_note,provider_caveat,reason,subject}', false),
  ('opportunities_evidencefile', 'audit_id in (select a.id from opportunities_audit a where a.opportunity_id = any($3))', '{name}', false),
  ('opportunities_evidencewithdrawal', 'evidence_id in (select e.id from opportunities_evidence e join opportunities_audit a on a.id = e.audit_id where a.opportunity_id = any($3))', '{reason}', false),
  ('opportunities_closing', 'opportunity_id = any($3)', '{source,next_action,words,competitor,must_change}', false),
  ('opportunities_confirmation', 'opportunity_id = any($3)', '{words}', false),
  ('opportunities_winback', 'opportunity_id = any($3)', '{changed}', false),
  ('opportunities_note', 'opportunity_id = any($3) or lead_id = any($4)', '{words}', false),
  ('opportunities_objection', 'opportunity_id = any($3)', '{words,answer}', false),
  ('opportunities_unwrittenpromise', 'opportunity_id = any($3)', '{words,said_by,settled_as}', false),
  ('opportunities_task', 'opportunity_id = any($3) or lead_id = any($4) or contact_id = any($1)', '{title,words,paused_because,outcome,subject}', false),
  ('opportunities_message', 'client_id = any($2) or opportunity_id = any($3)', '{subject,body,trouble,sent_to}', false),
  ('opportunities_inboundmail', 'message_id in (select m.id from opportunities_message m where m.client_id = any($2))', '{from_address,from_name,to_addresses,subject,words,trouble}', false),
  ('opportunities_inboundmail', 'stage <> ''filed''', '{from_address,from_name,to_addresses,subject,words,trouble}', true),
  ('opportunities_sequencerun', 'opportunity_id = any($3) or contact_id = any($1)', '{stopped_because,begun}', false),
  ('opportunities_campaign', 'true', '{chosen}', true),
  ('opportunities_campaignentry', 'contact_id = any($1)', '{left_out_because}', false),
  ('opportunities_quietdate', 'true', '{words}', true),
  ('opportunities_notice', 'true', '{words}', true),
  ('opportunities_letter', 'true', '{subject,body,trouble}', true),
  ('opportunities_import', 'true', '{file_name,sheet,sheets,header,columns,choices,questions,counts,made,trouble}', true),
  ('opportunities_importpart', 'true', '{name}', true),
  ('opportunities_importrow', 'id = any($12)', '{raw,said,reason,reference}', false),
  ('opportunities_savedview', 'true', '{name,filters}', true),
  ('opportunities_bulkchange', 'true', '{words,answers,back}', true),
  ('opportunities_bulkrow', 'true', '{subject,reason}', true),
  ('opportunities_savedform', 'true', '{led_to}', true),
  ('django_admin_log', 'true', '{object_repr,change_message}', true),
  ('proposals_proposal', 'id = any($9)', '{source,next_action,title,intro,paused_because}', false),
  ('proposals_scopeitem', 'proposal_id = any($9)', '{title,text}', false),
  ('proposals_milestone', 'proposal_id = any($9)', '{title,text,who}', false),
  ('proposals_priceline', 'proposal_id = any($9)', '{title,pricing_assumption}', false),
  ('proposals_claim', 'proposal_id = any($9)', '{text,metric,method}', false),
  ('proposals_approval', 'proposal_id = any($9) or contract_id = any($10) or (summary_id is not null and opportunity_id = any($3))', '{source,next_action,content,decision,condition,why}', false),
  ('proposals_summary', 'opportunity_id = any($3)', '{source,next_action,title,words}', false),
  ('proposals_contract', 'opportunity_id = any($3)', '{source,next_action}', false),
  ('proposals_contractclause', 'contract_id = any($10)', '{text}', false),
  ('handoff_handoff', 'opportunity_id = any($3)', '{source,next_action}', false),
  ('handoff_project', 'opportunity_id = any($3)', '{source,next_action,name}', false),
  ('handoff_checklistitem', 'project_id in (select p.id from handoff_project p where p.opportunity_id = any($3))', '{source,next_action,title,who,group}', false),
  ('handoff_connector', 'project_id in (select p.id from handoff_project p where p.opportunity_id = any($3))', '{access_holder,secret_kept_at,account,said_name,said_to}', false),
  ('handoff_launchblocker', 'project_id in (select p.id from handoff_project p where p.opportunity_id = any($3))', '{words}', false),
  ('handoff_outofscope', 'handoff_id in (select h.id from handoff_handoff h where h.opportunity_id = any($3))', '{words,reason}', false),
  ('handoff_promise', 'handoff_id in (select h.id from handoff_handoff h where h.opportunity_id = any($3))', '{settled_as,shown}', false),
  ('handoff_receipt', 'handoff_id in (select h.id from handoff_handoff h where h.opportunity_id = any($3))', '{words}', false),
  ('handoff_report', 'project_id in (select p.id from handoff_project p where p.opportunity_id = any($3))', '{source,next_action,numbers,next_steps,breach_reason,dropped_because}', false),
  ('handoff_reportnote', 'report_id in (select r.id from handoff_report r join handoff_project p on p.id = r.project_id where p.opportunity_id = any($3))', '{words}', false),
  ('handoff_reportingcadence', 'project_id in (select p.id from handoff_project p where p.opportunity_id = any($3))', '{metrics}', false),
  ('handoff_cadencechange', 'cadence_id in (select c.id from handoff_reportingcadence c join handoff_project p on p.id = c.project_id where p.opportunity_id = any($3))', '{reason,days_before}', false),
  ('portal_clientaction', 'client_id = any($2) and (verb not in (''signed'', ''accepted'') or publication_id = any($11))', '{name,words,data,outcome}', false),
  ('portal_reader', 'link_id in (select l.id from portal_proposallink l where l.client_id = any($2))', '{name}', false),
  ('portal_stop', 'link_id in (select l.id from portal_stoplink l where l.contact_id = any($1))', '{outcome}', false),
  ('portal_inquiry', 'true', '{message,source}', true),
  ('portal_paymentnotice', 'true', '{body,outcome}', true),
  ('portal_publication', 'id = any($11)', '{title,body,withdrawn_reason}', false),
  ('api_call', 'true', '{answer}', true),
  ('retest_retestfinding', 'true', '{words}', true)
$$;

-- What the erase of these people reaches: their deals, leads, diaries and so on, and what finds their words: `pattern`
-- in all that is their client's, `wide` in what is of the whole house. `parts` are parts of their names that somebody
-- chose. What is live with the client, and names them, is left to somebody first.
create or replace function zarts_erase_reach(people bigint[], whole_client bigint, parts text[], out clients bigint[],
  out deals bigint[], out leads bigint[], out diaries bigint[], out mails text[], out words text[],
  out unsigned_offers bigint[], out unsigned_contracts bigint[], out publications bigint[], out pattern text,
  out wide text, out live_offers bigint[], out live_contracts bigint[])
language plpgsql stable as $$
declare
  signed bigint[];
  sold bigint[];
  mails_now text[];
  all_mails text[];
  names text[];
begin
  clients := array(select distinct c.client_id from opportunities_contact c where c.id = any(people)
                   union select whole_client where whole_client is not null
                   union select c.id from opportunities_client c where c.merged_into_id = whole_client);
  deals := array(select o.id from opportunities_opportunity o where o.client_id = any(clients));
  mails_now := array(select lower(c.email) from opportunities_contact c where c.id = any(people) and c.email <> ''
                     union select g.email from portal_guest g where g.contact_id = any(people) and g.revoked_at is null);
  words := zarts_erase_names(people, '{}');
  names := array(select lower(word) from unnest(words) word where word not like '%@%');
  all_mails := array(select mail from unnest(mails_now) mail
                     union select lower(word) from unnest(words) word where word like '%_@_%');
  -- Who is known elsewhere by the same address keeps what hangs on the address alone.
  mails := array(select mail from unnest(all_mails) mail where not exists (
    select from opportunities_contact c where lower(c.email) = mail and c.id <> all(people)));
  -- A lead is theirs by the address that they have now; by one from before only if it is of their name.
  leads := array(select l.id from opportunities_lead l
    where (lower(l.email) = any(all_mails) and (lower(l.email) = any(mails_now) or lower(btrim(l.name)) = any(names))
        and (lower(l.email) = any(mails) or l.opportunity_id is null or l.opportunity_id = any(deals)))
      or (l.opportunity_id = any(deals) and (whole_client is not null or lower(btrim(l.name)) in
        (select lower(btrim(c.name)) from opportunities_contact c where c.id = any(people)))));
  words := zarts_erase_names(people, leads);
  if whole_client is not null then
    words := words || array(select btrim(c.name) from opportunities_client c where c.id = any(clients) and length(btrim(c.name)) > 1)
      || array(select c.website::text from opportunities_client c where c.id = any(clients) and c.website <> '');
  end if;
  pattern := coalesce(zarts_erase_pattern(words, parts), '(?!)');
  wide := coalesce(zarts_erase_pattern(array(
    select word from unnest(words) word where not zarts_erase_anothers(word, people, null)
      and (word ~ '[@/]|\S\s+\S' or (word !~ '[[:alpha:]]' and length(regexp_replace(word, '[^0-9]', '', 'g')) > 5))), '{}'), '(?!)');
  diaries := array(
    select c.diary_id from opportunities_client c where c.id = any(clients)
    union select o.diary_id from opportunities_opportunity o where o.id = any(deals)
    union select l.diary_id from opportunities_lead l where l.id = any(leads) or l.opportunity_id = any(deals)
    union select e.diary_id from opportunities_event e where e.record_type = 'opportunities.contact' and e.record_id = any(people)
    union select i.diary_id from opportunities_inboundmail i left join opportunities_message m on m.id = i.message_id
      where i.from_address = any(all_mails) or m.contact_id = any(people) or m.client_id = any(clients) or i.lead_id = any(leads)
    union select q.diary_id from opportunities_quietdate q where q.client_id = any(clients)
    -- Of the whole house, those of what is called after them.
    union select v.diary_id from opportunities_savedview v where concat_ws(' ', v.name, v.filters) ~ wide
    union select f.diary_id from opportunities_import f where concat_ws(' ', f.file_name, f.sheet) ~ wide);
  signed := array(select k.id from proposals_contract k where k.opportunity_id = any(deals)
    and (k.stage in ('signed', 'active', 'ended') or exists (select from proposals_signature s where s.contract_id = k.id)));
  sold := array(select k.proposal_id from proposals_contract k where k.id = any(signed)
                union select p.id from proposals_proposal p where p.changes_id = any(signed) and p.stage = 'accepted');
  unsigned_contracts := array(select k.id from proposals_contract k where k.opportunity_id = any(deals) and k.id <> all(signed));
  unsigned_offers := array(select p.id from proposals_proposal p where p.opportunity_id = any(deals) and p.id <> all(sold));
  publications := array(select p.id from portal_publication p where p.client_id = any(clients)
    and p.ref <> all(array(select 'proposals.contract:' || one from unnest(signed) one))
    and p.ref <> all(array(select 'proposals.proposal:' || one from unnest(sold) one)));
  -- What they were sent says what it says, letter by letter, until it is answered.
  live_contracts := array(select k.id from proposals_contract k where k.id = any(unsigned_contracts) and k.stage = 'sent' and (
    exists (select from proposals_contractclause c where c.contract_id = k.id and c.text ~ pattern)
    or exists (select from portal_publication p where p.ref = 'proposals.contract:' || k.id and p.withdrawn_at is null
               and concat_ws(' ', p.title, p.body) ~ pattern)));
  live_offers := array(select p.id from proposals_proposal p join opportunities_opportunity o on o.id = p.opportunity_id
    where p.id = any(unsigned_offers)
      and (p.stage in ('sent', 'viewed') or (p.stage = 'accepted' and o.stage not in ('lost', 'handed_off'))) and (
      concat_ws(' ', p.title, p.intro) ~ pattern or p.recipient_id = any(people)
      or exists (select from proposals_scopeitem s where s.proposal_id = p.id and concat_ws(' ', s.title, s.text) ~ pattern)
      or exists (select from proposals_milestone m where m.proposal_id = p.id and concat_ws(' ', m.title, m.text, m.who) ~ pattern)
      or exists (select from proposals_priceline l where l.proposal_id = p.id and concat_ws(' ', l.title, l.pricing_assumption) ~ pattern)
      or exists (select from proposals_claim c where c.proposal_id = p.id and concat_ws(' ', c.text, c.metric, c.method) ~ pattern)
      or exists (select from portal_publication s where s.ref = 'proposals.proposal:' || p.id and s.withdrawn_at is null
                 and concat_ws(' ', s.title, s.body) ~ pattern)
      or exists (select from portal_clientaction a join portal_publication s on s.id = a.publication_id
                 where s.ref = 'proposals.proposal:' || p.id and a.verb = 'accepted' and a.contact_id = any(people))));
end $$;

-- Where in their client's own records a part of their names stands beside the whole ones, which go by themselves.
create or replace function zarts_erase_look(people bigint[], whole_client bigint, parts text[])
returns table (place text, of_id bigint, said text) language plpgsql stable as $$
declare
  r record;
  one record;
  part text := zarts_erase_pattern('{}', parts);
begin
  if part is null then
    return;
  end if;
  select * into r from zarts_erase_reach(people, whole_client, '{}');
  for one in
    select n.place, n.rows_of, string_agg(format('%I::text', c.column_name), ', ' order by c.ordinal_position) as texts
    from zarts_erase_named() n join information_schema.columns c
      on c.table_schema = 'public' and c.table_name = n.place and c.column_name = any(n.columns)
    where not n.wide and n.place <> 'opportunities_importrow'
    group by n.place, n.rows_of
  loop
    return query execute format(
      'select $13, t.id::bigint, t.said from (select id, regexp_replace(concat_ws('' · '', %s), $7, '''', ''g'') as said from %I where %s) t where t.said ~ $14',
      -- What is theirs goes as a whole.
      one.texts, one.place, '(' || one.rows_of || ')' || case one.place
        when 'opportunities_message' then ' and coalesce(contact_id, 0) <> all($1)'
        when 'opportunities_inboundmail' then ' and from_address <> all($6)'
        when 'opportunities_lead' then ' and id <> all($4)' else '' end)
      using people, r.clients, r.deals, r.leads, r.diaries, r.mails, r.pattern, whole_client is not null,
            r.unsigned_offers, r.unsigned_contracts, r.publications, '{}'::bigint[], one.place, part;
  end loop;
end $$;

-- Erase. Return the event that tells of it. Who may, and whether something stands against it, the caller has asked.
create or replace function zarts_erase(people bigint[], whole_client bigint, by_user bigint, why text, notes bigint[], parts text[])
returns bigint
language plpgsql security definer set search_path = public, pg_temp as $$
declare
  r record;
  pattern text;
  one record;
  changes text;
  finds text;
  touched bigint;
  counted jsonb := '{}';
  papers bigint[] := '{}';
  file_rows bigint[];
  file_rows_of bigint[];
  own_messages bigint[];
  events bigint[];
  own_events bigint[];
  facts_gone bigint[];
  facts_worded bigint[];
  told bigint;
  facts_of_it bigint;
  about record;
begin
  select * into r from zarts_erase_reach(people, whole_client, parts);
  pattern := r.pattern;
  insert into opportunities_erasing values (pg_current_xact_id()::text::bigint);

  own_messages := array(select m.id from opportunities_message m where m.contact_id = any(people) or m.client_id = whole_client);
  papers := array(select p.id from portal_publication p where p.id = any(r.publications) and (p.title ~ pattern or p.body::text ~ pattern));

  -- Files that were brought in and hold a row of theirs go; what was read of the other rows stays. Whom a file names
  -- that is not read yet nobody can say, nor what stands in a companion beside what was read of it: they go, too.
  select array_agg(i.id), array_agg(distinct i.of_id) into file_rows, file_rows_of
  from opportunities_importrow i where concat_ws(' ', i.raw, i.said, i.reason, i.reference) ~ r.wide;
  update opportunities_importpart set data = '' 
  where data <> '' and (of_id = any(file_rows_of) or file > 0
    or of_id in (select i.id from opportunities_import i where i.stage = 'uploaded'));
  get diagnostics touched = row_count;
  counted := counted || case when touched > 0 then jsonb_build_object('opportunities_importpart', touched) else '{}' end;

  -- Diaries: what an event says, and its facts. Its hash stays, and what is left of it is proved instead.
  select array_agg(id), array_agg(id) filter (where own), array_agg(facts_id) filter (where own and facts_id is not null),
         array_agg(facts_id) filter (where not own and facts_id is not null)
  into events, own_events, facts_gone, facts_worded
  from (
    select e.id, e.facts_id, f.values, e.verb not like '%.erase' and (
        (e.record_type = 'opportunities.contact' and e.record_id = any(people))
        or (e.record_type = 'opportunities.consent' and e.record_id in (select c.id from opportunities_consent c where c.contact_id = any(people)))
        or (e.record_type = 'opportunities.message' and e.record_id = any(own_messages))
        or (e.record_type = 'opportunities.inboundmail' and e.diary_id in (select i.diary_id from opportunities_inboundmail i where i.from_address = any(r.mails)))
        or (e.record_type = 'opportunities.lead' and e.record_id = any(r.leads))
        or (e.record_type = 'opportunities.note' and (whole_client is not null or e.record_id = any(notes)))) as own,
      (e.contact_id = any(people) or concat_ws(' ', e.subject, e.actor_name, e.next_action, e.reason) ~ pattern
        or f.values::text ~ pattern) is true as named
    from opportunities_event e left join opportunities_facts f on f.id = e.facts_id
    where e.diary_id = any(r.diaries)
  ) found where own or named;
  update opportunities_facts set values = '{"erased": true}', salt = gen_random_uuid() where id = any(facts_gone);
  update opportunities_facts set values = zarts_erase_json(values, pattern), salt = gen_random_uuid()
  where id = any(facts_worded) and values::text ~ pattern;
  update opportunities_event e set
    subject = case
      when e.record_type = 'opportunities.contact' and e.record_id = any(people) then 'Erased person ' || e.record_id
      when e.id = any(own_events) then '[erased]'
      else left(regexp_replace(e.subject, pattern, '[erased]', 'g'), 200) end,
    actor_name = case when e.contact_id = any(people) then 'Erased person ' || e.contact_id
      else left(regexp_replace(e.actor_name, pattern, '[erased]', 'g'), 200) end,
    next_action = left(regexp_replace(e.next_action, pattern, '[erased]', 'g'), 200),
    reason = case when e.record_type = 'opportunities.contact' and e.record_id = any(people) and e.reason <> '' then '[erased]'
      else regexp_replace(e.reason, pattern, '[erased]', 'g') end
  where e.id = any(events) and e.verb not like '%.erase';

  for one in select * from zarts_erase_named() n loop
    select string_agg(format(case when c.data_type = 'jsonb' then '%1$I = zarts_erase_json(%1$I, $7)'
                                  else '%1$I = left(regexp_replace(%1$I, $7, ''[erased]'', ''g''), %2$s)' end,
                             c.column_name, coalesce(c.character_maximum_length, 100000000)), ', '),
           string_agg(format('%I::text ~ $7', c.column_name), ' or ')
    into strict changes, finds
    from information_schema.columns c
    where c.table_schema = 'public' and c.table_name = one.place and c.column_name = any(one.columns);
    execute format('update %I set %s where (%s) and (%s)', one.place, changes, one.rows_of, finds)
      using people, r.clients, r.deals, r.leads, r.diaries, r.mails, case when one.wide then r.wide else pattern end,
            whole_client is not null, r.unsigned_offers, r.unsigned_contracts, r.publications, file_rows;
    get diagnostics touched = row_count;
    counted := counted || case when touched > 0
      then jsonb_build_object(one.place, touched + coalesce((counted ->> one.place)::bigint, 0)) else '{}' end;
  end loop;
  delete from portal_paper p where p.publication_id = any(papers);
  for one in select o.place, o.rows_of, o.sets from zarts_erase_own() o loop
    execute format('update %I set %s where %s', one.place, one.sets, one.rows_of)
      using people, r.clients, r.deals, r.leads, r.diaries, r.mails, pattern, whole_client is not null, notes,
            r.publications, r.wide;
    get diagnostics touched = row_count;
    counted := counted || case when touched > 0
      then jsonb_build_object(one.place, touched + coalesce((counted ->> one.place)::bigint, 0)) else '{}' end;
  end loop;

  -- The search box's lines of all that hangs on them.
  for one in
    select s.kind, array_agg(s.record_id) as ids from search_entry s
    where s.client_id = any(r.clients) or s.opportunity_id = any(r.deals) or s.lead_id = any(r.leads) group by s.kind
  loop
    perform zarts_search_write(one.kind, one.ids);
  end loop;

  -- The event that tells of it, with the proof of what is left.
  if whole_client is null then
    select c.diary_id, c.owner_id, 'contact' as kind, p.id, p.name as subject into strict about
    from opportunities_contact p join opportunities_client c on c.id = p.client_id where p.id = people[1];
  else
    select c.diary_id, c.owner_id, 'client' as kind, c.id, c.name as subject into strict about
    from opportunities_client c where c.id = whole_client;
  end if;
  insert into opportunities_facts (values)
  select jsonb_build_object(
    'rows', counted, 'events', coalesce(array_length(events, 1), 0),
    'facts', coalesce(array_length(facts_gone, 1), 0) + coalesce(array_length(facts_worded, 1), 0),
    'papers', coalesce(array_length(papers, 1), 0),
    'proof', encode(sha256(convert_to(coalesce((
      select string_agg(e.id || ':' || zarts_event_hash(e) || ':' || coalesce(zarts_facts_digest(f), ''), ',' order by e.id)
      from opportunities_event e left join opportunities_facts f on f.id = e.facts_id where e.id = any(events)), ''), 'utf8')), 'hex'))
  returning id into facts_of_it;
  insert into opportunities_event (diary_id, seq, facts_digest, previous, hash, xid, at, verb, past, record_type, record_id,
    subject, actor_kind, actor_id, actor_name, owner_id, stage_from, stage_to, next_action, reason, facts_id)
  select about.diary_id, 0, '', '', '', 0, clock_timestamp(), about.kind || '.erase', 'erased', 'opportunities.' || about.kind,
    about.id, about.subject, 'user', u.id,
    left(coalesce(nullif(btrim(u.first_name || ' ' || u.last_name), ''), u.username), 200), about.owner_id, '', '', '',
    regexp_replace(why, pattern, '[erased]', 'g'), facts_of_it
  from opportunities_user u where u.id = by_user
  returning id into strict told;
  -- Whoever was ever told names, or words of ours, hears of it, whatever else they chose to hear of.
  insert into hooks_delivery (endpoint_id, event_id, diary_id, verb, happened_at, state, go_at, attempts)
  select p.id, e.id, e.diary_id, e.verb, e.at, 'waiting', e.at, 0
  from hooks_endpoint p cross join opportunities_event e
  where e.id = told and p.stage <> 'ended' and (p.with_names or p.with_reason or exists (
    select from opportunities_event x join opportunities_facts f on f.id = x.facts_id
    where x.record_type = 'hooks.endpoint' and x.record_id = p.id and f.values ?| array['with_names', 'with_reason']))
  on conflict (endpoint_id, event_id) do nothing;
  insert into opportunities_blanked (event_id, told_by_id, left_hash, left_facts)
  select e.id, told, zarts_event_hash(e), coalesce(zarts_facts_digest(f), '')
  from opportunities_event e left join opportunities_facts f on f.id = e.facts_id where e.id = any(events);
  delete from opportunities_erasing where xid = pg_current_xact_id()::text::bigint;
  return told;
end $$;
