"""What an approval is about, in the words of people: row by row, and the difference since the last one."""

from decimal import Decimal

from handoff import scorecard
from opportunities.models import Evidence
from opportunities.records import Lack
from proposals import coverage, difference
from proposals.measures import Measured
from proposals.models import Claim, PriceLine, Proposal

from .templatetags.zarts_desk import day, plain_words, said, said_of, words_of


def content_of(approval, user) -> dict:
    """Return what an approval is about, and what changed since this person gave it last, else since anybody did."""
    last = difference.given_before(approval, user)
    parts = difference.between(approval.aspect, last.content, approval.content) if last else []
    return {"rows": rows_of(approval), "last": last, "parts": parts}


def proof_behind(approval):
    """Return how much of the proposal behind a question rests on proof now. Words for clients have no rows."""
    offer = approval.proposal or (approval.contract and approval.contract.proposal)
    if offer is None or approval.stage != "pending":
        return None
    coverage.keep_rows(offer)
    return coverage.of(offer)


def such_claims(approval, user) -> list:
    """Return how claims of the same service and metric came out, for whoever is to vouch for the next ones."""
    if approval.aspect != "claims" or approval.proposal is None:
        return []
    return scorecard.of_such(approval.proposal, user)


def marks_on(approval) -> list:
    """Return what an approver should look at twice: each in words with its link, what stops it first."""
    if approval.stage != "pending":
        return []
    subject = approval.subject
    found = [(mark.blocking, Lack(mark.sentence, mark.url)) for mark in subject.unsafe()]
    if approval.contract_id:
        rows = Measured(subject).edited_clauses
        found += [(False, Lack(f"“{row.clause}” differs from our standard words.", row.staff_url())) for row in rows]
    if approval.proposal_id:
        found += [(mark.blocking, Lack(mark.sentence, mark.url)) for mark in coverage.unclaimed(subject)]
    found += [(False, lack) for lack in let_pass(subject)]
    return sorted(dict.fromkeys(found), key=lambda mark: not mark[0])


def let_pass(subject) -> list[Lack]:
    """Return what a manager let pass when it was submitted, each with who did and why."""
    event = subject.passed()
    if event is None:
        return []
    facts, by = event.facts.values, f"{event.actor_name}: “{event.reason}”"
    bare = coverage.without_proof(subject) if subject._meta.model_name == "proposal" else ()
    rows = {coverage.lack_of_proof(row).about: row for row in bare}
    return [
        Lack(f"Passed without proof: “{rows[passed]}”. {by}", rows[passed].staff_url(), passed)
        if passed in rows
        else Lack(f"Passed all the same: {words} {by}", subject.staff_url(), passed)
        for words, passed in zip(facts["overridden"], facts.get("passed", facts["overridden"]), strict=True)
    ]


def rows_of(approval) -> list[dict]:
    """Return each part of what it is about with its name: rows each by its title, words as words."""
    content, model = approval.content, difference.SAID_BY.get(approval.aspect, Proposal)
    rows, proof = [], proof_of(content)
    for name in difference.in_order(content):
        value = content[name]
        if name.endswith("_id") or value in (None, "") or difference.is_digest(value):
            continue
        row: dict = {"name": words_of(model, name), "items": None, "lines": None}
        if name == "chosen":
            value = list(PriceLine.objects.filter(pk__in=value).values_list("title", flat=True))
        if isinstance(value, list):
            row |= told(value, proof, difference.ROWS.get(name, (None,))[0], content.get("currency", ""))
        elif isinstance(value, dict):
            parts = {key: item for key, item in value.items() if not difference.is_digest(item)}
            if not parts:
                continue
            row |= {"items": [f"{plain_words(key)}: {said(item)}" for key, item in parts.items()]}
        else:
            row["words"] = said_of(model, name, value)
        rows.append(row)
    return rows


def proof_of(content) -> dict:
    """Return the evidence that an approval's rows rest on, by id, in one query."""
    rows = [row for rows in content.values() if isinstance(rows, list) for row in rows if isinstance(row, dict)]
    cited = {pk for row in rows for pk in difference.as_list(row.get("evidence"))}
    return {evidence.pk: evidence for evidence in Evidence.objects.filter(pk__in=cited)} if cited else {}


def told(values, proof, model, currency) -> dict:
    """Return rows each by its title, with whatever else it says by name, where it says anything."""
    if not values or not all(isinstance(value, dict) for value in values):
        return {"items": [said(value) for value in values]}
    lines = []
    for row in values:
        names = [name for name in difference.in_order(row) if name not in ("id", "position", "evidence")]
        title = next(name for name in (*difference.NAMES, *names) if row.get(name))
        cells = {name: cell(model, name, row[name], currency) for name in names if not name.endswith("_id")}
        facts = [(words_of(model, name), words) for name, words in cells.items() if words and name != title]
        if "evidence" in row:
            facts.append(("Proof", proven(proof, row["evidence"])))
        if model is Claim and not row.get("better") and (way := told_way(row, proof)):
            facts.append((words_of(model, "better"), way))
        lines.append({"title": cells[title], "facts": facts})
    return {"lines": lines}


def told_way(row, proof) -> str:
    """Say which way is better of a claim whose writer left it to its numbers."""
    low, high = (None if row.get(end) is None else Decimal(row[end]) for end in ("low", "high"))
    claim = Claim(metric=row.get("metric", ""), unit=row.get("unit", ""), low=low, high=high)
    return claim.way_words([proof[pk] for pk in difference.as_list(row.get("evidence")) if pk in proof])


def cell(model, name, value, currency) -> str:
    return "" if value in (None, "", [], False) else said_of(model, name, value, currency)


def proven(proof, cited) -> str:
    """Say what was measured, where, and until when it counts."""
    found = [proof[pk] for pk in difference.as_list(cited) if pk in proof]
    return "\n".join(f"{it}, {it.provider}, counts until {day(it.fresh_until)}" for it in found) or "no proof"
