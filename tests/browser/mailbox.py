"""Reading the mails that a house's catcher caught."""

import re
import time
from email import message_from_bytes, policy


class Mailbox:
    """The caught mails of a folder, each read once; what lay there before is not read."""

    def __init__(self, folder):
        self.folder = folder
        self.read = set(folder.glob("*.eml"))

    def link_to(self, address, about, part, *, wait=30) -> str:
        """Wait for a new mail to somebody about something, and return its link that holds this part."""
        deadline = time.monotonic() + wait
        while time.monotonic() < deadline:
            for file in sorted(set(self.folder.glob("*.eml")) - self.read):
                mail = message_from_bytes(file.read_bytes(), policy=policy.default)
                if address in mail["To"] and about in mail["Subject"]:
                    self.read.add(file)
                    links = re.findall(r"https?://\S+", mail.get_body().get_content())
                    return next(link for link in links if part in link)
            time.sleep(0.1)
        raise AssertionError(f"No new mail to {address} about “{about}” within {wait} s.")
