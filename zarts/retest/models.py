"""What a retest was, and what it met."""

import re
from hashlib import sha256

from django.conf import settings
from django.db import models
from django.utils import timezone


class RetestRun(models.Model):
    """One walk through an installation that runs.

    asked → walking → green, with findings, or not walked.
    """

    class State(models.TextChoices):
        ASKED = "asked", "Asked for"
        WALKING = "walking", "Walking"
        GREEN = "green", "Green"
        FINDINGS = "findings", "With findings"
        FAILED = "failed", "Not walked to its end"

    OPEN = (State.ASKED, State.WALKING)

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    state = models.CharField(max_length=10, choices=State, default=State.ASKED)
    asked_at = models.DateTimeField(default=timezone.now)
    began_at = models.DateTimeField(null=True)
    # When the walk was last heard of: one that is silent is over.
    heard_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    site = models.CharField(max_length=200)
    portal = models.CharField(max_length=200)
    # What it was narrowed to, and whether to phones.
    only = models.CharField(max_length=200, blank=True)
    phone_only = models.BooleanField(default=False)
    versions = models.JSONField(default=dict)
    # What it does now; how many pages of how many that are known of.
    doing = models.CharField(max_length=200, blank=True)
    done = models.PositiveIntegerField(default=0)
    of = models.PositiveIntegerField(default=0)
    # What it left out, and why it could not walk on.
    said = models.JSONField(default=list)
    why = models.TextField(blank=True)
    # The sessions that it made for itself, until it ends them.
    sessions = models.JSONField(default=list)

    class Meta:
        default_permissions = ("view", "add")
        constraints = [
            # Of all that wait and walk, not one of each.
            models.UniqueConstraint(
                models.Value(1), condition=models.Q(state__in=["asked", "walking"]), name="retest_one_at_a_time"
            )
        ]

    def __str__(self):
        return f"Retest {self.pk}"

    @property
    def progress(self) -> str:
        return f"{self.done:,} of the {self.of:,} pages found so far" if self.of else "its first page"

    @property
    def progress_in_short(self) -> str:
        return f"{self.done:,} / {self.of:,}" if self.is_open else f"{self.done:,}"

    @property
    def percent(self) -> int:
        return min(100, self.done * 100 // self.of) if self.of else 0

    @property
    def is_open(self) -> bool:
        return self.state in self.OPEN


class RetestFinding(models.Model):
    """One thing that was wrong."""

    class Kind(models.TextChoices):
        SIGN_IN = "sign-in", "Sign-in"
        ANSWER = "answer", "Pages that did not answer as they should"
        RIGHT = "right", "Open or closed to the wrong role"
        LINK = "link", "Links that lead nowhere"
        MAIL = "mail", "Words of mails"
        OVERFLOW = "overflow", "Wider than the screen"
        SCRIPT = "script", "Scripts that failed"
        CONSOLE = "console", "Errors in the console"
        REQUEST = "request", "Requests that failed or went elsewhere"
        AXE = "axe", "Barriers"

    run = models.ForeignKey(RetestRun, models.PROTECT, related_name="findings")
    kind = models.CharField(max_length=10, choices=Kind)
    page = models.CharField(max_length=300)
    # Which page it is, whichever record it showed: by this runs are compared.
    place = models.CharField(max_length=120)
    who = models.CharField(max_length=80)
    # 0 where nothing was drawn.
    width = models.PositiveSmallIntegerField(default=0)
    words = models.CharField(max_length=1000)
    fingerprint = models.CharField(max_length=64)
    is_new = models.BooleanField(default=True)
    # The run that looked there again and did not find it.
    mended_by = models.ForeignKey(RetestRun, models.PROTECT, null=True, related_name="mended")
    # A small JPEG, as long as the run is one of the last.
    picture = models.BinaryField(null=True)

    class Meta:
        default_permissions = ()
        indexes = [
            models.Index(fields=["fingerprint"], name="retest_finding_open", condition=models.Q(mended_by=None)),
        ]
        constraints = [models.UniqueConstraint(fields=["run", "fingerprint"], name="retest_finding_once_a_run")]

    def __str__(self):
        return self.words

    @property
    def spot(self) -> tuple:
        """Return how and where it was seen: by following links, by opening a page, or by asking for it."""
        how = "link" if self.kind == self.Kind.LINK else "page" if self.width else "ask"
        return how, self.place, self.who, self.width

    def mark(self) -> str:
        """Return its fingerprint: the same fault at the same place, whatever numbers stand in its words."""
        told = re.sub(r"\d+", "#", self.words)
        return sha256("|".join([self.kind, self.place, self.who, str(self.width), told]).encode()).hexdigest()
