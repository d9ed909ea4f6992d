"""Where a mail provider calls: mail that came in, and what became of mail that went out."""

import logging

from anymail.exceptions import AnymailWebhookValidationFailure
from anymail.utils import get_request_basic_auth
from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import RequestDataTooBig, TooManyFieldsSent
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.files.uploadhandler import FileUploadHandler
from django.db import DatabaseError
from django.http import Http404, HttpResponse, HttpResponseNotAllowed, QueryDict
from django.http.multipartparser import FIELD, FILE, ChunkIter, LazyStream, Parser
from django.utils.crypto import constant_time_compare
from django.utils.datastructures import MultiValueDict
from django.utils.encoding import force_str
from django.views.decorators.csrf import csrf_exempt

from opportunities import incoming
from opportunities.providers import PROVIDERS, Later, events_of, take_event

log = logging.getLogger("zarts.hooks")
# A provider sends so many fields and files in one form at most.
MOST_PARTS = 1000


@csrf_exempt
@login_not_required
def mail(request, provider):
    """Take what a mail provider says. Who calls is known by the secret, and sees no page of ours."""
    if not settings.MAIL_WEBHOOK_SECRET or not is_offered(provider):
        raise Http404
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    given = get_request_basic_auth(request) or ""
    if not constant_time_compare(given.encode(), settings.MAIL_WEBHOOK_SECRET.encode()):
        return said(403)
    length = request.META.get("CONTENT_LENGTH", "")
    if not (length.isascii() and length.isdigit()):
        return said(411)
    # What a mail takes as letters, and a little around it.
    most = settings.INBOUND_MOST * 3 // 2 + 1024 * 1024
    if int(length) > most:
        incoming.refuse_too_large(provider, int(length))
        return said(413)
    try:
        # Django's own limit for what is no file is smaller than a mail with its attachments: the body is read here, and
        # a form by a reader of ours.
        request.upload_handlers = [WholeForm(request)]
        request._body = request.read(int(length))
        events = events_of(provider, request)
    except AnymailWebhookValidationFailure:
        return said(403)
    except RequestDataTooBig:
        return said(413)
    except Exception as trouble:
        log.warning("What %s sent makes no sense: %s", provider, type(trouble).__name__)
        return said(400)
    try:
        for event, of in events:
            take_event(event, provider, of)
    except (Later, DatabaseError):
        return said(503)
    except Exception:
        log.exception("What %s sent could not be followed.", provider)
        return said(400)
    return said(200)


class WholeForm(FileUploadHandler):
    """Reads a form of which one field may be a whole mail. How long it may be in all was looked at before."""

    def handle_raw_input(self, input_data, META, content_length, boundary, encoding=None):
        post, files = QueryDict(mutable=True, encoding=encoding), MultiValueDict()
        parts = Parser(LazyStream(ChunkIter(input_data, self.chunk_size)), boundary)
        for number, (kind, headers, content) in enumerate(parts):
            if number > MOST_PARTS:
                raise TooManyFieldsSent(f"The form has more than {MOST_PARTS} parts.")
            _, about = headers.get("content-disposition", ("", {}))
            name = force_str(about.get("name", b""), encoding, errors="replace").strip()
            if kind == FIELD and name:
                post.appendlist(name, force_str(content.read(), encoding, errors="replace"))
            elif kind == FILE and name:
                type_, _ = headers.get("content-type", ("application/octet-stream", {}))
                files.appendlist(name, SimpleUploadedFile(file_name(about, encoding), content.read(), type_.strip()))
        return post, files


def file_name(about, encoding) -> str:
    """Return the name of a file that was sent, without a folder."""
    name = force_str(about["filename"], encoding, errors="replace").replace("\\", "/").rpartition("/")[2]
    name = "".join(letter for letter in name if letter.isprintable())
    return "file" if name in ("", ".", "..") else name


def is_offered(provider) -> bool:
    """Whether a provider is known, and all that its calls are checked by is set."""
    known = PROVIDERS.get(provider)
    return known is not None and all(settings.ANYMAIL.get(name) for name in known.needs)


def said(status) -> HttpResponse:
    return HttpResponse(status=status, content_type="text/plain")
