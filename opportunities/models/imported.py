"""Files on their way in: what was uploaded, what each row says and became, and the maps that are used again."""

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models.functions import Lower
from django.urls import reverse
from django.utils import timezone

from .. import gates, policies
from ..money import money
from ..records import DiaryKeeper, Kept, Record, stage_field, transition
from ..scope import Scoped
from ..walls import frozen, held_to

MOVE = "opportunities.move_import"
# Where a lead stands after the move that its row says.
BECOMES = {"": "New", "work": "Working", "disqualify": "Disqualified"}


# The kind of page on which what a row became is found.
BECOME = {"leads": "opportunities_lead", "opportunities": "opportunities_opportunity"}
BECOME |= {"clients": "opportunities_client", "contacts": "opportunities_contact", "tasks": "opportunities_task"}
BECOME |= dict.fromkeys(["proposals", "proposal_rows"], "proposals_proposal")


class Import(Scoped, DiaryKeeper, Record):
    """A file of leads, opportunities or what belongs to them on its way in.

    uploaded → mapped → checked → running → done. What fails or is left can be taken up again: it is checked anew, and
    the rows that came in already are known.
    """

    class Stage(models.TextChoices):
        UPLOADED = "uploaded"
        MAPPED = "mapped", "Being checked"
        CHECKED = "checked"
        RUNNING = "running", "Coming in"
        DONE = "done"
        FAILED = "failed"
        LEFT = "left"

    PATH = (Stage.UPLOADED, Stage.MAPPED, Stage.CHECKED, Stage.RUNNING, Stage.DONE)
    CLOSED = (Stage.DONE, Stage.LEFT)
    # In these it is due: a worker takes it up.
    AT_WORK = (Stage.MAPPED, Stage.RUNNING)

    class Kind(models.TextChoices):
        LEADS = "leads"
        OPPORTUNITIES = "opportunities"
        CLIENTS = "clients"
        CONTACTS = "contacts"
        TASKS = "tasks"
        PROPOSALS = "proposals"
        PROPOSAL_ROWS = "proposal_rows", "Rows of proposals"

    kind = models.CharField("what is in it", max_length=14, choices=Kind, default=Kind.LEADS)
    file_name = models.CharField("file", max_length=200)
    digest = models.CharField(max_length=64, editable=False)
    size = models.BigIntegerField(default=0, editable=False)
    read_as = models.CharField(max_length=200, blank=True, editable=False)
    sheet = models.CharField(max_length=120, blank=True)
    sheets = models.JSONField(default=list, editable=False)
    # With a row's own reference it knows the row again, whatever the next file is called.
    system = models.CharField("where it comes from", max_length=40, blank=True)
    # The file's columns, its companions' too: {name, samples, dates}; and ours, each with the file's.
    header = models.JSONField(default=list, editable=False)
    columns = models.JSONField(default=dict, editable=False)
    # What the person decided where the file leaves it open, and what it leaves open still.
    choices = models.JSONField(default=dict, editable=False)
    questions = models.JSONField(default=dict, editable=False)
    row_count = models.PositiveIntegerField("rows", default=0, editable=False)
    counts = models.JSONField(default=dict, editable=False)
    # How many rows were staged, while it is checked; how many were dealt with, while it runs.
    progress = models.PositiveIntegerField(default=0, editable=False)
    last_row = models.BigIntegerField(default=0, editable=False)
    made = models.JSONField("made along the way", default=dict, editable=False)
    trouble = models.TextField(blank=True, editable=False)
    # Who asked for the check or the rows: what they may not reach stays out, and the diaries name them. Nobody when it
    # was a command.
    runner = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, editable=False, related_name="+")
    # Whoever is at it, and until when they are believed to live.
    claimed_by = models.UUIDField(null=True, editable=False)
    claimed_until = models.DateTimeField(null=True, editable=False)
    uploaded_at = models.DateTimeField(default=timezone.now, editable=False)
    stage = stage_field(Stage, Stage.UPLOADED)

    class Meta(Record.Meta):
        permissions = [("move_import", "Can bring in leads and opportunities from files")]
        indexes = [
            models.Index(
                fields=["claimed_until"], name="import_due", condition=models.Q(stage__in=["mapped", "running"])
            ),
            models.Index(fields=["digest"], name="import_by_digest"),
            models.Index(fields=["owner", "-id"], name="import_of_owner"),
            models.Index(fields=["team", "-id"], name="import_of_team"),
        ]

    def __str__(self):
        return self.file_name

    @property
    def is_at_work(self) -> bool:
        return self.stage in self.AT_WORK

    @property
    def percent(self) -> int:
        return min(100, self.progress * 100 // max(self.row_count, 1))

    def count(self, *verdicts) -> int:
        return sum(self.counts.get(verdict, 0) for verdict in verdicts)

    @property
    def unread(self) -> list[str]:
        """Return its columns that nothing is read from: no field of ours holds what stands in them."""
        read = set(self.columns.values())
        return [column["name"] for column in self.header if "of" not in column and column["name"] not in read]

    @property
    def coming(self) -> int:
        """Return how many rows come in, by themselves or joined to what is here."""
        return self.count("new", "joined")

    @transition(
        stage,
        source=Stage.UPLOADED,
        target=Stage.MAPPED,
        gates=[gates.columns_are_mapped],
        permission=MOVE,
        label="Check the file",
        past="asked to check",
    )
    def map_columns(self, *, by):
        """Say what the columns hold; every row is then read and compared."""
        self.start_over(by)

    @transition(
        stage,
        source=Stage.MAPPED,
        target=Stage.CHECKED,
        permission=policies.by_itself,
        label="Checked",
        past="checked",
    )
    def settle_check(self, *, by):
        """Every row is read and compared."""
        self.claimed_by = self.claimed_until = None

    @transition(
        stage,
        source=[Stage.CHECKED, Stage.FAILED, Stage.LEFT],
        target=Stage.MAPPED,
        gates=[gates.columns_are_mapped],
        permission=MOVE,
        label="Check again",
        past="asked to check again",
    )
    def check_again(self, *, by):
        """Read and compare every row anew, after a choice was changed or after a break."""
        self.start_over(by)

    @transition(
        stage,
        source=Stage.CHECKED,
        target=Stage.RUNNING,
        gates=[gates.rows_come_in],
        permission=MOVE,
        label="Bring in",
        past="began to bring in",
    )
    def run(self, *, by):
        """Let the rows come in, batch by batch."""
        self.runner, self.progress, self.last_row, self.made = by, 0, 0, {}

    @transition(
        stage,
        source=Stage.RUNNING,
        target=Stage.DONE,
        permission=policies.by_itself,
        label="Done",
        past="brought in",
    )
    def finish(self, *, by):
        """Every row was dealt with."""
        self.claimed_by = self.claimed_until = None

    @transition(
        stage,
        source=[Stage.MAPPED, Stage.RUNNING],
        target=Stage.FAILED,
        permission=policies.by_itself,
        label="Fail",
        past="could not go on with",
    )
    def fail(self, *, by, reason):
        """Stop, and say why. What came in stays."""
        self.trouble = reason
        self.claimed_by = self.claimed_until = None

    @transition(
        stage,
        source=[Stage.UPLOADED, Stage.MAPPED, Stage.CHECKED, Stage.RUNNING, Stage.FAILED],
        target=Stage.LEFT,
        permission=MOVE,
        label="Leave it",
        past="left",
    )
    def leave(self, *, by):
        """Stop here. What came in stays; the rest can come in later."""
        self.claimed_by = self.claimed_until = None

    def start_over(self, by):
        self.runner = by
        self.progress, self.counts, self.questions, self.trouble = 0, {}, {}, ""
        self.claimed_by = self.claimed_until = None


class ImportPart(Kept):
    """A piece of an uploaded file, or of a companion that its rows point into. Whole files would fill the memory."""

    belongs_to = "of"

    of = models.ForeignKey(Import, models.PROTECT, related_name="parts")
    # The file itself is number 0; its companions follow.
    file = models.PositiveSmallIntegerField(default=0)
    name = models.CharField(max_length=200)
    number = models.PositiveIntegerField()
    data = models.BinaryField()

    class Meta(Kept.Meta):
        constraints = [models.UniqueConstraint(fields=["of", "file", "number"], name="import_part_once")]

    def __str__(self):
        return f"{self.name}, part {self.number}"


class ImportRow(Kept):
    """One row of a file: what stands in it, what becomes of it, and what it became."""

    belongs_to = "of"

    class Verdict(models.TextChoices):
        NEW = "new"
        JOINED = "joined"
        KNOWN = "known", "Here already"
        REFUSED = "refused"

    of = models.ForeignKey(Import, models.PROTECT, related_name="lines_of_file")
    line = models.PositiveIntegerField()
    # The values as they came, and what they mean: checked, and in the words of our fields.
    raw = models.JSONField(default=list)
    said = models.JSONField(default=dict)
    reference = models.CharField(max_length=120, blank=True)
    verdict = models.CharField(max_length=8, choices=Verdict)
    column = models.CharField(max_length=100, blank=True)
    reason = models.CharField(max_length=400, blank=True)
    # Numbers that are set aside for what it may become. No foreign keys: most of it is not there yet.
    owner_id = models.BigIntegerField(null=True)
    client_id = models.BigIntegerField(null=True)
    record_id = models.BigIntegerField(null=True)
    diary_id = models.BigIntegerField(null=True)

    class Meta(Kept.Meta):
        indexes = [
            models.Index(fields=["of", "verdict", "id"], name="import_row_by_verdict"),
            # By what a row is known that was joined: nothing else keeps its reference.
            models.Index(
                fields=["reference"], name="import_row_known", condition=models.Q(verdict__in=["joined", "known"])
            ),
        ]
        triggers = [
            held_to("looked_at_only", "zarts_keep_staged"),
            frozen("of_its_file", unless="OLD.of_id = NEW.of_id", operation=pgtrigger.UpdateOf("of_id")),
        ]

    def __str__(self):
        return f"line {self.line}"

    @property
    def who(self) -> str:
        """Return whom the row is about."""
        said = self.said
        if "who" in said:
            return said["who"]
        return ", ".join(filter(None, [said.get("client") or said.get("name"), said.get("company")]))

    @property
    def what(self) -> str:
        """Return what else it says, in short: the deal, or how to reach them."""
        said = self.said
        if "what" in said:
            return said["what"]
        if "client" in said:
            worth = money(said["value"], said["currency"]) if said.get("value") else ""
            return " · ".join(filter(None, [said["name"].removeprefix(f"{said['client']}: "), said["step"], worth]))
        return " · ".join(filter(None, [said.get("email"), said.get("phone"), self.status]))

    @property
    def status(self) -> str:
        """Return the status that the file names, and what the lead becomes by it when that is another."""
        word, becomes = self.said.get("status", ""), BECOMES.get(self.said.get("step", ""), "")
        return word if word.casefold() in ("", becomes.casefold()) else f"{word} → {becomes}"

    @property
    def came_url(self) -> str:
        """Return the address of what it became, or of what it was already; none of what did not come in, or not yet."""
        came = self.verdict in ("new", "joined") and self.pk <= self.of.last_row
        if not (came or self.verdict == "known"):
            return ""
        return reverse(f"admin:{BECOME[self.of.kind]}_change", args=[self.record_id])


class ImportMap(DiaryKeeper):
    """What the columns of a kind of file hold, under a name. Offered again for the same header."""

    name = models.CharField(max_length=80)
    kind = models.CharField(max_length=14, choices=Import.Kind)
    header = models.JSONField(default=list)
    columns = models.JSONField(default=dict)

    class Meta(DiaryKeeper.Meta):
        constraints = [models.UniqueConstraint(Lower("name"), "kind", name="import_map_name_once")]

    def __str__(self):
        return self.name
