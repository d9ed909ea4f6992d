"""Loaded before the settings: without servers of your own, the tests start theirs in .data/test."""

import gc
import os
from pathlib import Path

os.environ.setdefault("DATA_DIR", str(Path(__file__).resolve().parent.parent / ".data" / "test"))
os.environ.setdefault("EMBEDDED_FAST", "1")
os.environ.setdefault("EMAIL_URL", "smtp://127.0.0.1:2525")
os.environ.setdefault("MAIL_VOUCHED_BY", "mx.zarts.example")
# The driver's event loop must not keep Django from talking to the database in the same thread.
os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "1")

# A suite makes much and drops it at once: looking for rings among it took one second of twelve.
gc.set_threshold(100_000, 50, 100)
