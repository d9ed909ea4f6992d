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
        write(user, words, f"{words}\n\nOpen it here:\n{settings.SITE_URL}{url}", key=mark)
    return notice


def tell_all(told):
    """Tell many things at once: rows of (user, kind, words, url, key, about), each as `tell` would."""
    chosen = {
        (choice.user_id, choice.kind): choice.how
        for choice in NoticeChoice.objects.filter(user__in={user.pk for user, *_ in told})
    }
    at, rows, at_once = clock.now(), [], []
    for user, kind, words, url, key, about in told:
        how = chosen.get((user.pk, kind), USUAL[kind])
        if how == How.OFF or not user.is_active:
            continue
        words = " ".join(words.split())[:300]
        of = {"record_type": about.label(), "record_id": about.pk} if about is not None else {}
        mark = f"{kind}:{user.pk}:{key}"[:160]
        rows.append(
            Notice(user=user, kind=kind, words=words, url=url, at=at, key=mark, in_digest=how == How.DIGEST, **of)
        )
        if how == How.ON:
            body = f"{words}\n\nOpen it here:\n{settings.SITE_URL}{url}"
            at_once.append(Letter(user=user, key=mark, subject=words[:200], body=body, go_at=at))
    Notice.objects.bulk_create(rows, ignore_conflicts=True)
    Letter.objects.bulk_create(at_once, ignore_conflicts=True)


def write(user, subject: str, body: str, *, key: str, go_at=None):
    """Put a mail to one of us into the outbox, once for each key. Return it."""
    letter, _ = Letter.objects.get_or_create(
        key=key, defaults={"user": user, "subject": subject[:200], "body": body, "go_at": go_at or clock.now()}
    )
    return letter
