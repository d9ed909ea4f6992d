"""Who signs a contract, in which order, and what they signed."""

import pgtrigger
from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import MinValueValidator
from django.db import models

from opportunities.models import Contact
from opportunities.records import Kept
from opportunities.walls import Wall, frozen

SIGNED = pgtrigger.Insert | pgtrigger.Update | pgtrigger.Delete


def as_signed(column, operation=SIGNED):
    """Return the wall that holds a contract's stage, at commit, to what its signatures say."""
    return Wall(
        name="stage_as_signed",
        calls="zarts_keep_signed",
        words=[column],
        when=pgtrigger.After,
        operation=operation,
        timing=pgtrigger.Deferred,
    )


ONE_A_NUMBER = "Each signs as a number of their own."
ONCE_A_PERSON = "Each person signs once."


class Signatory(Kept):
    """Somebody who signs for the client, and as which. It changes only until the contract is sent."""

    belongs_to = "contract"

    contract = models.ForeignKey("proposals.Contract", models.PROTECT, related_name="signatories")
    contact = models.ForeignKey(Contact, models.PROTECT, related_name="+", verbose_name="who signs")
    position = models.PositiveSmallIntegerField("signs as number", validators=[MinValueValidator(1)])

    class Meta(Kept.Meta):
        ordering = ["position", "id"]
        verbose_name_plural = "signatories"
        constraints = [
            # At commit: two who change places pass each other.
            models.UniqueConstraint(
                fields=["contract", "position"],
                name="one_signatory_a_position",
                deferrable=models.Deferrable.DEFERRED,
                violation_error_message=ONE_A_NUMBER,
            ),
            models.UniqueConstraint(
                fields=["contract", "contact"],
                name="signatory_once",
                deferrable=models.Deferrable.DEFERRED,
                violation_error_message=ONCE_A_PERSON,
            ),
        ]
        triggers = [
            Wall(
                name="sent_signatories_are_frozen",
                calls="zarts_keep_signatories",
                when=pgtrigger.Before,
                operation=SIGNED,
            ),
            as_signed("contract_id"),
        ]

    def __str__(self):
        return self.contact.name

    def clean(self):
        if self.contract_id and self.contact_id and self.contact.client_id != self.contract.opportunity.client_id:
            raise ValidationError({"contact": "Choose somebody of this client."})

    def validate_constraints(self, exclude=None):
        # The rows of one form are looked at together: those that change places would each be in the other's way.
        super().validate_constraints(exclude={*(exclude or ()), "position", "contact"})


class Signature(Kept):
    """Who signed what, when and from where. Never changed."""

    belongs_to = "contract"

    class Side(models.TextChoices):
        CLIENT = "client"
        AGENCY = "agency"

    contract = models.ForeignKey("proposals.Contract", models.PROTECT, related_name="signatures")
    side = models.CharField(max_length=6, choices=Side)
    name = models.CharField(max_length=200)
    role = models.CharField(max_length=200, blank=True)
    contact = models.ForeignKey(Contact, models.PROTECT, null=True, blank=True, related_name="+")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+")
    consent_version = models.CharField(max_length=40)
    consent_text = models.TextField()
    at = models.DateTimeField()
    address = models.CharField(max_length=64, blank=True)
    digest = models.CharField(max_length=64)

    class Meta(Kept.Meta):
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(
                fields=["contract"], condition=models.Q(side="agency"), name="one_signature_of_the_agency"
            ),
            models.UniqueConstraint(
                fields=["contract", "contact"], condition=models.Q(side="client"), name="one_signature_a_signatory"
            ),
        ]
        triggers = [frozen(), as_signed("contract_id", pgtrigger.Insert)]

    def __str__(self):
        return f"{self.name} for the {self.get_side_display().lower()}"
