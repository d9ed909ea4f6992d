"""The form by which a stranger asks for an audit, for people and for programs."""

import json
from uuid import NAMESPACE_URL, UUID, uuid4, uuid5

from django.http import JsonResponse
from django.shortcuts import redirect
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_http_methods, require_safe

from portal import consent, stamps, visitor
from portal.forms import InquiryForm
from portal.middleware import LARGEST
from portal.pages import page
from portal.rights import call, portal_rights
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
    body = request.read(LARGEST + 1)
    if len(body) > LARGEST:
        return JsonResponse({"detail": "That is more than this address takes (64 kB)."}, status=413)
    try:
        sent = json.loads(body)
    except (ValueError, RecursionError):
        return JsonResponse({"detail": "This is not JSON."}, status=400)
    if not isinstance(sent, dict):
        return JsonResponse({"detail": "Send one object."}, status=400)
    form = InquiryForm({name: value for name, value in sent.items() if isinstance(value, str | bool | int)})
    key = as_key(request.headers.get("Idempotency-Key") or sent.get("key"))
    errors = {name: list(messages) for name, messages in form.errors.items()}
    if sent.get("consent") is not True:
        errors["consent"] = ["Send true, once the person has agreed."]
    if key is None:
        errors["key"] = ["Send an Idempotency-Key header or a key, the same for each repeat."]
    if errors:
        return JsonResponse({"fields": errors}, status=400)
    version = clean(sent.get("consent_version") or consent.INQUIRY_VERSION)[:40]
    source = sent.get("source") if isinstance(sent.get("source"), dict) else {}
    is_new = inquire(request, key, form.cleaned_data, version, source)
    return JsonResponse({"key": str(key), "received": "new" if is_new else "before"}, status=201 if is_new else 200)


def inquire(request, key, sent, version, source, doubtful=False):
    """Put an inquiry into the inbox; false when its key was there before."""
    source = {name: clean(source[name])[:500] for name in SOURCES if source.get(name)}
    words = [sent[name] for name in ("name", "email", "phone", "company", "website", "message")]
    with portal_rights(None, write=True) as cursor:
        kept = json.dumps(source), visitor.address(request), doubtful
        return call(cursor, "portal_inquire", key, *words, True, version, *kept)


def blank_form(request):
    """Return an empty form, with a key that makes it count once and a stamp of where it was shown."""
    source = {name: clean(request.GET[name])[:500] for name in SOURCES[:5] if name in request.GET}
    if referrer := clean(request.headers.get("Referer", ""))[:500]:
        source["referrer"] = referrer
    source["page"] = request.path
    return {"form": InquiryForm(), "key": uuid4(), "stamp": stamps.stamp(source=source)}


def as_key(text):
    """Return a sender's key as the UUID that we keep; nothing when there is none."""
    if not isinstance(text, str) or not (text := clean(text)) or len(text) > 200:
        return None
    try:
        return UUID(text)
    except ValueError:
        return uuid5(NAMESPACE_URL, text)
