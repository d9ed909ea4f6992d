"""What the database counts as it happens: how each deal stands, what changed, and how long it took."""

from django.conf import settings
from django.db import models

MONEY = {"max_digits": 24, "decimal_places": 4, "default": 0}


class Dimensions(models.Model):
    """Whose it is and what it is about. Plain numbers: 0 is none, and nothing here keeps a record from changing."""

    owner_id = models.BigIntegerField(default=0)
    team_id = models.BigIntegerField(default=0)
    service = models.BigIntegerField(default=0)
    source = models.BigIntegerField(default=0)
    currency = models.CharField(max_length=3, default="")

    class Meta:
        abstract = True


class Standing(Dimensions):
    """One deal as it is counted now: what is counted next is the difference to this."""

    opportunity = models.BigIntegerField(primary_key=True)
    place = models.SmallIntegerField(null=True)
    month = models.CharField(max_length=7, default="")
    value = models.DecimalField(**MONEY)
    weighted = models.DecimalField(**MONEY)
    since = models.DateTimeField(null=True)
    # How often it moved to another month, and was re-valued, while it was open: what counters of it are compared with.
    moved = models.IntegerField(default=0, db_default=0)
    revalued = models.IntegerField(default=0, db_default=0)

    def __str__(self):
        return f"Deal {self.opportunity}"


class Offer(Dimensions):
    """One open proposal as it is counted now: its rows that need proof, and those that have it."""

    offer = models.BigIntegerField(primary_key=True)
    promised = models.IntegerField()
    proved = models.IntegerField()

    def __str__(self):
        return f"Proposal {self.offer}: {self.proved} of {self.promised}"


class Idle(Dimensions):
    """An open deal that nothing is promised for. There are few: the clock opens a task for each."""

    opportunity = models.BigIntegerField(primary_key=True)

    def __str__(self):
        return f"Deal {self.opportunity} without a next action"


class CountedReport(Dimensions):
    """One report as it is counted now: whose it was when its day passed, and whether it came in time."""

    report = models.BigIntegerField(primary_key=True)
    client = models.BigIntegerField()
    # The day on which it was due.
    day = models.DateField()
    key = models.CharField(max_length=7)

    class Meta:
        indexes = [
            models.Index(
                fields=["day", "report"],
                include=["key", "client", "service", "owner_id"],
                name="numbers_reports_by_day",
            )
        ]

    def __str__(self):
        return f"Report {self.report}: {self.key}"


class CountedClaim(Dimensions):
    """One claim that was sold, by its promise, as it is counted now: how it came out."""

    promise = models.BigIntegerField(primary_key=True)
    key = models.CharField(max_length=7)

    def __str__(self):
        return f"Promise {self.promise}: {self.key}"


class Touched(models.Model):
    """A record that the clock has to look at again. Rows are only added; the clock takes them out."""

    kind = models.CharField(max_length=6)
    record = models.BigIntegerField()

    class Meta:
        indexes = [models.Index(fields=["kind", "record"], name="numbers_touched_record")]

    def __str__(self):
        return f"{self.kind} {self.record}"


class Counted(Dimensions):
    """So many of one kind on one day."""

    day = models.DateField()
    kind = models.CharField(max_length=10)
    key = models.CharField(max_length=20, default="")
    more = models.CharField(max_length=10, default="")
    n = models.BigIntegerField(default=0)
    value = models.DecimalField(**MONEY)
    weighted = models.DecimalField(**MONEY)

    class Meta:
        abstract = True

    def __str__(self):
        return f"{self.day}: {self.n} {self.kind} {self.key}"


class Delta(Counted):
    """What one transaction added. Rows are only added, so that no two moves wait for the same counter."""


class Counter(Counted):
    """What deltas came to, added up by the clock."""

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["day", "kind", "key", "more", "owner_id", "team_id", "service", "source", "currency"],
                name="numbers_counter_once",
            )
        ]
        indexes = [models.Index(fields=["kind", "day"], name="numbers_counter_of_kind")]


class Sum(Counted):
    """Counters and the deltas that are not added up yet, as one list: a view."""

    class Meta:
        managed = False
        db_table = "numbers_sum"


class Check(models.Model):
    """One nightly count from the records, and how far the counters were off."""

    at = models.DateTimeField()
    drift = models.IntegerField()
    words = models.TextField(default="")

    def __str__(self):
        return f"{self.at:%Y-%m-%d}: {self.drift} off"


class WeeklyMail(models.Model):
    """Who chose the mail of the week, and of which Monday they had the last."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    wanted = models.BooleanField(default=True)
    # The last Monday that was seen to, with a mail or without one.
    sent_on = models.DateField(null=True)
    # Why there was none that Monday.
    left_out = models.CharField(max_length=200, default="", blank=True)
    # How often it was tried in vain, and when it is tried again.
    tries = models.PositiveSmallIntegerField(default=0)
    again_at = models.DateTimeField(null=True)

    def __str__(self):
        return f"Mail of the week to {self.user}"
