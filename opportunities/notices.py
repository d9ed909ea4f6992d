"""What staff are told, and how: here, at once by mail, or in the mail of the day, as each chose."""

from django.conf import settings
from django.db.models import CharField, Exists, OuterRef, Value
from django.db.models.functions import Cast, Concat
from django.utils.text import Truncator

from . import clock, firstresponse
from .models import Lead, Letter, Notice, NoticeChoice, User

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


def tell(user, kind, words: str, url: str, *, key: str, about=None, by=None, subject=""):
    """Tell one of us something, once for each key, in the way that they chose.

    `url` is the page where it is seen to, `about` the record, `subject` that of the mail where the words are long for
    one. Nobody is told what they did themselves: that is `by`.
    Call it in the transaction of what it tells of.
    """
    if user is not None and user != by:
        tell_all([(user, kind, words, url, key, about)], subject)


def tell_all(told, subject=""):
    """Tell many things at once: rows of (user, kind, words, url, key, about). Whoever left hears nothing."""
    chosen = {
        (choice.user_id, choice.kind): choice.how
        for choice in NoticeChoice.objects.filter(user__in={user.pk for user, *_ in told})
    }
    at, rows = clock.now(), {}
    for user, kind, words, url, key, about in told:
        how = chosen.get((user.pk, kind), USUAL[kind])
        if how == How.OFF or not user.is_active:
            continue
        said, mark = " ".join(words.split()), f"{kind}:{user.pk}:{key}"[:160]
        of = {"record_type": about.label(), "record_id": about.pk} if about is not None else {}
        short = Truncator(said).chars(300)
        notice = Notice(user=user, kind=kind, words=short, url=url, at=at, key=mark, in_digest=how == How.DIGEST, **of)
        rows[mark] = notice, said
    # What was told is not mailed either, though somebody chose mail since.
    for mark in Notice.objects.filter(key__in=rows).values_list("key", flat=True):
        del rows[mark]
    # The same key is the same thing: whoever came second adds nothing, and breaks nothing.
    Notice.objects.bulk_create([notice for notice, _ in rows.values()], ignore_conflicts=True)
    letters = [letter_of(notice, said, subject) for notice, said in rows.values() if not notice.in_digest]
    Letter.objects.bulk_create(letters, ignore_conflicts=True)


def tell_administrators(words: str, url: str, *, key: str):
    """Tell whoever looks after the house that something of it was found wrong."""
    administrators = User.objects.filter(groups__name="Administrator", is_active=True)
    tell_all([(user, Notice.Kind.BREACH, words, url, key, None) for user in administrators])


CHOOSE = "/admin/my/notices/"
WHY = "You get this mail because you work here. Choose what comes by mail:\n"


def letter_of(notice, said, subject="") -> Letter:
    """Return a notice as the mail that goes at once, in all its words."""
    body = f"{said}\n\nOpen it here:\n{settings.SITE_URL}{notice.url}\n\n{WHY}{settings.SITE_URL}{CHOOSE}"
    subject = " ".join((subject or notice.words).split())[:200]
    return Letter(user=notice.user, key=notice.key, subject=subject, body=body, go_at=notice.at)


def write(user, subject: str, body: str, *, key: str, go_at=None):
    """Put a mail to one of us into the outbox, once for each key. Return it."""
    letter, _ = Letter.objects.get_or_create(
        key=key, defaults={"user": user, "subject": subject[:200], "body": body, "go_at": go_at or clock.now()}
    )
    return letter


def choices_of(user) -> dict:
    """Return how somebody wants to be told of each kind of thing."""
    chosen = dict(NoticeChoice.objects.filter(user=user).values_list("kind", "how"))
    return {kind: chosen.get(kind, usual) for kind, usual in USUAL.items()}


def unread(user) -> int:
    """Return how many notices somebody has not opened, a hundred at most."""
    return len(Notice.objects.filter(user=user, read_at=None).values_list("pk")[:100])


# The most late answers that one round tells of.
MOST = 50


def untold(rows, kind, key=""):
    """Return the records whose owner was not told this yet, and wants to be: under `<pk><key>`, as a round tells it."""
    mark = Concat(Value(f"{kind}:"), Cast("owner_id", CharField()), Value(":"), Cast("pk", CharField()), Value(key))
    deaf = NoticeChoice.objects.filter(kind=kind, how=How.OFF).values("user")
    rows = rows.alias(mark=mark).filter(owner__is_active=True).exclude(owner__in=deaf)
    return rows.exclude(Exists(Notice.objects.filter(key=OuterRef("mark")))).select_related("owner")


def tell_of_late_answers() -> int:
    """Tell the owners of leads that heard nothing in the promised time, once each. Return how many."""
    late = firstresponse.overdue(Lead.objects.all(), clock.now())
    leads = untold(late, Notice.Kind.BREACH).order_by("arrived_at", "pk")[:MOST]
    words = "{} still waits for a first answer from us."
    rows = [(lead.owner, Notice.Kind.BREACH, words.format(lead), lead.staff_url(), lead.pk, lead) for lead in leads]
    tell_all(rows)
    return len(rows)
