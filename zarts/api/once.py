"""A call that writes is answered once. The same key with the same words gets the same answer for a day."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256

from django.db import OperationalError, connection, transaction
from django.http import HttpResponse
from django.utils import timezone
from ninja import Schema
from psycopg import errors

from opportunities import programs
from proposals.inbox import check_now

from .callers import Caller
from .models import Call
from .problems import Refusal

KEPT = timedelta(days=1)
# So many new calls a token has in an hour: a program that runs wild, or a token that leaked, fills no house.
AN_HOUR = 300
# So long a call waits for the same one, which is being answered.
WAITS = "5s"

# A key that is free, or whose day is over, is taken with this transaction; one that is being taken is waited for.
TAKE = """
insert into api_call (token_id, key, digest, at, place, answer) values (%(token)s, %(key)s, %(digest)s, %(now)s, '', '')
on conflict (token_id, key) do update
set digest = excluded.digest, at = excluded.at, status = null, place = '', answer = ''
where api_call.at <= %(now)s - %(kept)s
returning id
"""


@dataclass
class Made:
    """What a call made: its answer, and the address where it can be seen again."""

    answer: Schema
    place: str
    status: int = 201


def once(request, caller: Caller, key: str, act: Callable[[], Made]) -> HttpResponse:
    """Answer a call by what `act` makes, or as it was answered before. A call that is refused leaves its key free."""
    digest = sha256(b"\n".join((request.method.encode(), request.path.encode(), request.body))).hexdigest()
    try:
        with transaction.atomic():
            call = take(caller.token, key, digest)
            if call is None:
                return again(Call.objects.get(token=caller.token, key=key), digest)
            refuse_too_many(caller.token)
            with programs.at_work(caller.program):
                made = act()
            # What the database would refuse at commit is refused now, while it can be said.
            check_now()
            text = made.answer.model_dump_json()
            Call.objects.filter(pk=call).update(status=made.status, place=made.place, answer=text)
    except OperationalError as trouble:
        if isinstance(trouble.__cause__, errors.LockNotAvailable):
            words = "The same call is being answered just now. Send it again in a moment, with the same key."
            raise Refusal(409, words, headers={"Retry-After": "5"}) from None
        raise
    return answered(text, made.status, made.place)


def take(token, key, digest) -> int | None:
    """Take a key with this transaction; None when it is taken."""
    said = {"token": token.pk, "key": key, "digest": digest, "now": timezone.now(), "kept": KEPT}
    with connection.cursor() as cursor:
        cursor.execute(f"set local lock_timeout = '{WAITS}'")
        cursor.execute(TAKE, said)
        row = cursor.fetchone()
        cursor.execute("set local lock_timeout to default")
    return row and row[0]


def again(call: Call, digest) -> HttpResponse:
    if call.digest != digest:
        words = "This Idempotency-Key came before, with another call. Send each call with a key of its own."
        raise Refusal(422, words, fields={"Idempotency-Key": words})
    answer = answered(call.answer, call.status, call.place)
    answer["Idempotent-Replayed"] = "true"
    return answer


def answered(text, status, place) -> HttpResponse:
    return HttpResponse(text, status=status, content_type="application/json", headers={"Location": place})


def refuse_too_many(token):
    """Refuse more new calls than a token has in an hour. The one that asks is counted, too."""
    lately = Call.objects.filter(token=token, at__gt=timezone.now() - timedelta(hours=1))
    if len(lately.values("pk")[: AN_HOUR + 1]) > AN_HOUR:
        words = f"This token wrote {AN_HOUR} times within the hour. Send this call again later, with the same key."
        raise Refusal(429, words, headers={"Retry-After": "600"})


def forget() -> int:
    """Forget the calls whose day is over."""
    return Call.objects.filter(at__lte=timezone.now() - KEPT).delete()[0]
