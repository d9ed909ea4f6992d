"""Prove the diaries: recompute every hash in the database, by the formula that made it."""

from django.db import connection

# What a privacy erase left of an event is compared with what it says it left, instead of with what was written.
CHANGED = """
select * from (select e.id, e.diary_id, e.seq, e.at, e.subject,
       coalesce(b.left_hash, e.hash) <> zarts_event_hash(e) as altered,
       e.previous <> coalesce(lag(e.hash) over chain, '') as unlinked,
       e.seq <> coalesce(lag(e.seq) over chain, 0) + 1 as gap,
       e.facts_id is not null and coalesce(b.left_facts, e.facts_digest) is distinct from (
           select zarts_facts_digest(f) from opportunities_facts f where f.id = e.facts_id) as facts_altered
from opportunities_event e left join (
    select distinct on (event_id) event_id, left_hash, left_facts from opportunities_blanked
    order by event_id, id desc) b on b.event_id = e.id
window chain as (partition by e.diary_id order by e.seq)) found
where altered or unlinked or gap or facts_altered order by id
"""

HEADS = """
select d.id, d.length, coalesce(max(e.seq), 0)
from opportunities_diary d left join opportunities_event e on e.diary_id = d.id
group by d.id
having d.length <> coalesce(max(e.seq), 0) or d.length <> count(e.id)
    or d.head <> coalesce((array_agg(e.hash order by e.seq desc) filter (where e.id is not null))[1], '')
"""

# Each erase tells, in facts that the chain covers, a digest of all that it left.
UNPROVED = """
select e.id, e.diary_id, e.seq, e.at, e.subject
from opportunities_event e join opportunities_facts f on f.id = e.facts_id
where e.id in (select told_by_id from opportunities_blanked union
               select id from opportunities_event where verb like '%%.erase')
  and zarts_blanked_proof(e.id) is distinct from f.values ->> 'proof' order by e.id
"""


def erased() -> tuple[int, int]:
    """Return in how many events an erase took words away, and how many erases there were."""
    with connection.cursor() as cursor:
        cursor.execute("select count(distinct event_id), count(distinct told_by_id) from opportunities_blanked")
        return cursor.fetchone()


def broken():
    """Yield a sentence for each place where a diary does not prove itself."""
    with connection.cursor() as cursor:
        cursor.execute(CHANGED)
        for pk, diary, seq, at, subject, altered, unlinked, gap, facts_altered in cursor:
            what = []
            if altered:
                what.append("was changed")
            if facts_altered:
                what.append("has other facts than it was written with")
            if gap:
                what.append("follows a missing one")
            if unlinked and not gap:
                what.append("does not follow the one before it")
            yield f"Diary {diary}, event {seq} (#{pk}, {at:%Y-%m-%d %H:%M}, {subject}) {' and '.join(what)}."
        cursor.execute(HEADS)
        for diary, length, newest in cursor:
            yield f"Diary {diary} should end with event {length}, and ends with event {newest}."
        cursor.execute(UNPROVED)
        for pk, diary, seq, at, subject in cursor:
            yield (
                f"Diary {diary}, event {seq} (#{pk}, {at:%Y-%m-%d %H:%M}, {subject}) tells of an erase that left"
                " something else."
            )
