"""A staff surface in which a test plants faults: what lies in its folder of templates goes before the real ones."""

import os

from zarts.settings import *  # noqa: F403
from zarts.settings import TEMPLATES

TEMPLATES[0]["DIRS"] = [os.environ["PLANTED"], *TEMPLATES[0]["DIRS"]]
TEMPLATES[0]["APP_DIRS"] = False
# Read anew for each page, so that a fault is there as soon as it is planted.
TEMPLATES[0]["OPTIONS"]["loaders"] = [
    "django.template.loaders.filesystem.Loader",
    "django.template.loaders.app_directories.Loader",
]
