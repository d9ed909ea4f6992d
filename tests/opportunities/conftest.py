"""What the tests of the floor share: a real mail server."""

import socket

import pytest
from aiosmtpd.controller import Controller


class Catcher:
    """A real mail server that counts what it got."""

    def __init__(self, answer="250 OK"):
        self.answer, self.got = answer, []

    async def handle_DATA(self, server, session, envelope):
        self.got.append(envelope)
        return self.answer


@pytest.fixture
def mail_server(settings):
    """Start a mail server on a free port; return the function that starts it with an answer."""
    running = []

    def start(answer="250 OK"):
        catcher = Catcher(answer)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        controller = Controller(catcher, hostname="127.0.0.1", port=port)
        controller.start()
        running.append(controller)
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", port
        return catcher

    yield start
    for controller in running:
        controller.stop()
