"""The prepared reads as JSON and CSV, and what describes them."""

import csv
import json
from functools import wraps
from hashlib import sha256

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import TooManyFieldsSent
from django.http import HttpResponse, JsonResponse, StreamingHttpResponse
from django.utils.cache import get_conditional_response
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_safe

from opportunities.spreadsheets import Echo, safe

from .. import openapi, reading
from ..asking import who_asks
from ..catalogue import KINDS, SOURCES, VIEWS
from ..reading import Problem

CSV = "text/csv; charset=utf-8"
KNOWN = f"There are the sources {', '.join(SOURCES)}, each with the views {', '.join(KINDS)}, as .json or .csv."
NO_SUCH_READ = f"There is no such read. {KNOWN}"
TOO_MANY = f"This address has more than {settings.DATA_UPLOAD_MAX_NUMBER_FIELDS} parameters. Ask for less at once."


def answers_programs(view):
    """Refuse in words that a program can show, and let nobody else keep what was answered."""

    @wraps(view)
    def guarded(request, *args, **kwargs):
        try:
            answer = view(request, *args, **kwargs)
        except (Problem, TooManyFieldsSent) as refusal:
            problem = refusal if isinstance(refusal, Problem) else Problem(400, TOO_MANY)
            said = {"detail": problem.detail, "see": settings.SITE_URL + problem.see}
            answer = JsonResponse(said, status=problem.status, content_type="application/problem+json")
            if problem.status == 401:
                answer["WWW-Authenticate"] = 'Bearer realm="zarts"'
        answer["Cache-Control"] = "private, no-cache"
        answer["Vary"] = "Authorization, Cookie, Accept"
        return answer

    # A token is no session: nobody is led to the sign-in. Reading changes nothing, so no form is forged either.
    return login_not_required(csrf_exempt(require_safe(guarded)))


@answers_programs
def missing(request, rest=""):
    """There is no such read, and whoever asks is a program."""
    raise Problem(404, NO_SUCH_READ)


@answers_programs
def rows(request, source, view):
    """Answer one page as JSON or CSV, or every row as CSV."""
    name, _, ending = view.partition(".")
    found = VIEWS.get(f"{source}.{name}")
    if found is None or ending not in ("", "json", "csv"):
        raise Problem(404, NO_SUCH_READ)
    asker = who_asks(request)
    asker.refuse(found)
    asked = reading.understand(found, request.GET)
    if ending != "csv" and (ending or not wants_csv(request)):
        return with_etag(request, as_json(request, asked, asker))
    if asked.limit:
        page, _ = reading.page_of(asked, asker.user)
        lines = "".join(csv_of(asked, page))
        return with_etag(request, as_file(found, HttpResponse(lines, content_type=CSV)))
    every = reading.all_of(asked, asker.user)
    # What cannot be answered is said before the first line goes out.
    first = next(every, None)
    every = (row for some in ([first] if first else [], every) for row in some)
    return as_file(found, StreamingHttpResponse(csv_of(asked, every), content_type=CSV))


def wants_csv(request) -> bool:
    return request.get_preferred_type(["application/json", "text/csv"]) == "text/csv"


def as_json(request, asked, asker) -> HttpResponse:
    page, mark = reading.page_of(asked, asker.user)
    kinds = [column.type for column in asked.columns]
    found = [
        {name: reading.as_json(value, kind) for name, kind, value in zip(asked.fields, kinds, row[1:], strict=True)}
        for row in page
    ]
    params = request.GET.copy()
    params["after"] = mark
    following = f"{settings.SITE_URL}{request.path}?{params.urlencode()}" if mark else None
    said = json.dumps({"rows": found, "next": following}, ensure_ascii=False)
    return HttpResponse(said, content_type="application/json")


def csv_of(asked, found):
    """Yield the lines of a CSV. Words that a spreadsheet would calculate are marked."""
    writer = csv.writer(Echo())
    yield writer.writerow(asked.fields)
    kinds = [column.type for column in asked.columns]
    for row in found:
        cells = zip(row[1:], kinds, strict=True)
        yield writer.writerow([cell_of(value, kind) for value, kind in cells])


def cell_of(value, kind) -> str:
    text = reading.as_text(value, kind)
    return safe(text) if kind in ("text", "json") else text


def as_file(view, answer):
    answer["Content-Disposition"] = f'attachment; filename="{view.table}.csv"'
    return answer


def with_etag(request, answer):
    """Let whoever has exactly this already not fetch it again."""
    answer["ETag"] = f'"{sha256(answer.content).hexdigest()}"'
    return get_conditional_response(request, etag=answer["ETag"], response=answer)


@answers_programs
def describe(request):
    """Answer the OpenAPI of the prepared reads. It holds no rows: whoever has any way in may read it."""
    who_asks(request)
    return with_etag(request, JsonResponse(openapi.document()))
