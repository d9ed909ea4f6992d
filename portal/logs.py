"""What the logs of both surfaces may say."""

import logging
import re

TOKEN = re.compile(r"(/p/|/stop/|/portal/enter/|/portal/preview/|/calendar/)[^/\s?#]+")


class WithoutTokens(logging.Filter):
    """Take the tokens out of the addresses that Django writes down: whoever reads a log must not get in by it."""

    def filter(self, record):
        record.msg, record.args = TOKEN.sub(r"\1…", record.getMessage()), None
        return True


class WithoutWays(logging.Filter):
    """Leave out the way through our code that led to a refusal: that somebody may not is no fault of it."""

    def filter(self, record):
        if getattr(record, "status_code", None) == 403:
            record.exc_info = None
        return True
