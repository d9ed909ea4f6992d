"""What a delivery is signed with. Nothing that signs stands in the table: a secret is made of the house's key."""

import hashlib
import hmac
from base64 import urlsafe_b64encode
from datetime import timedelta

from django.utils import formats, timezone
from django.utils.crypto import salted_hmac

from opportunities import clock
from opportunities.records import Refused, lock, tell, whole

from .models import Endpoint, new_salt

# So long a secret that was replaced still signs, beside the new one.
BOTH_FOR = timedelta(hours=24)


def secret_of(salt: str) -> str:
    """Return the secret that a salt stands for."""
    made = salted_hmac("zarts.hooks.secret", salt, algorithm="sha256").digest()
    return "whsec_" + urlsafe_b64encode(made).decode().rstrip("=")


def secrets_of(endpoint, at) -> list[str]:
    """Return the secrets that sign now: the present one, and for a while the one before it."""
    salts = [endpoint.salt]
    if endpoint.salt_before and endpoint.before_until and at < endpoint.before_until:
        salts.append(endpoint.salt_before)
    return [secret_of(salt) for salt in salts]


def signature(secrets: list[str], at: int, body: bytes) -> str:
    """Return the header that shows who sent a body, and when."""
    signed = f"{at}.".encode() + body
    made = [hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest() for secret in secrets]
    return ",".join([f"t={at}", *(f"v1={each}" for each in made)])


@whole
def show(endpoint, *, by) -> str:
    """Return the secret of an endpoint, once. Whoever lost it makes a new one."""
    endpoint = lock_open(endpoint)
    if endpoint.shown_at:
        raise Refused(["It was shown already. Make a new secret if nobody has it any more."])
    return given_out(endpoint, "showed the secret of", by=by)


@whole
def rotate(endpoint, *, by) -> str:
    """Make a new secret and return it. The one before it signs along for a while, and nobody takes its time away."""
    endpoint = lock_open(endpoint)
    if len(secrets_of(endpoint, clock.now())) > 1:
        until = formats.date_format(timezone.localtime(endpoint.before_until), "DATETIME_FORMAT")
        raise Refused([f"The former secret signs along until {until}. End it first if nobody checks with it any more."])
    endpoint.salt_before, endpoint.before_until = endpoint.salt, clock.now() + BOTH_FOR
    endpoint.salt = new_salt()
    return given_out(endpoint, "made a new secret for", by=by)


@whole
def end_old(endpoint, *, by):
    """Let the former secret sign no more."""
    endpoint = lock(endpoint)
    if not endpoint.salt_before:
        raise Refused(["There is no former secret any more."])
    endpoint.salt_before, endpoint.before_until = "", None
    endpoint.save(update_fields=["salt_before", "before_until"])
    tell(endpoint, "secret", "ended the former secret of", by=by)


def lock_open(endpoint):
    endpoint = lock(endpoint)
    if not endpoint.is_open:
        raise Refused([f"{endpoint} was ended: nothing is signed for it any more."])
    return endpoint


def given_out(endpoint: Endpoint, past: str, *, by) -> str:
    endpoint.shown_at = clock.now()
    endpoint.save(update_fields=["shown_at", "salt", "salt_before", "before_until"])
    tell(endpoint, "secret", past, by=by)
    return secret_of(endpoint.salt)
