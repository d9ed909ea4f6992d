"""The addresses of the prepared reads and each column, as OpenAPI 3.1: from the catalogue."""

from django.conf import settings

from .catalogue import VIEWS, View
from .reading import EXAMPLES, MOST, USUAL

TYPES = {
    "bigint": {"type": "integer", "format": "int64"},
    "integer": {"type": "integer", "format": "int32"},
    "numeric": {"type": "string", "format": "decimal"},
    "date": {"type": "string", "format": "date"},
    "timestamp": {"type": "string", "format": "date-time"},
    "time": {"type": "string"},
    "text": {"type": "string"},
    "boolean": {"type": "boolean"},
}
ENDINGS = {
    "": "Exactly this",
    "__gt": "More than this",
    "__gte": "This or more",
    "__lt": "Less than this",
    "__lte": "This or less",
    "__in": "One of these, with commas between",
    "__null": "Whether it is empty",
}
REFUSED = {
    "400": "Something in the address makes no sense.",
    "401": "Nobody is signed in, or the token does not work.",
    "403": "The token’s scopes or your role do not cover it.",
}


def document() -> dict:
    """Return the whole description."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "ZartsAlgo: prepared reads",
            "version": "1",
            "description": "Rows as JSON or CSV, oldest first, page by page. Each shows what whoever asks may see.",
        },
        "servers": [{"url": settings.SITE_URL}],
        "security": [{"token": []}],
        "tags": [{"name": name} for name in dict.fromkeys(view.source for view in VIEWS.values())],
        "paths": {
            f"{view.address}.{ending}": {"get": operation(view, ending)}
            for view in VIEWS.values()
            for ending in ("json", "csv")
        },
        "components": {
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
            "schemas": {view.table: row(view) for view in VIEWS.values()} | {"problem": PROBLEM},
            "responses": {
                status: {
                    "description": words,
                    "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/problem"}}},
                }
                for status, words in REFUSED.items()
            },
        },
    }


PROBLEM = {
    "type": "object",
    "required": ["detail", "see"],
    "properties": {
        "detail": {"type": "string", "description": "What is wrong, and what to do."},
        "see": {"type": "string", "description": "The page to read on."},
    },
}


def operation(view: View, ending: str) -> dict:
    page = {
        "type": "object",
        "required": ["rows", "next"],
        "properties": {
            "rows": {"type": "array", "items": {"$ref": f"#/components/schemas/{view.table}"}},
            "next": {"type": ["string", "null"], "description": "The address of the next page; null after the last."},
        },
    }
    content = {"application/json": {"schema": page}} if ending == "json" else {"text/csv": {"schema": TYPES["text"]}}
    return {
        "operationId": f"{view.table}_{ending}",
        "tags": [view.source],
        "summary": view.words,
        "description": f"A token needs the scope {view.scope}.",
        "parameters": parameters(view, ending),
        "responses": {
            "200": {"description": "The rows.", "content": content},
            "304": {"description": "As it was when it carried the ETag of If-None-Match."},
            **{status: {"$ref": f"#/components/responses/{status}"} for status in REFUSED},
        },
    }


def row(view: View) -> dict:
    return {
        "type": "object",
        "description": view.words,
        "properties": {
            column.name: {**nullable(TYPES.get(column.type, {})), "description": column.words}
            for column in view.columns.values()
        },
    }


def nullable(schema: dict) -> dict:
    return {**schema, "type": [schema["type"], "null"]} if "type" in schema else {}


def parameters(view: View, ending: str) -> list[dict]:
    """Return what can stand in the address."""
    all_rows = "" if ending == "json" else " Without it, a CSV has all rows."
    usual = {"default": USUAL} if ending == "json" else {}
    said = [
        ("limit", f"So many rows.{all_rows}", {"type": "integer", "minimum": 1, "maximum": MOST, **usual}),
        ("after", "The mark of a page, from “next” of the one before.", TYPES["text"]),
        ("fields", "Only these columns, with commas between.", TYPES["text"]),
    ]
    for column in view.columns.values():
        for name in column.filters:
            how = name.removeprefix(column.name)
            kind = "boolean" if how == "__null" else column.type
            schema = TYPES["text"] if how == "__in" else TYPES[kind]
            said.append((name, f"{ENDINGS[how]}: {EXAMPLES[kind]}. {column.words}", schema))
    return [
        {"name": name, "in": "query", "required": False, "description": words, "schema": schema}
        for name, words, schema in said
    ]
