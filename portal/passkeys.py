"""How a passkey is made and checked: our side of WebAuthn, with one library and no state.

A challenge says itself when, for what and for which session it was made, under our signature. The database keeps
those that were answered, so that each counts once.
"""

import hashlib
import hmac
import secrets
import time
from urllib.parse import urlsplit

import webauthn
from django.conf import settings
from webauthn.helpers import bytes_to_base64url, parse_client_data_json
from webauthn.helpers.parse_authentication_credential_json import parse_authentication_credential_json
from webauthn.helpers.parse_registration_credential_json import parse_registration_credential_json
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from . import stamps
from .tokens import token_hash

LASTS = 5 * 60
VERIFIED = UserVerificationRequirement.REQUIRED


def rp_id():
    return urlsplit(settings.PORTAL_URL).hostname


def origin():
    """Return the origin as browsers write it: without the port that goes without saying."""
    url = urlsplit(settings.PORTAL_URL)
    usual = {"https": 443, "http": 80}.get(url.scheme)
    return f"{url.scheme}://{url.hostname}" + (f":{url.port}" if url.port and url.port != usual else "")


def new_challenge(purpose, session=""):
    """Make a challenge for one purpose, "add" or "enter", and for one session where there is one."""
    held = {"passkey": purpose, "of": token_hash(session)[:16], "once": secrets.token_urlsafe(16)}
    return stamps.stamp(**held).encode()


def is_ours(challenge, purpose, session=""):
    held = stamps.read(challenge.decode("ascii", "replace"))
    if held is None or held.get("passkey") != purpose or held.get("of") != token_hash(session)[:16]:
        return False
    return 0 <= time.time() - held["at"] < LASTS


def options_to_add(person, known, session):
    """Return what a browser needs to make a passkey: one that is found without a name, and asks who is there."""
    # The device keeps one passkey a person and site. The handle says which, and tells nobody who it is.
    handle = hmac.digest(settings.SECRET_KEY.encode(), f"passkey {person['email']}".encode(), hashlib.sha256)
    options = webauthn.generate_registration_options(
        rp_id=rp_id(),
        rp_name=settings.AGENCY_NAME,
        user_id=handle,
        user_name=person["email"],
        user_display_name=person["name"],
        challenge=new_challenge("add", session),
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.REQUIRED, user_verification=VERIFIED
        ),
        exclude_credentials=[
            PublicKeyCredentialDescriptor(id=webauthn.base64url_to_bytes(each["credential"])) for each in known
        ],
    )
    return webauthn.options_to_json(options)


def options_to_enter():
    """Return what a browser needs to sign in. It names no passkey, so it tells nothing of anybody."""
    options = webauthn.generate_authentication_options(
        rp_id=rp_id(), challenge=new_challenge("enter"), user_verification=VERIFIED
    )
    return webauthn.options_to_json(options)


def made(answer, session):
    """Return (credential, public key, count, challenge) of a new passkey, or nothing when the answer is not sound."""
    try:
        credential = parse_registration_credential_json(answer)
        challenge = parse_client_data_json(credential.response.client_data_json).challenge
        if not is_ours(challenge, "add", session):
            return None
        found = webauthn.verify_registration_response(
            credential=credential,
            expected_challenge=challenge,
            expected_rp_id=rp_id(),
            expected_origin=origin(),
            require_user_verification=True,
        )
    except Exception:  # whatever a forged answer trips over, it is no passkey
        return None
    name = bytes_to_base64url(found.credential_id)
    return name, found.credential_public_key, found.sign_count, challenge.decode()


def presented(answer):
    """Return (answer as read, credential, challenge) of somebody who wants in, or nothing when it is no such answer."""
    try:
        credential = parse_authentication_credential_json(answer)
        challenge = parse_client_data_json(credential.response.client_data_json).challenge
        if not is_ours(challenge, "enter"):
            return None
    except Exception:  # as above
        return None
    return credential, bytes_to_base64url(credential.raw_id), challenge


def new_count(credential, challenge, public_key, sign_count):
    """Return the device's count when it signed this challenge for this site and saw its owner, else nothing."""
    try:
        return webauthn.verify_authentication_response(
            credential=credential,
            expected_challenge=challenge,
            expected_rp_id=rp_id(),
            expected_origin=origin(),
            credential_public_key=public_key,
            credential_current_sign_count=sign_count,
            require_user_verification=True,
        ).new_sign_count
    except Exception:  # as above
        return None
