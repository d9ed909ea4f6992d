"""Which records a scaled database has: how many of each kind to a deal, their columns, and the moves that they make."""

from dataclasses import dataclass, field

from django.apps import apps


@dataclass(frozen=True)
class Kind:
    """So many records of one kind: one at every so manieth place, these columns, these moves.

    In an expression stand m (the place), n (the same over all batches), {owner}, {at} (when it came about), and the
    {name} of each kind before it, which is its id. A column that is not named has the model's own default.
    """

    name: str
    label: str
    every: int
    subject: str
    columns: dict = field(default_factory=dict)
    # (from, to, at which places, what else changes)
    moves: tuple = ()
    diary: str = "deal"

    @property
    def model(self):
        return apps.get_model(self.label)


DAY = "(current_date + mod({n} * 7919, 60)::int - 20)"
MAILED = "mod({m} - 1, 16) > 0"
DEAL = {"opportunity_id": "{deal}", "owner_id": "{owner}"}
OUTPUT = {**DEAL, "source": "'Scale'", "due_on": DAY, "next_action": "'Go on with it'"}
ASKED = {
    **OUTPUT,
    "group_id": "{managers}",
    "digest": "repeat('0', 64)",
    "content": "'{{}}'",
    "due": "now() + mod({n}, 1000) * interval '1 hour'",
    "asked_by_id": "{owner}",
    "next_action": "'Read it and decide'",
}
# Reports were due over a year, the newest in weeks to come. Half of those whose day has passed were published, some of
# them late; of the others half did not come for days.
NTH = "({n} + 63) / 64"
REPORT_DAY = f"(current_date + mod({NTH} * 173, 400)::int - 365)"
PAST = f"mod({NTH} * 173, 400) < 365"
CAME = f"mod({{m}} - 1, 256) in (0, 64) and {PAST}"
LATE = f"case when mod({NTH}, 5) = 0 then 'late' else '' end"
MISSED = f"case when mod({{m}} - 1, 256) = 128 and {PAST} then 'missed' else '' end"
PROJECT = {"project_id": "{project}"}
OFFER = {"proposal_id": "{offer}", "position": "0"}

KINDS = (
    Kind(
        "client",
        "opportunities.Client",
        2,
        "{called}",
        {
            "diary_id": "{client_diary}",
            "owner_id": "{owner}",
            "name": "{called}",
            "industry": "{word}",
            "country": "'USA'",
            "website": "'https://scale' || {n} || '.example'",
        },
        diary="client",
    ),
    Kind(
        "contact",
        "opportunities.Contact",
        4,
        "'Bo Scale ' || {n}",
        {
            "client_id": "{client}",
            "name": "'Bo Scale ' || {n}",
            "email": "'bo@scale' || {n} || '.example'",
            "phone": "'+1 555 ' || lpad({n}::text, 7, '0')",
            "title": "'Owner'",
            "decision_role": "'owner'",
        },
        diary="client",
    ),
    Kind(
        "consent",
        "opportunities.Consent",
        8,
        "'Marketing'",
        {
            "contact_id": "{contact}",
            "purpose": "'marketing'",
            "text_version": "'2026-01'",
            "source": "'Web form'",
            "captured_at": "{at}",
        },
        diary="client",
    ),
    Kind(
        "deal",
        "opportunities.Opportunity",
        1,
        "{called} || ': growth'",
        {
            "diary_id": "{deal_diary}",
            "client_id": "{client}",
            "owner_id": "{owner}",
            "name": "{called} || ': growth'",
            "value": "1000 + mod({n} * 7919, 90000)",
            "probability": "10 + mod({n}, 8) * 10",
            "decision_on": "current_date + mod({n} * 31, 200)::int",
            "source": "{source}",
            "due_on": DAY,
            "next_action": "'Book the discovery call'",
        },
        (
            ("qualified", "discovery", "mod({m} - 1, 2) = 0", ""),
            ("discovery", "audit", "mod({m} - 1, 4) = 0", ""),
            ("audit", "proposal", "mod({m} - 1, 8) = 0", ""),
            ("proposal", "contract", "mod({m} - 1, 32) = 0", ""),
            ("contract", "won", "mod({m} - 1, 64) = 0", ""),
            ("won", "handed_off", "mod({m} - 1, 128) = 0", ""),
            ("qualified", "lost", "mod({m}, 4) = 0", ""),
        ),
    ),
    Kind(
        "lead",
        "opportunities.Lead",
        4,
        "'Bo Scale ' || {n}",
        {
            "diary_id": "{lead_diary}",
            "owner_id": "{owner}",
            "name": "'Bo Scale ' || {n}",
            "company": "{called}",
            "email": "'bo@scale' || {n} || '.example'",
            "source_id": "{lead_source}",
            "arrived_at": "{at}",
            "words": "'We need more visitors who ask.'",
            "due_on": DAY,
        },
        (
            ("new", "working", "mod({m} - 1, 8) = 0", "answered_at = {at}, answered_how = 'call'"),
            ("working", "qualified", "mod({m} - 1, 16) = 0", "opportunity_id = {deal}"),
            ("new", "disqualified", "mod({m} - 1, 32) = 4", ""),
        ),
        diary="lead",
    ),
    Kind(
        "discovery",
        "opportunities.Discovery",
        2,
        "'Discovery of ' || {called}",
        {**OUTPUT, "notes": "'They are found for half of what they do.'", "pain_points": "'Few visitors ask.'"},
        (("open", "complete", "mod({m} - 1, 4) = 0", ""),),
    ),
    Kind(
        "audit",
        "opportunities.Audit",
        4,
        "'Audit of ' || {called}",
        {**OUTPUT, "name": "'Audit of ' || {called}"},
        (
            ("requested", "collecting", "mod({m} - 1, 8) = 0", ""),
            ("collecting", "in_review", "mod({m} - 1, 8) = 0", ""),
            ("in_review", "verified", "mod({m} - 1, 16) = 0", "counts_until = now() + interval '90 days'"),
        ),
    ),
    Kind(
        "evidence",
        "opportunities.Evidence",
        4,
        "'Visitors a month'",
        {
            "audit_id": "{audit}",
            "key": "'visitors'",
            "metric": "'Visitors a month'",
            "value": "mod({n} * 31, 9000)",
            "provider": "'Analytics'",
            "captured_at": "{at}",
            "fresh_until": "now() + interval '90 days'",
        },
    ),
    Kind(
        "task",
        "opportunities.Task",
        1,
        "'Call ' || {called}",
        {
            **DEAL,
            "diary_id": "{deal_diary}",
            "kind": "'follow_up'",
            "title": "'Call ' || {called}",
            "due_at": DAY + " + interval '9 hours'",
            "told_at": "now()",
        },
        (("open", "done", "mod({m}, 4) = 0", "outcome = 'They decided against it.'"),),
    ),
    Kind(
        "done",
        "opportunities.Task",
        4,
        "'Write to ' || {called}",
        {
            **DEAL,
            "diary_id": "{deal_diary}",
            "kind": "'other'",
            "title": "'Write to ' || {called}",
            "due_at": "{at} + interval '2 days'",
        },
        (("open", "done", "true", "outcome = 'Written.'"),),
    ),
    Kind(
        "message",
        "opportunities.Message",
        4,
        "'What we found for ' || {called}",
        {
            **DEAL,
            "client_id": "{client}",
            "contact_id": "{contact}",
            "subject": "'What we found for ' || {called}",
            "body": "'We looked at how people find you. Shall we talk on Monday?'",
            "message_id": "'<scale-' || {message} || '@zarts.example>'",
            "happened_at": "{at}",
        },
        (
            ("draft", "queued", MAILED, "go_at = {at}"),
            ("queued", "sending", MAILED, "claimed_at = {at}"),
            ("sending", "sent", MAILED, "sent_at = {at}, sent_to = 'bo@scale' || {n} || '.example'"),
        ),
    ),
    Kind(
        "note",
        "opportunities.Note",
        4,
        "'Note'",
        {
            "diary_id": "{deal_diary}",
            "opportunity_id": "{deal}",
            "author_id": "{owner}",
            "words": "'They would rather begin in spring, said ' || {called} || '.'",
            "at": "{at}",
        },
    ),
    Kind(
        "objection",
        "opportunities.Objection",
        8,
        "'Price'",
        {**DEAL, "kind": "'price'", "words": "'It costs more than last year.'", "raised_by_id": "{contact}"},
        (("raised", "accepted", "mod({m} - 1, 16) = 0", "answer = 'Paid in two parts.'"),),
    ),
    Kind(
        "said",
        "opportunities.UnwrittenPromise",
        32,
        "'A second round'",
        {**DEAL, "words": "'A second round of changes'", "said_by": "'Bo'"},
        (("noted", "excluded", "mod({m} - 1, 64) = 0", "settled_as = 'Not part of it.'"),),
    ),
    Kind(
        "offer",
        "proposals.Proposal",
        8,
        "'Growth for ' || {called}",
        {
            **OUTPUT,
            "author_id": "{owner}",
            "number": "'S-' || {offer}",
            "title": "'Growth for ' || {called}",
            "intro": "'What we heard, and what we would do first.'",
            "valid_until": "current_date + mod({n}, 90)::int",
        },
        (("draft", "in_review", "mod({m} - 1, 16) = 0", ""),),
    ),
    Kind(
        "line",
        "proposals.PriceLine",
        8,
        "'Care'",
        {**OFFER, "title": "'Care'", "recurring": "'monthly'", "unit_price": "300 + mod({n} * 31, 900)"},
    ),
    Kind(
        "scope", "proposals.ScopeItem", 8, "'Ten pages'", {**OFFER, "title": "'Ten pages'", "evidence_id": "{evidence}"}
    ),
    Kind("step", "proposals.Milestone", 8, "'First pages'", {**OFFER, "title": "'First pages'", "weeks": "4"}),
    Kind(
        "claim",
        "proposals.Claim",
        8,
        "'Half of the visitors come by search.'",
        {**OFFER, "text": "'Half of the visitors come by search.'"},
    ),
    Kind(
        "approval",
        "proposals.Approval",
        16,
        "'Pricing of growth for ' || {called}",
        {
            **ASKED,
            "proposal_id": "{offer}",
            "aspect": "'pricing'",
            "why": "'The first year comes to more than $10,000.'",
        },
    ),
    Kind(
        "summary",
        "proposals.Summary",
        16,
        "'What we found'",
        {
            **OUTPUT,
            "author_id": "{owner}",
            "kind": "'finding'",
            "title": "'What we found'",
            "words": "'Half of your visitors come by search.'",
            "client_safe": "'drafted'",
        },
        (("draft", "in_review", "mod({m} - 1, 32) = 0", ""),),
    ),
    Kind(
        "contract",
        "proposals.Contract",
        32,
        "'Contract with ' || {called}",
        {**OUTPUT, "author_id": "{owner}", "proposal_id": "{offer}", "number": "'SC-' || {contract}"},
        (
            ("draft", "in_review", "mod({m} - 1, 64) = 0", ""),
            ("in_review", "approved", "mod({m} - 1, 64) = 0", ""),
        ),
    ),
    # Taken back, for nobody else may be here who could decide on it.
    Kind(
        "question",
        "proposals.Approval",
        64,
        "'Legal of the contract with ' || {called}",
        {
            **ASKED,
            "contract_id": "{contract}",
            "aspect": "'legal'",
            "why": "'Each contract is read by somebody else.'",
        },
        (("pending", "recalled", "true", ""),),
    ),
    Kind(
        "payment",
        "proposals.Payment",
        32,
        "'First payment of SC-' || {contract}",
        {"contract_id": "{contract}", "amount": "1000 + mod({n}, 9000)"},
        (("not_due", "invoiced", "mod({m} - 1, 64) = 0", f"invoice = 'SI-' || {{contract}}, due_on = {DAY}"),),
    ),
    Kind(
        "closing",
        "opportunities.Closing",
        4,
        "'Lost'",
        {
            **OUTPUT,
            # Of the four deals from here on it is the fourth that was lost.
            "opportunity_id": "{deal} + 3",
            "next_action": "''",
            "due_on": "null",
            "outcome": "'lost'",
            "reason": "(array['price', 'timing', 'competitor', 'no_decision'])[1 + mod({n}, 4)]",
            "reactivate_from": "current_date + mod({n}, 200)::int",
            "reactivate_to": "current_date + mod({n}, 200)::int + 60",
            "must_change": "'A budget for the new year'",
        },
        diary="lost",
    ),
    Kind(
        "winback",
        "opportunities.WinBack",
        4,
        "'Try again'",
        {
            "opportunity_id": "{deal} + 3",
            "closing_id": "{closing}",
            "owner_id": "{owner}",
            "opens_on": "current_date + mod({n}, 200)::int",
            "ends_on": "current_date + mod({n}, 200)::int + 60",
        },
        diary="lost",
    ),
    Kind(
        "handoff",
        "handoff.Handoff",
        64,
        "'Handoff of ' || {called}",
        {**OUTPUT, "contract_id": "{contract}"},
        (("preparing", "ready", "mod({m} - 1, 128) = 0", ""), ("ready", "accepted", "mod({m} - 1, 128) = 0", "")),
    ),
    Kind(
        "promise",
        "handoff.Promise",
        64,
        "'Ten pages'",
        {
            "handoff_id": "{handoff}",
            "kind": "'deliverable'",
            "title": "'Ten pages'",
            "sold_by_id": "{owner}",
            "record_type": "'proposals.scopeitem'",
            "record_id": "{scope}",
        },
        (("offered", "accepted", "mod({m} - 1, 128) = 0", ""),),
    ),
    Kind(
        "project",
        "handoff.Project",
        64,
        "'Growth of ' || {called}",
        {**OUTPUT, "client_id": "{client}", "handoff_id": "{handoff}", "name": "'Growth of ' || {called}"},
        (
            ("setup", "ready", "mod({m} - 1, 128) = 0", ""),
            ("ready", "live", "mod({m} - 1, 128) = 0", "kickoff_on = current_date"),
        ),
    ),
    Kind(
        "item",
        "handoff.ChecklistItem",
        64,
        "'Access to the numbers'",
        {**PROJECT, **{k: v for k, v in OUTPUT.items() if k != "opportunity_id"}, "title": "'Access to the numbers'"},
        (("open", "done", "mod({m} - 1, 128) = 0", ""),),
    ),
    Kind(
        "blocker",
        "handoff.LaunchBlocker",
        64,
        "'The domain is with somebody else'",
        {**PROJECT, "owner_id": "{owner}", "words": "'The domain is with somebody else'", "due_on": DAY},
        (("open", "cleared", "mod({m} - 1, 128) = 0", ""),),
    ),
    Kind(
        "access", "handoff.Connector", 64, "'Access'", {**PROJECT, "provider_id": "{provider}", "account": "'S' || {n}"}
    ),
    Kind(
        "cadence",
        "handoff.ReportingCadence",
        64,
        "'Monthly reports'",
        {**PROJECT, "day": "1", "first_due_on": "current_date + 20"},
    ),
    Kind(
        "report",
        "handoff.Report",
        64,
        "'Report'",
        {
            **PROJECT,
            **{k: v for k, v in OUTPUT.items() if k != "opportunity_id"},
            "cadence_id": "{cadence}",
            "due_on": REPORT_DAY,
            "period_from": f"{REPORT_DAY} - 40",
            "period_to": f"{REPORT_DAY} - 10",
        },
        (
            ("scheduled", "drafting", "mod({m} - 1, 256) < 192", f"breach = {MISSED}"),
            ("drafting", "in_review", CAME, ""),
            ("in_review", "approved", CAME, ""),
            (
                "approved",
                "published",
                CAME,
                "published_at = now(), publication_id = 0, client_safe = 'published', next_action = '', "
                f"breach = {LATE}",
            ),
        ),
    ),
    Kind(
        "report_note",
        "handoff.ReportNote",
        64,
        "'Note'",
        {
            "report_id": "{report}",
            "author_id": "{owner}",
            "words": "'The numbers of May are not in yet.'",
            "at": "{at}",
        },
    ),
)
