"""A passkey in software: what a person's device answers to a challenge. The browser's own is in tests/browser."""

import hashlib
import json
import secrets
import struct

import cbor2
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from webauthn.helpers import bytes_to_base64url as text

PRESENT, VERIFIED, ATTESTED = 1, 4, 64


class Authenticator:
    """One key on one device. Spoil a field, and it answers as a thief's or a broken one would."""

    def __init__(self, origin="http://localhost:8001", rp_id="localhost", flags=PRESENT | VERIFIED):
        self.origin, self.rp_id, self.flags, self.count = origin, rp_id, flags, 0
        self.key, self.credential = ec.generate_private_key(ec.SECP256R1()), secrets.token_bytes(32)

    def make(self, options) -> str:
        """Answer to the making of a passkey."""
        point = self.key.public_key().public_numbers()
        public = cbor2.dumps({1: 2, 3: -7, -1: 1, -2: point.x.to_bytes(32), -3: point.y.to_bytes(32)})
        held = bytes(16) + struct.pack(">H", len(self.credential)) + self.credential + public
        told = cbor2.dumps({"fmt": "none", "attStmt": {}, "authData": self.data(ATTESTED) + held})
        client = self.client("webauthn.create", options)
        return self.answer({"clientDataJSON": text(client), "attestationObject": text(told)})

    def sign(self, options) -> str:
        """Answer to a sign-in."""
        client, data = self.client("webauthn.get", options), self.data()
        signature = self.key.sign(data + hashlib.sha256(client).digest(), ec.ECDSA(hashes.SHA256()))
        parts = {"clientDataJSON": client, "authenticatorData": data, "signature": signature}
        return self.answer({name: text(part) for name, part in parts.items()})

    def data(self, more=0) -> bytes:
        return hashlib.sha256(self.rp_id.encode()).digest() + struct.pack(">BI", self.flags | more, self.count)

    def client(self, kind, options) -> bytes:
        return json.dumps({"type": kind, "challenge": options["challenge"], "origin": self.origin}).encode()

    def answer(self, response) -> str:
        name = text(self.credential)
        return json.dumps({"id": name, "rawId": name, "type": "public-key", "response": response})
