from django.db import models
from django.utils import timezone

from .unhandled import UnhandledQuerySet


class PaymentNotice(models.Model):
    """What a payment provider said. The database's own function writes it; the agency reads it and answers for it.

    The bytes and their signature are kept: the agency looks at them again before it believes what they say.
    """

    class Kind(models.TextChoices):
        PART_PAID = "part_paid"
        PAID = "paid"
        REFUNDED = "refunded"

    event_id = models.CharField(max_length=120, unique=True)
    client_id = models.BigIntegerField()
    opportunity_id = models.BigIntegerField(null=True, blank=True)
    contract = models.CharField(max_length=40, db_index=True)
    kind = models.CharField(max_length=12, choices=Kind)
    amount = models.DecimalField(max_digits=12, decimal_places=2)
    currency = models.CharField(max_length=3)
    occurred_at = models.DateTimeField()
    body = models.TextField()
    stamp = models.BigIntegerField()
    signature = models.CharField(max_length=64)
    address = models.CharField(max_length=64, blank=True)
    at = models.DateTimeField(default=timezone.now)
    handled_at = models.DateTimeField(null=True, blank=True)
    # Whether it moved the payment. What came later than it happened is compared with the last one that did.
    taken = models.BooleanField(default=False)
    outcome = models.TextField(blank=True)

    objects = UnhandledQuerySet.as_manager()

    class Meta:
        indexes = [models.Index(fields=["id"], condition=models.Q(handled_at=None), name="portal_payment_waiting")]

    def __str__(self):
        return f"{self.get_kind_display()} of {self.contract}, {self.amount} {self.currency}"
