-- One line for each record that the search box finds, written by the database whenever its record is. What a line says is
-- read from the record each time; held.sql says what holds against two at once, and what compares them each night.
-- Functions in words, not a view: a view would forbid the apps below to change a column that it names.

-- Words without case, accents and marks: "Müller & Söhne" is found by "muller sohne".
create function zarts_search_plain(words text) returns text language sql immutable parallel safe return
  btrim(regexp_replace(
    regexp_replace(lower(normalize(translate(words, 'ßøłđæœ', 'soldao'), nfkd)), '[\u0300-\u036f]', '', 'g'),
    '[\u0001-\u002f\u003a-\u0040\u005b-\u0060\u007b-\u00bf\u00d7\u00f7\u2000-\u2bff\u2e00-\u2e7f\u3000-\u303f\ufe00-\ufe0f\ufeff\U0001f000-\U0001faff]+', ' ', 'g'));

create function zarts_search_words(words text) returns tsvector language sql immutable parallel safe return (
  select coalesce(array_to_tsvector(array_agg(distinct left(word, 40))), '')
  from string_to_table(zarts_search_plain(left(words, 20000)), ' ') word where word <> '');

-- What is found of each kind: the line's title, what stands below it, what else finds it, and whose it is.
create function zarts_search_lines(of_kind text, ids bigint[]) returns table (
  record_id bigint, client_id bigint, opportunity_id bigint, lead_id bigint, owner_id bigint, team_id bigint,
  is_guest boolean, is_open boolean, title text, about text, words text
) language plpgsql stable as $$
begin
  if of_kind = 'client' then
    return query select c.id, c.id, null::bigint, null::bigint, c.owner_id, c.team_id, false, c.merged_into_id is null,
      c.name::text, concat_ws(' · ', nullif(c.industry, ''), nullif(c.country, '')), c.website::text
    from opportunities_client c where c.id = any(ids);
  elsif of_kind = 'contact' then
    return query select p.id, c.id, null::bigint, null::bigint, c.owner_id, c.team_id, false,
      p.left_on is null and p.merged_into_id is null,
      p.name::text, concat_ws(' · ', nullif(p.title, ''), c.name), concat_ws(' ', p.email, p.phone)
    from opportunities_contact p join opportunities_client c on c.id = p.client_id where p.id = any(ids);
  elsif of_kind = 'lead' then
    return query select l.id, null::bigint, null::bigint, l.id, l.owner_id, l.team_id, false, l.stage in ('new', 'working'),
      concat_ws(', ', l.name, nullif(l.company, '')), ''::text, concat_ws(' ', l.email, l.phone, l.website, l.words)
    from opportunities_lead l where l.id = any(ids);
  elsif of_kind = 'opportunity' then
    return query select o.id, c.id, o.id, null::bigint, o.owner_id, o.team_id,
      (o.owner_id, o.team_id) is distinct from (c.owner_id, c.team_id), o.stage not in ('handed_off', 'lost'),
      o.name::text, c.name::text, ''::text
    from opportunities_opportunity o join opportunities_client c on c.id = o.client_id where o.id = any(ids);
  elsif of_kind = 'proposal' then
    return query select p.id, c.id, o.id, null::bigint, o.owner_id, o.team_id, false,
      p.stage not in ('accepted', 'declined', 'expired', 'superseded', 'withdrawn'),
      p.title::text, concat_ws(' · ', p.number || ', revision ' || p.revision, c.name), concat_ws(' ', o.name, p.intro)
    from proposals_proposal p join opportunities_opportunity o on o.id = p.opportunity_id
    join opportunities_client c on c.id = o.client_id where p.id = any(ids);
  elsif of_kind = 'contract' then
    return query select k.id, c.id, o.id, null::bigint, o.owner_id, o.team_id, false,
      k.stage not in ('ended', 'declined', 'voided'), k.number || ': ' || p.title, c.name::text, o.name::text
    from proposals_contract k join proposals_proposal p on p.id = k.proposal_id
    join opportunities_opportunity o on o.id = k.opportunity_id
    join opportunities_client c on c.id = o.client_id where k.id = any(ids);
  elsif of_kind = 'project' then
    return query select j.id, c.id, o.id, null::bigint, o.owner_id, o.team_id, false, j.stage <> 'closed',
      j.name::text, c.name::text, o.name::text
    from handoff_project j join opportunities_opportunity o on o.id = j.opportunity_id
    join opportunities_client c on c.id = j.client_id where j.id = any(ids);
  elsif of_kind = 'message' then
    return query select m.id, m.client_id, o.id, null::bigint, coalesce(o.owner_id, c.owner_id),
      case when o.id is null then c.team_id else o.team_id end, false, true,
      m.subject::text, concat_ws(' · ', p.name, c.name), m.body
    from opportunities_message m join opportunities_client c on c.id = m.client_id
    join opportunities_contact p on p.id = m.contact_id
    left join opportunities_opportunity o on o.id = m.opportunity_id where m.id = any(ids);
  elsif of_kind = 'note' then
    return query select n.id, c.id, o.id, l.id, coalesce(o.owner_id, l.owner_id),
      case when o.id is null then l.team_id else o.team_id end, false,
      not exists (select from opportunities_note later where later.corrects_id = n.id),
      left(n.words, 120), coalesce(concat_ws(' · ', o.name, c.name), concat_ws(', ', l.name, nullif(l.company, ''))), n.words
    from opportunities_note n left join opportunities_opportunity o on o.id = n.opportunity_id
    left join opportunities_client c on c.id = o.client_id
    left join opportunities_lead l on l.id = n.lead_id where n.id = any(ids);
  end if;
end $$;

create function zarts_search_write(of_kind text, ids bigint[]) returns void language sql as $$
  insert into search_entry as e (kind, record_id, client_id, opportunity_id, lead_id, owner_id, team_id, is_guest, is_open,
    title, about, name_key, search)
  select of_kind, l.record_id, l.client_id, l.opportunity_id, l.lead_id, l.owner_id, l.team_id, l.is_guest, l.is_open,
    left(l.title, 320), left(l.about, 320), left(zarts_search_plain(l.title), 160),
    zarts_search_words(concat_ws(' ', l.title, l.about, l.words))
  from zarts_search_lines(of_kind, ids) l
  order by l.record_id
  on conflict (kind, record_id) do update set client_id = excluded.client_id, opportunity_id = excluded.opportunity_id,
    lead_id = excluded.lead_id, owner_id = excluded.owner_id, team_id = excluded.team_id, is_guest = excluded.is_guest,
    is_open = excluded.is_open, title = excluded.title, about = excluded.about, name_key = excluded.name_key,
    search = excluded.search
$$;

-- What was added, as one set.
create function zarts_search_added() returns trigger language plpgsql security definer set search_path = public, pg_temp as $$
begin
  perform zarts_search_write(tg_argv[0], array(select id from added));
  return null;
end $$;

-- A note that corrects another is what is current.
create function zarts_search_noted() returns trigger language plpgsql security definer set search_path = public, pg_temp as $$
begin
  perform zarts_search_write('note', array(select id from added union select corrects_id from added where corrects_id is not null));
  return null;
end $$;

-- What was changed. The trigger's words: the kind; how other lines name what this record is about, and the column that
-- says which; the columns that its own line says; and behind the bar those that the others say as well.
create function zarts_search_changed() returns trigger language plpgsql security definer set search_path = public, pg_temp as $$
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

create trigger search_added after insert on opportunities_client referencing new table as added
  for each statement execute function zarts_search_added('client');
create trigger search_changed after update on opportunities_client
  for each row execute function zarts_search_changed('client', 'client_id', 'id', 'website', 'industry', 'country', 'merged_into_id', '|', 'name', 'owner_id', 'team_id');
create trigger search_added after insert on opportunities_contact referencing new table as added
  for each statement execute function zarts_search_added('contact');
create trigger search_changed after update on opportunities_contact
  for each row execute function zarts_search_changed('contact', 'client_id', 'client_id', 'title', 'email', 'phone', 'left_on', 'merged_into_id', 'client_id', '|', 'name');
create trigger search_added after insert on opportunities_lead referencing new table as added
  for each statement execute function zarts_search_added('lead');
create trigger search_changed after update on opportunities_lead
  for each row execute function zarts_search_changed('lead', 'lead_id', 'id', 'email', 'phone', 'website', 'words', 'stage', '|', 'name', 'company', 'owner_id', 'team_id');
create trigger search_added after insert on opportunities_opportunity referencing new table as added
  for each statement execute function zarts_search_added('opportunity');
create trigger search_changed after update on opportunities_opportunity
  for each row execute function zarts_search_changed('opportunity', 'opportunity_id', 'id', 'stage', '|', 'name', 'owner_id', 'team_id', 'client_id');
create trigger search_added after insert on proposals_proposal referencing new table as added
  for each statement execute function zarts_search_added('proposal');
create trigger search_changed after update on proposals_proposal
  for each row execute function zarts_search_changed('proposal', 'opportunity_id', 'opportunity_id', 'number', 'revision', 'intro', 'stage', '|', 'title');
create trigger search_added after insert on proposals_contract referencing new table as added
  for each statement execute function zarts_search_added('contract');
create trigger search_changed after update on proposals_contract
  for each row execute function zarts_search_changed('contract', '', '', 'number', 'stage');
create trigger search_added after insert on handoff_project referencing new table as added
  for each statement execute function zarts_search_added('project');
create trigger search_changed after update on handoff_project
  for each row execute function zarts_search_changed('project', '', '', 'name', 'stage');
create trigger search_added after insert on opportunities_message referencing new table as added
  for each statement execute function zarts_search_added('message');
create trigger search_changed after update on opportunities_message
  for each row execute function zarts_search_changed('message', '', '', 'subject', 'body', 'client_id', 'opportunity_id', 'contact_id');
create trigger search_added after insert on opportunities_note referencing new table as added
  for each statement execute function zarts_search_noted();

-- What is there already.
select zarts_search_write('client', array(select id from opportunities_client));
select zarts_search_write('contact', array(select id from opportunities_contact));
select zarts_search_write('lead', array(select id from opportunities_lead));
select zarts_search_write('opportunity', array(select id from opportunities_opportunity));
select zarts_search_write('proposal', array(select id from proposals_proposal));
select zarts_search_write('contract', array(select id from proposals_contract));
select zarts_search_write('project', array(select id from handoff_project));
select zarts_search_write('message', array(select id from opportunities_message));
select zarts_search_write('note', array(select id from opportunities_note));
