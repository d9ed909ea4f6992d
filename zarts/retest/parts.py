"""What a retest needs on the machine on which it walks."""

import os
import sys
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from shutil import which

from .looking import BROWSERS

PARTS = {"playwright": "playwright", "axe_playwright_python": "axe-playwright-python"}
HOW = "pip install -r requirements/retest.txt"


def missing() -> str:
    """Return in a sentence what is missing here and how it is brought, or nothing."""
    lacks = [name for module, name in PARTS.items() if find_spec(module) is None]
    if lacks:
        are, them = ("is", "it") if len(lacks) == 1 else ("are", "them")
        return f"{' and '.join(lacks)} {are} not installed where this runs. Install {them}: {HOW}"
    if not any(map(which, BROWSERS)) and not own_browser():
        return (
            "There is no Chromium where this runs. Install it: apt install chromium, or "
            f"{Path(sys.executable).name} -m playwright install chromium"
        )
    return ""


def own_browser() -> bool:
    """Whether playwright brought a Chromium of its own."""
    folder = Path(os.environ.get("PLAYWRIGHT_BROWSERS_PATH") or Path.home() / ".cache" / "ms-playwright")
    return any(folder.glob("chromium*"))


def versions() -> dict:
    """Return the versions of what a page hangs on."""
    found = {"python": sys.version.split()[0]}
    for name in ("django", "django-unfold", "playwright", "axe-playwright-python"):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found
