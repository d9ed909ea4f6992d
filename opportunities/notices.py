"""What staff are told, and how: here, at once by mail, or in the mail of the day, as each chose."""

from django.conf import settings

from . import clock
from .models import Letter, Notice, NoticeChoice

How = NoticeChoice.How
# As long as somebody chose nothing else.
USUAL = {
    Notice.Kind.APPROVAL: How.ON,
    Notice.Kind.ANSWER: How.ON,
    Notice.Kind.PAUSE: How.DIGEST,
    Notice.Kind.ESCALATION: How.ON,
    Notice.Kind.BREACH: How.ON,
    Notice.Kind.MAIL: How.ON,
    Notice.Kind.DUE: How.ON,
}


def tell(user, kind, words: str, url: str, *, key: str, about=None):
    """Tell one of us something, once for each key, in the way that they chose. Return the notice, or None.

    `url` is the page where it is seen to; `about` the record. Call it in the transaction of what it tells of.
    """
    chosen = NoticeChoice.objects.filter(user=user, kind=kind).values_list("how", flat=True).first()
    how = chosen or USUAL[kind]
    if how == How.OFF or not user.is_active:
        return None
    mark = f"{kind}:{user.pk}:{key}"[:160]
    of = {"record_type": about.label(), "record_id": about.pk} if about is not None else {}
    words = " ".join(words.split())[:300]
    notice, is_new = Notice.objects.get_or_create(
        key=mark,
        defaults={"user": user, "kind": kind, "words": words, "url": url, "at": clock.now(), **of}
        | {"in_digest": how == How.DIGEST},
    )
    if is_new and how == How.ON:
        write(user, words, f"{words}\n\nOpen it here:\n{settings.SITE_URL}{url}", key=f"notice:{notice.pk}")
    return notice


def write(user, subject: str, body: str, *, key: str, go_at=None):
    """Put a mail to one of us into the outbox, once for each key. Return it."""
    letter, _ = Letter.objects.get_or_create(
        key=key, defaults={"user": user, "subject": subject[:200], "body": body, "go_at": go_at or clock.now()}
    )
    return letter
