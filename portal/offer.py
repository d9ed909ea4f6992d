"""How the choices, totals and weeks of an offer are counted for its page."""

from decimal import Decimal, InvalidOperation

# The parts of an offer and of a contract, as they stand on the page: where each is, its heading, and what it shows.
PARTS = (
    ("parties", "Between", "parties"),
    ("findings", "What we found", "findings", "claims"),
    ("scope", "What you get", "scope.included"),
    ("options", "What you can add", "scope.optional"),
    ("excluded", "What is not included", "scope.excluded"),
    ("assumptions", "What we rely on", "scope.assumption", "scope.dependency", "scope.integration"),
    ("timeline", "When", "timeline"),
    ("price", "What it costs", "prices"),
    ("reporting", "How you will know", "reporting.words", "reporting.first_on"),
    ("terms", "Terms", "clauses"),
)
# With so few parts a page is seen at a glance.
FEW = 4


def jumps(body, first=(), last=()) -> list:
    """Return where the parts of a long document are, and their headings; nothing where it is short."""
    own = [(part, heading) for part, heading, *shown in PARTS if any(stands(body, path) for path in shown)]
    return [*first, *own, *last] if len(own) > FEW else []


def stands(body, path) -> bool:
    """Whether there is anything at a place in what was published."""
    for key in path.split("."):
        body = (body or {}).get(key)
    return bool(body)


def amount(value):
    """Return a published number as a decimal; nothing when it is not one."""
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        return None
    return number if number.is_finite() else None


def options(body):
    """Return the price lines that the client may choose."""
    return [line for line in body.get("prices") or [] if line.get("optional")]


def about(body) -> dict:
    """Return what a question or an objection can be about, as it is published: its group and its title, by its key."""
    groups = [
        *(("scope", "What you get", row) for row in (body.get("scope") or {}).get("included") or []),
        *(("scope", "What you can add", row) for row in (body.get("scope") or {}).get("optional") or []),
        *(("scope", "What is not included", row) for row in (body.get("scope") or {}).get("excluded") or []),
        *(
            ("scope", "What we rely on", row)
            for kind in ("assumption", "dependency", "integration")
            for row in (body.get("scope") or {}).get(kind) or []
        ),
        *(("timeline", "When", row) for row in body.get("timeline") or []),
        *(("price", "What it costs", row) for row in body.get("prices") or []),
        *(("claim", "What we found", row) for row in body.get("claims") or []),
    ]
    return {
        f"{kind}-{row['id']}": (group, row.get("title") or row.get("text") or "")
        for kind, group, row in groups
        if "id" in row
    }


def chosen_options(body, ids):
    """Return the ids, as they were published, of the options among `ids`."""
    return [line["id"] for line in options(body) if "id" in line and str(line["id"]) in ids]


def totals(body, chosen=()):
    """Return what is to be paid once, each month and in the first year, with the chosen options."""
    published = body.get("totals") or {}
    once, monthly, year = (amount(published.get(key)) or Decimal() for key in ("once", "monthly", "first_year"))
    for line in options(body):
        if line.get("id") not in chosen:
            continue
        total = amount(line.get("total")) or Decimal()
        if line.get("recurring") == "monthly":
            monthly, year = monthly + total, year + 12 * total
        else:
            once, year = once + total, year + total
    return {"once": once, "monthly": monthly, "first_year": year}


def has_cents(body) -> bool:
    """Whether any amount of an offer is no whole number."""
    lines = [line.get(key) for line in body.get("prices") or [] for key in ("unit_price", "total")]
    known = filter(None, map(amount, [*lines, *(body.get("totals") or {}).values()]))
    return any(number != number.to_integral_value() for number in known)


def shown_offer(body, chosen=()):
    """Return what the templates of an offer need beside its body."""
    return {
        "body": body,
        "currency": body.get("currency", ""),
        "cents": has_cents(body),
        "weeks": weeks(body.get("timeline")),
        "options": options(body),
        "chosen": chosen,
        "totals": totals(body, chosen),
    }


def weeks(timeline):
    """Return the timeline's rows with their place on a line of all its weeks."""
    rows = []
    for row in timeline or []:
        start, length = amount(row.get("start_week")) or Decimal(), amount(row.get("weeks")) or Decimal()
        rows.append({**row, "start": start, "length": length, "first": int(start) + 1, "last": int(start + length)})
    longest = max((row["start"] + row["length"] for row in rows), default=Decimal())
    for row in rows:
        row["all"] = longest or 1
        row["whole_weeks"] = range(1, int(longest))
    return rows


def bars(numbers):
    """Return a report's numbers with their bars for before and now, and the band of what was promised, in percent."""
    rows = []
    for number in numbers or []:
        row, before, now = dict(number), amount(number.get("before")), amount(number.get("value"))
        ends = [end for end in (amount(number.get("low")), amount(number.get("high"))) if end is not None]
        known = [before, now, *ends]
        if before is not None and now is not None and min(known) >= 0 and max(known) > 0:
            part = 100 / max(known)
            row["bars"] = {"before": round(part * before, 1), "now": round(part * now, 1)}
            if ends:
                # A single number is a line's width, and stays inside.
                width = max(part * (max(ends) - min(ends)), Decimal(1))
                row["band"] = {"start": round(min(part * min(ends), 100 - width), 1), "width": round(width, 1)}
        rows.append(row)
    return rows
