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
        links = re.findall(r"https?://\S+", self.words_to(address, about, wait=wait))
        return next(link for link in links if part in link)

    def words_to(self, address, about, *, wait=30) -> str:
        """Wait for a new mail to somebody about something, and return its words."""
        return self.mail_to(address, about, wait=wait).get_body(("plain",)).get_content()

    def mail_to(self, address, about, *, wait=30):
        """Wait for a new mail to somebody about something, and return it whole."""
        deadline = time.monotonic() + wait
        while time.monotonic() < deadline:
            for file, mail in self.unread(address, about):
                self.read.add(file)
                return mail
            time.sleep(0.1)
        raise AssertionError(f"No new mail to {address} about “{about}” within {wait} s.")

    def has(self, address, about) -> bool:
        """Whether a mail to somebody about something lies there unread."""
        return any(self.unread(address, about))

    def unread(self, address, about):
        for file in sorted(set(self.folder.glob("*.eml")) - self.read):
            mail = message_from_bytes(file.read_bytes(), policy=policy.default)
            if address in mail["To"] and about in mail["Subject"]:
                yield file, mail
