"""What went wrong with a mail server, in words that people read."""

import re
import smtplib
import socket
import ssl

from anymail.exceptions import AnymailAPIError

MARKUP = re.compile(r"</?[a-zA-Z]+\s*/?>")
# Where providers write what they say.
SAYS = ("message", "Message", "detail", "error")
KINDS = (
    (TimeoutError, "it took too long"),
    (ConnectionRefusedError, "it cannot be reached"),
    (socket.gaierror, "its name is not known"),
    (ssl.SSLError, "its certificate is not accepted"),
    (ConnectionError, "it hung up"),
)


def in_words(trouble) -> str:
    """Say what a mail server answered, or why it gave no answer."""
    if isinstance(trouble, smtplib.SMTPRecipientsRefused):
        return "; ".join(dict.fromkeys(answer(code, words) for code, words in trouble.recipients.values()))
    if isinstance(trouble, smtplib.SMTPResponseException):
        return answer(trouble.smtp_code, trouble.smtp_error)
    if isinstance(trouble, smtplib.SMTPServerDisconnected):
        return "it took too long" if "timed out" in str(trouble) else "it hung up"
    if isinstance(trouble, AnymailAPIError) and trouble.status_code:
        return answer(trouble.status_code, said_by_provider(trouble.response))
    return next((words for kind, words in KINDS if isinstance(trouble, kind)), plain(trouble))


def answer(code, words) -> str:
    """Say an answer with its number, by which whoever runs the server knows it."""
    words = plain(words)
    return f"“{words}” ({code})" if words else f"its answer was {code}"


def said_by_provider(response) -> str:
    """Return the sentence in what a provider answered, or nothing."""
    try:
        told = response.json()
    except (AttributeError, ValueError):
        return ""
    told = told if isinstance(told, dict) else {}
    return next((told[name] for name in SAYS if isinstance(told.get(name), str)), "")


def plain(words) -> str:
    """Return what came over a wire as words in one line, without markup."""
    text = words.decode("utf-8", "replace") if isinstance(words, bytes) else str(words)
    return " ".join(MARKUP.sub(" ", text).split())
