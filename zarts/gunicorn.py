"""How gunicorn serves either surface: `gunicorn -c zarts/gunicorn.py zarts.wsgi`."""

import os
from pathlib import Path

from gunicorn.http import message

bind = os.environ.get("BIND", "0.0.0.0:8000")  # a container's own; the demo binds to this machine only
workers = int(os.environ.get("WEB_WORKERS", 2))
threads = int(os.environ.get("WEB_THREADS", 8))

# Each worker keeps its own connections, and no thread waits for one.
os.environ.setdefault("DATABASE_POOL", str(threads))

# What somebody pasted into an address is answered by a page of ours, in words; gunicorn's own end is at 8,190.
message.MAX_REQUEST_LINE = limit_request_line = 64 * 1024

timeout = 30
graceful_timeout = 5
keepalive = 5
max_requests, max_requests_jitter = 20_000, 2_000
accesslog = None  # the addresses hold single-use links
errorlog = "-"
control_socket_disable = True  # both surfaces would share one, and nobody asks for it
# A heartbeat in a file on a busy disk can stall, and a stalled heartbeat gets a healthy worker killed.
worker_tmp_dir = "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108
