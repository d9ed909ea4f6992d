"""Whether this process lives, and whether everything that it needs does."""

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.db import DatabaseError, connection
from django.http import JsonResponse
from django.views.decorators.http import require_safe
from kombu import Connection

from opportunities import clock

from .. import pulse


@login_not_required
@require_safe
def healthz(request):
    """Say that this process answers."""
    return JsonResponse({"process": "ok"})


@login_not_required
@require_safe
def readyz(request):
    """Say whether the database and the background answer: 503 when one does not. Without the broker they go on."""
    found = {"database": database_answers()}
    found["last round"] = found["database"] and pulse.is_alive()
    said = found | {"broker": broker_answers()}
    words: dict = {name: "ok" if well else "no answer" for name, well in said.items()}
    if found["database"]:
        at = clock.now()
        standing = pulse.standing(at)
        words["oldest due, seconds"] = standing.seconds(at)
        words |= {"uncertain": standing.uncertain, "failed": standing.failed}
        words["silent for, seconds"] = pulse.silences(at)
    return JsonResponse(words, status=200 if all(found.values()) else 503)


def database_answers() -> bool:
    try:
        with connection.cursor() as cursor:
            cursor.execute("select 1")
    except DatabaseError:
        return False
    return True


def broker_answers() -> bool:
    """Ask the broker within two seconds."""
    options = {"socket_timeout": 2, "socket_connect_timeout": 2}
    options |= {"max_retries": 1, "interval_start": 0, "interval_step": 0, "interval_max": 0}
    try:
        with Connection(settings.CELERY_BROKER_URL, transport_options=options) as broker:
            broker.default_channel.client.ping()
    except Exception:
        # Each transport has its own kinds of trouble; for this page they are all the same: no.
        return False
    return True
