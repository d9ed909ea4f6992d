"""Where a payment provider says what was paid."""

import time

from django.conf import settings
from django.http import Http404, JsonResponse
from django.views.decorators.csrf import csrf_exempt

from portal import payments, visitor
from portal.middleware import LARGEST
from portal.rights import call, portal_rights

SIGNED = "Send the header “Zarts-Signature: t=<seconds since 1970>,v1=<hex>”: HMAC-SHA256 over t, a dot and the body."
# What the database's door says, and how a program hears it. A repeat hears the same as the first one.
ANSWERS = {
    "new": (200, ""),
    "before": (200, ""),
    "other": (409, "This event_id came before, with other words. Send each event with an id of its own."),
    "unknown": (404, "No contract that a client was shown has this number."),
    "late": (401, "This was signed too long ago. Sign it anew and send it again."),
    "refused": (400, "The database refused what this says. Look at its fields."),
}


@csrf_exempt
def payments_hook(request):
    """Take what a payment provider says. Who calls is known by the signature; without a secret it is not there."""
    if not settings.PAYMENT_SECRETS:
        raise Http404
    if request.method != "POST":
        return answer(405, "Send a POST.", headers={"Allow": "POST"})
    body = request.read(LARGEST + 1)
    if len(body) > LARGEST:
        return answer(413, "That is more than this address takes (64 kB).")
    header = payments.HEADER.fullmatch(request.headers.get("Zarts-Signature", ""))
    if header is None:
        return answer(401, SIGNED)
    stamp, signature = int(header[1]), header[2]
    if not payments.is_signed(stamp, signature, body):
        return answer(401, "This signature does not fit these bytes. " + SIGNED)
    if abs(time.time() - stamp) > payments.FRESH:
        return answer(*ANSWERS["late"])
    try:
        said = payments.read(body)
    except payments.Malformed as trouble:
        return answer(400, str(trouble))
    given = (said.event, said.contract, said.kind, said.amount, said.currency, said.occurred_at)
    with portal_rights(None, write=True) as cursor:
        outcome = call(cursor, "portal_payment", *given, body.decode(), stamp, signature, visitor.address(request))
    return answer(*ANSWERS[outcome])


def answer(status, detail="", **more):
    return JsonResponse({"detail": detail} if detail else {"received": True}, status=status, **more)
