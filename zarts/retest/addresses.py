"""Which pages there are, and which role may open which: from the addresses, and from what is written of roles."""

from typing import NamedTuple
from urllib.parse import urlsplit

from django.contrib.auth.models import Permission
from django.urls import Resolver404, get_resolver, resolve, reverse

from zarts.desk import roles

STAFF, PORTAL = "zarts.urls", "portal.urls"
# To open one of these writes something, as does whatever hands a list out: what leads there is not followed.
WRITES = {"notice_open", "own_takeout_download"}
HANDS_OUT = "_export"
# What a page fetches and puts into itself: by itself it is no page.
FRAGMENTS = {"find_now"}
# What is there in a demo alone.
OF_A_DEMO = {"mail"}
ANY_ROLE = "any role"


class Listed(NamedTuple):
    """A page that needs no record: its name, its address, and the right that opens it."""

    name: str
    path: str
    right: str


def patterns(urlconf) -> list:
    """Return (name, route) of every address that a urlconf answers."""

    def walk(resolver, namespace=""):
        for pattern in resolver.url_patterns:
            if hasattr(pattern, "url_patterns"):
                yield from walk(pattern, f"{namespace}{pattern.namespace}:" if pattern.namespace else namespace)
            else:
                yield f"{namespace}{pattern.name}", pattern

    return list(walk(get_resolver(urlconf)))


def writes(name) -> bool:
    """Whether to open an address of this name writes something."""
    return name in WRITES or name.endswith(HANDS_OUT)


def routes() -> list[str]:
    """Return every address there is, with a mark where it names a record."""

    def walk(resolver, before):
        for pattern in resolver.url_patterns:
            here = f"{before}{pattern.pattern}"
            yield from walk(pattern, here) if hasattr(pattern, "url_patterns") else [here.lower()]

    return [route for urlconf in (STAFF, PORTAL) for route in walk(get_resolver(urlconf), "/")]


def lists() -> list[Listed]:
    """Return every page of the staff surface that takes no argument and says which right opens it."""
    found = []
    for name, pattern in patterns(STAFF):
        if pattern.pattern.converters or pattern.pattern.regex.groupindex or writes(name):
            continue
        right = getattr(pattern.callback, "permission", "")
        if name.startswith("admin:") and name.endswith("_changelist"):
            app, model = name.removeprefix("admin:").removesuffix("_changelist").split("_", 1)
            right = f"{app}.view_{model}"
        if right:
            found.append(Listed(name, reverse(name, urlconf=STAFF), right))
    return found


def rights_of(user) -> set[str]:
    """Return what somebody may by what is written of their roles, whatever their groups hold just now."""
    written = {name for name in user.groups.values_list("name", flat=True) if name in roles.ROLES}
    return {
        f"{right.content_type.app_label}.{right.codename}"
        for right in Permission.objects.select_related("content_type")
        if any(roles.belongs(right, role, roles.ROLES[role]) for role in written)
    }


def opens(right, rights) -> bool:
    return right in rights or (right == ANY_ROLE and bool(rights))


def place_of(address, urlconf) -> str:
    """Return the name of the page at an address, whichever record it shows."""
    try:
        return resolve(urlsplit(address).path, urlconf=urlconf).view_name or "page"
    except Resolver404:
        return urlsplit(address).path[:120]
