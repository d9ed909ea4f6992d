"""How often a token is refused: a program that runs wild is heard no more for a while."""

from datetime import timedelta

from django.db import connection
from django.utils import timezone

from .models import Refusals
from .problems import Refusal

# So often a token is refused within an hour.
MOST = 300
COUNT = """
insert into api_refusals as kept (token_id, since, times) values (%(token)s, %(now)s, 1)
on conflict (token_id) do update
set times = case when kept.since > %(now)s - interval '1 hour' then kept.times + 1 else 1 end,
    since = case when kept.since > %(now)s - interval '1 hour' then kept.since else %(now)s end
"""


def count_refusal(request):
    """Note that the token of a call was refused. What is refused leaves no call behind by which to count it."""
    if token := getattr(request, "token", None):
        with connection.cursor() as cursor:
            cursor.execute(COUNT, {"token": token.pk, "now": timezone.now()})


def refuse_the_refused(token):
    """Hear a token no more for the rest of an hour in which it was refused too often: whatever uses it runs wild."""
    found = Refusals.objects.filter(token=token, times__gte=MOST).first()
    left = found and (found.since + timedelta(hours=1) - timezone.now()).total_seconds()
    if left and left > 0:
        words = f"This token was refused {MOST} times within the hour. Mend what sends these calls."
        raise Refusal(429, words, headers={"Retry-After": str(int(left) + 1)})
