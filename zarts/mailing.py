"""Which mail provider sends our mail, and what it needs. Without one, mail goes by EMAIL_URL.

Offered is what a test has spoken to: tests/opportunities/test_providers.py. Django's own settings read this page, so it
reads none of them.
"""

from dataclasses import dataclass
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured


@dataclass(frozen=True)
class Provider:
    """One provider: its backend, the settings without which it cannot work, and those that it may have."""

    backend: str
    needs: tuple
    may: tuple = ()


PROVIDERS = {
    "brevo": Provider("anymail.backends.brevo.EmailBackend", ("BREVO_API_KEY",), ("BREVO_API_URL",)),
    "mailgun": Provider(
        "anymail.backends.mailgun.EmailBackend", ("MAILGUN_API_KEY", "MAILGUN_SENDER_DOMAIN"), ("MAILGUN_API_URL",)
    ),
    "postmark": Provider(
        "zarts.postmark.KeepsNumbers", ("POSTMARK_SERVER_TOKEN",), ("POSTMARK_MESSAGE_STREAM", "POSTMARK_API_URL")
    ),
    "resend": Provider("anymail.backends.resend.EmailBackend", ("RESEND_API_KEY",), ("RESEND_API_URL",)),
    "sparkpost": Provider(
        "anymail.backends.sparkpost.EmailBackend", ("SPARKPOST_API_KEY",), ("SPARKPOST_API_URL", "SPARKPOST_SUBACCOUNT")
    ),
}


def settings_of(name: str, read, *, timeout: int) -> dict:
    """Return the settings with which Django sends by a provider. `read` returns what the environment says of a name."""
    if name not in PROVIDERS:
        raise ImproperlyConfigured(f"MAIL_PROVIDER is “{name}”. Set it to one of {', '.join(PROVIDERS)}, or unset it.")
    provider = PROVIDERS[name]
    if missing := [key for key in provider.needs if not read(key).strip()]:
        raise ImproperlyConfigured(f"Mail goes by {name}: set {' and '.join(missing)}. See docs/deploy.md.")
    found = {key: read(key).strip() for key in (*provider.needs, *provider.may) if read(key).strip()}
    for key, value in found.items():
        if any(not letter.isprintable() or letter.isspace() for letter in value):
            raise ImproperlyConfigured(f"{key} holds a blank or a sign that is no letter: copy it again.")
        if key.endswith("_API_URL") and (urlsplit(value).scheme not in ("https", "http") or not urlsplit(value).netloc):
            raise ImproperlyConfigured(
                f"{key} is “{value}”. Set it to a whole address, such as https://api.eu.x.example."
            )
    own = {f"ANYMAIL_{key}": value for key, value in found.items()}
    return {"EMAIL_BACKEND": provider.backend, "ANYMAIL_REQUESTS_TIMEOUT": timeout, **own}
