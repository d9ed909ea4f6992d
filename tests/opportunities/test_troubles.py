"""What a mail server answers is said in words that people read."""

import smtplib
import socket
from types import SimpleNamespace

import pytest
from anymail.exceptions import AnymailAPIError

from opportunities.troubles import in_words


def from_a_provider(status, told):
    def json():
        if told is None:
            raise ValueError("no JSON")
        return told

    return AnymailAPIError("Refused", status_code=status, response=SimpleNamespace(json=json))


@pytest.mark.parametrize(
    ("trouble", "words"),
    [
        (smtplib.SMTPRecipientsRefused({"bo@x.example": (550, b"no such user <b>x</b>")}), "“no such user x” (550)"),
        (smtplib.SMTPResponseException(421, b"4.7.0 Busy,\r\ncome back"), "“4.7.0 Busy, come back” (421)"),
        (smtplib.SMTPResponseException(554, b""), "its answer was 554"),
        (smtplib.SMTPServerDisconnected("Connection unexpectedly closed: timed out"), "it took too long"),
        (smtplib.SMTPServerDisconnected("Connection unexpectedly closed"), "it hung up"),
        (TimeoutError("timed out"), "it took too long"),
        (ConnectionRefusedError(111, "Connection refused"), "it cannot be reached"),
        (ConnectionResetError(104, "Connection reset by peer"), "it hung up"),
        (socket.gaierror(-2, "Name or service not known"), "its name is not known"),
        (from_a_provider(422, {"ErrorCode": 406, "Message": "They asked to stop."}), "“They asked to stop.” (422)"),
        (from_a_provider(500, None), "its answer was 500"),
        (from_a_provider(400, ["odd"]), "its answer was 400"),
        (OSError("The disk is full"), "The disk is full"),
    ],
)  # fmt: skip
def test_what_a_server_answers_is_said_in_words(trouble, words):
    assert in_words(trouble) == words
