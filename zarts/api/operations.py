"""How each call is declared: its address, its scope, what it answers; and whatever can go wrong with any of them."""

from typing import Annotated

from ninja import Header, NinjaAPI, Path
from pydantic import Field

from .callers import Bearer
from .problems import HANDLERS, Problem
from .words import LARGEST, Key

ABOUT = """Leads, messages and payment states, written by other programs.

Each call needs a token with the scope that it names. Each POST needs an Idempotency-Key: the same call again within a
day gets the same answer, and makes nothing. What cannot be done is answered by a problem document, and nothing of it
was written. What a token may read is described in the OpenAPI of the prepared reads."""

api = NinjaAPI(
    title="ZartsAlgo: write API", version="1", description=ABOUT, openapi_url=None, docs_url=None, urls_namespace="api"
)
for kind, handler in HANDLERS.items():
    api.add_exception_handler(kind, handler)

# What is said of a status, whichever call is answered by it.
TROUBLES = {
    400: "This is not JSON.",
    401: "There is no token, or one that does not work.",
    403: "The token’s scopes or its person’s rights do not cover it.",
    404: "What the address or the call names is not here, or nobody may see it with this token.",
    409: "The record is not ready for it, or the same call is being answered just now.",
    411: "The call has no Content-Length.",
    413: "The call is larger than 64 kB.",
    415: "The call is not application/json.",
    422: "A field is to be mended, or the Idempotency-Key came before with another call.",
    429: "The token wrote, or was refused, as often as it may be within an hour.",
}
OF_A_GET = (401, 403, 404, 422)
REPEATS = {
    "Location": "The address where it can be seen again.",
    "Idempotent-Replayed": "Is “true” where this is the answer that this call got before.",
}

Keyed = Annotated[
    Key,
    Header(
        alias="Idempotency-Key",
        description="A key of your own for this call, 1 to 200 plain letters, the same for each of its repeats.",
    ),
]
Numbered = Annotated[int, Path(description="Its number, as it was answered when it was made."), Field(ge=1, le=LARGEST)]


def writes(address: str, scope: str, made, name: str, summary: str):
    """Declare a call that writes."""
    told = {name: {"description": words, "schema": {"type": "string"}} for name, words in REPEATS.items()}
    return api.post(
        address,
        auth=Bearer(scope),
        response={201: made} | dict.fromkeys(TROUBLES, Problem),
        url_name=f"api_{name}",
        operation_id=name,
        summary=summary,
        openapi_extra={"x-scope": scope, "x-headers": told},
    )


def reads(address: str, scope: str, seen, name: str, summary: str):
    """Declare a call that shows how something stands now that was written here."""
    return api.get(
        address,
        auth=Bearer(scope),
        response={200: seen} | dict.fromkeys(OF_A_GET, Problem),
        url_name=f"api_{name}",
        operation_id=name,
        summary=summary,
        openapi_extra={"x-scope": scope},
    )
