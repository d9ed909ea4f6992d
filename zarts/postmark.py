"""Postmark gives each mail a number of its own, unless it is asked to keep ours: answers name the number."""

from anymail.backends.postmark import EmailBackend


class KeepsNumbers(EmailBackend):
    """Postmark's backend, with our Message-ID kept."""

    def build_message_payload(self, message, defaults):
        message.extra_headers.setdefault("X-PM-KeepID", "true")
        return super().build_message_payload(message, defaults)
