"""What is typed into the writer of a report: its numbers by hand or from a file, and what still stands before it."""

import hashlib
import json
import re
from dataclasses import dataclass, field

from django import forms
from django.core import signing
from django.core.exceptions import ValidationError
from django.db.models import Prefetch
from django.urls import reverse
from django.utils.http import urlencode

from opportunities.forms import UNPRINTABLE, WordsField, say_plainly
from opportunities.importing import files
from opportunities.importing.amounts import signs_of
from opportunities.inplace import fields_form
from opportunities.models import Evidence
from opportunities.records import edit
from opportunities.spreadsheets import unmarked
from opportunities.stale import SeenForm
from opportunities.words import plain_words
from portal import charts
from proposals.models import Claim, Summary

from . import figures, publishing
from .models import Report

# The stages in which a report is still written.
WRITABLE = (Report.Stage.SCHEDULED, Report.Stage.DRAFTING)
MOST_NUMBERS = 40
# What says whether the evidence behind a claim still counts.
STANDING = Evidence.objects.select_related("audit", "withdrawal", "corrected_by")


def name_of(number) -> str:
    """Return the name of a number's field: the same while others come and go."""
    return f"value_{hashlib.sha256(figures.key(number).encode()).hexdigest()[:12]}"


# -- By hand. ----------------------------------------------------------------------------------------------------------


class NumberField(forms.CharField):
    """A number as people write it, kept exactly."""

    def __init__(self, number):
        self.number = number
        widget = forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"})
        super().__init__(label=number["metric"], required=False, widget=widget, max_length=60)

    def clean(self, value):
        said = UNPRINTABLE.sub("", super().clean(value) or "").strip()
        try:
            return figures.exact(said, unit=self.number.get("unit") or "") if said else None
        except figures.NotExact as trouble:
            raise forms.ValidationError(str(trouble)) from None


class ReportForm(SeenForm):
    """A report as it is typed: a field for each number, one more for another, and the words around them."""

    more_metric = WordsField(label="Another number", max_length=120, required=False, widget=forms.TextInput)
    more_value = forms.CharField(label="Its value", max_length=60, required=False)
    more_unit = WordsField(label="Its unit", max_length=20, required=False, widget=forms.TextInput)

    def __init__(self, *args, history=None, **kwargs):
        super().__init__(*args, **kwargs)
        report = self.instance
        self.writes = report.stage in WRITABLE
        self.kept = [dict(number) for number in report.numbers]
        self.of_numbers = {name_of(number): number for number in self.kept} if self.writes else {}
        for name, number in self.of_numbers.items():
            self.fields[name] = say_plainly(NumberField(number))
            self.initial[name] = self.there[name] = number.get("value") or ""
        if not self.writes:
            for name in ("more_metric", "more_value", "more_unit"):
                del self.fields[name]
        if "summary" in self.fields:
            self.offer_words()
        self.fields["owner"].required = not self.is_bound or "owner" in self.data
        if "next_steps" in self.fields:
            self.fields["next_steps"].widget.attrs["rows"] = 4
        self.history = report.history() if history is None else history

    def offer_words(self):
        """Offer the words for reports of this deal that are no other report's."""
        report, offered = self.instance, self.fields["summary"]
        words = Summary.objects.filter(kind=Summary.Kind.REPORT, opportunity=report.project.opportunity_id)
        words = words.exclude(stage__in=[Summary.Stage.WITHDRAWN, Summary.Stage.SUPERSEDED])
        words = words.exclude(pk__in=Report.objects.exclude(pk=report.pk).exclude(summary=None).values("summary"))
        of_another = words.filter(record_type=Report.label()).exclude(record_id=report.pk)
        offered.queryset = words.exclude(pk__in=of_another.values("pk"))
        offered.empty_label, offered.label = "None yet", "Which words"

    def clean_more_metric(self):
        metric = " ".join(self.cleaned_data["more_metric"].split())
        if not metric:
            return ""
        plain_words(metric)
        if any(metric.casefold() == number["metric"].strip().casefold() for number in self.kept):
            raise forms.ValidationError(f"Write the value where {metric} stands already.")
        if len(self.kept) >= MOST_NUMBERS:
            raise forms.ValidationError(f"Leave one out: a report has at most {MOST_NUMBERS} numbers.")
        return metric

    def clean_owner(self):
        return self.cleaned_data.get("owner") or self.instance.owner

    def clean(self):
        """What was not sent is not written."""
        data = super().clean()
        for name in self.fields:
            if name not in self.data and name in self.there:
                data[name] = self.as_it_is_now(name)
        if not self.writes:
            return data
        if data.get("more_value") and not data.get("more_metric") and "more_metric" not in self.errors:
            self.add_error("more_metric", "Say what this number measures.")
        if data.get("more_metric"):
            try:
                said = (data.get("more_value") or "").strip()
                data["more_value"] = figures.exact(said, unit=data.get("more_unit") or "") if said else None
                plain_words(data.get("more_unit"))
            except figures.NotExact as trouble:
                self.add_error("more_value", str(trouble))
            except ValidationError as trouble:
                self.add_error("more_unit", trouble)
        return data

    def numbers(self) -> list:
        """Return the numbers with what was typed; what was promised of them stays as it was."""
        taken_out = self.data.get("take_out", "")
        found = []
        for number in self.kept:
            name = name_of(number)
            if name == taken_out and not number.get("claim"):
                continue
            found.append({**number, "value": self.cleaned_data.get(name) or None})
        if metric := self.cleaned_data.get("more_metric"):
            blank = {"metric": metric, "unit": self.cleaned_data.get("more_unit") or "", "promised": None, "low": None}
            found.append(
                {**blank, "high": None, "better": "", "before": None, "value": self.cleaned_data.get("more_value")}
            )
        return found

    def keep(self, *, by) -> bool:
        """Write what was typed. Return whether anything changed."""
        own = {each.name for each in Report._meta.concrete_fields}
        changes = {name: self.cleaned_data[name] for name in self.changed_data if name in own}
        # The form has written into its record already; what stands in the database is compared with.
        report = Report.objects.get(pk=self.instance.pk)
        if self.writes and (numbers := self.numbers()) != report.numbers:
            changes["numbers"] = numbers
        if changes:
            edit(report, by=by, **changes)
        return bool(changes)

    @property
    def rows(self) -> list:
        """Return each number with its field, what it was before, and what should be looked at again."""
        return number_rows(self.kept, self.history, {name: self[name] for name in self.of_numbers})


def report_form(report, data=None) -> ReportForm:
    """Return the form of what may be written in a report now: all of it, or what is for us alone."""
    theirs = ["summary", "next_steps"] if report.stage in WRITABLE else []
    return fields_form(report, [*theirs, "owner", "breach_reason"], ReportForm)(data, instance=report)


def number_rows(numbers, history, fields=()) -> list:
    """Return the numbers of a report as its page shows them."""
    fallen = {
        claim.pk: claim.unsupported_because()
        for claim in Claim.objects.filter(
            pk__in=[each["claim"] for each in numbers if each.get("claim")]
        ).prefetch_related(Prefetch("evidence", STANDING))
    }
    rows = []
    for number in numbers:
        earlier = history.get(figures.key(number), [])
        last = earlier[-1][2] if earlier else None
        name = name_of(number)
        shown = {**number, "history": [publishing.periods_value(*each) for each in earlier]}
        rows.append(
            {
                "number": number,
                "name": name,
                "field": dict(fields).get(name),
                "last": last,
                "doubts": figures.doubts(number, last),
                "fallen": fallen.get(number.get("claim"), ""),
                "chart": charts.of(shown),
                "may_go": not number.get("claim"),
            }
        )
    return rows


# -- From a file. ------------------------------------------------------------------------------------------------------

MOST_BYTES, MOST_ROWS = 1024 * 1024, 200
SALT, GOOD_FOR = "handoff.numbers", 3600
COLUMNS = {
    "metric": ("metric", "number", "measured"),
    "value": ("value",),
    "unit": ("unit",),
    "promised": ("promised",),
}
# What tells numbers of one name apart.
TELLS = ("unit", "promised")
HIDES = "hides a sign within its value: type the number anew"


@dataclass
class ReadFile:
    """A file of numbers as it was read: what it says, line by line, and what is wrong with it. Nothing is written."""

    read_as: str = ""
    trouble: str = ""
    rows: list = field(default_factory=list)
    token: str = ""

    @property
    def wrong(self) -> list:
        return [row for row in self.rows if row["trouble"]]

    @property
    def may_be_taken(self) -> bool:
        return bool(self.rows) and not self.trouble and not self.wrong


def read_file(report, file) -> ReadFile:
    """Read a file of numbers against a report. Every line is judged; a wrong one stops the whole."""
    if file is None:
        return ReadFile(trouble="Choose a file with the numbers.")
    if file.size > MOST_BYTES:
        return ReadFile(trouble=f"{file.name} is too large for a list of numbers: keep it below 1 MB.")
    if file.size == 0:
        return ReadFile(trouble=f"{file.name} is empty. Choose a file with the numbers.")
    try:
        sheet = files.open_sheet(file, "The file")
        found = list(zip(range(MOST_ROWS + 1), sheet.rows, strict=False))
    except files.BadFile as trouble:
        return ReadFile(trouble=str(trouble))
    places = places_of(sheet.header)
    for what, found_at in places.items():
        if len(found_at) > 1:
            names = ", ".join(sheet.header[place] for place in found_at)[:200]
            return ReadFile(trouble=f"Keep one column for the {what}: its first line names {names}.")
    columns = {what: found_at[0] for what, found_at in places.items()}
    if "metric" not in columns or "value" not in columns:
        words = "Name the columns metric, value and, if you like, unit in its first line. It says: "
        return ReadFile(trouble=f"{words}{', '.join(sheet.header)[:200]}.")
    if not found:
        return ReadFile(trouble="There is no number in it: write one line for each below the names of the columns.")
    if len(found) > MOST_ROWS:
        return ReadFile(trouble=f"Keep at most {MOST_ROWS} lines; a report has fewer numbers.")
    lines = [
        (line, told or hides(values, columns), [unmarked(files.clean(value)) for value in values])
        for _, (line, values, told) in found
    ]
    sign, how = sign_of([values[columns["value"]] for _, told, values in lines if not told], sheet.read_as)
    read = ReadFile(read_as=f"{sheet.read_as}, {how}", rows=judged(report, lines, columns, sign))
    if read.may_be_taken:
        values = {figures.key(row["number"]): row["value"] for row in read.rows}
        said = {"report": report.pk, "of": mark_of(report), "values": values}
        read.token = signing.dumps(said, salt=SALT, compress=True)
    return read


def places_of(header) -> dict:
    """Return the places of each column by what it is, however its name is written."""
    found: dict = {}
    for place, name in enumerate(header):
        for what, names in COLUMNS.items():
            # A second column of the same name comes numbered from the sheet.
            if re.sub(r" \d+$", "", name.strip().casefold()) in names:
                found.setdefault(what, []).append(place)
    return found


def hides(values, columns) -> str:
    """Say that the value of a line holds what cannot be seen: without it, it would be another number."""
    value = values[columns["value"]] if columns["value"] < len(values) else ""
    return "" if files.clean(value) in value else HIDES


def sign_of(values, read_as) -> tuple[str, str]:
    """Return which sign begins the decimals, told by all values; where they leave it open, by what splits the file."""
    signs = [signs_of(figures.SPACES.sub("", value.removeprefix("-"))) for value in values]
    sure = {next(iter(each)) for each in signs if len(each) == 1}
    sign = next(iter(sure)) if len(sure) == 1 else "," if "semicolons" in read_as else "."
    return sign, f"with a {'comma' if sign == ',' else 'point'} before the decimals"


def judged(report, lines, columns, sign) -> list:
    """Return each line with its number and value, or with what is wrong with it."""
    known = by_name(report)
    seen: dict = {}
    history = report.history()
    rows = []
    for line, told, values in lines:
        row = {"line": line, "metric": "", "said": "", "number": None, "value": None, "trouble": "", "doubts": []}
        rows.append(row)
        if told:
            row["metric"], row["trouble"] = values[0][:80], f"This line {told}."
            continue
        row["metric"], row["said"] = values[columns["metric"]][:120], values[columns["value"]][:60]
        named = known.get(row["metric"].casefold(), [])
        meant = numbers_meant(named, {what: values[columns[what]] for what in TELLS if what in columns})
        if not named:
            names = ", ".join(each["metric"] for each in report.numbers) or "none yet"
            row["trouble"] = f"This report has no such number. It has: {names}."[:400]
            continue
        if len(meant) != 1:
            row["trouble"] = how_to_tell(named)
            continue
        number, key = meant[0], figures.key(meant[0])
        row["number"], unit = number, number.get("unit") or ""
        said_unit = values[columns["unit"]] if "unit" in columns else ""
        row["last"] = history.get(key, [(None, None, None)])[-1][2]
        if key in seen:
            row["trouble"] = f"It stands in line {seen[key]} already. Keep one of the two."
        elif said_unit and said_unit.casefold() != unit.casefold():
            row["trouble"] = f"It is measured in {unit or 'no unit'}, not in {said_unit[:20]}."
        else:
            try:
                row["value"] = figures.exact(row["said"], unit=unit, sign=sign)
                row["doubts"] = figures.doubts({**number, "value": row["value"]}, row["last"])
            except figures.NotExact as trouble:
                row["trouble"] = str(trouble)
        seen.setdefault(key, line)
    return rows


def by_name(report) -> dict:
    """Return the numbers of a report by their name: two claims may promise two ranges of one metric."""
    found: dict = {}
    for number in report.numbers:
        found.setdefault(number["metric"].strip().casefold(), []).append(number)
    return found


def has_twins(report) -> bool:
    return any(len(named) > 1 for named in by_name(report).values())


def telling(number, what) -> str:
    """Return what tells a number from others of its name, as people write it."""
    return str(number.get(what) or "nothing")


def plain(words) -> str:
    return " ".join(words.split()).casefold()


def numbers_meant(named, said) -> list:
    """Return which of the numbers of one name a line means, by whatever else it says."""
    for what, words in said.items():
        if len(named) > 1 and words:
            named = [number for number in named if plain(telling(number, what)) == plain(words)]
    return named


def how_to_tell(named) -> str:
    """Say by what else a line tells numbers of one name apart, or that no file can."""
    many = f"{len(named)} numbers have this name"
    for what in TELLS:
        marks = [telling(number, what) for number in named]
        if len({plain(words) for words in marks}) == len(named):
            return f"{many}: say which in a column named {what}. It is {' or '.join(marks)}."[:400]
    if len({tuple(plain(telling(number, what)) for what in TELLS) for number in named}) == len(named):
        return f"{many}: say which in two columns, unit and promised."
    return f"{many} and promise the same: write them by hand above."


def mark_of(report) -> str:
    """Return a mark of the numbers that a file was read against."""
    said = json.dumps(report.numbers, sort_keys=True)
    return hashlib.sha256(said.encode()).hexdigest()[:16]


def take_file(report, token, *, by) -> str:
    """Write what a file said, all of it or nothing. Return why not; nothing when it is written."""
    try:
        said = signing.loads(token, salt=SALT, max_age=GOOD_FOR)
    except signing.BadSignature:
        return "Choose the file again: what was read of it is not kept for longer than an hour."
    if said["report"] != report.pk or said["of"] != mark_of(report):
        return "Choose the file again: somebody changed the numbers since it was read."
    numbers = [{**each, "value": said["values"].get(figures.key(each), each.get("value"))} for each in report.numbers]
    if numbers != report.numbers:
        edit(report, by=by, numbers=numbers, reason="From a file.")
    return ""


# -- The words, and what stands before the client reads them. ----------------------------------------------------------


def words_url(report) -> str:
    """Return where the words for the client are begun, with what is known already."""
    return begin_at(report, "report", f"Your report for {report.covers}", "")


def notice_url(report) -> str:
    """Return where the notice to the client is begun: that it is or will be late, and when it comes instead."""
    day = publishing.next_day_for(report)
    title = f"Your report for {report.covers} comes on {day:%A} {day.day} {day:%B}"
    so, because = ("is not ready", "is") if report.is_late else ("will not be ready by then", "comes")
    words = f"We promised it for {publishing.long_day(report.due_on)}, and it {so}. We are sorry."
    return begin_at(report, "notice", title, f"{words}\n\nIt {because} late because")


def begin_at(report, kind, title, words) -> str:
    asked = {"opportunity": report.project.opportunity_id, "kind": kind, "about": f"{report.label()}:{report.pk}"}
    said = {"title": title[:160], "words": words}
    return f"{reverse('admin:proposals_summary_add')}?{urlencode(asked | {k: v for k, v in said.items() if v})}"


# Of these nothing can be said before it is approved.
AFTER_APPROVAL = ("is_as_approved",)


def gate_list(report) -> list:
    """Return what stands between a report and its client, in its order: words, whether it is met, what mends it."""
    steps = {step.name: step for step in Report.steps()}
    gates = dict.fromkeys(gate for name in ("submit", "approve", "publish") for gate in steps[name].custom["gates"])
    rows = []
    approved = report.stage in (Report.Stage.APPROVED, Report.Stage.PUBLISHED)
    for gate in gates:
        if gate.__name__ in AFTER_APPROVAL:
            continue
        lacks = gate.lacks(report)
        rows.append({"words": MET[gate.__name__], "lacks": lacks, "state": "unmet" if lacks else "met"})
    changed = approved and report.stage != Report.Stage.PUBLISHED and report.digest != report.approved_digest
    who = f"Approved by {report.approved_by}" if approved else "Approved by somebody who wrote none of it"
    lacks = ["It changed since it was approved. Ask for changes and have it approved again."] if changed else []
    rows.append({"words": who, "lacks": lacks, "state": "unmet" if changed else "met" if approved else "later"})
    return rows


MET = {
    "has_summary": "Words for the client are written",
    "summary_is_of_this_report": "They are this report's own",
    "numbers_are_filled": "Every number has its value",
    "own_words_are_safe": "Next steps and names of numbers are fit for a client",
    "summary_is_approved": "The words are approved",
    "its_period_began_under_contract": "The contract ran when its period began",
    "somebody_reads_it": "Somebody at the client reads it",
    "period_has_ended": "Its period has ended",
    "lateness_is_explained": "If it is late, we know why",
}
