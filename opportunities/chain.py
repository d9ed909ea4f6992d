"""Prove the diaries: recompute every hash in the database, by the formula that made it."""

from django.db import connection

CHANGED = """
select * from (select e.id, e.diary_id, e.seq, e.at, e.subject,
       e.hash <> zarts_event_hash(e) as altered,
       e.previous <> coalesce(lag(e.hash) over chain, '') as unlinked,
       e.seq <> coalesce(lag(e.seq) over chain, 0) + 1 as gap,
       e.facts_id is not null and e.facts_digest is distinct from (
           select zarts_facts_digest(f) from opportunities_facts f where f.id = e.facts_id) as facts_altered
from opportunities_event e
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
