"""The key and the certificate of the seal: read from the settings, or made.

`python -m zarts.sealkeys "Agency name"` prints a new pair. Imports nothing of Django: the settings ask here.
"""

import os
import re
import sys
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

YEARS = 10


def read(value) -> str:
    """Return PEM text that is given as it is, or as the path of a file."""
    return value if not value or "-----BEGIN" in value else Path(value).read_text()


def part(text, kind) -> str:
    """Return the blocks of one kind of a PEM text, such as CERTIFICATE: a file may hold both."""
    return "\n".join(block[0] for block in re.finditer(rf"-----BEGIN ({kind})-----.+?-----END \1-----", text, re.S))


def made_once(data_dir, agency) -> str:
    """Return the pair that is kept in a data folder, and make it when there is none."""
    file = Path(data_dir) / "seal.pem"
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=file.parent)
        with os.fdopen(handle, "w") as new:
            new.write(new_pair(agency))
        try:
            # Two processes may start at once: the first pair stays.
            os.link(name, file)
        except FileExistsError:
            pass
        os.unlink(name)
    return file.read_text()


def new_pair(agency) -> str:
    """Return a new private key and the certificate that it signed itself."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    key = rsa.generate_private_key(public_exponent=65537, key_size=3072)
    name = x509.Name(
        [
            x509.NameAttribute(x509.NameOID.ORGANIZATION_NAME, agency[:64]),
            x509.NameAttribute(x509.NameOID.COMMON_NAME, f"{agency[:48]} contract seal"),
        ]
    )
    now = datetime.now(UTC)
    usage = dict.fromkeys(
        ["key_encipherment", "data_encipherment", "key_agreement", "key_cert_sign", "crl_sign", "encipher_only"], False
    )
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=366 * YEARS))
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(
            x509.KeyUsage(digital_signature=True, content_commitment=True, decipher_only=False, **usage), critical=True
        )
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return (private + certificate.public_bytes(serialization.Encoding.PEM)).decode()


if __name__ == "__main__":
    sys.stdout.write(new_pair(sys.argv[1] if len(sys.argv) > 1 else "Agency"))
