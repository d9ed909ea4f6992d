"""The write API as OpenAPI 3.1: from the calls themselves, so that it cannot differ from them."""

from functools import cache

from django.conf import settings

from .operations import ABOUT, TROUBLES, api


@cache
def document() -> dict:
    """Return the whole description."""
    said = dict(api.get_openapi_schema(path_prefix="/api"))
    said["servers"] = [{"url": settings.SITE_URL}]
    said["info"] = {"title": api.title, "version": api.version, "description": ABOUT}
    said["externalDocs"] = {
        "url": f"{settings.SITE_URL}/reads/openapi.json",
        "description": "What programs read: the OpenAPI of the prepared reads.",
    }
    said["components"]["securitySchemes"] = {"Bearer": {"type": "http", "scheme": "bearer"}}
    for operation in operations(said):
        complete(operation)
    return said


def operations(said) -> list[dict]:
    return [operation for methods in said["paths"].values() for operation in methods.values()]


def complete(operation):
    """Say what is the same of every call: its scope, what each refusal means, and that those are problem documents."""
    operation["description"] += f" The token needs the scope {operation['x-scope']}."
    headers = operation.pop("x-headers", None)
    for status, answer in operation["responses"].items():
        if status in TROUBLES:
            answer["description"] = TROUBLES[status]
            answer["content"] = {"application/problem+json": answer["content"].pop("application/json")}
        else:
            answer["description"] = "What was made, as it stands now." if headers else "As it stands now."
            if headers:
                answer["headers"] = headers
