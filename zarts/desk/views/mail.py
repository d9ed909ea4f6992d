"""The mails that the demo's catcher caught, so that a newcomer can press the links in them."""

import re
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

from django.conf import settings
from django.http import Http404
from django.template.response import TemplateResponse
from django.views.decorators.http import require_safe

from ..access import page_context, staff_page

MOST = 50
NAME = re.compile(r"[A-Za-z0-9._-]{1,120}")


@dataclass
class Caught:
    """One mail as it went out."""

    name: str
    mail: EmailMessage

    @property
    def to(self) -> str:
        return str(self.mail.get("To", ""))

    @property
    def subject(self) -> str:
        return str(self.mail.get("Subject", ""))

    @property
    def date(self) -> str:
        return str(self.mail.get("Date", ""))

    @property
    def words(self) -> str:
        body = self.mail.get_body(preferencelist=("plain", "html"))
        try:
            return body.get_content() if body else ""
        except (LookupError, UnicodeError):
            return "The words of this mail cannot be read."


@staff_page()
@require_safe
def mail(request):
    """List the newest mails, and show the chosen one."""
    if not settings.CAUGHT_MAIL_DIR:
        raise Http404("Nobody catches mail here.")
    folder = Path(settings.CAUGHT_MAIL_DIR)
    files = sorted(folder.glob("*.eml"), key=lambda file: (file.stat().st_mtime_ns, file.name), reverse=True)[:MOST]
    chosen = request.GET.get("id", "")
    if chosen and (not NAME.fullmatch(chosen) or chosen not in {file.stem for file in files}):
        raise Http404("No such mail.")
    mails = [read(file) for file in files]
    shown = next((caught for caught in mails if caught.name == chosen), None)
    context = page_context(
        request, "Caught mail", mails=mails, shown=shown or (mails[0] if mails else None), chosen=chosen
    )
    return TemplateResponse(request, "desk/mail.html", context)


def read(file: Path) -> Caught:
    return Caught(file.stem, message_from_bytes(file.read_bytes(), policy=policy.default))
