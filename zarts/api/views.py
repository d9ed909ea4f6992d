"""What stands around the calls: their description, for programs and for people, and what is no call at all."""

import re
from functools import wraps

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import HttpResponseNotAllowed, JsonResponse
from django.template.response import TemplateResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_safe

from portal.middleware import LARGEST
from zarts.desk.access import page_context, staff_page
from zarts.reads.asking import who_asks
from zarts.reads.views.rows import answers_programs, with_etag

from .openapi import document
from .problems import Refusal, as_problem
from .refusals import count_refusal


def called_by_programs(view):
    """Look at the size and the kind of what comes in before anything reads it."""

    @wraps(view)
    def guarded(request, *args, **kwargs):
        refusal = unread(request) if request.method == "POST" else None
        answer = as_problem(refusal) if refusal else view(request, *args, **kwargs)
        if request.method == "POST" and 400 <= answer.status_code < 500 and answer.status_code != 429:
            count_refusal(request)
        if isinstance(answer, HttpResponseNotAllowed):
            allowed = answer["Allow"]
            answer = as_problem(Refusal(405, f"Only {allowed} is answered here.", headers={"Allow": allowed}))
        answer["Cache-Control"] = "no-store"
        answer["Vary"] = "Authorization"
        return answer

    return login_not_required(csrf_exempt(guarded))


def unread(request) -> Refusal | None:
    """Say why what comes in is not read at all."""
    length = request.META.get("CONTENT_LENGTH") or ""
    if length and not re.fullmatch("[0-9]{1,18}", length):
        return Refusal(400, "Send a Content-Length that is a number.")
    if int(length or 0) > LARGEST:
        return Refusal(413, "That is more than this address takes (64 kB).")
    if request.content_type != "application/json":
        return Refusal(415, "Send it as application/json.")
    # What comes in pieces of any number is not read.
    return None if length else Refusal(411, "Send it with a Content-Length.")


@called_by_programs
def missing(request, rest=""):
    """There is no such call."""
    return as_problem(Refusal(404, "There is nothing at this address. The calls are described at /api/openapi.json."))


@answers_programs
def describe(request):
    """Answer the OpenAPI of the calls. It holds nothing of the house: whoever has any way in may read it."""
    who_asks(request)
    return with_etag(request, JsonResponse(document()))


@staff_page()
@require_safe
def manual(request):
    """Show every call: its address, its scope, its fields, and an example."""
    said = document()
    context = page_context(
        request,
        "Write API",
        calls=[call(said, path, *each) for path, methods in said["paths"].items() for each in methods.items()],
        document=f"{settings.SITE_URL}/api/openapi.json",
        site=settings.SITE_URL,
    )
    return TemplateResponse(request, "api/manual.html", context)


def call(said, path, method, operation) -> dict:
    """Return what the page shows of one call."""
    body = operation.get("requestBody")
    schema = resolved(said, body["content"]["application/json"]["schema"]) if body else {}
    required = schema.get("required", [])
    return {
        "name": operation["operationId"],
        "summary": operation["summary"],
        "words": operation["description"],
        "method": method.upper(),
        "path": path,
        "places": [
            {"name": f"{{{each['name']}}}", "words": each.get("description", "")}
            for each in operation.get("parameters", [])
            if each["in"] == "path"
        ],
        "fields": [
            {
                "name": name,
                "words": field.get("description", ""),
                "limit": limit_of(field),
                "required": name in required,
            }
            for name, field in schema.get("properties", {}).items()
        ],
        "writes": bool(body),
    }


def resolved(said, schema) -> dict:
    name = schema.get("$ref", "").rpartition("/")[2]
    return said["components"]["schemas"][name] if name else schema


def limit_of(field) -> str:
    """Say what a field takes, in words."""
    kinds = [field, *field.get("anyOf", [])]
    find = lambda key: next((kind[key] for kind in kinds if key in kind), None)  # noqa: E731
    if choices := find("enum"):
        return ", ".join(choices)
    shapes = {"date": "a day, such as 2026-12-04", "date-time": "a moment, such as 2026-12-04T15:00:00Z"}
    if shape := shapes.get(find("format") or ""):
        return shape
    if find("type") == "integer":
        return "a whole number"
    most = find("maxLength")
    return f"text, up to {most:,} letters" if most else "an amount, such as “4800.00”"
