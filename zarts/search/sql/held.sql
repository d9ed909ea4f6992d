-- A line says what stands in several records: the name of its client, who owns its deal. While somebody changes one of
-- those, whoever writes such a line waits for them; and each night all lines are compared with their records.

-- "Ørsted", "Łódź", "Æther" and "Hauptstraße" are found as people type them: orsted, lodz, aether, hauptstrasse.
-- Keep it as zarts.search.finding.plain.
create or replace function zarts_search_plain(words text) returns text language sql immutable parallel safe return
  btrim(regexp_replace(
    lower(replace(replace(replace(replace(translate(
      regexp_replace(normalize(words, nfkd), '[\u0300-\u036f]', '', 'g'),
      'ØøŁłĐđÐðıẞÆŒÞ', 'oollddddißæœþ'), 'ß', 'ss'), 'æ', 'ae'), 'œ', 'oe'), 'þ', 'th')),
    '[\u0001-\u002f\u003a-\u0040\u005b-\u0060\u007b-\u00bf\u00d7\u00f7\u2000-\u2bff\u2e00-\u2e7f\u3000-\u303f\ufe00-\ufe0f\ufeff\U0001f000-\U0001faff]+', ' ', 'g'));

-- What a mark joins is one word besides: "O'Brien" is found by obrien, "C-0007" by c0007.
create or replace function zarts_search_words(words text) returns tsvector language sql immutable parallel safe return (
  select coalesce(array_to_tsvector(array_agg(distinct left(word, 40))), '')
  from string_to_table(
    zarts_search_plain(left(words, 20000)) || coalesce((
      select ' ' || string_agg(zarts_search_plain(regexp_replace(joined[1], '[''’‑-]', '', 'g')), ' ')
      from regexp_matches(left(words, 20000), '\w+(?:[''’‑-]\w+)+', 'g') joined), ''),
    ' ') word where word <> '');

-- Hold the lines of what these are about, from the top down, until this is over: whoever changes one of those first has
-- it first, and is read after. It holds lines and no records, so that only what lines say is waited for.
create or replace function zarts_search_hold(of_kind text, ids bigint[]) returns void language plpgsql as $$
declare
  above record;
  contacts bigint[];
begin
  select array_agg(l.client_id) as clients, array_agg(l.opportunity_id) as opportunities, array_agg(l.lead_id) as leads
  into above from zarts_search_lines(of_kind, ids) l;
  if of_kind = 'message' then
    select array_agg(contact_id) into contacts from opportunities_message where id = any(ids);
  end if;
  if of_kind <> 'client' then
    perform from search_entry where kind = 'client' and record_id = any(above.clients) order by id for share;
  end if;
  perform from search_entry where kind = 'contact' and record_id = any(contacts) order by id for share;
  if of_kind <> 'lead' then
    perform from search_entry where kind = 'lead' and record_id = any(above.leads) order by id for share;
  end if;
  if of_kind <> 'opportunity' then
    perform from search_entry where kind = 'opportunity' and record_id = any(above.opportunities) order by id for share;
  end if;
end $$;

create or replace function zarts_search_added() returns trigger language plpgsql security definer set search_path = public, pg_temp as $$
begin
  perform zarts_search_hold(tg_argv[0], array(select id from added));
  perform zarts_search_write(tg_argv[0], array(select id from added));
  return null;
end $$;

create or replace function zarts_search_noted() returns trigger language plpgsql security definer set search_path = public, pg_temp as $$
begin
  perform zarts_search_hold('note', array(select id from added));
  perform zarts_search_write('note', array(select id from added union select corrects_id from added where corrects_id is not null));
  return null;
end $$;

create or replace function zarts_search_changed() returns trigger language plpgsql security definer set search_path = public, pg_temp as $$
declare
  was jsonb := to_jsonb(old);
  now_is jsonb := to_jsonb(new);
  name text;
  is_behind boolean := false;
  is_changed boolean := false;
  are_others boolean := false;
  other record;
begin
  foreach name in array tg_argv[3:] loop
    if name = '|' then
      is_behind := true;
    elsif was -> name is distinct from now_is -> name then
      is_changed := true;
      are_others := are_others or is_behind;
    end if;
  end loop;
  if is_changed then
    perform zarts_search_hold(tg_argv[0], array[new.id]);
    perform zarts_search_write(tg_argv[0], array[new.id]);
  end if;
  if are_others then
    for other in
      execute format('select kind, array_agg(record_id) as ids from search_entry where %I = $1 group by kind', tg_argv[1])
      using (now_is ->> tg_argv[2])::bigint
    loop
      perform zarts_search_write(other.kind, other.ids);
    end loop;
  end if;
  return null;
end $$;

-- Compare the lines of so many records with them, and write anew those that are off or missing. Says up to which record,
-- null after the last, and how many were off.
create or replace function zarts_search_mend(of_kind text, above bigint, most integer, out upto bigint, out off integer)
language plpgsql security definer set search_path = public, pg_temp as $$
declare
  place text := case when of_kind = 'project' then 'handoff' when of_kind in ('proposal', 'contract') then 'proposals'
    else 'opportunities' end;
  ids bigint[];
  wrong bigint[];
begin
  execute format('select array(select id from %I where id > $1 order by id limit $2)', place || '_' || of_kind)
    into ids using above, most;
  upto := ids[cardinality(ids)];
  wrong := array(
    select l.record_id from zarts_search_lines(of_kind, ids) l
    left join search_entry e on e.kind = of_kind and e.record_id = l.record_id
    where (e.client_id, e.opportunity_id, e.lead_id, e.owner_id, e.team_id, e.is_guest, e.is_open, e.title, e.about,
        e.name_key, e.search)
      is distinct from (l.client_id, l.opportunity_id, l.lead_id, l.owner_id, l.team_id, l.is_guest, l.is_open,
        left(l.title, 320)::varchar, left(l.about, 320)::varchar, left(zarts_search_plain(l.title), 160)::varchar,
        zarts_search_words(concat_ws(' ', l.title, l.about, l.words)))
    order by l.record_id);
  off := cardinality(wrong);
  if off > 0 then
    perform zarts_search_hold(of_kind, wrong);
    perform from search_entry where kind = of_kind and record_id = any(wrong) order by id for update;
    perform zarts_search_write(of_kind, wrong);
  end if;
end $$;

-- Write anew what was written before this.
do $$
declare
  of_kind text;
  done record;
begin
  foreach of_kind in array
    array['client', 'contact', 'lead', 'opportunity', 'proposal', 'contract', 'project', 'message', 'note']
  loop
    select 0::bigint as upto into done;
    while done.upto is not null loop
      select * into done from zarts_search_mend(of_kind, done.upto, 5000);
    end loop;
  end loop;
end $$;
