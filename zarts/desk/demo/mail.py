"""Where the story's mails go: to the folder in which the demo keeps what it caught, dated as they were sent."""

import os
import time
from pathlib import Path

from django.conf import settings
from django.core.mail.backends.base import BaseEmailBackend


class Catcher(BaseEmailBackend):
    """Keep each mail as a file. None leaves this machine."""

    def send_messages(self, messages):
        folder = Path(settings.CAUGHT_MAIL_DIR or settings.DATA_DIR / "mail")
        folder.mkdir(parents=True, exist_ok=True)
        for message in messages:
            file = folder / f"{time.time_ns()}.eml"
            file.write_bytes(message.message().as_bytes(linesep="\r\n"))
            os.utime(file, (time.time(), time.time()))
        return len(messages)
