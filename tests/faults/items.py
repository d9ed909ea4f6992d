"""Due items, made as sets: deals with somebody to write to, and a follow-up of each that is due now."""

# Of each deal the contact, what they agreed to, and who decides.
PEOPLE = """
with people as (
  insert into opportunities_contact (client_id, name, email, phone, title, decision_role, time_zone, country,
    works_from, works_to, works_on, mail_trouble)
  select client_id, 'Contact ' || id, 'contact' || id || '@faults.example', '', '', 'owner', 'UTC', '',
    '00:00', '00:00', '1234567', ''
  from opportunities_opportunity returning id, name),
agreed as (
  insert into opportunities_consent (contact_id, purpose, basis, text_version, source, captured_at)
  select id, 'transactional', 'consent', '1', 'Form', now() from people)
update opportunities_opportunity deal set decision_owner_id = people.id
from people where people.name = 'Contact ' || deal.id
"""

# Every tenth is for one of us, the others are mails to a contact.
TASKS = """
insert into opportunities_task (diary_id, opportunity_id, kind, title, owner_id, due_at, time_zone, repeats, contact_id,
  purpose, subject, words, paused_because, waits_for, mended_at, waits_for_deal, outcome, stage, record_type)
select diary_id, id, 'follow_up', 'Follow up ' || id, owner_id, now(), '', '',
  case when id % 10 = 0 then null else decision_owner_id end, 'transactional', 'How are you?', 'Hello.', '', '', '',
  false, '', 'open', ''
from opportunities_opportunity
"""
BORN = """
insert into opportunities_event (diary_id, seq, facts_digest, previous, hash, xid, at, verb, past, record_type,
  record_id, subject, actor_kind, actor_name, owner_id, stage_from, stage_to, next_action, reason)
select diary_id, 0, '', '', '', 0, now(), 'task.create', 'created', 'opportunities.task', id, title, 'system',
  'ZartsAlgo', owner_id, '', stage, '', ''
from opportunities_task
"""

# What became of each item: done, listed for a person, or neither yet. What a mail server put off has an hour to come.
STILL_OPEN = """
from opportunities_task task
left join opportunities_message message on message.task_id = task.id
left join opportunities_letter letter on letter.key = 'due:' || task.owner_id || ':' || task.id || ':' ||
  floor(extract(epoch from task.due_at))::bigint
where task.title like 'Follow up %' and coalesce(message.stage, letter.state, '') not in ('sent', 'uncertain', 'failed')
  or message.stage = 'sent' and task.stage = 'open'
"""
OPEN = f"select count(*) {STILL_OPEN}"
# Of those that are open: by how many seconds the one that waits longest is late, and how long the last has still to
# wait. One that nobody put off was due all the time.
LATENESS = f"""
select coalesce(max(since), 0), coalesce(max(-since), 0)
from (select extract(epoch from now() - coalesce(message.go_at, letter.go_at, task.due_at))::float as since
  {STILL_OPEN}) waiting
"""
MAILS = """
select message_id, stage from opportunities_message where task_id is not null
"""
LISTED = """
select (select count(*) from opportunities_message where stage = %(stage)s)
  + (select count(*) from opportunities_letter where state = %(stage)s)
"""
# Workers that stood still for longer than a mail was lent to them: those that then handed nothing over, and those whose
# word came after somebody else doubted the mail.
TOO_LATE = """
select count(*) from opportunities_event where verb = 'message.release' and reason like 'It was kept for too long%'
"""
HEARD_LATE = """
select count(distinct said.record_id) from opportunities_event said
join opportunities_event doubt using (diary_id, record_type, record_id)
where doubt.verb = 'message.doubt' and said.verb = 'message.confirm_sent' and said.seq > doubt.seq
"""
