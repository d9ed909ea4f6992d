"""Prove the diaries in this folder, without the system that wrote them: python3 verify.py

It reads events.jsonl, erased.jsonl and heads.json, computes every hash anew and says what does not fit. Compare the
last hash of a diary with one that was noted elsewhere, too: whoever rewrites a whole diary can make it fit itself.
"""

import hashlib
import json
import sys
from pathlib import Path

# What an event's hash covers, in this order, after the hash before it.
COVERED = (
    *("previous", "diary_id", "seq", "at_epoch", "verb", "past", "record_type", "record_id", "subject"),
    *(
        "actor_kind",
        "actor_id",
        "contact_id",
        "actor_name",
        "owner_id",
        "stage_from",
        "stage_to",
        "next_action",
        "reason",
    ),
    *("facts_id", "facts_digest"),
)


def digest(text):
    return hashlib.sha256(text.encode()).hexdigest()


def hash_of(event):
    return digest(json.dumps([event[name] for name in COVERED], ensure_ascii=False, separators=(", ", ": ")))


def facts_of(event):
    """Return the digest of an event's facts: of the text that the database keeps, after a salt."""
    return "" if event["facts_id"] is None else digest(event["facts_salt"] + event["facts"])


def lines(path):
    with path.open(encoding="utf-8") as file:
        for line in file:
            yield json.loads(line)


def wrong(folder):
    """Yield a sentence for each place that does not fit."""
    heads = {int(pk): head for pk, head in json.loads((folder / "heads.json").read_text(encoding="utf-8")).items()}
    left, left_by = {}, {}
    for row in lines(folder / "erased.jsonl"):
        left[row["event_id"]] = row  # the newest erase comes last
        left_by.setdefault(row["told_by_id"], []).append(row)
    last, count, seen = {}, {}, set()
    for event in lines(folder / "events.jsonl"):
        diary, place = event["diary_id"], f"Diary {event['diary_id']}, event {event['seq']}"
        erased = left.get(event["id"])
        seen.add(event["id"])
        if hash_of(event) != (erased["left_hash"] if erased else event["hash"]):
            yield f"{place} was changed."
        if facts_of(event) != (erased["left_facts"] if erased else event["facts_digest"]):
            yield f"{place} has other facts than it was written with."
        if event["seq"] != count.get(diary, 0) + 1:
            yield f"{place} follows a missing one."
        elif event["previous"] != last.get(diary, ""):
            yield f"{place} does not follow the one before it."
        last[diary], count[diary] = event["hash"], event["seq"]
        if event["verb"].endswith(".erase"):
            rows = sorted(left_by.get(event["id"], []), key=lambda row: row["event_id"])
            said = ",".join(f"{row['event_id']}:{row['left_hash']}:{row['left_facts']}" for row in rows)
            if digest(said) != json.loads(event["facts"]).get("proof"):
                yield f"{place} tells of an erase that left something else."
    for told_by in sorted(left_by.keys() - seen):
        if any(row["event_id"] in seen for row in left_by[told_by]):
            yield f"The event {told_by}, which tells of an erase, is missing."
    for diary, (length, head) in sorted(heads.items()):
        if (count.get(diary, 0), last.get(diary, "")) != (length, head):
            yield f"Diary {diary} should end with event {length}, and ends with event {count.get(diary, 0)}."
    for diary in sorted(count.keys() - heads.keys()):
        yield f"Diary {diary} has no head."


def main():
    found = list(wrong(Path(__file__).resolve().parent))
    if found:
        sys.exit("\n".join(found))
    sys.stdout.write("Every event stands where it was written, unchanged.\n")


if __name__ == "__main__":
    main()
