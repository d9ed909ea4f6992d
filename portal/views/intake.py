"""The form by which a stranger asks for an audit, for people and for programs."""

import json
import re
from urllib.parse import urlsplit
from uuid import NAMESPACE_URL, UUID, uuid4, uuid5

from django.conf import settings
from django.http import JsonResponse
from django.shortcuts import redirect
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_http_methods, require_safe

from portal import consent, stamps, visitor
from portal.forms import InquiryForm
from portal.middleware import LARGEST
from portal.pages import page
from portal.rights import call, portal_rights
from portal.tokens import TOKEN
from portal.words import clean

MACHINE_SECONDS = 2
SOURCES = ["utm_source", "utm_medium", "utm_campaign", "utm_term", "utm_content", "referrer", "page"]


@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
def leads(request):
    """Show the form and take what it or a program sends. For anybody; the form's own POST is protected below."""
    if request.content_type == "application/json" and request.method == "POST":
        return take_json(request)
    return form(request)


@csrf_protect
def form(request):
    if request.method != "POST":
        return page(request, "intake", **blank_form(request))
    if request.content_type not in ("application/x-www-form-urlencoded", "multipart/form-data"):
        return JsonResponse({"detail": "Send a form or application/json."}, status=415)
    stamp = request.POST.get("stamp", "")
    # A machine that filled the trap gets the same thanks as a person, so that it learns nothing.
    if request.POST.get("fax_extension"):
        return redirect("thanks")
    key, sent = as_key(request.POST.get("key")) or uuid4(), InquiryForm(request.POST)
    # Before the haste is judged: nobody is thanked for a form that they left empty.
    if not sent.is_valid():
        return page(request, "intake", status=422, form=sent, key=key, stamp=stamp)
    source = (stamps.read(stamp) or {}).get("source", {})
    doubtful = stamps.was_quick(stamp, MACHINE_SECONDS)
    inquire(request, key, sent.cleaned_data, consent.INQUIRY_VERSION, source, doubtful)
    return redirect("thanks")


@require_safe
def thanks(request):
    """Say what happens next. For anybody."""
    return page(request, "thanks")


def take_json(request):
    """Take what a program sends: a token, a key for each inquiry, and the fields of the form."""
    token = bearer(request)
    if token is None:
        return closed()
    body = request.read(LARGEST + 1)
    if len(body) > LARGEST:
        return JsonResponse({"detail": "That is more than this address takes (64 kB)."}, status=413)
    try:
        sent = json.loads(body)
    except (ValueError, RecursionError):
        return JsonResponse({"detail": "This is not JSON."}, status=400)
    if not isinstance(sent, dict):
        return JsonResponse({"detail": "Send one object."}, status=400)
    key, version = as_text(request.headers.get("Idempotency-Key")), as_text(sent.get("consent_version"))
    form = InquiryForm({name: value for name, value in sent.items() if isinstance(value, str | bool | int)})
    if errors := wrong_with(form, sent, key, version):
        return JsonResponse({"detail": "Mend these fields and send it again.", "fields": errors}, status=400)
    source = kept(sent.get("source") if isinstance(sent.get("source"), dict) else {}, request)
    with portal_rights(None, write=True) as cursor:
        said = (*words_of(form.cleaned_data), True, version, json.dumps(source), visitor.address(request))
        answer = call(cursor, "portal_inquire_by_token", token, key, *said)
    return ANSWERS[answer](key)


def wrong_with(form, sent, key, version) -> dict:
    """Return one sentence for each field that a program must mend."""
    wrong = {name: messages[0] for name, messages in form.errors.items()}
    if sent.get("consent") is not True:
        wrong["consent"] = "Send true, once the person has agreed."
    if version not in consent.INQUIRIES:
        shown = ", ".join(consent.INQUIRIES)
        wrong["consent_version"] = f"Name the version of the words that the person agreed to. We have shown: {shown}."
    if not 0 < len(key) <= 200:
        wrong["Idempotency-Key"] = "Send this header, up to 200 letters, the same for each repeat of this inquiry."
    return wrong


def taken(key):
    """Say that it is here. A repeat gets the same answer, whatever became of the first one."""
    return JsonResponse({"key": key, "received": True}, status=201)


def closed(key=None):
    detail = "This token is not known, or was revoked. Ask an administrator for a new one."
    if key is None:
        detail = "Send your token as “Authorization: Bearer …”. An administrator makes one under Intake tokens."
    return JsonResponse({"detail": detail}, status=401, headers={"WWW-Authenticate": "Bearer"})


def used_before(key):
    detail = "This Idempotency-Key came before, with other words. Send each inquiry with a key of its own."
    return JsonResponse({"detail": detail, "fields": {"Idempotency-Key": detail}}, status=422)


def too_many(key):
    detail = "This token sent as many inquiries as it may in an hour. Send this one again later, with the same key."
    return JsonResponse({"detail": detail}, status=429, headers={"Retry-After": "600"})


# What the database's door says, and how a program hears it.
ANSWERS = {"new": taken, "before": taken, "closed": closed, "other": used_before, "many": too_many}


def bearer(request):
    """Return the token that a program sent, or None."""
    kind, _, token = request.headers.get("Authorization", "").partition(" ")
    return token if kind.lower() == "bearer" and re.fullmatch(TOKEN, token) else None


def as_text(value) -> str:
    return clean(value) if isinstance(value, str) else ""


def kept(source, request) -> dict:
    found = {name: clean(source[name])[:500] for name in SOURCES if source.get(name)}
    if "referrer" in found:
        found["referrer"] = elsewhere(found["referrer"], request)
    return {name: said for name, said in found.items() if said}


def elsewhere(referrer, request) -> str:
    """Return host and path of another site that led here. Our own addresses hold tokens, and so may any query."""
    try:
        came = urlsplit(referrer)
    except ValueError:
        return ""
    ours = ("", urlsplit(settings.PORTAL_URL).hostname, urlsplit(f"//{request.get_host()}").hostname)
    if came.scheme not in ("http", "https") or (came.hostname or "") in ours:
        return ""
    return f"{came.scheme}://{came.hostname}{came.path}"


def words_of(sent) -> list:
    return [sent[name] for name in ("name", "email", "phone", "company", "website", "message")]


def inquire(request, key, sent, version, source, doubtful=False):
    """Put an inquiry into the inbox; false when its key was there before."""
    with portal_rights(None, write=True) as cursor:
        said = (*words_of(sent), True, version, json.dumps(kept(source, request)), visitor.address(request), doubtful)
        return call(cursor, "portal_inquire", key, *said)


def blank_form(request):
    """Return an empty form, with a key that makes it count once and a stamp of where it was shown."""
    source = {name: request.GET[name] for name in SOURCES[:5] if name in request.GET}
    source |= {"referrer": request.headers.get("Referer", ""), "page": request.path}
    return {"form": InquiryForm(), "key": uuid4(), "stamp": stamps.stamp(source=kept(source, request))}


def as_key(text):
    """Return a sender's key as the UUID that we keep; nothing when there is none."""
    if not isinstance(text, str) or not (text := clean(text)) or len(text) > 200:
        return None
    try:
        return UUID(text)
    except ValueError:
        return uuid5(NAMESPACE_URL, text)
