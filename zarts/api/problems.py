"""What a program is told when its call cannot be answered: a problem document, with a sentence for each field."""

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse, JsonResponse
from ninja import Schema
from ninja.errors import HttpError, ValidationError
from pydantic import ConfigDict, Field

from opportunities.forms import DAYS, WORDS
from opportunities.records import Refused
from zarts.reads.reading import Problem as Unanswered
from zarts.reads.reading import short

MANUAL = "/admin/api/"
TITLES = {
    400: "This makes no sense",
    401: "No token that works",
    403: "Not within your rights",
    404: "Not there",
    405: "Not done this way",
    409: "Not now",
    411: "Of no known length",
    413: "Too large",
    415: "Not JSON",
    422: "Something is to be mended",
    429: "Too many calls",
}
MEND = "Mend the fields named here, and send it again."


class Problem(Schema):
    """Why a call was not answered. Nothing was written."""

    model_config = ConfigDict(json_schema_extra={"additionalProperties": False})

    title: str = Field(description="What kind of problem it is, in a few words.")
    status: int = Field(description="The status of the answer.")
    detail: str = Field(description="What is wrong, and what to do.")
    fields: dict[str, str] = Field(description="For each field that is to be mended, a sentence that says how.")
    see: str = Field(description="The page to read on.")


class Refusal(Unanswered):
    """A call that cannot be answered: the status, the sentence, and what to mend in which field."""

    def __init__(self, status, detail, *, see=MANUAL, fields=None, headers=None):
        super().__init__(status, detail, see)
        self.fields, self.headers = fields or {}, headers or {}


def wrong(**fields) -> Refusal:
    """Return the refusal of a call whose fields are to be mended."""
    return Refusal(422, MEND, fields=fields)


def missing(what: str) -> Refusal:
    return Refusal(404, f"There is no {what} here that you may see.")


def as_problem(trouble: Unanswered) -> HttpResponse:
    """Answer with a problem document."""
    said = {
        "title": TITLES[trouble.status],
        "status": trouble.status,
        "detail": trouble.detail,
        "fields": getattr(trouble, "fields", {}),
        "see": settings.SITE_URL + trouble.see,
    }
    answer = JsonResponse(said, status=trouble.status, content_type="application/problem+json")
    for name, value in getattr(trouble, "headers", {}).items():
        answer[name] = value
    if trouble.status == 401:
        answer["WWW-Authenticate"] = 'Bearer realm="zarts"'
    return answer


# -- What is wrong with what was sent, in our words. -------------------------------------------------------------------

SENTENCES = {
    "missing": WORDS["required"],
    "extra_forbidden": "There is no such field. Leave it out.",
    "string_type": "Send text.",
    "string_too_short": WORDS["required"],
    "string_too_long": "Shorten this to {max_length} letters.",
    "string_unicode": WORDS["null_characters_not_allowed"],
    "int_type": "Send a whole number, such as 12.",
    "int_parsing": "Send a whole number, such as 12.",
    "int_parsing_size": "Send a smaller number.",
    "greater_than_equal": "Send {ge} or more.",
    "less_than_equal": "Send {le} or less.",
    "literal_error": "Send one of these: {expected}.",
    "date_type": DAYS["invalid"],
    "date_parsing": DAYS["invalid"],
    "date_from_datetime_parsing": DAYS["invalid"],
    "date_from_datetime_inexact": DAYS["invalid"],
    "model_type": "Send one JSON object.",
    "model_attributes_type": "Send one JSON object.",
    "dict_type": "Send one JSON object.",
}
A_MOMENT = "Send a moment with its zone, such as 2026-12-04T15:00:00Z."


def sentence_of(error) -> str:
    """Return what to do about one thing that is wrong with a field."""
    kind, context = error["type"], error.get("ctx") or {}
    if kind == "value_error":
        return str(context["error"])
    if kind.startswith(("datetime", "timezone")):
        return A_MOMENT
    return SENTENCES.get(kind, "Send what the description of this field asks for.").format(**context)


def field_of(place) -> str:
    """Return the field that a program knows: without where it was looked for."""
    inner = [str(part) for part in place if part not in ("body", "sent", "header", "path")]
    return short(".".join(inner)).replace("idempotency-key", "Idempotency-Key") or "body"


def unreadable(request, trouble: ValidationError) -> HttpResponse:
    fields: dict = {}
    for error in trouble.errors:
        fields.setdefault(field_of(error["loc"]), sentence_of(error))
    return as_problem(wrong(**fields))


def refused(request, trouble: Refused) -> HttpResponse:
    """Say in the record's own sentences why it does not move."""
    see = next((lack.url for lack in trouble.lacks if lack.url), MANUAL)
    return as_problem(Refusal(409, str(trouble), see=see))


def not_theirs(request, trouble: PermissionDenied) -> HttpResponse:
    return as_problem(Refusal(403, str(trouble) or "You may not do this."))


HANDLERS = {
    Unanswered: lambda request, trouble: as_problem(trouble),
    ValidationError: unreadable,
    Refused: refused,
    PermissionDenied: not_theirs,
    Http404: lambda request, trouble: as_problem(Refusal(404, "There is nothing at this address.")),
    HttpError: lambda request, trouble: as_problem(Refusal(400, "Send one JSON object in UTF-8.")),
}


def judged(form):
    """Return what a form made of what was sent, or refuse with its sentences."""
    if form.is_valid():
        return form.cleaned_data
    fields = {name: messages[0] for name, messages in form.errors.items()}
    whole = fields.pop("__all__", "")
    raise Refusal(422, whole or MEND, fields=fields)
