"""The files that providers saved for the demo's people."""

import json
from datetime import timedelta

from django.utils import timezone

QUERIES = """Top queries,Clicks,Impressions,CTR,Position
grüne spur,412,980,42.04%,1.2
e-bike testen hamburg,38,2410,1.58%,7.9
e-bike probefahrt,21,1930,1.09%,9.4
e-bike leasing hamburg,6,1520,0.39%,18.7
lastenrad hamburg,2,2890,0.07%,26.1
"""


def lighthouse(page, *, load, score) -> bytes:
    """Return a Lighthouse report of a page on a phone, made two hours ago."""
    report = {
        "lighthouseVersion": "13.0.1",
        "fetchTime": (timezone.now() - timedelta(hours=2)).isoformat(),
        "finalDisplayedUrl": page,
        "configSettings": {"formFactor": "mobile"},
        "categories": {
            "performance": {"title": "Performance", "score": score},
            "seo": {"title": "SEO", "score": 0.83},
        },
        "audits": {
            "largest-contentful-paint": {"numericValue": load},
            "total-blocking-time": {"numericValue": 870},
            "cumulative-layout-shift": {"numericValue": 0.21},
            "total-byte-weight": {"numericValue": 4_812_300},
        },
    }
    return json.dumps(report).encode()
