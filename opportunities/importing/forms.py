"""What is asked about a file: where it lies, what its columns hold, and what becomes of what it leaves open."""

from django import forms

from ..forms import say_plainly
from ..models import Import, User
from .amounts import SIGNS
from .columns import FIELDS, ORDERS
from .files import MOST_BYTES
from .kinds import model_of
from .owners import IN_TURN
from .storage import MOST_COMPANION, MOST_COMPANIONS
from .upload import of_another
from .values import TARGETS

REFUSE = ("", "Refuse these rows")


def plainly(form):
    """Have every field of a form say in our words what to do, and keep only what can be read."""
    for field in form.fields.values():
        say_plainly(field)


class Files(forms.FileField):
    """Any number of files."""

    class Input(forms.ClearableFileInput):
        allow_multiple_selected = True

    widget = Input

    def clean(self, data, initial=None):
        return [super(Files, self).clean(one, initial) for one in data or () if one]


class UploadForm(forms.Form):
    file = forms.FileField(
        label="The file",
        allow_empty_file=True,
        help_text=f"CSV or Excel (.xlsx), up to {MOST_BYTES // 1024**2} MB. Its first row names the columns.",
    )
    kind = forms.ChoiceField(label="What is in it", choices=Import.Kind.choices)
    companions = Files(
        label="Files that its rows point into",
        required=False,
        allow_empty_file=True,
        help_text="Such as the contacts, accounts or products of the same export. They share a column with it.",
    )
    system = forms.CharField(
        label="Where it comes from",
        required=False,
        max_length=40,
        help_text="A row that came in before is known by this and its reference. Without it, by the file's name.",
    )
    sheet = forms.CharField(label="Sheet", required=False, max_length=120, help_text="Of a workbook; else its first.")

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["file"].widget.attrs["accept"] = ".csv,.tsv,.txt,.xlsx"
        self.fields["companions"].widget.attrs["accept"] = ".csv,.tsv,.txt,.xlsx"
        plainly(self)

    def clean_file(self):
        file = self.cleaned_data["file"]
        if file.size > MOST_BYTES:
            raise forms.ValidationError(
                f"It is larger than {MOST_BYTES // 1024**2} MB. Split it, or leave columns out."
            )
        return file

    def clean_companions(self):
        files = self.cleaned_data["companions"]
        if len(files) > MOST_COMPANIONS:
            raise forms.ValidationError(f"Choose {MOST_COMPANIONS} at most.")
        for file in files:
            if file.size > MOST_COMPANION:
                raise forms.ValidationError(f"{file.name} is larger than {MOST_COMPANION // 1024**2} MB.")
        return files


# What of a column may be written two ways: its question, and the ways.
WRITTEN = {
    "dates": ("How dates in “{}” are written", ORDERS),
    "numbers": ("How amounts in “{}” are written", SIGNS),
}
DAYS = ("created", "opened", "closed", "left", "due", "until", "valid", "decide")
USED = {"dates": DAYS, "numbers": ("value", "price")}
OPEN = {
    "dates": "no value tells the day from the month",
    "numbers": "no value tells the thousands from the cents",
}


def known_by(record) -> str:
    """Say what a row is known by, and where files came from that this one may continue."""
    words = "A row that came in before is known by this and its reference."
    files = Import.objects.filter(kind=record.kind).exclude(pk=record.pk).order_by("-pk")
    earlier = files.filter(owner=record.owner_id).values_list("system", flat=True)[:50]
    if names := [name for name in dict.fromkeys(earlier) if name != record.system][:6]:
        words += f" Earlier files of {record.owner}: {', '.join(names)}."
    named = record.system.removesuffix(f" of {record.owner.username}")
    if other := of_another(record.kind, named, record.owner_id):
        words += f" {other} brought “{named}”, too: write that if this comes from the same place."
    return words


class ColumnsForm(forms.Form):
    """Which column holds what. Beside each choice stand some of its values."""

    save_as = forms.CharField(
        label="Save this map as",
        required=False,
        max_length=80,
        help_text="Offered again for a file with these columns.",
    )
    system = forms.CharField(label="Where it comes from", max_length=40, required=False)

    def __init__(self, *args, record, **kwargs):
        super().__init__(*args, **kwargs)
        self.record = record
        self.fields["system"].initial = record.system
        self.fields["system"].help_text = known_by(record)
        names = [column["name"] for column in record.header]
        self.samples = {column["name"]: column["samples"] for column in record.header}
        columns = [("", "Not in the file"), *((name, name) for name in names)]
        for one in FIELDS[record.kind].fields:
            field = forms.ChoiceField(label=one.label, choices=columns, required=False)
            field.initial = record.columns.get(one.name, "")
            self.fields[f"map-{one.name}"] = field
        for place, column in enumerate(record.header):
            for what, (label, ways) in WRITTEN.items():
                if column.get(what) != "?":
                    continue
                self.fields[f"{what}-{place}"] = forms.ChoiceField(
                    label=label.format(column["name"]),
                    choices=[("", "Choose: they can be read two ways"), *ways.items()],
                    required=False,
                    initial=record.choices.get(what, {}).get(column["name"], ""),
                )
        if len(record.sheets) > 1:
            sheets = [(name, name) for name in record.sheets]
            self.fields["sheet"] = forms.ChoiceField(
                label="Sheet", choices=sheets, required=False, initial=record.sheet or record.sheets[0]
            )
        plainly(self)

    def rows(self):
        """Yield each of our fields with the values of the column that is chosen for it."""
        for name in self.fields:
            if name.startswith("map-"):
                bound = self[name]
                yield bound, self.samples.get(bound.value() or "", [])

    def others(self):
        return [self[name] for name in self.fields if not name.startswith("map-")]

    @property
    def sheet(self) -> str:
        chosen = self.cleaned_data.get("sheet", "")
        return "" if chosen == (self.record.sheet or next(iter(self.record.sheets), "")) else chosen

    @property
    def columns(self) -> dict:
        chosen = {name.removeprefix("map-"): value for name, value in self.cleaned_data.items() if "map-" in name}
        return {name: column for name, column in chosen.items() if column}

    @property
    def choices(self) -> dict:
        written: dict[str, dict] = {what: {} for what in WRITTEN}
        for name, value in self.cleaned_data.items():
            what, _, place = name.partition("-")
            if what in WRITTEN and value:
                written[what][self.record.header[int(place)]["name"]] = value
        before = self.record.choices
        return {**before, **{what: chosen for what, chosen in written.items() if chosen or before.get(what)}}

    def clean(self):
        data = super().clean()
        if self.errors:
            return data
        taken: dict[str, str] = {}
        for name, column in self.columns.items():
            if column in taken and {name, taken[column]} != {"client", "contact"}:
                self.add_error(f"map-{name}", f"“{column}” is chosen above already. Choose another, or leave one out.")
            taken[column] = name
        if wanted := FIELDS[self.record.kind].lacking(self.columns):
            self.add_error(f"map-{FIELDS[self.record.kind].needs[0]}", wanted)
        for place, column in enumerate(self.record.header):
            for what, ours in USED.items():
                field = f"{what}-{place}"
                used = [name for name in ours if self.columns.get(name) == column["name"]]
                if field in self.fields and used and not data.get(field):
                    self.add_error(field, f"Choose how they are written: {OPEN[what]}.")
        return data


class ChoicesForm(forms.Form):
    """What becomes of the rows that the file leaves open: each unknown word with the number of its rows."""

    def __init__(self, *args, record, user, **kwargs):
        super().__init__(*args, **kwargs)
        self.record, self.words = record, {}
        chosen = record.choices
        if record.kind == Import.Kind.LEADS:
            self.fields["alike"] = forms.ChoiceField(
                label="Rows that are the same as a lead that is here",
                choices=[("new", "Bring in as new leads"), ("join", "Join to the lead, if it is open")],
                initial=chosen.get("alike", "new"),
            )
        elif record.kind == Import.Kind.OPPORTUNITIES:
            count = record.questions.get("unknown", {}).get("client", {}).get("", 0)
            if count or chosen.get("without_client"):
                self.fields["without_client"] = forms.CharField(
                    label=f"Whose are the rows that name no client ({count:,})?",
                    required=False,
                    max_length=160,
                    initial=chosen.get("without_client", ""),
                    help_text="The name of a client. Empty refuses them.",
                )
            offered = record.questions.get("offered", [])
            services = [(name, name) for name in offered]
            more = [("-", "Bring in without a service")]
            if user.has_perm("proposals.add_service"):
                more.append(("+", "Make it a service of ours"))
            self.ask("product", "Service", [REFUSE, *more, *services])
        if targets := TARGETS.get(record.kind):
            words = "Status" if record.kind == Import.Kind.LEADS else "Stage"
            self.ask("status", words, [REFUSE, *targets.items()])
        if "owner" in FIELDS[record.kind].by_name:
            self.ask_whose(record)
        plainly(self)

    def ask_whose(self, record):
        """Ask who owns the rows that name nobody, or somebody whom we do not know."""
        chosen = record.choices
        people = User.who_may_own(model_of(record))[:300]
        names = [(person.username, str(person)) for person in people]
        default = chosen.get("owner_default", "")
        usual = record.owner.username if record.owner.username in dict(names) else IN_TURN
        self.fields["owner_default"] = forms.ChoiceField(
            label="Who owns the rows that name nobody we know",
            choices=[*names, (IN_TURN, "Growth ops, in turn")],
            required=False,
            initial=default if default in {*dict(names), IN_TURN} else usual,
        )
        self.ask("owner", "Owner", [("", "As above"), *names])

    def ask(self, kind: str, label: str, choices):
        """Ask about each word that is not known, and again about those that were chosen before."""
        unknown = self.record.questions.get("unknown", {}).get(kind, {})
        before = self.record.choices.get(kind, {})
        for number, word in enumerate(sorted({*unknown, *before})):
            count = f", {unknown[word]:,} row{'s'[: unknown[word] != 1]}" if word in unknown else ""
            name = f"{kind}-{number}"
            allowed = [value for value, _ in choices]
            initial = before.get(word, "")
            extra = [(initial, initial)] if initial not in allowed else []
            self.words[name] = (kind, word)
            self.fields[name] = forms.ChoiceField(
                label=f"{label} “{word or 'empty'}”{count}", choices=[*choices, *extra], required=False, initial=initial
            )

    def groups(self):
        """Yield what is asked about everything first, then each word by itself."""
        yield "", [self[name] for name in self.fields if name not in self.words]
        for kind, title in (("product", "Services"), ("status", "Stages"), ("owner", "Owners")):
            if fields := [self[name] for name, (of, _) in self.words.items() if of == kind]:
                yield title, fields

    def clean_without_client(self):
        return " ".join(self.cleaned_data["without_client"].split())

    @property
    def choices(self) -> dict:
        given = dict(self.record.choices)
        for name, value in self.cleaned_data.items():
            if name in self.words:
                kind, word = self.words[name]
                known = {**given.get(kind, {}), word: value}
                given[kind] = {one: meaning for one, meaning in known.items() if meaning}
            else:
                given[name] = value
        return given
